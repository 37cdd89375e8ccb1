//! Why a trigger cannot do what was asked.

use std::path::PathBuf;

use crate::state::StateError;

/// A trigger cannot do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum TriggerError {
    /// The state database refuses.
    #[error(transparent)]
    State(#[from] StateError),
    /// There is no trigger of this name.
    #[error("there is no trigger '{name}'.{hint} `beadle triggers list` shows them all")]
    Unknown {
        /// The name.
        name: String,
        /// The nearest name, if one is near.
        hint: String,
    },
    /// A watch needs a file.
    #[error("'{0}' is a watch, and goes off for a file: `beadle triggers fire {0} path=FILE`")]
    NeedsFile(String),
    /// A schedule takes no file.
    #[error("'{0}' is a schedule, and takes no file")]
    NoFile(String),
    /// A file cannot be handed to a watch.
    #[error("{} cannot be handed over: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: String,
    },
}
