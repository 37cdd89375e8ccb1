//! The watches of a project: when folders are looked into, and claiming the files that are ready.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::config::Overlap;
use crate::state::{State, StateError};
use crate::trigger::watch::{Sightings, bring_all, claim_all, refuse_all};
use crate::trigger::{Looked, WatchDefinition, ledger};

/// Folders are scanned this often even without a hint.
const RESCAN: SignedDuration = SignedDuration::from_mins(5);

/// The same, while something stands in the way: a folder that is not there, a file that cannot be moved.
const RETRY: SignedDuration = SignedDuration::from_secs(30);

#[derive(Debug)]
struct Entry {
    definition: WatchDefinition,
    sightings: Sightings,
}

/// The watches of a project.
#[derive(Debug)]
pub struct Watches {
    state: Arc<State>,
    entries: BTreeMap<String, Entry>,
    looked: Timestamp,
    /// When folders are scanned next; none without watches.
    scan: Option<Timestamp>,
}

impl Watches {
    /// The watches of these definitions.
    pub(super) fn open(state: Arc<State>, definitions: Vec<WatchDefinition>, now: Timestamp) -> Self {
        let scan = (!definitions.is_empty()).then_some(now);
        let entries = definitions
            .into_iter()
            .map(|definition| (definition.name.clone(), Entry { definition, sightings: Sightings::default() }))
            .collect();
        Self { state, entries, looked: now, scan }
    }

    /// Has the next look scan the folders.
    pub fn hint(&mut self) {
        self.scan = self.scan.map(|_| Timestamp::MIN);
    }

    /// The folders to watch for hints.
    pub fn folders(&self) -> Vec<PathBuf> {
        self.entries.values().flat_map(|entry| entry.definition.folders()).collect()
    }

    /// Claims every file that is ready, durably, if folders are due to be scanned.
    ///
    /// # Errors
    /// What the database refuses; what was not written is dealt with by the next look.
    pub fn look(&mut self, now: Timestamp) -> Result<Looked, StateError> {
        let turned_back = now < self.looked;
        self.looked = now;
        if turned_back || self.scan.is_some_and(|at| at <= now) { self.scan(now) } else { Ok(Looked::default()) }
    }

    fn scan(&mut self, now: Timestamp) -> Result<Looked, StateError> {
        let mut looked = Looked::default();
        let later = |wait| now.saturating_add(wait).unwrap_or(Timestamp::MAX);
        let mut next = later(RESCAN);
        for entry in self.entries.values_mut() {
            let name = &entry.definition.name;
            let standing = self.state.with(|connection| ledger::standing(connection, name))?;
            if standing.is_some_and(|standing| standing.paused) {
                continue;
            }
            let scan = entry.sightings.scan(&entry.definition, now);
            looked.missed.extend(refuse_all(&self.state, name, &scan.refused, now)?);
            if !scan.ready.is_empty() {
                looked.queued.extend(claim_all(&self.state, &entry.definition, &scan.ready, now)?);
            }
            looked.problems.extend(scan.problems);
            next = scan.settles.map_or(next, |settles| next.min(settles));
        }
        looked.problems.extend(bring_all(&self.state, false)?);
        if !looked.problems.is_empty() {
            next = next.min(later(RETRY));
        }
        self.scan = (!self.entries.is_empty()).then_some(next);
        Ok(looked)
    }

    /// When folders are scanned next; none without watches.
    pub fn next(&self) -> Option<Timestamp> {
        self.scan
    }

    /// The definition of one.
    pub fn get(&self, name: &str) -> Option<&WatchDefinition> {
        self.entries.get(name).map(|entry| &entry.definition)
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
