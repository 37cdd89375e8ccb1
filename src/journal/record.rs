//! What is written of a run: records, as they wait in memory.

use std::sync::Arc;
use std::time::Duration;

use crate::door::{Recorded, Reply};

/// How long entries may wait in memory.
const LINGER: Duration = Duration::from_millis(100);

/// How long the beginning of a run may.
const LINGER_BEGIN: Duration = Duration::from_millis(4);

/// How long the outcome of a change may: a process that dies before has to settle the change again. Whoever
/// makes one change after the other comes sooner with the next intent, which brings the outcome along.
const LINGER_OUTCOME: Duration = Duration::from_millis(2);

/// From this size on it takes a while to compress: the journal's own thread begins at once, while the script goes
/// on.
const LONG: usize = 256 << 10;

/// Something that is to be written.
pub enum Record {
    /// A run begins.
    Begin(Box<BeginRecord>),
    /// A text that the run is made of: its script, a module, a line of a session.
    Text {
        /// The run.
        run: Arc<str>,
        /// The text's name.
        name: String,
        /// The text.
        text: String,
    },
    /// An entry begins, or is written whole.
    Entry(Box<EntryRecord>),
    /// An entry's outcome.
    Outcome(Box<OutcomeRecord>),
    /// A note to an entry that has begun.
    Note {
        /// The run.
        run: Arc<str>,
        /// The entry's number.
        number: u64,
        /// The note.
        note: String,
    },
    /// A run waits, and nobody interprets its script meanwhile.
    Wait {
        /// The run.
        run: Arc<str>,
        /// When it goes on, in microseconds since 1970.
        until: i64,
        /// When the wait begins, in microseconds since 1970.
        now: i64,
        /// For how long it has run, in microseconds, earlier executions included.
        ran: i64,
    },
    /// A run ends.
    End(Box<EndRecord>),
}

/// The beginning of a run.
pub struct BeginRecord {
    /// Its id.
    pub run: Arc<str>,
    /// The run that it is a child of.
    pub parent: Option<String>,
    /// The script's name.
    pub name: String,
    /// `live`, `dry`, `apply`, `undo` or `session`.
    pub mode: String,
    /// What set it off.
    pub cause: String,
    /// When, in microseconds since 1970.
    pub started: i64,
    /// The SHA-256 of the script.
    pub script: [u8; 32],
    /// What the run is pinned to, as JSON.
    pub pinned: Vec<u8>,
}

/// An entry.
pub struct EntryRecord {
    /// The run.
    pub run: Arc<str>,
    /// The number within the run, from 1.
    pub number: u64,
    /// The branch.
    pub path: String,
    /// The position in it.
    pub position: u64,
    /// The transaction that it stands in.
    pub inside: Option<String>,
    /// The kind of action, such as `call`.
    pub kind: &'static str,
    /// The target, if there is one.
    pub target: Option<String>,
    /// In words.
    pub operation: String,
    /// `read`, `change` or `destroy`.
    pub effect: &'static str,
    /// How many items it touches.
    pub items: u64,
    /// What it is compared by.
    pub digest: [u8; 16],
    /// The action.
    pub action: Vec<u8>,
    /// Whether what it holds is sealed.
    pub sealed: bool,
    /// Whether it stands in the chain of changes.
    pub chained: bool,
    /// The state before it.
    pub before: Option<Vec<u8>>,
    /// A deadline, or the id of a child run.
    pub note: Option<String>,
    /// When it began, in microseconds since 1970.
    pub begun: i64,
    /// How it ended and when, if it has.
    pub outcome: Option<(Recorded, i64)>,
}

/// The outcome of an entry.
pub struct OutcomeRecord {
    /// The run.
    pub run: Arc<str>,
    /// The entry's number.
    pub number: u64,
    /// How it ended.
    pub recorded: Recorded,
    /// Whether it is sealed.
    pub sealed: bool,
    /// Whether it stands in the chain of changes.
    pub chained: bool,
    /// When, in microseconds since 1970.
    pub ended: i64,
}

/// The end of a run.
pub struct EndRecord {
    /// The run.
    pub run: Arc<str>,
    /// The outcome's word.
    pub outcome: &'static str,
    /// Value, error and counts, as JSON.
    pub ending: Vec<u8>,
    /// When, in microseconds since 1970.
    pub ended: i64,
    /// For how long it has run, in microseconds, earlier executions included.
    pub ran: i64,
}

impl Record {
    /// How long it may wait in memory.
    pub(super) fn lingers(&self) -> Duration {
        match self {
            // Whoever looks for the run a moment later finds it; to open the database beside what the script needs
            // first would keep its first line waiting.
            Self::Begin(_) => LINGER_BEGIN,
            Self::Outcome(outcome) if outcome.chained => LINGER_OUTCOME,
            _ if self.size() >= LONG => Duration::ZERO,
            _ => LINGER,
        }
    }

    /// How many bytes it holds.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Begin(begin) => begin.pinned.len(),
            Self::Text { text, .. } => text.len(),
            Self::Note { note, .. } => note.len(),
            Self::Wait { .. } => 0,
            Self::Entry(entry) => {
                entry.action.len()
                    + entry.before.as_ref().map_or(0, Vec::len)
                    + entry.outcome.as_ref().map_or(0, |(recorded, _)| size_of_recorded(recorded))
            }
            Self::Outcome(outcome) => size_of_recorded(&outcome.recorded),
            Self::End(end) => end.ending.len(),
        }
    }
}

fn size_of_recorded(recorded: &Recorded) -> usize {
    match recorded {
        Ok(Reply::Http(answer)) => answer.body.len() + 100,
        Ok(Reply::Bytes(bytes) | Reply::Json(bytes)) => bytes.len(),
        _ => 200,
    }
}
