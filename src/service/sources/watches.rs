//! Files that are dropped into watched folders.
//!
//! Searches run on threads of their own: the loop never touches a watched folder, and a file system that
//! hangs delays its own watch alone.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use jiff::{SignedDuration, Timestamp};

use crate::service::desk::Desk;
use crate::service::sources::Source;
use crate::trigger::watch::{Hints, Search, Searched};

/// How long a watch rests after a search at least: many hints make one search.
const REST: SignedDuration = SignedDuration::from_millis(20);

/// The rest after a search that took long, in terms of that.
const REST_TIMES: u32 = 4;

/// The watches of the project, and what hints at changes in their folders.
pub(super) struct Watches {
    hints: Option<Hints>,
    /// What the system does not let be watched, as it was told.
    told: BTreeSet<String>,
    wake: Arc<dyn Fn() + Send + Sync>,
    back: Sender<Searched>,
    searched: Receiver<Searched>,
}

impl Watches {
    /// Without a watcher of the system, folders are scanned at times.
    pub(super) fn new(desk: &mut Desk) -> Self {
        let hints = Hints::new(desk.waker()).map_err(|problem| desk.complain([problem])).ok();
        desk.triggers.watches.set_hearing(hints.is_some());
        let (back, searched) = channel();
        Self { hints, told: BTreeSet::new(), wake: Arc::new(desk.waker()), back, searched }
    }

    /// Takes in what searches have found.
    fn take_in(&mut self, desk: &mut Desk) -> Result<(), String> {
        let mut failed = None;
        let mut has_any = false;
        while let Ok(searched) = self.searched.try_recv() {
            has_any = true;
            let rest = SignedDuration::try_from(searched.took * REST_TIMES).unwrap_or(REST).max(REST);
            let until = desk.now().saturating_add(rest).unwrap_or(Timestamp::MIN);
            desk.triggers.watches.rest(searched.name(), until);
            match desk.triggers.watches.done(searched) {
                Ok(looked) => {
                    desk.missed(looked.missed);
                    desk.complain(looked.problems);
                }
                Err(error) => failed = Some(error.to_string()),
            }
        }
        if has_any {
            self.listen(desk);
        }
        failed.map_or(Ok(()), Err)
    }

    /// Has the system hint at changes where the searches have looked.
    fn listen(&mut self, desk: &mut Desk) {
        let Some(hints) = &mut self.hints else {
            desk.triggers.watches.set_hearing(false);
            return;
        };
        let (new, problems) = hints.watch(desk.triggers.watches.watched());
        // What came before the system watched has given no hint.
        new.iter().for_each(|folder| desk.triggers.watches.hint_at(folder));
        desk.triggers.watches.set_hearing(problems.is_empty());
        let problems: BTreeSet<String> = problems.into_iter().collect();
        desk.complain(problems.difference(&self.told).cloned());
        self.told = problems;
    }

    fn spawn(&self, search: Search, desk: &Desk) {
        let (wake, back) = (Arc::clone(&self.wake), self.back.clone());
        desk.project.runtime.spawn_blocking(move || {
            let searched = search.run(&*wake);
            // A loop that has ended asks for nothing more.
            let _ended = back.send(searched);
            wake();
        });
    }
}

impl Source for Watches {
    fn look(&mut self, desk: &mut Desk, now: Timestamp) -> Result<Option<Timestamp>, String> {
        if let Some(hints) = &self.hints {
            let hinted = hints.take();
            if hinted.everywhere {
                desk.triggers.watches.hint();
            }
            hinted.folders.iter().for_each(|folder| desk.triggers.watches.hint_at(folder));
        }
        let taken_in = self.take_in(desk);
        desk.triggers.watches.due(now).into_iter().for_each(|search| self.spawn(search, desk));
        taken_in.map(|()| desk.triggers.watches.next())
    }
}
