//! A configuration that changes while it is served.
//!
//! The new one is loaded and checked as a whole before anything of it is used: one with a mistake is told
//! of, and the last good one stays. Runs that are going keep the one that they began with.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::config::difference;
use crate::engine::check::Severity;
use crate::identity::Identity;
use crate::run::Project;
use crate::service::check::check_triggers;
use crate::service::desk::Desk;
use crate::service::event::ServiceEvent;
use crate::service::orders::triggers;
use crate::service::reload::Reloader;
use crate::service::sources::Source;
use crate::trigger::watch::{FolderId, Hinted, Hints, folder_id, is_remote};

/// Files must have stood still for so long: an editor writes several times.
const SETTLE: SignedDuration = SignedDuration::from_millis(300);

/// The files are looked at this often where the system may not tell that they change, and so are the sessions of
/// former projects until the last run has let go of them.
const LOOK: SignedDuration = SignedDuration::from_mins(1);

/// What the files of a configuration were when they were looked at.
type Stamp = Vec<(PathBuf, Option<Identity>)>;

/// The configuration of the project.
pub(super) struct Reload {
    reloader: Reloader,
    hints: Option<Hints>,
    /// Whether the system tells of every change.
    hears: bool,
    /// What the files were when they were loaded, well or badly.
    loaded: Stamp,
    /// What they were at the last look, and since when.
    seen: (Stamp, Timestamp),
    /// Projects that runs may still be working with.
    former: Vec<Arc<Project>>,
}

impl Reload {
    pub(super) fn new(desk: &Desk, reloader: Reloader) -> Self {
        reloader.wake_with(desk.waker());
        let (hints, seen) = (Hints::new(desk.waker()).ok(), (Stamp::new(), desk.now()));
        let mut reload = Self { reloader, hints, hears: false, loaded: Stamp::new(), seen, former: Vec::new() };
        // What was loaded is what is there now: a change that falls between the two is not seen.
        reload.listen(&stamp(&desk.project));
        reload.loaded = stamp(&desk.project);
        reload.seen.0 = reload.loaded.clone();
        reload
    }

    /// Has the system tell of changes of these files; whether it may have missed some until now.
    fn listen(&mut self, stamp: &Stamp) -> bool {
        let Some(hints) = &mut self.hints else { return false };
        let places: BTreeSet<PathBuf> = stamp.iter().flat_map(|(path, _)| places(path)).collect();
        let with_id = |folder: &PathBuf| Some((folder.clone(), folder_id(&std::fs::metadata(folder).ok()?)));
        let folders: Vec<(PathBuf, FolderId)> = places.iter().filter_map(with_id).collect();
        let (new, problems) = hints.watch(&folders);
        let is_whole = problems.is_empty() && folders.len() == places.len();
        self.hears = is_whole && !places.iter().any(|place| is_remote(place));
        !new.is_empty()
    }

    /// When to look again although nobody has told of a change.
    fn again(&self, now: Timestamp) -> Option<Timestamp> {
        let looks = !self.hears || !self.former.is_empty();
        looks.then(|| now.saturating_add(LOOK).ok()).flatten()
    }

    /// Loads, checks and swaps; gives what is different.
    fn reload(&mut self, desk: &mut Desk, now: Timestamp) -> Result<Vec<String>, Vec<String>> {
        let (config, catalog) = self.reloader.load()?;
        let lines = difference(&desk.project.config, &config);
        let project = desk.project.renewed(config, catalog).map_err(|mistake| vec![mistake])?;
        let file = project.config.file.clone().unwrap_or_default();
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let shown = file.file_name().map(Path::new).unwrap_or(&file).display().to_string();
        let findings = check_triggers(&project, &shown, &text);
        let wrong = findings.iter().filter(|finding| finding.severity == Severity::Error);
        let mistakes: Vec<String> =
            wrong.map(|finding| format!("{shown}:{}: {}", finding.place.line, finding.message)).collect();
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let mut triggers = triggers(&project, now)?;
        triggers.watches.succeed(&mut desk.triggers.watches);
        desk.triggers = triggers;
        self.former.push(std::mem::replace(&mut desk.project, project));
        Ok(lines)
    }

    /// Ends the sessions of former projects that no run works with any more.
    fn sign_out(&mut self, desk: &Desk) {
        let (done, going): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.former).into_iter().partition(|project| Arc::strong_count(project) == 1);
        self.former = going;
        for project in done {
            let now = Arc::clone(&desk.project);
            desk.project.runtime.spawn(async move { project.fleet.sign_out_but(&now.fleet).await });
        }
    }
}

impl Source for Reload {
    fn look(&mut self, desk: &mut Desk, now: Timestamp) -> Result<Option<Timestamp>, String> {
        self.sign_out(desk);
        // Only what comes after these are taken wakes the loop again, so that the look is after it.
        let hinted = self.hints.as_ref().is_some_and(|hints| hints.take() != Hinted::default());
        let mut current = stamp(&desk.project);
        if (hinted || !self.hears || current != self.seen.0) && self.listen(&current) {
            // What came before the system watched has given no hint.
            current = stamp(&desk.project);
        }
        let asked = self.reloader.is_asked();
        if current != self.seen.0 {
            self.seen = (current.clone(), now);
        }
        if current == self.loaded && !asked {
            return Ok(self.again(now));
        }
        let settled = self.seen.1.saturating_add(SETTLE).unwrap_or(now);
        // A clock that was set back must not let it wait for longer.
        if !asked && now < settled && now >= self.seen.1 {
            return Ok(Some(settled));
        }
        self.loaded = current;
        desk.tell(ServiceEvent::Reloading);
        match self.reload(desk, now) {
            Ok(lines) => {
                self.loaded = stamp(&desk.project);
                let project = Arc::clone(&desk.project);
                desk.tell(ServiceEvent::Reloaded(lines, project));
                // Other files may belong to it, and nobody tells of these yet.
                return Ok(Some(now));
            }
            Err(mistakes) => desk.complain([format!(
                "the changed configuration is not used, and the last good one stays: {}",
                mistakes.join("; ")
            )]),
        }
        Ok(self.again(now))
    }
}

/// The files of a project's configuration as they are now, those in folders of catalogs included.
fn stamp(project: &Project) -> Stamp {
    let mut files = Vec::new();
    for path in &project.config.sources {
        match std::fs::read_dir(path) {
            Ok(entries) => {
                files.push(path.clone());
                files.extend(entries.flatten().map(|entry| entry.path()));
            }
            Err(_) => files.push(path.clone()),
        }
    }
    files.sort();
    let identity = |path: &Path| std::fs::metadata(path).ok().map(|metadata| Identity::from(&metadata));
    files.into_iter().map(|path| (path.clone(), identity(&path))).collect()
}

/// The folders in which a change of a file can be seen: its own, that of the file which a link leads to, and itself
/// where it is one.
fn places(path: &Path) -> Vec<PathBuf> {
    let mut places: Vec<PathBuf> = path.parent().map(Path::to_owned).into_iter().collect();
    places.extend(path.canonicalize().ok().and_then(|real| real.parent().map(Path::to_owned)));
    places.extend(path.is_dir().then(|| path.to_owned()));
    places
}
