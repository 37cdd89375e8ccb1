//! Calls by name: the script's own functions, those of modules, of the host and of Rhai.

use rhai::{Expr, FnCallExpr, Position};

use crate::engine::check::appliances::Appliances;
use crate::engine::check::arguments::Arguments;
use crate::engine::check::fact::Fact;
use crate::engine::check::finding::{Code, Finding, Severity};
use crate::engine::check::walk::Walk;
use crate::engine::index::Index;
use crate::engine::kind::Kind;
use crate::nearest::{did_you_mean, nearest};
use crate::value::Value;

/// Functions that are words of the language: how many arguments each takes, and what it gives.
const WORDS: [(&str, std::ops::RangeInclusive<usize>, Kind); 6] = [
    ("type_of", 1..=1, Kind::Text),
    ("call", 1..=99, Kind::Any),
    ("Fn", 1..=1, Kind::Function),
    ("is_def_var", 1..=1, Kind::Bool),
    ("is_def_fn", 2..=2, Kind::Bool),
    ("is_shared", 1..=1, Kind::Bool),
];

/// The word of the language that takes so many arguments.
pub(super) fn word(name: &str, arguments: usize) -> Option<Kind> {
    WORDS.iter().find(|(word, takes, _)| *word == name && takes.contains(&arguments)).map(|(.., gives)| *gives)
}

impl<'p> Walk<'p> {
    /// A call that is not written as a method.
    pub(super) fn call(&mut self, call: &'p FnCallExpr, position: Position) -> Fact {
        let name = call.name.as_str();
        if let Some(space) = call.namespace.path.first() {
            return self.call_in_module(&space.name, space.pos, call, position);
        }
        if call.is_operator_call() || !name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
            return self.operator(call, position);
        }
        let count = call.args.len();
        if let Some(unit) = self.this_unit()
            && let Some(function) = unit.function(name, count)
        {
            let facts: Vec<Fact> = call.args.iter().map(|argument| self.eval(argument)).collect();
            return self.passed(self.unit, function, &facts);
        }
        if let Some(gives) = word(name, count) {
            let facts: Vec<Fact> = call.args.iter().map(|argument| self.eval(argument)).collect();
            return self.spoken(name, &facts, gives, position);
        }
        let forms = Index::functions(name);
        if forms.iter().any(|form| form.takes.len() == count) {
            let arguments = self.arguments(&call.args, None);
            return self.host(name, &call.args, arguments, position);
        }
        // The calls of targets can be written with the target in front, too.
        if let Some((first, rest)) = call.args.split_first()
            && self.index.calls(name).next().is_some()
        {
            let receiver = self.eval(first);
            return self.on_receiver(&receiver, name, rest, position);
        }
        call.args.iter().for_each(|argument| {
            self.eval(argument);
        });
        if self.quiet == 0 {
            self.no_function(name, count, position);
        }
        Fact::Anything
    }

    fn spoken(&mut self, name: &str, facts: &[Fact], gives: Kind, position: Position) -> Fact {
        match (name, facts.first()) {
            ("Fn", Some(Fact::Literal(Value::Text(function)))) => {
                let known = self.this_unit().map(|unit| unit.numbers(function)).unwrap_or_default();
                if known.is_empty()
                    && Index::functions(function).is_empty()
                    && self.index.calls(function).next().is_none()
                {
                    self.say(Code::UnknownFunction, position, format!("there is no function '{function}'"));
                }
                for at in known {
                    self.handed_on(self.unit, *at);
                }
            }
            ("is_def_var", Some(Fact::Literal(Value::Text(variable)))) => {
                if let Some((id, _)) = self.scope.find(variable) {
                    self.scope.read(id);
                }
            }
            ("call", Some(Fact::Closure(arity))) if *arity != facts.len() - 1 => {
                self.say(Code::WrongArguments, position, wrong_arity(*arity, facts.len() - 1));
            }
            _ => {}
        }
        Fact::Kind(gives)
    }

    fn call_in_module(&mut self, space: &str, at: Position, call: &'p FnCallExpr, position: Position) -> Fact {
        let facts: Vec<Fact> = call.args.iter().map(|argument| self.eval(argument)).collect();
        let Some(unit_at) = self.module(space, at) else { return Fact::Anything };
        let Some(unit) = self.program.units.get(unit_at) else { return Fact::Anything };
        let name = call.name.as_str();
        let function = unit.function(name, facts.len());
        let public = function.and_then(|at| unit.functions.get(at)).is_some_and(|function| !function.private);
        if let Some(function) = function.filter(|_| public) {
            return self.passed(unit_at, function, &facts);
        }
        if self.quiet > 0 {
            return Fact::Anything;
        }
        let place = self.place(position);
        let known: Vec<String> =
            unit.named(name).filter(|function| !function.private).map(|function| function.signature()).collect();
        let finding = if known.is_empty() {
            let near = nearest(name, unit.names());
            let signature = near.and_then(|near| unit.named(near).next()).map(|function| function.signature());
            Finding::new(Code::UnknownFunction, place, format!("the module '{space}' has no function '{name}'"))
                .nearest(near)
                .signature(signature.map(|signature| format!("{space}::{signature}")))
        } else {
            let message = format!("'{space}::{name}' does not take {} argument(s)", facts.len());
            Finding::new(Code::WrongArguments, place, message)
                .signature(known.first().map(|signature| format!("{space}::{signature}")))
        };
        self.note(finding);
        Fact::Anything
    }

    /// A function of the host or of Rhai; a method's receiver is the first of the arguments.
    pub(super) fn host(
        &mut self,
        name: &str,
        written: &'p [Expr],
        arguments: Arguments<'p>,
        position: Position,
    ) -> Fact {
        let count = arguments.facts.len();
        let closures: Vec<bool> = arguments.closures.iter().map(Option::is_some).collect();
        let fits = |form: &&crate::engine::index::Entry| {
            form.takes.len() == count
                && form.takes.iter().zip(&arguments.facts).zip(&closures).all(|((wanted, fact), closure)| {
                    if *closure {
                        Kind::Function.fits(*wanted)
                    } else {
                        fact.kind().is_none_or(|kind| kind.fits(*wanted))
                    }
                })
        };
        let forms: Vec<_> = Index::functions(name).iter().filter(fits).collect();
        if forms.is_empty() {
            self.follow_closures(&arguments);
            if self.quiet == 0 {
                self.no_form(name, &arguments, position);
            }
            return Fact::Anything;
        }
        if let Some(form) = forms.iter().find(|form| !form.options.is_empty())
            && forms.iter().all(|other| other.options == form.options)
            && let Some(at) = form.takes.iter().rposition(|kind| *kind == Kind::Map)
        {
            self.options(name, &form.options, &form.signature, arguments.sketches.get(at));
        }
        let mut gives = Fact::Never;
        for form in &forms {
            gives = gives.join(match form.fields.as_slice() {
                [] => Fact::Kind(form.gives),
                fields => Fact::map(fields.iter().map(|(name, kind)| (name.as_str(), Fact::Kind(*kind)))),
            });
        }
        let special = self.special(name, written, &arguments, position);
        special.unwrap_or(gives)
    }

    /// What the functions give of which more is known than their kind.
    fn special(
        &mut self,
        name: &str,
        written: &'p [Expr],
        arguments: &Arguments<'p>,
        position: Position,
    ) -> Option<Fact> {
        let facts = &arguments.facts;
        match (name, facts.first()) {
            ("target", Some(Fact::Literal(Value::Text(target)))) => Some(self.target(target, written, position)),
            ("target", Some(Fact::TargetName(appliances) | Fact::Target(appliances))) => {
                Some(Fact::Target(appliances.clone()))
            }
            ("notify", Some(Fact::Literal(Value::Text(channel)))) => {
                self.channel(channel, written, position);
                None
            }
            ("target", _) => Some(Fact::Target(Appliances::Any)),
            ("targets", Some(filter)) => Some(self.targets(&filter.clone(), position)),
            ("request", _) => {
                self.raw_request(facts, position);
                None
            }
            _ => self.container(name, arguments),
        }
    }

    fn target(&mut self, name: &str, written: &'p [Expr], position: Position) -> Fact {
        let known = &self.premises.targets;
        if known.contains_key(name) {
            return Fact::Target(Appliances::named(name));
        }
        if self.quiet == 0 {
            let near = nearest(name, known.keys().map(String::as_str));
            let list =
                if known.is_empty() { "none".to_owned() } else { known.keys().cloned().collect::<Vec<_>>().join(", ") };
            let message = format!(
                "there is no target '{name}'.{} Configured: {list}",
                did_you_mean(name, known.keys().map(String::as_str))
            );
            let at = written.first().map_or(position, Expr::start_position);
            let mut finding = Finding::new(Code::UnknownTarget, self.place(at), message).nearest(near);
            // Whoever tries it may mean to find out.
            if self.tries > 0 {
                finding.severity = Severity::Warning;
            }
            self.note(finding);
        }
        Fact::Target(Appliances::named(name))
    }

    fn channel(&mut self, name: &str, written: &'p [Expr], position: Position) {
        let known = &self.premises.channels;
        if known.contains(name) || self.quiet > 0 {
            return;
        }
        let near = nearest(name, known.iter().map(String::as_str));
        let list = if known.is_empty() { "none".to_owned() } else { Vec::from_iter(known.clone()).join(", ") };
        let message = format!("there is no channel '{name}'. Configured: {list}");
        let at = written.first().map_or(position, Expr::start_position);
        let mut finding = Finding::new(Code::UnknownChannel, self.place(at), message).nearest(near);
        // Whoever tries it may mean to find out.
        if self.tries > 0 {
            finding.severity = Severity::Warning;
        }
        self.note(finding);
    }

    fn targets(&mut self, filter: &Fact, position: Position) -> Fact {
        let text = |name: &str| match filter {
            Fact::Map(members) => match members.known.get(name) {
                Some((true, Fact::Literal(Value::Text(text)))) => Some(text.clone()),
                _ => None,
            },
            _ => None,
        };
        let closed = matches!(filter, Fact::Map(members) if !members.open);
        let (vendor, tag) = (text("vendor"), text("tag"));
        let unread = |name: &str| matches!(filter, Fact::Map(members) if members.known.contains_key(name));
        if let Some(vendor) = vendor.as_deref().filter(|vendor| self.premises.catalog().vendor(vendor).is_none()) {
            if self.quiet == 0 {
                let ids = self.premises.catalog().vendors().iter().map(|vendor| vendor.id);
                let message = format!("there is no vendor '{vendor}'");
                let finding =
                    Finding::new(Code::UnknownVendor, self.place(position), message).nearest(nearest(vendor, ids));
                self.note(finding);
            }
            return Fact::array(Fact::Target(Appliances::Any));
        }
        let certain = closed && (vendor.is_some() || !unread("vendor")) && (tag.is_some() || !unread("tag"));
        let appliances = if certain {
            Appliances::configured(self.premises, vendor.as_deref(), tag.as_deref())
        } else {
            Appliances::of_vendor(vendor.as_deref())
        };
        Fact::array(Fact::Target(appliances))
    }
}

pub(super) fn wrong_arity(takes: usize, given: usize) -> String {
    format!("the closure takes {takes} argument(s), and is called with {given}")
}
