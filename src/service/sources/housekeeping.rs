//! What the service does once a day beside its runs: it drops the answers of old ones, forgets what they wrote,
//! and folds old rows of the ledger.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::run::{Project, prune};
use crate::service::desk::Desk;
use crate::service::sources::Source;
use crate::trigger::fold;
use crate::written;

/// How often.
const EVERY: SignedDuration = SignedDuration::from_hours(24);

/// The ledger is folded no sooner than this after the start, and after a clock that jumped: what a wrong
/// clock takes for old is still needed once it is right.
const PATIENCE: SignedDuration = SignedDuration::from_hours(1);

/// When it was done last, and when the ledger is folded next.
#[derive(Debug, Default)]
pub(super) struct Housekeeping {
    latest: Option<Timestamp>,
    folds: Option<Timestamp>,
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

    /// Whether the ledger is to be folded now.
    fn folds(&mut self, now: Timestamp) -> bool {
        let due = self.folds.map(|at| now.duration_since(at));
        let next = match due {
            Some(late) if late.is_negative() && late >= -EVERY => return false,
            Some(late) if !late.is_negative() && late < PATIENCE => EVERY,
            _ => PATIENCE,
        };
        self.folds = now.checked_add(next).ok();
        next == EVERY
    }
}

impl Source for Housekeeping {
    fn look(&mut self, desk: &mut Desk, now: Timestamp) -> Result<Option<Timestamp>, String> {
        if self.is_due(now) {
            tidy(&desk.project, desk.complainer(), drop_answers);
            tidy(&desk.project, desk.complainer(), forget_files);
        }
        if self.folds(now) {
            tidy(&desk.project, desk.complainer(), fold_ledger);
        }
        Ok([self.latest.and_then(|latest| latest.checked_add(EVERY).ok()), self.folds].into_iter().flatten().min())
    }
}

/// Tidies on a thread of its own: whoever is due meanwhile is not kept waiting. What goes wrong is told.
fn tidy(project: &Arc<Project>, tell: impl Fn(String) + Send + 'static, work: fn(&Project) -> Result<(), String>) {
    let project = Arc::clone(project);
    let tidying = move || work(&project).unwrap_or_else(tell);
    // Without a thread it is done tomorrow.
    let _tomorrow = std::thread::Builder::new().name("tidy".into()).spawn(tidying);
}

fn drop_answers(project: &Project) -> Result<(), String> {
    let pruned = prune(project, project.config.keep, false);
    pruned.map(|_| ()).map_err(|fault| format!("the answers of old runs are still there: {}", fault.message))
}

fn forget_files(project: &Project) -> Result<(), String> {
    let still = |cause: String| format!("what runs wrote long ago is still known: {cause}");
    let state = project.state().map_err(|fault| still(fault.message))?;
    written::forget(&state, project.clock.now()).map_err(|error| still(error.to_string()))
}

fn fold_ledger(project: &Project) -> Result<(), String> {
    let keep = SignedDuration::try_from(project.config.keep_ledger).unwrap_or(SignedDuration::MAX);
    // Nothing is older than the beginning of time.
    let Ok(before) = project.clock.now().checked_sub(keep) else { return Ok(()) };
    let still = |cause: String| format!("old rows of the ledger are still there: {cause}");
    let state = project.state().map_err(|fault| still(fault.message))?;
    fold(&state, before).map(|_rows| ()).map_err(|error| still(error.to_string()))
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

    #[test]
    fn the_ledger_is_folded_once_a_day_and_never_by_a_clock_that_has_just_jumped() {
        let at = |hour: i64| Timestamp::from_second(hour * 3_600).unwrap();
        let mut housekeeping = Housekeeping::default();
        // An hour after the start, a day later; a jump of four days is waited out, and so is one back.
        let hours = [100, 101, 102, 125, 149, 245, 246, 150, 151];
        let folds: Vec<bool> = hours.map(|hour| housekeeping.folds(at(hour))).into();
        assert_eq!(folds, [false, true, false, true, true, false, true, false, true]);
    }
}
