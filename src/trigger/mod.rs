//! Causes of runs: schedules and watched folders, and the ledger of what became of each firing.
//!
//! Nothing here knows scripts, the door or runs: it says what fell due and which file is ready,
//! queues it durably, and is told when it was started and how it ended.

pub mod cron;
