//! Runs: one execution of one script, from its header and parameters to its outcome.

pub mod header;
pub mod outcome;
pub mod params;
