//! A plan as a file: what a dry run withheld, with everything that a run by it needs.

mod file;
mod record;
mod typed;

pub use file::{PlanError, PlanFile, PlanOrder};
