//! When a schedule is due: the expression, the civil times that it names, and the rule that
//! maps each of them to an instant.

mod civil;
mod error;
mod expression;
mod field;
mod schedule;

pub use error::CronError;
pub use schedule::{Due, DueTimes, Schedule};

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;
