//! Looking into watched folders: which files are ready, which are refused, which must settle.
//!
//! Only a scan decides; an event of the file system is no more than a reason to scan.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use rustix::fs::Stat;

use super::folder::{FileType, Folder, FolderId};
use super::walk::{Walked, walk};
use crate::config::Ready;
use crate::identity::Identity;
use crate::trigger::WatchDefinition;

/// The ending of the empty file that marks its neighbour as complete: `NAME.done`.
const MARKER: &str = ".done";

/// How long a file may have a second name: some programs give it its final one by a link, and then take
/// the first away.
const LINKED: SignedDuration = SignedDuration::from_secs(2);

/// A file that is ready.
#[derive(Clone, Debug)]
pub struct Found {
    /// Where it stands.
    pub path: PathBuf,
    /// Its name.
    pub name: String,
    /// What it was when it was looked at.
    pub identity: Identity,
    /// How many runs led to it, each started by a file of the one before.
    pub depth: u64,
}

/// A file that matches and is not taken.
#[derive(Clone, Debug)]
pub struct Refused {
    /// Where it stands.
    pub path: PathBuf,
    /// What it was when it was looked at.
    pub identity: Identity,
    /// Why it is refused, with the cure.
    pub reason: Cow<'static, str>,
}

/// What one look at the folders of a watch found.
#[derive(Debug, Default)]
pub struct Scan {
    /// Ready files, by name.
    pub ready: Vec<Found>,
    /// Files that are refused.
    pub refused: Vec<Refused>,
    /// When the first of those that must settle may have done so.
    pub settles: Option<Timestamp>,
    /// What cannot be looked into, and why.
    pub problems: Vec<String>,
    /// The folders that were looked into.
    pub folders: Vec<(PathBuf, FolderId)>,
    /// Folders of the configuration that are not there.
    pub missing: Vec<PathBuf>,
}

/// What was seen of the files of one watch, and is not worth another look yet.
#[derive(Debug, Default)]
pub struct Sightings {
    /// Files that have to stand still for a while, and since when they do.
    still: HashMap<PathBuf, (Identity, Timestamp)>,
    /// Files that are ready and wait for others, and since when they do.
    waiting: HashMap<PathBuf, (Identity, Timestamp)>,
    /// Files that were dealt with, and stay where they are.
    settled: HashMap<PathBuf, Identity>,
}

impl Sightings {
    /// Looks into the folders of a watch, but not into the one with the id `avoid`. One `Sightings` serves
    /// one watch.
    pub fn scan(&mut self, watch: &WatchDefinition, avoid: Option<FolderId>, now: Timestamp) -> Scan {
        let mut look = Look { watch, now, before: std::mem::take(self), after: self, scan: Scan::default() };
        let mut walked = Walked::default();
        for pattern in &watch.patterns {
            walk(pattern, avoid, &mut walked, &mut |folder, name| look.judge(folder, name));
        }
        let mut scan = look.scan;
        // Two patterns may mean the same file.
        scan.ready.sort_by(|one, other| one.path.cmp(&other.path));
        scan.ready.dedup_by(|one, other| one.path == other.path);
        scan.refused.sort_by(|one, other| one.path.cmp(&other.path));
        scan.refused.dedup_by(|one, other| one.path == other.path);
        scan.folders = walked.folders;
        scan.missing = walked.missing;
        scan.problems = walked.problems;
        scan
    }

    /// Since when a ready file has waited for others.
    pub(super) fn waits_since(&mut self, found: &Found, now: Timestamp) -> Timestamp {
        match self.waiting.get(&found.path) {
            Some((seen, since)) if *seen == found.identity && *since <= now => *since,
            _ => {
                self.waiting.insert(found.path.clone(), (found.identity, now));
                now
            }
        }
    }

    /// From now on a file is passed over, until it changes.
    pub fn settle(&mut self, path: &Path, identity: Identity) {
        self.settled.insert(path.to_owned(), identity);
    }
}

/// One scan under way.
struct Look<'a> {
    watch: &'a WatchDefinition,
    now: Timestamp,
    before: Sightings,
    after: &'a mut Sightings,
    scan: Scan,
}

impl Look<'_> {
    fn judge(&mut self, folder: &Folder, name: &OsStr) {
        if self.watch.config.ready == Ready::Marker && name.to_string_lossy().ends_with(MARKER) {
            return;
        }
        // A file may go away between the listing and this look.
        let Ok(stat) = folder.look(name) else { return };
        let (path, identity) = (folder.path.join(name), Identity::from(&stat));
        if self.before.settled.get(&path) == Some(&identity) {
            self.after.settled.insert(path, identity);
            return;
        }
        let shown = match refusal(name, &stat) {
            Ok(shown) => shown,
            Err(reason) => return self.refuse(path, identity, reason),
        };
        let since = self.still_since(&path, identity);
        if stat.st_nlink > 1 {
            let reason = "it has another name as well (a hard link), through which it could be changed: copy it";
            if self.wait(&path, identity, since, LINKED) {
                self.refuse(path, identity, reason);
            }
            return;
        }
        let is_ready = match self.watch.config.ready {
            // Who chooses this renames files into place, so what is there is complete.
            Ready::Rename => true,
            Ready::Marker => {
                folder.look(&marker_of(name)).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode).is_file())
            }
            Ready::Settle => {
                let settle = SignedDuration::try_from(self.watch.config.settle).unwrap_or(SignedDuration::MAX);
                self.wait(&path, identity, since, settle)
            }
        };
        if !is_ready {
            return;
        }
        match folder.read(name) {
            Ok(_) => {
                if let Some(waiting) = self.before.waiting.remove(&path) {
                    self.after.waiting.insert(path.clone(), waiting);
                }
                self.scan.ready.push(Found { path, name: shown, identity, depth: 0 });
            }
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                let reason = "the user of beadle may not read it: give it the right, with chmod or setfacl";
                self.refuse(path, identity, reason);
            }
            // It has gone away, or become something else.
            Err(_) => {}
        }
    }

    fn refuse(&mut self, path: PathBuf, identity: Identity, reason: &'static str) {
        self.scan.refused.push(Refused { path, identity, reason: reason.into() });
    }

    /// Since when a file has been as it is.
    fn still_since(&self, path: &Path, identity: Identity) -> Timestamp {
        match self.before.still.get(path) {
            // A clock that was set back would have the file wait for the old time to return.
            Some((seen, since)) if *seen == identity && *since <= self.now => *since,
            _ => self.now,
        }
    }

    /// Whether a file has been as it is for so long. One that has not is looked at again when it may have.
    fn wait(&mut self, path: &Path, identity: Identity, since: Timestamp, length: SignedDuration) -> bool {
        self.after.still.insert(path.to_owned(), (identity, since));
        let Ok(at) = since.saturating_add(length) else { return false };
        if at > self.now {
            self.scan.settles = Some(self.scan.settles.map_or(at, |first| first.min(at)));
        }
        at <= self.now
    }
}

/// The marker of a file.
pub(super) fn marker_of(name: &OsStr) -> OsString {
    let mut marker = name.to_owned();
    marker.push(MARKER);
    marker
}

fn refusal(name: &OsStr, stat: &Stat) -> Result<String, &'static str> {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => name.to_str().map(str::to_owned).ok_or("its name is not UTF-8: rename it"),
        FileType::Symlink => Err("it is a symbolic link: put the file itself there"),
        FileType::Fifo => Err("it is a pipe and no file: put a file there"),
        FileType::Socket => Err("it is a socket and no file: put a file there"),
        _ => Err("it is a device and no file: put a file there"),
    }
}
