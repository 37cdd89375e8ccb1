//! The schedules of a project: which is due next, and settling those that are.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::Connection;

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
}

impl Schedules {
    /// Makes definitions known: a new or changed one owes from `now` on, others since their last due.
    ///
    /// # Errors
    /// What the database refuses.
    pub(super) fn open(
        state: Arc<State>,
        definitions: Vec<ScheduleDefinition>,
        now: Timestamp,
    ) -> Result<Self, StateError> {
        let load = |connection: &Connection, definition: &ScheduleDefinition| {
            ledger::load(connection, &definition.name, &definition.digest(), now)?;
            Ok(ledger::standing(connection, &definition.name)?.map_or(now, |standing| standing.since))
        };
        let sinces = state.transaction(|transaction| {
            definitions.iter().map(|definition| load(transaction, definition)).collect::<rusqlite::Result<Vec<_>>>()
        })?;
        let entry = |(definition, since): (ScheduleDefinition, Timestamp)| {
            let next = definition.schedule.next_after(owed_from(since, now)).map(|due| due.at);
            (definition.name.clone(), Entry { definition, next })
        };
        let entries = definitions.into_iter().zip(sinces).map(entry).collect();
        Ok(Self { state, entries, looked: now })
    }

    /// Deals with every instant that fell due, durably. Of a very long stretch it counts a part;
    /// [`Self::next`] then says to look again at once.
    ///
    /// # Errors
    /// What the database refuses; what was not written is dealt with by the next look.
    pub fn look(&mut self, now: Timestamp) -> Result<Looked, StateError> {
        let turned_back = now < self.looked;
        self.looked = now;
        if turned_back {
            // What was queued while the clock was far ahead must not wait until it is there again.
            let latest = now.saturating_add(CORRECTION).unwrap_or(now);
            self.state.with(|connection| queue::hasten(connection, now, latest))?;
        }
        let is_due = |entry: &Entry| turned_back || entry.next.is_some_and(|next| next <= now);
        let names: Vec<String> =
            self.entries.iter().filter(|(_, entry)| is_due(entry)).map(|(name, _)| name.clone()).collect();
        self.settle(&names, now)
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
        Ok(looked)
    }

    /// When the first of them is due.
    pub fn next(&self) -> Option<Timestamp> {
        self.entries.values().filter_map(|entry| entry.next).min()
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
