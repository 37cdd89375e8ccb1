//! How a run ends, in the words that people and programs see.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::catalog::Row;
use crate::door::{Pinned, Remainder, Withheld};
use crate::fault::Fault;
use crate::run::scripts::PinnedScript;
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
    /// The changes of an applied plan that were never asked for.
    pub unasked: Vec<Arc<Withheld>>,
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
    /// The script or module, and the line in it.
    pub place: Option<(String, usize)>,
}

/// What a dry run would have done.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The changes, in order.
    pub changes: Vec<Arc<Withheld>>,
    /// Files that would have been written, with their sizes.
    pub files: Vec<(std::path::PathBuf, usize)>,
    /// Why the plan ends early, if it does.
    pub partial: Option<Partial>,
    /// What a plan file needs beside the changes; kept where one is made.
    pub kept: Option<Box<Kept>>,
}

/// Why a plan ends early.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partial {
    /// The message of the error that ended the script.
    pub reason: String,
    /// The script or module.
    pub file: Option<String>,
    /// The line in it.
    pub line: Option<usize>,
}

impl Partial {
    /// The place in one word, such as `block.rhai:12`.
    pub fn place(&self) -> Option<String> {
        Some(format!("{}:{}", self.file.as_ref()?, self.line?))
    }
}

/// What a run took and used, for a plan of it.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// The run's id.
    pub run: String,
    /// Every script that was run, with what it imports.
    pub scripts: BTreeMap<String, PinnedScript>,
    /// What it took from its surroundings.
    pub pinned: Pinned,
    /// The rows that it used.
    pub rows: Vec<&'static Row>,
}

impl Ending {
    /// The end of a run that could not begin.
    pub fn never_begun(fault: Fault, elapsed: Duration) -> Self {
        let message = fault.to_string();
        Self {
            id: String::new(),
            outcome: Outcome::Failed,
            value: None,
            error: Some(RunError { report: format!("error: {message}"), message, fault: Some(fault), place: None }),
            plan: None,
            unasked: Vec::new(),
            counts: Counts::default(),
            elapsed,
        }
    }

    /// The same end with what there is to say of a plan: the one that a dry run makes, or what was left
    /// of the one that was applied.
    #[must_use]
    pub(super) fn with_plan(mut self, rest: Remainder, kept: Option<Kept>) -> Self {
        if let Some(changes) = rest.withheld {
            let partial = self.error.as_ref().filter(|_| rest.changes).map(|error| Partial {
                reason: error.message.clone(),
                file: error.place.as_ref().map(|(file, _)| file.clone()),
                line: error.place.as_ref().map(|(_, line)| *line).filter(|line| *line > 0),
            });
            if partial.is_some() && matches!(self.outcome, Outcome::Failed | Outcome::Refused) {
                // What is known so far is a plan, too.
                self.outcome = Outcome::Succeeded;
            }
            let kept = kept.map(|kept| Box::new(Kept { rows: rest.rows, ..kept }));
            self.plan = Some(Plan { changes, files: rest.files, partial, kept });
        }
        self.unasked = rest.unasked;
        if let Some(fault) = rest.refusal
            && matches!(self.outcome, Outcome::Succeeded | Outcome::Failed)
        {
            // A script may catch the refusal; that its plan was not carried out is no success.
            self.outcome = Outcome::Refused;
            let message = fault.to_string();
            let report = format!("error: {message}");
            self.error.get_or_insert(RunError { message, report, fault: Some(fault), place: None });
        }
        self
    }
}
