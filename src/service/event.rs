//! What the service tells of itself.

use std::sync::Arc;
use std::time::Duration;

use crate::run::{Ending, Project, RunEvent};
use crate::trigger::Missed;

/// Takes what the service tells, on any of its threads.
pub type Tell = Arc<dyn Fn(ServiceEvent) + Send + Sync>;

/// Something that happened in the service.
#[derive(Clone, Debug)]
pub enum ServiceEvent {
    /// It is ready, with so many schedules and watches.
    Ready(usize, usize),
    /// A trigger has gone off, and its run begins.
    Started {
        /// The trigger.
        trigger: String,
        /// The run.
        run: String,
        /// What set it off, in a few words.
        why: String,
        /// How much later than due it begins; of a schedule's firing that begins for the first time.
        late: Option<Duration>,
    },
    /// Something fell due, or was ready, and is not started.
    Missed(Missed),
    /// Something happened in a run.
    Run {
        /// The trigger.
        trigger: String,
        /// The run.
        run: String,
        /// What.
        event: RunEvent,
    },
    /// A run has ended.
    Ended(String, Box<Ending>),
    /// It is about to load its configuration again.
    Reloading,
    /// It works with a changed configuration; what is different, line by line.
    Reloaded(Vec<String>, Arc<Project>),
    /// The loop has gone round once more, and sleeps for so long if nothing wakes it; for ever if nothing is due.
    Turned(Option<Duration>),
    /// The loop is awake again.
    Woken,
    /// Something that is good to know, such as what was done at the start.
    Notice(String),
    /// Something is not as it should be.
    Problem(String),
    /// It is ending, and lets so many runs go on for this long.
    Ending(usize, Duration),
}
