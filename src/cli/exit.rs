//! The exit codes: one table, in one place.

use crate::run::outcome::{Ending, Outcome};

/// What the process says to its caller when it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// All is well; a partial plan is well, too.
    Succeeded = 0,
    /// The script, a test or a target check failed.
    Failed = 1,
    /// The command line or the configuration is wrong.
    Usage = 2,
    /// A look found something: errors of a check, drift.
    Found = 3,
    /// Policy or a plan refused.
    Refused = 4,
    /// The outcome of a change cannot be known.
    Uncertain = 5,
    /// The time was up.
    TimedOut = 6,
    /// The user cancelled.
    Cancelled = 130,
}

impl Exit {
    /// Every code with its meaning, for help and documents.
    pub const TABLE: [(Self, &'static str); 8] = [
        (Self::Succeeded, "succeeded (a partial plan, too)"),
        (Self::Failed, "the script, a test or a target check failed"),
        (Self::Usage, "the command line or the configuration is wrong"),
        (Self::Found, "a look found something: errors of a check, drift"),
        (Self::Refused, "refused by policy or plan"),
        (Self::Uncertain, "a change was sent and its outcome cannot be known"),
        (Self::TimedOut, "timed out"),
        (Self::Cancelled, "cancelled"),
    ];

    /// The code of a run's end.
    pub fn of(ending: &Ending) -> Self {
        if ending.plan.is_some() && !matches!(ending.outcome, Outcome::Cancelled | Outcome::TimedOut) {
            let partial = ending.plan.as_ref().is_some_and(|plan| plan.partial.is_some());
            if partial || ending.outcome == Outcome::Succeeded {
                return Self::Succeeded;
            }
        }
        match ending.outcome {
            Outcome::Succeeded => Self::Succeeded,
            Outcome::Failed | Outcome::Interrupted | Outcome::Waiting => Self::Failed,
            Outcome::Refused => Self::Refused,
            Outcome::Cancelled => Self::Cancelled,
            Outcome::TimedOut => Self::TimedOut,
            Outcome::Uncertain => Self::Uncertain,
        }
    }

    /// The number.
    pub const fn code(self) -> u8 {
        self as u8
    }
}
