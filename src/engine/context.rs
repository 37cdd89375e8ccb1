//! What a run's natives need: reached through the engine's tag, so that modules can be shared.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rhai::{EvalAltResult, FnPtr, NativeCallContext};

use crate::allocator::Count;
use crate::catalog::Catalog;
use crate::door::{Action, Branch, Composite, Halt, Passage, Reply};
use crate::engine::error;
use crate::engine::host::Begun;
use crate::engine::library::Texts;
use crate::engine::output::{Output, OutputEvent};
use crate::fault::{Failure, Fault, Stop};
use crate::value::{Map, Value};

/// What `params`, `event` and `run` hold.
#[derive(Clone, Debug, Default)]
pub struct RunFacts {
    /// The checked parameters.
    pub params: Map,
    /// What set the run off; empty for a run at the terminal.
    pub event: Map,
    /// `id`, `playbook`, `mode`, `cause`.
    pub run: Map,
}

impl RunFacts {
    /// The names of what `run` holds.
    pub const RUN: [&'static str; 4] = ["id", "playbook", "mode", "cause"];
}

/// The context of one run.
pub struct RunContext {
    /// The door.
    pub passage: Arc<dyn Passage>,
    /// Whoever takes what the script shows.
    pub output: Arc<dyn Output>,
    /// The calls.
    pub catalog: Arc<Catalog>,
    /// What the script can read of its run.
    pub facts: RunFacts,
    /// The texts that the run is made of.
    pub texts: Arc<dyn Texts>,
    /// What ends the run.
    pub halt: Halt,
    /// The most steps; 0 means no limit.
    pub max_steps: u64,
    /// The most bytes.
    pub max_memory: u64,
    /// The steps so far, over all threads.
    pub steps: AtomicU64,
    /// The bytes that the run holds.
    pub memory: Count,
    /// Why the run has to end, once something has said so.
    pub stop: Mutex<Option<Stop>>,
    /// Whether something has: asked at every step.
    pub ending: AtomicBool,
    /// The numbers of progress counters.
    pub progress: AtomicU64,
    /// What takes completed steps back, in the order in which they were completed.
    pub undo: Mutex<Vec<StepUndo>>,
    /// The long work that the run has begun at its targets.
    pub begun: Begun,
}

/// What the context of a run is made of.
pub struct ContextParts {
    /// The door.
    pub passage: Arc<dyn Passage>,
    /// Whoever takes what the script shows.
    pub output: Arc<dyn Output>,
    /// The texts that the run is made of.
    pub texts: Arc<dyn Texts>,
    /// The calls.
    pub catalog: Arc<Catalog>,
    /// What the script can read of its run.
    pub facts: RunFacts,
    /// What ends the run.
    pub halt: Halt,
    /// The most steps; 0 means no limit.
    pub max_steps: u64,
    /// The most bytes.
    pub max_memory: u64,
}

/// What takes a completed step back.
pub struct StepUndo {
    /// The step's name.
    pub name: String,
    /// The branch that the step stands in.
    pub path: Vec<(u64, u64)>,
    /// Its place there.
    pub place: u64,
    /// The script's own function.
    pub work: FnPtr,
}

thread_local! {
    static BRANCH: RefCell<Option<Arc<Branch>>> = const { RefCell::new(None) };
}

/// How many steps pass between two looks at the clock and the memory.
const LOOK_EVERY: u64 = 1024;

impl RunContext {
    /// The context of a run that has done nothing yet.
    pub fn new(parts: ContextParts) -> Arc<Self> {
        let ContextParts { passage, output, texts, catalog, facts, halt, max_steps, max_memory } = parts;
        Arc::new(Self {
            passage,
            output,
            texts,
            catalog,
            facts,
            halt,
            max_steps,
            max_memory,
            steps: AtomicU64::new(0),
            memory: Count::begin(),
            stop: Mutex::new(None),
            ending: AtomicBool::new(false),
            progress: AtomicU64::new(0),
            undo: Mutex::default(),
            begun: Begun::default(),
        })
    }

    /// The context of the run that a native is called in.
    pub fn of(context: &NativeCallContext<'_>) -> Result<Arc<Self>, Box<EvalAltResult>> {
        context
            .tag()
            .and_then(|tag| tag.read_lock::<Arc<Self>>().map(|context| Arc::clone(&context)))
            .ok_or_else(|| "this function works within a run only".into())
    }

    /// Passes an action through the door, in the branch that this thread works on.
    pub fn pass(&self, context: &NativeCallContext<'_>, action: Action) -> Result<Reply, Box<EvalAltResult>> {
        if let Some(stop) = self.why() {
            return Err(self.stopped(stop, context.call_position()));
        }
        let branch = current_branch();
        self.passage.pass(&branch, action).map_err(|failure| self.failed(failure, context))
    }

    /// Begins a step or a `parallel` in the branch that this thread works on.
    pub fn open(&self, context: &NativeCallContext<'_>, action: Action) -> Result<Composite, Box<EvalAltResult>> {
        if let Some(stop) = self.why() {
            return Err(self.stopped(stop, context.call_position()));
        }
        let opened = self.passage.open(&current_branch(), action);
        opened.map_err(|failure| self.failed(failure, context))
    }

    /// Ends one.
    pub fn close(
        &self,
        context: &NativeCallContext<'_>,
        composite: Composite,
        outcome: Result<Value, Fault>,
    ) -> Result<(), Box<EvalAltResult>> {
        self.passage.close(composite, outcome).map_err(|failure| self.failed(failure, context))
    }

    fn failed(&self, failure: Failure, context: &NativeCallContext<'_>) -> Box<EvalAltResult> {
        match failure {
            Failure::Fault(fault) => error::throw(*fault, context),
            Failure::Stop(stop) => self.stopped(stop, context.call_position()),
        }
    }

    /// An action whose answer is a value.
    pub fn value(&self, context: &NativeCallContext<'_>, action: Action) -> Result<Value, Box<EvalAltResult>> {
        match self.pass(context, action)? {
            Reply::Value(value) => Ok(value),
            Reply::Bytes(_) | Reply::Json(_) | Reply::Http(_) => Err("the door gave another kind of answer".into()),
        }
    }

    /// For how long the run has run: what time-outs count.
    pub fn elapsed(&self, context: &NativeCallContext<'_>) -> Result<Duration, Box<EvalAltResult>> {
        match self.value(context, Action::Elapsed)? {
            Value::Duration(elapsed) => Ok(Duration::try_from(elapsed).unwrap_or_default()),
            _ => Err("the door told no time".into()),
        }
    }

    /// Keeps what takes a step back.
    pub fn keep_undo(&self, undo: StepUndo) {
        self.undo.lock().unwrap_or_else(PoisonError::into_inner).push(undo);
    }

    /// Remembers why the run ends, and gives the error that no script can catch.
    pub fn stopped(&self, stop: Stop, position: rhai::Position) -> Box<EvalAltResult> {
        let text = stop.to_string();
        self.end(stop);
        EvalAltResult::ErrorTerminated(text.into(), position).into()
    }

    /// Counts a step, and says why the run has to end, if it has to.
    ///
    /// Memory is looked at every time: doubling a text fills it in a few dozen steps. The clock is
    /// dearer, and looked at now and then.
    pub fn step(&self) -> Option<String> {
        let steps = self.steps.fetch_add(1, Ordering::Relaxed) + 1;
        let stop = if self.memory.bytes() > i64::try_from(self.max_memory).unwrap_or(i64::MAX) {
            Stop::Limit(format!(
                "the script holds more than {} MB of memory: see [limits] memory",
                self.max_memory >> 20
            ))
        } else if self.max_steps != 0 && steps > self.max_steps {
            Stop::Limit(format!("the script took more than {} steps: see [limits] steps", self.max_steps))
        } else if self.ending.load(Ordering::Relaxed) {
            // Another branch has come to the end of the run; this one must not catch its way out.
            return Some(self.why().map_or_else(String::new, |stop| stop.to_string()));
        } else if !steps.is_multiple_of(LOOK_EVERY) {
            return None;
        } else if let Err(stop) = self.halt.check() {
            stop
        } else {
            return None;
        };
        let text = stop.to_string();
        self.end(stop);
        Some(text)
    }

    /// Why the run has to end, if something has said so.
    pub fn why(&self) -> Option<Stop> {
        self.stop.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets what ended an earlier line of a session.
    pub fn go_on(&self) {
        self.stop.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.ending.store(false, Ordering::Relaxed);
    }

    /// The first reason holds, but that a change is uncertain comes before everything else.
    fn end(&self, stop: Stop) {
        let mut slot = self.stop.lock().unwrap_or_else(PoisonError::into_inner);
        let uncertain = |stop: &Stop| matches!(stop, Stop::Uncertain(_));
        if slot.as_ref().is_none_or(|present| uncertain(&stop) && !uncertain(present)) {
            *slot = Some(stop);
        }
        self.ending.store(true, Ordering::Relaxed);
    }

    /// Refuses to make something of `bytes` at once that would go over the memory limit.
    pub fn room_for(&self, bytes: u64, context: &NativeCallContext<'_>) -> Result<(), Box<EvalAltResult>> {
        let held = u64::try_from(self.memory.bytes()).unwrap_or(0);
        if held.saturating_add(bytes) <= self.max_memory {
            return Ok(());
        }
        let stop = Stop::Limit(format!(
            "{} would need {} MB at once, more than [limits] memory allows",
            context.fn_name(),
            bytes >> 20
        ));
        Err(self.stopped(stop, context.call_position()))
    }

    /// Shows something, unless a former execution of the run has shown it.
    pub fn show(&self, event: OutputEvent) {
        if !self.passage.is_replaying() {
            self.output.show(event);
        }
    }
}

/// The branch that this thread works on.
pub fn current_branch() -> Arc<Branch> {
    BRANCH.with(|slot| Arc::clone(slot.borrow_mut().get_or_insert_with(|| Arc::new(Branch::main()))))
}

/// Works on a branch on this thread, and on the former one afterwards.
pub fn on_branch<T>(branch: Arc<Branch>, work: impl FnOnce() -> T) -> T {
    let former = BRANCH.with(|slot| slot.borrow_mut().replace(branch));
    let value = work();
    BRANCH.with(|slot| *slot.borrow_mut() = former);
    value
}
