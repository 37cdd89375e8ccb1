//! Scripts that test playbooks: what only they can say, and how their functions are called.
//!
//! A run has none of these functions, and a test has no door: it meets appliances through the runs that
//! its stage carries out.

mod closed;
mod functions;
mod nowhere;
mod script;
mod stage;

pub(super) use functions::described;
pub use script::{TestFunction, TestScript, run_test, test_functions};
pub use stage::Stage;
