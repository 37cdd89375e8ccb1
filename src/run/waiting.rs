//! Long waits of runs whose scripts are interpreted apart: no process waits with them, and the journal brings
//! the script back to where it stood.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::door::Halt;
use crate::fault::{Failure, Fault, FaultKind, Stop};
use crate::journal::{Owner, RunRow};
use crate::run::execute::{Listener, RunEvent};
use crate::run::outcome::{Counts, Ending, Outcome, RunError};
use crate::run::pins::Now;
use crate::run::prepare::Prepared;
use crate::run::project::Project;
use crate::run::record::{Former, RunRecord, unusable};
use crate::run::resume::{Resumption, past_of, resume_owned};

/// How often it is looked whether the run is cancelled, or the clock was set, where nobody tells.
const LOOK: Duration = Duration::from_secs(1);

impl Prepared {
    /// Waits until then, with the run's ownership and locks, and gives what the run goes on from.
    ///
    /// # Errors
    /// The end of the run, if that comes first; [`Stop::PutOff`] where this process ends and the run goes on
    /// waiting; or a journal that cannot be used.
    pub(super) fn wait(
        &self,
        project: &Arc<Project>,
        until: Timestamp,
        listener: &Arc<dyn Listener>,
    ) -> Result<Former, Failure> {
        self.record.wait(until)?;
        listener.on(RunEvent::Waits(until));
        sleep_until(project, until, &self.context.halt, &|| self.record.is_cancelled())?;
        listener.on(RunEvent::GoesOn);
        Ok(woken(project, &self.record)?)
    }
}

/// What a run goes on from whose wait is over, or a playbook within one.
///
/// # Errors
/// A journal that cannot be used.
pub(super) fn woken(project: &Project, record: &RunRecord) -> Result<Former, Fault> {
    let log = project.journal();
    let run = log.find_run(record.id()).map_err(unusable)?;
    let ready = log.wake(&run, project.clock.now()).map_err(unusable)?;
    Ok(Former {
        id: run.id.clone(),
        past: past_of(&ready, None),
        // The wait is a part of the run: time-outs count it.
        ran: record.ran() + record.begun().elapsed(),
        texts: log.texts(&run.id).map_err(unusable)?.into_iter().collect(),
        owner: record.hand_over(),
    })
}

/// Waits for an instant of the clock that people set, or for the end of the run.
fn sleep_until(project: &Project, until: Timestamp, halt: &Halt, is_cancelled: &dyn Fn() -> bool) -> Result<(), Stop> {
    let (mut looks, is_told) = project.interpreter.looks();
    loop {
        // Before the look, so that what is said after it ends the wait.
        looks.mark_unchanged();
        let left = Duration::try_from(until.duration_since(project.clock.now())).unwrap_or_default();
        if left.is_zero() {
            return Ok(());
        }
        if is_cancelled() {
            return Err(Stop::Cancelled);
        }
        let wait = if is_told { left } else { left.min(LOOK) };
        project.runtime.block_on(async {
            tokio::select! {
                biased;
                () = project.interpreter.when_left() => Err(Stop::PutOff),
                Ok(()) = looks.changed() => Ok(()),
                slept = halt.or(tokio::time::sleep(wait)) => slept,
            }
        })?;
    }
}

/// Takes up a waiting run that nobody owns: waits for its time, and goes on with it.
///
/// # Errors
/// Another process has taken it, or the journal cannot be used.
pub fn wake(project: &Arc<Project>, id: &str, now: Now, listener: &Arc<dyn Listener>) -> Result<Ending, Fault> {
    let (run, owner, until) = take(project, id)?;
    listener.on(RunEvent::Waits(until));
    let slept = sleep_until(project, until, &now.halt, &|| owner.is_cancelled());
    listener.on(RunEvent::GoesOn);
    match slept {
        Ok(()) => resume_owned(project, &run, owner, Resumption { assume: None, script: None, now }, listener),
        Err(Stop::PutOff) => Ok(Ending::waiting(&run.id)),
        Err(_) => end(project, &run, owner),
    }
}

/// Ends a waiting run that nobody executes.
///
/// # Errors
/// Another process has taken it, or the journal cannot be written.
pub fn cancel(project: &Arc<Project>, id: &str) -> Result<Ending, Fault> {
    let (run, owner, _) = take(project, id)?;
    end(project, &run, owner)
}

/// A waiting run that nobody owns, until when it waits, and the ownership of it.
fn take(project: &Project, id: &str) -> Result<(RunRow, Owner, Timestamp), Fault> {
    let owner = Owner::take(&project.config.state_dir, id).map_err(|error| unusable(error.to_string()))?;
    let taken = || Fault::new(FaultKind::Invalid, format!("run {id} is being executed by another process"));
    let owner = owner.ok_or_else(taken)?;
    // It may have gone on between the look and the lock.
    let run = project.journal().find_run(id).map_err(unusable)?;
    let until = run.wake.ok_or_else(taken)?;
    Ok((run, owner, until))
}

/// Ends a waiting run as cancelled.
fn end(project: &Arc<Project>, run: &RunRow, owner: Owner) -> Result<Ending, Fault> {
    let log = project.journal();
    let tally = log.tally(&run.id).map_err(unusable)?;
    let ran = Duration::from_micros(u64::try_from(run.ran).unwrap_or_default());
    let ready = log.wake(run, project.clock.now()).map_err(unusable)?;
    let former =
        Former { id: run.id.clone(), past: past_of(&ready, None), ran, texts: BTreeMap::new(), owner: Some(owner) };
    let message = Stop::Cancelled.to_string();
    let error = RunError { report: format!("error: {message}"), message, fault: None, place: None };
    let counts = Counts { reads: tally.reads, changes: tally.changes, withheld: 0 };
    RunRecord::of(project, former).end(Outcome::Cancelled, None, Some(&error), counts, str::to_owned)?;
    Ok(Ending { outcome: Outcome::Cancelled, error: Some(error), counts, elapsed: ran, ..Ending::waiting(&run.id) })
}
