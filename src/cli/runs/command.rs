//! The subcommands of `beadle runs`.

use clap::Subcommand;

use super::carry_on::{ReplayArgs, ResumeArgs};
use crate::cli::program::{Done, Program};

/// Show runs, go on with them, take them back
#[derive(Debug, Subcommand)]
pub enum RunsCommand {
    /// Go on with a run that was interrupted or failed: what its journal answers is not done again
    Resume(ResumeArgs),
    /// Execute a run from its journal alone: nothing is sent
    Replay(ReplayArgs),
}

impl RunsCommand {
    /// Carries it out.
    pub fn exec(self, program: &Program) -> Done {
        match self {
            Self::Resume(args) => args.exec(program),
            Self::Replay(args) => args.exec(program),
        }
    }
}
