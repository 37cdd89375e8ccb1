//! `beadle runs resume` and `replay`: a run that goes on, and one that is executed from its record.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::cli::ask;
use crate::cli::exit::Exit;
use crate::cli::failure::CommandFailure;
use crate::cli::lines::Lines;
use crate::cli::program::{Done, Program};
use crate::cli::screen::Screen;
use crate::cli::signals::cancel_on_signal;
use crate::door::Halt;
use crate::fault::Fault;
use crate::run::{Ending, Listener, Now, Project, Resumption, replay};
use crate::service::by_hand::resume;

/// Go on with a run
#[derive(Debug, Args)]
pub struct ResumeArgs {
    /// The run: an id, the beginning of one, or `latest`
    #[arg(value_name = "RUN", default_value = "latest")]
    pub id: String,
    /// What became of a change whose outcome is uncertain, or whose resend was refused
    #[arg(long, value_enum)]
    pub assume: Option<Assumed>,
    /// Go on with this text of the script, as long as it asks for the same
    #[arg(long, value_name = "FILE")]
    pub script: Option<PathBuf>,
    /// Add a right for this run
    #[arg(long, value_name = "EFFECT", value_parser = ["destroy"])]
    pub allow: Option<String>,
    /// Answer every question with yes
    #[arg(long)]
    pub yes: bool,
    /// End the run after this time
    #[arg(long, value_name = "DURATION", value_parser = crate::duration::parse_std)]
    pub timeout: Option<Duration>,
}

/// What a person says of an uncertain change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Assumed {
    /// It was made.
    Applied,
    /// It was not made: it is sent again.
    NotApplied,
}

/// Execute a run from its journal
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The run: an id, the beginning of one, or `latest`
    #[arg(value_name = "RUN", default_value = "latest")]
    pub id: String,
}

impl ResumeArgs {
    /// Carries it out.
    pub fn exec(self, program: &Program) -> Done {
        let script = self.script.as_ref().map(|file| {
            std::fs::read_to_string(program.here.join(file))
                .map_err(|error| CommandFailure::usage(format!("{}: {error}", file.display())))
        });
        let script = script.transpose()?;
        carry_on(program, |project, halt, listener| {
            let resumption = Resumption {
                assume: self.assume.map(|assumed| assumed == Assumed::Applied),
                script,
                now: Now {
                    ask: ask::terminal(&halt),
                    yes: self.yes,
                    allow_destroy: self.allow.is_some(),
                    timeout: self.timeout,
                    halt,
                },
            };
            resume(project, &self.id, resumption, listener)
        })
    }
}

impl ReplayArgs {
    /// Carries it out.
    pub fn exec(self, program: &Program) -> Done {
        carry_on(program, |project, halt, listener| {
            let now = Now { ask: ask::terminal(&halt), yes: false, allow_destroy: false, timeout: None, halt };
            replay(project, &self.id, now, listener)
        })
    }
}

/// Executes something with the listener that the format asks for.
pub fn carry_on(
    program: &Program,
    work: impl FnOnce(&Arc<Project>, Halt, &Arc<dyn Listener>) -> Result<Ending, Fault>,
) -> Done {
    let (project, runtime) = program.project()?;
    let halt = Halt::default();
    {
        let _entered = runtime.enter();
        cancel_on_signal(runtime.handle(), &halt);
    }
    let masker = project.masker().clone();
    let refused = |fault: Fault| CommandFailure::usage(fault.message);
    let exit = if program.is_json() {
        let lines = Arc::new(Lines::new(masker));
        let ending = work(&project, halt, &(Arc::clone(&lines) as Arc<dyn Listener>)).map_err(refused)?;
        lines.ending(&ending);
        Exit::of(&ending)
    } else {
        let screen = Arc::new(Screen::new(masker, program.colours(), program.global.verbose > 0));
        let ending = work(&project, halt, &(Arc::clone(&screen) as Arc<dyn Listener>)).map_err(refused)?;
        screen.ending(&ending);
        Exit::of(&ending)
    };
    runtime.block_on(project.close());
    runtime.shutdown_background();
    Ok(exit)
}
