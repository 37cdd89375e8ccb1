//! A configuration that changes while it is served.
//!
//! The new one is loaded and checked as a whole before anything of it is used: one with a mistake is told
//! of, and the last good one stays. Runs that are going keep the one that they began with.

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
use crate::trigger::watch::{FolderId, Hints, folder_id};

/// Files must have stood still for so long: an editor writes several times.
const SETTLE: SignedDuration = SignedDuration::from_millis(300);

/// What the files of a configuration were when they were looked at.
type Stamp = Vec<(PathBuf, Option<Identity>)>;

/// The configuration of the project.
pub(super) struct Reload {
    reloader: Reloader,
    hints: Option<Hints>,
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
        // Without a watcher the files are looked at whenever the loop wakes.
        let mut hints = Hints::new(desk.waker()).ok();
        if let Some(hints) = &mut hints {
            // Before the first look, so that no change falls between the two.
            let _looked_at = hints.watch(&folders(&stamp(&desk.project)));
        }
        let loaded = stamp(&desk.project);
        Self { reloader, hints, seen: (loaded.clone(), desk.now()), loaded, former: Vec::new() }
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
        desk.triggers = triggers(&project, now)?;
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
        let _taken = self.hints.as_ref().map(Hints::take);
        let current = stamp(&desk.project);
        if let Some(hints) = &mut self.hints {
            // A folder that cannot be watched is looked at whenever the loop wakes.
            let _looked_at = hints.watch(&folders(&current));
        }
        let asked = self.reloader.is_asked();
        if current != self.seen.0 {
            self.seen = (current.clone(), now);
        }
        if current == self.loaded && !asked {
            return Ok(None);
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
            }
            Err(mistakes) => desk.complain([format!(
                "the changed configuration is not used, and the last good one stays: {}",
                mistakes.join("; ")
            )]),
        }
        Ok(None)
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

/// Where a change of the files can be seen.
fn folders(stamp: &Stamp) -> Vec<(PathBuf, FolderId)> {
    let mut folders: Vec<&Path> = stamp.iter().filter_map(|(path, _)| path.parent()).collect();
    folders.sort();
    folders.dedup();
    let with_id = |folder: &Path| Some((folder.to_owned(), folder_id(&std::fs::metadata(folder).ok()?)));
    folders.into_iter().filter_map(with_id).collect()
}
