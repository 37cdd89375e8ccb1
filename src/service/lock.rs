//! One service for each state folder: a lock of the operating system, which ends with the process.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

/// How often, and how long apart, it is tried to take a lock that somebody has. A service that was killed while it
/// started a process leaves its lock to that, until it has become another program: a second is plenty.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(10);

/// Held for as long as the service lives.
#[derive(Debug)]
pub(super) struct ServiceLock {
    _file: File,
}

impl ServiceLock {
    /// Takes the lock of a state folder.
    ///
    /// # Errors
    /// Who has it, or why the file cannot be used.
    pub(super) fn take(folder: &Path, now: Timestamp) -> Result<Self, String> {
        let path = folder.join("serve.lock");
        let unusable = |error: std::io::Error| format!("{} cannot be used: {error}", path.display());
        let file =
            OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(unusable)?;
        let mut locked = file.try_lock();
        for _ in 1..TRIES {
            if !matches!(locked, Err(TryLockError::WouldBlock)) {
                break;
            }
            std::thread::sleep(PAUSE);
            locked = file.try_lock();
        }
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let who = fs::read_to_string(&path).unwrap_or_default();
                let who = if who.is_empty() { "another process" } else { who.trim_end() };
                return Err(format!(
                    "{who} already serves the state folder {}: end it first, or give this project a folder of its \
                     own with [state] dir",
                    folder.display()
                ));
            }
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
        file.set_len(0).map_err(unusable)?;
        let text = format!("process {}, since {}", std::process::id(), now.strftime("%Y-%m-%d %H:%M:%S UTC"));
        (&file).write_all(text.as_bytes()).map_err(unusable)?;
        Ok(Self { _file: file })
    }
}

/// Whether a living process serves a state folder.
pub fn is_serving(folder: &Path) -> bool {
    let opened = OpenOptions::new().write(true).open(folder.join("serve.lock"));
    opened.is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_service_is_told_who_the_first_is() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_serving(folder.path()));
        let first = ServiceLock::take(folder.path(), Timestamp::UNIX_EPOCH).unwrap();
        assert!(is_serving(folder.path()));
        let refused = ServiceLock::take(folder.path(), Timestamp::UNIX_EPOCH).unwrap_err();
        assert!(refused.contains(&format!("process {}, since 1970", std::process::id())), "{refused}");
        drop(first);
        ServiceLock::take(folder.path(), Timestamp::UNIX_EPOCH).unwrap();
    }

    #[test]
    fn a_lock_that_is_let_go_a_moment_later_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let first = ServiceLock::take(folder.path(), Timestamp::UNIX_EPOCH).unwrap();
        // As what a killed service had just forked, and which becomes another program now.
        let lets_go = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(100));
            drop(first);
        });
        ServiceLock::take(folder.path(), Timestamp::UNIX_EPOCH).unwrap();
        lets_go.join().unwrap();
    }
}
