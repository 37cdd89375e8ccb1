//! A firing: a trigger going off once.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// What made a trigger go off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FiringKind {
    /// Its time had come.
    Schedule,
    /// A file was ready.
    Watch,
    /// A person asked for it.
    Manual,
}

impl FiringKind {
    /// The word in the ledger and in `event.kind`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Schedule => "schedule",
            Self::Watch => "watch",
            Self::Manual => "manual",
        }
    }

    pub(super) fn from_name(name: &str) -> Self {
        match name {
            "schedule" => Self::Schedule,
            "watch" => Self::Watch,
            _ => Self::Manual,
        }
    }
}

/// How the run of a firing ended, as far as the ledger and the files care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It did what it should: its file is archived, deleted or left.
    Succeeded,
    /// It did not: its file stays in the work folder, because the run may be resumed.
    Failed,
}

impl Outcome {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

/// A trigger going off once.
#[derive(Clone, Debug, PartialEq)]
pub struct Firing {
    /// Unique and random.
    pub id: String,
    /// The trigger's name.
    pub trigger: String,
    /// What made it go off.
    pub kind: FiringKind,
    /// When it fell due; a schedule's only.
    pub due: Option<Timestamp>,
    /// What the script sees as `event`. Always `kind`, `trigger` and `firing`; `due` and, once taken,
    /// `late` (whole seconds) for a schedule; `path` (in the work folder), `name`, `original` and `size` for a watch.
    pub event: Map<String, Value>,
    /// The id of its run, once it is started.
    pub run: Option<String>,
}

impl Firing {
    pub(super) fn new(trigger: &str, kind: FiringKind, due: Option<Timestamp>) -> Self {
        let id = format!("{:016x}", fastrand::u64(..));
        let mut event = Map::new();
        event.insert("kind".into(), json!(kind.name()));
        event.insert("trigger".into(), json!(trigger));
        event.insert("firing".into(), json!(id));
        if let Some(due) = due {
            event.insert("due".into(), json!(due.to_string()));
        }
        Self { id, trigger: trigger.to_owned(), kind, due, event, run: None }
    }
}
