//! Runs: one execution of one script, from its header and parameters to its outcome.

pub mod apart;
mod authorship;
pub mod check;
mod children;
pub mod execute;
pub mod explain;
pub mod header;
pub mod history;
mod intent;
pub mod interpreter;
pub mod outcome;
pub mod params;
pub mod pins;
pub mod plan;
pub mod playbook;
mod prepare;
pub mod project;
mod prune;
pub mod record;
pub mod resume;
mod scripts;
mod undo;
mod waiting;

pub use check::{Checked, check};
pub use execute::{Cause, Listener, Order, RunEvent, Start, execute, execute_from, retell, run_error};
pub use intent::Intent;
pub use outcome::{Counts, Ending, Outcome, Partial, Plan, RunError};
pub use pins::Now;
pub use playbook::{Playbook, PlaybookError, is_test};
pub use prepare::{Prepared, prepare};
pub use project::{Project, Within};
pub use prune::prune;
pub use record::is_running;
pub use resume::{Held, Resumption, firing_of, hold, replay, resume};
pub use undo::{UndoOrder, undo};
pub use waiting::{cancel, wake};
