//! The way to the disk: what happens is collected in memory, and written in commits that many share.
//!
//! Reads wait for nobody: a thread in the background writes them soon. A change waits until its
//! intent is on the disk, together with everything that was collected before it; whoever comes while
//! a commit is under way shares the next one.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::chain::Chain;
use super::cut::Cut;
use super::pack::Packer;
use super::packed::packed;
use super::record::Record;
use super::write;
use crate::allocator::Account;
use crate::fault::Fault;
use crate::state::State;

/// After how long writing is tried again where it failed.
const AGAIN: Duration = Duration::from_secs(1);

/// How many bytes may wait in memory, those under way to the disk included. From there on they are written
/// without delay, and whoever adds more waits for it.
const FULL: usize = 32 << 20;

/// Opens the state database.
pub type Opener = Box<dyn Fn() -> Result<Arc<State>, Fault> + Send + Sync>;

/// A record that waits to be written.
struct Waiting {
    /// Its number; they only grow.
    ticket: u64,
    record: Record,
    /// The run that holds it until it is written, whoever writes it.
    account: Account,
}

#[derive(Default)]
struct Buffer {
    records: Vec<Waiting>,
    /// What they hold, and what those hold that are being written.
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
        let lingers = if self.bytes > FULL { Duration::ZERO } else { record.lingers() };
        let due = Instant::now() + lingers;
        self.due = Some(self.due.map_or(due, |present| present.min(due)));
        self.records.push(Waiting { ticket: self.tickets, record, account: Account::present() });
        self.tickets
    }

    fn take_back(&mut self, ticket: u64) {
        if let Some(at) = self.records.iter().position(|waiting| waiting.ticket == ticket) {
            let waiting = self.records.remove(at);
            self.bytes = self.bytes.saturating_sub(waiting.record.size());
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
            let full = buffer.bytes > FULL;
            for record in records {
                self.cut.admit(&record)?;
                buffer.put(record);
            }
            if let Some(due) = buffer.due {
                self.bell.ring(due);
            }
            full
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
            (buffer.urgent, buffer.due) = (false, None);
            taken
        };
        let Some(last) = records.last().map(|waiting| waiting.ticket) else { return Ok(()) };
        let former = writer.chains.clone();
        match self.write_all(&mut writer.chains, &records, durably || urgent) {
            Ok(()) => {
                writer.written = last;
                let mut buffer = self.buffer();
                buffer.bytes = buffer.bytes.saturating_sub(bytes);
                drop(buffer);
                for Waiting { record, account, .. } in records {
                    let _on_its_account = account.enter();
                    if let Record::End(end) = &record {
                        writer.chains.remove(&end.run);
                    }
                    drop(record);
                }
                Ok(())
            }
            Err(message) => {
                writer.chains = former;
                let mut buffer = self.buffer();
                let later = std::mem::replace(&mut buffer.records, records);
                buffer.records.extend(later);
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
        records: &[Waiting],
        durably: bool,
    ) -> Result<(), String> {
        let (state, packer) = self.open()?;
        // Everything is packed before the database is locked.
        let rows =
            records.iter().map(|waiting| packed(&packer, &waiting.record)).collect::<Result<Vec<_>, String>>()?;
        let work = |transaction: &rusqlite::Connection| {
            write::records(transaction, chains, records.iter().map(|waiting| &waiting.record).zip(&rows))
        };
        let done = if durably { state.transaction(work) } else { state.transaction_in_passing(work) };
        done.map_err(|error| error.to_string())
    }

    fn buffer(&self) -> MutexGuard<'_, Buffer> {
        self.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
