//! Arguments: what is known of each, and what is said where no function takes them.

use rhai::{Expr, Position};

use crate::catalog::bind::look::{Known, Sketch};
use crate::engine::check::fact::Fact;
use crate::engine::check::finding::{Code, Finding};
use crate::engine::check::walk::Walk;
use crate::engine::index::{Entry, Index};
use crate::engine::kind::Kind;
use crate::nearest::nearest;

/// The arguments of a call. Closures that are written out are followed later, when it is known what
/// they are called with.
pub(super) struct Arguments<'p> {
    /// What is known of each.
    pub facts: Vec<Fact>,
    /// The same for a look at them.
    pub sketches: Vec<Sketch>,
    /// The closures among them.
    pub closures: Vec<Option<&'p Expr>>,
}

impl<'p> Walk<'p> {
    /// Looks at arguments; a method's receiver comes first.
    pub(super) fn arguments(&mut self, written: &'p [Expr], receiver: Option<&Fact>) -> Arguments<'p> {
        let mut arguments = Arguments { facts: Vec::new(), sketches: Vec::new(), closures: Vec::new() };
        if let Some(receiver) = receiver {
            arguments.facts.push(receiver.clone());
            let sketch = self.sketch(Known::Nothing, Position::NONE);
            arguments.sketches.push(sketch);
            arguments.closures.push(None);
        }
        for expr in written {
            let (fact, sketch, closure) = match self.arity(expr) {
                Some(arity) => {
                    (Fact::Closure(arity), self.sketch(Known::Kind("Fn"), expr.start_position()), Some(expr))
                }
                None => {
                    let (fact, sketch) = self.sketched(expr);
                    (fact, sketch, None)
                }
            };
            arguments.facts.push(fact);
            arguments.sketches.push(sketch);
            arguments.closures.push(closure);
        }
        arguments
    }

    /// Follows the closures among arguments of which nobody knows what they are called with.
    pub(super) fn follow_closures(&mut self, arguments: &Arguments<'p>) {
        for closure in arguments.closures.iter().flatten() {
            self.followed(closure, None, false);
        }
    }

    /// Notes members of an options map that the function does not know.
    pub(super) fn options(&mut self, name: &str, known: &[String], signature: &str, sketch: Option<&Sketch>) {
        let Some(Sketch { known: Known::Map(members, _), .. }) = sketch else { return };
        if self.quiet > 0 {
            return;
        }
        for member in members.iter().filter(|member| !known.contains(&member.name)) {
            let position = self.places.get(member.at).copied().unwrap_or(Position::NONE);
            let message = format!("'{}' is not an option of {name}", member.name);
            let near = nearest(&member.name, known.iter().map(String::as_str));
            let finding = Finding::new(Code::UnknownOption, self.place(position), message);
            self.note(finding.nearest(near).signature(Some(signature)));
        }
    }

    /// Notes a call of a function that is not there, or does not take so many arguments.
    pub(super) fn no_function(&mut self, name: &str, count: usize, position: Position) {
        let place = self.place(position);
        let own: Vec<String> = self
            .this_unit()
            .into_iter()
            .flat_map(|unit| unit.named(name))
            .map(|function| function.signature())
            .collect();
        let signatures = own.into_iter().chain(signatures(Index::functions(name)));
        let calls = self.index.calls(name).map(|callable| crate::catalog::signature(callable.row));
        let signatures: Vec<String> = signatures.chain(calls).collect();
        let finding = if signatures.is_empty() {
            if self.scope.find(name).is_some() {
                let message = format!("there is no function '{name}': it is a variable");
                Finding::new(Code::UnknownFunction, place, message)
                    .hint(format!("a closure in a variable is called as {name}.call(…)"))
            } else {
                let own = self.this_unit().map(|unit| unit.names()).into_iter().flatten();
                let near = nearest(name, own.chain(self.index.names()));
                let signature = near.and_then(|near| self.signature_of(near));
                Finding::new(Code::UnknownFunction, place, format!("there is no function '{name}'"))
                    .nearest(near.map(str::to_owned))
                    .signature(signature)
            }
        } else {
            let message = format!("'{name}' does not take {count} argument(s)");
            Finding::new(Code::WrongArguments, place, message).signature(joined(&signatures))
        };
        self.note(finding);
    }

    /// Notes arguments whose kinds no form of a function takes.
    pub(super) fn no_form(&mut self, name: &str, arguments: &Arguments<'p>, position: Position) {
        let kinds: Vec<&str> = arguments.facts.iter().map(|fact| fact.kind().unwrap_or(Kind::Any).name()).collect();
        let message = format!("'{name}' does not take ({})", kinds.join(", "));
        let forms = Index::functions(name).iter().filter(|form| form.takes.len() == arguments.facts.len());
        let written: Vec<String> = forms.map(with_kinds).collect();
        let finding = Finding::new(Code::WrongArguments, self.place(position), message).signature(joined(&written));
        self.note(finding);
    }

    fn signature_of(&self, name: &str) -> Option<String> {
        let own = self.this_unit().and_then(|unit| unit.named(name).next()).map(|function| function.signature());
        own.or_else(|| signatures(Index::functions(name)).into_iter().next())
            .or_else(|| self.index.named(name).next().map(|entry| entry.signature.clone()))
    }
}

/// How a function is written. Where one form takes anything, those for certain kinds are left out.
fn signatures(forms: &[Entry]) -> Vec<String> {
    let general = |form: &Entry| form.takes.iter().all(|kind| *kind == Kind::Any);
    let covered = |form: &Entry| {
        let same = |other: &Entry| other.takes.len() == form.takes.len() && general(other);
        !form.takes.is_empty() && !general(form) && forms.iter().any(same)
    };
    let mut all: Vec<String> = forms.iter().filter(|form| !covered(form)).map(|form| form.signature.clone()).collect();
    // What takes most comes first: a form without arguments says least.
    all.sort_by_key(|signature| std::cmp::Reverse(signature.len().min(40)));
    all.dedup();
    all
}

/// A function with the kinds of its arguments.
fn with_kinds(form: &Entry) -> String {
    let kinds: Vec<&str> = form.takes.iter().map(|kind| kind.name()).collect();
    format!("{}({})", form.name, kinds.join(", "))
}

/// The first few of them, as a sentence has them.
pub(super) fn joined(signatures: &[String]) -> Option<String> {
    let mut different: Vec<&str> = signatures.iter().map(String::as_str).collect();
    different.dedup();
    different.truncate(4);
    (!different.is_empty()).then(|| different.join(" or "))
}
