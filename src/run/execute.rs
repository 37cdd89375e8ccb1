//! One run from order to ending.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::allocator::Count;
use crate::door::policy::{
    Ask, Budget, Confirm, Declared, Limit, Limits, Policy, PolicySettings, Question, Recording, Rights, RunLocks,
};
use crate::door::{
    Children, Door, DoorEvent, DoorParts, DryRun, FileRules, Halt, Host, Mode, NamedStore, Watcher, Withheld,
};
use crate::engine::{
    Diagnostic, Index, Output, OutputEvent, RunContext, RunFacts, ScriptError, ScriptRun, Sources, run_script,
};
use crate::fault::{Failure, Fault, FaultKind, Stop};
use crate::journal::MemoryRecorder;
use crate::run::check::premises;
use crate::run::header::HeaderPolicy;
use crate::run::outcome::{Counts, Ending, Outcome, Plan, RunError};
use crate::run::params::{Given, Params, resolve};
use crate::run::playbook::Playbook;
use crate::run::project::{Project, Within};
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
    /// Whether everything but reads is withheld.
    pub dry: bool,
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

struct Ears(Arc<dyn Listener>, Mutex<std::collections::BTreeSet<String>>);

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
    /// The run's id.
    pub id: String,
    mode: Arc<Mode>,
    asked: Arc<Recording>,
}

/// A new id: random, so that it says nothing and clashes with none.
pub fn new_id() -> String {
    const LETTERS: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";
    (0..12).map(|_| char::from(LETTERS.get(fastrand::usize(..LETTERS.len())).copied().unwrap_or(b'x'))).collect()
}

/// Makes the door and the context of a run.
///
/// # Errors
/// When the state folder cannot be used.
pub fn prepare(project: &Arc<Project>, order: &Order, listener: &Arc<dyn Listener>) -> Result<Prepared, Fault> {
    let id = new_id();
    let ears = Arc::new(Ears(Arc::clone(listener), Mutex::default()));
    let mut halt = order.halt.clone();
    let timeout = order.timeout.or(project.config.limits.timeout);
    halt.deadline = timeout.map(|timeout| tokio::time::Instant::now() + timeout);
    let asked = Arc::new(Recording::default());
    let mode = Arc::new(if order.dry { Mode::Dry(DryRun::default()) } else { Mode::Live });
    let header = &order.playbook.header;
    let declared = declared(&order.playbook);
    let ask: Arc<dyn Ask> = if order.dry { Arc::clone(&asked) as Arc<dyn Ask> } else { Arc::clone(&order.ask) };
    let default_confirm = if order.cause == Cause::Prompt { Confirm::Change } else { Confirm::Destroy };
    let confirm = project.config.policy.confirm.as_deref().and_then(Confirm::from_name).unwrap_or(default_confirm);
    let budget = Budget::new(project_limits(project).narrowed_by(header_limits(&header.policy)));
    let policy = Policy::new(PolicySettings {
        rights: Rights { declared: vec![declared], destroy: order.allow_destroy },
        confirm,
        // A dry run asks nobody: what would be asked is listed in its plan.
        yes: order.yes && !order.dry,
        budget: Arc::new(budget),
        never: Arc::clone(&project.never),
        ask,
    });
    let files = project.files(order.params.files.iter().chain(&order.event_files).cloned());
    let door = Arc::new(Door::new(DoorParts {
        recorder: Arc::new(MemoryRecorder::new()),
        policy,
        mode: Arc::clone(&mode),
        fleet: Arc::clone(&project.fleet),
        hosts: Arc::clone(&project.hosts),
        catalog: Arc::clone(&project.catalog),
        host: host(project, files, store_name(&order.playbook), &halt),
        locks: Arc::new(RunLocks::new(&project.config.state_dir, &id)),
        watcher: Arc::clone(&ears) as Arc<dyn Watcher>,
        secret: {
            let project = Arc::clone(project);
            Box::new(move |name| project.secret(name))
        },
        children: Arc::new(ChildRuns { project: Arc::clone(project), ears: Arc::clone(&ears), depth: 0 }),
    }));
    let run = Map::from([
        ("id".to_owned(), Value::from(id.as_str())),
        ("playbook".to_owned(), Value::from(order.playbook.name.as_str())),
        ("mode".to_owned(), Value::from(if order.dry { "dry" } else { "live" })),
        ("cause".to_owned(), Value::from(order.cause.describe())),
    ]);
    let facts = RunFacts { params: order.params.values.clone(), event: order.event.clone(), run };
    let context = context(project, Arc::clone(&door), ears, facts, halt);
    listener.on(RunEvent::Started {
        id: id.clone(),
        playbook: order.playbook.name.clone(),
        dry: order.dry,
        cause: order.cause.describe(),
    });
    Ok(Prepared { context, door, id, mode, asked })
}

fn context(project: &Arc<Project>, door: Arc<Door>, ears: Arc<Ears>, facts: RunFacts, halt: Halt) -> Arc<RunContext> {
    Arc::new(RunContext {
        passage: door,
        output: ears,
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
    })
}

fn host(project: &Arc<Project>, files: FileRules, store: String, halt: &Halt) -> Host {
    let stores = Arc::clone(project);
    Host {
        clock: Arc::clone(&project.clock),
        files,
        store: Box::new(move || Ok(NamedStore { store: stores.stores()?, name: store.clone() })),
        runtime: project.runtime.clone(),
        halt: halt.clone(),
    }
}

fn declared(playbook: &Playbook) -> Declared {
    match &playbook.header.policy.effects {
        Some(effects) => Declared::Effects(effects.clone()),
        None if playbook.header.is_empty() => Declared::NoHeader,
        None => Declared::Silent,
    }
}

fn store_name(playbook: &Playbook) -> String {
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

fn header_limits(policy: &HeaderPolicy) -> Limits {
    let limit = |value: Option<u64>| value.map(|value| Limit::new(value, "the playbook's header"));
    Limits {
        max_changes: limit(policy.max_changes),
        max_items: limit(policy.max_items),
        max_destroys: limit(policy.max_destroys),
        max_targets: limit(policy.max_targets),
    }
}

/// Runs a script to its end. It blocks, and works on threads of its own.
pub fn execute(project: &Arc<Project>, order: Order, listener: &Arc<dyn Listener>) -> Ending {
    let begun = Instant::now();
    let prepared = match prepare(project, &order, listener) {
        Ok(prepared) => prepared,
        Err(fault) => return refused_start(fault, begun),
    };
    let _pulse = Pulse::begin(&project.runtime);
    let _held = match hold_locks(&prepared, &order) {
        Ok(held) => held,
        Err(failure) => return prepared.ending(failed_start(failure), begun),
    };
    let ended = run_script(ScriptRun {
        name: order.playbook.name.clone(),
        text: order.playbook.text.clone(),
        folder: order.playbook.folder.clone(),
        premises: premises(&project.config, &Arc::new(Index::new(&project.catalog)), &order.playbook),
        context: Arc::clone(&prepared.context),
    });
    let result = ended.result.map_err(|error| judged(error, &ended.sources));
    prepared.ending(result, begun)
}

/// A timer that is always due soon, while a run lasts.
///
/// Each request sets a time-out far away. With no nearer timer, setting one wakes the thread that
/// waits for the network, only to tell it how long it may sleep: two switches of threads for each
/// request, a sixth of a short one's time.
struct Pulse(tokio::task::JoinHandle<()>);

impl Pulse {
    fn begin(runtime: &tokio::runtime::Handle) -> Self {
        Self(runtime.spawn(async {
            loop {
                tokio::time::sleep(Duration::from_millis(250)).await;
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
    if names.is_empty() || order.dry {
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
type Judged = (Outcome, RunError);

fn judged(error: ScriptError, sources: &Sources) -> Judged {
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

fn failed_start(failure: Failure) -> Result<Value, Judged> {
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
    Err((outcome, RunError { report: format!("error: {message}"), message, fault }))
}

fn refused_start(fault: Fault, begun: Instant) -> Ending {
    Ending {
        outcome: Outcome::Failed,
        value: None,
        error: Some(RunError { message: fault.to_string(), report: format!("error: {fault}"), fault: Some(fault) }),
        plan: None,
        counts: Counts::default(),
        elapsed: begun.elapsed(),
    }
}

impl Prepared {
    /// The end of the run, with the plan if it was a dry one.
    pub fn ending(&self, result: Result<Value, Judged>, begun: Instant) -> Ending {
        let (reads, changes, withheld) = self.door.counts();
        let (value, mut outcome, error) = match result {
            Ok(value) => (Some(value), Outcome::Succeeded, None),
            Err((outcome, error)) => (None, outcome, Some(error)),
        };
        let plan = match &*self.mode {
            Mode::Live => None,
            Mode::Dry(dry) => {
                let partial = error.as_ref().filter(|_| dry.anything_withheld()).map(|error| error.message.clone());
                if partial.is_some() && matches!(outcome, Outcome::Failed | Outcome::Refused) {
                    // What is known so far is a plan, too.
                    outcome = Outcome::Succeeded;
                }
                Some(Plan { changes: self.with_needs(dry.plan()), files: dry.overlay().files(), partial })
            }
        };
        Ending { outcome, value, error, plan, counts: Counts { reads, changes, withheld }, elapsed: begun.elapsed() }
    }

    /// Marks the changes that a live run would have to be allowed.
    fn with_needs(&self, mut changes: Vec<Withheld>) -> Vec<Withheld> {
        for question in self.asked.questions() {
            let Question::Right(asked) = question else { continue };
            let unmarked = changes.iter_mut().find(|change| {
                change.needs.is_none() && change.target == asked.target && change.operation == asked.call
            });
            if let Some(change) = unmarked {
                change.needs = Some("--allow destroy".to_owned());
            }
        }
        changes
    }
}

/// Runs playbooks within a run.
struct ChildRuns {
    project: Arc<Project>,
    ears: Arc<Ears>,
    depth: u32,
}

/// How deep playbooks may run each other.
const DEEPEST: u32 = 8;

impl Children for ChildRuns {
    fn run(&self, door: &Door, name: &str, params: &Map) -> Result<Value, Failure> {
        if self.depth >= DEEPEST {
            // Two playbooks that run each other end with a message, not with the stack.
            let message = format!("playbooks run each other more than {DEEPEST} deep");
            return Err(Fault::new(FaultKind::Limit, message).during("run_playbook").into());
        }
        let invalid = |message: String| Fault::new(FaultKind::Invalid, message).during("run_playbook");
        let folder = &self.project.config.folder;
        let playbook = Playbook::find(name, folder, folder).map_err(|error| invalid(error.to_string()))?;
        let given: BTreeMap<String, Vec<Given>> =
            params.iter().map(|(name, value)| (name.clone(), vec![Given::Typed(value.clone())])).collect();
        let within = Within { project: &self.project, folder };
        let params = resolve(&playbook.header, &given, &within).map_err(|mistakes| invalid(mistakes.join("; ")))?;
        let parts = door.parts();
        let halt = parts.host.halt.clone();
        let child = Arc::new(Door::new(DoorParts {
            recorder: Arc::clone(&parts.recorder),
            policy: parts.policy.child(declared(&playbook), header_limits(&playbook.header.policy)),
            mode: Arc::clone(&parts.mode),
            fleet: Arc::clone(&parts.fleet),
            hosts: Arc::clone(&parts.hosts),
            catalog: Arc::clone(&parts.catalog),
            host: host(&self.project, parts.host.files.and_read(params.files.clone()), store_name(&playbook), &halt),
            locks: Arc::clone(&parts.locks),
            watcher: Arc::clone(&parts.watcher),
            secret: {
                let project = Arc::clone(&self.project);
                Box::new(move |name| project.secret(name))
            },
            children: Arc::new(Self {
                project: Arc::clone(&self.project),
                ears: Arc::clone(&self.ears),
                depth: self.depth + 1,
            }),
        }));
        let run = Map::from([
            ("playbook".to_owned(), Value::from(playbook.name.as_str())),
            ("cause".to_owned(), Value::from("run_playbook")),
            ("mode".to_owned(), Value::from(if matches!(&*parts.mode, Mode::Live) { "live" } else { "dry" })),
            ("id".to_owned(), Value::from(new_id())),
        ]);
        let facts = RunFacts { params: params.values, event: Map::new(), run };
        let context = context(&self.project, Arc::clone(&child), Arc::clone(&self.ears), facts, halt);
        let ended = run_script(ScriptRun {
            premises: premises(&self.project.config, &Arc::new(Index::new(&self.project.catalog)), &playbook),
            name: playbook.name.clone(),
            text: playbook.text,
            folder: playbook.folder,
            context,
        });
        door.add_counts(child.counts());
        match ended.result {
            Ok(value) => Ok(value),
            Err(ScriptError::Stopped(stop, _)) => Err(stop.into()),
            Err(ScriptError::Unreadable(diagnostic) | ScriptError::Failed(diagnostic)) => {
                let fault =
                    diagnostic.fault.clone().unwrap_or_else(|| invalid(format!("{name}: {}", diagnostic.message)));
                Err(fault.into())
            }
        }
    }
}
