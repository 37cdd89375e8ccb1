//! All triggers of a project, as the service and the command line use them. Time is passed in.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::config::Overlap;
use crate::nearest;
use crate::state::{State, StateError};
use crate::trigger::decide::owed_from;
use crate::trigger::settle::settle;
use crate::trigger::watch::{Sightings, bring_all, claim_all, dispose_all, refuse_all};
use crate::trigger::{
    Account, Firing, FiringKind, LedgerRow, Outcome, ScheduleDefinition, Standing, WatchDefinition, ledger, queue,
};

/// Folders are scanned this often even without a hint.
const RESCAN: SignedDuration = SignedDuration::from_mins(5);

/// The same, while something stands in the way: a folder that is not there, a file that cannot be moved.
const RETRY: SignedDuration = SignedDuration::from_secs(30);

/// A trigger cannot do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum TriggerError {
    /// The state database refuses.
    #[error(transparent)]
    State(#[from] StateError),
    /// There is no trigger of this name.
    #[error("there is no trigger '{name}'.{hint} `beadle triggers list` shows them all")]
    Unknown {
        /// The name.
        name: String,
        /// The nearest name, if one is near.
        hint: String,
    },
    /// A watch needs a file.
    #[error("'{0}' is a watch: put a file into its folder instead")]
    NeedsFile(String),
}

/// What a look at all triggers did.
#[derive(Debug, Default)]
pub struct Polled {
    /// The firings that were queued.
    pub queued: Vec<Firing>,
    /// What could not be done, with the cure; it is tried again at a later look.
    pub problems: Vec<String>,
}

#[derive(Debug)]
struct ScheduleEntry {
    definition: ScheduleDefinition,
    next: Option<Timestamp>,
}

#[derive(Debug)]
struct WatchEntry {
    definition: WatchDefinition,
    sightings: Sightings,
}

/// All triggers of a project.
#[derive(Debug)]
pub struct Triggers {
    state: Arc<State>,
    schedules: BTreeMap<String, ScheduleEntry>,
    watches: BTreeMap<String, WatchEntry>,
    polled: Timestamp,
    /// When folders are scanned next; none without watches.
    scan: Option<Timestamp>,
}

impl Triggers {
    /// Makes definitions known: a new or changed one owes from `now` on, others since their last due.
    ///
    /// # Errors
    /// What the database refuses.
    pub fn open(
        state: Arc<State>,
        schedules: Vec<ScheduleDefinition>,
        watches: Vec<WatchDefinition>,
        now: Timestamp,
    ) -> Result<Self, TriggerError> {
        let sinces = state.transaction(|transaction| {
            for watch in &watches {
                ledger::load(transaction, &watch.name, &watch.digest(), now)?;
            }
            let mut sinces = Vec::new();
            for schedule in &schedules {
                ledger::load(transaction, &schedule.name, &schedule.digest(), now)?;
                sinces.push(ledger::standing(transaction, &schedule.name)?.map_or(now, |standing| standing.since));
            }
            Ok(sinces)
        })?;
        let entry = |(definition, since): (ScheduleDefinition, Timestamp)| {
            let next = definition.schedule.next_after(owed_from(since, now)).map(|due| due.at);
            (definition.name.clone(), ScheduleEntry { definition, next })
        };
        let scan = (!watches.is_empty()).then_some(now);
        let watches = watches
            .into_iter()
            .map(|definition| (definition.name.clone(), WatchEntry { definition, sightings: Sightings::default() }))
            .collect();
        let schedules = schedules.into_iter().zip(sinces).map(entry).collect();
        Ok(Self { state, schedules, watches, polled: now, scan })
    }

    /// Repairs what a service that died left behind: firings taken but not started are queued again,
    /// claimed files are brought into the work folder, files of succeeded runs are put away. For
    /// the one service of a state folder, at its start. Answers with what could not be repaired.
    ///
    /// # Errors
    /// What the database refuses.
    pub fn recover(&self) -> Result<Vec<String>, TriggerError> {
        self.state.with(queue::put_back)?;
        let mut problems = bring_all(&self.state, true)?;
        problems.extend(dispose_all(&self.state)?);
        Ok(problems)
    }

    /// When to look again. It knows nothing of firings that wait for another one to end.
    ///
    /// # Errors
    /// What the database refuses.
    pub fn next_wake(&self, now: Timestamp) -> Result<Option<Timestamp>, TriggerError> {
        let start = self.state.with(|connection| queue::next_start(connection, now))?;
        let due = self.schedules.values().filter_map(|entry| entry.next).min();
        Ok([start, due, self.scan].into_iter().flatten().min())
    }

    /// Has the next look scan the folders.
    pub fn hint(&mut self) {
        self.scan = self.scan.map(|_| Timestamp::MIN);
    }

    /// The folders to watch for hints.
    pub fn folders(&self) -> Vec<PathBuf> {
        self.watches.values().flat_map(|entry| entry.definition.folders()).collect()
    }

    /// Deals with every instant that fell due and every file that is ready, durably. Of a very long
    /// stretch it counts a part; [`Self::next_wake`] then says to look again at once.
    ///
    /// # Errors
    /// What the database refuses; what was not written is dealt with by the next look.
    pub fn poll(&mut self, now: Timestamp) -> Result<Polled, TriggerError> {
        let turned_back = now < self.polled;
        self.polled = now;
        let names: Vec<String> = self
            .schedules
            .iter()
            .filter(|(_, entry)| turned_back || entry.next.is_some_and(|next| next <= now))
            .map(|(name, _)| name.clone())
            .collect();
        let mut polled = Polled { queued: self.settle(&names, now)?, problems: Vec::new() };
        if turned_back || self.scan.is_some_and(|at| at <= now) {
            self.scan(now, &mut polled)?;
        }
        Ok(polled)
    }

    fn settle(&mut self, names: &[String], now: Timestamp) -> Result<Vec<Firing>, TriggerError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let schedules = &self.schedules;
        let settled = self.state.transaction(|transaction| {
            let due = names.iter().filter_map(|name| schedules.get(name));
            due.map(|entry| settle(transaction, &entry.definition, now)).collect::<rusqlite::Result<Vec<_>>>()
        })?;
        let mut queued = Vec::new();
        for settled in settled {
            queued.extend(settled.queued);
            if let Some(entry) = self.schedules.get_mut(&settled.name) {
                entry.next = entry.definition.schedule.next_after(settled.since).map(|due| due.at);
            }
        }
        Ok(queued)
    }

    fn scan(&mut self, now: Timestamp, polled: &mut Polled) -> Result<(), TriggerError> {
        let later = |wait| now.saturating_add(wait).unwrap_or(Timestamp::MAX);
        let mut next = later(RESCAN);
        for entry in self.watches.values_mut() {
            let name = &entry.definition.name;
            let standing = self.state.with(|connection| ledger::standing(connection, name))?;
            if standing.is_some_and(|standing| standing.paused) {
                continue;
            }
            let scan = entry.sightings.scan(&entry.definition, now);
            refuse_all(&self.state, name, &scan.refused, now)?;
            if !scan.ready.is_empty() {
                polled.queued.extend(claim_all(&self.state, &entry.definition, &scan.ready, now)?);
            }
            polled.problems.extend(scan.problems);
            next = scan.settles.map_or(next, |settles| next.min(settles));
        }
        polled.problems.extend(bring_all(&self.state, false)?);
        if !polled.problems.is_empty() {
            next = next.min(later(RETRY));
        }
        self.scan = (!self.watches.is_empty()).then_some(next);
        Ok(())
    }

    /// Takes up to `limit` firings to start now, the oldest first. Of a trigger whose runs do not
    /// go in parallel it gives one, and none while another runs; late ones are skipped here.
    ///
    /// # Errors
    /// What the database refuses; nothing is taken then.
    pub fn take_queued(&self, now: Timestamp, limit: usize) -> Result<Vec<Firing>, TriggerError> {
        let overlap = |name: &str| self.overlap(name);
        Ok(self.state.transaction(|transaction| queue::take(transaction, now, limit, &overlap))?)
    }

    /// Skips a firing that was taken, because its run cannot be made; `reason` stands in the ledger.
    ///
    /// # Errors
    /// What the database refuses.
    pub fn skip(&self, firing: &str, reason: &str) -> Result<(), TriggerError> {
        Ok(self.state.transaction(|transaction| queue::drop_queued(transaction, firing, reason))?)
    }

    fn overlap(&self, name: &str) -> Option<Overlap> {
        let schedule = self.schedules.get(name).map(|entry| entry.definition.config.overlap);
        schedule.or_else(|| self.watches.get(name).map(|entry| entry.definition.config.overlap))
    }

    /// Records that the run `run` of a firing exists. From then on a restart does not queue it again.
    ///
    /// # Errors
    /// What the database refuses.
    pub fn started(&self, firing: &str, run: &str, now: Timestamp) -> Result<(), TriggerError> {
        Ok(self.state.transaction(|transaction| queue::started(transaction, firing, run, now))?)
    }

    /// Records how a run ended (again, if it was resumed), and puts its file away if it succeeded.
    /// Answers with what could not be put away.
    ///
    /// # Errors
    /// What the database refuses.
    pub fn ended(&self, firing: &str, outcome: Outcome, now: Timestamp) -> Result<Vec<String>, TriggerError> {
        self.state.transaction(|transaction| queue::ended(transaction, firing, outcome, now))?;
        Ok(dispose_all(&self.state)?)
    }

    /// Firings that were started and have not ended, and their runs.
    ///
    /// # Errors
    /// What the database refuses.
    pub fn unended(&self) -> Result<Vec<(Firing, String)>, TriggerError> {
        Ok(self.state.with(queue::unended)?)
    }

    /// Those of [`Self::unended`] that a waiting firing of a `cancel-old` trigger wants out of its way.
    ///
    /// # Errors
    /// What the database refuses.
    pub fn to_cancel(&self, now: Timestamp) -> Result<Vec<(Firing, String)>, TriggerError> {
        let waiting = self.state.with(|connection| queue::waiting(connection, now))?;
        let mut old = self.unended()?;
        old.retain(|(firing, _)| {
            self.overlap(&firing.trigger) == Some(Overlap::CancelOld) && waiting.contains(&firing.trigger)
        });
        Ok(old)
    }

    /// Pauses a trigger: from `now` on its instants are skipped, its files are left where they are.
    ///
    /// # Errors
    /// There is no such trigger, or what the database refuses.
    pub fn pause(&mut self, name: &str, now: Timestamp) -> Result<(), TriggerError> {
        self.set_paused(name, true, now)
    }

    /// Ends a pause. What fell due within it stays skipped.
    ///
    /// # Errors
    /// As [`Self::pause`].
    pub fn resume(&mut self, name: &str, now: Timestamp) -> Result<(), TriggerError> {
        self.set_paused(name, false, now)
    }

    fn set_paused(&mut self, name: &str, paused: bool, now: Timestamp) -> Result<(), TriggerError> {
        self.known(name)?;
        // What fell due before belongs to the time before.
        self.settle(&[name.to_owned()], now)?;
        self.state.with(|connection| ledger::set_paused(connection, name, paused))?;
        self.hint();
        Ok(())
    }

    /// Queues a firing of a schedule by hand, now, whatever its pause.
    ///
    /// # Errors
    /// There is no such trigger, it is a watch, or what the database refuses.
    pub fn fire(&mut self, name: &str, now: Timestamp) -> Result<Firing, TriggerError> {
        self.known(name)?;
        if self.watches.contains_key(name) {
            return Err(TriggerError::NeedsFile(name.to_owned()));
        }
        let firing = Firing::new(name, FiringKind::Manual, None);
        self.state.transaction(|transaction| {
            ledger::count_one(transaction, name)?;
            ledger::queue(transaction, &firing, now, now, None)
        })?;
        Ok(firing)
    }

    fn known(&self, name: &str) -> Result<(), TriggerError> {
        if self.overlap(name).is_some() {
            return Ok(());
        }
        let names = self.schedules.keys().chain(self.watches.keys());
        let hint = nearest::did_you_mean(name, names.map(String::as_str));
        Err(TriggerError::Unknown { name: name.to_owned(), hint })
    }

    /// The definition of a schedule.
    pub fn schedule(&self, name: &str) -> Option<&ScheduleDefinition> {
        self.schedules.get(name).map(|entry| &entry.definition)
    }

    /// The definition of a watch.
    pub fn watch(&self, name: &str) -> Option<&WatchDefinition> {
        self.watches.get(name).map(|entry| &entry.definition)
    }

    /// How a trigger stands, its sums, and its last `limit` rows, the latest first.
    ///
    /// # Errors
    /// There is no such trigger, or what the database refuses.
    pub fn explain(
        &self,
        name: &str,
        limit: usize,
    ) -> Result<(Option<Standing>, Account, Vec<LedgerRow>), TriggerError> {
        self.known(name)?;
        Ok(self.state.with(|connection| {
            Ok((
                ledger::standing(connection, name)?,
                ledger::account(connection, name)?,
                ledger::rows(connection, name, limit)?,
            ))
        })?)
    }
}
