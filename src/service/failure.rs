//! Why the files of a run go to `failed/`, as the text beside them is to say.

use jiff::Timestamp;

use crate::run::{Ending, Outcome, Project};
use crate::trigger::watch::Failure;

/// The outcomes after which nobody goes on with a run without being asked, nor has to settle first what it did.
const GIVEN_UP: [Outcome; 4] = [Outcome::Failed, Outcome::Refused, Outcome::TimedOut, Outcome::Cancelled];

/// Why a run's files go to `failed/`, if they do.
pub(super) fn failure(project: &Project, ending: &Ending, at: Timestamp) -> Option<Failure> {
    if !GIVEN_UP.contains(&ending.outcome) {
        return None;
    }
    let message = ending.error.as_ref().map_or("it did not come to its end", |error| &error.message);
    let place = ending.error.as_ref().and_then(|error| error.place.as_ref());
    Some(Failure {
        run: Some(ending.id.clone()).filter(|id| !id.is_empty()),
        outcome: ending.outcome.name().to_owned(),
        message: project.masker().mask(message).into_owned(),
        place: place.map(|(file, line)| format!("{file}:{line}")),
        at,
    })
}

/// The same of a run whose end somebody else has seen.
pub(super) fn unknown_failure(run: Option<&str>, outcome: Outcome, at: Timestamp) -> Option<Failure> {
    GIVEN_UP.contains(&outcome).then(|| Failure {
        run: run.map(str::to_owned),
        outcome: outcome.name().to_owned(),
        message: "whoever executed the run ended before they wrote why: look at the run".to_owned(),
        place: None,
        at,
    })
}
