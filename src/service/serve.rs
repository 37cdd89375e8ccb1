//! The loop: ask each source what there is to do, then sleep until one of them has something.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::door::Halt;
use crate::run::Project;
use crate::service::desk::Desk;
use crate::service::event::{ServiceEvent, Tell};
use crate::service::orders::definitions;
use crate::service::sources::{Source, all};
use crate::trigger::Triggers;

/// How long the loop sleeps at most, so that a clock that jumps is noticed.
const LONGEST: Duration = Duration::from_secs(60);

/// A source that has failed is asked again after this long.
const RETRY: SignedDuration = SignedDuration::from_secs(5);

/// The service of a project.
pub struct Service {
    project: Arc<Project>,
    tell: Tell,
}

impl Service {
    /// A service that tells what happens to `tell`.
    pub fn new(project: Arc<Project>, tell: Tell) -> Self {
        Self { project, tell }
    }

    /// Serves until `halt` is cancelled, then lets running runs end.
    ///
    /// # Errors
    /// What keeps it from starting, or, at its end, what could not be written.
    pub fn serve(&self, halt: &Halt) -> Result<(), String> {
        let mut desk = self.desk()?;
        self.wake_on_cancel(halt, &desk);
        let mut sources = all(&mut desk);
        let (schedules, watches) = (desk.triggers.schedules.names().count(), desk.triggers.watches.names().count());
        desk.tell(ServiceEvent::Ready(schedules, watches));
        while !halt.cancelled().is_cancelled() {
            let next = look(&mut sources, &mut desk);
            let wait = next.map_or(LONGEST, |next| {
                Duration::try_from(next.duration_since(desk.now())).unwrap_or_default().min(LONGEST)
            });
            desk.sleep(wait);
        }
        end(&mut desk, halt)
    }

    /// Opens the triggers, and repairs what a service that died left behind.
    fn desk(&self) -> Result<Desk, String> {
        let (schedules, watches) = definitions(&self.project).map_err(|mistakes| mistakes.join("\n"))?;
        let state = self.project.state().map_err(|fault| fault.message)?;
        let triggers =
            Triggers::open(state, schedules, watches, self.project.clock.now()).map_err(|error| error.to_string())?;
        let problems = triggers.recover().map_err(|error| error.to_string())?;
        let desk = Desk::new(Arc::clone(&self.project), triggers, Arc::clone(&self.tell));
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

/// Cancels what runs, and waits for it: a change that has left gets its answer.
fn end(desk: &mut Desk, halt: &Halt) -> Result<(), String> {
    if !desk.running.is_empty() {
        desk.tell(ServiceEvent::Ending(desk.running.len()));
    }
    desk.running.values().for_each(Halt::cancel);
    while !desk.running.is_empty() {
        desk.sleep(Duration::from_millis(200));
        if halt.forced().is_cancelled() {
            desk.running.values().for_each(Halt::cancel);
        }
    }
    desk.settle(desk.now())
}
