//! One run from order to ending.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::door::policy::Ask;
use crate::door::{DoorEvent, Halt, Recorder};
use crate::engine::{Diagnostic, Level, OutputEvent, Reach, ScriptError, Sources};
use crate::fault::{Failure, FaultKind, Stop};
use crate::id;
use crate::run::check::script_of;
use crate::run::header::OnFailure;
use crate::run::intent::Intent;
use crate::run::interpreter::Came;
use crate::run::outcome::{Counts, Ending, Kept, Outcome, RunError};
use crate::run::params::Params;
use crate::run::pins::Now;
use crate::run::playbook::Playbook;
use crate::run::prepare::{Prepared, prepare, prepare_as};
use crate::run::project::Project;
use crate::run::record::{Former, RunRecord};
use crate::run::undo::{UndoOrder, undo};
use crate::value::{Map, Value};

/// What set a run off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A person, at a terminal or from a program of theirs.
    Command,
    /// A schedule or a watch, by name.
    Trigger(String),
    /// A line at the prompt.
    Prompt,
}

impl Cause {
    /// In words.
    pub fn describe(&self) -> String {
        match self {
            Self::Command => "command".into(),
            Self::Trigger(name) => format!("trigger {name}"),
            Self::Prompt => "prompt".into(),
        }
    }
}

/// A run that is wanted.
pub struct Order {
    /// The script.
    pub playbook: Playbook,
    /// Its checked parameters.
    pub params: Params,
    /// What set it off, for `event`.
    pub event: Map,
    /// Files that the event names: they may be read.
    pub event_files: Vec<PathBuf>,
    /// What set it off.
    pub cause: Cause,
    /// What it is for.
    pub intent: Intent,
    /// Whether `destroy` is added to the rights.
    pub allow_destroy: bool,
    /// Whether questions are answered yes.
    pub yes: bool,
    /// Whoever answers questions.
    pub ask: Arc<dyn Ask>,
    /// How long it may take.
    pub timeout: Option<Duration>,
    /// What ends it.
    pub halt: Halt,
}

impl Order {
    /// Whether the run may be taken up again after a long wait: another kind of run knows more than its journal.
    pub(super) fn may_wait(&self) -> bool {
        matches!(self.intent, Intent::Live)
    }
}

/// Something that happened in a run.
#[derive(Clone, Debug)]
pub enum RunEvent {
    /// It has begun.
    Started {
        /// Its id.
        id: String,
        /// The script's name.
        playbook: String,
        /// Whether it is a dry run.
        dry: bool,
        /// What set it off.
        cause: String,
    },
    /// It waits until then, and nothing is kept for it meanwhile but its locks.
    Waits(jiff::Timestamp),
    /// It goes on after such a wait.
    GoesOn,
    /// The script shows something.
    Output(OutputEvent),
    /// Something passed the door.
    Door(DoorEvent),
}

/// Takes the events of a run.
pub trait Listener: Send + Sync {
    /// Takes one; called from the run's threads.
    fn on(&self, event: RunEvent);

    /// Whoever counts which functions are called; only tests do.
    fn reach(&self) -> Option<Arc<dyn Reach>> {
        None
    }
}

/// What an execution begins with.
pub enum Start {
    /// Nothing: the run of this id is new.
    New(String),
    /// A former execution, from which it goes on.
    Former(Former),
}

/// Runs a script to its end. It blocks, and works on threads of its own.
pub fn execute(project: &Arc<Project>, order: Order, listener: &Arc<dyn Listener>) -> Ending {
    execute_from(project, order, Start::New(id::new_run()), listener)
}

/// The same, from a beginning of one's own.
pub fn execute_from(project: &Arc<Project>, order: Order, start: Start, listener: &Arc<dyn Listener>) -> Ending {
    let ending = execute_once(project, &order, start, listener);
    let fails = matches!(ending.outcome, Outcome::Failed | Outcome::Refused | Outcome::TimedOut);
    if fails
        && !order.intent.is_dry()
        && ending.counts.changes > 0
        && order.playbook.header.policy.on_failure == OnFailure::Undo
    {
        take_back(project, &order, &ending, listener);
    }
    ending
}

/// The header of a playbook wants what a failed run has changed taken back.
fn take_back(project: &Arc<Project>, order: &Order, ending: &Ending, listener: &Arc<dyn Listener>) {
    let say = |text: String| listener.on(RunEvent::Output(OutputEvent::Log(Level::Warn, text)));
    say(format!("run {} has failed, and is taken back: its header says on_failure = \"undo\"", ending.id));
    let now = Now {
        ask: Arc::clone(&order.ask),
        yes: order.yes,
        allow_destroy: order.allow_destroy,
        timeout: None,
        halt: order.halt.clone(),
    };
    match undo(project, &ending.id, UndoOrder { now, dry: false, only: None }, listener) {
        Ok(undone) if undone.outcome == Outcome::Succeeded => say(format!("run {} has taken it back", undone.id)),
        Ok(undone) => {
            let why = undone.error.map_or_else(String::new, |error| format!(": {}", error.message));
            say(format!("taking it back ended as {}{why}; see `beadle runs show {}`", undone.outcome, undone.id));
        }
        Err(fault) => say(format!("it could not be taken back: {}", fault.message)),
    }
}

fn execute_once(project: &Arc<Project>, order: &Order, start: Start, listener: &Arc<dyn Listener>) -> Ending {
    let begun = Instant::now();
    match prepare(project, order, start, listener) {
        Ok(prepared) => carry_out(project, order, prepared, begun, listener),
        Err(fault) => Ending::never_begun(fault, begun.elapsed()),
    }
}

/// Executes a script with a recorder that answers everything itself: nothing is sent, and nothing is written.
pub fn retell(
    project: &Arc<Project>,
    id: String,
    order: Order,
    recorder: Arc<dyn Recorder>,
    listener: &Arc<dyn Listener>,
) -> Ending {
    let mut order = order;
    // There is no appliance that somebody else could change.
    order.playbook.header.policy.lock.clear();
    let prepared = prepare_as(project, &order, RunRecord::retold(project, id, recorder), listener);
    carry_out(project, &order, prepared, Instant::now(), listener)
}

fn carry_out(
    project: &Arc<Project>,
    order: &Order,
    mut prepared: Prepared,
    begun: Instant,
    listener: &Arc<dyn Listener>,
) -> Ending {
    // They stay with the run while it waits.
    let mut held = None;
    loop {
        let pulse = Pulse::begin(&project.runtime, &prepared);
        if held.is_none() {
            match hold_locks(&prepared, order) {
                Ok(locks) => held = Some(locks),
                Err(failure) => return prepared.ending(Err(of_failure(failure)), begun),
            }
        }
        let imports = prepared.scripts.imports(&order.playbook);
        let script = script_of(project, &order.playbook, imports, Arc::clone(&prepared.context));
        let came = project.interpreter.run(script, order.may_wait());
        // A wait looks by itself whether it is cancelled.
        drop(pulse);
        match came {
            Came::Ended(ended) => {
                let result = ended.result.map_err(|error| judged(error, &ended.sources));
                return prepared.ending(result, begun);
            }
            Came::PutOff(until) => match prepared.wait(project, until, listener) {
                Ok(former) => {
                    let locks = Arc::clone(&prepared.door.parts().locks);
                    prepared = Prepared::new(project, order, RunRecord::of(project, former), locks, listener);
                }
                Err(Failure::Stop(Stop::PutOff)) => return Ending::waiting(prepared.id()),
                Err(failure) => return prepared.ending(Err(of_failure(failure)), begun),
            },
        }
    }
}

/// A timer that is always due soon, while a run lasts; it looks whether another process wants the run
/// cancelled.
///
/// Each request sets a time-out far away. With no nearer timer, setting one wakes the thread that
/// waits for the network, only to tell it how long it may sleep: two switches of threads for each
/// request, a sixth of a short one's time.
pub(super) struct Pulse(tokio::task::JoinHandle<()>);

impl Pulse {
    pub(super) fn begin(runtime: &tokio::runtime::Handle, run: &Prepared) -> Self {
        let (record, halt) = (Arc::clone(&run.record), run.context.halt.clone());
        Self(runtime.spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_millis(250)).await;
                if record.is_cancelled() && !halt.cancelled().is_cancelled() {
                    halt.cancel();
                }
            }
        }))
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The locks that the header holds for the whole run, in the order of names.
fn hold_locks(prepared: &Prepared, order: &Order) -> Result<Vec<crate::door::policy::TargetLock>, Failure> {
    let names = &order.playbook.header.policy.lock;
    if names.is_empty() || order.intent.is_dry() {
        return Ok(Vec::new());
    }
    let text = |value: &Value| value.as_text().map(str::to_owned);
    let targets: Vec<String> = names
        .iter()
        .filter_map(|name| order.params.values.get(name))
        .flat_map(|value| {
            value.as_list().map_or_else(
                || text(value).into_iter().collect(),
                |list| list.iter().filter_map(text).collect::<Vec<_>>(),
            )
        })
        .collect();
    let parts = prepared.door.parts();
    let halt = &parts.host.halt;
    let waiting = |who: &str| parts.watcher.on(DoorEvent::Notice(format!("waiting for {who}, which holds a lock")));
    let names: Vec<&str> = targets.iter().map(String::as_str).collect();
    parts.host.runtime.block_on(parts.locks.hold_all(&names, &halt.cancelled(), halt.deadline, &waiting))
}

/// Why and how a run did not come to its end.
pub(super) type Judged = (Outcome, RunError);

pub(super) fn judged(error: ScriptError, sources: &Sources) -> Judged {
    let (outcome, diagnostic) = match error {
        ScriptError::Unreadable(diagnostic) => (Outcome::Failed, diagnostic),
        ScriptError::Failed(diagnostic) => {
            let refused = diagnostic.fault.as_ref().is_some_and(|fault| fault.kind == FaultKind::Refused);
            (if refused { Outcome::Refused } else { Outcome::Failed }, diagnostic)
        }
        ScriptError::Stopped(stop, diagnostic) => (of_stop(&stop), diagnostic),
    };
    (outcome, run_error(&diagnostic, sources))
}

/// A diagnostic as a run's error.
pub fn run_error(diagnostic: &Diagnostic, sources: &Sources) -> RunError {
    RunError {
        message: diagnostic.message.clone(),
        report: diagnostic.render(sources, false),
        fault: diagnostic.fault.clone(),
        place: diagnostic.place.as_ref().map(|place| (place.file.clone(), place.line)),
    }
}

fn of_stop(stop: &Stop) -> Outcome {
    match stop {
        Stop::Cancelled => Outcome::Cancelled,
        Stop::TimedOut(_) => Outcome::TimedOut,
        Stop::Uncertain(_) => Outcome::Uncertain,
        Stop::Limit(_) | Stop::Diverged(_) => Outcome::Failed,
        // Whoever puts a run off also takes it up again; what is left of one otherwise was broken off.
        Stop::PutOff | Stop::Lost(_) => Outcome::Interrupted,
    }
}

/// What a failure outside of the script means for the run.
pub(super) fn of_failure(failure: Failure) -> Judged {
    let outcome = match &failure {
        Failure::Fault(fault) if fault.kind == FaultKind::Refused => Outcome::Refused,
        Failure::Fault(_) => Outcome::Failed,
        Failure::Stop(stop) => of_stop(stop),
    };
    let message = failure.to_string();
    let fault = match failure {
        Failure::Fault(fault) => Some(*fault),
        Failure::Stop(_) => None,
    };
    (outcome, RunError { report: format!("error: {message}"), message, fault, place: None })
}

impl Prepared {
    /// The end of a session of the prompt. A change whose outcome nobody knows marks it.
    pub fn end_session(&self, project: &Project) {
        let log = project.journal();
        // What cannot be read is told by the end that cannot be written.
        let _told_below = log.write(false);
        let entries = log.entries(self.id(), false).unwrap_or_default();
        let open = entries.iter().find(|entry| entry.is_open() && entry.is_change());
        let result = match open {
            None => Ok(Value::Null),
            Some(entry) => {
                let message = format!("nobody knows whether entry {} ('{}') was made", entry.number, entry.operation);
                Err((Outcome::Uncertain, RunError { report: message.clone(), message, fault: None, place: None }))
            }
        };
        self.ending(result, Instant::now());
    }

    /// The run's id.
    pub fn id(&self) -> &str {
        self.record.id()
    }

    /// The end of the run, with the plan if it was a dry one. It is written into the journal.
    pub fn ending(&self, result: Result<Value, Judged>, begun: Instant) -> Ending {
        let (reads, changes, withheld) = self.door.counts();
        let (value, outcome, error) = match result {
            Ok(value) => (Some(value), Outcome::Succeeded, None),
            Err((Outcome::Cancelled, error)) if self.context.halt.is_interrupted() => {
                (None, Outcome::Interrupted, Some(error))
            }
            Err((outcome, error)) => (None, outcome, Some(error)),
        };
        let kept = self.door.parts().host.pins.kept();
        let kept = kept.map(|pinned| {
            let run = self.id().to_owned();
            Kept { run, scripts: self.scripts.used(), pinned, ..Kept::default() }
        });
        let ending = Ending {
            id: self.id().to_owned(),
            outcome,
            value,
            error,
            plan: None,
            unasked: Vec::new(),
            counts: Counts { reads, changes, withheld },
            elapsed: begun.elapsed(),
        }
        .with_plan(self.mode.remainder(), kept);
        let masked = |text: &str| self.masker.mask(text).into_owned();
        let (value, error) = (ending.value.as_ref(), ending.error.as_ref());
        if let Err(fault) = self.record.end(ending.outcome, value, error, ending.counts, masked) {
            let text = format!("how the run ended could not be recorded: {}", fault.message);
            self.door.parts().watcher.on(DoorEvent::Notice(text));
        }
        ending
    }
}
