//! The script and every module that it imports, parsed.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rhai::{
    AST, ASTNode, Engine, Expr, FnAccess, ImmutableString, Module, ParseError, Position, Scope, ScriptFuncDef, Stmt,
};

use crate::engine::check::finding::{Code, Finding};
use crate::engine::diagnostic::{Diagnostic, Place, Sources};
use crate::engine::guards;
use crate::engine::index::Index;
use crate::engine::parsed::Parsed;
use crate::engine::resolver::Resolver;
use crate::engine::run::given_names;

/// One text: the script, or a module.
pub struct Unit {
    /// The name that messages show.
    pub name: String,
    /// Its statements.
    pub statements: Vec<Stmt>,
    /// Its functions, closures among them.
    pub functions: Vec<Function>,
    /// Names under which a map may hold a function: those of members, and texts.
    pub keys: HashSet<String>,
    /// Whether a function or closure changes what it is called on.
    pub writes_this: bool,
    /// The units that its imports lead to, by the path as it is written; `None` where one leads nowhere.
    pub imports: HashMap<String, Option<usize>>,
    by_name: HashMap<ImmutableString, Vec<usize>>,
}

/// A function of a script.
pub struct Function {
    /// Its name; that of a closure is made by the parser.
    pub name: ImmutableString,
    /// Its parameters; those of a closure begin with what it captures.
    pub params: Vec<ImmutableString>,
    /// Its statements.
    pub body: Vec<Stmt>,
    /// Whether other units cannot call it.
    pub private: bool,
    /// Where its body begins.
    pub position: Position,
}

impl Unit {
    /// The function of that name with so many parameters.
    pub fn function(&self, name: &str, params: usize) -> Option<usize> {
        let takes = |at: &usize| self.functions.get(*at).is_some_and(|function| function.params.len() == params);
        self.numbers(name).iter().copied().find(takes)
    }

    /// The functions of that name, whatever they take; closures have no name that can be written.
    pub fn named(&self, name: &str) -> impl Iterator<Item = &Function> {
        self.numbers(name).iter().filter_map(|at| self.functions.get(*at))
    }

    /// The numbers of the functions of that name.
    pub fn numbers(&self, name: &str) -> &[usize] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    /// The names of all functions that have one.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.functions.iter().map(|function| function.name.as_str()).filter(|name| !name.starts_with("anon$"))
    }
}

impl Function {
    /// How it is written.
    pub fn signature(&self) -> String {
        format!("{}({})", self.name, self.params.join(", "))
    }
}

/// A script with its modules; the script is the first.
pub struct Program {
    /// The units.
    pub units: Vec<Unit>,
    /// Their trees.
    pub parsed: Parsed,
}

/// Reads a script and what it imports; what cannot be read is noted.
pub fn read(
    name: &str,
    text: &str,
    resolver: &Resolver,
    sources: &Sources,
    index: &Index,
    findings: &mut Vec<Finding>,
) -> Program {
    let mut engine = Engine::new_raw();
    guards::set_up(&mut engine);
    // Names are looked up here, so that all mistakes are told and not the first alone.
    engine.set_strict_variables(false);
    let mut reader = Reader {
        engine,
        resolver,
        sources,
        index,
        findings,
        units: Vec::new(),
        parsed: Parsed::default(),
        names: HashMap::new(),
        open: Vec::new(),
    };
    // As a run compiles them: the script with the names that it is given, modules without.
    reader.unit(name, text, &given_names());
    Program { units: reader.units, parsed: reader.parsed }
}

struct Reader<'a> {
    engine: Engine,
    resolver: &'a Resolver,
    sources: &'a Sources,
    index: &'a Index,
    findings: &'a mut Vec<Finding>,
    units: Vec<Unit>,
    parsed: Parsed,
    names: HashMap<String, usize>,
    /// The modules that are being read, to see a circle.
    open: Vec<String>,
}

impl Reader<'_> {
    fn unit(&mut self, name: &str, text: &str, given: &Scope<'_>) -> Option<usize> {
        self.sources.add(name, text);
        let ast = match self.engine.compile_with_scope(given, text) {
            Ok(ast) => ast,
            Err(error) => {
                self.findings.push(of_parse(&error, name, self.index));
                return None;
            }
        };
        let at = self.units.len();
        self.names.insert(name.to_owned(), at);
        let functions = functions(&ast);
        let (keys, writes_this) = names(&ast);
        let mut by_name: HashMap<ImmutableString, Vec<usize>> = HashMap::new();
        for (at, function) in functions.iter().enumerate() {
            by_name.entry(function.name.clone()).or_default().push(at);
        }
        self.units.push(Unit {
            name: name.to_owned(),
            statements: ast.statements().to_vec(),
            functions,
            keys,
            writes_this,
            imports: HashMap::new(),
            by_name,
        });
        self.open.push(name.to_owned());
        for (path, position) in imports(&ast) {
            let target = self.import(name, &path, position);
            if let Some(unit) = self.units.get_mut(at) {
                unit.imports.insert(path, target);
            }
        }
        self.open.pop();
        self.parsed.keep(name, text, ast);
        Some(at)
    }

    fn import(&mut self, from: &str, path: &str, position: Position) -> Option<usize> {
        let place = Place::at(from, position);
        let (name, text) = match self.resolver.find(path, Some(from)) {
            Ok(found) => found,
            Err(message) => {
                self.findings.push(Finding::new(Code::UnknownModule, place, message));
                return None;
            }
        };
        if self.open.contains(&name) {
            let circle = format!("{} -> {name}", self.open.join(" -> "));
            let message = format!("modules import each other in a circle: {circle}");
            self.findings.push(Finding::new(Code::UnknownModule, place, message));
            return None;
        }
        match self.names.get(&name) {
            Some(known) => Some(*known),
            None => self.unit(&name, &text, &Scope::new()),
        }
    }
}

fn of_parse(error: &ParseError, name: &str, index: &Index) -> Finding {
    let diagnostic = Diagnostic::of_parse(error, name, index);
    let place = diagnostic.place.unwrap_or_else(|| Place::at(name, Position::new(1, 1)));
    let finding = Finding::new(Code::Syntax, place, diagnostic.message);
    match diagnostic.hints.into_iter().next() {
        Some(hint) => finding.hint(hint),
        None => finding,
    }
}

/// Every import whose path is written out.
fn imports(ast: &AST) -> Vec<(String, Position)> {
    let mut found = Vec::new();
    ast.walk(&mut |path: &[ASTNode<'_>]| {
        if let Some(ASTNode::Stmt(Stmt::Import(import, _))) = path.last()
            && let Expr::StringConstant(text, position) = &import.0
        {
            found.push((text.to_string(), *position));
        }
        true
    });
    found
}

/// The names of members and the short texts; and whether `this` is assigned to.
fn names(ast: &AST) -> (HashSet<String>, bool) {
    let mut keys = HashSet::new();
    let mut writes_this = false;
    ast.walk(&mut |path: &[ASTNode<'_>]| {
        match path.last() {
            Some(ASTNode::Expr(Expr::Map(members, _))) => {
                keys.extend(members.0.iter().map(|(name, _)| name.name.to_string()));
            }
            Some(ASTNode::Expr(Expr::Property(property, _))) => {
                keys.insert(property.2.to_string());
            }
            Some(ASTNode::Expr(Expr::StringConstant(text, _))) if text.len() < 64 => {
                keys.insert(text.to_string());
            }
            Some(ASTNode::Stmt(Stmt::Assignment(assignment))) => {
                let mut root = &assignment.1.lhs;
                while let Expr::Dot(sides, ..) | Expr::Index(sides, ..) = root {
                    root = &sides.lhs;
                }
                writes_this |= matches!(root, Expr::ThisPtr(_));
            }
            _ => {}
        }
        true
    });
    (keys, writes_this)
}

/// The functions of a text with their statements.
///
/// Rhai shows the statements of all functions in one walk, without saying whose they are: each
/// function is put into a module of its own.
fn functions(ast: &AST) -> Vec<Function> {
    let definitions: Vec<_> = ast.shared_lib().iter_script_fn_info().map(|(.., function)| function.clone()).collect();
    let one = |function: Arc<ScriptFuncDef>| {
        let mut alone = Module::new();
        alone.set_script_fn(Arc::clone(&function));
        let alone = AST::new_from_module(alone);
        let mut body = Vec::new();
        alone.walk(&mut |path: &[ASTNode<'_>]| {
            if let [ASTNode::Stmt(statement)] = path {
                body.push((*statement).clone());
            }
            true
        });
        Function {
            name: function.name.clone(),
            params: function.params.to_vec(),
            body,
            private: function.access == FnAccess::Private,
            position: function.body.start_position(),
        }
    };
    definitions.into_iter().map(one).collect()
}
