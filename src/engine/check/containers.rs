//! Arrays, maps, and the functions that are given functions: what they give, and what they change.

use std::rc::Rc;

use rhai::{Expr, Position};

use crate::engine::check::arguments::Arguments;
use crate::engine::check::fact::{Fact, Members};
use crate::engine::check::walk::Walk;
use crate::engine::kind::Kind;
use crate::value::Value;

/// Functions that change their first argument.
const CHANGING: &[&str] = &[
    "append",
    "chop",
    "clear",
    "crop",
    "dedup",
    "drain",
    "fill_with",
    "insert",
    "make_lower",
    "make_upper",
    "mixin",
    "pad",
    "pop",
    "push",
    "remove",
    "replace",
    "retain",
    "reverse",
    "set",
    "shift",
    "sort",
    "sort_by",
    "sort_desc",
    "order",
    "order_by",
    "order_desc",
    "splice",
    "trim",
    "truncate",
];

/// Whether a function changes its first argument.
pub(super) fn changes(name: &str) -> bool {
    CHANGING.contains(&name)
}

impl<'p> Walk<'p> {
    /// What a variable holds after a function has changed it; `None` where it changes nothing.
    pub(super) fn change(&self, name: &str, before: &Fact, arguments: &[Fact]) -> Option<Fact> {
        let own = matches!(before.kind(), None | Some(Kind::Array | Kind::Map | Kind::Text | Kind::Blob));
        if !changes(name) || !own {
            return None;
        }
        let argument = |at: usize| arguments.get(at).cloned().unwrap_or(Fact::Anything);
        Some(match (before, name) {
            (Fact::Array(entry), "push") => Fact::array((**entry).clone().join(argument(1))),
            (Fact::Array(entry), "insert" | "pad" | "set") => Fact::array((**entry).clone().join(argument(2))),
            (Fact::Array(entry), "append") => Fact::array((**entry).clone().join(argument(1).entry())),
            (Fact::Array(_), "splice") => before.clone().loose(),
            (Fact::Map(members), "set") => match argument(1) {
                Fact::Literal(Value::Text(name)) => Fact::Map(members.clone().with(&name, argument(2))),
                _ => before.clone().loose(),
            },
            (Fact::Map(members), "mixin" | "fill_with") => merged(members, &argument(1)),
            (Fact::Map(members), "remove" | "clear" | "retain" | "drain") => {
                Fact::Map(members.clone().each(|(_, fact)| (false, fact)))
            }
            (Fact::Literal(_), _) => Fact::Kind(Kind::Text),
            (other, _) => other.clone(),
        })
    }

    /// The variable at the root of a method has been changed.
    pub(super) fn changed(&mut self, root: Option<&'p Expr>, after: Option<Fact>, position: Position) {
        let (Some(Expr::Variable(variable, ..)), Some(after)) = (root, after) else { return };
        let Some((id, outside)) = self.scope.find(&variable.1) else { return };
        self.lost(outside, &variable.1, position);
        self.scope.learn(id, after);
    }

    /// What functions of lists and maps give, and those that are given functions.
    pub(super) fn container(&mut self, name: &str, arguments: &Arguments<'p>) -> Option<Fact> {
        let first = arguments.facts.first().cloned().unwrap_or(Fact::Anything);
        let closure = arguments.closures.iter().rev().find_map(|closure| *closure);
        if let Some(closure) = closure {
            return self.with_closure(name, &first, closure, arguments);
        }
        let literal = |at: usize| match arguments.facts.get(at) {
            Some(Fact::Literal(Value::Text(text))) => Some(text.as_str()),
            _ => None,
        };
        match (&first, name) {
            (Fact::Array(entry), "pop" | "shift" | "remove") => Some((**entry).clone().or_unit()),
            (Fact::Array(entry), "get") => Some((**entry).clone().or_unit()),
            (Fact::Array(_), "extract" | "drain" | "retain") => Some(first.clone()),
            (Fact::Map(members), "get") => {
                match (literal(1).map(|name| members.known.get(name)), arguments.facts.get(2)) {
                    (Some(Some((true, fact))), _) => Some(fact.clone()),
                    (Some(Some((false, fact))), default) => {
                        Some(fact.clone().join(default.cloned().unwrap_or(Fact::Kind(Kind::Unit))))
                    }
                    _ => None,
                }
            }
            (_, "keys") => Some(Fact::array(Fact::Kind(Kind::Text))),
            (Fact::Map(members), "values") if !members.open => {
                let facts = members.known.values().map(|(_, fact)| fact.clone());
                Some(Fact::array(facts.fold(Fact::Never, Fact::join)))
            }
            (_, "split" | "lines" | "read_lines") if first.kind() == Some(Kind::Text) => {
                Some(Fact::array(Fact::Kind(Kind::Text)))
            }
            _ => None,
        }
    }

    fn with_closure(&mut self, name: &str, first: &Fact, closure: &'p Expr, arguments: &Arguments<'p>) -> Option<Fact> {
        let others = arguments.closures.iter().flatten().filter(|other| !std::ptr::eq(**other, closure));
        for other in others {
            self.followed(other, None, false);
        }
        let entry = first.entry();
        match name {
            "parallel" | "parallel_settled" => {
                self.expect_arity(closure, 1, name);
                let given = self.followed(closure, Some(&[entry]), true);
                return Some(Fact::array(if name == "parallel" {
                    given
                } else {
                    let outcome = [("ok", given), ("error", Fact::Anything)];
                    let known = outcome.into_iter().map(|(name, fact)| (name.to_owned(), (false, fact)));
                    Fact::Map(Members::of(known, false))
                }));
            }
            "retry" | "step" | "transaction" => {
                self.expect_arity(closure, 0, name);
                return Some(self.followed(closure, Some(&[]), false));
            }
            "wait_until" => {
                self.expect_arity(closure, 0, name);
                self.followed(closure, Some(&[]), false);
                return None;
            }
            _ => {}
        }
        if !matches!(first, Fact::Array(_)) {
            self.followed(closure, None, false);
            return None;
        }
        let given = match name {
            "reduce" | "reduce_rev" => self.followed(closure, None, false),
            "sort" | "order" | "dedup" => self.followed(closure, Some(&[entry.clone(), entry.clone()]), false),
            _ => self.followed(closure, Some(&[entry.clone(), Fact::Kind(Kind::Int)]), false),
        };
        match name {
            "map" => Some(Fact::array(given)),
            "filter" | "drain" | "retain" => Some(first.clone()),
            "find" => Some(entry.or_unit()),
            _ => None,
        }
    }
}

/// A map with the members of another.
pub(super) fn merged(members: &Members, other: &Fact) -> Fact {
    match other {
        Fact::Map(more) => {
            let mut after = members.clone();
            let known = Rc::make_mut(&mut after.known);
            for (name, (certain, fact)) in &*more.known {
                let slot = known.entry(name.clone()).or_default();
                *slot = if *certain {
                    (true, fact.clone())
                } else {
                    (slot.0, std::mem::take(&mut slot.1).join(fact.clone()))
                };
            }
            after.open |= more.open;
            Fact::Map(after)
        }
        Fact::Never => Fact::Map(members.clone()),
        _ => Fact::Map(members.clone()).loose(),
    }
}
