//! Runs: one execution of one script, from its header and parameters to its outcome.

pub mod execute;
pub mod header;
mod intent;
pub mod outcome;
pub mod params;
pub mod plan;
pub mod playbook;
pub mod project;
mod scripts;

pub use execute::{Cause, Listener, Order, Prepared, RunEvent, execute, prepare, run_error};
pub use intent::Intent;
pub use outcome::{Counts, Ending, Outcome, Partial, Plan, RunError};
pub use playbook::{Playbook, PlaybookError};
pub use project::{Project, Within};
