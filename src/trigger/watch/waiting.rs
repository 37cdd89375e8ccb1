//! Files that lie in the folders of a watch: for whoever asks what waits, and takes nothing.

use std::path::PathBuf;

use super::walk::{Walked, walk};
use crate::trigger::WatchDefinition;

/// The files that a watch would look at, by name. Folders that cannot be read have none.
pub fn waiting(watch: &WatchDefinition) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for pattern in &watch.patterns {
        walk(pattern, None, &mut Walked::default(), &mut |folder, name| files.push(folder.path.join(name)));
    }
    files.sort();
    files.dedup();
    files
}
