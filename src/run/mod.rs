//! Runs: one execution of one script, from its header and parameters to its outcome.

pub mod check;
pub mod execute;
pub mod header;
pub mod outcome;
pub mod params;
pub mod playbook;
pub mod project;

pub use check::{Checked, check};
pub use execute::{Cause, Listener, Order, Prepared, RunEvent, execute, prepare, run_error};
pub use outcome::{Counts, Ending, Outcome, Plan, RunError};
pub use playbook::{Playbook, PlaybookError};
pub use project::{Project, Within};
