//! `beadle serve`: runs by schedules and dropped files.

use std::io::IsTerminal;
use std::sync::Arc;

use clap::Args;

use crate::cli::exit::Exit;
use crate::cli::failure::CommandFailure;
use crate::cli::lines::Lines;
use crate::cli::logging::{self, Form};
use crate::cli::program::{Done, Program};
use crate::cli::service_log;
use crate::cli::signals::{cancel_on_signal, on_hangup};
use crate::config::Config;
use crate::door::Halt;
use crate::run::Project;
use crate::service::{Outside, Reloader, Service, ServiceEvent, Tell, calm};

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
        let outside = Outside::begin(&project, teller(program, &project)).map_err(CommandFailure::usage)?;
        let confinement = project.interpret_apart().map_err(CommandFailure::failed)?;
        tracing::debug!("{}", confinement.describe());
        if confinement.files || confinement.network {
            (outside.ear())(ServiceEvent::Problem(format!(
                "{}: a newer kernel, or a container that lets processes confine themselves, would keep scripts in",
                confinement.describe()
            )));
        }
        let mut service = Service::new(Arc::clone(&project), outside.ear()).turning(outside.turns());
        if project.config.file.is_some() {
            let reloader = reloader(program, &project);
            let asked = reloader.clone();
            on_hangup(runtime.handle(), move || asked.ask());
            service = service.reloading(reloader);
        }
        let served = service.serve(&halt);
        outside.end();
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

/// What shows what the service does: its log, or for programs that ask for it the events of its runs.
fn teller(program: &Program, project: &Project) -> Tell {
    let (verbose, wanted) = (program.global.verbose, program.environment.log.as_deref());
    if program.is_json() {
        logging::start(verbose, wanted, program.environment.no_color);
        return calm(events(project));
    }
    let form = match std::io::stderr().is_terminal() {
        true => Form::Human { colours: program.colours() },
        false => Form::Json,
    };
    logging::start_service(verbose, wanted, form, project.masker().clone());
    calm(service_log::logger())
}

/// The events of the service and its runs as JSON lines.
fn events(project: &Project) -> Tell {
    let lines = Lines::new(project.masker().clone());
    Arc::new(move |event| match event {
        ServiceEvent::Run { trigger, run, event } => lines.of_run(&trigger, &run, event),
        ServiceEvent::Ended(_, ending) => lines.ending(&ending),
        ServiceEvent::Problem(text) => lines.note("problem", &text),
        ServiceEvent::Started { trigger, run, why, .. } => lines.fired(&trigger, &run, &why),
        ServiceEvent::Missed(missed) => {
            lines.note("missed", &format!("{} {} times: {}", missed.trigger, missed.count, missed.why));
        }
        ServiceEvent::Ready(schedules, watches) => {
            lines.note("ready", &format!("{schedules} schedules, {watches} watches"));
        }
        ServiceEvent::Reloading | ServiceEvent::Turned(_) | ServiceEvent::Woken => {}
        ServiceEvent::Reloaded(different, _) => lines.note("reloaded", &different.join(", ")),
        ServiceEvent::Notice(text) => lines.note("notice", &text),
        ServiceEvent::Ending(runs, _) => lines.note("ending", &format!("{runs} runs")),
    })
}
