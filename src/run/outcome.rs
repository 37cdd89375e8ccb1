//! How a run ends, in the words that people and programs see.

use std::time::Duration;

use crate::door::Withheld;
use crate::fault::Fault;
use crate::value::Value;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The script came to its end.
    Succeeded,
    /// The script failed.
    Failed,
    /// Policy refused something, and the script did not go on without it.
    Refused,
    /// The user or a trigger's rule cancelled it.
    Cancelled,
    /// Its time was up.
    TimedOut,
    /// A change was sent and its outcome cannot be known.
    Uncertain,
    /// The process ended under it.
    Interrupted,
}

impl Outcome {
    /// The word for people and files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timed-out",
            Self::Uncertain => "uncertain",
            Self::Interrupted => "interrupted",
        }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// What went through the door, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls that read.
    pub reads: u64,
    /// Calls that changed or destroyed something.
    pub changes: u64,
    /// Changes that a dry run withheld.
    pub withheld: u64,
}

/// The end of a run.
#[derive(Clone, Debug)]
pub struct Ending {
    /// The run's id; empty if it never began.
    pub id: String,
    /// How it ended.
    pub outcome: Outcome,
    /// The script's value, if it came to its end.
    pub value: Option<Value>,
    /// Why it did not, rendered for a person.
    pub error: Option<RunError>,
    /// What a dry run withheld, in order; `None` for a live run.
    pub plan: Option<Plan>,
    /// What went through the door.
    pub counts: Counts,
    /// How long it took.
    pub elapsed: Duration,
}

/// Why a run did not come to its end.
#[derive(Clone, Debug)]
pub struct RunError {
    /// One line, without the place.
    pub message: String,
    /// Message, source line with a caret, call stack and hints, ready for a terminal without colours.
    pub report: String,
    /// The error as scripts see it, if an effect gave it.
    pub fault: Option<Fault>,
}

/// What a dry run would have done.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The changes, in order.
    pub changes: Vec<Withheld>,
    /// Files that would have been written, with their sizes.
    pub files: Vec<(std::path::PathBuf, usize)>,
    /// Why the plan ends early, if it does.
    pub partial: Option<String>,
}
