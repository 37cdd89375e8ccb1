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
    /// What the script sees as `event`. Always `kind`, `trigger`, `firing` and, once taken, `attempt` (1 for
    /// the first run); `due` and, once taken, `late` (whole seconds) for a schedule; `path` (in the work folder),
    /// `name`, `original` and `size` for a watch.
    pub event: Map<String, Value>,
    /// The id of its run, once it is started.
    pub run: Option<String>,
    /// Parameters that come before the configured ones, as the journal codes them; of a firing by hand.
    pub params: Option<Value>,
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
        Self { id, trigger: trigger.to_owned(), kind, due, event, run: None, params: None }
    }

    /// A firing of a schedule that a person asks for. Its event has a `due` as well, so that a playbook
    /// which reads it works by hand, too.
    pub fn by_hand(trigger: &str, params: Option<Value>, now: Timestamp) -> Self {
        let mut firing = Self { params, ..Self::new(trigger, FiringKind::Manual, None) };
        let whole = Timestamp::from_second(now.as_second()).unwrap_or(now);
        firing.event.insert("due".into(), json!(whole.to_string()));
        firing.event.insert("late".into(), json!(0));
        firing
    }
}
