//! `beadle interpret`: what `beadle serve` starts for each run. Nobody types it.

use std::time::Duration;

use clap::Args;

use crate::cli::exit::Exit;
use crate::cli::failure::CommandFailure;
use crate::cli::program::Done;
use crate::confine::Allowance;
use crate::run::apart::interpret;

/// Interpret one script for the service that starts this
#[derive(Debug, Args)]
pub struct InterpretArgs {
    /// The bytes of the process's address space
    #[arg(long, value_name = "BYTES")]
    memory: u64,
    /// How long its threads together may compute
    #[arg(long, value_name = "SECONDS")]
    processor: u64,
}

impl InterpretArgs {
    /// Interprets it.
    pub fn exec(self) -> Done {
        let allowance = Allowance { memory: self.memory, processor: Duration::from_secs(self.processor) };
        interpret(allowance).map_err(CommandFailure::failed)?;
        Ok(Exit::Succeeded)
    }
}
