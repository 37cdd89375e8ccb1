//! One writer per target: operating-system locks that all processes on a state folder share.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
    held: Arc<Mutex<Held>>,
}

/// A target's lock. The lock is free again when the run's last one for that target is dropped.
#[derive(Debug)]
#[must_use = "a lock that is dropped is free"]
pub struct TargetLock {
    held: Arc<Mutex<Held>>,
    target: String,
}

/// What one run holds. A file's lock also ends with the process, however that ends.
#[derive(Debug, Default)]
struct Held {
    /// The locked files, by target, and by how many they are held.
    files: HashMap<String, (File, usize)>,
    /// The one that was let go last: a run takes it again for its next change.
    idle: Option<(String, File)>,
}

impl Drop for TargetLock {
    fn drop(&mut self) {
        let mut held = held(&self.held);
        let Some((_, count)) = held.files.get_mut(&self.target) else { return };
        *count -= 1;
        if *count > 0 {
            return;
        }
        if let Some((target, (file, _))) = held.files.remove_entry(&self.target)
            && file.unlock().is_ok()
        {
            held.idle = Some((target, file));
        }
    }
}

fn held(held: &Mutex<Held>) -> MutexGuard<'_, Held> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

impl RunLocks {
    /// The locks of the run `run` of this process, in the folder `locks` of `state`.
    pub fn new(state: &Path, run: &str) -> Self {
        let owner = format!("run {run} (process {})", std::process::id());
        Self { folder: state.join("locks"), owner, held: Arc::default() }
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
        let mut held = held(&self.held);
        let lock = || TargetLock { held: Arc::clone(&self.held), target: target.to_owned() };
        if let Some((_, count)) = held.files.get_mut(target) {
            *count += 1;
            return Ok(Ok(lock()));
        }
        let kept = held.idle.take_if(|(idle, _)| idle == target).map(|(_, file)| file);
        // One that somebody has removed is nobody else's lock.
        let kept = kept.filter(|file| file.metadata().is_ok_and(|facts| facts.nlink() > 0));
        let file = kept.map_or_else(|| self.open(target), Ok)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Err(holder(&file))),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // A run takes it for each of its changes: what is written anew goes to the disk with their intents.
        if holder(&file) != self.owner {
            file.set_len(0)?;
            file.write_all_at(self.owner.as_bytes(), 0)?;
        }
        held.files.insert(target.to_owned(), (file, 1));
        Ok(Ok(lock()))
    }

    fn open(&self, target: &str) -> std::io::Result<File> {
        // The text of an earlier holder stays until the lock is ours: it may be the present one.
        let open = || OpenOptions::new().read(true).write(true).create(true).truncate(false).open(self.file(target));
        match open() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                fs::create_dir_all(&self.folder)?;
                open()
            }
            opened => opened,
        }
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
fn holder(file: &File) -> String {
    let mut bytes = [0; 200];
    let length = file.read_at(&mut bytes, 0).unwrap_or(0);
    match bytes.get(..length).map(String::from_utf8_lossy) {
        Some(text) if !text.trim().is_empty() => text.trim().to_owned(),
        _ => "another run".to_owned(),
    }
}
