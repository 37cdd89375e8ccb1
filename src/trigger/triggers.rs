//! All triggers of a project, as the service and the command line use them. Time is passed in.

use std::sync::Arc;

use jiff::Timestamp;

use crate::config::Overlap;
use crate::nearest;
use crate::state::{State, StateError};
use crate::trigger::watch::{self, Failure, bring_all, forget_failed};
use crate::trigger::{
    Account, Firing, FiringKind, LedgerRow, Missed, Outcome, ScheduleDefinition, Schedules, Standing, WatchDefinition,
    Watches, ledger, queue,
};

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
    state: Arc<State>,
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
        let schedules = Schedules::open(Arc::clone(&state), schedules, now)?;
        let watches = Watches::open(Arc::clone(&state), watches, now)?;
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

    /// Takes up to `limit` firings whose runs start now, the oldest first, and gives them the ids of these. Of a
    /// trigger whose runs do not go in parallel it gives one, and none while another runs; late ones are
    /// skipped here.
    ///
    /// # Errors
    /// What the database refuses; nothing is taken then.
    pub fn take_queued(&self, now: Timestamp, limit: usize) -> Result<Vec<Firing>, TriggerError> {
        let overlap = |name: &str| self.overlap(name);
        Ok(self.state.transaction(|transaction| queue::take(transaction, now, limit, &overlap))?)
    }

    /// Skips the queued firings that are later than their windows allow.
    ///
    /// # Errors
    /// What the database refuses.
    pub fn expire(&self, now: Timestamp) -> Result<Vec<Missed>, TriggerError> {
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

    /// Records how a run ended (again, if it was resumed). If it succeeded, the next look at the watches puts
    /// its files away; if not, they stay in the work folder unless [`Self::gave_up`] follows.
    ///
    /// # Errors
    /// What the database refuses.
    pub fn ended(&self, firing: &str, outcome: Outcome, now: Timestamp) -> Result<(), TriggerError> {
        let watch = self.state.transaction(|transaction| {
            queue::ended(transaction, firing, outcome, now)?;
            if outcome == Outcome::Succeeded { watch::end(transaction, firing, None) } else { Ok(None) }
        })?;
        self.watches.run_ended(watch);
        Ok(())
    }

    /// The run of a firing has failed, or cannot be made, and nobody tries it again by himself: the next look at the watches
    /// brings its files to `failed/`. A firing that is queued again keeps them.
    ///
    /// # Errors
    /// What the database refuses.
    pub fn gave_up(&self, firing: &str, failure: &Failure) -> Result<(), TriggerError> {
        let note = failure.to_string();
        let watch = self.state.transaction(|transaction| watch::end(transaction, firing, Some(&note)))?;
        self.watches.run_ended(watch);
        Ok(())
    }

    /// Firings that were started and have not ended.
    ///
    /// # Errors
    /// What the database refuses.
    pub fn unended(&self) -> Result<Vec<Firing>, TriggerError> {
        Ok(self.state.with(queue::unended)?)
    }

    /// Those of [`Self::unended`] that a waiting firing of a `cancel-old` trigger wants out of its way.
    ///
    /// # Errors
    /// What the database refuses.
    pub fn to_cancel(&self, now: Timestamp) -> Result<Vec<Firing>, TriggerError> {
        let waiting = self.state.with(|connection| queue::waiting(connection, now))?;
        let mut old = self.unended()?;
        old.retain(|firing| {
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
        self.schedules.settle(&[name.to_owned()], now)?;
        self.state.with(|connection| ledger::set_paused(connection, name, paused))?;
        self.watches.hint();
        Ok(())
    }

    /// Queues a firing of a schedule by hand, now, whatever its pause.
    ///
    /// # Errors
    /// There is no such trigger, it is a watch, or what the database refuses.
    pub fn fire(&mut self, name: &str, now: Timestamp) -> Result<Firing, TriggerError> {
        self.known(name)?;
        if self.watches.get(name).is_some() {
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
                ledger::account(connection, name)?,
                ledger::rows(connection, name, limit)?,
            ))
        })?)
    }
}
