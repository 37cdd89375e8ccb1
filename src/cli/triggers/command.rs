//! The subcommands, and the triggers that they work on.

use std::sync::Arc;

use clap::Subcommand;
use jiff::Timestamp;

use super::change::ChangeArgs;
use super::explain::ExplainArgs;
use super::fire::FireArgs;
use super::list;
use crate::cli::failure::CommandFailure;
use crate::cli::program::{Done, Program};
use crate::run::Project;
use crate::service::{definitions, is_serving};
use crate::trigger::Triggers;

/// Show schedules and watches, let them go off, and let them rest
#[derive(Debug, Subcommand)]
pub enum TriggersCommand {
    /// List the triggers with what comes next, and how their last run ended
    List,
    /// Explain one trigger: when it goes off next, and what became of earlier firings
    Explain(ExplainArgs),
    /// Make a trigger go off now
    Fire(FireArgs),
    /// Let triggers rest: what falls due is skipped, files stay where they are
    Pause(ChangeArgs),
    /// Let paused triggers go on
    Resume(ChangeArgs),
}

/// The triggers of a project.
pub struct Opened {
    /// The project.
    pub project: Arc<Project>,
    /// Its triggers.
    pub triggers: Triggers,
    /// The present instant.
    pub now: Timestamp,
    _runtime: tokio::runtime::Runtime,
}

impl TriggersCommand {
    /// Does what is asked for.
    pub fn exec(self, program: &Program) -> Done {
        let opened = Opened::open(program)?;
        match self {
            Self::List => list::exec(program, &opened),
            Self::Explain(args) => args.exec(program, &opened),
            Self::Fire(args) => args.exec(program, opened),
            Self::Pause(args) => args.pause(program, opened),
            Self::Resume(args) => args.resume(program, opened),
        }
    }
}

impl Opened {
    fn open(program: &Program) -> Result<Self, CommandFailure> {
        let (project, runtime) = program.project()?;
        let (schedules, watches) =
            definitions(&project).map_err(|mistakes| CommandFailure::usage(mistakes.join("\nerror: ")))?;
        let state = project.state().map_err(|fault| CommandFailure::failed(fault.message))?;
        let now = project.clock.now();
        let triggers = Triggers::attach(state, schedules, watches, now).map_err(CommandFailure::failed)?;
        Ok(Self { project, triggers, now, _runtime: runtime })
    }

    /// Whether anybody serves this project.
    pub fn is_served(&self) -> bool {
        is_serving(&self.project.config.state_dir)
    }
}
