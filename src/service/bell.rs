//! How other processes of a project wake the service: a file in the state folder that the service holds a
//! lock on and watches, and that they write a byte to.
//!
//! The lock tells whether anybody serves, and it ends with the process. The system tells of the byte, so that
//! a service with nothing to do does nothing.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use notify::{EventKind, RecursiveMode, Watcher};

/// The file in the state folder.
const NAME: &str = "serve.bell";

/// The service's side: as long as it lives, the service is there to be woken.
pub struct Bell {
    path: PathBuf,
    _locked: File,
    watcher: Option<notify::RecommendedWatcher>,
    rung: Arc<AtomicBool>,
}

impl Bell {
    /// Tells others that somebody serves.
    ///
    /// # Errors
    /// The file cannot be made or locked.
    pub fn hang(folder: &Path) -> Result<Self, String> {
        let path = folder.join(NAME);
        // Whoever asks whether anybody serves holds it for an instant.
        let locked = open(&path).and_then(|locked| locked.lock_shared().map(|()| locked));
        let locked = locked.map_err(|error| format!("{} cannot be locked: {error}", path.display()))?;
        Ok(Self { path, _locked: locked, watcher: None, rung: Arc::default() })
    }

    /// Calls `wake` with each ring, on a thread of its own.
    ///
    /// # Errors
    /// A sentence with the cure. The service works without: it then notices within a minute.
    pub fn listen(&mut self, wake: impl Fn() + Send + 'static) -> Result<(), String> {
        let path = &self.path;
        let deaf = |error: notify::Error, limit: &str| {
            format!(
                "{}: what other commands do to triggers is noticed within a minute only: {error}: raise {limit}",
                path.display()
            )
        };
        let flag = Arc::clone(&self.rung);
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // Others open the file to look for the lock, which is no ring.
            if !matches!(&event, Ok(event) if matches!(event.kind, EventKind::Access(_))) {
                flag.store(true, Ordering::Release);
                wake();
            }
        })
        .map_err(|error| deaf(error, "fs.inotify.max_user_instances"))?;
        let watched = watcher.watch(path, RecursiveMode::NonRecursive);
        watched.map_err(|error| deaf(error, "fs.inotify.max_user_watches"))?;
        self.watcher = Some(watcher);
        Ok(())
    }

    /// Whether it was rung since the last question. Where nobody hears it, it may have been.
    pub fn take(&self) -> bool {
        self.watcher.is_none() || self.rung.swap(false, Ordering::AcqRel)
    }
}

/// Wakes the service of a state folder; answers whether there is one.
///
/// # Errors
/// The file cannot be written.
pub fn ring(folder: &Path) -> io::Result<bool> {
    if !is_served(folder) {
        return Ok(false);
    }
    open(&folder.join(NAME))?.write_all(b"\n")?;
    Ok(true)
}

/// Whether anybody serves on a state folder.
pub fn is_served(folder: &Path) -> bool {
    let Ok(opened) = OpenOptions::new().write(true).open(folder.join(NAME)) else { return false };
    matches!(opened.try_lock(), Err(TryLockError::WouldBlock))
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_ring_is_heard_and_nobody_hears_it_once_the_service_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!ring(folder.path()).unwrap(), "nobody is there yet");
        let (sender, heard) = channel();
        let mut bell = Bell::hang(folder.path()).unwrap();
        bell.listen(move || sender.send(()).unwrap_or_default()).unwrap();
        assert!(is_served(folder.path()) && !bell.take());
        assert!(heard.recv_timeout(Duration::from_millis(100)).is_err(), "a look is no ring");
        for _ in 0..2 {
            assert!(ring(folder.path()).unwrap());
            heard.recv_timeout(Duration::from_secs(5)).unwrap();
            assert!(bell.take());
        }
        drop(bell);
        assert!(!ring(folder.path()).unwrap());
    }
}
