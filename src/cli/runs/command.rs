//! The subcommands of `beadle runs`.

use clap::Subcommand;

use super::cancel::CancelArgs;
use super::carry_on::{ReplayArgs, ResumeArgs};
use super::export::ExportArgs;
use super::list::ListArgs;
use super::prune::PruneArgs;
use super::show::ShowArgs;
use super::undo::UndoArgs;
use super::verify::VerifyArgs;
use crate::cli::program::{Done, Program};

/// Show runs, go on with them, take them back
#[derive(Debug, Subcommand)]
pub enum RunsCommand {
    /// List runs, the latest first
    List(ListArgs),
    /// Show a run: its facts, what it did when, and each change with before and after
    Show(ShowArgs),
    /// Go on with a run that was interrupted or failed: what its journal answers is not done again
    Resume(ResumeArgs),
    /// End a run that another process executes
    Cancel(CancelArgs),
    /// Execute a run from its journal alone: nothing is sent
    Replay(ReplayArgs),
    /// Take back what a run changed, last completed first
    Undo(UndoArgs),
    /// Look whether the journal is what was written
    Verify(VerifyArgs),
    /// Write a run as one JSON document that another machine can show
    Export(ExportArgs),
    /// Drop the answers of old runs; their changes stay
    Prune(PruneArgs),
}

impl RunsCommand {
    /// Carries it out.
    pub fn exec(self, program: &Program) -> Done {
        match self {
            Self::List(args) => args.exec(program),
            Self::Show(args) => args.exec(program),
            Self::Resume(args) => args.exec(program),
            Self::Cancel(args) => args.exec(program),
            Self::Replay(args) => args.exec(program),
            Self::Undo(args) => args.exec(program),
            Self::Verify(args) => args.exec(program),
            Self::Export(args) => args.exec(program),
            Self::Prune(args) => args.exec(program),
        }
    }
}
