//! Runs that a person goes on with although their firing has ended, or is to be tried again.
//!
//! The terminal itself tells the ledger how such a run ended. What is found here is what a terminal has left that
//! was closed before it could.

use jiff::{SignedDuration, Timestamp};

use crate::run::{Outcome, is_running};
use crate::service::desk::Desk;
use crate::service::sources::Source;

/// How often it is looked whether somebody has let go of a run.
const AGAIN: SignedDuration = SignedDuration::from_secs(5);

/// The runs that are in somebody's hands.
pub(super) struct InHand;

impl Source for InHand {
    fn look(&mut self, desk: &mut Desk, now: Timestamp) -> Result<Option<Timestamp>, String> {
        let mut next = None;
        for firing in desk.triggers.in_hand().map_err(|error| error.to_string())? {
            let id = firing.run.clone().unwrap_or_default();
            if is_running(&desk.project, &id) {
                next = now.saturating_add(AGAIN).ok();
                continue;
            }
            let run = desk.project.journal().find_run(&id)?;
            let Some(word) = run.outcome else { continue };
            let outcome = match Outcome::from_name(&word).unwrap_or(Outcome::Failed) {
                // Nobody has it in hand any more, and the firing is none that the service goes on with.
                Outcome::Waiting | Outcome::Interrupted => Outcome::Interrupted,
                outcome => outcome,
            };
            desk.close_unattended(&firing, outcome, now)?;
            if outcome == Outcome::Interrupted {
                desk.complain([format!(
                    "{}: whoever went on with run {id} has left it; `beadle runs resume {id}` goes on with it",
                    firing.trigger
                )]);
            }
        }
        Ok(next)
    }
}
