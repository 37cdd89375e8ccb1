//! Modules: the standard library, and files below the script's own folder. Nothing else.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rhai::{Engine, EvalAltResult, Module, ModuleResolver, Position, Scope};

use crate::engine::diagnostic::Sources;
use crate::engine::reach;

type SharedModule = Arc<Module>;

/// The standard library: `std/…` names and texts, built in.
pub static STDLIB: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/stdlib.rs"));

/// The tests of its playbooks and modules, by the names of what they test.
pub static STDLIB_TESTS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/stdlib_tests.rs"));

/// A file of the standard library, by its name (`std/seg/bulk_ip_block`).
pub fn stdlib(name: &str) -> Option<&'static str> {
    STDLIB.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// The largest module, in bytes.
const LARGEST: u64 = 4 << 20;

thread_local! {
    /// The modules that this thread is loading, to see a cycle before the stack does.
    static LOADING: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// The texts that a run is made of, as its journal keeps them.
pub trait Texts: Send + Sync {
    /// The text of a module, where an earlier execution of the run has loaded it.
    fn pinned(&self, name: &str) -> Option<String>;

    /// Takes note of a text that the run is made of: its script, a module, a line at the prompt.
    fn loaded(&self, name: &str, text: &str);
}

/// No journal keeps them.
pub struct NoTexts;

impl Texts for NoTexts {
    fn pinned(&self, _name: &str) -> Option<String> {
        None
    }

    fn loaded(&self, _name: &str, _text: &str) {}
}

/// A module as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// How messages name it.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// The modules that a script imports, by the paths that it writes: those that were found, or those
/// that a plan has pinned. All clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Imports {
    found: Arc<Mutex<BTreeMap<String, Import>>>,
    pinned: bool,
}

impl Imports {
    /// Nothing but these: what an earlier run found.
    pub fn pinned(found: BTreeMap<String, Import>) -> Self {
        Self { found: Arc::new(Mutex::new(found)), pinned: true }
    }

    /// Whether they are pinned.
    pub fn is_pinned(&self) -> bool {
        self.pinned
    }

    /// What was found so far.
    pub fn found(&self) -> BTreeMap<String, Import> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Resolves the imports of one run.
pub struct Resolver {
    folder: Option<PathBuf>,
    sources: Sources,
    imports: Imports,
    texts: Arc<dyn Texts>,
    loaded: Mutex<HashMap<String, SharedModule>>,
}

impl Resolver {
    /// For a script in `folder`; without one, only the standard library can be imported.
    pub fn new(folder: Option<PathBuf>, sources: Sources, imports: Imports, texts: Arc<dyn Texts>) -> Self {
        let folder = folder.and_then(|folder| folder.canonicalize().ok());
        Self { folder, sources, imports, texts, loaded: Mutex::default() }
    }

    /// The shown name and the text of a module.
    pub(super) fn find(&self, path: &str, from: Option<&str>) -> Result<(String, String), String> {
        // The library's own rule holds whoever has found the module before.
        if from.is_some_and(|from| from.starts_with("std/")) && !path.starts_with("std/") {
            return Err(format!("a module of the standard library imports from std/ only, not '{path}'"));
        }
        let mut found = self.imports.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(import) = found.get(path) {
            return Ok((import.name.clone(), import.text.clone()));
        }
        if self.imports.pinned {
            return Err(format!("'{path}' was not imported when the run was planned, and is not looked for now"));
        }
        let (name, text) = self.look_for(path)?;
        found.insert(path.to_owned(), Import { name: name.clone(), text: text.clone() });
        Ok((name, text))
    }

    fn look_for(&self, path: &str) -> Result<(String, String), String> {
        if path.starts_with("std/") {
            if let Some(text) = self.texts.pinned(path) {
                return Ok((path.to_owned(), text));
            }
            let text = stdlib(path).ok_or_else(|| {
                let hint = crate::nearest::did_you_mean(path, STDLIB.iter().map(|(name, _)| *name));
                format!("there is no module '{path}' in the standard library.{hint}")
            })?;
            return Ok((path.to_owned(), text.to_owned()));
        }
        let Some(folder) = &self.folder else {
            return Err(format!("'{path}' cannot be imported: a script without a file imports from std/ only"));
        };
        let mut file = Path::new(path).to_path_buf();
        if file.extension().is_none() {
            file.set_extension("rhai");
        }
        let outside =
            || format!("'{path}' lies outside the script's folder {}: imports come from below it", folder.display());
        if file.is_absolute() || file.components().any(|part| part == std::path::Component::ParentDir) {
            return Err(outside());
        }
        let full = folder.join(&file);
        // An edited or removed module does not concern a run that has loaded it.
        let name = full.canonicalize().ok().and_then(|real| Some(real.strip_prefix(folder).ok()?.to_owned()));
        let name = name.unwrap_or_else(|| file.clone()).to_string_lossy().into_owned();
        if let Some(text) = self.texts.pinned(&name) {
            return Ok((name, text));
        }
        let real = full
            .canonicalize()
            .map_err(|error| format!("there is no module '{path}' ({}: {error})", full.display()))?;
        if !real.starts_with(folder) {
            return Err(outside());
        }
        let size = std::fs::metadata(&real).map_or(0, |facts| facts.len());
        if size > LARGEST {
            return Err(format!("the module '{path}' is larger than 4 MB"));
        }
        let text =
            std::fs::read_to_string(&real).map_err(|error| format!("the module '{path}' cannot be read: {error}"))?;
        let shown = real.strip_prefix(folder).unwrap_or(&real).to_string_lossy().into_owned();
        Ok((shown, text))
    }

    fn load(&self, engine: &Engine, name: &str, text: String) -> Result<SharedModule, Box<EvalAltResult>> {
        self.sources.add(name, &text);
        self.texts.loaded(name, &text);
        // No scope: a module sees neither params nor event nor run, it takes them as arguments.
        let mut ast = engine.compile(&text).map_err(|error| {
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
