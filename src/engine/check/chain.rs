//! Chains of members, methods and indices: `a.b[0].c()`.

use rhai::{ASTFlags, Expr, FnCallExpr, Position};

use crate::engine::check::fact::{Answer, Fact};
use crate::engine::check::finding::{Code, Finding};
use crate::engine::check::functions::{word, wrong_arity};
use crate::engine::check::walk::{Walk, a};
use crate::engine::index::Index;
use crate::engine::kind::Kind;
use crate::nearest::nearest;
use crate::value::Value;

impl<'p> Walk<'p> {
    /// A chain from its root.
    pub(super) fn chain(&mut self, expr: &'p Expr) -> Fact {
        match expr {
            Expr::Dot(sides, ..) => {
                let receiver = self.eval(&sides.lhs);
                self.link(receiver, &sides.rhs, Some(&sides.lhs))
            }
            Expr::Index(sides, flags, _) => {
                let receiver = self.eval(&sides.lhs);
                self.indexed(&receiver, &sides.rhs, *flags, Some(&sides.lhs))
            }
            other => self.eval(other),
        }
    }

    /// One link of a chain. `root` is the expression that the receiver is, where it is a variable.
    fn link(&mut self, receiver: Fact, link: &'p Expr, root: Option<&'p Expr>) -> Fact {
        match link {
            Expr::Property(property, position) => {
                let what = match root {
                    Some(Expr::Variable(variable, ..)) => format!("'{}'", variable.1),
                    _ => "the map".to_owned(),
                };
                self.member(&receiver, &property.2, *position, &what)
            }
            Expr::MethodCall(call, position) => self.method(receiver, call, *position, root),
            Expr::Dot(sides, ..) => {
                let middle = self.link(receiver, &sides.lhs, None);
                self.changed_inside(root, &sides.rhs);
                self.link(middle, &sides.rhs, None)
            }
            Expr::Index(sides, flags, _) => {
                let middle = self.link(receiver, &sides.lhs, None);
                self.changed_inside(root, &sides.rhs);
                self.indexed(&middle, &sides.rhs, *flags, None)
            }
            other => {
                self.eval(other);
                Fact::Anything
            }
        }
    }

    /// `[…]`, and what comes behind it: Rhai keeps the rest of a chain inside the brackets, unless a
    /// flag says that the chain ends there.
    fn indexed(&mut self, receiver: &Fact, index: &'p Expr, flags: ASTFlags, root: Option<&'p Expr>) -> Fact {
        let ends = flags.intersects(ASTFlags::BREAK);
        match index {
            Expr::Dot(inner, ..) if !ends => {
                let entry = self.entry(receiver, &inner.lhs);
                self.changed_inside(root, &inner.rhs);
                self.link(entry, &inner.rhs, None)
            }
            Expr::Index(inner, flags, _) if !ends => {
                let entry = self.entry(receiver, &inner.lhs);
                self.changed_inside(root, &inner.rhs);
                self.indexed(&entry, &inner.rhs, *flags, None)
            }
            index => self.entry(receiver, index),
        }
    }

    /// The expressions inside brackets, for their own sake.
    pub(super) fn inside(&mut self, expr: &'p Expr) {
        match expr {
            Expr::Dot(sides, ..) | Expr::Index(sides, ..) => {
                self.inside(&sides.lhs);
                self.inside(&sides.rhs);
            }
            Expr::Property(..) => {}
            Expr::MethodCall(call, _) => call.args.iter().for_each(|argument| {
                self.eval(argument);
            }),
            other => {
                self.eval(other);
            }
        }
    }

    /// A method deep in a chain may change what the variable at its root holds.
    fn changed_inside(&mut self, root: Option<&'p Expr>, rest: &'p Expr) {
        let mut last = rest;
        while let Expr::Dot(sides, ..) | Expr::Index(sides, ..) = last {
            last = &sides.rhs;
        }
        if let (Some(root), Expr::MethodCall(call, _)) = (root, last)
            && super::containers::changes(&call.name)
        {
            self.loosen(root);
        }
    }

    fn entry(&mut self, receiver: &Fact, index: &'p Expr) -> Fact {
        let at = self.eval(index);
        match (receiver.clone().present(), at) {
            (Fact::Map(members), Fact::Literal(Value::Text(name))) => {
                members.known.get(&name).map_or(Fact::Anything, |(_, fact)| fact.clone())
            }
            (Fact::Map(_) | Fact::Answer(_), _) => Fact::Anything,
            (list, _) => list.entry(),
        }
    }

    /// `receiver.name`.
    fn member(&mut self, receiver: &Fact, name: &str, position: Position, what: &str) -> Fact {
        match receiver {
            Fact::Never => Fact::Never,
            Fact::Maybe(inner) => self.member(inner, name, position, what),
            Fact::Map(members) => match members.known.get(name) {
                Some((_, fact)) => fact.clone(),
                None => {
                    if !members.open && !self.writes_this() && self.quiet == 0 {
                        let known: Vec<&str> = members.known.keys().map(String::as_str).collect();
                        self.no_member(name, &known, position, what);
                    }
                    Fact::Anything
                }
            },
            Fact::Answer(answer) => self.field(answer, name, position),
            other => match other.kind() {
                // `?.` gives `()` for `()`.
                None | Some(Kind::Map | Kind::Unit) => Fact::Anything,
                Some(kind) => self.property(kind, name, position),
            },
        }
    }

    fn property(&mut self, kind: Kind, name: &str, position: Position) -> Fact {
        let fits = |form: &&crate::engine::index::Entry| form.takes.first().is_some_and(|takes| kind.fits(*takes));
        let getter = format!("get${name}");
        if let Some(form) = Index::functions(&getter).iter().find(fits) {
            return match (kind, name) {
                (Kind::Target, "name" | "vendor") => Fact::Kind(Kind::Text),
                (Kind::Target, "tags") => Fact::array(Fact::Kind(Kind::Text)),
                _ => Fact::Kind(form.gives),
            };
        }
        if self.quiet == 0 {
            let known: Vec<&str> = match kind {
                Kind::Target => vec!["name", "vendor", "tags"],
                _ => Vec::new(),
            };
            if Index::functions(name).iter().any(|form| form.takes.len() == 1 && fits(&form)) {
                let message = format!("{} has no member '{name}': it is a function", a(kind));
                let finding = Finding::new(Code::UnknownMember, self.place(position), message);
                self.note(finding.hint(format!("write .{name}()")));
            } else {
                self.no_member(name, &known, position, &a(kind));
            }
        }
        Fact::Anything
    }

    pub(super) fn no_member(&mut self, name: &str, known: &[&str], position: Position, what: &str) {
        let message = format!("{what} has no member '{name}'");
        let near = nearest(name, known.iter().copied()).map(str::to_owned);
        let finding = Finding::new(Code::UnknownMember, self.place(position), message).nearest(near);
        self.note(match known {
            [] => finding,
            known => finding.hint(format!("it has: {}", shortened(known))),
        });
    }

    /// `receiver.name(…)`.
    fn method(&mut self, receiver: Fact, call: &'p FnCallExpr, position: Position, root: Option<&'p Expr>) -> Fact {
        let name = call.name.as_str();
        let count = call.args.len();
        // `?.` gives `()` for `()`, whatever is called on it.
        let receiver = match receiver.present() {
            Fact::Kind(Kind::Unit) => Fact::Anything,
            other => other,
        };
        if name == "call" {
            let facts: Vec<Fact> = call.args.iter().map(|argument| self.eval(argument)).collect();
            if let Fact::Closure(arity) = receiver
                && arity != facts.len()
            {
                self.say(Code::WrongArguments, position, wrong_arity(arity, facts.len()));
            }
            return Fact::Anything;
        }
        if let Some(gives) = word(name, count + 1) {
            self.inside_arguments(call);
            return Fact::Kind(gives);
        }
        if let Some(unit) = self.this_unit()
            && let Some(function) = unit.function(name, count)
        {
            let facts: Vec<Fact> = call.args.iter().map(|argument| self.eval(argument)).collect();
            // The function may change its receiver.
            if let Some(root) = root {
                self.loosen(root);
            }
            return self.passed(self.unit, function, &facts);
        }
        let kind = receiver.kind();
        let takes = |form: &crate::engine::index::Entry| {
            form.takes.len() == count + 1
                && form.takes.first().is_some_and(|first| kind.is_none_or(|kind| kind.fits(*first)))
        };
        if Index::functions(name).iter().any(takes) {
            let arguments = self.arguments(&call.args, Some(&receiver));
            let changed = self.change(name, &receiver, &arguments.facts);
            let fact = self.host(name, &call.args, arguments, position);
            self.changed(root, changed, position);
            return fact;
        }
        let holds_function = matches!(kind, None | Some(Kind::Map)) && self.keys.contains(name);
        if receiver == Fact::Never || holds_function {
            self.inside_arguments(call);
            return Fact::Anything;
        }
        if matches!(kind, None | Some(Kind::Target)) && (kind.is_some() || self.index.calls(name).next().is_some()) {
            return self.on_receiver(&receiver, name, &call.args, position);
        }
        self.inside_arguments(call);
        if self.quiet == 0 {
            self.no_method(name, count, kind, position);
        }
        Fact::Anything
    }

    fn inside_arguments(&mut self, call: &'p FnCallExpr) {
        call.args.iter().for_each(|argument| {
            self.eval(argument);
        });
    }

    fn no_method(&mut self, name: &str, count: usize, kind: Option<Kind>, position: Position) {
        let forms = Index::functions(name);
        let of_kind = |form: &&crate::engine::index::Entry| {
            form.takes.first().is_some_and(|first| kind.is_none_or(|kind| kind.fits(*first)))
        };
        let signatures: Vec<String> = forms.iter().filter(of_kind).map(|form| form.signature.clone()).collect();
        let what = kind.map_or_else(|| "a value".to_owned(), a);
        if signatures.is_empty() && !forms.is_empty() {
            let message = format!("{what} has no function '{name}'");
            let finding = Finding::new(Code::WrongArguments, self.place(position), message);
            let known: Vec<String> = forms.iter().map(|form| form.signature.clone()).collect();
            self.note(finding.signature(super::arguments::joined(&known)));
        } else if signatures.is_empty() {
            self.no_function(name, count, position);
        } else {
            let message = format!("'{name}' does not take {count} argument(s) here");
            let finding = Finding::new(Code::WrongArguments, self.place(position), message);
            self.note(finding.signature(super::arguments::joined(&signatures)));
        }
    }

    /// A field of an answer, as far as the row knows it.
    fn field(&mut self, answer: &Answer, name: &str, position: Position) -> Fact {
        let path = if answer.at.is_empty() { name.to_owned() } else { format!("{}.{name}", answer.at) };
        if let Some(fact) = super::calls::field(answer.row, &path) {
            return fact;
        }
        if self.quiet == 0
            && let Some(known) = super::calls::complete(answer.row, &answer.at)
        {
            let message = format!("the answer of {} has no '{name}', as far as its row knows", answer.row.name);
            let near = nearest(name, known.iter().copied()).map(str::to_owned);
            let finding = Finding::new(Code::UnknownMember, self.place(position), message).nearest(near);
            let cure = format!(
                "it has: {}; where an appliance has more than its documents say, write get(\"{name}\")",
                shortened(&known)
            );
            self.note(finding.as_warning().hint(cure));
        }
        Fact::Anything
    }
}

/// A list of names that fits into a sentence.
fn shortened(names: &[&str]) -> String {
    match names.get(..12) {
        Some(first) if names.len() > 12 => format!("{}, …", first.join(", ")),
        _ => names.join(", "),
    }
}
