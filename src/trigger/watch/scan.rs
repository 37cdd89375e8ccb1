//! Looking into watched folders: which files are ready, which are refused, which must settle.
//!
//! Only a scan decides; an event of the file system is no more than a reason to scan.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use crate::config::Ready;
use crate::trigger::WatchDefinition;
use crate::trigger::watch::{Identity, Pattern};

/// The ending of the empty file that marks its neighbour as complete: `NAME.done`.
pub(super) const MARKER: &str = ".done";

/// A file that is ready.
#[derive(Clone, Debug)]
pub struct Found {
    /// Where it stands.
    pub path: PathBuf,
    /// Its name.
    pub name: String,
    /// What it was when it was looked at.
    pub identity: Identity,
}

/// A file that matches and is not taken.
#[derive(Clone, Debug)]
pub struct Refused {
    /// Where it stands.
    pub path: PathBuf,
    /// What it was when it was looked at.
    pub identity: Identity,
    /// Why it is refused.
    pub reason: &'static str,
}

/// What one look at the folders of a watch found.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    /// Ready files, by name.
    pub ready: Vec<Found>,
    /// Files that are refused.
    pub refused: Vec<Refused>,
    /// When the first of those that must settle may have done so.
    pub settles: Option<Timestamp>,
    /// Folders that cannot be read, and why.
    pub problems: Vec<String>,
}

/// What was seen of files that have to stand still for a while.
#[derive(Debug, Default)]
pub struct Sightings(HashMap<PathBuf, (Identity, Timestamp)>);

impl Sightings {
    /// Looks into the folders of a watch. One `Sightings` serves one watch.
    pub fn scan(&mut self, watch: &WatchDefinition, now: Timestamp) -> Scan {
        let mut scan = Scan::default();
        let mut still = HashMap::new();
        for pattern in &watch.patterns {
            if let Err(error) = self.look(watch, pattern, now, &mut scan, &mut still) {
                let cure = if error.kind() == ErrorKind::NotFound { ": make the folder" } else { "" };
                let folder = pattern.folder.display();
                scan.problems.push(format!("watches.{}: {folder} cannot be read: {error}{cure}", watch.name));
            }
        }
        // Two patterns may mean the same file.
        scan.ready.sort_by(|one, other| one.path.cmp(&other.path));
        scan.ready.dedup_by(|one, other| one.path == other.path);
        scan.refused.sort_by(|one, other| one.path.cmp(&other.path));
        scan.refused.dedup_by(|one, other| one.path == other.path);
        self.0 = still;
        scan
    }

    fn look(
        &self,
        watch: &WatchDefinition,
        pattern: &Pattern,
        now: Timestamp,
        scan: &mut Scan,
        still: &mut HashMap<PathBuf, (Identity, Timestamp)>,
    ) -> std::io::Result<()> {
        for entry in fs::read_dir(&pattern.folder)? {
            let entry = entry?;
            let file_name = entry.file_name();
            let shown = file_name.to_string_lossy();
            let marker = watch.config.ready == Ready::Marker && shown.ends_with(MARKER);
            if marker || !pattern.matches(&shown) {
                continue;
            }
            // A file may go away between the listing and this look.
            let Ok(metadata) = fs::symlink_metadata(entry.path()) else { continue };
            if metadata.is_dir() {
                continue;
            }
            let (path, identity) = (entry.path(), Identity::from(&metadata));
            match refusal(&file_name, &metadata) {
                Err(reason) => scan.refused.push(Refused { path, identity, reason }),
                Ok(name) => match self.readiness(watch, &path, identity, now) {
                    Readiness::Ready => scan.ready.push(Found { path, name, identity }),
                    Readiness::Settles { since, at } => {
                        scan.settles = Some(scan.settles.map_or(at, |first| first.min(at)));
                        still.insert(path, (identity, since));
                    }
                    Readiness::Waits => {}
                },
            }
        }
        Ok(())
    }

    fn readiness(&self, watch: &WatchDefinition, path: &Path, identity: Identity, now: Timestamp) -> Readiness {
        match watch.config.ready {
            // Who chooses this renames files into place, so what is there is complete.
            Ready::Rename => Readiness::Ready,
            Ready::Marker if marker_of(path).is_file() => Readiness::Ready,
            Ready::Marker => Readiness::Waits,
            Ready::Settle => {
                let settle = SignedDuration::try_from(watch.config.settle).unwrap_or(SignedDuration::MAX);
                let since = match self.0.get(path) {
                    // A clock that was set back would have the file wait for the old time to return.
                    Some((seen, since)) if *seen == identity && *since <= now => *since,
                    _ => now,
                };
                match since.saturating_add(settle) {
                    Ok(at) if at <= now => Readiness::Ready,
                    Ok(at) => Readiness::Settles { since, at },
                    Err(_) => Readiness::Waits,
                }
            }
        }
    }
}

enum Readiness {
    Ready,
    Settles { since: Timestamp, at: Timestamp },
    Waits,
}

/// The marker of a file.
pub(super) fn marker_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(MARKER);
    PathBuf::from(name)
}

fn refusal(name: &OsStr, metadata: &Metadata) -> Result<String, &'static str> {
    if metadata.is_symlink() {
        return Err("it is a symbolic link: put the file itself there");
    }
    if !metadata.is_file() {
        return Err("it is not a regular file");
    }
    name.to_str().map(str::to_owned).ok_or("its name is not UTF-8: rename it")
}
