//! Tests of playbooks: each on a fresh lab, with a clock that stands and a state folder of its own.
//!
//! It joins the lab with runs, which know nothing of each other. What tests can say is the engine's.

mod appliance;
mod find;
mod from;
mod junit;
mod reached;
mod retold;
mod shown;
mod snapshot;
mod stage;
mod suite;

pub use find::{TestFile, built_in, in_folder, of_file};
pub use from::{Replay, replay_export};
pub use junit::junit;
pub use reached::{Reached, Share};
pub use suite::{Ended, Failed, Suite, Tested, run};
