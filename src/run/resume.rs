//! Going on with a run whose process ended, or which failed, and executing one from its journal alone.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::fault::{Fault, FaultKind};
use crate::journal::{Log, Owner, Past, Ready, RunRow, holder};
use crate::run::execute::{Listener, Order, Start, execute_from};
use crate::run::outcome::Ending;
use crate::run::pins::{self, Now};
use crate::run::project::Project;
use crate::run::record::{Former, unusable};
use crate::run::undo::{UndoOrder, undo_from};

/// How a run is to go on.
pub struct Resumption {
    /// What the person says of changes that are uncertain.
    pub assume: Option<bool>,
    /// A mended text of the script.
    pub script: Option<String>,
    /// What is decided anew.
    pub now: Now,
}

fn refused(message: String) -> Fault {
    Fault::new(FaultKind::Invalid, message)
}

/// A run that nobody else can go on with meanwhile.
pub struct Held {
    run: RunRow,
    owner: Owner,
}

/// Takes a run in hand that is to go on.
///
/// # Errors
/// Why it cannot go on: it succeeded, it is running, it is a session or a child.
pub fn hold(project: &Project, id: &str) -> Result<Held, Fault> {
    let log = project.journal();
    let run = log.find_run(id).map_err(refused)?;
    let folder = &project.config.state_dir;
    let executed = || {
        let who = holder(folder, &run.id).unwrap_or_else(|| "another process".into());
        refused(format!("run {0} is being executed by {who}: `beadle runs cancel {0}` ends it", run.id))
    };
    if run.outcome.is_none() && run.parent.is_none() {
        return Err(executed());
    }
    may_resume(&run)?;
    let owner = Owner::take(folder, &run.id).map_err(|error| unusable(error.to_string()))?;
    let owner = owner.ok_or_else(executed)?;
    // It may have ended, or gone on, between the look and the lock.
    let run = log.find_run(&run.id).map_err(refused)?;
    may_resume(&RunRow { outcome: run.outcome.clone().or(Some("interrupted".into())), ..run.clone() })?;
    Ok(Held { run, owner })
}

impl Held {
    /// The run's id.
    pub fn id(&self) -> &str {
        &self.run.id
    }

    /// The firing that the run belongs to, if a trigger has set it off.
    pub fn firing(&self, project: &Project) -> Option<String> {
        firing_of(project, &self.run.id)
    }

    /// Goes on with it: what its journal answers is not done again.
    ///
    /// # Errors
    /// Its record is damaged, or cannot be written.
    pub fn go_on(
        self,
        project: &Arc<Project>,
        resumption: Resumption,
        listener: &Arc<dyn Listener>,
    ) -> Result<Ending, Fault> {
        resume_owned(project, &self.run, self.owner, resumption, listener)
    }
}

/// The firing that a run belongs to, if a trigger has set it off.
pub fn firing_of(project: &Project, run: &str) -> Option<String> {
    // What cannot be read cannot be gone on with either.
    let pinned = project.journal().pinned(run).ok()?;
    pinned.pointer("/event/firing")?.as_str().map(str::to_owned)
}

/// Goes on with a run: what its journal answers is not done again.
///
/// # Errors
/// As [`hold`] and [`Held::go_on`].
pub fn resume(
    project: &Arc<Project>,
    id: &str,
    resumption: Resumption,
    listener: &Arc<dyn Listener>,
) -> Result<Ending, Fault> {
    hold(project, id)?.go_on(project, resumption, listener)
}

/// The same, with the ownership of the run.
pub(super) fn resume_owned(
    project: &Arc<Project>,
    run: &RunRow,
    owner: Owner,
    resumption: Resumption,
    listener: &Arc<dyn Listener>,
) -> Result<Ending, Fault> {
    let log = project.journal();
    let mut pinned = log.pinned(&run.id).map_err(unusable)?;
    if let Some(undone) = pinned.get("undo").and_then(serde_json::Value::as_str).map(str::to_owned) {
        return resume_undo(project, run, &undone, &pinned, owner, resumption, listener);
    }
    let mut texts: BTreeMap<String, String> = log.texts(&run.id).map_err(unusable)?.into_iter().collect();
    let text = match resumption.script {
        Some(text) => {
            texts.remove(&run.name);
            text
        }
        None => texts.get(&run.name).cloned().ok_or_else(|| unusable(format!("the text of {} is gone", run.name)))?,
    };
    let secret = project.secret_supply();
    let order = pins::read(&mut pinned, text, &project.catalog, &*secret, resumption.now).map_err(unusable)?;
    // A run whose time was up gets all of it again; of another what is left.
    let timed_out = run.outcome.as_deref() == Some("timed-out");
    let culprit = log.culprit(&run.id).map_err(unusable)?;
    let ready = ready(&log, run, culprit, project.clock.now()).map_err(unusable)?;
    let former = Former {
        id: run.id.clone(),
        past: past_of(&ready, resumption.assume),
        ran: if timed_out { Duration::ZERO } else { ran_of(&ready) },
        texts,
        owner: Some(owner),
    };
    Ok(execute_from(project, order, Start::Former(former), listener))
}

/// An undo whose process ended goes on as an undo.
fn resume_undo(
    project: &Arc<Project>,
    run: &RunRow,
    undone: &str,
    pinned: &serde_json::Value,
    owner: Owner,
    resumption: Resumption,
    listener: &Arc<dyn Listener>,
) -> Result<Ending, Fault> {
    let log = project.journal();
    let undone = log.find_run(undone).map_err(refused)?;
    let culprit = log.culprit(&run.id).map_err(unusable)?;
    let ready = log.make_ready(run, culprit, project.clock.now()).map_err(unusable)?;
    let former = Former {
        id: run.id.clone(),
        past: past_of(&ready, resumption.assume),
        ran: ran_of(&ready),
        texts: BTreeMap::new(),
        owner: Some(owner),
    };
    let order = UndoOrder {
        now: resumption.now,
        dry: pinned.get("dry").and_then(serde_json::Value::as_bool).unwrap_or_default(),
        only: pinned.get("only").and_then(serde_json::Value::as_u64),
    };
    undo_from(project, &log, &undone, order, Some(former), listener)
}

/// A run that waited was not interrupted.
fn ready(log: &Log, run: &RunRow, culprit: Option<u64>, now: Timestamp) -> Result<Ready, String> {
    if run.wake.is_some() { log.wake(run, now) } else { log.make_ready(run, culprit, now) }
}

fn may_resume(run: &RunRow) -> Result<(), Fault> {
    let id = &run.id;
    if let Some(parent) = &run.parent {
        return Err(refused(format!("run {id} is a part of run {parent}: resume that one")));
    }
    if run.mode == "session" {
        return Err(refused(format!("run {id} is a session of the prompt: it can be shown and undone, not resumed")));
    }
    match run.outcome.as_deref() {
        None => Err(refused(format!("run {id} is running: `beadle runs cancel {id}` ends it"))),
        Some("succeeded") => Err(refused(format!("run {id} has succeeded: there is nothing to go on with"))),
        Some(_) => Ok(()),
    }
}

pub(super) fn past_of(ready: &Ready, assume: Option<bool>) -> Past {
    Past::Resumed { assume, last: ready.last, known: ready.known }
}

fn ran_of(ready: &Ready) -> Duration {
    Duration::from_micros(u64::try_from(ready.ran).unwrap_or_default())
}

/// The former execution of a child that a resumed run has announced; nothing if it never began.
pub(super) fn child(project: &Arc<Project>, id: &str, assume: Option<bool>) -> Result<Option<Former>, Fault> {
    let log = project.journal();
    let Some(ready) = log.standing(id).map_err(unusable)? else { return Ok(None) };
    let texts = log.texts(id).map_err(unusable)?.into_iter().collect();
    let past = past_of(&ready, assume);
    Ok(Some(Former { id: id.to_owned(), past, ran: ran_of(&ready), texts, owner: None }))
}

/// Executes a run from its journal alone: nothing is sent, and nothing is written.
///
/// # Errors
/// Why it cannot be.
pub fn replay(project: &Arc<Project>, id: &str, now: Now, listener: &Arc<dyn Listener>) -> Result<Ending, Fault> {
    let log = project.journal();
    let run = log.find_run(id).map_err(refused)?;
    let (order, former) = replayed(project, &log, &run, now)?;
    Ok(execute_from(project, order, Start::Former(former), listener))
}

/// The order and the former execution of a run that is to be executed from its journal alone.
pub(super) fn replayed(project: &Arc<Project>, log: &Log, run: &RunRow, now: Now) -> Result<(Order, Former), Fault> {
    if run.mode == "session" {
        return Err(refused(format!("run {} is a session of the prompt: `beadle runs show {0}` shows it", run.id)));
    }
    if run.pruned.is_some() {
        let message = format!("run {} cannot be replayed: its answers were dropped, as [state] keep says", run.id);
        return Err(refused(message));
    }
    let mut pinned = log.pinned(&run.id).map_err(unusable)?;
    if pinned.get("undo").is_some() {
        return Err(refused(format!("run {} takes another run back: `beadle runs show {0}` shows it", run.id)));
    }
    let texts: BTreeMap<String, String> = log.texts(&run.id).map_err(unusable)?.into_iter().collect();
    let text = texts.get(&run.name).cloned().ok_or_else(|| unusable(format!("the text of {} is gone", run.name)))?;
    let secret = project.secret_supply();
    let order = pins::read(&mut pinned, text, &project.catalog, &*secret, now).map_err(unusable)?;
    let former = Former { id: run.id.clone(), past: Past::Only, ran: Duration::ZERO, texts, owner: None };
    Ok((order, former))
}
