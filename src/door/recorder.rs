//! The journal as the door sees it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::catalog::Effect;
use crate::door::{Action, Branch, Reply};
use crate::fault::{Failure, Fault, Stop};
use crate::value::Map;

/// The position of an entry: the branch it stands in, and its number there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// The (parallel, item) pairs that lead to the branch.
    pub path: Vec<(u64, u64)>,
    /// The number within the branch.
    pub entry: u64,
    /// The transaction that it stands in.
    pub inside: Option<String>,
}

impl Key {
    /// The key of the next entry of `branch`.
    pub fn next(branch: &Branch) -> Self {
        let inside = branch.inside().map(str::to_owned);
        Self { path: branch.path().to_vec(), entry: branch.next_entry(), inside }
    }
}

/// How an action ended.
pub type Recorded = Result<Reply, Fault>;

/// What a former execution of the run has left of an entry.
#[derive(Debug)]
pub enum Recall {
    /// Nothing: it is carried out for the first time.
    New,
    /// How it ended.
    Known(Box<KnownEntry>),
    /// That it began, and not how it ended.
    Open(Box<OpenEntry>),
    /// Of the opening of a transaction: that its commit was about to leave, and not how that ended.
    Committing(Box<OpenCommit>),
}

/// A transaction whose commit a former execution may have sent.
#[derive(Clone, Debug)]
pub struct OpenCommit {
    /// The number of the commit's entry.
    pub entry: u64,
    /// What was staged in it, in order.
    pub staged: Vec<Staged>,
    /// What a person says of the commit: that it was applied, or that it was not.
    pub assume: Option<bool>,
}

/// A change that was staged in a transaction.
#[derive(Clone, Debug)]
pub struct Staged {
    /// The vendor's id.
    pub vendor: String,
    /// The call's name.
    pub call: String,
    /// Its arguments.
    pub args: Map,
    /// The state of its object before it.
    pub before: Option<Json>,
    /// What the appliance answered.
    pub answer: Option<Json>,
}

/// An entry that ended in a former execution.
#[derive(Debug)]
pub struct KnownEntry {
    /// What it did to the world.
    pub effect: Effect,
    /// How it ended.
    pub recorded: Recorded,
}

/// An entry that a former execution began.
#[derive(Clone, Debug, Default)]
pub struct OpenEntry {
    /// When it began.
    pub since: Timestamp,
    /// The state of its object before it, as [`Intent::before`] gave it.
    pub before: Option<Json>,
    /// What [`Intent::note`] or [`Recorder::mark`] gave.
    pub note: Option<String>,
    /// What a person says of it: that it was applied, or that it was not.
    pub assume: Option<bool>,
}

/// What is written before an action is carried out.
#[derive(Clone, Debug)]
pub struct Intent {
    /// What it does to the world.
    pub effect: Effect,
    /// How many items it touches, as its row counts them.
    pub items: u64,
    /// Whether the entry has to be on the disk first.
    pub durable: bool,
    /// The state of its object before it, as JSON.
    pub before: Option<Vec<u8>>,
    /// What a resume has to know: a deadline, the id of a child run.
    pub note: Option<String>,
}

impl Default for Intent {
    fn default() -> Self {
        Self { effect: Effect::Read, items: 0, durable: false, before: None, note: None }
    }
}

/// What is known of an action that has been carried out.
#[derive(Clone, Copy, Debug)]
pub struct Passed {
    /// What it did to the world.
    pub effect: Effect,
    /// How many items it touched, as its row counts them.
    pub items: u64,
    /// When it began; the entry of an action with an intent says so already.
    pub begun: Timestamp,
}

/// Records what passes through the door, and answers what it knows already.
pub trait Recorder: Send + Sync {
    /// What is known of the entry from a former execution.
    ///
    /// # Errors
    /// [`Stop::Diverged`] if another action stands recorded at this position.
    fn recall(&self, key: &Key, action: &Action) -> Result<Recall, Stop>;

    /// Records that an action is about to be carried out. An entry that a former execution began goes on
    /// under its number.
    ///
    /// # Errors
    /// When it cannot be written: a change must not leave then.
    fn intend(&self, key: &Key, action: &Action, intent: &Intent) -> Result<(), Failure>;

    /// Adds a note to an entry that has begun; it is on the disk when this returns, with all that was
    /// recorded before.
    ///
    /// # Errors
    /// When it cannot be written.
    fn mark(&self, key: &Key, note: &str) -> Result<(), Failure>;

    /// Settles the commit that [`Recall::Committing`] told of, at the key of its transaction's opening: it was
    /// made, or nothing of the transaction was, and its entries no longer answer.
    ///
    /// # Errors
    /// When it cannot be written.
    fn settle_commit(&self, key: &Key, made: bool) -> Result<(), Failure>;

    /// Notes that an item of a `parallel` ended with an error, which a resume does again.
    ///
    /// # Errors
    /// When it cannot be written.
    fn item_failed(&self, key: &Key, item: u64) -> Result<(), Failure>;

    /// Hands what was recorded so far to the operating system: an effect on this machine follows, which a
    /// resume must not compute anew from other answers.
    ///
    /// # Errors
    /// When it cannot be written.
    fn settle(&self) -> Result<(), Failure>;

    /// Whether a former execution of the run went before this one.
    fn is_resumed(&self) -> bool;

    /// Whether a former execution has got further than this one yet.
    fn is_replaying(&self) -> bool;

    /// Records how an action ended, and gives the entry's number within the run, from 1.
    ///
    /// # Errors
    /// When it cannot be written.
    fn record(&self, key: &Key, action: &Action, passed: Passed, outcome: &Recorded) -> Result<u64, Failure>;
}

/// The name of the place of a branch, as [`Key::path`] has it: `0.3/1.12`; empty for the main line.
pub fn path_text(path: &[(u64, u64)]) -> String {
    use std::fmt::Write;
    let mut text = String::new();
    for (parallel, item) in path {
        if !text.is_empty() {
            text.push('/');
        }
        let _infallible = write!(text, "{parallel}.{item}");
    }
    text
}
