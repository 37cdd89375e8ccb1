//! Expressions: what is known of their values.

use std::collections::BTreeMap;

use rhai::{Expr, ImmutableString, Position};

use crate::catalog::bind::look::{Known, Member, Sketch};
use crate::engine::check::appliances::Appliances;
use crate::engine::check::fact::{Fact, Members};
use crate::engine::check::finding::{Code, Finding};
use crate::engine::check::statements::Var;
use crate::engine::check::walk::Walk;
use crate::engine::context::RunFacts;
use crate::engine::kind::Kind;
use crate::nearest::nearest;
use crate::value::Value;

/// The names that a script is given, and a module is not.
const GIVEN: [&str; 4] = ["params", "event", "run", "store"];

impl<'p> Walk<'p> {
    /// What is known of an expression's value.
    pub(super) fn eval(&mut self, expr: &'p Expr) -> Fact {
        match expr {
            Expr::DynamicConstant(..) => self.closure(expr, None, false).unwrap_or(Fact::Anything),
            Expr::InterpolatedString(parts, _) => {
                for part in parts.iter() {
                    self.eval(part);
                }
                Fact::Kind(Kind::Text)
            }
            Expr::Array(..) | Expr::Map(..) => self.sketched(expr).0,
            Expr::Variable(variable, _, position) => self.variable(variable, *position),
            Expr::Stmt(block) => match self.closure(expr, None, false) {
                Some(closure) => closure,
                None => self.block(block).fact,
            },
            Expr::FnCall(call, position) => self.call(call, *position),
            Expr::Dot(..) | Expr::Index(..) => self.chain(expr),
            Expr::And(sides, _) | Expr::Or(sides, _) => {
                for side in sides.iter() {
                    self.expect_bool(side, "each side of && and ||");
                }
                Fact::Kind(Kind::Bool)
            }
            Expr::Coalesce(sides, _) => {
                let mut fact = Fact::Never;
                for side in sides.iter() {
                    fact = fact.present().join(self.eval(side));
                }
                fact
            }
            other => literal(other).unwrap_or(Fact::Anything),
        }
    }

    /// What is known of a value, and the same for the look at a call's arguments, which is taken in the last round
    /// alone. A literal is followed entry by entry, so that each has its place.
    pub(super) fn sketched(&mut self, expr: &'p Expr) -> (Fact, Sketch) {
        match expr {
            Expr::Array(items, position) => {
                let mut entry = Fact::Never;
                let mut sketches = Vec::new();
                for item in items.iter() {
                    let (fact, sketch) = self.sketched(item);
                    entry = entry.join(fact);
                    if self.quiet == 0 {
                        sketches.push(sketch);
                    }
                }
                (Fact::array(entry), self.sketch(Known::List(sketches), *position))
            }
            Expr::Map(members, position) => {
                let mut known = BTreeMap::new();
                let mut sketches = Vec::new();
                for (name, value) in &members.0 {
                    let (fact, value) = self.sketched(value);
                    known.insert(name.name.to_string(), (true, fact));
                    if self.quiet == 0 {
                        let at = self.at(name.pos);
                        sketches.push(Member { name: name.name.to_string(), at, certain: true, value });
                    }
                }
                (Fact::Map(Members::of(known, false)), self.sketch(Known::Map(sketches, false), *position))
            }
            other => {
                let fact = self.eval(other);
                let position = other.start_position();
                let known = if self.quiet == 0 { self.known(&fact, position) } else { Known::Nothing };
                (fact, self.sketch(known, position))
            }
        }
    }

    /// A fact for the look at a call's arguments.
    fn known(&mut self, fact: &Fact, position: Position) -> Known {
        match fact {
            Fact::Literal(value) => Known::Value(value.clone()),
            Fact::Kind(Kind::Unit) => Known::Value(Value::Null),
            Fact::Map(Members { known, open }) => {
                let mut members = Vec::with_capacity(known.len());
                for (name, (certain, fact)) in &**known {
                    let value = self.known(fact, position);
                    let (at, value) = (self.at(position), self.sketch(value, position));
                    members.push(Member { name: name.clone(), at, certain: *certain, value });
                }
                Known::Map(members, *open)
            }
            other => match other.kind() {
                None => Known::Nothing,
                Some(Kind::Char | Kind::Network | Kind::Target) => Known::Kind("string"),
                Some(Kind::Networks | Kind::NetworkMaps) => Known::Kind("array"),
                Some(Kind::Time) => Known::Kind("time"),
                Some(Kind::Duration) => Known::Kind("duration"),
                Some(Kind::Secret) => Known::Kind("secret"),
                Some(kind) => Known::Kind(kind.name()),
            },
        }
    }

    pub(super) fn at(&mut self, position: Position) -> usize {
        self.places.push(position);
        self.places.len() - 1
    }

    pub(super) fn sketch(&mut self, known: Known, position: Position) -> Sketch {
        Sketch { at: self.at(position), known }
    }

    /// A variable that is read.
    pub(super) fn variable(&mut self, variable: &'p Var, position: Position) -> Fact {
        let name = &variable.1;
        if let Some(first) = variable.2.path.first() {
            return self.qualified(&first.name, name, position);
        }
        if let Some((id, _)) = self.scope.find(name) {
            return self.scope.read(id);
        }
        let is_given = GIVEN.contains(&name.as_str());
        if is_given && self.unit == 0 {
            return self.given(name);
        }
        let pointed = self.this_unit().map(|unit| unit.numbers(name)).unwrap_or_default();
        if !pointed.is_empty() {
            for at in pointed {
                self.handed_on(self.unit, *at);
            }
            return Fact::Kind(Kind::Function);
        }
        if self.quiet == 0 {
            self.undefined(name, is_given, position);
        }
        Fact::Anything
    }

    fn undefined(&mut self, name: &ImmutableString, is_given: bool, position: Position) {
        let place = self.place(position);
        let finding = Finding::new(Code::UndefinedVariable, place, format!("there is no variable '{name}'"));
        let global = self.globals.get(self.unit).and_then(|globals| globals.get(name.as_str())).copied();
        // It would be read, were it seen.
        self.read_global(name);
        let finding = match global.filter(|_| self.in_function()) {
            _ if is_given => {
                finding.hint(format!("a module does not see '{name}': give it to the module's function as an argument"))
            }
            Some(true) => finding.hint(format!("functions do not see the constants of the script around them: write global::{name}")),
            Some(false) => finding
                .hint("functions do not see the variables of the script around them: give them as arguments, or use const and global::NAME"),
            None => {
                let given = GIVEN.into_iter().filter(|_| self.unit == 0);
                let functions = self.this_unit().map(|unit| unit.names()).into_iter().flatten();
                let known = self.scope.names().chain(given).chain(functions);
                finding.nearest(nearest(name, known))
            }
        };
        self.note(finding);
    }

    /// `space::name`.
    fn qualified(&mut self, space: &str, name: &str, position: Position) -> Fact {
        if space == "global" {
            let globals = self.globals.get(self.unit);
            if globals.is_some_and(|globals| globals.get(name).is_none_or(|constant| !constant)) && self.quiet == 0 {
                let constants = globals.into_iter().flatten().filter(|(_, constant)| **constant);
                let near = nearest(name, constants.map(|(name, _)| name.as_str()));
                let message = format!("there is no constant '{name}' outside of the functions");
                let finding = Finding::new(Code::UndefinedVariable, self.place(position), message).nearest(near);
                self.note(finding);
            }
            self.read_global(name);
        } else {
            self.module(space, position);
        }
        Fact::Anything
    }

    fn read_global(&mut self, name: &str) {
        let unit = self.unit;
        for variable in
            self.scope.variables.iter_mut().filter(|variable| variable.unit == unit && variable.name == name)
        {
            variable.read = true;
        }
    }

    /// The unit behind a module's name.
    pub(super) fn module(&mut self, name: &str, position: Position) -> Option<usize> {
        match self.scope.module(name) {
            Some(unit) => unit,
            None => {
                if self.quiet == 0 {
                    let message = format!("there is no module '{name}'");
                    let finding = Finding::new(Code::UnknownModule, self.place(position), message);
                    self.note(finding.hint(format!("import it first: import \"std/…\" as {name};")));
                }
                None
            }
        }
    }

    /// What a script is given.
    fn given(&self, name: &str) -> Fact {
        match name {
            "run" => Fact::map(RunFacts::RUN.map(|name| (name, Fact::Kind(Kind::Text)))),
            "store" => Fact::Kind(Kind::Store),
            "params" => self.premises.params.as_ref().map_or(Fact::Anything, |params| {
                Fact::map(params.iter().map(|param| {
                    let one = if param.target {
                        Fact::TargetName(Appliances::of_vendor(param.vendor.as_deref()))
                    } else {
                        Fact::Kind(param.kind)
                    };
                    let fact = if param.list { Fact::array(one) } else { one };
                    (param.name.clone(), if param.optional { fact.or_unit() } else { fact })
                }))
            }),
            _ => Fact::Anything,
        }
    }
}

/// A value that is written out.
fn literal(expr: &Expr) -> Option<Fact> {
    Some(match expr {
        Expr::BoolConstant(flag, _) => Fact::Literal(Value::Bool(*flag)),
        Expr::IntegerConstant(number, _) => Fact::Literal(Value::Int(*number)),
        Expr::FloatConstant(number, _) => Fact::Literal(Value::Float(**number)),
        Expr::StringConstant(text, _) => Fact::Literal(Value::Text(text.to_string())),
        Expr::CharConstant(..) => Fact::Kind(Kind::Char),
        Expr::Unit(_) => Fact::Kind(Kind::Unit),
        _ => return None,
    })
}
