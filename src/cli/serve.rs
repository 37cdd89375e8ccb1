//! `beadle serve`: runs by schedules and dropped files.

use std::sync::Arc;

use clap::Args;

use crate::cli::exit::Exit;
use crate::cli::failure::CommandFailure;
use crate::cli::program::{Done, Program};
use crate::cli::screen::{Lines, Screen, millis};
use crate::cli::signals::cancel_on_signal;
use crate::door::Halt;
use crate::run::{Listener, Project};
use crate::service::{Service, ServiceEvent};

/// Start runs by schedules and dropped files
#[derive(Debug, Args)]
pub struct ServeArgs {}

impl ServeArgs {
    /// Serves until it is told to end.
    pub fn exec(self, program: &Program) -> Done {
        let (project, runtime) = program.project()?;
        let halt = Halt::default();
        {
            let _entered = runtime.enter();
            cancel_on_signal(runtime.handle(), &halt);
        }
        let tell = teller(program, &project);
        let confinement = project.interpret_apart().map_err(CommandFailure::failed)?;
        tracing::debug!("{}", confinement.describe());
        if confinement.files || confinement.network {
            tell(ServiceEvent::Problem(format!(
                "{}: a newer kernel, or a container that lets processes confine themselves, would keep scripts in",
                confinement.describe()
            )));
        }
        let served = Service::new(Arc::clone(&project), tell).serve(&halt);
        runtime.block_on(project.fleet.sign_out());
        runtime.shutdown_background();
        served.map_err(CommandFailure::usage)?;
        Ok(Exit::Succeeded)
    }
}

/// Shows what the service does: for people line by line, for programs as JSON lines.
pub fn teller(program: &Program, project: &Project) -> Arc<dyn Fn(ServiceEvent) + Send + Sync> {
    let masker = project.masker().clone();
    if program.is_json() {
        let lines = Lines::new(masker);
        return Arc::new(move |event| match event {
            ServiceEvent::Run(_, event) => lines.on(event),
            ServiceEvent::Ended(_, ending) => lines.ending(&ending),
            ServiceEvent::Problem(text) => lines.note("problem", &text),
            ServiceEvent::Started { trigger, run, why } => lines.note("fired", &format!("{trigger} {run} {why}")),
            ServiceEvent::Ready(schedules, watches) => {
                lines.note("ready", &format!("{schedules} schedules, {watches} watches"))
            }
            ServiceEvent::Ending(runs) => lines.note("ending", &format!("{runs} runs")),
        });
    }
    let screen = Screen::new(masker, program.colours(), program.global.verbose > 0);
    Arc::new(move |event| match event {
        ServiceEvent::Ready(schedules, watches) => {
            screen.note(&format!("serving {schedules} schedule(s) and {watches} watch(es); Ctrl-C ends it"));
        }
        ServiceEvent::Started { trigger, run, why } => screen.note(&format!("{trigger}: run {run} begins ({why})")),
        ServiceEvent::Run(_, event) => screen.on(event),
        ServiceEvent::Ended(_, ending) => {
            screen.ending(&ending);
            screen.note(&format!("run {} after {}", ending.outcome, millis(ending.elapsed)));
        }
        ServiceEvent::Problem(text) => screen.note(&format!("problem: {text}")),
        ServiceEvent::Ending(runs) => screen.note(&format!("ending; {runs} run(s) are given time to end")),
    })
}
