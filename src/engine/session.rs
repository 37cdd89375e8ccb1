//! A session of the prompt: lines that see the variables and functions of earlier lines.

use std::path::PathBuf;
use std::sync::Arc;

use rhai::{AST, Dynamic, Engine, ParseErrorType, Scope};

use crate::engine::context::RunContext;
use crate::engine::diagnostic::{Diagnostic, Sources};
use crate::engine::index::Index;
use crate::engine::resolver::{Imports, Resolver};
use crate::engine::run::{Modules, ScriptError, given_names, outcome};
use crate::engine::types::Target;
use crate::engine::values;
use crate::value::Value;

/// What can stand at a place of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// What is put in.
    pub text: String,
    /// What is shown beside it.
    pub help: String,
}

/// Variables and functions that live from line to line.
pub struct Session {
    engine: Engine,
    modules: Arc<Modules>,
    context: Arc<RunContext>,
    scope: Scope<'static>,
    functions: AST,
    sources: Sources,
    lines: usize,
}

impl Session {
    /// An empty session; imports come from `folder`.
    pub fn new(context: Arc<RunContext>, folder: Option<PathBuf>) -> Self {
        let modules = Arc::new(Modules::of(&context.catalog, None));
        let mut engine = modules.engine(&context);
        let sources = Sources::default();
        let texts = Arc::clone(&context.texts);
        engine.set_module_resolver(Resolver::new(folder, sources.clone(), Imports::default(), texts));
        Self { engine, modules, context, scope: Scope::new(), functions: AST::empty(), sources, lines: 0 }
    }

    /// Everything callable.
    pub fn index(&self) -> &Index {
        self.modules.index()
    }

    /// The texts that diagnostics point into.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Whether a text goes on in the next line, by the parser's own word.
    pub fn is_incomplete(&self, text: &str) -> bool {
        let Err(error) = self.engine.compile_with_scope(&self.names(), text) else { return false };
        let at_end = || {
            let (lines, last) = (text.lines().count(), text.lines().last().unwrap_or_default());
            error.1.line().is_none_or(|line| line > lines)
                || (error.1.line() == Some(lines) && error.1.position().is_none_or(|at| at > last.chars().count()))
        };
        match &*error.0 {
            ParseErrorType::UnexpectedEOF => true,
            ParseErrorType::BadInput(rhai::LexError::UnterminatedString) => text.contains('`'),
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
    pub fn line(&mut self, text: &str) -> Result<Value, ScriptError> {
        self.lines += 1;
        let name = format!("line {}", self.lines);
        self.sources.add(&name, text);
        self.context.texts.loaded(&name, text);
        // Each line ends by itself: what ended an earlier one is forgotten.
        self.context.go_on();
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
            self.scope.set_or_push("last", value.clone());
        }
        values::to_value(&value).or(Ok(Value::Text(value.to_string())))
    }

    /// The variables with the names of their types.
    pub fn variables(&self) -> Vec<(String, String)> {
        self.scope.iter().map(|(name, _, value)| (name.to_owned(), value.type_name().to_owned())).collect()
    }

    /// Sets a variable before the first line, such as a target.
    pub fn set_target(&mut self, name: &str, target: &Value) {
        if let Some(target) = crate::engine::host::target_from_value(target) {
            self.scope.set_or_push(name.to_owned(), target);
        }
    }

    /// The vendor of a variable that holds a target.
    pub fn vendor_of(&self, variable: &str) -> Option<String> {
        let value = self.scope.get(variable)?;
        value.read_lock::<Target>().map(|target| target.vendor.to_string())
    }

    /// What can stand after `receiver.`, or by itself without one.
    pub fn complete(&self, receiver: Option<&str>, begun: &str) -> Vec<Completion> {
        let vendor = receiver.and_then(|receiver| self.vendor_of(receiver));
        let mut found: Vec<Completion> = Vec::new();
        if receiver.is_none() {
            for (name, kind) in self.variables() {
                if name.starts_with(begun) {
                    found.push(Completion { text: name, help: kind });
                }
            }
        }
        for entry in self.index().entries().iter().filter(|entry| entry.name.starts_with(begun)) {
            let fits = match (receiver, entry.vendor, &vendor) {
                (None, vendor, _) => vendor.is_none(),
                (Some(_), Some(of), Some(vendor)) => of == vendor,
                (Some(_), Some(_), None) => false,
                (Some(_), None, vendor) => vendor.is_none(),
            };
            if fits && found.last().is_none_or(|last| last.text != format!("{}(", entry.name)) {
                let help = entry.doc.lines().next().unwrap_or_default().to_owned();
                found.push(Completion { text: format!("{}(", entry.name), help });
            }
        }
        found
    }

    fn names(&self) -> Scope<'static> {
        let mut names = given_names();
        for (name, _, _) in self.scope.iter() {
            names.push(name.to_owned(), ());
        }
        names
    }
}
