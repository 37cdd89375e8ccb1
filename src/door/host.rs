//! Host effects: clock, chance, waits and files; the store's are in `stored`. None of them reaches an appliance.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use tokio::runtime::Handle;

use crate::clock::Clock;
use crate::door::files::FileRules;
use crate::door::halt::Halt;
use crate::door::mode::Mode;
use crate::door::pinned::Pins;
use crate::door::position::Step;
use crate::door::sleepers::Sleepers;
use crate::fault::{Failure, Fault, FaultKind, Stop};
use crate::store::Store;

/// How often it is looked in a long wait whether the clock was set.
const LOOK: Duration = Duration::from_secs(1);

/// The key/value store that a run's script uses.
#[derive(Clone)]
pub struct NamedStore {
    /// Where all stores live.
    pub store: Arc<Store>,
    /// The name of the script's own.
    pub name: String,
}

/// Keeps which files a run writes, so that a watched folder knows its own.
pub trait Authorship: Send + Sync {
    /// A file is about to be written there.
    ///
    /// # Errors
    /// When that cannot be kept: the file must not be written then.
    fn begin(&self, path: &Path) -> Result<(), Fault>;

    /// It is written, or that failed.
    ///
    /// # Errors
    /// When that cannot be kept.
    fn end(&self, path: &Path) -> Result<(), Fault>;
}

/// What host effects need.
pub struct Host {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where files may be read and written.
    pub files: FileRules,
    /// The script's store; opened when it is first used.
    pub store: Box<dyn Fn() -> Result<NamedStore, Fault> + Send + Sync>,
    /// Which files were written.
    pub authorship: Arc<dyn Authorship>,
    /// Runs waits.
    pub runtime: Handle,
    /// Ends waits.
    pub halt: Halt,
    /// The waits under way.
    pub sleepers: Sleepers,
    /// What a plan keeps of the run's surroundings, or gives to it.
    pub pins: Arc<Pins>,
    /// For how long earlier executions of the run have run.
    pub ran: Duration,
    /// When this one began.
    pub begun: Instant,
}

impl Host {
    /// For how long the run has run, earlier executions included.
    pub fn elapsed(&self) -> SignedDuration {
        SignedDuration::try_from(self.ran + self.begun.elapsed()).unwrap_or(SignedDuration::MAX)
    }

    /// The present instant, as the run sees it.
    pub fn now(&self, place: &[Step]) -> Timestamp {
        self.pins.now(place, &*self.clock)
    }

    /// A random number between the two, both included.
    ///
    /// # Errors
    /// `invalid` where there is none between them.
    pub fn draw(&self, place: &[Step], low: i64, high: i64) -> Result<i64, Fault> {
        if low > high {
            return Err(Fault::new(FaultKind::Invalid, format!("{low} is greater than {high}")));
        }
        Ok(self.pins.draw(place, low, high))
    }

    /// Waits, until the run is cancelled or its time is up.
    ///
    /// # Errors
    /// Why the run ended first.
    pub fn sleep(&self, place: &[Step], duration: Duration) -> Result<(), Failure> {
        self.pins.slept(place);
        let length = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
        let _under_way = self.sleepers.begin(self.clock.now().saturating_add(length).unwrap_or(Timestamp::MAX));
        let slept = self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = self.sleepers.when_put_off() => Err(Stop::PutOff),
                slept = self.halt.or(tokio::time::sleep(duration)) => slept,
            }
        });
        slept.map_err(Failure::from)
    }

    /// Waits for an instant of the clock that people set, as one of the waits of this run: a playbook that it runs
    /// waits until then, without a process.
    ///
    /// # Errors
    /// Why the run ended first, or that all of it is put off.
    pub fn wait_until(&self, until: Timestamp) -> Result<(), Stop> {
        let _under_way = self.sleepers.begin(until);
        loop {
            let left = Duration::try_from(until.duration_since(self.clock.now())).unwrap_or_default();
            if left.is_zero() {
                return Ok(());
            }
            self.runtime.block_on(async {
                tokio::select! {
                    biased;
                    () = self.sleepers.when_put_off() => Err(Stop::PutOff),
                    slept = self.halt.or(tokio::time::sleep(left.min(LOOK))) => slept,
                }
            })?;
        }
    }

    /// Reads a file, or what a dry run wrote in its place, or what a plan has of it.
    pub fn read_file(&self, path: &Path, mode: &Mode) -> Result<Bytes, Fault> {
        let written = mode.overlay().and_then(|overlay| overlay.read(&self.files.place(path)));
        let name = self.files.name_of(path);
        if let Some(contents) = written.or_else(|| self.pins.file(&name)) {
            return Ok(contents);
        }
        let contents = self.files.read(path)?;
        self.pins.was_read(&name, &contents);
        Ok(contents)
    }

    /// The size of a file that may be read, or was written by a dry run.
    pub fn file_size(&self, path: &Path, mode: &Mode) -> Result<u64, Fault> {
        if let Some(contents) = mode.overlay().and_then(|overlay| overlay.read(&self.files.place(path))) {
            return Ok(contents.len() as u64);
        }
        let path = self.files.readable(path)?;
        let wrong = |error: std::io::Error| Fault::new(FaultKind::File, format!("{}: {error}", path.display()));
        std::fs::metadata(&path).map(|metadata| metadata.len()).map_err(wrong)
    }

    /// Writes a file, or remembers it in a dry run.
    pub fn write_file(&self, path: &Path, contents: Bytes, mode: &Mode) -> Result<(), Fault> {
        if let Some(overlay) = mode.overlay() {
            self.files.may_write(path)?;
            overlay.write(&self.files.place(path), contents);
            return Ok(());
        }
        self.pins.was_written(&self.files.name_of(path));
        let place = self.files.writable(path)?;
        self.authorship.begin(&place)?;
        let written = self.files.write(path, &contents);
        written.and(self.authorship.end(&place))
    }
}
