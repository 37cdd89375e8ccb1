//! Runs: one execution of one script, from its header and parameters to its outcome.

mod authorship;
pub mod check;
mod children;
pub mod execute;
pub mod explain;
pub mod header;
pub mod history;
mod intent;
pub mod outcome;
pub mod params;
pub mod pins;
pub mod plan;
pub mod playbook;
pub mod project;
mod prune;
pub mod record;
pub mod resume;
mod scripts;
mod undo;

pub use check::{Checked, check};
pub use execute::{Cause, Listener, Order, Prepared, RunEvent, Start, execute, execute_from, prepare, run_error};
pub use intent::Intent;
pub use outcome::{Counts, Ending, Outcome, Partial, Plan, RunError};
pub use pins::Now;
pub use playbook::{Playbook, PlaybookError, is_test};
pub use project::{Project, Within};
pub use prune::prune;
pub use resume::{Resumption, replay, resume};
pub use undo::{UndoOrder, undo};
