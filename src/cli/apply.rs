//! `beadle apply`: carries out a plan, and nothing that is not in it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use crate::cli::ask;
use crate::cli::exit::Exit;
use crate::cli::failure::CommandFailure;
use crate::cli::program::{Done, Program};
use crate::cli::run::conclude;
use crate::cli::signals::cancel_on_signal;
use crate::cli::withheld;
use crate::door::Halt;
use crate::engine;
use crate::run::params::Surroundings;
use crate::run::plan::{PlanError, PlanFile};
use crate::run::{Cause, Intent, Order, Within};

/// Carry out a plan, and nothing that is not in it
#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// The file that `beadle plan -o` wrote
    #[arg(value_name = "FILE")]
    plan: PathBuf,
    /// Make also those changes of which the plan says that drift cannot be seen
    #[arg(long)]
    unverified: bool,
    /// Add a right for this run
    #[arg(long, value_name = "EFFECT", value_parser = ["destroy"])]
    allow: Option<String>,
    /// Answer every question with yes
    #[arg(long)]
    yes: bool,
    /// End the run after this time
    #[arg(long, value_name = "DURATION", value_parser = crate::duration::parse_std)]
    timeout: Option<Duration>,
}

impl ApplyArgs {
    /// Applies the plan.
    pub fn exec(self, program: &Program) -> Done {
        let (config, catalog) = program.config()?;
        let plan = PlanFile::read(&program.here.join(&self.plan), &catalog).map_err(|error| match error {
            PlanError::Refused(_) | PlanError::Edited { .. } => CommandFailure::refused(error),
            PlanError::File { .. } | PlanError::Unreadable { .. } => CommandFailure::usage(error),
        })?;
        if !self.unverified {
            seen(&plan)?;
        }
        if plan.version() != env!("CARGO_PKG_VERSION") {
            eprintln!("note: the plan was made by Beadle {}", plan.version());
        }
        engine::prepare();
        let (project, runtime) = program.project_of(config, catalog)?;
        let playbook = plan.playbook().map_err(CommandFailure::usage)?;
        let within = Within { project: &project, folder: &program.here };
        let ordered = plan.order(&|reference| within.secret(reference)).map_err(CommandFailure::usage)?;
        let halt = Halt::default();
        {
            let _entered = runtime.enter();
            cancel_on_signal(runtime.handle(), &halt);
        }
        let order = Order {
            playbook,
            params: ordered.params,
            event: ordered.event,
            event_files: ordered.event_files,
            cause: Cause::Command,
            intent: Intent::Apply(Arc::new(plan)),
            allow_destroy: self.allow.is_some(),
            yes: self.yes,
            ask: ask::terminal(&halt),
            timeout: self.timeout,
            halt,
        };
        let ending = conclude(program, &project, runtime, order);
        Ok(Exit::of(&ending))
    }
}

/// Whether an apply would see it if something had changed since.
fn seen(plan: &PlanFile) -> Result<(), CommandFailure> {
    const SHOWN: usize = 10;
    let unseen: Vec<_> = plan.unseen().collect();
    if unseen.is_empty() {
        return Ok(());
    }
    let mut lines: Vec<String> = unseen
        .iter()
        .take(SHOWN)
        .map(|change| format!("  {}: {}", withheld::title(change), change.before.unseen().unwrap_or_default()))
        .collect();
    if unseen.len() > SHOWN {
        lines.push(format!("  … and {} more", unseen.len() - SHOWN));
    }
    let message = format!("drift cannot be seen where the plan has\n{}", lines.join("\n"));
    Err(CommandFailure::refused(message).hint("--unverified applies the plan all the same"))
}
