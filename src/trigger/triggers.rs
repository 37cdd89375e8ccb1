//! All triggers of a project, as the service and the command line use them. Time is passed in.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use crate::config::{Failures, Overlap};
use crate::nearest;
use crate::state::{State, StateError};
use crate::trigger::watch::{bring_all, forget_failed, hand};
use crate::trigger::{
    Account, Firing, FiringRun, LedgerRow, Missed, ScheduleDefinition, Schedules, Standing, TriggerError,
    WatchDefinition, Watches, by_hand, history, ledger, queue, retry,
};

/// What a look at triggers did.
#[derive(Debug, Default)]
pub struct Looked {
    /// The firings that were queued.
    pub queued: Vec<Firing>,
    /// What was passed over.
    pub missed: Vec<Missed>,
    /// What could not be done, with the cure; it is tried again at a later look.
    pub problems: Vec<String>,
}

/// How many firings of a project wait for their runs.
///
/// # Errors
/// What the database refuses.
pub fn queue_length(state: &State) -> Result<u64, StateError> {
    state.with(queue::length)
}

/// All triggers of a project.
#[derive(Debug)]
pub struct Triggers {
    pub(super) state: Arc<State>,
    /// The schedules.
    pub schedules: Schedules,
    /// The watches.
    pub watches: Watches,
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
        state.transaction(|transaction| {
            let load = |name: &str, digest: &str| ledger::load(transaction, name, digest, now);
            schedules.iter().try_for_each(|one| {
                load(&one.name, &one.digest())?;
                ledger::correct(transaction, &one.name, now)
            })?;
            watches.iter().try_for_each(|one| load(&one.name, &one.digest()))
        })?;
        Self::attach(state, schedules, watches, now)
    }

    /// The same without writing anything, for whoever only looks. What it is then asked to change makes the
    /// one definition known that it is about.
    ///
    /// # Errors
    /// What the database refuses.
    pub fn attach(
        state: Arc<State>,
        schedules: Vec<ScheduleDefinition>,
        watches: Vec<WatchDefinition>,
        now: Timestamp,
    ) -> Result<Self, TriggerError> {
        let schedules = Schedules::open(Arc::clone(&state), schedules, now)?;
        let watches = Watches::open(Arc::clone(&state), watches, now);
        Ok(Self { state, schedules, watches })
    }

    /// Repairs what a service that died left behind: firings are queued again, unless their run
    /// `has_begun`; claimed files are brought into the work folder, files of succeeded runs are put away by the
    /// next look. For the one service of a state folder, at its start. Answers with how many were queued again,
    /// and with what could not be repaired.
    ///
    /// # Errors
    /// What the database refuses.
    pub fn recover(&self, has_begun: &dyn Fn(&str) -> bool) -> Result<(usize, Vec<String>), TriggerError> {
        let mut never_begun = self.unended()?;
        never_begun.retain(|firing| !firing.run.as_deref().is_some_and(has_begun));
        self.state.transaction(|transaction| {
            never_begun.iter().try_for_each(|firing| queue::put_back(transaction, &firing.id))
        })?;
        forget_failed(&self.state)?;
        Ok((never_begun.len(), bring_all(&self.state, None)?))
    }

    /// When a firing that waits for its time may start. It knows nothing of those that wait for another
    /// one to end.
    ///
    /// # Errors
    /// What the database refuses.
    pub fn next_start(&self, now: Timestamp) -> Result<Option<Timestamp>, TriggerError> {
        Ok(self.state.with(|connection| queue::next_start(connection, now))?)
    }

    /// When a firing that waits will be later than its window allows.
    ///
    /// # Errors
    /// What the database refuses.
    pub fn next_expiry(&self, now: Timestamp) -> Result<Option<Timestamp>, TriggerError> {
        Ok(self.state.with(|connection| queue::next_expiry(connection, now))?)
    }

    /// Takes up to `limit` firings whose runs start now, the oldest first, and gives them the ids of these. Of a
    /// trigger whose runs do not go in parallel it gives one, and none while another runs; late ones are
    /// skipped here.
    ///
    /// # Errors
    /// What the database refuses; nothing is taken then.
    pub fn take_queued(&self, now: Timestamp, limit: usize) -> Result<Vec<Firing>, TriggerError> {
        // Mostly nothing waits, and asking costs less than a commit.
        let waits = self.state.with(|connection| queue::next_start(connection, Timestamp::MIN))?;
        if waits.is_none_or(|first| first > now) {
            return Ok(Vec::new());
        }
        let places = |name: &str| self.places(name);
        Ok(self.state.transaction(|transaction| queue::take(transaction, now, limit, &places))?)
    }

    /// Queues a firing again whose run could not begin.
    ///
    /// # Errors
    /// What the database refuses; the next service queues it then.
    pub fn put_back(&self, firing: &str) -> Result<(), TriggerError> {
        Ok(self.state.transaction(|transaction| queue::put_back(transaction, firing))?)
    }

    /// Skips the queued firings that are later than their windows allow.
    ///
    /// # Errors
    /// What the database refuses.
    pub fn expire(&self, now: Timestamp) -> Result<Vec<Missed>, TriggerError> {
        // Mostly none is, and asking costs less than a commit.
        if self.state.with(|connection| queue::late(connection, now))?.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self.state.transaction(|transaction| queue::expire(transaction, now))?)
    }

    /// Skips a firing whose run cannot be made; `reason` stands in the ledger. Its files stay in the work folder
    /// unless [`Self::gave_up`] follows.
    ///
    /// # Errors
    /// What the database refuses.
    pub fn skip(&self, firing: &str, reason: &str) -> Result<(), TriggerError> {
        Ok(self.state.transaction(|transaction| queue::drop_queued(transaction, firing, reason))?)
    }

    fn overlap(&self, name: &str) -> Option<Overlap> {
        let schedule = self.schedules.get(name).map(|definition| definition.config.overlap);
        schedule.or_else(|| self.watches.get(name).map(|definition| definition.config.overlap))
    }

    /// How many runs of a trigger may go at once.
    fn places(&self, name: &str) -> Option<usize> {
        let max_runs = match (self.schedules.get(name), self.watches.get(name)) {
            (Some(schedule), _) => schedule.config.max_runs,
            (None, Some(watch)) => watch.config.max_runs,
            (None, None) => None,
        };
        self.overlap(name).map(|overlap| match overlap {
            Overlap::Parallel => max_runs.unwrap_or(usize::MAX),
            Overlap::Skip | Overlap::Queue | Overlap::CancelOld => 1,
        })
    }

    /// What follows the failed runs of a trigger.
    pub(super) fn failures(&self, name: &str) -> Failures {
        let schedule = self.schedules.get(name).map(|definition| definition.config.failures);
        schedule.or_else(|| self.watches.get(name).map(|definition| definition.config.failures)).unwrap_or_default()
    }

    /// Firings that were started and have not ended.
    ///
    /// # Errors
    /// What the database refuses.
    pub fn unended(&self) -> Result<Vec<Firing>, TriggerError> {
        Ok(self.state.with(queue::unended)?)
    }

    /// Firings that have ended, or wait to be tried again, and of which a person has a run in hand; with its id.
    ///
    /// # Errors
    /// What the database refuses.
    pub fn in_hand(&self) -> Result<Vec<Firing>, TriggerError> {
        Ok(self.state.with(by_hand::firings)?)
    }

    /// Those of [`Self::unended`] that a waiting firing of a `cancel-old` trigger wants out of its way.
    ///
    /// # Errors
    /// What the database refuses.
    pub fn to_cancel(&self, now: Timestamp) -> Result<Vec<Firing>, TriggerError> {
        let cancels = |overlap: Overlap| overlap == Overlap::CancelOld;
        if !self.schedules.overlaps().chain(self.watches.overlaps()).any(cancels) {
            return Ok(Vec::new());
        }
        let waiting = self.state.with(|connection| queue::waiting(connection, now))?;
        if waiting.is_empty() {
            return Ok(Vec::new());
        }
        let mut old = self.unended()?;
        old.retain(|firing| {
            self.overlap(&firing.trigger) == Some(Overlap::CancelOld) && waiting.contains(&firing.trigger)
        });
        Ok(old)
    }

    /// Pauses a trigger: from `now` on its instants are skipped, its files are left where they are, and what
    /// failed is not tried again.
    ///
    /// # Errors
    /// There is no such trigger, or what the database refuses.
    pub fn pause(&mut self, name: &str, now: Timestamp) -> Result<(), TriggerError> {
        self.settle_one(name, now)?;
        self.state.transaction(|transaction| {
            ledger::set_paused(transaction, name, None, now)?;
            retry::give_up_all(transaction, name, "the trigger was paused")
        })?;
        Ok(())
    }

    /// Ends a pause. What fell due within it stays skipped.
    ///
    /// # Errors
    /// As [`Self::pause`].
    pub fn resume(&mut self, name: &str, now: Timestamp) -> Result<(), TriggerError> {
        self.settle_one(name, now)?;
        self.state.transaction(|transaction| ledger::set_resumed(transaction, name))?;
        self.watches.hint();
        Ok(())
    }

    /// What fell due before a pause or its end belongs to the time before.
    fn settle_one(&mut self, name: &str, now: Timestamp) -> Result<(), TriggerError> {
        self.load(name, now)?;
        while self.schedules.get(name).is_some() {
            self.schedules.settle(&[name.to_owned()], now)?;
            if self.schedules.next_of(name).is_none_or(|next| next > now) {
                break;
            }
        }
        Ok(())
    }

    /// Queues a firing of a schedule by hand, now, whatever its pause.
    ///
    /// # Errors
    /// There is no such trigger, it is a watch, or what the database refuses.
    pub fn fire(&mut self, firing: &Firing, now: Timestamp) -> Result<(), TriggerError> {
        let name = &firing.trigger;
        self.load(name, now)?;
        if self.watches.get(name).is_some() {
            return Err(TriggerError::NeedsFile(name.clone()));
        }
        self.state.transaction(|transaction| {
            ledger::count_one(transaction, name)?;
            ledger::queue(transaction, firing, now, now, None)
        })?;
        Ok(())
    }

    /// Queues a firing of a watch for a copy of the file at `path`, now, whatever its pause.
    ///
    /// # Errors
    /// There is no such watch, the file cannot be copied, or what the database refuses.
    pub fn fire_file(
        &mut self,
        name: &str,
        path: &Path,
        params: Option<&serde_json::Value>,
        now: Timestamp,
    ) -> Result<Firing, TriggerError> {
        self.load(name, now)?;
        let watch = self.watches.get(name).ok_or_else(|| TriggerError::NoFile(name.to_owned()))?;
        hand(&self.state, watch, path, params, now)
    }

    /// Makes one definition known.
    fn load(&self, name: &str, now: Timestamp) -> Result<(), TriggerError> {
        self.known(name)?;
        let schedule = self.schedules.get(name).map(ScheduleDefinition::digest);
        let digest = schedule.or_else(|| self.watches.get(name).map(WatchDefinition::digest));
        self.state.transaction(|transaction| ledger::load(transaction, name, &digest.unwrap_or_default(), now))?;
        Ok(())
    }

    fn known(&self, name: &str) -> Result<(), TriggerError> {
        if self.overlap(name).is_some() {
            return Ok(());
        }
        let hint = nearest::did_you_mean(name, self.schedules.names().chain(self.watches.names()));
        Err(TriggerError::Unknown { name: name.to_owned(), hint })
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
                history::account(connection, name)?,
                history::rows(connection, name, limit)?,
            ))
        })?)
    }

    /// How a trigger stands, and the run that it started last.
    ///
    /// # Errors
    /// There is no such trigger, or what the database refuses.
    pub fn look_at(&self, name: &str) -> Result<(Option<Standing>, Option<FiringRun>), TriggerError> {
        self.known(name)?;
        Ok(self
            .state
            .with(|connection| Ok((ledger::standing(connection, name)?, history::latest_run(connection, name)?)))?)
    }
}
