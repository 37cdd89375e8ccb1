//! `beadle serve`: runs by schedules and dropped files.

use std::sync::Arc;

use clap::Args;

use crate::cli::exit::Exit;
use crate::cli::failure::CommandFailure;
use crate::cli::program::{Done, Program};
use crate::cli::screen::{Lines, Screen, millis};
use crate::cli::signals::{cancel_on_signal, on_hangup};
use crate::config::Config;
use crate::door::Halt;
use crate::run::{Listener, Project};
use crate::service::{Reloader, Service, ServiceEvent};

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
        let mut service = Service::new(Arc::clone(&project), tell);
        if project.config.file.is_some() {
            let reloader = reloader(program, &project);
            let asked = reloader.clone();
            on_hangup(runtime.handle(), move || asked.ask());
            service = service.reloading(reloader);
        }
        let served = service.serve(&halt);
        runtime.shutdown_background();
        served.map_err(CommandFailure::usage)?;
        Ok(Exit::Succeeded)
    }
}

/// Loads the configuration of a project again, from the file that it came from.
fn reloader(program: &Program, project: &Project) -> Reloader {
    let (file, environment) = (project.config.file.clone().unwrap_or_default(), program.environment.clone());
    Reloader::new(move || Config::load(&file, &environment).map_err(|error| error.mistakes))
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
            ServiceEvent::Reloaded(different) => lines.note("reloaded", &different.join(", ")),
            ServiceEvent::Notice(text) => lines.note("notice", &text),
            ServiceEvent::Ending(runs, _) => lines.note("ending", &format!("{runs} runs")),
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
        ServiceEvent::Reloaded(different) if different.is_empty() => {
            screen.note("the configuration was loaded again: nothing is different");
        }
        ServiceEvent::Reloaded(different) => {
            screen.note(&format!("the configuration has changed: {}", different.join(", ")));
        }
        ServiceEvent::Notice(text) => screen.note(&text),
        ServiceEvent::Ending(runs, drain) => screen.note(&format!(
            "ending: {runs} run(s) have {} to end; what is left then goes on at the next start (Ctrl-C: at once)",
            millis(drain)
        )),
    })
}
