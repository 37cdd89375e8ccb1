//! The policy layer: what a run may do, asked before anything leaves.
//!
//! It knows rows, targets and values. It sends nothing, records nothing, and does not know
//! whether the run is a dry one: a dry run hands it an [`Ask`] that consents and keeps the questions.

mod admission;
mod budget;
mod confirm;
mod items;
mod lock;
mod never;
mod raw;
mod rights;

pub use admission::{Admission, Policy, PolicySettings, Request};
pub use budget::{Budget, Limit, Limits, Reservation, Spent};
pub use confirm::{Ask, Asked, Confirm, Consent, NoTerminal, Question, Recording};
pub use lock::{RunLocks, TargetLock};
pub use never::{Never, NeverLists, Objection};
pub use raw::{Classified, classify};
pub use rights::{Declared, Rights};

#[cfg(test)]
mod tests;
