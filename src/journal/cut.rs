//! A journal that breaks off, as when the process is killed: what a test of a playbook resumes from.

use std::sync::Mutex;
use std::sync::PoisonError;

use super::record::Record;

/// Where a journal breaks off, if anywhere.
#[derive(Debug, Default)]
pub(super) struct Cut(Mutex<State>);

#[derive(Debug, Default)]
enum State {
    /// Nowhere.
    #[default]
    Whole,
    /// Behind the intents of so many more changes.
    After(u64),
    /// Nothing is written any more.
    Broken,
}

impl Cut {
    /// Breaks off behind the intents of so many changes.
    pub(super) fn after(&self, changes: u64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = State::After(changes);
    }

    /// Whether it has broken off.
    pub(super) fn is_broken(&self) -> bool {
        matches!(*self.0.lock().unwrap_or_else(PoisonError::into_inner), State::Broken)
    }

    /// Whether a record may still be written.
    ///
    /// # Errors
    /// The journal has broken off.
    pub(super) fn admit(&self, record: &Record) -> Result<(), String> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match *state {
            State::Whole => Ok(()),
            State::Broken => Err("the process was killed".into()),
            State::After(left) => {
                // The intent of a change: it leaves, and its answer comes too late to be written.
                if matches!(record, Record::Entry(entry) if entry.chained && entry.outcome.is_none()) {
                    *state = if left <= 1 { State::Broken } else { State::After(left - 1) };
                }
                Ok(())
            }
        }
    }
}
