//! Hints of the file system that something may have changed in a watched folder. They may come
//! late, twice or not at all: they only say when to scan.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use notify::{EventKind, RecursiveMode, Watcher};

/// A watcher over folders.
pub struct Hints {
    watcher: notify::RecommendedWatcher,
    raised: Arc<AtomicBool>,
    watched: Vec<PathBuf>,
}

impl Hints {
    /// A watcher that raises its flag and calls `wake`, on a thread of its own, with every hint.
    ///
    /// # Errors
    /// The system gives no watcher: a sentence with the cure. Scans at times go on without it.
    pub fn new(wake: impl Fn() + Send + 'static) -> Result<Self, String> {
        let raised = Arc::new(AtomicBool::new(true));
        let flag = Arc::clone(&raised);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // An error is a hint as well: it may stand for lost events. Reading a folder is none.
            if !matches!(&event, Ok(event) if matches!(event.kind, EventKind::Access(_)) && !event.need_rescan()) {
                flag.store(true, Ordering::Release);
                wake();
            }
        })
        .map_err(|error| explained("folders cannot be watched", &error))?;
        Ok(Self { watcher, raised, watched: Vec::new() })
    }

    /// Watches more folders; those that are watched already are left alone.
    ///
    /// # Errors
    /// One sentence for each folder that cannot be watched; it is tried again with the next call.
    pub fn watch(&mut self, folders: &[PathBuf]) -> Result<(), Vec<String>> {
        let mut problems = Vec::new();
        for folder in folders {
            if self.watched.contains(folder) {
                continue;
            }
            match self.watcher.watch(folder, RecursiveMode::NonRecursive) {
                Ok(()) => self.watched.push(folder.clone()),
                Err(error) => problems.push(explained(&shown(folder), &error)),
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// Whether there was a hint since the last question.
    pub fn take(&self) -> bool {
        self.raised.swap(false, Ordering::AcqRel)
    }
}

fn shown(folder: &Path) -> String {
    format!("{} cannot be watched", folder.display())
}

fn explained(what: &str, error: &notify::Error) -> String {
    match error.kind {
        notify::ErrorKind::MaxFilesWatch => {
            format!("{what}: the limit of watches is reached: raise fs.inotify.max_user_watches")
        }
        notify::ErrorKind::PathNotFound => format!("{what}: make the folder"),
        _ => format!("{what}: {error}"),
    }
}
