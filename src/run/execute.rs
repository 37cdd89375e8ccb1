//! One run from order to ending.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::allocator::Count;
use crate::door::policy::{
    Ask, Budget, Confirm, Declared, Limit, Limits, Policy, PolicySettings, Recording, Rights, RunLocks,
};
use crate::door::{
    About, Authorship, Door, DoorEvent, DoorParts, FileRules, Halt, Host, Mode, NamedStore, Notices, Passage, Pins,
    Watcher,
};
use crate::engine::{
    Begun, Diagnostic, Imports, Index, Level, Output, OutputEvent, RunContext, RunFacts, ScriptError, ScriptRun,
    Sources, Texts, run_script,
};
use crate::fault::{Failure, Fault, FaultKind, Stop};
use crate::id;
use crate::run::authorship::RunAuthorship;
use crate::run::check::premises;
use crate::run::children::ChildRuns;
use crate::run::header::{HeaderPolicy, OnFailure};
use crate::run::intent::Intent;
use crate::run::outcome::{Counts, Ending, Kept, Outcome, RunError};
use crate::run::params::Params;
use crate::run::pins::{self, Now};
use crate::run::playbook::Playbook;
use crate::run::project::Project;
use crate::run::record::{Beginning, Former, RunRecord};
use crate::run::scripts::Scripts;
use crate::run::undo::{UndoOrder, undo};
use crate::secret::Masker;
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
    /// The script shows something.
    Output(OutputEvent),
    /// Something passed the door.
    Door(DoorEvent),
}

/// Takes the events of a run.
pub trait Listener: Send + Sync {
    /// Takes one; called from the run's threads.
    fn on(&self, event: RunEvent);
}

/// Passes on what happens in a run and its children.
pub(super) struct Ears(Arc<dyn Listener>, Mutex<std::collections::BTreeSet<String>>);

impl Ears {
    pub(super) fn new(listener: &Arc<dyn Listener>) -> Self {
        Self(Arc::clone(listener), Mutex::default())
    }
}

impl Output for Ears {
    fn show(&self, event: OutputEvent) {
        self.0.on(RunEvent::Output(event));
    }
}

impl Watcher for Ears {
    fn on(&self, event: DoorEvent) {
        if let DoorEvent::Notice(text) = &event {
            // A notice that a thousand requests give is told once.
            let mut told = self.1.lock().unwrap_or_else(PoisonError::into_inner);
            if !told.insert(text.clone()) {
                return;
            }
        }
        self.0.on(RunEvent::Door(event));
    }
}

/// A run's door with what is needed to tell how it went.
pub struct Prepared {
    /// What natives need.
    pub context: Arc<RunContext>,
    /// The door.
    pub door: Arc<Door>,
    record: Arc<RunRecord>,
    masker: Masker,
    mode: Arc<Mode>,
    scripts: Arc<Scripts>,
}

/// Makes the door and the context of a run.
///
/// # Errors
/// When the state folder cannot be used.
pub fn prepare(
    project: &Arc<Project>,
    order: &Order,
    start: Start,
    listener: &Arc<dyn Listener>,
) -> Result<Prepared, Fault> {
    let (record, ran, resumed) = match start {
        Start::New(id) => (RunRecord::begin(project, &id, beginning(order))?, Duration::ZERO, false),
        Start::Former(former) => {
            let ran = former.ran;
            (RunRecord::of(project, former), ran, true)
        }
    };
    let record = Arc::new(record);
    let id = record.id().to_owned();
    let ears = Arc::new(Ears::new(listener));
    let mut halt = order.halt.clone();
    // A session lasts as long as somebody types; its lines are cancelled by hand.
    let limit = project.config.limits.timeout.filter(|_| order.cause != Cause::Prompt);
    let timeout = order.timeout.or(limit);
    halt.deadline = timeout.map(|timeout| tokio::time::Instant::now() + timeout.saturating_sub(ran));
    let dry = order.intent.is_dry();
    let mode = Arc::new(order.intent.mode(&id));
    let scripts = Arc::new(order.intent.scripts());
    let pins = Arc::new(order.intent.pins(project.clock.now()));
    let header = &order.playbook.header;
    let declared = declared(&order.playbook);
    let ask: Arc<dyn Ask> = if dry { Arc::new(Recording::default()) } else { Arc::clone(&order.ask) };
    let default_confirm = if order.cause == Cause::Prompt { Confirm::Change } else { Confirm::Destroy };
    let confirm = project.config.policy.confirm.as_deref().and_then(Confirm::from_name).unwrap_or(default_confirm);
    let budget = Budget::new(project_limits(project).narrowed_by(header_limits(&header.policy)));
    if resumed {
        count_spent(project, &id, &budget);
    }
    let policy = Policy::new(PolicySettings {
        rights: Rights { declared: vec![declared], destroy: order.allow_destroy },
        confirm,
        // A dry run asks nobody: what would be asked is listed in its plan.
        yes: order.yes && !dry,
        budget: Arc::new(budget),
        never: Arc::clone(&project.never),
        ask,
    });
    let files = project.files(order.params.files.iter().chain(&order.event_files).cloned());
    let authorship = RunAuthorship::of(project, &id, &order.event);
    let door = Arc::new(Door::new(DoorParts {
        recorder: record.recorder(),
        policy,
        mode: Arc::clone(&mode),
        scope: Vec::new(),
        fleet: Arc::clone(&project.fleet),
        hosts: Arc::clone(&project.hosts),
        notices: notices(project, &id, &order.playbook.name, order.cause.describe()),
        catalog: Arc::clone(&project.catalog),
        host: host(project, files, store_name(&order.playbook), &halt, &pins, &record, authorship),
        locks: Arc::new(RunLocks::new(&project.config.state_dir, &id)),
        watcher: Arc::clone(&ears) as Arc<dyn Watcher>,
        secret: {
            let project = Arc::clone(project);
            Box::new(move |name| project.secret(name))
        },
        children: Arc::new(ChildRuns {
            project: Arc::clone(project),
            ears: Arc::clone(&ears),
            scripts: Arc::clone(&scripts),
            parent: Arc::clone(&record),
            depth: 0,
        }),
    }));
    let run = Map::from([
        ("id".to_owned(), Value::from(id.as_str())),
        ("playbook".to_owned(), Value::from(order.playbook.name.as_str())),
        ("mode".to_owned(), Value::from(mode.word())),
        ("cause".to_owned(), Value::from(order.cause.describe())),
    ]);
    let facts = RunFacts { params: order.params.values.clone(), event: order.event.clone(), run };
    let context = context(project, door.clone(), ears, facts, halt, record.clone());
    listener.on(RunEvent::Started {
        id: id.clone(),
        playbook: order.playbook.name.clone(),
        dry,
        cause: order.cause.describe(),
    });
    Ok(Prepared { context, door, record, masker: project.masker().clone(), mode, scripts })
}

pub(super) fn context(
    project: &Project,
    passage: Arc<dyn Passage>,
    output: Arc<dyn Output>,
    facts: RunFacts,
    halt: Halt,
    texts: Arc<dyn Texts>,
) -> Arc<RunContext> {
    Arc::new(RunContext {
        texts,
        passage,
        output,
        catalog: Arc::clone(&project.catalog),
        facts,
        halt,
        max_steps: project.config.limits.steps,
        max_memory: project.config.limits.memory,
        steps: AtomicU64::new(0),
        memory: Count::begin(),
        stop: Mutex::new(None),
        ending: AtomicBool::new(false),
        progress: AtomicU64::new(0),
        undo: Mutex::default(),
        begun: Begun::default(),
    })
}

/// How the messages of a run leave.
pub(super) fn notices(project: &Project, run: &str, playbook: &str, cause: String) -> Notices {
    let about = About { run: run.to_owned(), playbook: playbook.to_owned(), cause };
    Notices { channels: Arc::clone(&project.channels), about }
}

pub(super) fn host(
    project: &Arc<Project>,
    files: FileRules,
    store: String,
    halt: &Halt,
    pins: &Arc<Pins>,
    record: &RunRecord,
    authorship: Arc<dyn Authorship>,
) -> Host {
    let stores = Arc::clone(project);
    Host {
        clock: Arc::clone(&project.clock),
        files,
        store: Box::new(move || Ok(NamedStore { store: stores.stores()?, name: store.clone() })),
        authorship,
        runtime: project.runtime.clone(),
        halt: halt.clone(),
        pins: Arc::clone(pins),
        ran: record.ran(),
        begun: record.begun(),
    }
}

/// What the journal is told of an order.
fn beginning(order: &Order) -> Beginning<'_> {
    Beginning {
        parent: None,
        name: &order.playbook.name,
        mode: match (&order.cause, &order.intent) {
            (Cause::Prompt, _) => "session",
            (_, Intent::Dry | Intent::Plan) => "dry",
            (_, Intent::Apply(_)) => "apply",
            (_, Intent::Live) => "live",
        },
        cause: order.cause.describe(),
        text: &order.playbook.text,
        pinned: pins::write(order),
    }
}

/// A resumed run counts its budgets from the journal, what its children spent included.
fn count_spent(project: &Project, id: &str, budget: &Budget) {
    // What cannot be read now cannot be replayed either.
    for spent in project.journal().spent(id).unwrap_or_default() {
        budget.count(&spent.target, spent.effect, spent.items);
    }
}

pub(super) fn declared(playbook: &Playbook) -> Declared {
    match &playbook.header.policy.effects {
        Some(effects) => Declared::Effects(effects.clone()),
        None if playbook.header.is_empty() => Declared::NoHeader,
        None => Declared::Silent,
    }
}

pub(super) fn store_name(playbook: &Playbook) -> String {
    playbook.header.store.clone().unwrap_or_else(|| playbook.name.clone())
}

fn project_limits(project: &Project) -> Limits {
    let policy = &project.config.policy;
    let limit = |value: Option<u64>| value.map(|value| Limit::new(value, "[policy] in beadle.toml"));
    Limits {
        max_changes: limit(policy.max_changes),
        max_items: limit(policy.max_items),
        max_destroys: limit(policy.max_destroys),
        max_targets: limit(policy.max_targets),
    }
}

pub(super) fn header_limits(policy: &HeaderPolicy) -> Limits {
    let limit = |value: Option<u64>| value.map(|value| Limit::new(value, "the playbook's header"));
    Limits {
        max_changes: limit(policy.max_changes),
        max_items: limit(policy.max_items),
        max_destroys: limit(policy.max_destroys),
        max_targets: limit(policy.max_targets),
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
    let prepared = match prepare(project, order, start, listener) {
        Ok(prepared) => prepared,
        Err(fault) => return Ending::never_begun(fault, begun.elapsed()),
    };
    let _pulse = Pulse::begin(&project.runtime, &prepared);
    let _held = match hold_locks(&prepared, order) {
        Ok(held) => held,
        Err(failure) => return prepared.ending(Err(of_failure(failure)), begun),
    };
    let ended = run_script(ScriptRun {
        name: order.playbook.name.clone(),
        text: order.playbook.text.clone(),
        folder: order.playbook.folder.clone(),
        imports: prepared.scripts.imports(&order.playbook),
        premises: premises(&project.config, &Arc::new(Index::new(&project.catalog)), &order.playbook),
        context: Arc::clone(&prepared.context),
    });
    let result = ended.result.map_err(|error| judged(error, &ended.sources));
    prepared.ending(result, begun)
}

/// A timer that is always due soon, while a run lasts; it looks whether another process wants the run
/// cancelled.
///
/// Each request sets a time-out far away. With no nearer timer, setting one wakes the thread that
/// waits for the network, only to tell it how long it may sleep: two switches of threads for each
/// request, a sixth of a short one's time.
struct Pulse(tokio::task::JoinHandle<()>);

impl Pulse {
    fn begin(runtime: &tokio::runtime::Handle, run: &Prepared) -> Self {
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

    pub(super) fn of(
        project: &Project,
        context: Arc<RunContext>,
        door: Arc<Door>,
        record: Arc<RunRecord>,
        mode: Arc<Mode>,
    ) -> Self {
        let masker = project.masker().clone();
        Self { context, door, record, masker, mode, scripts: Arc::default() }
    }

    /// The modules of its script.
    pub(super) fn imports(&self, playbook: &Playbook) -> Imports {
        self.scripts.imports(playbook)
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
