//! Files that lie in the folders of a watch: for whoever asks what waits, and takes nothing.

use std::fs;
use std::path::PathBuf;

use crate::trigger::WatchDefinition;

/// The files that a watch would look at, by name. Folders that cannot be read have none.
pub fn waiting(watch: &WatchDefinition) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = watch
        .patterns
        .iter()
        .filter_map(|pattern| Some((pattern, fs::read_dir(&pattern.folder).ok()?)))
        .flat_map(|(pattern, entries)| {
            let named = entries.flatten().filter(|entry| pattern.matches(&entry.file_name().to_string_lossy()));
            named.map(|entry| entry.path()).filter(|path| !path.is_dir())
        })
        .collect();
    files.sort();
    files.dedup();
    files
}
