//! What a script shows to people.

use std::sync::Arc;

use crate::engine::reach::Reach;
use crate::value::Value;

/// How much a log line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// For the record.
    Info,
    /// Something is not as it should be.
    Warn,
    /// Something went wrong.
    Error,
}

impl Level {
    /// The word for files and screens.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// Something that a script shows.
#[derive(Clone, Debug, PartialEq)]
pub enum OutputEvent {
    /// A printed line.
    Print(String),
    /// A line for the log.
    Log(Level, String),
    /// A table: a list of maps.
    Table(Value),
    /// How far a counted piece of work has come.
    Progress {
        /// Which one, within the run.
        id: u64,
        /// How much is done.
        done: u64,
        /// How much there is.
        total: u64,
    },
    /// A step begins (`None`) or has ended, well or not.
    Step(String, Option<bool>),
}

/// Takes what a script shows.
pub trait Output: Send + Sync {
    /// Takes one event; called from the script's threads.
    fn show(&self, event: OutputEvent);

    /// Whoever counts which functions are called; only tests do.
    fn reach(&self) -> Option<Arc<dyn Reach>> {
        None
    }
}
