//! Operators: what two kinds give, and which do not go together.

use rhai::{Expr, FnCallExpr, Position};

use crate::engine::check::containers::merged;
use crate::engine::check::fact::Fact;
use crate::engine::check::finding::Code;
use crate::engine::check::walk::{Walk, a};
use crate::engine::index::Index;
use crate::engine::kind::Kind;

impl<'p> Walk<'p> {
    /// An operator with its sides.
    pub(super) fn operator(&mut self, call: &'p FnCallExpr, position: Position) -> Fact {
        let name = call.name.as_str();
        let facts: Vec<Fact> = call.args.iter().map(|side| self.eval(side)).collect();
        let at = |side: usize| call.args.get(side).map_or(position, Expr::start_position);
        match (name, facts.as_slice()) {
            ("!", [side]) => {
                self.expect(Kind::Bool, side, at(0), "what ! turns round");
                Fact::Kind(Kind::Bool)
            }
            ("-" | "+", [side]) => match side.kind() {
                Some(kind @ (Kind::Int | Kind::Float)) => Fact::Kind(kind),
                Some(kind) => {
                    self.say(Code::WrongKind, at(0), format!("{name} needs a number, and not {}", a(kind)));
                    Fact::Anything
                }
                None => Fact::Anything,
            },
            (".." | "..=", _) => {
                for (number, side) in facts.iter().enumerate() {
                    if side.kind() != Some(Kind::Unit) {
                        self.expect(Kind::Int, side, at(number), "the end of a range");
                    }
                }
                Fact::Kind(Kind::Range)
            }
            ("==" | "!=" | "<" | "<=" | ">" | ">=", [left, right]) => {
                if left.kind() == Some(Kind::Secret) && right.kind() == Some(Kind::Secret) && name.len() == 2 {
                    self.say(Code::WrongKind, position, "secrets cannot be compared");
                }
                Fact::Kind(Kind::Bool)
            }
            (_, [left, right]) => self.operated(name, left.clone(), right.clone(), position),
            _ => Fact::Anything,
        }
    }

    /// What an operator of two sides gives; `+=` and the like fall back to `+`.
    pub(super) fn operated(&mut self, name: &str, left: Fact, right: Fact, position: Position) -> Fact {
        let base = name.strip_suffix('=').unwrap_or(name);
        match (&left, &right, base) {
            (Fact::Map(members), other, "+") if matches!(other.kind(), None | Some(Kind::Map)) => {
                return merged(members, other);
            }
            (Fact::Array(entry), Fact::Array(more), "+") => {
                return Fact::array((**entry).clone().join((**more).clone()));
            }
            (Fact::Array(entry), one, "+") if one.kind().is_some() && name == "+=" => {
                return Fact::array((**entry).clone().join(one.clone()));
            }
            (Fact::Array(_), _, _) => return left.loose(),
            (Fact::Never, _, _) | (_, Fact::Never, _) => return Fact::Never,
            _ => {}
        }
        let message = match (left.kind(), right.kind()) {
            (Some(one), Some(other)) => match together(name, one, other) {
                Some(kind) => return Fact::Kind(kind),
                None => format!("'{base}' does not take {} and {}", a(one), a(other)),
            },
            (None, Some(other)) if self.quiet == 0 && Kind::all().all(|kind| together(name, kind, other).is_none()) => {
                format!("'{base}' takes nothing with {} on its right", a(other))
            }
            (Some(one), None) if self.quiet == 0 && Kind::all().all(|kind| together(name, one, kind).is_none()) => {
                format!("'{base}' takes nothing with {} on its left", a(one))
            }
            _ => return Fact::Anything,
        };
        self.say(Code::WrongKind, position, message);
        Fact::Anything
    }
}

/// What two kinds give; `None` where they do not go together.
pub(super) fn together(name: &str, left: Kind, right: Kind) -> Option<Kind> {
    let base = name.strip_suffix('=').unwrap_or(name);
    builtin(base, left, right).or_else(|| {
        let forms = Index::functions(base).iter().chain(if base == name { &[] } else { Index::functions(name) });
        let fits = |form: &&crate::engine::index::Entry| match form.takes.as_slice() {
            [one, other] => left.fits(*one) && right.fits(*other),
            _ => false,
        };
        let found: Vec<Kind> = forms.filter(fits).map(|form| form.gives).collect();
        let (first, rest) = found.split_first()?;
        Some(if rest.iter().all(|kind| kind == first) { *first } else { Kind::Any })
    })
}

/// What Rhai does by itself, without a function that is registered.
fn builtin(base: &str, left: Kind, right: Kind) -> Option<Kind> {
    use Kind::{Bool, Char, Float, Int, Text};
    match (base, left, right) {
        ("+" | "-" | "*" | "/" | "%" | "**" | "<<" | ">>" | "&" | "|" | "^", Int, Int) => Some(Int),
        ("+" | "-" | "*" | "/" | "%" | "**", Int | Float, Int | Float) => Some(Float),
        ("&" | "|" | "^", Bool, Bool) => Some(Bool),
        ("+" | "-", Text, Text | Char) | ("+", Char, Text | Char) => Some(Text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {

    use rhai::{Dynamic, Engine, Scope};

    use super::*;
    use crate::engine::types::{Length, Time};

    /// A value of each kind that a script has often.
    fn samples() -> Vec<(Kind, Dynamic)> {
        let engine = Engine::new();
        let mut samples: Vec<(Kind, Dynamic)> = [
            (Kind::Unit, "()"),
            (Kind::Bool, "true"),
            (Kind::Int, "2"),
            (Kind::Float, "2.5"),
            (Kind::Char, "'c'"),
            (Kind::Text, "\"text\""),
            (Kind::Map, "#{ a: 1 }"),
            (Kind::Function, "|x| x"),
            (Kind::Range, "1..2"),
        ]
        .into_iter()
        .map(|(kind, text)| (kind, engine.eval::<Dynamic>(text).unwrap()))
        .collect();
        samples.push((Kind::Time, Dynamic::from(Time(jiff::Timestamp::UNIX_EPOCH))));
        samples.push((Kind::Duration, Dynamic::from(Length(jiff::SignedDuration::from_secs(1)))));
        samples.push((Kind::Secret, Dynamic::from(crate::secret::Secret::new("x", "secret".to_owned()))));
        samples.push((Kind::Network, Dynamic::from(crate::network::Network::parse("192.0.2.1").unwrap().network)));
        samples
    }

    #[test]
    fn kinds_go_together_where_rhai_lets_them() {
        let mut engine = Engine::new();
        engine.register_global_module(crate::engine::host::module());
        engine.set_optimization_level(rhai::OptimizationLevel::None);
        let mut wrong = Vec::new();
        for name in ["+", "-", "*", "/", "%", "**", "<<", ">>", "&", "|", "^", "+=", "-=", "*="] {
            for (left, a) in samples() {
                for (right, b) in samples() {
                    let mut scope = Scope::new();
                    scope.push_dynamic("a", a.clone());
                    scope.push_dynamic("b", b.clone());
                    let text =
                        if name.ends_with('=') { format!("let x = a; x {name} b; x") } else { format!("a {name} b") };
                    let result = engine.eval_with_scope::<Dynamic>(&mut scope, &text);
                    let missing = result.as_ref().is_err_and(|error| is_missing(error.unwrap_inner()));
                    let known = together(name, left, right);
                    if known.is_none() != missing {
                        wrong.push(format!(
                            "{left:?} {name} {right:?}: {known:?}, and Rhai {:?}",
                            result.map(|v| v.type_name())
                        ));
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    fn is_missing(error: &rhai::EvalAltResult) -> bool {
        matches!(error, rhai::EvalAltResult::ErrorFunctionNotFound(..))
    }
}
