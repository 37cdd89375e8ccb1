//! Runs of triggers that a person goes on with at the terminal, or ends: the ledger is told as if the service had
//! done it, whether or not one is there.

use std::sync::Arc;

use crate::engine::{Level, OutputEvent};
use crate::fault::{Fault, FaultKind};
use crate::run::{Ending, Listener, Project, Resumption, RunEvent, firing_of, hold};
use crate::service::bell::ring;
use crate::service::failure::failure;
use crate::service::orders::definitions;
use crate::trigger::{RunEnd, Triggers, let_go, take_in_hand};

/// Goes on with a run. That a person does so stands in the ledger before it begins: until the end a firing is not
/// tried again, and a service finds what a closed terminal has left.
///
/// # Errors
/// Why the run cannot go on.
pub fn resume(
    project: &Arc<Project>,
    id: &str,
    resumption: Resumption,
    listener: &Arc<dyn Listener>,
) -> Result<Ending, Fault> {
    let held = hold(project, id)?;
    let Some(firing) = held.firing(project) else { return held.go_on(project, resumption, listener) };
    let (state, run) = (project.state()?, held.id().to_owned());
    let refused = |error: crate::state::StateError| Fault::new(FaultKind::File, error.to_string());
    take_in_hand(&state, &firing, &run, project.clock.now()).map_err(refused)?;
    // A service sleeps until something is due: from now on it looks whether the terminal is still there.
    let _where_one_is = ring(&project.config.state_dir);
    let ended = held.go_on(project, resumption, listener);
    match &ended {
        Ok(ending) if ending.id == run => {
            let say = |text: String| listener.on(RunEvent::Output(OutputEvent::Log(Level::Warn, text)));
            conclude(project, &firing, ending).into_iter().for_each(say);
        }
        // Nothing of it was executed. What cannot be written is found by the service.
        _ => {
            let _found_by_the_service = let_go(&state, &run, project.clock.now());
        }
    }
    ended
}

/// Ends a waiting run that nobody executes; answers also with what people should know.
///
/// # Errors
/// Another process has taken it, or the journal cannot be written.
pub fn cancel(project: &Arc<Project>, id: &str) -> Result<(Ending, Vec<String>), Fault> {
    let ending = crate::run::cancel(project, id)?;
    let firing = firing_of(project, &ending.id);
    let notes = firing.map(|firing| conclude(project, &firing, &ending)).unwrap_or_default();
    Ok((ending, notes))
}

/// Tells the ledger how the run ended, and has its files put away. What cannot be done is said; the service finds it.
fn conclude(project: &Arc<Project>, firing: &str, ending: &Ending) -> Vec<String> {
    concluded(project, firing, ending)
        .unwrap_or_else(|why| vec![format!("`beadle serve` tells the ledger how the run ended: {why}")])
}

fn concluded(project: &Arc<Project>, firing: &str, ending: &Ending) -> Result<Vec<String>, String> {
    let now = project.clock.now();
    let (schedules, watches) = definitions(project).map_err(|mistakes| mistakes.join("; "))?;
    let state = project.state().map_err(|fault| fault.message)?;
    let triggers = Triggers::attach(state, schedules, watches, now).map_err(|error| error.to_string())?;
    let failure = failure(project, ending, now);
    let end = RunEnd { firing, run: Some(&ending.id), outcome: ending.outcome, failure: failure.as_ref() };
    let mut notes = triggers.concluded(&end, now).map_err(|error| error.to_string())?;
    // A service puts files away by itself; it may only have to be woken.
    if !ring(&project.config.state_dir).unwrap_or(false) {
        notes.extend(triggers.put_away(firing).map_err(|error| error.to_string())?);
    }
    Ok(notes)
}
