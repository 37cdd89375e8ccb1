//! The door's recorder: it writes what passes, and answers what a former execution has left.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::codec::{self, SecretOf};
use super::entries::{EntryRow, Part};
use super::log::Log;
use super::places::Places;
use super::record::{EntryRecord, OutcomeRecord, Record};
use crate::catalog::Effect;
use crate::clock::Clock;
use crate::door::{
    Action, Intent, Key, KnownEntry, OpenCommit, OpenEntry, Passed, Recall, Recorded, Recorder, Reply, path_text,
};
use crate::failpoint;
use crate::fault::{Failure, Stop};
use crate::secret::Secret;
use crate::value::Value;

/// What a recorder does with an action that no entry answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Past {
    /// There is none: everything is new.
    None,
    /// A former execution, which this one goes on from.
    Resumed {
        /// What the person says of changes that are uncertain.
        assume: Option<bool>,
        /// The number of its last entry.
        last: u64,
        /// How many of its entries come before what is done again.
        known: u64,
    },
    /// A former execution, and nothing else: nothing new may happen.
    Only,
}

/// Gives a secret by its reference.
pub type SecretSupply = Arc<dyn Fn(&str) -> Secret + Send + Sync>;

/// The recorder of one run.
pub struct JournalRecorder {
    log: Arc<Log>,
    run: Arc<str>,
    past: Past,
    clock: Arc<dyn Clock>,
    secret: SecretSupply,
    last: AtomicU64,
    /// How many entries of the former execution have not been asked for yet.
    ahead: AtomicU64,
    /// Where the entries of the former execution stand, once one was asked for.
    places: Mutex<Option<Places>>,
    /// The entries that have begun and not ended, with their numbers.
    open: Mutex<HashMap<Key, u64>>,
    /// Of each `parallel` under way the items that failed.
    failed: Mutex<HashMap<u64, Vec<u64>>>,
    /// Why nothing may be changed.
    closed: OnceLock<String>,
}

impl JournalRecorder {
    /// A recorder of the run `run`.
    pub fn new(log: Arc<Log>, run: Arc<str>, past: Past, clock: Arc<dyn Clock>, secret: SecretSupply) -> Self {
        let (last, known) = match past {
            Past::Resumed { last, known, .. } => (last, known),
            Past::None | Past::Only => (0, 0),
        };
        Self {
            log,
            run,
            past,
            clock,
            secret,
            last: AtomicU64::new(last),
            ahead: AtomicU64::new(known),
            places: Mutex::default(),
            open: Mutex::default(),
            failed: Mutex::default(),
            closed: OnceLock::new(),
        }
    }

    /// From now on nothing may be changed: every intent is refused with this reason.
    pub fn close(&self, reason: String) {
        // The first reason holds.
        let _later = self.closed.set(reason);
    }

    fn next(&self) -> u64 {
        self.last.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn opened(&self) -> MutexGuard<'_, HashMap<Key, u64>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn entry(&self, number: u64, key: &Key, action: &Action, intent: &Intent) -> EntryRecord {
        let bytes = codec::action_bytes(action);
        EntryRecord {
            run: Arc::clone(&self.run),
            number,
            path: path_text(&key.path),
            position: key.entry,
            inside: key.inside.clone(),
            kind: action.kind(),
            target: action.target().map(str::to_owned),
            operation: action.describe(),
            effect: intent.effect.name(),
            items: intent.items,
            digest: digest(&bytes),
            action: bytes,
            sealed: codec::is_sealed(action),
            chained: intent.effect != Effect::Read,
            before: intent.before.clone(),
            note: intent.note.clone(),
            begun: self.clock.now().as_microsecond(),
            outcome: None,
        }
    }

    /// The number of the former execution's entry at a place.
    fn number_at(&self, path: &str, position: u64) -> Result<Option<u64>, String> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if places.is_none() {
            *places = Some(self.log.places(&self.run)?);
        }
        Ok(places.as_ref().and_then(|places| places.at(path, position)))
    }

    /// The entry at a place, if this action stands there.
    fn entry_for(&self, key: &Key, action: &Action) -> Result<Option<EntryRow>, Stop> {
        let number = self.number_at(&path_text(&key.path), key.entry).map_err(unreadable)?;
        let Some(number) = number else { return Ok(None) };
        let Some(entry) = self.log.entry(&self.run, number).map_err(unreadable)? else { return Ok(None) };
        if entry.digest == digest(&codec::action_bytes(action)) {
            return Ok(Some(entry));
        }
        let same = entry.operation == action.describe();
        Err(Stop::Diverged(format!(
            "the script has diverged from its journal at entry {}: '{}' was recorded there, and now it is '{}'{}. \
             `beadle runs resume ID --script FILE` goes on only where the mended text asks for the same",
            entry.number,
            entry.operation,
            action.describe(),
            if same { " with other arguments, or by another row of the catalog" } else { "" },
        )))
    }

    /// One entry less that a former execution is ahead by.
    fn answered(&self) {
        let _none_left = self.ahead.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
    }

    /// The commit of a transaction that was opened at a place, if a former execution may have sent it.
    fn open_commit(&self, key: &Key, assume: Option<bool>) -> Result<Option<OpenCommit>, Stop> {
        let found = self.log.open_commit(&self.run, &path_text(&key.path), key.entry).map_err(unreadable)?;
        let Some(entry) = found else { return Ok(None) };
        let staged = self.log.staged(&self.run, &place_of(key), &*self.secret).map_err(unreadable)?;
        Ok(Some(OpenCommit { entry, staged, assume }))
    }

    fn beyond(&self, what: &str) -> Stop {
        Stop::Diverged(format!("the journal ends here: '{what}' was not reached, or not answered, when the run ended"))
    }

    fn write(&self, record: Record, durable: bool) -> Result<(), Failure> {
        let written = if durable { self.log.commit(record) } else { self.log.add(record) };
        written.map_err(unwritable)
    }
}

/// How the entries of a transaction name the place of its opening.
fn place_of(key: &Key) -> String {
    format!("{}#{}", path_text(&key.path), key.entry)
}

fn unreadable(message: String) -> Stop {
    Stop::Diverged(format!("the journal cannot be read: {message}"))
}

fn unwritable(message: String) -> Failure {
    Stop::Limit(format!("the journal cannot be written, and nothing is changed without it: {message}")).into()
}

impl Recorder for JournalRecorder {
    fn recall(&self, key: &Key, action: &Action) -> Result<Recall, Stop> {
        let assume = match self.past {
            Past::None => return Ok(Recall::New),
            Past::Resumed { assume, .. } => assume,
            Past::Only => None,
        };
        let only = self.past == Past::Only;
        let Some(entry) = self.entry_for(key, action)? else {
            // Another branch may still have entries; what this one shows is new.
            self.ahead.store(0, Ordering::Relaxed);
            return if only { Err(self.beyond(&action.describe())) } else { Ok(Recall::New) };
        };
        if let (Action::Begin { .. }, false) = (action, only)
            && let Some(open) = self.open_commit(key, assume)?
        {
            return Ok(Recall::Committing(Box::new(open)));
        }
        let part = |part| self.log.part(&self.run, entry.number, part).map_err(unreadable);
        let composite = matches!(action, Action::Step { .. } | Action::Parallel(_));
        if entry.is_open() {
            if only && !composite {
                return Err(self.beyond(&entry.operation));
            }
            self.opened().insert(key.clone(), entry.number);
            if !composite {
                self.ahead.store(0, Ordering::Relaxed);
            }
            let before = part(Part::Before)?.and_then(|bytes| serde_json::from_slice(&bytes).ok());
            return Ok(Recall::Open(Box::new(OpenEntry { since: entry.begun, before, note: entry.note, assume })));
        }
        let Some(bytes) = part(Part::Outcome)? else {
            return Err(Stop::Diverged(format!(
                "the answer of entry {} ('{}') is no longer kept: see [state] keep",
                entry.number, entry.operation
            )));
        };
        let secret: SecretOf<'_> = &*self.secret;
        let recorded = codec::read_recorded(&bytes, action, secret).map_err(unreadable)?;
        self.answered();
        let effect = Effect::from_name(&entry.effect).unwrap_or(Effect::Read);
        Ok(Recall::Known(Box::new(KnownEntry { effect, recorded })))
    }

    fn intend(&self, key: &Key, action: &Action, intent: &Intent) -> Result<(), Failure> {
        if self.past == Past::Only || self.opened().contains_key(key) {
            // A former execution has written it; it is on the disk already.
            return Ok(());
        }
        if let Some(reason) = self.closed.get().filter(|_| intent.effect != Effect::Read) {
            return Err(unwritable(reason.clone()));
        }
        let number = self.next();
        let entry = self.entry(number, key, action, intent);
        failpoint::reach("intending");
        self.write(Record::Entry(Box::new(entry)), intent.durable)?;
        self.opened().insert(key.clone(), number);
        failpoint::reach("intended");
        Ok(())
    }

    fn mark(&self, key: &Key, note: &str) -> Result<(), Failure> {
        let Some(number) = self.opened().get(key).copied() else { return Ok(()) };
        self.write(Record::Note { run: Arc::clone(&self.run), number, note: note.to_owned() }, true)
    }

    fn settle_commit(&self, key: &Key, made: bool) -> Result<(), Failure> {
        let path = path_text(&key.path);
        let commit = self.log.open_commit(&self.run, &path, key.entry).map_err(unreadable)?;
        let Some(commit) = commit else { return Ok(()) };
        if !made {
            self.ahead.store(0, Ordering::Relaxed);
            let begin = self.number_at(&path, key.entry).map_err(unreadable)?.unwrap_or(commit);
            let voided = self.log.void_transaction(&self.run, begin, &place_of(key), commit);
            // What stands in the transaction is new when it is asked for.
            *self.places.lock().unwrap_or_else(PoisonError::into_inner) = None;
            return voided.map_err(unwritable);
        }
        self.answered();
        self.write(
            Record::Outcome(Box::new(OutcomeRecord {
                run: Arc::clone(&self.run),
                number: commit,
                recorded: Ok(Reply::Value(Value::Null)),
                sealed: false,
                chained: true,
                ended: self.clock.now().as_microsecond(),
            })),
            true,
        )
    }

    fn item_failed(&self, key: &Key, item: u64) -> Result<(), Failure> {
        let Some(number) = self.opened().get(key).copied() else { return Ok(()) };
        let note = {
            let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
            let items = failed.entry(number).or_default();
            items.push(item);
            super::resume::failed_note(items)
        };
        self.write(Record::Note { run: Arc::clone(&self.run), number, note }, false)
    }

    fn settle(&self) -> Result<(), Failure> {
        self.log.write(false).map_err(unwritable)
    }

    fn is_resumed(&self) -> bool {
        matches!(self.past, Past::Resumed { .. })
    }

    fn is_replaying(&self) -> bool {
        self.ahead.load(Ordering::Relaxed) > 0
    }

    fn record(&self, key: &Key, action: &Action, passed: Passed, outcome: &Recorded) -> Result<u64, Failure> {
        let Passed { effect, items, begun: since } = passed;
        let begun = self.opened().remove(key);
        if let Some(number) = begun.filter(|_| matches!(action, Action::Parallel(_))) {
            self.failed.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
        }
        if self.past == Past::Only {
            return Ok(begun.unwrap_or_default());
        }
        failpoint::reach("recording");
        let ended = self.clock.now().as_microsecond();
        let number = begun.unwrap_or_else(|| self.next());
        // Whoever catches the fault sees the entry's number in it, and so does a replay.
        let mut outcome = outcome.clone();
        if let Err(fault) = &mut outcome {
            fault.entry = Some(number);
        }
        let record = if begun.is_some() {
            Record::Outcome(Box::new(OutcomeRecord {
                run: Arc::clone(&self.run),
                number,
                recorded: outcome,
                sealed: codec::is_sealed(action),
                chained: effect != Effect::Read,
                ended,
            }))
        } else {
            let intent = Intent { effect, items, ..Intent::default() };
            let mut entry = self.entry(number, key, action, &intent);
            entry.begun = since.as_microsecond();
            entry.outcome = Some((outcome, ended));
            Record::Entry(Box::new(entry))
        };
        self.write(record, false)?;
        failpoint::reach("recorded");
        Ok(number)
    }
}

/// What entries are compared by.
pub fn digest(action: &[u8]) -> [u8; 16] {
    let whole = super::sha256(action);
    let mut digest = [0; 16];
    digest.copy_from_slice(whole.get(..16).unwrap_or(&[0; 16]));
    digest
}
