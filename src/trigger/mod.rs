//! Causes of runs: schedules and watched folders, and the ledger of what became of each firing.
//!
//! Nothing here knows scripts, the door or runs: it says what fell due and which file is ready,
//! queues it durably, and is told when it was started and how it ended.

pub mod cron;
pub mod decide;
mod definition;
mod firing;
mod ledger;
mod missed;
mod queue;
mod schedules;
mod settle;
mod triggers;
pub mod watch;
mod watches;

pub use definition::{DefinitionError, Rules, ScheduleDefinition, WatchDefinition};
pub use firing::{Firing, FiringKind, Outcome};
pub use ledger::{Account, LedgerRow, Standing};
pub use missed::Missed;
pub use schedules::Schedules;
pub use triggers::{Looked, TriggerError, Triggers, queue_length};
pub use watches::Watches;

#[cfg(test)]
mod tests;
