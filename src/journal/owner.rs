//! Who executes a run: a lock of the operating system on a file, which ends with the process.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The ownership of a run. Dropped, it ends.
#[derive(Debug)]
pub struct Owner {
    _file: File,
    path: PathBuf,
    cancel: PathBuf,
}

impl Owner {
    /// Takes the ownership; nothing if another process has it.
    ///
    /// # Errors
    /// When the file cannot be made or locked.
    pub fn take(folder: &Path, run: &str) -> std::io::Result<Option<Self>> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder.join("runs"))?;
        let path = file(folder, run);
        let opened = loop {
            let opened = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path)?;
            match opened.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            }
            // A former owner may have removed the name between the two: somebody else can lock a new file then.
            if fs::metadata(&path).is_ok_and(|named| is_same(&named, &opened)) {
                break opened;
            }
        };
        // For whoever comes and finds it locked.
        opened.set_len(0)?;
        (&opened).write_all(format!("process {}", std::process::id()).as_bytes())?;
        let cancel = cancel_file(folder, run);
        // What was asked of an earlier execution does not concern this one.
        let _none = fs::remove_file(&cancel);
        Ok(Some(Self { _file: opened, path, cancel }))
    }

    /// Whether somebody has asked for the run to be cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.cancel.exists()
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // The name goes before the lock: whoever opens it in between makes a new file, and finds the
        // run's outcome in the database.
        let _gone = fs::remove_file(&self.path);
        let _gone = fs::remove_file(&self.cancel);
    }
}

/// Who executes a run, in words, if somebody does.
pub fn holder(folder: &Path, run: &str) -> Option<String> {
    if !is_owned(folder, run) {
        return None;
    }
    let told = fs::read_to_string(file(folder, run)).unwrap_or_default();
    Some(if told.is_empty() { "another process".into() } else { told })
}

/// Whether a living process executes the run.
pub fn is_owned(folder: &Path, run: &str) -> bool {
    let Ok(opened) = OpenOptions::new().write(true).open(file(folder, run)) else { return false };
    matches!(opened.try_lock(), Err(TryLockError::WouldBlock))
}

/// Asks the process that executes the run to cancel it.
///
/// # Errors
/// When the file cannot be made.
pub fn ask_to_cancel(folder: &Path, run: &str) -> std::io::Result<()> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(cancel_file(folder, run)).map(|_| ())
}

fn is_same(named: &fs::Metadata, opened: &File) -> bool {
    opened.metadata().is_ok_and(|opened| (opened.dev(), opened.ino()) == (named.dev(), named.ino()))
}

fn file(folder: &Path, run: &str) -> PathBuf {
    folder.join("runs").join(format!("{run}.lock"))
}

fn cancel_file(folder: &Path, run: &str) -> PathBuf {
    folder.join("runs").join(format!("{run}.cancel"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_has_one_owner_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_owned(folder.path(), "a"));
        let owner = Owner::take(folder.path(), "a").unwrap().unwrap();
        assert!(Owner::take(folder.path(), "a").unwrap().is_none());
        assert!(is_owned(folder.path(), "a"));
        assert_eq!(holder(folder.path(), "a").unwrap(), format!("process {}", std::process::id()));
        assert!(!owner.is_cancelled());
        ask_to_cancel(folder.path(), "a").unwrap();
        assert!(owner.is_cancelled());
        drop(owner);
        assert!(!is_owned(folder.path(), "a"));
        assert!(!Owner::take(folder.path(), "a").unwrap().unwrap().is_cancelled());
    }
}
