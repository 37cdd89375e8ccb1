//! What stands before a dot: from the values of the session, from the rows of the calls, or from the
//! types of natives. Nothing is evaluated: a look must not send a request.

use std::ops::Range;

use rhai::{Array, Dynamic, ImmutableString, Map};

use crate::catalog::{Field, Row, Shape, Type, reference};
use crate::engine::session::line::{Kind, Piece};
use crate::engine::session::natives::plain_type;
use crate::engine::session::place;
use crate::engine::session::state::Session;
use crate::engine::types::Target;

/// What is known of an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Thing {
    /// A target of this vendor.
    Target(String),
    /// A map with these members, and what is known of each.
    Map(Vec<(String, String)>),
    /// An answer of a call, or a part of it: `list` while it is still the list of them.
    Answer {
        /// The call.
        row: &'static Row,
        /// The names of the members on the way, each with its dot.
        prefix: String,
        /// Whether an index or a loop is between.
        list: bool,
    },
    /// A value of this type.
    Of(String),
    /// Nothing is known.
    Unknown,
}

impl Thing {
    /// The type, for natives.
    pub fn type_name(&self) -> Option<&str> {
        match self {
            Self::Target(_) => Some("Target"),
            Self::Map(_) | Self::Answer { list: false, .. } => Some("map"),
            Self::Answer { list: true, .. } => Some("array"),
            Self::Of(ty) => Some(ty),
            Self::Unknown => None,
        }
    }

    /// What one entry of it is.
    fn entry(self) -> Self {
        match self {
            Self::Answer { row, prefix, list: true } => Self::Answer { row, prefix, list: false },
            _ => Self::Unknown,
        }
    }

    fn member(self, name: &str) -> Self {
        match self {
            Self::Answer { row, prefix, list: false } => {
                let full = format!("{prefix}{name}");
                match row.answer.fields.iter().find(|field| field.name == full).map(|field| field.ty) {
                    Some(Type::List(_)) => Self::Answer { row, prefix: format!("{full}."), list: true },
                    Some(Type::Object | Type::Any) => Self::Answer { row, prefix: format!("{full}."), list: false },
                    Some(ty) => Self::Of(reference::type_name(ty)),
                    None if row.answer.fields.iter().any(|field| field.name.starts_with(&format!("{full}."))) => {
                        Self::Answer { row, prefix: format!("{full}."), list: false }
                    }
                    None => Self::Unknown,
                }
            }
            Self::Target(_) => Self::Of(if name == "tags" { "array" } else { "string" }.into()),
            _ => Self::Unknown,
        }
    }
}

/// The members that an answer has below a prefix, each with what is known of it.
pub fn members(row: &'static Row, prefix: &str) -> Vec<(String, String)> {
    let mut members: Vec<(String, String)> = Vec::new();
    for field in row.answer.fields {
        let Some(rest) = field.name.strip_prefix(prefix) else { continue };
        let name = rest.split('.').next().unwrap_or(rest);
        if !name.is_empty() && !members.iter().any(|(have, _)| have == name) {
            members.push((name.to_owned(), if rest == name { known_of(field) } else { "map".into() }));
        }
    }
    if members.is_empty() && prefix.is_empty() {
        // What no document lists, the example at least shows.
        members.extend(of_example(row).into_iter().map(|name| (name, "in the example".to_owned())));
    }
    members
}

fn of_example(row: &Row) -> Vec<String> {
    let answer = row.example.as_ref().and_then(|example| serde_json::from_str(example.answer).ok());
    let first = match answer {
        Some(serde_json::Value::Array(items)) => items.into_iter().next(),
        other => other,
    };
    match first {
        Some(serde_json::Value::Object(map)) => map.into_iter().map(|(name, _)| name).collect(),
        _ => Vec::new(),
    }
}

fn known_of(field: &Field) -> String {
    let optional = if field.optional { ", may be absent" } else { "" };
    format!("{}{optional}  {}", reference::type_name(field.ty), field.doc).trim_end().to_owned()
}

/// A step from an expression to a part of it.
enum Step<'t> {
    Member(&'t str),
    Call(&'t str),
    Index(Option<&'t str>),
}

impl Session {
    /// What is known of the expression that these pieces are.
    pub(super) fn thing(&self, text: &str, pieces: &[Piece], range: Range<usize>) -> Thing {
        self.part(text, pieces, range, None)
    }

    /// What is known of an expression, or of what one more step from it gives.
    fn part(&self, text: &str, pieces: &[Piece], range: Range<usize>, more: Option<Step<'_>>) -> Thing {
        let start = range.start;
        let own = pieces.get(range).unwrap_or_default();
        let Some(first) = own.first() else { return Thing::Unknown };
        if first.kind == Kind::Text {
            return if own.len() == 1 { Thing::Of("string".into()) } else { Thing::Unknown };
        }
        if first.kind != Kind::Word {
            return Thing::Unknown;
        }
        let name = first.of(text);
        let (begun, rest) = match own.get(1).map(|piece| piece.of(text)) {
            Some("(" | "()") => {
                let behind = behind_bracket(text, own, 1);
                let argument = own.get(2).filter(|piece| piece.kind == Kind::Text).map(|piece| piece.of(text));
                (self.of_function(name, argument), behind)
            }
            _ => {
                let mut steps = steps(text, own.get(1..).unwrap_or_default());
                steps.extend(more);
                return match self.declared_before(text, pieces, name, start) {
                    Some(thing) => steps.iter().fold(thing, |thing, step| self.step(thing, step)),
                    None => self.of_variable(name, &steps),
                };
            }
        };
        let mut steps = steps(text, own.get(rest..).unwrap_or_default());
        steps.extend(more);
        steps.iter().fold(begun, |thing, step| self.step(thing, step))
    }

    /// What is known of a name that the text itself declares: a closure's parameter, what a loop walks
    /// through, a variable.
    fn declared_before(&self, text: &str, pieces: &[Piece], name: &str, before: usize) -> Option<Thing> {
        let word = |at: Option<usize>| at.and_then(|at| pieces.get(at)).map_or("", |piece| piece.of(text));
        for at in (0..before).rev().filter(|at| word(Some(*at)) == name) {
            match (word(at.checked_sub(1)), word(Some(at + 1))) {
                ("|", "|" | ",") => {
                    let called = place::called(text, pieces, at - 1)?;
                    let list = called.receiver.or_else(|| first_argument(text, pieces, at - 1))?;
                    return Some(self.part(text, pieces, list, Some(Step::Index(None))));
                }
                ("for", "in") => {
                    let list = at + 2..end_of_expression(text, pieces, at + 2);
                    return Some(self.part(text, pieces, list, Some(Step::Index(None))));
                }
                ("let" | "const", "=") => {
                    return Some(self.thing(text, pieces, at + 2..end_of_expression(text, pieces, at + 2)));
                }
                _ => {}
            }
        }
        None
    }

    fn of_function(&self, name: &str, argument: Option<&str>) -> Thing {
        if name == "target"
            && let Some(wanted) = argument.map(|text| text.trim_matches(['"', '`']))
        {
            let vendor =
                self.targets().iter().find(|known| &*known.name == wanted).map(|known| known.vendor.to_string());
            return vendor.map_or(Thing::Unknown, Thing::Target);
        }
        let native = self.natives().iter().find(|native| native.name == name);
        native.map_or(Thing::Unknown, |native| Thing::Of(native.returns.clone()))
    }

    fn of_variable(&self, name: &str, steps: &[Step<'_>]) -> Thing {
        match self.scope().get(name) {
            Some(value) => self.of_value(value, steps),
            None => Thing::Unknown,
        }
    }

    /// Walks into a value as far as members and indexes go, and on from what is known there.
    fn of_value(&self, value: &Dynamic, steps: &[Step<'_>]) -> Thing {
        if let Some((step, rest)) = steps.split_first() {
            if let (Step::Member(name), Some(map)) = (step, value.read_lock::<Map>()) {
                return map.get(*name).map_or(Thing::Unknown, |member| self.of_value(member, rest));
            }
            if let (Step::Index(at), Some(list)) = (step, value.read_lock::<Array>()) {
                let at = at.and_then(|at| at.parse().ok()).unwrap_or(0);
                return list.get::<usize>(at).map_or(Thing::Unknown, |entry| self.of_value(entry, rest));
            }
        }
        let begun = self.of_whole(value);
        steps.iter().fold(begun, |thing, step| self.step(thing, step))
    }

    fn of_whole(&self, value: &Dynamic) -> Thing {
        if let Some(target) = value.read_lock::<Target>() {
            return Thing::Target(target.vendor.to_string());
        }
        if let Some(map) = value.read_lock::<Map>() {
            let members = map.iter().map(|(name, value)| (name.to_string(), self.in_short(value)));
            return Thing::Map(members.collect());
        }
        Thing::Of(self.type_of(value))
    }

    /// The type of a value in the words of a script's author.
    pub(super) fn type_of(&self, value: &Dynamic) -> String {
        plain_type(self.engine().map_type_name(value.type_name()))
    }

    /// A value in a few words, to be shown beside its name.
    pub(super) fn in_short(&self, value: &Dynamic) -> String {
        if let Some(text) = value.read_lock::<ImmutableString>() {
            // A part of a text could be a part of a secret, which nobody would recognise.
            let length = text.chars().count();
            return if length <= 40 { format!("string  \"{}\"", text.as_str()) } else { format!("string of {length}") };
        }
        if let Some(list) = value.read_lock::<Array>() {
            return format!("array of {}", list.len());
        }
        if let Some(map) = value.read_lock::<Map>() {
            return format!("map of {}", map.len());
        }
        if let Some(target) = value.read_lock::<Target>() {
            return format!("target '{}' of vendor {}", target.name, target.vendor);
        }
        let ty = self.type_of(value);
        if matches!(ty.as_str(), "int" | "float" | "bool") { format!("{ty}  {value}") } else { ty }
    }

    fn step(&self, thing: Thing, step: &Step<'_>) -> Thing {
        match (step, thing) {
            (Step::Call(name), Thing::Target(vendor)) => self.of_call(&vendor, name),
            (Step::Call(name), thing) => {
                let ty = thing.type_name().map(str::to_owned);
                // What filters or sorts a list of answers gives a list of answers.
                if matches!(thing, Thing::Answer { list: true, .. }) {
                    match *name {
                        "filter" | "sort" | "rev" | "extract" => return thing,
                        "find" | "pop" | "shift" | "first" | "last" => return thing.entry(),
                        _ => {}
                    }
                }
                let fits = |native: &&super::natives::Native| {
                    native.name == *name
                        && ty.as_ref().is_none_or(|ty| native.params.first().is_some_and(|(_, first)| first == ty))
                };
                self.natives().iter().find(fits).map_or(Thing::Unknown, |native| Thing::Of(native.returns.clone()))
            }
            (Step::Member(name), thing) => thing.member(name),
            (Step::Index(_), thing) => thing.entry(),
        }
    }

    fn of_call(&self, vendor: &str, name: &str) -> Thing {
        let row = self.catalog().row(vendor, name);
        match row.map(|row| (row, row.answer.shape)) {
            Some((row, Shape::List)) => Thing::Answer { row, prefix: String::new(), list: true },
            Some((row, Shape::Object | Shape::Any)) => Thing::Answer { row, prefix: String::new(), list: false },
            Some((_, Shape::Text)) => Thing::Of("string".into()),
            _ => Thing::Unknown,
        }
    }
}

/// The pieces of a call's first argument, where a later one begins at the piece `at`.
fn first_argument(text: &str, pieces: &[Piece], at: usize) -> Option<Range<usize>> {
    let comma = at.checked_sub(1).filter(|comma| pieces.get(*comma).is_some_and(|piece| piece.of(text) == ","))?;
    let end = comma.checked_sub(1)?;
    place::chain_start(text, pieces, end).map(|start| start..end + 1)
}

/// The number of the piece where the expression that begins at `start` has ended.
fn end_of_expression(text: &str, pieces: &[Piece], start: usize) -> usize {
    let mut at = start;
    while let Some(piece) = pieces.get(at) {
        match piece.of(text) {
            "(" | "[" | "#{" if piece.kind == Kind::Symbol => at = behind_bracket(text, pieces, at),
            ";" | "{" | "}" | ")" => return at,
            _ => at += 1,
        }
    }
    at
}

/// The number of the piece behind the bracket that opens at `at`.
fn behind_bracket(text: &str, pieces: &[Piece], at: usize) -> usize {
    let mut depth = 0_usize;
    for (index, piece) in pieces.iter().enumerate().skip(at) {
        if piece.kind != Kind::Symbol {
            continue;
        }
        match piece.of(text) {
            "()" if depth == 0 => return index + 1,
            "(" | "[" | "{" | "#{" => depth += 1,
            ")" | "]" | "}" => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return index + 1;
                }
            }
            _ => {}
        }
    }
    pieces.len()
}

fn steps<'t>(text: &'t str, pieces: &[Piece]) -> Vec<Step<'t>> {
    let mut steps = Vec::new();
    let mut at = 0;
    while let Some(piece) = pieces.get(at) {
        match piece.of(text) {
            "." | "?." => {
                let Some(name) = pieces.get(at + 1) else { break };
                let called = pieces.get(at + 2).is_some_and(|next| matches!(next.of(text), "(" | "()"));
                if called {
                    steps.push(Step::Call(name.of(text)));
                    at = behind_bracket(text, pieces, at + 2);
                } else {
                    steps.push(Step::Member(name.of(text)));
                    at += 2;
                }
            }
            "[" | "?[" => {
                let inner = pieces.get(at + 1).filter(|piece| piece.kind == Kind::Number).map(|piece| piece.of(text));
                steps.push(Step::Index(inner));
                at = behind_bracket(text, pieces, at);
            }
            _ => break,
        }
    }
    steps
}
