//! One writer per target: operating-system locks that all processes on a state folder share.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::fault::{Failure, Fault, FaultKind, Stop};

/// What stays as it is in a lock file's name; a slash or a leading dot does not.
const NAME: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// The first and the longest pause between two looks at a lock that another run holds.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// The locks of one run, shared by its branches and its child runs: what one of them holds, all hold.
#[derive(Debug)]
pub struct RunLocks {
    folder: PathBuf,
    owner: String,
    held: Mutex<HashMap<String, Weak<LockedFile>>>,
}

/// A target's lock. The lock is free again when the run's last one for that target is dropped.
#[derive(Clone, Debug)]
#[must_use = "a lock that is dropped is free"]
pub struct TargetLock(#[expect(dead_code, reason = "held for its drop")] Arc<LockedFile>);

/// An open file whose lock ends when it is closed, also when the process dies.
#[derive(Debug)]
struct LockedFile(#[expect(dead_code, reason = "held for its drop")] File);

impl RunLocks {
    /// The locks of the run `run` of this process, in the folder `locks` of `state`.
    pub fn new(state: &Path, run: &str) -> Self {
        let owner = format!("run {run} (process {})", std::process::id());
        Self { folder: state.join("locks"), owner, held: Mutex::default() }
    }

    /// Takes the lock of `target`, waiting while another run holds it; `waiting` is told once who.
    ///
    /// # Errors
    /// The run was cancelled ([`Stop::Cancelled`]), `deadline` passed, or the file cannot be locked.
    pub async fn take(
        &self,
        target: &str,
        cancel: &CancellationToken,
        deadline: Option<Instant>,
        waiting: &(dyn Fn(&str) + Sync),
    ) -> Result<TargetLock, Failure> {
        let mut pause = FIRST_PAUSE;
        let mut told = false;
        loop {
            if cancel.is_cancelled() {
                return Err(Stop::Cancelled.into());
            }
            let holder = match self.try_take(target) {
                Ok(Ok(lock)) => return Ok(lock),
                Ok(Err(holder)) => holder,
                Err(error) => return Err(self.broken(target, &error).into()),
            };
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                let message = format!(
                    "{holder} holds the lock of '{target}', and did not let go in time: only one run changes a target at \
                     a time. Wait for that run, or cancel it (beadle runs list, beadle runs cancel)"
                );
                let fault = Fault::new(FaultKind::Refused, message).on(target).with_detail("rule", "target lock");
                return Err(fault.with_detail("holder", holder).retryable().into());
            }
            // The run itself is named only while its own last lock is being closed.
            if holder != self.owner && !std::mem::replace(&mut told, true) {
                waiting(&holder);
            }
            let until = Instant::now() + pause;
            tokio::select! {
                () = cancel.cancelled() => return Err(Stop::Cancelled.into()),
                () = tokio::time::sleep_until(deadline.map_or(until, |deadline| deadline.min(until))) => {}
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Takes the locks of all `targets`, in the order of their names whatever the order given, so
    /// that two runs never wait for each other.
    ///
    /// # Errors
    /// As [`RunLocks::take`]; then none of them is held.
    pub async fn hold_all(
        &self,
        targets: &[impl AsRef<str> + Sync],
        cancel: &CancellationToken,
        deadline: Option<Instant>,
        waiting: &(dyn Fn(&str) + Sync),
    ) -> Result<Vec<TargetLock>, Failure> {
        let mut names: Vec<&str> = targets.iter().map(AsRef::as_ref).collect();
        names.sort_unstable();
        names.dedup();
        let mut locks = Vec::with_capacity(names.len());
        for name in names {
            locks.push(self.take(name, cancel, deadline, waiting).await?);
        }
        Ok(locks)
    }

    /// The lock, or who holds it.
    fn try_take(&self, target: &str) -> std::io::Result<Result<TargetLock, String>> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lock) = held.get(target).and_then(Weak::upgrade) {
            return Ok(Ok(TargetLock(lock)));
        }
        // The text of an earlier holder stays until the lock is ours: it may be the present one.
        let open = || OpenOptions::new().read(true).write(true).create(true).truncate(false).open(self.file(target));
        let mut file = match open() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                fs::create_dir_all(&self.folder)?;
                open()?
            }
            opened => opened?,
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Err(holder(&mut file))),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // A run takes it for each of its changes: what is written anew goes to the disk with their intents.
        if holder(&mut file) != self.owner {
            file.set_len(0)?;
            file.rewind()?;
            file.write_all(self.owner.as_bytes())?;
        }
        let lock = Arc::new(LockedFile(file));
        held.insert(target.to_owned(), Arc::downgrade(&lock));
        Ok(Ok(TargetLock(lock)))
    }

    fn file(&self, target: &str) -> PathBuf {
        self.folder.join(format!("{}.lock", utf8_percent_encode(target, NAME)))
    }

    fn broken(&self, target: &str, error: &std::io::Error) -> Fault {
        let path = self.file(target);
        let message = format!(
            "the lock file {} cannot be locked ({error}): without it two runs could change '{target}' at once. Make the \
             state folder writable, on a file system that has locks",
            path.display()
        );
        // Nobody says no here: it cannot be done.
        Fault::new(FaultKind::File, message).on(target).with_detail("rule", "target lock")
    }
}

/// What the file says of its holder; a holder that has not written yet, or a system that keeps
/// locked files from being read, leaves it unnamed.
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    match file.take(200).read_to_string(&mut text) {
        Ok(_) if !text.trim().is_empty() => text.trim().to_owned(),
        _ => "another run".to_owned(),
    }
}
