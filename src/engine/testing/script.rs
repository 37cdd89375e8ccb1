//! A test script: which tests it has, and one of them called to its end.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use rhai::{Dynamic, Engine, Scope};

use super::closed::Closed;
use super::functions;
use super::stage::Stage;
use crate::catalog::Catalog;
use crate::door::{Branch, Halt};
use crate::engine::context::{ContextParts, RunContext, RunFacts, on_branch};
use crate::engine::diagnostic::{Diagnostic, Sources};
use crate::engine::index::Index;
use crate::engine::library::{NoTexts, Shelf};
use crate::engine::output::Output;
use crate::engine::resolver::Resolver;
use crate::engine::run::{Ended, Modules, ScriptError, on_stack, outcome};
use crate::engine::{guards, values};
use crate::value::Value;

/// What the names of tests begin with.
const PREFIX: &str = "test_";

/// The most bytes that a test itself may hold; the runs that it starts have limits of their own.
const MEMORY: u64 = 512 << 20;

/// A test of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestFunction {
    /// Its name.
    pub name: String,
    /// The line that it begins in, from 1.
    pub line: usize,
}

/// A script whose tests are called.
pub struct TestScript {
    /// How messages name it.
    pub name: String,
    /// Its text.
    pub text: String,
    /// The folder that its imports come from.
    pub folder: Option<PathBuf>,
    /// The calls.
    pub catalog: Arc<Catalog>,
    /// What ends the test.
    pub halt: Halt,
    /// The instant at which its clock stands.
    pub now: Timestamp,
    /// Whoever takes what it shows.
    pub output: Arc<dyn Output>,
}

/// The tests of a script, in the order in which they stand there.
///
/// # Errors
/// It cannot be read, has none, or one of them takes arguments.
pub fn test_functions(name: &str, text: &str, catalog: &Arc<Catalog>) -> Result<Vec<TestFunction>, Box<Diagnostic>> {
    let mut engine = Engine::new_raw();
    guards::set_up(&mut engine);
    let read = engine.compile_with_scope(&Scope::new(), text);
    let ast = read.map_err(|error| Box::new(Diagnostic::of_parse(&error, name, &Index::new(catalog))))?;
    let mut found = Vec::new();
    for function in ast.iter_functions().filter(|function| function.name.starts_with(PREFIX)) {
        let line = line_of(text, function.name);
        if !function.params.is_empty() {
            return Err(wrong(format!("{name}:{line}: a test takes no arguments, and {} does", function.name)));
        }
        found.push(TestFunction { name: function.name.to_owned(), line });
    }
    if found.is_empty() {
        return Err(wrong(format!("{name} has no tests: functions named {PREFIX}… without arguments are tests")));
    }
    found.sort_by(|a, b| (a.line, &a.name).cmp(&(b.line, &b.name)));
    Ok(found)
}

fn wrong(message: String) -> Box<Diagnostic> {
    Box::new(Diagnostic::of_text(message))
}

/// Rhai does not keep where a function begins.
fn line_of(text: &str, function: &str) -> usize {
    let begins = |line: &str| {
        let declared = line.trim_start().trim_start_matches("private ").strip_prefix("fn ");
        let behind = declared.and_then(|name| name.trim_start().strip_prefix(function));
        behind.is_some_and(|behind| behind.trim_start().starts_with('('))
    };
    text.lines().position(begins).map_or(1, |line| line + 1)
}

/// Calls one test of a script on a stage, on a thread of its own.
pub fn run_test(script: &TestScript, test: &str, stage: &Arc<dyn Stage>) -> Ended {
    let sources = Sources::default();
    let result = on_stack(|| run_here(script, test, stage, &sources))
        .unwrap_or_else(|message| Err(ScriptError::Failed(wrong(message))));
    Ended { result, sources }
}

fn run_here(script: &TestScript, test: &str, stage: &Arc<dyn Stage>, sources: &Sources) -> Result<Value, ScriptError> {
    sources.add(&script.name, &script.text);
    let context = context(script);
    let _counted = context.memory.enter();
    // A test has no targets, so that calls would only hide a misspelt function.
    let modules = Modules::of(&script.catalog, Some(&HashSet::new()));
    let mut engine = modules.engine(&context);
    engine.register_global_module(functions::module(stage).into());
    let resolver = Resolver::new(Arc::new(Shelf::of(script.folder.clone())), sources.clone(), Arc::new(NoTexts));
    engine.set_module_resolver(resolver);
    let unreadable =
        |error| ScriptError::Unreadable(Box::new(Diagnostic::of_parse(&error, &script.name, modules.index())));
    let mut ast = engine.compile_with_scope(&Scope::new(), &script.text).map_err(unreadable)?;
    ast.set_source(script.name.as_str());
    let mut scope = Scope::new();
    let called = on_branch(Arc::new(Branch::main()), || engine.call_fn::<Dynamic>(&mut scope, &ast, test, ()));
    let ended = called.map_err(|error| outcome(&error, &script.name, &context, &modules))?;
    // Whatever a test gives is of no interest.
    Ok(values::to_value(&ended).unwrap_or(Value::Null))
}

fn context(script: &TestScript) -> Arc<RunContext> {
    RunContext::new(ContextParts {
        passage: Arc::new(Closed { now: script.now }),
        output: Arc::clone(&script.output),
        catalog: Arc::clone(&script.catalog),
        facts: RunFacts::default(),
        texts: Arc::new(NoTexts),
        halt: script.halt.clone(),
        max_steps: 0,
        max_memory: MEMORY,
    })
}
