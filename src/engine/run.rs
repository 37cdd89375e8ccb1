//! One execution of a script: an engine from shared modules, on a thread of its own.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use rhai::packages::{Package, StandardPackage};
use rhai::{AST, Dynamic, Engine, EvalAltResult, Module, Scope};

use crate::allocator;
use crate::catalog::Catalog;
use crate::door::Branch;
use crate::engine::check::{Code, Finding, Premises, Report, Severity, check};
use crate::engine::context::{RunContext, StepUndo, on_branch};
use crate::engine::diagnostic::{Diagnostic, Sources};
use crate::engine::index::Index;
use crate::engine::library::Library;
use crate::engine::output::OutputEvent;
use crate::engine::parsed::Parsed;
use crate::engine::resolver::Resolver;
use crate::engine::types::StoreHandle;
use crate::engine::{calls, guards, host, needed, reach, values};
use crate::fault::{Fault, FaultKind, Stop};
use crate::value::Value;

type SharedModule = Arc<Module>;

/// A script's stack: deep enough for what the depth limits allow. Untouched pages cost nothing.
const STACK: usize = 64 << 20;

/// Names that every script sees, and modules do not.
const GIVEN: [&str; 4] = ["params", "event", "run", "store"];

/// A script about to be run.
pub struct ScriptRun {
    /// How messages name it.
    pub name: String,
    /// Its text.
    pub text: String,
    /// The modules that it can import.
    pub library: Arc<dyn Library>,
    /// What is known before it is read; nothing of a script that has run before, which is not refused for
    /// what others have edited since.
    pub premises: Option<Premises>,
    /// What its natives need.
    pub context: Arc<RunContext>,
}

/// Why a script did not come to its end.
#[derive(Debug)]
pub enum ScriptError {
    /// It cannot be read, or cannot work: nothing was run.
    Unreadable(Box<Diagnostic>),
    /// It failed, or something failed in it.
    Failed(Box<Diagnostic>),
    /// The run was ended from outside, or by a limit.
    Stopped(Stop, Box<Diagnostic>),
}

impl ScriptError {
    /// The end of a script that cannot say where it stood.
    pub fn stopped(stop: Stop) -> Self {
        let text = stop.to_string();
        Self::Stopped(stop, Box::new(Diagnostic::of_text(text)))
    }
}

/// How a script ended, and the texts that its diagnostics point into.
pub struct Ended {
    /// The script's value, or why there is none.
    pub result: Result<Value, ScriptError>,
    /// The texts of the script and its modules.
    pub sources: Sources,
}

/// The modules of an engine: Rhai's own and the host's, which all share, and calls.
pub struct Modules {
    standard: SharedModule,
    host: SharedModule,
    calls: SharedModule,
    index: Index,
}

impl Modules {
    /// The modules with every call, or with those of these names.
    pub fn of(catalog: &Arc<Catalog>, names: Option<&HashSet<String>>) -> Self {
        Self {
            standard: standard(),
            host: host::module(),
            calls: calls::module(catalog, names).into(),
            index: Index::new(catalog),
        }
    }

    /// Everything callable.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// An engine for one run.
    pub fn engine(&self, context: &Arc<RunContext>) -> Engine {
        let mut engine = Engine::new_raw();
        engine.register_global_module(Arc::clone(&self.standard));
        engine.register_global_module(Arc::clone(&self.calls));
        // The last one is asked first: ours stand before Rhai's own.
        engine.register_global_module(Arc::clone(&self.host));
        guards::set_up(&mut engine);
        engine.set_default_tag(Dynamic::from(Arc::clone(context)));
        let shown = Arc::clone(context);
        engine.on_print(move |text| shown.show(OutputEvent::Print(text.to_owned())));
        let shown = Arc::clone(context);
        engine.on_debug(move |text, _, position| shown.show(OutputEvent::Print(format!("{position:?}: {text}"))));
        let counted = Arc::clone(context);
        engine.on_progress(move |_| counted.step().map(Dynamic::from));
        give(&mut engine, context);
        reach::register(&mut engine, context);
        engine
    }
}

/// Lets `params`, `event`, `run` and `store` be read everywhere in the script, in its functions
/// and closures too, where Rhai's scopes do not reach.
#[expect(deprecated, reason = "Rhai marks this interface as subject to change; its version is pinned")]
fn give(engine: &mut Engine, context: &Arc<RunContext>) {
    let facts = &context.facts;
    let given = |map: &crate::value::Map| Dynamic::from(values::map_to_dynamic(map.clone())).into_read_only();
    let (params, event, run) = (given(&facts.params), given(&facts.event), given(&facts.run));
    engine.on_var(move |name, index, context| {
        // A variable of the script's own with that name comes first.
        if index != 0 || context.scope().contains(name) {
            return Ok(None);
        }
        Ok(match name {
            "params" => Some(params.clone()),
            "event" => Some(event.clone()),
            "run" => Some(run.clone()),
            "store" => Some(Dynamic::from(StoreHandle).into_read_only()),
            _ => None,
        })
    });
}

/// The names that scripts are compiled with.
pub fn given_names() -> Scope<'static> {
    let mut scope = Scope::new();
    for name in GIVEN {
        scope.push_constant(name, ());
    }
    scope
}

/// Rhai's own functions. What of them blocks or reads a clock is overridden or disabled.
pub(super) fn standard() -> SharedModule {
    static STANDARD: OnceLock<SharedModule> = OnceLock::new();
    Arc::clone(STANDARD.get_or_init(|| StandardPackage::new().as_shared_module()))
}

/// Makes what every script needs, and keeps for it what is freed. Best before a process has other threads: these are thousands of small pieces of
/// memory, and threads that take theirs at the same moment spend longer waiting for each other than working.
pub fn prepare() {
    allocator::keep_what_is_freed();
    standard();
    host::module();
    // Asked for a name that there is not, the index gets ready.
    Index::functions("");
}

/// Runs a script to its end, on a thread of its own.
pub fn run_script(script: ScriptRun) -> Ended {
    run_script_then(script, |_| ()).0
}

/// The same; whatever the script came to, `then` is called where its functions are still there.
pub fn run_script_then<T: Send>(
    script: ScriptRun,
    then: impl FnOnce(&Afterwards<'_>) -> T + Send,
) -> (Ended, Option<T>) {
    let sources = Sources::default();
    let ran = on_stack(|| run_here(&script, &sources, then));
    let ran = ran.unwrap_or_else(|message| (Err(failed(&message)), None));
    (Ended { result: ran.0, sources }, ran.1)
}

/// Works on a thread with a script's stack.
///
/// # Errors
/// There is no thread, or it has panicked.
pub(super) fn on_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, String> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("script".into()).stack_size(STACK);
        match thread.spawn_scoped(scope, work) {
            Ok(handle) => handle.join().map_err(|_| "the interpreter failed".to_owned()),
            Err(error) => Err(format!("no thread can be had for the script: {error}")),
        }
    })
}

/// A script that has ended, with its functions.
pub struct Afterwards<'a> {
    engine: &'a Engine,
    ast: &'a AST,
    name: &'a str,
    context: &'a RunContext,
    modules: &'a Modules,
}

impl Afterwards<'_> {
    /// Calls what takes a step back, as a part of the branch `branch`.
    ///
    /// # Errors
    /// What it came to.
    pub fn call(&self, undo: &StepUndo, branch: Branch) -> Result<(), ScriptError> {
        let called = on_branch(Arc::new(branch), || undo.work.call::<Dynamic>(self.engine, self.ast, ()));
        called.map(|_| ()).map_err(|error| outcome(&error, self.name, self.context, self.modules))
    }
}

fn failed(message: &str) -> ScriptError {
    ScriptError::Failed(Box::new(Diagnostic::of_text(message.to_owned())))
}

fn run_here<T>(
    script: &ScriptRun,
    sources: &Sources,
    then: impl FnOnce(&Afterwards<'_>) -> T,
) -> (Result<Value, ScriptError>, Option<T>) {
    let context = &script.context;
    sources.add(&script.name, &script.text);
    // The trees that the check makes are the run's.
    let _counted = context.memory.enter();
    let checked = script.premises.as_ref().map(|premises| refuse_mistakes(script, premises, sources));
    let mut parsed = match checked.transpose() {
        Ok(parsed) => parsed.unwrap_or_default(),
        Err(error) => return (Err(error), None),
    };
    let tree = parsed.take(&script.name, &script.text);
    let resolver = Resolver::new(Arc::clone(&script.library), sources.clone(), Arc::clone(&context.texts));
    let resolver = resolver.with_parsed(parsed);
    let names = needed::words(&script.text, &resolver);
    let modules = Modules::of(&context.catalog, names.as_ref());
    let mut engine = modules.engine(context);
    engine.set_module_resolver(resolver);
    let ast = match tree.map_or_else(|| compile(&engine, &script.text), Ok) {
        Ok(mut ast) => {
            ast.set_source(script.name.as_str());
            reach::counted(&engine, &script.name, &script.text, ast, |text| compile(&engine, text))
        }
        Err(error) => {
            let diagnostic = Diagnostic::of_parse(&error, &script.name, modules.index());
            return (Err(ScriptError::Unreadable(Box::new(diagnostic))), None);
        }
    };
    let evaluated = on_branch(Arc::new(Branch::main()), || engine.eval_ast::<Dynamic>(&ast));
    let result = evaluated
        .map_err(|error| outcome(&error, &script.name, context, &modules))
        .and_then(|value| values::to_value(&value).or(Ok(Value::Text(value.to_string()))));
    let afterwards = Afterwards { engine: &engine, ast: &ast, name: &script.name, context, modules: &modules };
    (result, Some(then(&afterwards)))
}

/// Refuses a script that cannot work, before anything of it is carried out; gives what was parsed.
fn refuse_mistakes(script: &ScriptRun, premises: &Premises, sources: &Sources) -> Result<Parsed, ScriptError> {
    let Report { findings, parsed } = check(&script.name, &script.text, premises, sources);
    let errors: Vec<&Finding> = findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
    let refused = errors.iter().all(|finding| finding.code == Code::UndeclaredEffect);
    let Some(first) = errors.into_iter().min_by_key(|finding| finding.code == Code::UndeclaredEffect) else {
        return Ok(parsed);
    };
    let more = findings.iter().filter(|finding| finding.severity == Severity::Error).count() - 1;
    let mut diagnostic = first.diagnostic();
    if more > 0 {
        diagnostic.hints.push(format!("`beadle check` shows {more} more"));
    }
    if refused {
        diagnostic.fault = Some(Fault::new(FaultKind::Refused, diagnostic.message.clone()));
        return Err(ScriptError::Failed(Box::new(diagnostic)));
    }
    Err(ScriptError::Unreadable(Box::new(diagnostic)))
}

/// Compiles a script with the names that it is given.
fn compile(engine: &Engine, text: &str) -> Result<AST, rhai::ParseError> {
    engine.compile_with_scope(&given_names(), text)
}

/// What an uncaught error means for the run.
pub fn outcome(error: &EvalAltResult, name: &str, context: &RunContext, modules: &Modules) -> ScriptError {
    let diagnostic = Box::new(Diagnostic::of_error(error, name, modules.index()));
    let stop = context.why();
    match (error.unwrap_inner(), stop) {
        (EvalAltResult::ErrorTerminated(..), Some(stop)) => {
            let diagnostic = Box::new(Diagnostic { message: stop.to_string(), ..*diagnostic });
            ScriptError::Stopped(stop, diagnostic)
        }
        _ => ScriptError::Failed(diagnostic),
    }
}
