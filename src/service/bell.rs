//! How other processes of a project wake the service: a file in the state folder that the service watches, and
//! that they write a byte to. The system tells of the byte, so that a service with nothing to do does nothing.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use notify::{EventKind, RecursiveMode, Watcher};

use crate::service::lock::is_serving;

/// The file in the state folder.
const NAME: &str = "serve.bell";

/// The service's side: as long as it lives, the service is there to be woken.
pub struct Bell {
    _watcher: notify::RecommendedWatcher,
    rung: Arc<AtomicBool>,
}

impl Bell {
    /// Listens; `wake` is called with each ring, on a thread of its own.
    ///
    /// # Errors
    /// A sentence with the cure. The service works without: it then notices within a minute.
    pub fn listen(folder: &Path, wake: impl Fn() + Send + 'static) -> Result<Self, String> {
        let path = folder.join(NAME);
        let deaf = |cause: String| {
            format!("{}: what other commands do to triggers is noticed within a minute only: {cause}", path.display())
        };
        open(&path).map_err(|error| deaf(error.to_string()))?;
        let rung = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&rung);
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // To open the file is no ring.
            if !matches!(&event, Ok(event) if matches!(event.kind, EventKind::Access(_))) {
                flag.store(true, Ordering::Release);
                wake();
            }
        })
        .map_err(|error| deaf(format!("{error}: raise fs.inotify.max_user_instances")))?;
        watcher
            .watch(&path, RecursiveMode::NonRecursive)
            .map_err(|error| deaf(format!("{error}: raise fs.inotify.max_user_watches")))?;
        Ok(Self { _watcher: watcher, rung })
    }

    /// Whether it was rung since the last question.
    pub fn take(&self) -> bool {
        self.rung.swap(false, Ordering::AcqRel)
    }
}

/// Wakes the service of a state folder; answers whether there is one.
///
/// # Errors
/// The file cannot be written.
pub fn ring(folder: &Path) -> io::Result<bool> {
    if !is_serving(folder) {
        return Ok(false);
    }
    open(&folder.join(NAME))?.write_all(b"\n")?;
    Ok(true)
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;
    use crate::service::lock::ServiceLock;

    #[test]
    fn a_ring_is_heard_and_nobody_hears_it_once_the_service_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!ring(folder.path()).unwrap(), "nobody is there yet");
        let (sender, heard) = channel();
        let lock = ServiceLock::take(folder.path(), jiff::Timestamp::UNIX_EPOCH).unwrap();
        let bell = Bell::listen(folder.path(), move || sender.send(()).unwrap_or_default()).unwrap();
        assert!(is_serving(folder.path()) && !bell.take());
        assert!(heard.recv_timeout(Duration::from_millis(100)).is_err(), "a look is no ring");
        for _ in 0..2 {
            assert!(ring(folder.path()).unwrap());
            heard.recv_timeout(Duration::from_secs(5)).unwrap();
            assert!(bell.take());
        }
        drop((bell, lock));
        assert!(!ring(folder.path()).unwrap());
    }
}
