//! From what a script gives to arguments that satisfy the row.
//!
//! Every mistake is reported at once. Values are moved, not copied: a call may carry thousands of
//! entries.

mod convert;
mod long;
pub mod look;
mod pem;
mod rules;
mod span;

#[cfg(test)]
mod tests;

pub(super) use rules::holds;

use std::borrow::Cow;
use std::path::PathBuf;

use crate::catalog::{Args, Body, Bound, Condition, Effect, NetworkMaps, Param, Place, Row, Shape, index};
use crate::fault::{Fault, FaultKind};
use crate::nearest::did_you_mean;
use crate::value::{Map, Value};

/// Checks arguments against a row: path parameters by position, all else by name, in `snake_case`
/// or as on the wire.
///
/// # Errors
/// A fault of kind `invalid` that lists every mistake.
pub fn bind(row: &'static Row, positional: Vec<Value>, args: impl Into<Args>) -> Result<Bound, Fault> {
    let args = args.into();
    if args.has_lists() {
        let (long, values) = long::part(row, &args);
        // A mistake is told with its place in the whole list.
        let bound = bind_values(row, positional.clone(), values).ok();
        if let Some(bound) = bound.and_then(|bound| long::put_back(bound, long)) {
            return Ok(bound);
        }
    }
    bind_values(row, positional, args.into_map())
}

fn bind_values(row: &'static Row, mut positional: Vec<Value>, mut map: Map) -> Result<Bound, Fault> {
    let mut mistakes = Vec::new();
    if let Some(root) = row.params.iter().find(|param| param.root)
        && positional.len() > row.path_params().count()
        && let Some(body) = positional.pop()
    {
        map.insert(root.name.to_owned(), body);
    }
    let save_to = save_to(row, &mut map, &mut mistakes);
    let mut args = Map::new();
    if positional.len() != row.path_params().count() {
        mistakes.push(wrong_count(row, positional.len()));
    }
    for (param, value) in row.path_params().zip(positional) {
        let value = convert::on_path(param, value, &mut mistakes);
        args.insert(param.name.to_owned(), value);
    }
    if row.body == Body::Free {
        // What no parameter takes is the body as it stands.
        let (known, body) = map.into_iter().partition(|(name, _)| row.map_params().any(|param| param.is_called(name)));
        members(row.params, known, "", Unknown::Refused, &mut args, &mut mistakes);
        args.insert(FREE.to_owned(), Value::Map(body));
    } else {
        members(row.params, map, "", Unknown::Refused, &mut args, &mut mistakes);
    }
    rules::check(row, &args, &mut mistakes);
    if !mistakes.is_empty() {
        return Err(Fault::new(FaultKind::Invalid, mistakes.join("; "))
            .during(row.name)
            .with_detail("signature", index::signature(row)));
    }
    let effect = raised(row, &args);
    let items = items(row, effect, &args);
    let notices = span::widen(row, &mut args);
    Ok(Bound { row, args: args.into(), effect, items, save_to, piece: None, notices })
}

/// Checks arguments that another process has bound already; they stay what they are. `lists` are those that it has kept as
/// networks.
///
/// # Errors
/// As [`bind`].
pub fn bind_again(
    row: &'static Row,
    mut args: Map,
    lists: Vec<(String, NetworkMaps)>,
    save_to: Option<PathBuf>,
) -> Result<Bound, Fault> {
    // One that is missing is left out here, and told by the check of their number.
    let positional = row.path_params().map_while(|param| args.remove(param.name)).collect();
    if row.body == Body::Free
        && let Some(Value::Map(body)) = args.remove(FREE)
    {
        args.extend(body);
    }
    if let Some(file) = save_to {
        args.insert("to".to_owned(), Value::Text(file.to_string_lossy().into_owned()));
    }
    let mut args = Args::from(args);
    lists.into_iter().for_each(|(name, list)| args.set_list(name, list));
    bind(row, positional, args)
}

/// The file that a download goes to: the member `to`, which no download has a parameter of.
fn save_to(row: &Row, map: &mut Map, mistakes: &mut Vec<String>) -> Option<PathBuf> {
    if row.answer.shape != Shape::Download {
        return None;
    }
    match map.remove("to") {
        Some(Value::Text(file)) if !file.is_empty() => Some(PathBuf::from(file)),
        _ => {
            mistakes.push(NO_FILE.into());
            None
        }
    }
}

const NO_FILE: &str = "'to' is required: the file that the download is written to, such as \"out/backup.zip\"";

/// The argument that holds the whole body where it is free-form.
pub const FREE: &str = "body";

impl Unknown {
    /// What becomes of members that an object's own facts do not name.
    fn of(param: &Param) -> Self {
        match (param.open, param.pick) {
            (true, _) => Self::Kept,
            (false, true) => Self::Dropped,
            (false, false) => Self::Refused,
        }
    }
}

/// What becomes of a member that no parameter takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unknown {
    /// It is a mistake.
    Refused,
    /// It is left out.
    Dropped,
    /// It is sent as it is.
    Kept,
}

/// Checks the members of an object, and moves them under their script names.
///
/// A value with a mistake goes in as `()`, so that it does not count as missing as well.
fn members(params: &'static [Param], map: Map, at: &str, unknown: Unknown, args: &mut Map, mistakes: &mut Vec<String>) {
    // Parameters on the path are given by position.
    let takes = || params.iter().filter(|param| param.place != Place::Path);
    let mut map = map;
    let named = |name: &str| takes().find(|param| param.name == name);
    if args.is_empty() && map.iter().all(|(name, value)| !matches!(value, Value::Null) && named(name).is_some()) {
        // Written as the row names them, the members stay where they are: a delta has thousands of objects.
        for (name, value) in &mut map {
            let Some(param) = named(name) else { continue };
            *value = convert::param(param, std::mem::replace(value, Value::Null), &place(at, param.name), mistakes);
        }
        *args = std::mem::take(&mut map);
    }
    for (name, value) in map {
        let Some(param) = takes().find(|param| param.is_called(&name)) else {
            if unknown == Unknown::Kept {
                args.insert(name, value);
            } else if unknown == Unknown::Refused {
                mistakes.push(unknown_member(params, at, &name));
            }
            continue;
        };
        if matches!(value, Value::Null) {
            continue;
        }
        if args.contains_key(param.name) {
            mistakes.push(given_twice(param, at));
            continue;
        }
        let value = convert::param(param, value, &place(at, param.name), mistakes);
        let name = if name == param.name { name } else { param.name.to_owned() };
        args.insert(name, value);
    }
    for param in takes().filter(|param| param.default.is_some() || param.required) {
        if args.contains_key(param.name) {
            continue;
        }
        match param.default {
            Some(json) => {
                let default = serde_json::from_str::<serde_json::Value>(json).map_or(Value::Null, Value::from);
                // A default is written as on the wire; it becomes what an argument would be.
                let default = convert::param(param, default, &place(at, param.name), mistakes);
                args.insert(param.name.to_owned(), default);
            }
            None => mistakes.push(required(param, at)),
        }
    }
    for param in takes() {
        if let Some(condition) = &param.required_if
            && !args.contains_key(param.name)
            && rules::holds(condition, args)
        {
            mistakes.push(required_if(param, condition, at));
        }
    }
}

fn unknown_member(params: &'static [Param], at: &str, name: &str) -> String {
    let names = params.iter().filter(|param| param.place != Place::Path).map(|param| param.name);
    let hint = did_you_mean(name, names.clone());
    let list = names.collect::<Vec<_>>().join(", ");
    let list = if list.is_empty() { "no parameters" } else { &list };
    format!("'{}' is not a parameter.{hint} There are: {list}", place(at, name))
}

fn given_twice(param: &Param, at: &str) -> String {
    format!("'{}' is given twice, as '{}' and '{}'", place(at, param.name), param.name, param.wire)
}

fn required(param: &Param, at: &str) -> String {
    format!("'{}' is required", place(at, param.name))
}

fn required_if(param: &Param, condition: &Condition, at: &str) -> String {
    let values = condition.equals.join(" or ");
    format!("'{}' is required when '{}' is {values}", place(at, param.name), condition.param)
}

fn wrong_count(row: &Row, given: usize) -> String {
    let wanted: Vec<&str> = row.path_params().map(|param| param.name).collect();
    let list = if wanted.is_empty() { String::new() } else { format!(" ({})", wanted.join(", ")) };
    format!("it takes {} argument(s) before the map{list}, not {given}", wanted.len())
}

/// `name` below `at`; nothing is allocated where there is nothing before it, as in long lists.
fn place<'a>(at: &str, name: &'a str) -> Cow<'a, str> {
    if at.is_empty() { Cow::Borrowed(name) } else { Cow::Owned(format!("{at}.{name}")) }
}

fn raised(row: &Row, args: &Map) -> Effect {
    row.raises
        .iter()
        .filter(|raise| match (args.get(raise.param), raise.equals) {
            (None, _) => false,
            (Some(value), Some(json)) => {
                serde_json::from_str(json).is_ok_and(|wanted: serde_json::Value| wanted == value.to_json())
            }
            (Some(Value::List(list)), None) => !list.is_empty(),
            (Some(Value::Map(map)), None) => !map.is_empty(),
            (Some(Value::Text(text)), None) => !text.is_empty(),
            (Some(_), None) => true,
        })
        .map(|raise| raise.effect)
        .fold(row.effect, Effect::max)
}

fn items(row: &Row, effect: Effect, args: &Map) -> u64 {
    if row.items.is_empty() {
        return u64::from(effect != Effect::Read);
    }
    let lengths = row.items.iter().filter_map(|name| args.get(*name));
    lengths.map(|value| value.as_list().map_or(1, <[Value]>::len) as u64).sum()
}

/// Whether a parameter travels in the body.
pub(super) fn in_body(param: &Param) -> bool {
    matches!(param.place, Place::Body | Place::Form | Place::Part)
}
