//! Following a program: rounds that learn, and a last one that notes what is wrong.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rhai::{ASTFlags, Expr, Position, Stmt};

use crate::engine::check::fact::Fact;
use crate::engine::check::finding::{Code, Finding};
use crate::engine::check::premises::Premises;
use crate::engine::check::program::{self, Program, Unit};
use crate::engine::check::scope::{Opening, Scope};
use crate::engine::diagnostic::{Place, Sources};
use crate::engine::index::Index;
use crate::engine::kind::Kind;
use crate::engine::library::NoTexts;
use crate::engine::parsed::Parsed;
use crate::engine::resolver::Resolver;

/// Rounds after which what still changes is taken for anything.
const PATIENCE: usize = 8;

/// Statements that are followed as one: those of a unit, or of a function of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Body {
    unit: usize,
    function: Option<usize>,
}

/// What is known of a script's function.
#[derive(Clone, Debug, Default)]
pub struct Called {
    /// What comes to its parameters, from every call.
    pub params: Vec<Fact>,
    /// What it gives.
    pub returns: Fact,
    /// Whether any call was seen.
    pub seen: bool,
    /// Whether a call was seen in what the script itself runs through.
    pub reached: bool,
    /// Whether something was learned of it since it was followed.
    stale: bool,
    /// What has asked for what it gives.
    callers: Vec<Body>,
}

/// One way through a program.
pub struct Walk<'p> {
    pub(super) program: &'p Program,
    pub(super) premises: &'p Premises,
    pub(super) index: &'p Index,
    pub(super) scope: Scope,
    /// What is known of each unit's functions.
    called: Vec<Vec<Called>>,
    /// Of each unit whether something was learned since its own statements were followed.
    stale: Vec<bool>,
    /// The unit at hand.
    pub(super) unit: usize,
    /// The function at hand, if it is one that a script names.
    function: Option<usize>,
    /// Whether the script itself runs through what is at hand, or what it imports as it is imported.
    pub(super) reached: bool,
    /// What the functions and closures at hand return, the innermost last.
    pub(super) returns: Vec<Fact>,
    /// Whether the loops at hand are left with a value, the innermost last.
    pub(super) breaks: Vec<bool>,
    /// How many `try` are open.
    pub(super) tries: usize,
    /// How many reasons there are to note nothing.
    pub(super) quiet: usize,
    /// Where sketches stand.
    pub(super) places: Vec<Position>,
    /// Names under which a map may hold a function.
    pub(super) keys: &'p HashSet<String>,
    /// The variables that the units declare outside of functions, and whether they are constant.
    pub(super) globals: &'p [HashMap<String, bool>],
    findings: Vec<Finding>,
}

/// What a check has found.
pub struct Report {
    /// What is wrong, in the order of the texts.
    pub findings: Vec<Finding>,
    /// The trees of the script and its modules.
    pub parsed: Parsed,
}

/// Checks a script and what it imports; their texts are added to `sources`.
pub fn check(name: &str, text: &str, premises: &Premises, sources: &Sources) -> Report {
    let resolver = Resolver::new(Arc::clone(&premises.library), sources.clone(), Arc::new(NoTexts));
    let index = &*premises.index;
    let mut findings = Vec::new();
    let program = program::read(name, text, &resolver, sources, index, &mut findings);
    if program.units.first().is_some_and(|unit| unit.name == name) {
        let globals: Vec<_> = program.units.iter().map(globals).collect();
        let keys = program.units.iter().flat_map(|unit| unit.keys.iter().cloned()).collect();
        findings.extend(followed(&program, premises, index, &keys, &globals));
    }
    let unit = |file: &str| program.units.iter().position(|unit| unit.name == file).unwrap_or(usize::MAX);
    findings.sort_by_key(|finding| {
        (unit(&finding.place.file), finding.place.line, finding.place.column, finding.code, finding.message.clone())
    });
    findings.dedup();
    Report { findings, parsed: program.parsed }
}

fn followed(
    program: &Program,
    premises: &Premises,
    index: &Index,
    keys: &HashSet<String>,
    globals: &[HashMap<String, bool>],
) -> Vec<Finding> {
    let functions = |unit: &Unit| {
        let called = |params: usize| Called { params: vec![Fact::Never; params], stale: true, ..Called::default() };
        unit.functions.iter().map(|function| called(function.params.len())).collect()
    };
    let mut walk = Walk {
        program,
        premises,
        index,
        scope: Scope::default(),
        called: program.units.iter().map(functions).collect(),
        stale: vec![true; program.units.len()],
        unit: 0,
        function: None,
        reached: true,
        returns: Vec::new(),
        breaks: Vec::new(),
        tries: 0,
        quiet: 1,
        places: Vec::new(),
        keys,
        globals,
        findings: Vec::new(),
    };
    walk.learn();
    // What no call was seen of may be called from elsewhere, with anything.
    let unseen: Vec<&mut Called> =
        walk.called.iter_mut().flatten().filter(|called| !called.params.is_empty() && !called.seen).collect();
    if !unseen.is_empty() {
        for called in unseen {
            called.params.fill(Fact::Anything);
            called.stale = true;
        }
        walk.learn();
    }
    walk.quiet = 0;
    walk.round(|_, _| true);
    walk.unused();
    walk.findings
}

/// The variables that a unit declares outside of functions.
fn globals(unit: &Unit) -> HashMap<String, bool> {
    let declared = unit.statements.iter().filter_map(|statement| match statement {
        Stmt::Var(var, flags, _) => Some((var.0.name.to_string(), flags.intersects(ASTFlags::CONSTANT))),
        _ => None,
    });
    declared.collect()
}

impl<'p> Walk<'p> {
    /// Follows what something was learned of, until nothing is learned.
    fn learn(&mut self) {
        for round in 0..PATIENCE * 4 {
            self.scope.hasty = round > PATIENCE;
            if !self.round(Self::is_stale) {
                break;
            }
        }
        self.scope.hasty = false;
    }

    /// Follows the bodies that are wanted, each once; whether there were any.
    fn round(&mut self, wanted: impl Fn(&Self, Body) -> bool) -> bool {
        let program = self.program;
        let mut followed = false;
        for (at, unit) in program.units.iter().enumerate() {
            self.unit = at;
            self.places.clear();
            self.scope.open(Opening::Function);
            let text = Body { unit: at, function: None };
            if wanted(self, text) {
                followed = true;
                self.follow(text, |walk| walk.statements(&unit.statements).fact);
                self.scope.keep_imports(at);
            } else {
                // Its functions see what it imports.
                self.scope.show_imports(at);
            }
            for (number, function) in unit.functions.iter().enumerate() {
                let body = Body { unit: at, function: Some(number) };
                // Closures are followed where they stand, since they see what is around them.
                if function.name.starts_with("anon$") || !wanted(self, body) {
                    continue;
                }
                followed = true;
                self.function = Some(number);
                self.reached = self.called(at, number).is_some_and(|called| called.reached);
                self.scope.open(Opening::Function);
                let params = self.called(at, number).map(|called| called.params.clone()).unwrap_or_default();
                let returned = self.follow(body, |walk| {
                    for (name, fact) in function.params.iter().zip(params) {
                        walk.scope.declare(at, name, function.position, fact, false);
                    }
                    walk.statements(&function.body).fact
                });
                self.scope.close();
                self.function = None;
                self.reached = true;
                self.returned(at, number, returned);
            }
            self.scope.close();
        }
        followed
    }

    /// Follows a body; gives what it returns.
    fn follow(&mut self, body: Body, statements: impl FnOnce(&mut Self) -> Fact) -> Fact {
        self.set_stale(body, false);
        self.scope.begin();
        self.returns.push(Fact::Never);
        let value = statements(self);
        if self.scope.outdated {
            self.set_stale(body, true);
        }
        self.returns.pop().unwrap_or_default().join(value)
    }

    fn is_stale(&self, body: Body) -> bool {
        match body.function {
            None => self.stale.get(body.unit).is_some_and(|stale| *stale),
            Some(at) => self.called.get(body.unit).and_then(|all| all.get(at)).is_some_and(|called| called.stale),
        }
    }

    fn set_stale(&mut self, body: Body, stale: bool) {
        let slot = match body.function {
            None => self.stale.get_mut(body.unit),
            Some(at) => self.called(body.unit, at).map(|called| &mut called.stale),
        };
        if let Some(slot) = slot {
            *slot = stale;
        }
    }

    fn called(&mut self, unit: usize, function: usize) -> Option<&mut Called> {
        self.called.get_mut(unit)?.get_mut(function)
    }

    fn returned(&mut self, unit: usize, function: usize, fact: Fact) {
        let hasty = self.scope.hasty;
        let Some(called) = self.called(unit, function) else { return };
        if called.returns.learn(fact, hasty) {
            // Those that ask anew say so anew.
            for caller in std::mem::take(&mut called.callers) {
                self.set_stale(caller, true);
            }
        }
    }

    /// A call of a script's function was seen: these come to its parameters. Gives what it gives.
    pub(super) fn passed(&mut self, unit: usize, function: usize, arguments: &[Fact]) -> Fact {
        let (hasty, reached) = (self.scope.hasty, self.reached);
        let caller = Body { unit: self.unit, function: self.function };
        let Some(called) = self.called(unit, function) else { return Fact::Anything };
        let mut learned = !called.seen || (reached && !called.reached);
        called.seen = true;
        called.reached |= reached;
        for (param, argument) in called.params.iter_mut().zip(arguments) {
            learned |= param.learn(argument.clone(), hasty);
        }
        called.stale |= learned;
        if !called.callers.contains(&caller) {
            called.callers.push(caller);
        }
        called.returns.clone()
    }

    /// A function is handed on, and may be called with anything.
    pub(super) fn handed_on(&mut self, unit: usize, function: usize) {
        let count = self.called(unit, function).map_or(0, |called| called.params.len());
        self.passed(unit, function, &vec![Fact::Anything; count]);
    }

    /// Whether what is at hand stands in a function that a script names.
    pub(super) fn in_function(&self) -> bool {
        self.function.is_some()
    }

    pub(super) fn this_unit(&self) -> Option<&'p Unit> {
        self.program.units.get(self.unit)
    }

    /// Whether anything changes what it is called on, which is not followed.
    pub(super) fn writes_this(&self) -> bool {
        self.program.units.iter().any(|unit| unit.writes_this)
    }

    pub(super) fn place(&self, position: Position) -> Place {
        Place::at(self.this_unit().map_or("", |unit| unit.name.as_str()), position)
    }

    /// Notes a finding, in the last round.
    pub(super) fn note(&mut self, finding: Finding) {
        if self.quiet == 0 {
            self.findings.push(finding);
        }
    }

    /// Notes a finding that has no more to say than its message.
    pub(super) fn say(&mut self, code: Code, position: Position, message: impl Into<String>) {
        if self.quiet == 0 {
            let place = self.place(position);
            self.findings.push(Finding::new(code, place, message));
        }
    }

    /// Notes a value whose kind cannot stand where it does.
    pub(super) fn expect(&mut self, wanted: Kind, fact: &Fact, position: Position, what: &str) {
        if let Some(kind) = fact.kind().filter(|kind| *kind != wanted) {
            self.say(Code::WrongKind, position, format!("{what} must be a {}, and not {}", wanted.name(), a(kind)));
        }
    }

    pub(super) fn expect_bool(&mut self, expr: &'p Expr, what: &str) {
        let fact = self.eval(expr);
        self.expect(Kind::Bool, &fact, expr.start_position(), what);
    }

    fn unused(&mut self) {
        let name = |unit: usize| self.program.units.get(unit).map_or("", |unit| unit.name.as_str());
        let variables = self.scope.variables.iter().filter(|variable| variable.wanted && !variable.read);
        let mut found: Vec<Finding> = variables
            .map(|variable| {
                let place = Place::at(name(variable.unit), variable.position);
                let message = format!("the variable '{}' is never read", variable.name);
                let hint = format!("leave it out, or call it _{} if that is meant", variable.name);
                Finding::new(Code::UnusedVariable, place, message).hint(hint)
            })
            .collect();
        found.extend(self.scope.imports.iter().filter(|import| !import.used && !import.name.is_empty()).map(
            |import| {
                let place = Place::at(name(import.unit), import.position);
                Finding::new(Code::UnusedImport, place, format!("the module '{}' is never used", import.name))
            },
        ));
        self.findings.extend(found);
    }
}

/// A kind with its article.
pub(super) fn a(kind: Kind) -> String {
    let name = kind.name();
    match kind {
        Kind::Unit => name.to_owned(),
        _ if name.starts_with(['a', 'i']) => format!("an {name}"),
        _ => format!("a {name}"),
    }
}
