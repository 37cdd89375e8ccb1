//! Tests of playbooks: each on a fresh lab, with a clock that stands and a state folder of its own.
//!
//! It joins the lab with runs, which know nothing of each other. What tests can say is the engine's.

mod appliance;
mod find;
mod junit;
mod shown;
mod snapshot;
mod stage;
mod suite;

pub use find::{TestFile, built_in, in_folder, of_file};
pub use junit::junit;
pub use suite::{Failed, Suite, Tested, run};
