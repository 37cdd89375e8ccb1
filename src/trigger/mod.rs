//! Causes of runs: schedules and watched folders, and the ledger of what became of each firing.
//!
//! Nothing here knows scripts or the door: it says what fell due and which file is ready, queues it
//! durably, and is told when its run was started and how that ended.

mod by_hand;
pub mod cron;
pub mod decide;
mod definition;
mod ending;
mod error;
mod firing;
mod fold;
mod history;
mod ledger;
mod missed;
mod queue;
mod retry;
mod schedules;
mod settle;
mod triggers;
pub mod watch;
mod watches;

pub use crate::run::Outcome;
pub use by_hand::{let_go, take_in_hand};
pub use definition::{DefinitionError, Rules, ScheduleDefinition, WatchDefinition};
pub use ending::RunEnd;
pub use error::TriggerError;
pub use firing::{Firing, FiringKind};
pub use fold::fold;
pub use history::{Account, FiringRun, LedgerRow};
pub use ledger::Standing;
pub use missed::Missed;
pub use schedules::Schedules;
pub use triggers::{Looked, Triggers, queue_length};
pub use watches::Watches;

#[cfg(test)]
mod law;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod time_page;
