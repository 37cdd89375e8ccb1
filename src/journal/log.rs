//! The way to the disk: what happens is collected in memory, and written in commits that many share.
//!
//! Reads wait for nobody: a thread in the background writes them soon. A change waits until its
//! intent is on the disk, together with everything that was collected before it; whoever comes while
//! a commit is under way shares the next one.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::chain::{Chain, of_intent, of_outcome, of_run};
use super::codec;
use super::cut::Cut;
use super::pack::Packer;
use super::write;
use crate::door::Recorded;
use crate::fault::Fault;
use crate::state::State;

/// How long entries may wait in memory.
const LINGER: Duration = Duration::from_millis(100);

/// How long the outcome of a change may: a process that dies before has to settle the change again. Whoever
/// makes one change after the other comes sooner with the next intent, which brings the outcome along.
const LINGER_OUTCOME: Duration = Duration::from_millis(2);

/// After how long writing is tried again where it failed.
const AGAIN: Duration = Duration::from_secs(1);

/// How many bytes may wait in memory: whoever adds more writes them first.
const FULL: usize = 32 << 20;

/// Opens the state database.
pub type Opener = Box<dyn Fn() -> Result<Arc<State>, Fault> + Send + Sync>;

/// Something that is to be written.
pub enum Record {
    /// A run begins.
    Begin(Box<BeginRecord>),
    /// A text that the run is made of: its script, a module, a line of a session.
    Text {
        /// The run.
        run: Arc<str>,
        /// The text's name.
        name: String,
        /// The text.
        text: String,
    },
    /// An entry begins, or is written whole.
    Entry(Box<EntryRecord>),
    /// An entry's outcome.
    Outcome(Box<OutcomeRecord>),
    /// A note to an entry that has begun.
    Note {
        /// The run.
        run: Arc<str>,
        /// The entry's number.
        number: u64,
        /// The note.
        note: String,
    },
    /// A run waits, and nobody interprets its script meanwhile.
    Wait {
        /// The run.
        run: Arc<str>,
        /// When it goes on, in microseconds since 1970.
        until: i64,
        /// When the wait begins, in microseconds since 1970.
        now: i64,
        /// For how long it has run, in microseconds, earlier executions included.
        ran: i64,
    },
    /// A run ends.
    End(Box<EndRecord>),
}

/// The beginning of a run.
pub struct BeginRecord {
    /// Its id.
    pub run: Arc<str>,
    /// The run that it is a child of.
    pub parent: Option<String>,
    /// The script's name.
    pub name: String,
    /// `live`, `dry`, `apply`, `undo` or `session`.
    pub mode: String,
    /// What set it off.
    pub cause: String,
    /// When, in microseconds since 1970.
    pub started: i64,
    /// The SHA-256 of the script.
    pub script: [u8; 32],
    /// What the run is pinned to, as JSON.
    pub pinned: Vec<u8>,
}

/// An entry.
pub struct EntryRecord {
    /// The run.
    pub run: Arc<str>,
    /// The number within the run, from 1.
    pub number: u64,
    /// The branch.
    pub path: String,
    /// The position in it.
    pub position: u64,
    /// The transaction that it stands in.
    pub inside: Option<String>,
    /// The kind of action, such as `call`.
    pub kind: &'static str,
    /// The target, if there is one.
    pub target: Option<String>,
    /// In words.
    pub operation: String,
    /// `read`, `change` or `destroy`.
    pub effect: &'static str,
    /// How many items it touches.
    pub items: u64,
    /// What it is compared by.
    pub digest: [u8; 16],
    /// The action.
    pub action: Vec<u8>,
    /// Whether what it holds is sealed.
    pub sealed: bool,
    /// Whether it stands in the chain of changes.
    pub chained: bool,
    /// The state before it.
    pub before: Option<Vec<u8>>,
    /// A deadline, or the id of a child run.
    pub note: Option<String>,
    /// When it began, in microseconds since 1970.
    pub begun: i64,
    /// How it ended and when, if it has.
    pub outcome: Option<(Recorded, i64)>,
}

/// The outcome of an entry.
pub struct OutcomeRecord {
    /// The run.
    pub run: Arc<str>,
    /// The entry's number.
    pub number: u64,
    /// How it ended.
    pub recorded: Recorded,
    /// Whether it is sealed.
    pub sealed: bool,
    /// Whether it stands in the chain of changes.
    pub chained: bool,
    /// When, in microseconds since 1970.
    pub ended: i64,
}

/// The end of a run.
pub struct EndRecord {
    /// The run.
    pub run: Arc<str>,
    /// The outcome's word.
    pub outcome: &'static str,
    /// Value, error and counts, as JSON.
    pub ending: Vec<u8>,
    /// When, in microseconds since 1970.
    pub ended: i64,
    /// For how long it has run, in microseconds, earlier executions included.
    pub ran: i64,
}

impl Record {
    fn lingers(&self) -> Duration {
        match self {
            // Whoever looks for the run a moment later finds it.
            Self::Begin(_) => Duration::ZERO,
            Self::Outcome(outcome) if outcome.chained => LINGER_OUTCOME,
            _ => LINGER,
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Begin(begin) => begin.pinned.len(),
            Self::Text { text, .. } => text.len(),
            Self::Note { note, .. } => note.len(),
            Self::Wait { .. } => 0,
            Self::Entry(entry) => {
                entry.action.len()
                    + entry.before.as_ref().map_or(0, Vec::len)
                    + entry.outcome.as_ref().map_or(0, |(recorded, _)| size_of_recorded(recorded))
            }
            Self::Outcome(outcome) => size_of_recorded(&outcome.recorded),
            Self::End(end) => end.ending.len(),
        }
    }
}

fn size_of_recorded(recorded: &Recorded) -> usize {
    match recorded {
        Ok(crate::door::Reply::Http(answer)) => answer.body.len() + 100,
        Ok(crate::door::Reply::Bytes(bytes)) => bytes.len(),
        _ => 200,
    }
}

#[derive(Default)]
struct Buffer {
    /// Each with its ticket: the numbers only grow.
    records: Vec<(u64, Record)>,
    bytes: usize,
    tickets: u64,
    /// Whether one of them must not be written in passing.
    urgent: bool,
    /// When they are to be written at the latest.
    due: Option<Instant>,
}

impl Buffer {
    fn put(&mut self, record: Record) -> u64 {
        self.tickets += 1;
        self.bytes += record.size();
        let due = Instant::now() + record.lingers();
        self.due = Some(self.due.map_or(due, |present| present.min(due)));
        self.records.push((self.tickets, record));
        self.tickets
    }

    fn take_back(&mut self, ticket: u64) {
        if let Some(at) = self.records.iter().position(|(present, _)| *present == ticket) {
            let (_, record) = self.records.remove(at);
            self.bytes = self.bytes.saturating_sub(record.size());
        }
    }
}

/// What the one who writes needs.
#[derive(Default)]
struct Writer {
    chains: HashMap<Arc<str>, Chain>,
    /// The last ticket whose record is written.
    written: u64,
}

/// The records of one process.
pub struct Log {
    opener: Opener,
    opened: Mutex<Option<(Arc<State>, Arc<Packer>)>>,
    buffer: Mutex<Buffer>,
    writer: Mutex<Writer>,
    bell: Arc<Bell>,
    cut: Cut,
}

/// Wakes the thread in the background.
#[derive(Default)]
struct Bell {
    sleep: Mutex<Sleep>,
    ring: Condvar,
}

/// How the thread sleeps.
#[derive(Default)]
struct Sleep {
    /// When it wakes by itself.
    until: Option<Instant>,
    rung: bool,
    closed: bool,
}

impl Bell {
    fn sleep(&self) -> MutexGuard<'_, Sleep> {
        self.sleep.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the thread, unless it wakes in time by itself.
    fn ring(&self, due: Instant) {
        let mut sleep = self.sleep();
        if !sleep.rung && sleep.until.is_none_or(|until| due < until) {
            sleep.rung = true;
            self.ring.notify_one();
        }
    }

    fn close(&self) {
        self.sleep().closed = true;
        self.ring.notify_one();
    }

    /// Waits until then, or for the bell; `false` when the log is closed.
    fn wait(&self, until: Option<Instant>) -> bool {
        let mut sleep = self.sleep();
        sleep.until = until;
        while !sleep.rung && !sleep.closed {
            match until.map(|until| until.saturating_duration_since(Instant::now())) {
                Some(Duration::ZERO) => break,
                Some(rest) => {
                    let waited = self.ring.wait_timeout(sleep, rest);
                    sleep = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
                None => sleep = self.ring.wait(sleep).unwrap_or_else(PoisonError::into_inner),
            }
        }
        (sleep.until, sleep.rung) = (None, false);
        !sleep.closed
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.bell.close();
    }
}

impl Log {
    /// A log whose database is opened when something is written first.
    pub fn new(opener: Opener) -> Arc<Self> {
        let log = Arc::new(Self {
            opener,
            opened: Mutex::default(),
            buffer: Mutex::default(),
            writer: Mutex::default(),
            bell: Arc::default(),
            cut: Cut::default(),
        });
        let (weak, bell) = (Arc::downgrade(&log), Arc::clone(&log.bell));
        // Without the thread everything is written by whoever waits for a commit.
        let _none = std::thread::Builder::new().name("journal".into()).spawn(move || in_background(&weak, &bell));
        log
    }

    /// Lets it break off behind the intents of so many changes: what comes later never reaches the disk, as if
    /// the process had been killed while the last of them was under way.
    pub fn cut_after(&self, changes: u64) {
        self.cut.after(changes);
    }

    /// Whether it has broken off.
    pub fn is_cut(&self) -> bool {
        self.cut.is_broken()
    }

    /// The database and the packer.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(&self) -> Result<(Arc<State>, Arc<Packer>), String> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((state, packer)) = &*opened {
            return Ok((Arc::clone(state), Arc::clone(packer)));
        }
        let state = (self.opener)().map_err(|fault| fault.message)?;
        let packer = Arc::new(Packer::new(state.folder()));
        *opened = Some((Arc::clone(&state), Arc::clone(&packer)));
        Ok((state, packer))
    }

    /// Adds a record that will be on the disk soon.
    ///
    /// # Errors
    /// When more waits than may, and cannot be written.
    pub fn add(&self, record: Record) -> Result<(), String> {
        self.add_together([record])
    }

    /// Adds records that will be on the disk soon, in one commit: all of them, or none.
    ///
    /// # Errors
    /// As [`Log::add`].
    pub fn add_together(&self, records: impl IntoIterator<Item = Record>) -> Result<(), String> {
        let full = {
            let mut buffer = self.buffer();
            for record in records {
                self.cut.admit(&record)?;
                buffer.put(record);
            }
            if let Some(due) = buffer.due {
                self.bell.ring(due);
            }
            buffer.bytes > FULL
        };
        if full { self.write(false) } else { Ok(()) }
    }

    /// Adds a record, and returns when it is on the disk with all that came before it.
    ///
    /// # Errors
    /// When it cannot be written. It is taken back then: nothing of it was done.
    pub fn commit(&self, record: Record) -> Result<(), String> {
        let ticket = {
            let mut buffer = self.buffer();
            self.cut.admit(&record)?;
            buffer.urgent = true;
            buffer.put(record)
        };
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if writer.written >= ticket {
            return Ok(());
        }
        self.write_with(&mut writer, true).inspect_err(|_| self.buffer().take_back(ticket))
    }

    /// Writes what has been collected, durably if asked for.
    ///
    /// # Errors
    /// When it cannot be written; it is kept for the next attempt.
    pub fn write(&self, durably: bool) -> Result<(), String> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        self.write_with(&mut writer, durably)
    }

    /// Takes over the chain of a run that is resumed.
    pub fn set_chain(&self, run: &Arc<str>, chain: Chain) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.chains.insert(Arc::clone(run), chain);
    }

    fn write_with(&self, writer: &mut Writer, durably: bool) -> Result<(), String> {
        let (records, bytes, urgent) = {
            let mut buffer = self.buffer();
            let taken = (std::mem::take(&mut buffer.records), buffer.bytes, buffer.urgent);
            (buffer.bytes, buffer.urgent, buffer.due) = (0, false, None);
            taken
        };
        let Some((last, _)) = records.last() else { return Ok(()) };
        let former = writer.chains.clone();
        match self.write_all(&mut writer.chains, &records, durably || urgent) {
            Ok(()) => {
                writer.written = *last;
                for (_, record) in &records {
                    if let Record::End(end) = record {
                        writer.chains.remove(&end.run);
                    }
                }
                Ok(())
            }
            Err(message) => {
                writer.chains = former;
                let mut buffer = self.buffer();
                let later = std::mem::replace(&mut buffer.records, records);
                buffer.records.extend(later);
                buffer.bytes += bytes;
                buffer.urgent |= urgent;
                // Soon enough for what failed: whoever waits for a commit tells of it.
                buffer.due = Some(Instant::now() + AGAIN);
                Err(message)
            }
        }
    }

    fn write_all(
        &self,
        chains: &mut HashMap<Arc<str>, Chain>,
        records: &[(u64, Record)],
        durably: bool,
    ) -> Result<(), String> {
        let (state, packer) = self.open()?;
        // Everything is packed before the database is locked.
        let rows = records.iter().map(|(_, record)| packed(&packer, record)).collect::<Result<Vec<_>, String>>()?;
        let work = |transaction: &rusqlite::Transaction<'_>| -> rusqlite::Result<()> {
            for ((_, record), row) in records.iter().zip(&rows) {
                write::record(transaction, chains, record, row)?;
            }
            Ok(())
        };
        let done = if durably { state.transaction(work) } else { state.transaction_in_passing(work) };
        done.map_err(|error| error.to_string())
    }

    fn buffer(&self) -> MutexGuard<'_, Buffer> {
        self.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The packed parts of a record: action, state before, outcome, or the text or JSON that it is.
pub struct PackedRow {
    /// The main part.
    pub main: Vec<u8>,
    /// The state before.
    pub before: Option<Vec<u8>>,
    /// The outcome.
    pub outcome: Option<Vec<u8>>,
}

fn packed(packer: &Packer, record: &Record) -> Result<PackedRow, String> {
    let main = |main: Vec<u8>| PackedRow { main, before: None, outcome: None };
    let outcome = |run: &str, number: u64, recorded: &Recorded, sealed: bool| {
        packer.pack(codec::recorded_bytes(recorded), sealed, Some((run, &format!("{number}-outcome"))))
    };
    Ok(match record {
        Record::Begin(begin) => main(packer.pack(begin.pinned.clone(), false, None)?),
        Record::Text { text, .. } => main(packer.pack(text.clone().into_bytes(), false, None)?),
        Record::Entry(entry) => {
            let pack = |bytes: &[u8], part: &str| {
                packer.pack(bytes.to_vec(), entry.sealed, Some((&entry.run, &format!("{}-{part}", entry.number))))
            };
            PackedRow {
                main: pack(&entry.action, "action")?,
                // A read may show secrets, whatever the call itself says of them.
                before: entry
                    .before
                    .as_ref()
                    .map(|before| {
                        packer.pack(before.clone(), true, Some((&entry.run, &format!("{}-before", entry.number))))
                    })
                    .transpose()?,
                outcome: match &entry.outcome {
                    Some((recorded, _)) => Some(outcome(&entry.run, entry.number, recorded, entry.sealed)?),
                    None => None,
                },
            }
        }
        Record::Note { .. } | Record::Wait { .. } => main(Vec::new()),
        Record::Outcome(end) => main(outcome(&end.run, end.number, &end.recorded, end.sealed)?),
        Record::End(end) => main(packer.pack(end.ending.clone(), true, None)?),
    })
}

/// The links that a record adds to its run's chain: of its intent, and of its outcome.
pub(super) type Links = (Option<(u64, super::chain::Hash)>, Option<(u64, super::chain::Hash)>);

/// Adds a record to its run's chain, if it is one of those that stand in it.
pub(super) fn link(chains: &mut HashMap<Arc<str>, Chain>, record: &Record, row: &PackedRow) -> Links {
    match record {
        Record::Begin(begin) => {
            let chain = chains.entry(Arc::clone(&begin.run)).or_default();
            (Some(chain.add(&of_run(&begin.run, &row.main))), None)
        }
        Record::Entry(entry) if entry.chained => {
            let chain = chains.entry(Arc::clone(&entry.run)).or_default();
            let number = entry.number.to_be_bytes();
            let key = format!("{}#{}", entry.path, entry.position);
            let words = in_words(entry.effect, &entry.operation, entry.begun);
            let before = row.before.as_deref().unwrap_or_default();
            let intent = chain.add(&of_intent(&number, &key, &words, &entry.digest, &row.main, before));
            let outcome = row.outcome.as_deref().map(|outcome| chain.add(&of_outcome(&number, outcome)));
            (Some(intent), outcome)
        }
        Record::Outcome(end) if end.chained => {
            let chain = chains.entry(Arc::clone(&end.run)).or_default();
            (None, Some(chain.add(&of_outcome(&end.number.to_be_bytes(), &row.main))))
        }
        _ => (None, None),
    }
}

/// What the chain holds of an entry's words.
pub(super) fn in_words(effect: &str, operation: &str, begun: i64) -> String {
    format!("{effect} {operation} {begun}")
}

/// Writes what has been collected when it is due.
fn in_background(log: &Weak<Log>, bell: &Bell) {
    loop {
        let due = match log.upgrade() {
            Some(log) => log.buffer().due,
            None => return,
        };
        if due.is_some_and(|due| due <= Instant::now()) {
            let Some(log) = log.upgrade() else { return };
            // Whoever waits for a commit tells of a failure; the entries stay until then.
            let _kept = log.write(false);
        } else if !bell.wait(due) {
            return;
        }
    }
}
