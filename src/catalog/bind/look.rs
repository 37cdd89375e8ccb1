//! What can be said of a call's arguments before they are there.
//!
//! A script that is only read has some values written out, of some the kind is known, and of others
//! nothing. What is noted here would be refused by [`bind`](super::bind) whatever the rest turns
//! out to be, in the same words.

use std::collections::BTreeMap;

use crate::catalog::bind::{NO_FILE, Unknown, convert, place, rules};
use crate::catalog::{Body, Callable, Effect, Form, Param, Place, Row, Rule, Shape, Type};
use crate::nearest::nearest;
use crate::value::Value;

/// A value as far as it is known; `at` is the reader's own mark of where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Sketch {
    /// Where it stands.
    pub at: usize,
    /// What is known.
    pub known: Known,
}

/// What is known of a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Known {
    /// All of it: a text, a number, `true`, `()`.
    Value(Value),
    /// The name of its kind, as [`Value::kind`] says it.
    Kind(&'static str),
    /// Every entry of a list.
    List(Vec<Sketch>),
    /// The members of a map. `open`: there may be others.
    Map(Vec<Member>, bool),
    /// Nothing.
    Nothing,
}

/// A member of a map as far as it is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Where its name stands.
    pub at: usize,
    /// Whether it is there in any case.
    pub certain: bool,
    /// Its value.
    pub value: Sketch,
}

/// The sort of a mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// The number of arguments.
    Count,
    /// A member that no parameter takes.
    Unknown,
    /// A parameter that is required.
    Missing,
    /// A value that the parameter does not take.
    Value,
    /// A rule across parameters.
    Rule,
}

/// A mistake that is certain.
#[derive(Clone, Debug, PartialEq)]
pub struct Mistake {
    /// Where it stands.
    pub at: usize,
    /// Its sort.
    pub sort: Sort,
    /// What is wrong, in the words of [`bind`](super::bind).
    pub message: String,
    /// The nearest right name.
    pub nearest: Option<&'static str>,
}

/// What a look at a call's arguments gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// Every mistake that is certain.
    pub mistakes: Vec<Mistake>,
    /// What the call does at the least.
    pub effect: Effect,
}

/// Looks at the arguments of a call that stands at `at`. Those of an update are without its function.
pub fn look(callable: &Callable, arguments: &[Sketch], at: usize) -> Look {
    let row = callable.row;
    let mut eye = Eye { mistakes: Vec::new(), call: at };
    let wanted = row.path_params().count();
    let (positional, last) = arguments.split_at(wanted.min(arguments.len()));
    let mut effect = row.effect;
    if positional.len() < wanted || last.len() > 1 {
        let given = arguments.iter().filter(|sketch| !matches!(sketch.known, Known::Map(..))).count();
        eye.note(at, Sort::Count, super::wrong_count(row, given));
        return Look { mistakes: eye.mistakes, effect };
    }
    for (param, sketch) in row.path_params().zip(positional) {
        eye.path(param, sketch);
    }
    let none = Sketch { at, known: Known::Map(Vec::new(), false) };
    match last.first().unwrap_or(&none) {
        Sketch { known: Known::Map(members, open), .. } => {
            let present = eye.arguments(callable, members, *open);
            effect = raised(row, &present);
        }
        Sketch { known: Known::Nothing, .. } => {}
        sketch => match row.params.iter().find(|param| param.root) {
            Some(root) => eye.value(root, root.ty, sketch, root.name),
            None => {
                eye.note(sketch.at, Sort::Count, format!("the parameters of {} are given as one map", row.name));
            }
        },
    }
    Look { mistakes: eye.mistakes, effect }
}

/// The parameters that are given, or may be.
type Present<'s> = BTreeMap<&'static str, (bool, &'s Known)>;

struct Eye {
    mistakes: Vec<Mistake>,
    call: usize,
}

impl Eye {
    fn note(&mut self, at: usize, sort: Sort, message: String) {
        self.mistakes.push(Mistake { at, sort, message, nearest: None });
    }

    fn path(&mut self, param: &'static Param, sketch: &Sketch) {
        match &sketch.known {
            Known::Value(value) => {
                let mut messages = Vec::new();
                convert::on_path(param, value.clone(), &mut messages);
                messages.into_iter().for_each(|message| self.note(sketch.at, Sort::Value, message));
            }
            _ => self.value(param, param.ty, sketch, param.name),
        }
    }

    fn arguments<'s>(&mut self, callable: &Callable, members: &'s [Member], open: bool) -> Present<'s> {
        let row = callable.row;
        let mut free = open;
        // Members that the way of calling takes for itself, or fills.
        let mut own: Vec<&str> = Vec::new();
        if row.answer.shape == Shape::Download {
            own.push("to");
            if !free && !members.iter().any(|member| member.name == "to") {
                self.note(self.call, Sort::Missing, NO_FILE.into());
            }
        }
        if let (Form::Pages, Some(paging)) = (callable.form, row.paging) {
            let (start, length) = paging.style.keys();
            own.extend([start, length]);
            if let Some(member) = members.iter().find(|member| member.name == start) {
                let message = format!("{}_pages walks through all pages by itself: leave out {start}", row.name);
                self.note(member.at, Sort::Unknown, message);
            }
        }
        let is_own = |member: &&Member| own.contains(&member.name.as_str());
        let takes = |member: &&Member| row.map_params().any(|param| param.is_called(&member.name));
        let members = members.iter().filter(|member| !is_own(member));
        let members: Vec<&Member> =
            if row.body == Body::Free { members.filter(takes).collect() } else { members.collect() };
        let file = row.params.iter().find(|param| row.chunked && param.ty == Type::File);
        if let Some(file) = file.filter(|file| !free && !members.iter().any(|member| file.is_called(&member.name))) {
            self.note(self.call, Sort::Missing, super::required(file, ""));
        }
        // An update reads the rest from the appliance; the pieces of a long file are numbered by themselves.
        free |= callable.form == Form::Update || row.chunked;
        let present = self.members(row.params, &members, "", Unknown::Refused, free, &own);
        if !free {
            self.rules(row, &present);
        }
        present
    }

    fn members<'s>(
        &mut self,
        params: &'static [Param],
        members: &[&'s Member],
        at: &str,
        unknown: Unknown,
        open: bool,
        own: &[&str],
    ) -> Present<'s> {
        let takes = || params.iter().filter(|param| param.place != Place::Path);
        let mut present = Present::new();
        for member in members {
            let Some(param) = takes().find(|param| param.is_called(&member.name)) else {
                if unknown == Unknown::Refused {
                    let message = super::unknown_member(params, at, &member.name);
                    let nearest = nearest(&member.name, takes().map(|param| param.name));
                    self.mistakes.push(Mistake { at: member.at, sort: Sort::Unknown, message, nearest });
                }
                continue;
            };
            if matches!(member.value.known, Known::Value(Value::Null)) {
                continue;
            }
            if present.get(param.name).is_some_and(|(certain, _)| *certain && member.certain) {
                self.note(member.at, Sort::Value, super::given_twice(param, at));
                continue;
            }
            self.value(param, param.ty, &member.value, &place(at, param.name));
            // What is not known may turn out to be `()`, which counts as not given.
            let certain = member.certain && member.value.known != Known::Nothing;
            present.insert(param.name, (certain, &member.value.known));
        }
        if open {
            return present;
        }
        let absent = |param: &Param, present: &Present<'_>| !present.contains_key(param.name);
        for param in takes().filter(|param| absent(param, &present) && !own.contains(&param.name)) {
            let condition = param.required_if.as_ref();
            let met = condition.is_some_and(|condition| match present.get(condition.param) {
                Some((true, Known::Value(value))) => rules::is_met(condition, value),
                _ => false,
            });
            if param.required && param.default.is_none() {
                self.note(self.call, Sort::Missing, super::required(param, at));
            } else if let Some(condition) = condition.filter(|_| met) {
                self.note(self.call, Sort::Missing, super::required_if(param, condition, at));
            }
        }
        present
    }

    fn value(&mut self, param: &'static Param, ty: Type, sketch: &Sketch, at: &str) {
        let not = |kind: &str| format!("'{at}' must be {}, and not {}", convert::wanted(ty), convert::article(kind));
        match (&sketch.known, ty) {
            (Known::Nothing, _) => {}
            (Known::Value(value), _) => {
                let mut messages = Vec::new();
                convert::typed(param, ty, value.clone(), at, &mut messages);
                messages.into_iter().for_each(|message| self.note(sketch.at, Sort::Value, message));
            }
            (Known::Kind("secret"), _) if !convert::takes(param, ty, "secret") => {
                self.note(sketch.at, Sort::Value, format!("'{at}' takes no secret"));
            }
            (Known::Kind(kind), _) if !convert::takes(param, ty, kind) => {
                self.note(sketch.at, Sort::Value, not(kind));
            }
            (Known::Kind(_), _) => {}
            (Known::List(items), Type::List(inner)) => {
                for (index, item) in items.iter().enumerate() {
                    self.value(param, *inner, item, &format!("{at}[{index}]"));
                }
                let mut messages = Vec::new();
                convert::check_size(param, items.len() as i64, "the length of ", at, &mut messages);
                messages.into_iter().for_each(|message| self.note(sketch.at, Sort::Value, message));
            }
            (Known::Map(members, open), Type::Object) if !param.fields.is_empty() => {
                // What is required within is missing there, not at the call.
                let call = std::mem::replace(&mut self.call, sketch.at);
                let members: Vec<&Member> = members.iter().collect();
                self.members(param.fields, &members, at, Unknown::of(param), *open, &[]);
                self.call = call;
            }
            (Known::List(_), Type::Any) | (Known::Map(..), Type::Any | Type::Object) => {}
            (Known::List(_), _) => self.note(sketch.at, Sort::Value, not("array")),
            (Known::Map(..), _) => self.note(sketch.at, Sort::Value, not("map")),
        }
    }

    fn rules(&mut self, row: &Row, present: &Present<'_>) {
        let defaulted = |name: &str| row.params.iter().any(|param| param.name == name && param.default.is_some());
        let maybe =
            |names: &[&str]| names.iter().filter(|name| present.contains_key(**name) || defaulted(name)).count();
        let surely = |names: &[&str]| {
            let there = |name: &str| present.get(name).is_some_and(|(certain, _)| *certain);
            names.iter().filter(|name| there(name) || defaulted(name)).count()
        };
        for rule in row.rules {
            let broken = match rule {
                Rule::AnyOf(names) => maybe(names) == 0,
                Rule::OneOf(names) => maybe(names) == 0 || surely(names) > 1,
                Rule::Together(names) => surely(names) > 0 && maybe(names) < names.len(),
                Rule::Needs([first, others @ ..]) => surely(&[first]) == 1 && maybe(others) == 0,
                Rule::Needs([]) => false,
                Rule::Ordered(low, high) => {
                    let value = |name: &str| match present.get(name) {
                        Some((true, Known::Value(value))) => Some(value),
                        _ => None,
                    };
                    rules::is_greater(value(low), value(high))
                }
            };
            if broken {
                self.note(self.call, Sort::Rule, rules::broken(rule));
            }
        }
        let empty = |name: &&str| match present.get(name) {
            Some((_, Known::List(items))) => items.is_empty(),
            Some(_) => false,
            None => true,
        };
        // A replacement by an empty list is something to do.
        let counts = row.update.is_empty() && !row.items.is_empty();
        if counts && row.items.iter().all(empty) && self.mistakes.is_empty() {
            self.note(self.call, Sort::Rule, rules::nothing_to_do(row));
        }
    }
}

/// The effect that is certain: what is not known does not raise it.
fn raised(row: &Row, present: &Present<'_>) -> Effect {
    let raises = row.raises.iter().filter(|raise| match (present.get(raise.param), raise.equals) {
        (Some((true, Known::Value(value))), Some(json)) => {
            serde_json::from_str(json).is_ok_and(|wanted: serde_json::Value| wanted == value.to_json())
        }
        (Some((true, Known::Value(Value::Text(text)))), None) => !text.is_empty(),
        (Some((true, Known::List(items))), None) => !items.is_empty(),
        (Some((true, Known::Map(members, _))), None) => members.iter().any(|member| member.certain),
        (Some((true, Known::Value(_))), None) => true,
        _ => false,
    });
    raises.map(|raise| raise.effect).fold(row.effect, Effect::max)
}

#[cfg(test)]
mod tests;
