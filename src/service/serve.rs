//! The loop: ask each source what there is to do, then sleep until one of them has something.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use crate::door::Halt;
use crate::run::Project;
use crate::service::desk::Desk;
use crate::service::event::{ServiceEvent, Tell};
use crate::service::lock::ServiceLock;
use crate::service::orders::triggers;
use crate::service::reload::Reloader;
use crate::service::sources::{Source, all};

/// A source that has failed is asked again after this long.
const RETRY: SignedDuration = SignedDuration::from_secs(5);

/// How often it is looked, while the service ends, whether it is to end at once.
const LOOK: SignedDuration = SignedDuration::from_millis(100);

/// The service of a project.
pub struct Service {
    project: Arc<Project>,
    reloader: Option<Reloader>,
    turns: Option<Duration>,
    tell: Tell,
}

impl Service {
    /// A service that tells what happens to `tell`.
    pub fn new(project: Arc<Project>, tell: Tell) -> Self {
        Self { project, reloader: None, turns: None, tell }
    }

    /// The same, which follows changes of its configuration.
    #[must_use]
    pub fn reloading(self, reloader: Reloader) -> Self {
        Self { reloader: Some(reloader), ..self }
    }

    /// The same, whose loop goes round this often at least, for a supervisor that wants to see it.
    #[must_use]
    pub fn turning(self, every: Option<Duration>) -> Self {
        Self { turns: every, ..self }
    }

    /// Serves until `halt` is cancelled, then lets running runs end and signs out everywhere.
    ///
    /// # Errors
    /// What keeps it from starting, or, at its end, what could not be written.
    pub fn serve(&self, halt: &Halt) -> Result<(), String> {
        let folder = &self.project.config.state_dir;
        // The database's folder is made with the database.
        self.project.state().map_err(|fault| fault.message)?;
        let _only = ServiceLock::take(folder, self.project.clock.now())?;
        let mut desk = self.desk()?;
        self.wake_on_cancel(halt, &desk);
        let mut sources = all(&mut desk, self.reloader.clone());
        let (schedules, watches) = (desk.triggers.schedules.names().count(), desk.triggers.watches.names().count());
        desk.tell(ServiceEvent::Ready(schedules, watches));
        while !halt.cancelled().is_cancelled() {
            let next = look(&mut sources, &mut desk);
            let now = desk.now();
            let turn = self.turns.and_then(|every| now.checked_add(every).ok());
            let next = [next, turn].into_iter().flatten().min();
            let rest = next.map(|next| Duration::try_from(next.duration_since(now)).unwrap_or_default());
            desk.tell(ServiceEvent::Turned(rest));
            desk.sleep(next);
            desk.tell(ServiceEvent::Woken);
        }
        let ended = end(&mut desk, halt);
        self.project.runtime.block_on(desk.project.close());
        ended
    }

    /// Opens the triggers, and repairs what a service that died left behind.
    fn desk(&self) -> Result<Desk, String> {
        let triggers = triggers(&self.project, self.project.clock.now()).map_err(|mistakes| mistakes.join("\n"))?;
        let journal = self.project.journal();
        let has_begun = |run: &str| journal.find_run(run).is_ok_and(|found| found.id == run);
        let (queued, problems) = triggers.recover(&has_begun).map_err(|error| error.to_string())?;
        let desk = Desk::new(Arc::clone(&self.project), triggers, Arc::clone(&self.tell))?;
        if queued > 0 {
            let text = format!("{queued} firing(s) that were about to start when the last service ended start now");
            desk.tell(ServiceEvent::Notice(text));
        }
        desk.complain(problems);
        Ok(desk)
    }

    fn wake_on_cancel(&self, halt: &Halt, desk: &Desk) {
        let (cancelled, wake) = (halt.cancelled(), desk.waker());
        self.project.runtime.spawn(async move {
            cancelled.cancelled().await;
            wake();
        });
    }
}

/// Asks each source once, in order; gives the time at which the first of them wants to be asked again. One
/// that fails is told of and asked again: it never stops the others.
fn look(sources: &mut [Box<dyn Source>], desk: &mut Desk) -> Option<Timestamp> {
    let mut next: Option<Timestamp> = None;
    for source in sources {
        let now = desk.now();
        let again = source.look(desk, now).unwrap_or_else(|problem| {
            desk.complain([problem]);
            now.saturating_add(RETRY).ok()
        });
        next = [next, again].into_iter().flatten().min();
    }
    next
}

/// Lets what runs end for a while; then, or when it is told to end again, interrupts it: a change that has
/// left gets its answer, and the runs go on when the service starts again.
fn end(desk: &mut Desk, halt: &Halt) -> Result<(), String> {
    let drain = desk.project.config.service.drain;
    // What waits without a process waits for the next service.
    desk.project.interpreter.leave();
    if !desk.running.is_empty() {
        desk.tell(ServiceEvent::Ending(desk.running.len(), drain));
    }
    let until = Instant::now() + drain;
    let mut interrupted = false;
    while !desk.running.is_empty() {
        if !interrupted && (halt.forced().is_cancelled() || Instant::now() >= until) {
            desk.running.values().for_each(Halt::interrupt);
            interrupted = true;
        }
        let soon = desk.now().saturating_add(LOOK).ok();
        desk.sleep(soon);
    }
    desk.settle(desk.now())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::catalog::Catalog;
    use crate::config::{Config, Environment};

    struct Failing;

    impl Source for Failing {
        fn look(&mut self, _desk: &mut Desk, _now: Timestamp) -> Result<Option<Timestamp>, String> {
            Err("the disk is full".into())
        }
    }

    struct Counting(Arc<Mutex<u32>>);

    impl Source for Counting {
        fn look(&mut self, _desk: &mut Desk, _now: Timestamp) -> Result<Option<Timestamp>, String> {
            *self.0.lock().unwrap() += 1;
            Ok(None)
        }
    }

    #[test]
    fn a_source_that_fails_is_told_of_and_asked_again_and_stops_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let config = Config::none(folder.path(), &Environment::default());
        let project = Project::new(config, Catalog::builtin(), runtime.handle().clone()).unwrap();
        let opened = triggers(&project, project.clock.now()).unwrap();
        let told = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&told);
        let tell: Tell = Arc::new(move |event| heard.lock().unwrap().push(format!("{event:?}")));
        let mut desk = Desk::new(Arc::clone(&project), opened, tell).unwrap();
        let looks = Arc::new(Mutex::new(0));
        let mut sources: Vec<Box<dyn Source>> = vec![Box::new(Failing), Box::new(Counting(Arc::clone(&looks)))];
        for round in 1..=3 {
            let before = desk.now();
            let next = look(&mut sources, &mut desk).unwrap();
            assert!(next > before && next.duration_since(before) <= RETRY * 2, "{next}");
            assert_eq!(*looks.lock().unwrap(), round, "the other goes on");
        }
        let told = told.lock().unwrap();
        assert!(told.iter().filter(|event| event.contains("the disk is full")).count() == 3, "{told:?}");
    }
}
