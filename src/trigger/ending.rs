//! How the run of a firing ended, in one commit: for the ledger, for what follows a failure, and for its files.

use jiff::Timestamp;

use crate::trigger::watch::{self, Failure, put_away_of};
use crate::trigger::{Outcome, TriggerError, Triggers, queue, retry};

/// The end of a firing's run.
#[derive(Clone, Copy, Debug)]
pub struct RunEnd<'a> {
    /// The firing.
    pub firing: &'a str,
    /// The run: the one that the firing has, or one that was tried again and that a person has gone on with. Nothing
    /// means the former.
    pub run: Option<&'a str>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why its files go to `failed/`, if they do.
    pub failure: Option<&'a Failure>,
}

impl Triggers {
    /// Records how a run ended, where its files have nowhere to go but the way of its outcome.
    ///
    /// # Errors
    /// What the database refuses.
    pub fn ended(&self, firing: &str, outcome: Outcome, now: Timestamp) -> Result<Vec<String>, TriggerError> {
        self.concluded(&RunEnd { firing, run: None, outcome, failure: None }, now)
    }

    /// Records how a run ended (again, if it was resumed): one that failed may be tried again later, and a
    /// trigger that fails too often is paused. The next look at the watches puts the files of one that
    /// succeeded away, and brings those of one that is not tried again to `failed/`, if there is a `failure`
    /// to tell beside them; else they stay in the work folder. Answers with what people should know of it.
    ///
    /// It may be said twice, by whoever has executed the run and by a service that has found its end.
    ///
    /// # Errors
    /// What the database refuses; nothing is recorded then.
    pub fn concluded(&self, end: &RunEnd<'_>, now: Timestamp) -> Result<Vec<String>, TriggerError> {
        let failures = |name: &str| self.failures(name);
        let note = end.failure.map(ToString::to_string);
        let (name, followed, watch) = self.state.transaction(|transaction| {
            let followed = retry::ended(transaction, end, now, &failures)?;
            let goes = end.outcome == Outcome::Succeeded || note.is_some();
            let watch = if goes { watch::end(transaction, end.firing, note.as_deref())? } else { None };
            Ok((queue::trigger_of(transaction, end.firing)?.unwrap_or_default(), followed, watch))
        })?;
        self.watches.run_ended(watch);
        let mut notes = Vec::new();
        if let Some((number, at)) = followed.again {
            let (most, outcome) = (self.failures(&name).attempts, end.outcome);
            notes.push(format!("{name}: the run ended as {outcome}; attempt {number} of {most} begins at {at:.0}"));
        }
        if let Some(failures) = followed.paused {
            notes.push(format!(
                "{name}: paused, because it failed {failures} times in a row; `beadle triggers explain {name}` shows \
                 the runs, `beadle triggers resume {name}` lets it go on"
            ));
        }
        Ok(notes)
    }

    /// The run of a firing cannot be made: the next look at the watches brings its files to `failed/`.
    ///
    /// # Errors
    /// What the database refuses.
    pub fn gave_up(&self, firing: &str, failure: &Failure) -> Result<(), TriggerError> {
        let note = failure.to_string();
        let watch = self.state.transaction(|transaction| watch::end(transaction, firing, Some(&note)))?;
        self.watches.run_ended(watch);
        Ok(())
    }

    /// Puts the files of one ended firing away where no service does. Answers with what went wrong.
    ///
    /// # Errors
    /// What the database refuses; the next service does it.
    pub fn put_away(&self, firing: &str) -> Result<Vec<String>, TriggerError> {
        Ok(put_away_of(&self.state, firing)?)
    }
}
