//! What fell due, or was ready, and was not started although somebody may have counted on it.

use jiff::Timestamp;

use crate::trigger::decide::{Decision, Why};

/// A stretch of one trigger's due instants, or its files, that were skipped for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missed {
    /// The trigger.
    pub trigger: String,
    /// The first instant.
    pub first: Timestamp,
    /// The last instant.
    pub last: Timestamp,
    /// How many.
    pub count: u64,
    /// Why, as the ledger says it.
    pub why: String,
}

impl Missed {
    /// One instant or file.
    pub fn one(trigger: &str, at: Timestamp, why: &str) -> Self {
        Self { trigger: trigger.to_owned(), first: at, last: at, count: 1, why: why.to_owned() }
    }

    /// What a decision passes over, unless a person wanted it so.
    pub(super) fn of(trigger: &str, decision: &Decision) -> Option<Self> {
        match decision {
            // What is paused is meant to be skipped, and what is superseded is done by a later one.
            Decision::Start { .. } | Decision::Skip { why: Why::Paused | Why::Superseded | Why::Removed, .. } => None,
            Decision::Skip { first, last, count, why } => Some(Self {
                trigger: trigger.to_owned(),
                first: *first,
                last: *last,
                count: *count,
                why: why.reason().to_owned(),
            }),
        }
    }
}
