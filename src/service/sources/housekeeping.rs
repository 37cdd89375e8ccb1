//! What the service does once a day beside its runs: it drops the answers of old ones, and forgets what they
//! wrote.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::fault::{Fault, FaultKind};
use crate::run::{Project, prune};
use crate::service::desk::Desk;
use crate::service::sources::Source;
use crate::state::State;
use crate::written;

/// How often.
const EVERY: SignedDuration = SignedDuration::from_hours(24);

/// When it was done last.
#[derive(Debug, Default)]
pub(super) struct Housekeeping {
    latest: Option<Timestamp>,
}

impl Housekeeping {
    /// Whether it is due, which it is at the first question; whoever asks does it.
    fn is_due(&mut self, now: Timestamp) -> bool {
        // A clock that was set back must not let it rest for longer.
        let is_due = self.latest.is_none_or(|latest| now < latest || now.duration_since(latest) >= EVERY);
        if is_due {
            self.latest = Some(now);
        }
        is_due
    }
}

impl Source for Housekeeping {
    fn look(&mut self, desk: &mut Desk, now: Timestamp) -> Result<Option<Timestamp>, String> {
        if self.is_due(now) {
            tidy(&desk.project, desk.complainer());
        }
        Ok(self.latest.and_then(|latest| latest.checked_add(EVERY).ok()))
    }
}

/// Drops the answers of old runs on a thread of its own: whoever is due meanwhile is not kept waiting. What
/// goes wrong is told.
fn tidy(project: &Arc<Project>, tell: impl Fn(String) + Send + 'static) {
    let project = Arc::clone(project);
    let tidying = move || {
        if let Err(fault) = prune(&project, project.config.keep, false) {
            tell(format!("the answers of old runs are still there: {}", fault.message));
        }
        let forget = |state: Arc<State>| {
            written::forget(&state, project.clock.now()).map_err(|error| Fault::new(FaultKind::File, error.to_string()))
        };
        if let Err(fault) = project.state().and_then(forget) {
            tell(format!("what runs wrote long ago is still known: {}", fault.message));
        }
    };
    // Without a thread it is done tomorrow.
    let _tomorrow = std::thread::Builder::new().name("tidy".into()).spawn(tidying);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_due_at_the_start_and_once_a_day() {
        let at = |hour: i64| Timestamp::from_second(hour * 3_600).unwrap();
        let mut housekeeping = Housekeeping::default();
        let due: Vec<bool> = [0, 1, 23, 24, 25, 48, 40].map(|hour| housekeeping.is_due(at(hour))).into();
        assert_eq!(due, [true, false, false, true, false, true, true]);
    }
}
