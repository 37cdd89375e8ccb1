//! What can go wrong in an effect, in one shape: the error that a script catches.
//!
//! A [`Fault`] is an answer too: it is recorded, and replayed as the same catchable error. A
//! [`Stop`] is not an answer: it ends the run and cannot be caught.

use std::fmt;

use crate::value::{Map, Value};

/// The kinds of error that a script can tell apart (`err.kind`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// The appliance answered with an error status that no other kind describes.
    Http,
    /// Sign-in failed or was refused.
    Auth,
    /// The TLS connection could not be trusted or made.
    Tls,
    /// The appliance could not be reached, or the line was cut.
    Connect,
    /// No answer within the time allowed.
    Timeout,
    /// The arguments are wrong, by the row's rules or by the appliance's word.
    Invalid,
    /// The object does not exist.
    NotFound,
    /// The appliance refused because of the state it is in.
    Conflict,
    /// Beadle's own no: policy, budget, right or lock.
    Refused,
    /// The answer could not be read as what the row says it is.
    Decode,
    /// A file could not be read or written.
    File,
    /// A limit of Beadle's was reached (answer size, memory, steps).
    Limit,
}

impl FaultKind {
    /// Every kind, for documents and tests.
    pub const ALL: [Self; 12] = [
        Self::Http,
        Self::Auth,
        Self::Tls,
        Self::Connect,
        Self::Timeout,
        Self::Invalid,
        Self::NotFound,
        Self::Conflict,
        Self::Refused,
        Self::Decode,
        Self::File,
        Self::Limit,
    ];

    /// The word that scripts see.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Auth => "auth",
            Self::Tls => "tls",
            Self::Connect => "connect",
            Self::Timeout => "timeout",
            Self::Invalid => "invalid",
            Self::NotFound => "not-found",
            Self::Conflict => "conflict",
            Self::Refused => "refused",
            Self::Decode => "decode",
            Self::File => "file",
            Self::Limit => "limit",
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A catchable error. Scripts see every field, always.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// What kind of error.
    pub kind: FaultKind,
    /// One or two sentences: what is wrong, where, and what cures it.
    pub message: String,
    /// The target's name, if a target was concerned.
    pub target: Option<String>,
    /// The call's or host function's name.
    pub operation: Option<String>,
    /// The HTTP status, if the appliance answered.
    pub status: Option<u16>,
    /// The vendor's own error code, if it gave one.
    pub code: Option<String>,
    /// More, as the kind needs it: the vendor's answer, offending values, `resent`.
    pub details: Map,
    /// Whether trying again later may succeed.
    pub retryable: bool,
    /// The journal entry that recorded it.
    pub entry: Option<u64>,
}

impl Fault {
    /// A fault of `kind` that says `message`; nothing else is known yet.
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            target: None,
            operation: None,
            status: None,
            code: None,
            details: Map::new(),
            retryable: false,
            entry: None,
        }
    }

    /// The same fault, naming `target`, unless it names one.
    #[must_use]
    pub fn on(mut self, target: &str) -> Self {
        self.target.get_or_insert_with(|| target.to_owned());
        self
    }

    /// The same fault, naming the call or host function, unless it names one.
    #[must_use]
    pub fn during(mut self, operation: &str) -> Self {
        self.operation.get_or_insert_with(|| operation.to_owned());
        self
    }

    /// The same fault with the HTTP status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// Whether it refuses a change that was sent again because its answer was lost: the first one may have done it.
    pub fn was_resent(&self) -> bool {
        self.details.get("resent") == Some(&Value::Bool(true))
    }

    /// The same fault with one more detail.
    #[must_use]
    pub fn with_detail(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }

    /// The same fault, marked as one that may pass when tried again.
    #[must_use]
    pub fn retryable(mut self) -> Self {
        self.retryable = true;
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.target, &self.operation) {
            (Some(target), Some(operation)) => write!(f, "{target}: {operation}: {}", self.message),
            (Some(name), None) | (None, Some(name)) => write!(f, "{name}: {}", self.message),
            (None, None) => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for Fault {}

/// Why a run ends although no script error ended it. Scripts cannot catch it.
#[derive(Clone, Debug, PartialEq)]
pub enum Stop {
    /// The user, or a trigger's rule, cancelled the run.
    Cancelled,
    /// The run's time is up.
    TimedOut(String),
    /// A host limit (steps, memory) was reached.
    Limit(String),
    /// A replayed run asked for another effect than the one recorded.
    Diverged(String),
    /// A change was sent and its outcome cannot be known.
    Uncertain(Box<Fault>),
    /// Nothing but a long wait is under way: the run goes on when that is over, from its journal.
    PutOff,
    /// The process that interpreted the script is gone.
    Lost(String),
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled => f.write_str("the run was cancelled"),
            Self::TimedOut(what) | Self::Limit(what) | Self::Diverged(what) | Self::Lost(what) => f.write_str(what),
            Self::PutOff => f.write_str("the run waits, and goes on later"),
            Self::Uncertain(fault) => write!(f, "the outcome of a change is uncertain: {fault}"),
        }
    }
}

/// An effect that gave no answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// An error that the script may catch.
    Fault(Box<Fault>),
    /// The end of the run.
    Stop(Stop),
}

impl Failure {
    /// The same with what is known of its fault, also where that left a change uncertain.
    #[must_use]
    pub fn naming(self, name: impl FnOnce(Fault) -> Fault) -> Self {
        match self {
            Self::Fault(fault) => name(*fault).into(),
            Self::Stop(Stop::Uncertain(fault)) => Stop::Uncertain(Box::new(name(*fault))).into(),
            stop @ Self::Stop(_) => stop,
        }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(Box::new(fault))
    }
}

impl From<Stop> for Failure {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault(fault) => fault.fmt(f),
            Self::Stop(stop) => stop.fmt(f),
        }
    }
}
