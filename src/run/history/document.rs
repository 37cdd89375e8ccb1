//! The document of a run: the format of `runs export`, and of `runs show --format json`.
//!
//! Values stand in it as the journal codes them: `{"$time": …}`, `{"$duration": …}`, and of a secret its
//! reference alone, `{"$secret": …}`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// The version of the format that is written. A newer one is refused; members are added without a new one.
pub const FORMAT: u32 = 1;

/// One run with its children.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Document {
    /// The version of the format.
    pub format: u32,
    /// The version of Beadle that has written it.
    pub beadle: String,
    /// The run.
    pub run: RunHistory,
}

/// A run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunHistory {
    /// The id.
    pub id: String,
    /// The run that it is a child of.
    pub parent: Option<String>,
    /// The script's name.
    pub playbook: String,
    /// `live`, `dry`, `apply`, `undo` or `session`.
    pub mode: String,
    /// What set it off.
    pub cause: String,
    /// The user of the operating system.
    pub user: Option<String>,
    /// The host.
    pub host: Option<String>,
    /// The terminal.
    pub terminal: Option<String>,
    /// The version of Beadle that began it.
    pub version: Option<String>,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// For how long it has run, in microseconds; what lies between two executions does not count.
    pub ran: i64,
    /// How often it was resumed.
    pub resumed: u64,
    /// How it ended; nothing while it runs.
    pub outcome: Option<String>,
    /// The SHA-256 of the script that it began with.
    pub script: String,
    /// The script and its modules.
    pub texts: Vec<Text>,
    /// The parameters.
    pub params: Json,
    /// The event that set it off.
    pub event: Json,
    /// The script's value.
    pub value: Json,
    /// Why it did not come to its end.
    pub error: Option<ErrorHistory>,
    /// How many requests read, those of children included.
    pub reads: u64,
    /// How many changed something; in a dry run how many were withheld.
    pub changes: u64,
    /// When its answers were dropped.
    pub pruned: Option<Timestamp>,
    /// Until when it waits, with nobody interpreting its script meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wake: Option<Timestamp>,
    /// What passed the door, in the order of numbers.
    pub entries: Vec<EntryHistory>,
    /// The runs within it.
    pub children: Vec<RunHistory>,
}

/// A text that a run is made of.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Text {
    /// Its name.
    pub name: String,
    /// Its SHA-256.
    pub sha256: String,
    /// The text, masked.
    pub text: String,
}

/// Why a run ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ErrorHistory {
    /// One line.
    pub message: String,
    /// With the place in the script.
    pub report: String,
    /// The entry that it came from.
    pub entry: Option<u64>,
}

/// An entry.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EntryHistory {
    /// The number within the run.
    pub number: u64,
    /// The branch: (parallel, item) pairs as `0.3/1.12`; empty for the main line.
    pub path: String,
    /// The position in the branch.
    pub position: u64,
    /// The place of the transaction that it stands in.
    pub inside: Option<String>,
    /// `undone` where a resume has done it again, `passed` where the script went another way after it.
    pub void: Option<String>,
    /// The kind of action.
    pub kind: String,
    /// The target.
    pub target: Option<String>,
    /// In words.
    pub operation: String,
    /// `read`, `change` or `destroy`.
    pub effect: String,
    /// How many items it touched.
    pub items: u64,
    /// `open`, `done` or `failed`.
    pub state: String,
    /// A deadline, or the id of a child run.
    pub note: Option<String>,
    /// When it began.
    pub begun: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// What it was about, and what came back.
    pub detail: Option<Detail>,
}

/// What an entry was about, and what came back.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Detail {
    /// The arguments.
    pub args: Json,
    /// What was there before a change: `{"state": …}` or `{"gone": true}`.
    pub before: Option<Json>,
    /// What is there after it, as far as it is known, in the same form.
    pub after: Option<Json>,
    /// What came back.
    pub answer: Option<Answer>,
    /// The error, as scripts see it.
    pub fault: Option<Json>,
    /// Why something is left out.
    pub left_out: Option<String>,
}

/// What came back.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// From an appliance or host.
    Http {
        /// The status.
        status: u16,
        /// The body: JSON, or a text where it is none; nothing where it is left out.
        body: Option<Json>,
        /// The size of the body in bytes.
        bytes: u64,
    },
    /// A value of the host's own.
    Value(Json),
    /// The contents of a file, which stay where they are.
    File {
        /// Their size.
        bytes: u64,
        /// Their SHA-256.
        sha256: String,
    },
}

impl RunHistory {
    /// Whether it is being executed.
    pub fn is_running(&self) -> bool {
        self.outcome.is_none()
    }
}

impl EntryHistory {
    /// Whether it changed something.
    pub fn is_change(&self) -> bool {
        self.effect != "read"
    }

    /// Whether a resume has done it again.
    pub fn is_undone(&self) -> bool {
        self.void.as_deref() == Some("undone")
    }

    /// Whether it has begun and not ended.
    pub fn is_open(&self) -> bool {
        self.state == "open"
    }

    /// Whether it ended with an error.
    pub fn has_failed(&self) -> bool {
        self.state == "failed"
    }
}
