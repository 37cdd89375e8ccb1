//! The schedules of a project: which is due next, and settling those that are.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::Connection;

use crate::config::Overlap;
use crate::state::{State, StateError};
use crate::trigger::decide::{CORRECTION, owed_from};
use crate::trigger::settle::settle;
use crate::trigger::{Looked, ScheduleDefinition, ledger, queue};

#[derive(Debug)]
struct Entry {
    definition: ScheduleDefinition,
    next: Option<Timestamp>,
}

/// The schedules of a project.
#[derive(Debug)]
pub struct Schedules {
    state: Arc<State>,
    entries: BTreeMap<String, Entry>,
    looked: Timestamp,
    /// When the first of them is due: most looks come before it, and cost no more than this comparison.
    first: Option<Timestamp>,
}

impl Schedules {
    /// The schedules of these definitions, and when each is due next.
    ///
    /// # Errors
    /// What the database refuses.
    pub(super) fn open(
        state: Arc<State>,
        definitions: Vec<ScheduleDefinition>,
        now: Timestamp,
    ) -> Result<Self, StateError> {
        let since = |connection: &Connection, definition: &ScheduleDefinition| {
            Ok(ledger::standing(connection, &definition.name)?.map_or(now, |standing| standing.since))
        };
        let sinces = state.with(|connection| {
            definitions.iter().map(|definition| since(connection, definition)).collect::<rusqlite::Result<Vec<_>>>()
        })?;
        let entry = |(definition, since): (ScheduleDefinition, Timestamp)| {
            let next = definition.schedule.next_after(owed_from(since, now)).map(|due| due.at);
            (definition.name.clone(), Entry { definition, next })
        };
        let entries = definitions.into_iter().zip(sinces).map(entry).collect();
        let mut schedules = Self { state, entries, looked: now, first: None };
        schedules.find_first();
        Ok(schedules)
    }

    /// Deals with every instant that fell due, durably. Of a very long stretch it counts a part;
    /// [`Self::next`] then says to look again at once.
    ///
    /// # Errors
    /// What the database refuses; what was not written is dealt with by the next look.
    pub fn look(&mut self, now: Timestamp) -> Result<Looked, StateError> {
        let turned_back = now < self.looked;
        if turned_back {
            // What was queued while the clock was far ahead must not wait until it is there again.
            let latest = now.saturating_add(CORRECTION).unwrap_or(now);
            self.state.with(|connection| queue::hasten(connection, now, latest))?;
        } else if self.first.is_none_or(|first| first > now) {
            self.looked = now;
            return Ok(Looked::default());
        }
        let is_due = |entry: &Entry| turned_back || entry.next.is_some_and(|next| next <= now);
        let names: Vec<String> =
            self.entries.iter().filter(|(_, entry)| is_due(entry)).map(|(name, _)| name.clone()).collect();
        let looked = self.settle(&names, now)?;
        // A look that fails has not seen that the clock was set back.
        self.looked = now;
        Ok(looked)
    }

    /// Deals with what the schedules of these names owe.
    pub(super) fn settle(&mut self, names: &[String], now: Timestamp) -> Result<Looked, StateError> {
        let mut looked = Looked::default();
        if names.is_empty() {
            return Ok(looked);
        }
        let entries = &self.entries;
        let settled = self.state.transaction(|transaction| {
            let due = names.iter().filter_map(|name| entries.get(name));
            due.map(|entry| settle(transaction, &entry.definition, now)).collect::<rusqlite::Result<Vec<_>>>()
        })?;
        for settled in settled {
            looked.queued.extend(settled.queued);
            looked.missed.extend(settled.missed);
            if let Some(entry) = self.entries.get_mut(&settled.name) {
                entry.next = entry.definition.schedule.next_after(settled.since).map(|due| due.at);
            }
        }
        // Seen by whoever asks for one schedule: the clock has come this far.
        self.looked = self.looked.max(now);
        self.find_first();
        Ok(looked)
    }

    fn find_first(&mut self) {
        self.first = self.entries.values().filter_map(|entry| entry.next).min();
    }

    /// When the first of them is due.
    pub fn next(&self) -> Option<Timestamp> {
        self.first
    }

    /// When one of them is due, as far as what is owed has been dealt with.
    pub(super) fn next_of(&self, name: &str) -> Option<Timestamp> {
        self.entries.get(name)?.next
    }

    /// Their rules on overlap.
    pub(super) fn overlaps(&self) -> impl Iterator<Item = Overlap> {
        self.entries.values().map(|entry| entry.definition.config.overlap)
    }

    /// The definition of one.
    pub fn get(&self, name: &str) -> Option<&ScheduleDefinition> {
        self.entries.get(name).map(|entry| &entry.definition)
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }
}
