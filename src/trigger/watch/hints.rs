//! Hints of the file system that something may have changed in a watched folder. They may come
//! late, twice or not at all: they only say where to look.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use notify::event::{ModifyKind, RenameMode};
use notify::{EventKind, RecursiveMode, Watcher};

use super::FolderId;

/// Where something may have changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Hinted {
    /// Anywhere: the system has lost count.
    pub everywhere: bool,
    /// In these folders.
    pub folders: HashSet<PathBuf>,
}

/// A watcher over folders.
pub struct Hints {
    watcher: notify::RecommendedWatcher,
    hinted: Arc<Mutex<Hinted>>,
    watched: HashMap<PathBuf, FolderId>,
}

impl Hints {
    /// A watcher that keeps hints and calls `wake`, on a thread of its own, with the first of them.
    ///
    /// # Errors
    /// The system gives no watcher: a sentence with the cure. Scans at times go on without it.
    pub fn new(wake: impl Fn() + Send + 'static) -> Result<Self, String> {
        let hinted = Arc::new(Mutex::new(Hinted::default()));
        let kept = Arc::clone(&hinted);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let is_first = keep(&mut kept.lock().unwrap_or_else(PoisonError::into_inner), event);
            if is_first {
                wake();
            }
        })
        .map_err(|error| explained("folders cannot be watched", &error))?;
        Ok(Self { watcher, hinted, watched: HashMap::new() })
    }

    /// Watches these folders and no others. Gives those that are watched from now on, as something may have
    /// come before, and one sentence for each that cannot be watched; that is tried again with the next call.
    pub fn watch<'a>(
        &mut self,
        folders: impl IntoIterator<Item = &'a (PathBuf, FolderId)>,
    ) -> (Vec<PathBuf>, Vec<String>) {
        let wanted: HashMap<&Path, FolderId> = folders.into_iter().map(|(path, id)| (path.as_path(), *id)).collect();
        // A folder that has come back under its old path is another one to the system.
        let gone = self.watched.extract_if(|path, id| wanted.get(path.as_path()) != Some(id));
        for (path, _) in gone {
            // The system has forgotten one that was removed.
            let _forgotten = self.watcher.unwatch(&path);
        }
        let (mut new, mut problems) = (Vec::new(), Vec::new());
        for (folder, id) in wanted {
            if self.watched.contains_key(folder) {
                continue;
            }
            match self.watcher.watch(folder, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    self.watched.insert(folder.to_owned(), id);
                    new.push(folder.to_owned());
                }
                // The next scan tells what is there instead.
                Err(error) if matches!(error.kind, notify::ErrorKind::PathNotFound) => {}
                Err(error) => problems.push(explained(&format!("{} cannot be watched", folder.display()), &error)),
            }
        }
        (new, problems)
    }

    /// The hints since the last question.
    pub fn take(&self) -> Hinted {
        std::mem::take(&mut self.hinted.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Keeps what an event says; whether it is the first since the last question.
fn keep(hinted: &mut Hinted, event: notify::Result<notify::Event>) -> bool {
    let was_empty = *hinted == Hinted::default();
    match event {
        // An error may stand for lost events, and so does a full queue.
        Err(_) => hinted.everywhere = true,
        Ok(event) if event.need_rescan() => hinted.everywhere = true,
        // Reading makes no file ready.
        Ok(event) if matches!(event.kind, EventKind::Access(_)) => {}
        // Nor does a file that goes away; the folder itself may.
        Ok(event)
            if matches!(event.kind, EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(RenameMode::From))) =>
        {
            hinted.folders.extend(event.paths);
        }
        Ok(event) => {
            for path in event.paths {
                hinted.folders.extend(path.parent().map(Path::to_owned));
                hinted.folders.insert(path);
            }
        }
    }
    was_empty && *hinted != Hinted::default()
}

fn explained(what: &str, error: &notify::Error) -> String {
    let full = match &error.kind {
        notify::ErrorKind::MaxFilesWatch => Some("max_user_watches"),
        notify::ErrorKind::Io(error) if error.raw_os_error() == Some(NO_MORE_INSTANCES) => Some("max_user_instances"),
        _ => None,
    };
    match full {
        Some(limit) => {
            let now = std::fs::read_to_string(Path::new(LIMITS).join(limit)).unwrap_or_default();
            format!(
                "{what}: the system's limit fs.inotify.{limit} ({}) is reached. Raise it: `sysctl \
                 fs.inotify.{limit}=NUMBER`, for good in /etc/sysctl.d. Until then files are looked for every few \
                 seconds",
                now.trim()
            )
        }
        None => format!("{what}: {error}. Until then files are looked for every few seconds"),
    }
}

/// `EMFILE`: what inotify says when a user has too many watchers.
const NO_MORE_INSTANCES: i32 = 24;

const LIMITS: &str = "/proc/sys/fs/inotify";

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use notify::event::{AccessKind, CreateKind, Flag, RemoveKind};

    use super::*;
    use crate::trigger::watch::folder_id;

    fn event(kind: EventKind, path: &str) -> notify::Result<notify::Event> {
        Ok(notify::Event::new(kind).add_path(path.into()))
    }

    #[test]
    fn only_what_can_make_a_file_ready_is_a_hint() {
        let mut hinted = Hinted::default();
        assert!(!keep(&mut hinted, event(EventKind::Access(AccessKind::Any), "/in/a")));
        assert!(keep(&mut hinted, event(EventKind::Create(CreateKind::File), "/in/a")));
        assert!(!keep(&mut hinted, event(EventKind::Create(CreateKind::File), "/in/b")), "the loop is awake already");
        assert!(hinted.folders.contains(Path::new("/in")) && !hinted.everywhere);
        let mut hinted = Hinted::default();
        keep(&mut hinted, event(EventKind::Remove(RemoveKind::File), "/in/a"));
        assert!(!hinted.folders.contains(Path::new("/in")), "a file that goes away makes no other ready");
        for lost in
            [event(EventKind::Other, "").map(|event| event.set_flag(Flag::Rescan)), Err(notify::Error::generic(""))]
        {
            let mut hinted = Hinted::default();
            assert!(keep(&mut hinted, lost));
            assert!(hinted.everywhere);
        }
    }

    #[test]
    fn a_new_file_in_a_folder_that_came_back_raises_a_hint() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("inbox");
        let (sender, woken) = channel();
        let mut hints = Hints::new(move || sender.send(()).unwrap_or_default()).unwrap();
        for round in 0..3 {
            std::fs::create_dir(&folder).unwrap();
            let watched = [(folder.clone(), folder_id(&std::fs::metadata(&folder).unwrap()))];
            assert_eq!(hints.watch(&watched), (vec![folder.clone()], Vec::new()), "round {round}");
            assert_eq!(hints.watch(&watched), (Vec::new(), Vec::new()));
            hints.take();
            std::fs::write(folder.join("a"), "one").unwrap();
            // What happened to the folder itself may wake as well.
            while !hints.take().folders.contains(&folder) {
                woken.recv_timeout(Duration::from_secs(30)).unwrap();
            }
            std::fs::rename(&folder, parent.path().join(round.to_string())).unwrap();
        }
    }

    #[test]
    fn limits_of_the_system_are_told_with_their_cure() {
        let full = explained("folders cannot be watched", &notify::Error::new(notify::ErrorKind::MaxFilesWatch));
        assert!(full.contains("sysctl fs.inotify.max_user_watches="), "{full}");
        let error = notify::Error::io(std::io::Error::from_raw_os_error(NO_MORE_INSTANCES));
        let full = explained("folders cannot be watched", &error);
        assert!(full.contains("sysctl fs.inotify.max_user_instances="), "{full}");
    }
}
