//! A recorder that keeps entries in memory.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use crate::catalog::Effect;
use crate::door::{Action, Key, Recorded, Recorder};
use crate::fault::{Failure, Stop};

/// How many reads are kept; older ones give way, so that a long run keeps its memory flat.
const READS_KEPT: usize = 1_000;

/// What is kept of one effect.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The number within the run, from 1.
    pub number: u64,
    /// The position.
    pub key: Key,
    /// The target and operation, such as `seg-prod groups`.
    pub what: String,
    /// What it did to the world.
    pub effect: Effect,
    /// `None` while a change is under way; then whether it ended well.
    pub ok: Option<bool>,
}

#[derive(Debug, Default)]
struct Entries {
    reads: VecDeque<Entry>,
    changes: Vec<Entry>,
    count: u64,
}

/// Keeps the entries of one run in memory: every change, and the latest reads.
#[derive(Debug, Default)]
pub struct MemoryRecorder {
    entries: Mutex<Entries>,
}

impl MemoryRecorder {
    /// A recorder without entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// The entries that are kept, in the order in which they ended or were intended.
    pub fn entries(&self) -> Vec<Entry> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<Entry> = entries.reads.iter().chain(&entries.changes).cloned().collect();
        all.sort_by_key(|entry| entry.number);
        all
    }
}

impl Recorder for MemoryRecorder {
    fn recall(&self, _key: &Key, _action: &Action) -> Result<Option<Recorded>, Stop> {
        Ok(None)
    }

    fn intend(&self, key: &Key, action: &Action, effect: Effect) -> Result<(), Failure> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.count += 1;
        let number = entries.count;
        entries.changes.push(Entry { number, key: key.clone(), what: action.describe(), effect, ok: None });
        Ok(())
    }

    fn record(&self, key: &Key, action: &Action, effect: Effect, outcome: &Recorded) -> Result<u64, Failure> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(intended) = entries.changes.iter_mut().rev().find(|entry| entry.ok.is_none() && entry.key == *key) {
            intended.ok = Some(outcome.is_ok());
            return Ok(intended.number);
        }
        entries.count += 1;
        let number = entries.count;
        if effect == Effect::Read && entries.reads.len() == READS_KEPT {
            entries.reads.pop_front();
        }
        let entry = Entry { number, key: key.clone(), what: action.describe(), effect, ok: Some(outcome.is_ok()) };
        if effect == Effect::Read {
            entries.reads.push_back(entry);
        } else {
            entries.changes.push(entry);
        }
        Ok(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::door::{Branch, Reply};
    use crate::value::Value;

    #[test]
    fn an_intended_change_and_its_outcome_are_one_entry() {
        let recorder = MemoryRecorder::new();
        let key = Key::next(&Branch::main());
        recorder.intend(&key, &Action::Clock, Effect::Change).unwrap();
        assert_eq!(recorder.entries()[0].ok, None);
        let number = recorder.record(&key, &Action::Clock, Effect::Change, &Ok(Reply::Value(Value::Null))).unwrap();
        assert_eq!(number, 1);
        assert_eq!(recorder.entries().len(), 1);
        assert_eq!(recorder.entries()[0].ok, Some(true));
    }

    #[test]
    fn reads_beyond_the_kept_number_give_way() {
        let recorder = MemoryRecorder::new();
        let branch = Branch::main();
        for _ in 0..READS_KEPT + 5 {
            let outcome = Ok(Reply::Value(Value::Null));
            recorder.record(&Key::next(&branch), &Action::Clock, Effect::Read, &outcome).unwrap();
        }
        assert_eq!(recorder.entries().len(), READS_KEPT);
        assert_eq!(recorder.entries()[0].number, 6);
    }
}
