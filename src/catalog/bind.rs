//! From what a script gives to arguments that satisfy the row.
//!
//! Every mistake is reported at once. Values are moved, not copied: a call may carry thousands of
//! entries.

mod convert;
mod rules;

use crate::catalog::{Body, Bound, Effect, Param, Place, Row, index};
use crate::fault::{Fault, FaultKind};
use crate::nearest::did_you_mean;
use crate::value::{Map, Value};

/// Checks arguments against a row: path parameters by position, all else by name, in `snake_case`
/// or as on the wire.
///
/// # Errors
/// A fault of kind `invalid` that lists every mistake.
pub fn bind(row: &'static Row, positional: Vec<Value>, map: Map) -> Result<Bound, Fault> {
    let mut mistakes = Vec::new();
    let mut args = Map::new();
    let wanted = row.path_params().count();
    if positional.len() != wanted {
        mistakes.push(format!("it takes {wanted} argument(s) before the map, not {}", positional.len()));
    }
    for (param, value) in row.path_params().zip(positional) {
        if let Some(value) = convert::param(param, value, param.name, &mut mistakes) {
            args.insert(param.name.to_owned(), value);
        }
    }
    if row.body == Body::Free && row.map_params().next().is_none() {
        // The map is the body as it stands.
        args.insert(FREE.to_owned(), Value::Map(map));
    } else {
        let known: Vec<&'static Param> = row.map_params().collect();
        members(&known, map, "", false, &mut args, &mut mistakes);
    }
    rules::check(row, &args, &mut mistakes);
    if !mistakes.is_empty() {
        return Err(Fault::new(FaultKind::Invalid, mistakes.join("; "))
            .during(row.name)
            .with_detail("signature", index::signature(row)));
    }
    let effect = raised(row, &args);
    let items = items(row, &args);
    Ok(Bound { row, args, effect, items })
}

/// The argument that holds the whole body where it is free-form.
pub const FREE: &str = "body";

/// Checks the members of an object, and moves them under their script names.
fn members(params: &[&'static Param], map: Map, at: &str, pick: bool, args: &mut Map, mistakes: &mut Vec<String>) {
    let place = |name: &str| if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
    for (name, value) in map {
        let Some(param) = params.iter().find(|param| param.name == name || param.wire == name) else {
            if !pick {
                let names = params.iter().map(|param| param.name);
                let hint = did_you_mean(&name, names.clone());
                let list = names.collect::<Vec<_>>().join(", ");
                let takes = if list.is_empty() { "no parameters".to_owned() } else { list };
                mistakes.push(format!("'{}' is not a parameter.{hint} There are: {takes}", place(&name)));
            }
            continue;
        };
        if matches!(value, Value::Null) {
            continue;
        }
        if args.contains_key(param.name) {
            mistakes.push(format!("'{}' is given twice, as '{}' and '{}'", place(param.name), param.name, param.wire));
            continue;
        }
        if let Some(value) = convert::param(param, value, &place(param.name), mistakes) {
            args.insert(param.name.to_owned(), value);
        }
    }
    for param in params {
        if !args.contains_key(param.name) {
            if let Some(default) = param.default {
                let default = serde_json::from_str::<serde_json::Value>(default).map_or(Value::Null, Value::from);
                args.insert(param.name.to_owned(), default);
            } else if param.required {
                mistakes.push(format!("'{}' is required", place(param.name)));
            }
        }
    }
    for param in params {
        if let Some(condition) = &param.required_if
            && !args.contains_key(param.name)
            && rules::holds(condition, args)
        {
            let values = condition.equals.join(" or ");
            mistakes.push(format!("'{}' is required when '{}' is {values}", place(param.name), place(condition.param)));
        }
    }
}

fn raised(row: &Row, args: &Map) -> Effect {
    row.raises
        .iter()
        .filter(|raise| match (args.get(raise.param), raise.equals) {
            (None, _) => false,
            (Some(value), Some(json)) => value.to_json().to_string() == json,
            (Some(Value::List(list)), None) => !list.is_empty(),
            (Some(Value::Map(map)), None) => !map.is_empty(),
            (Some(Value::Text(text)), None) => !text.is_empty(),
            (Some(_), None) => true,
        })
        .map(|raise| raise.effect)
        .fold(row.effect, Effect::max)
}

fn items(row: &Row, args: &Map) -> u64 {
    if row.items.is_empty() {
        return u64::from(row.effect != Effect::Read);
    }
    let lengths = row.items.iter().filter_map(|name| args.get(*name));
    lengths.map(|value| value.as_list().map_or(1, <[Value]>::len) as u64).sum()
}

/// Whether a parameter travels in the body.
pub(super) fn in_body(param: &Param) -> bool {
    matches!(param.place, Place::Body | Place::Form | Place::Part)
}
