//! The watches of a project: which of them is due to be searched, and what the searches say.
//!
//! A search does all that touches watched folders, and may be run on any thread.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use crate::config::Overlap;
use crate::state::{State, StateError};
use crate::trigger::watch::{FolderId, Search, Searched, Sightings};
use crate::trigger::{Looked, WatchDefinition};

#[derive(Debug)]
struct Entry {
    definition: Arc<WatchDefinition>,
    /// What earlier searches saw.
    sightings: Sightings,
    /// When its folders are scanned next.
    scan: Timestamp,
    /// Until when it is not searched again, whatever happens.
    rest: Timestamp,
    /// Whether something has happened since the search that is under way began.
    is_stale: bool,
    /// The same of a folder in which no earlier search has looked, although this one may.
    heard_elsewhere: bool,
    folders: Vec<(PathBuf, FolderId)>,
    /// The problems that were told: each is told once, until it is gone.
    told: BTreeSet<String>,
}

/// The watches of a project.
#[derive(Debug)]
pub struct Watches {
    state: Arc<State>,
    entries: BTreeMap<String, Entry>,
    /// The watches whose search has not come back. One may have begun before the configuration changed.
    under_way: BTreeSet<String>,
    looked: Timestamp,
    /// Whether the system hints at changes.
    hears: bool,
    /// Watches with files to put away.
    ended: Mutex<BTreeSet<String>>,
}

impl Watches {
    /// The watches of these definitions.
    pub(super) fn open(state: Arc<State>, definitions: Vec<WatchDefinition>, now: Timestamp) -> Self {
        let entry = |definition| Entry {
            definition: Arc::new(definition),
            sightings: Sightings::default(),
            scan: now,
            rest: Timestamp::MIN,
            is_stale: false,
            heard_elsewhere: false,
            folders: Vec::new(),
            told: BTreeSet::new(),
        };
        let entries: BTreeMap<String, Entry> =
            definitions.into_iter().map(|definition| (definition.name.clone(), entry(definition))).collect();
        // What an earlier service has left is put away by the first search.
        Self { state, entries, under_way: BTreeSet::new(), looked: now, hears: true, ended: Mutex::default() }
    }

    /// Takes the place of the watches of a former configuration: their searches come back to these, and hints at the
    /// folders where they looked are heard until these have looked for themselves.
    pub fn succeed(&mut self, former: &mut Self) {
        self.under_way = std::mem::take(&mut former.under_way);
        self.hears = former.hears;
        for (name, entry) in &mut self.entries {
            entry.folders = former.entries.remove(name).map(|former| former.folders).unwrap_or_default();
        }
    }

    /// Says whether the system hints at changes. Where it does not, folders are polled.
    pub fn set_hearing(&mut self, hears: bool) {
        if self.hears && !hears {
            self.hint();
        }
        self.hears = hears;
    }

    /// Has a watch rest until then, whatever happens in its folders.
    pub fn rest(&mut self, name: &str, until: Timestamp) {
        if let Some(entry) = self.entries.get_mut(name) {
            entry.rest = until;
        }
    }

    /// Has the next look scan the folders of every watch.
    pub fn hint(&mut self) {
        self.entries.values_mut().for_each(Entry::hint);
    }

    /// Has the next look scan the folders of the watches that look into `folder`, or wait for it.
    pub fn hint_at(&mut self, folder: &Path) {
        for entry in self.entries.values_mut() {
            if entry.folders.iter().any(|(known, _)| known == folder) {
                entry.hint();
            } else {
                entry.heard_elsewhere = true;
            }
        }
    }

    /// The folders in which a change is a reason to look.
    pub fn watched(&self) -> impl Iterator<Item = &(PathBuf, FolderId)> {
        self.entries.values().flat_map(|entry| &entry.folders)
    }

    /// The files of an ended run are to be put away, if it was one of a watch.
    pub(super) fn run_ended(&self, watch: Option<String>) {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).extend(watch);
    }

    /// The searches that are due; each of them has to come back as [`Self::done`].
    pub fn due(&mut self, now: Timestamp) -> Vec<Search> {
        if now < self.looked {
            // A clock that was set back would have them wait for the old time to return.
            self.hint();
            self.entries.values_mut().for_each(|entry| entry.rest = Timestamp::MIN);
        }
        self.looked = now;
        let ended = self.ended.get_mut().unwrap_or_else(PoisonError::into_inner);
        let mut due = Vec::new();
        for (name, entry) in &mut self.entries {
            let scans = entry.scan <= now;
            // One after the other: two that find the same file would quarrel over it.
            if entry.rest > now || (!scans && !ended.contains(name)) || !self.under_way.insert(name.clone()) {
                continue;
            }
            let sightings = std::mem::take(&mut entry.sightings);
            ended.remove(name);
            (entry.is_stale, entry.heard_elsewhere) = (false, false);
            let (definition, state) = (Arc::clone(&entry.definition), Arc::clone(&self.state));
            due.push(Search { definition, state, sightings, now, scans, hears: self.hears });
        }
        due
    }

    /// Takes in what a search has found. Problems that were told before are left out.
    ///
    /// # Errors
    /// What the database refused; what was not written is dealt with by the next search.
    pub fn done(&mut self, searched: Searched) -> Result<Looked, StateError> {
        self.under_way.remove(searched.name());
        let entry = self.entries.get_mut(searched.name());
        // One that looked by a former definition says nothing of what this one has to do.
        let Some(entry) = entry.filter(|entry| Arc::ptr_eq(&entry.definition, &searched.definition)) else {
            return searched.done;
        };
        entry.sightings = searched.sightings;
        let has_scanned = searched.scanned.is_some();
        if let Some(scanned) = searched.scanned {
            if let Some(folders) = scanned.folders {
                entry.is_stale |= entry.heard_elsewhere && folders.iter().any(|folder| !entry.folders.contains(folder));
                entry.folders = folders;
            }
            entry.scan = if entry.is_stale { Timestamp::MIN } else { scanned.next };
        }
        let mut looked = searched.done?;
        let problems: BTreeSet<String> = looked.problems.drain(..).collect();
        looked.problems = problems.difference(&entry.told).cloned().collect();
        if has_scanned {
            entry.told = problems;
        } else {
            entry.told.extend(problems);
        }
        Ok(looked)
    }

    /// Does every search that is due, one after the other.
    ///
    /// # Errors
    /// As [`Self::done`].
    pub fn look(&mut self, now: Timestamp) -> Result<Looked, StateError> {
        let mut looked = Looked::default();
        for search in self.due(now) {
            let found = self.done(search.run(&|| {}))?;
            looked.queued.extend(found.queued);
            looked.missed.extend(found.missed);
            looked.problems.extend(found.problems);
        }
        Ok(looked)
    }

    /// When a search is due next; none without watches, or while all of them are searched.
    pub fn next(&self) -> Option<Timestamp> {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let resting = self.entries.iter().filter(|(name, _)| !self.under_way.contains(*name));
        let next = |(name, entry): (&String, &Entry)| {
            if ended.contains(name) { entry.rest } else { entry.scan.max(entry.rest) }
        };
        resting.map(next).min()
    }

    /// The definition of one.
    pub fn get(&self, name: &str) -> Option<&WatchDefinition> {
        self.entries.get(name).map(|entry| &*entry.definition)
    }

    /// Their rules on overlap.
    pub(super) fn overlaps(&self) -> impl Iterator<Item = Overlap> {
        self.entries.values().map(|entry| entry.definition.config.overlap)
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }
}

impl Entry {
    fn hint(&mut self) {
        self.scan = Timestamp::MIN;
        self.is_stale = true;
    }
}
