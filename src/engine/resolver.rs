//! The imports of one run: each module is compiled once, and a circle is an error.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rhai::{Engine, EvalAltResult, Module, ModuleResolver, Position, Scope};

use crate::engine::diagnostic::Sources;
use crate::engine::library::{Library, Texts};
use crate::engine::parsed::Parsed;
use crate::engine::reach;

type SharedModule = Arc<Module>;

thread_local! {
    /// The modules that this thread is loading, to see a cycle before the stack does.
    static LOADING: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Resolves the imports of one run.
pub struct Resolver {
    library: Arc<dyn Library>,
    sources: Sources,
    texts: Arc<dyn Texts>,
    parsed: Mutex<Parsed>,
    loaded: Mutex<HashMap<String, SharedModule>>,
}

impl Resolver {
    /// For a script whose modules `library` has; `texts` is told which of them it loads.
    pub fn new(library: Arc<dyn Library>, sources: Sources, texts: Arc<dyn Texts>) -> Self {
        Self { library, sources, texts, parsed: Mutex::default(), loaded: Mutex::default() }
    }

    /// The same, where some of the modules have been parsed already.
    pub fn with_parsed(self, parsed: Parsed) -> Self {
        Self { parsed: Mutex::new(parsed), ..self }
    }

    /// The shown name and the text of a module.
    pub(super) fn find(&self, path: &str, from: Option<&str>) -> Result<(String, String), String> {
        self.library.find(path, from)
    }

    fn load(&self, engine: &Engine, name: &str, text: String) -> Result<SharedModule, Box<EvalAltResult>> {
        self.sources.add(name, &text);
        self.texts.loaded(name, &text);
        let parsed = self.parsed.lock().unwrap_or_else(PoisonError::into_inner).take(name, &text);
        // No scope: a module sees neither params nor event nor run, it takes them as arguments.
        let mut ast = parsed.map_or_else(|| engine.compile(&text), Ok).map_err(|error| {
            let position = error.1;
            EvalAltResult::ErrorParsing(*error.0, position)
        })?;
        ast.set_source(name);
        let ast = reach::counted(engine, name, &text, ast, |text| engine.compile(text));
        let module = Module::eval_ast_as_new(Scope::new(), &ast, engine)?;
        Ok(module.into())
    }
}

impl ModuleResolver for Resolver {
    fn resolve(
        &self,
        engine: &Engine,
        source: Option<&str>,
        path: &str,
        position: Position,
    ) -> Result<SharedModule, Box<EvalAltResult>> {
        let wrong =
            |message: String| -> Box<EvalAltResult> { EvalAltResult::ErrorRuntime(message.into(), position).into() };
        let (name, text) = self.find(path, source).map_err(wrong)?;
        if let Some(module) = self.loaded.lock().unwrap_or_else(PoisonError::into_inner).get(&name) {
            return Ok(Arc::clone(module));
        }
        let cycle = LOADING.with(|loading| {
            let mut loading = loading.borrow_mut();
            if loading.contains(&name) {
                return Some(loading.join(" -> "));
            }
            loading.push(name.clone());
            None
        });
        if let Some(cycle) = cycle {
            return Err(wrong(format!("modules import each other in a circle: {cycle} -> {name}")));
        }
        let module = self.load(engine, &name, text);
        LOADING.with(|loading| loading.borrow_mut().pop());
        let module = module.map_err(|error| -> Box<EvalAltResult> {
            EvalAltResult::ErrorInModule(name.clone(), error, position).into()
        })?;
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner).insert(name, Arc::clone(&module));
        Ok(module)
    }
}
