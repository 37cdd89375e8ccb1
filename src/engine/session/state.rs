//! The state of a session: its engine, its variables, and the functions of earlier lines.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rhai::{AST, Dynamic, Engine, LexError, ParseErrorType, Position, Scope, Token};

use crate::catalog::Catalog;
use crate::engine::context::RunContext;
use crate::engine::diagnostic::{Diagnostic, Sources};
use crate::engine::guards;
use crate::engine::index::Index;
use crate::engine::library::{Imports, Shelf};
use crate::engine::resolver::Resolver;
use crate::engine::run::{Modules, ScriptError, given_names, outcome};
use crate::engine::session::line::{self, Piece};
use crate::engine::session::natives::{self, Native};
use crate::engine::types::Target;
use crate::engine::values;
use crate::value::Value;

/// The name of the last value. Rhai keeps it for `switch`, where it stays what it is.
pub const LAST: &str = "_";

/// Variables and functions that live from line to line.
pub struct Session {
    engine: Engine,
    modules: Arc<Modules>,
    context: Arc<RunContext>,
    folder: Option<PathBuf>,
    scope: Scope<'static>,
    functions: AST,
    sources: Sources,
    lines: usize,
    /// The text that is being compiled, for the lexer's look behind `_`.
    compiled: Arc<Mutex<String>>,
    natives: OnceLock<Vec<Native>>,
    targets: Vec<Target>,
}

/// What a line gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Its value.
    pub value: Value,
    /// Whether it is one expression, whose value is what the person wanted to see.
    pub is_expression: bool,
}

impl Session {
    /// An empty session; imports come from `folder`.
    pub fn new(context: Arc<RunContext>, folder: Option<PathBuf>) -> Self {
        let modules = Arc::new(Modules::of(&context.catalog, None));
        let compiled = Arc::new(Mutex::new(String::new()));
        let sources = Sources::default();
        let engine = engine_of(&modules, &context, folder.clone(), &sources, &compiled);
        let mut scope = Scope::new();
        scope.push(LAST, ());
        let (natives, targets, functions) = (OnceLock::new(), Vec::new(), AST::empty());
        Self { engine, modules, context, folder, scope, functions, sources, lines: 0, compiled, natives, targets }
    }

    /// Goes on behind another door: variables and functions stay.
    pub fn go_through(&mut self, context: Arc<RunContext>) {
        self.engine = engine_of(&self.modules, &context, self.folder.clone(), &self.sources, &self.compiled);
        self.context = context;
    }

    /// Everything callable.
    pub fn index(&self) -> &Index {
        self.modules.index()
    }

    /// The calls.
    pub fn catalog(&self) -> &Catalog {
        &self.context.catalog
    }

    /// The texts that diagnostics point into.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// The targets that were introduced.
    pub(super) fn targets(&self) -> &[Target] {
        &self.targets
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(super) fn scope(&self) -> &Scope<'static> {
        &self.scope
    }

    pub(super) fn functions(&self) -> &AST {
        &self.functions
    }

    /// Rhai's functions and the host's.
    pub(super) fn natives(&self) -> &[Native] {
        self.natives.get_or_init(natives::all)
    }

    /// The pieces of a text, for colours and completion.
    pub fn pieces(&self, text: &str) -> Vec<Piece> {
        self.look_at(text);
        line::pieces(&self.engine, text)
    }

    /// Whether a text goes on in the next line, by the parser's own word.
    pub fn is_incomplete(&self, text: &str) -> bool {
        self.look_at(text);
        let Err(error) = self.engine.compile_with_scope(&self.names(), text) else { return false };
        let at_end = || {
            let (lines, last) = (text.lines().count(), text.lines().last().unwrap_or_default());
            error.1.line().is_none_or(|line| line > lines)
                || (error.1.line() == Some(lines) && error.1.position().is_none_or(|at| at > last.chars().count()))
        };
        match &*error.0 {
            ParseErrorType::UnexpectedEOF => true,
            ParseErrorType::BadInput(LexError::UnterminatedString) => text.contains('`'),
            ParseErrorType::MissingToken(..) | ParseErrorType::MissingSymbol(..) | ParseErrorType::ExprExpected(..) => {
                at_end()
            }
            _ => false,
        }
    }

    /// Evaluates a line. `_` holds the last value afterwards.
    ///
    /// # Errors
    /// What the line came to; variables and functions of earlier lines stay.
    pub fn line(&mut self, text: &str) -> Result<Line, ScriptError> {
        self.lines += 1;
        let name = format!("line {}", self.lines);
        self.sources.add(&name, text);
        self.context.texts.loaded(&name, text);
        // Each line ends by itself: what ended an earlier one is forgotten.
        self.context.go_on();
        self.look_at(text);
        let is_expression = self.engine.compile_expression_with_scope(&self.names(), text).is_ok();
        let compiled = self.engine.compile_with_scope(&self.names(), text);
        let mut ast = compiled
            .map_err(|error| ScriptError::Unreadable(Box::new(Diagnostic::of_parse(&error, &name, self.index()))))?;
        ast.set_source(name.as_str());
        let merged = self.functions.merge(&ast);
        let value = self
            .engine
            .eval_ast_with_scope::<Dynamic>(&mut self.scope, &merged)
            .map_err(|error| outcome(&error, &name, &self.context, &self.modules))?;
        self.functions = merged.clone_functions_only();
        if !value.is_unit() {
            self.scope.set_or_push(LAST, value.clone());
        }
        let value = values::to_value(&value).unwrap_or_else(|_| Value::Text(value.to_string()));
        Ok(Line { value, is_expression })
    }

    /// Whether a text is a script that a run could read.
    ///
    /// # Errors
    /// Why it is not.
    pub fn read_script(&self, name: &str, text: &str) -> Result<(), String> {
        self.look_at(text);
        let compiled = self.engine.compile_with_scope(&given_names(), text);
        compiled.map(drop).map_err(|error| {
            self.sources.add(name, text);
            Diagnostic::of_parse(&error, name, self.index()).render(&self.sources, false)
        })
    }

    /// The variables, each with its value in a few words.
    pub fn variables(&self) -> Vec<(String, String)> {
        self.scope.iter_raw().map(|(name, _, value)| (name.to_owned(), self.in_short(value))).collect()
    }

    /// Introduces a target, as a variable of this name.
    pub fn set_target(&mut self, name: &str, target: &Value) {
        if let Some(target) = crate::engine::host::target_from_value(target) {
            if !self.targets.iter().any(|known| known.name == target.name) {
                self.targets.push(target.clone());
            }
            self.scope.set_or_push(name.to_owned(), target);
        }
    }

    /// The names and vendors of the targets that variables of these names hold.
    pub fn target_in(&self, variable: &str) -> Option<(String, String)> {
        let value = self.scope.get(variable)?;
        value.read_lock::<Target>().map(|target| (target.name.to_string(), target.vendor.to_string()))
    }

    pub(super) fn names(&self) -> Scope<'static> {
        let mut names = given_names();
        for (name, _, _) in self.scope.iter_raw() {
            names.push(name.to_owned(), ());
        }
        names
    }

    fn look_at(&self, text: &str) {
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        text.clone_into(&mut compiled);
    }
}

fn engine_of(
    modules: &Modules,
    context: &Arc<RunContext>,
    folder: Option<PathBuf>,
    sources: &Sources,
    compiled: &Arc<Mutex<String>>,
) -> Engine {
    let mut engine = modules.engine(context);
    let texts = Arc::clone(&context.texts);
    engine.set_module_resolver(Resolver::new(
        Arc::new(Shelf::new(folder, Imports::default(), Arc::clone(&texts))),
        sources.clone(),
        texts,
    ));
    name_the_last(&mut engine, Arc::clone(compiled));
    engine
}

/// Lets `_` be the last value everywhere but before `=>`.
#[expect(deprecated, reason = "Rhai marks this interface as subject to change; its version is pinned")]
fn name_the_last(engine: &mut Engine, compiled: Arc<Mutex<String>>) {
    engine.on_parse_token(move |token, position, _| match token {
        Token::Underscore if !is_default_case(&compiled, position) => Token::Identifier(Box::new(LAST.into())),
        other => guards::freed(other),
    });
}

fn is_default_case(compiled: &Mutex<String>, position: Position) -> bool {
    let text = compiled.lock().unwrap_or_else(PoisonError::into_inner);
    let behind = text.get(line::offset_of(&text, position) + 1..).unwrap_or_default();
    behind.trim_start().starts_with("=>")
}
