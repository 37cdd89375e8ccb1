//! The value that goes in at the door and the value that comes back.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;

use crate::catalog::{Bound, Effect, Row};
use crate::door::{Branch, Key};
use crate::fault::{Failure, Fault};
use crate::network::list::NetworkList;
use crate::value::{Map, Value};

/// How many keys of a store, in words.
pub fn keys(number: usize) -> String {
    if number == 1 { "1 key".to_owned() } else { format!("{number} keys") }
}

/// Everything a script can do to the world, as one value.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// A catalog call on a target.
    Call {
        /// The target's name.
        target: Arc<str>,
        /// The row and its checked arguments.
        call: Bound,
    },
    /// A raw request to a target.
    Raw {
        /// The target's name.
        target: Arc<str>,
        /// The request.
        request: RawRequest,
    },
    /// The present instant.
    Clock,
    /// For how long the run has run; what lies between two executions does not count.
    Elapsed,
    /// A random whole number between the two, both included.
    Random {
        /// The least.
        low: i64,
        /// The greatest.
        high: i64,
    },
    /// A wait; the deadline becomes absolute when it is recorded.
    Sleep(Duration),
    /// The bytes of a file that may be read.
    ReadFile(PathBuf),
    /// The size in bytes of a file that may be read.
    FileSize(PathBuf),
    /// A whole file, written atomically.
    WriteFile {
        /// Where.
        path: PathBuf,
        /// What.
        contents: Bytes,
    },
    /// A request to a host that is not a target.
    Fetch {
        /// `GET` or `POST`.
        method: &'static str,
        /// The URL.
        url: String,
        /// `headers`, `timeout`, `body`, `json`, as the script gave them.
        options: Map,
    },
    /// A yes-or-no question to the person at the terminal.
    Confirm(String),
    /// A message to a channel, for people.
    Notify {
        /// The channel's name.
        channel: String,
        /// The text.
        message: String,
    },
    /// Look up one target: answers `#{ name, vendor, tags }`.
    Target(Arc<str>),
    /// Look up targets by `vendor` and `tag`: answers a list of such maps.
    Targets(Map),
    /// Look up a configured secret by name.
    Secret(String),
    /// Opens a transaction at a target: its staged changes take effect together, or not at all.
    Begin {
        /// The target's name.
        target: Arc<str>,
        /// What the appliance's own log says of it.
        message: String,
    },
    /// Commits the open transaction of a target.
    Commit {
        /// The target's name.
        target: Arc<str>,
        /// What the appliance's own log says of it.
        message: String,
    },
    /// Throws away what the open transaction of a target has staged: its work has failed.
    RollBack {
        /// The target's name.
        target: Arc<str>,
    },
    /// The value of a key of the script's store; `()` if there is none.
    StoreGet(String),
    /// Sets keys of the script's store in one commit; `None` removes a key.
    StoreSet(Vec<(String, Option<Value>)>),
    /// All keys of the script's store that begin so, with their values, as a map.
    StoreList(String),
    /// The value of a key of any store; `()` if there is none.
    StoreLook {
        /// The store's name.
        store: String,
        /// The key.
        key: String,
    },
    /// Brings keys of a store back to what they were: `None` removes a key.
    StoreRestore {
        /// The store's name.
        store: String,
        /// The keys.
        entries: Vec<(String, Option<Value>)>,
    },
    /// Another playbook, run within this run; answers its value.
    RunPlaybook {
        /// The playbook's name.
        name: String,
        /// Its parameters.
        params: Map,
    },
    /// For each network, the protected one that forbids blocking it, with the reason: a list of
    /// `[index, text]` for those that are forbidden.
    Protected(Arc<NetworkList>),
    /// A named part of the run. Its own actions have entries of their own.
    Step {
        /// The name.
        name: String,
        /// Whether the script says how it is taken back.
        undo: bool,
    },
    /// A `parallel` over so many items. Its outcome is the number of items that were begun.
    Parallel(u64),
}

impl Action {
    /// The action in a few words, for people.
    pub fn describe(&self) -> String {
        match self {
            Self::Call { target, call } => format!("{target} {}", call.row.name),
            Self::Raw { target, request } => format!("{target} {} {}", request.method, request.path),
            Self::Clock => "now".into(),
            Self::Random { .. } => "random".into(),
            Self::Sleep(_) => "sleep".into(),
            Self::ReadFile(path) => format!("read_file {}", path.display()),
            Self::WriteFile { path, .. } => format!("write_file {}", path.display()),
            Self::Fetch { method, url, .. } => format!("http_{} {url}", method.to_lowercase()),
            Self::Confirm(_) => "confirm".into(),
            Self::Notify { channel, .. } => format!("notify {channel}"),
            Self::Target(name) => format!("target {name}"),
            Self::Targets(_) => "targets".into(),
            Self::Secret(name) => format!("secret {name}"),
            Self::Begin { target, .. } => format!("{target} transaction"),
            Self::Commit { target, .. } => format!("{target} commit"),
            Self::RollBack { target } => format!("{target} rollback"),
            Self::StoreGet(key) => format!("store.get {key}"),
            Self::StoreSet(entries) => format!("store.set of {}", keys(entries.len())),
            Self::StoreList(prefix) => format!("store.list {prefix}"),
            Self::StoreLook { store, key } => format!("store {store}: {key}"),
            Self::StoreRestore { store, entries } => format!("store {store}: {} as before", keys(entries.len())),
            Self::RunPlaybook { name, .. } => format!("run_playbook {name}"),
            Self::Elapsed => "elapsed".into(),
            Self::FileSize(path) => format!("size of {}", path.display()),
            Self::Protected(networks) => format!("never-touch lists over {} networks", networks.len()),
            Self::Step { name, .. } => format!("step {name}"),
            Self::Parallel(items) => format!("parallel of {items} items"),
        }
    }

    /// The kind of action in one word, as the journal keeps it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Call { .. } => "call",
            Self::Raw { .. } => "raw",
            Self::Clock => "clock",
            Self::Elapsed => "elapsed",
            Self::Random { .. } => "random",
            Self::Sleep(_) => "sleep",
            Self::ReadFile(_) => "read_file",
            Self::FileSize(_) => "file_size",
            Self::WriteFile { .. } => "write_file",
            Self::Fetch { .. } => "fetch",
            Self::Confirm(_) => "confirm",
            Self::Notify { .. } => "notify",
            Self::Target(_) => "target",
            Self::Targets(_) => "targets",
            Self::Secret(_) => "secret",
            Self::Begin { .. } => "begin",
            Self::Commit { .. } => "commit",
            Self::RollBack { .. } => "rollback",
            Self::StoreGet(_) => "store.get",
            Self::StoreSet(_) => "store.set",
            Self::StoreList(_) => "store.list",
            Self::StoreLook { .. } => "store.look",
            Self::StoreRestore { .. } => "store.restore",
            Self::RunPlaybook { .. } => "run_playbook",
            Self::Protected(_) => "protected",
            Self::Step { .. } => "step",
            Self::Parallel(_) => "parallel",
        }
    }

    /// The target that it goes to.
    pub fn target(&self) -> Option<&str> {
        match self {
            Self::Call { target, .. }
            | Self::Raw { target, .. }
            | Self::Begin { target, .. }
            | Self::Commit { target, .. }
            | Self::RollBack { target } => Some(target),
            _ => None,
        }
    }
}

/// A request in the raw form: `t.request("GET", "/groups", #{ … })`.
#[derive(Clone, Debug, PartialEq)]
pub struct RawRequest {
    /// The HTTP method, upper case.
    pub method: String,
    /// The path below the vendor's base, percent-encoded by the caller.
    pub path: String,
    /// Query parameters.
    pub query: Map,
    /// The JSON body.
    pub body: Option<Value>,
    /// Request headers.
    pub headers: Map,
    /// The effect that the script declares; it can raise what the door derives, never lower it.
    pub effect: Option<Effect>,
}

/// What comes back from the door.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// What an appliance, or an HTTP host, answered.
    Http(HttpAnswer),
    /// A value of the host's own.
    Value(Value),
    /// A value of the host's own as JSON that the engine makes script values of: what a store holds.
    Json(Bytes),
    /// The contents of a file.
    Bytes(Bytes),
}

/// An answer of success, with the body as it came.
///
/// The body stays bytes, so that it goes into script values without another form between.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The content type, lower case, without parameters.
    pub content_type: Option<String>,
    /// The body.
    pub body: Bytes,
    /// The row, which knows the answer's shape; `None` for raw requests and fetches.
    pub row: Option<&'static Row>,
    /// Whether a dry run made it up.
    pub assumed: bool,
    /// Whether handles stand in the body in the place of its secrets.
    pub handles: bool,
}

impl HttpAnswer {
    /// The answer to a change that was made, although nobody has seen its answer.
    pub const fn unseen(row: Option<&'static Row>) -> Self {
        Self { status: 200, content_type: None, body: Bytes::new(), row, assumed: false, handles: false }
    }
}

/// The door as a script sees it.
///
/// It blocks the calling thread, which is a script's own, until there is an answer or the run's
/// token ends the wait.
pub trait Passage: Send + Sync {
    /// Carries out `action` for the branch it stands in.
    ///
    /// # Errors
    /// A [`Failure::Fault`] is the script's to catch; a [`Failure::Stop`] ends the run.
    fn pass(&self, branch: &Branch, action: Action) -> Result<Reply, Failure>;

    /// Rolls back the open transaction of a target, with time of its own: it must also end when the
    /// run has no time left. `caught` says that the script's own error ended it, and that the run may go
    /// on.
    fn abandon(&self, branch: &Branch, target: &Arc<str>, caught: bool);

    /// Begins a composite, a step or a `parallel`: it takes its place in the journal, and its parts have
    /// entries of their own.
    ///
    /// # Errors
    /// As [`Passage::pass`].
    fn open(&self, branch: &Branch, action: Action) -> Result<Composite, Failure>;

    /// Ends a composite. One that the end of the run has broken off is not ended. A fault's detail `value`
    /// is what [`Composite::known`] gives in a later execution.
    ///
    /// # Errors
    /// As [`Passage::pass`].
    fn close(&self, composite: Composite, outcome: Result<Value, Fault>) -> Result<(), Failure>;

    /// Notes that an item of a `parallel` ended with an error that the item itself has not caught.
    ///
    /// # Errors
    /// As [`Passage::pass`].
    fn item_failed(&self, composite: &Composite, item: u64) -> Result<(), Failure>;

    /// Whether what the script shows has been shown by a former execution of the run.
    fn is_replaying(&self) -> bool;

    /// Whether a value was made up by a dry run.
    fn is_assumed(&self, value: &Value) -> bool;

    /// Whether a dry run has withheld a change of this target.
    fn is_assumed_target(&self, target: &str) -> bool;

    /// The assumed value that stands for the end of a wait, if a dry run has withheld a change.
    fn instead_of_waiting(&self) -> Option<Value>;

    /// What of the run waits for an instant.
    fn waits(&self) -> Waits {
        Waits::default()
    }

    /// Ends the waits under way without an answer: the run goes on later, from its journal.
    fn put_off(&self) {}

    /// So many threads more of the script are at work, or fewer.
    fn threads(&self, _more: i64) {}
}

/// What of a run waits for an instant.
#[derive(Clone, Copy, Debug, Default)]
pub struct Waits {
    /// How many waits are under way.
    pub under_way: usize,
    /// When the first of them ends.
    pub until: Option<Timestamp>,
    /// Whether a transaction is open: it would not outlast a long wait.
    pub in_transaction: bool,
}

/// A step or a `parallel` that has begun.
#[derive(Debug)]
pub struct Composite {
    pub(super) key: Key,
    pub(super) action: Action,
    /// How it ended in a former execution of the run.
    pub known: Option<Value>,
    pub(super) ended: bool,
}

impl Composite {
    /// One whose door is elsewhere.
    pub fn elsewhere(key: Key, action: Action, known: Option<Value>) -> Self {
        Self { key, action, known, ended: false }
    }

    /// Its key, which tells it from all others of the run.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// Its place in its branch.
    pub fn place(&self) -> u64 {
        self.key.entry
    }
}
