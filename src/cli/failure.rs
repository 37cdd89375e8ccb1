//! How a command fails: what to say, and which code to end with.

use std::fmt::Display;

use crate::cli::exit::Exit;

/// Why a command cannot go on.
#[derive(Debug)]
pub struct CommandFailure {
    /// The code to end with.
    pub exit: Exit,
    /// What to print after `error: `; empty if everything is said already.
    pub message: String,
    /// What may cure it, a line each.
    pub hints: Vec<String>,
}

impl CommandFailure {
    /// A wrong command line or configuration.
    pub fn usage(message: impl Display) -> Self {
        Self { exit: Exit::Usage, message: message.to_string(), hints: Vec::new() }
    }

    /// Something that was tried and failed.
    pub fn failed(message: impl Display) -> Self {
        Self { exit: Exit::Failed, message: message.to_string(), hints: Vec::new() }
    }

    /// Something that a plan refuses.
    pub fn refused(message: impl Display) -> Self {
        Self { exit: Exit::Refused, message: message.to_string(), hints: Vec::new() }
    }

    /// The same failure with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl From<std::io::Error> for CommandFailure {
    /// Output that cannot be written: a closed pipe is success, as every reader may stop reading.
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self { exit: Exit::Succeeded, message: String::new(), hints: Vec::new() };
        }
        Self::failed(format!("cannot write the output: {error}"))
    }
}
