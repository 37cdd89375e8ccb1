//! The state of an object as a read shows it: what of it counts, and what a change would make of it.
//!
//! Nothing here asks an appliance; whoever has a state brings it along.

mod edit;

#[cfg(test)]
mod tests;

use serde_json::{Map as Object, Value as Json};

use crate::catalog::bind::{FREE, in_body};
use crate::catalog::{Body, Field, Inverse, Param, Row, Type, wire};
use crate::value::{Map, Value};

pub(super) use edit::{added, edit_of, former};

/// A state without the fields that change by themselves.
pub fn steady(mut state: Json, fields: &[Field]) -> Json {
    for field in fields.iter().filter(|field| field.volatile) {
        remove(&mut state, field.name);
    }
    state
}

fn remove(json: &mut Json, path: &str) {
    match json {
        Json::Array(items) => items.iter_mut().for_each(|item| remove(item, path)),
        Json::Object(map) => match path.split_once('.') {
            None => {
                map.remove(path);
            }
            Some((first, rest)) => {
                if let Some(inner) = map.get_mut(first) {
                    remove(inner, rest);
                }
            }
        },
        _ => {}
    }
}

/// A state with every reference as its key, which is how it is written: it comes expanded, as
/// `{ key, meta }`.
pub fn plain(state: &Json) -> Json {
    match state {
        Json::Object(map) if map.len() == 2 && map.contains_key("meta") && map.contains_key("key") => {
            map.get("key").cloned().unwrap_or_default()
        }
        Json::Object(map) => Json::Object(map.iter().map(|(name, value)| (name.clone(), plain(value))).collect()),
        Json::Array(items) => items.iter().map(plain).collect(),
        other => other.clone(),
    }
}

/// The object itself, without what its API wraps around it.
pub fn object<'a>(state: &'a Json, at: &str) -> &'a Json {
    at_path(state, at).unwrap_or(state)
}

/// An object with what its API wraps around it.
fn wrapped(object: Json, at: &str) -> Json {
    at.rsplit('.').filter(|part| !part.is_empty()).fold(object, |inner, part| match part.parse::<usize>() {
        Ok(_) => Json::Array(vec![inner]),
        Err(_) => Json::Object(Object::from_iter([(part.to_owned(), inner)])),
    })
}

/// What stands at a path such as `data.words`; a number is a place in a list.
pub(super) fn at_path<'a>(json: &'a Json, path: &str) -> Option<&'a Json> {
    path.split('.').filter(|part| !part.is_empty()).try_fold(json, |inner, part| match inner {
        Json::Array(items) => items.get(part.parse::<usize>().ok()?),
        other => other.get(part),
    })
}

/// What the state of an object would be after a call, as far as the row knows: what the appliance
/// makes up by itself is as it was. `before` is what the row's read shows, `null` where the object is
/// not there; so is the answer where it would be gone. References are keys, and secrets are left out.
///
/// `None` where the row does not say what the call does to the state.
pub fn would_be(row: &'static Row, args: &Map, before: &Json) -> Option<Json> {
    let read = row.before.as_ref().filter(|_| !row.job)?;
    if !row.edits.is_empty() {
        return edit::apply(row, args, before.clone());
    }
    if row.method == "DELETE" && row.path_params().next().is_some() {
        return Some(Json::Null);
    }
    if !row.writes_object() || row.params.iter().any(|param| param.ty == Type::File) {
        return None;
    }
    let written = written(row, args)?;
    let mut state = plain(before);
    if state.is_null() {
        return Some(wrapped(written, read.at));
    }
    let place = place_at(&mut state, read.at)?;
    if row.params.iter().any(|param| param.root) {
        *place = written;
        return Some(state);
    }
    if row.body == Body::Free && row.method == "PUT" {
        let kept = place.as_object().into_iter().flatten().filter(|(name, _)| unwritten(row).contains(&name.as_str()));
        let kept: Vec<(String, Json)> = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
        *place = written;
        place.as_object_mut()?.extend(kept);
    } else {
        lay_over(place, written, row.method == "PATCH");
    }
    Some(state)
}

/// The object within a state; the state itself where nothing is around it.
fn place_at<'a>(state: &'a mut Json, at: &str) -> Option<&'a mut Json> {
    if at_path(state, at).is_none() {
        return Some(state);
    }
    at.split('.').filter(|part| !part.is_empty()).try_fold(state, |inner, part| match inner {
        Json::Array(items) => items.get_mut(part.parse::<usize>().ok()?),
        other => other.get_mut(part),
    })
}

/// The members that the read shows and the call does not take.
fn unwritten(row: &Row) -> &'static [&'static str] {
    match row.inverse {
        Some(Inverse::Replace(without)) => without,
        _ => &[],
    }
}

/// Writes members over those that are there. Where objects are `merged`, what is not given in them
/// stays as well.
fn lay_over(there: &mut Json, new: Json, merged: bool) {
    match (there, new) {
        (Json::Object(there), Json::Object(new)) => {
            for (name, value) in new {
                match there.get_mut(&name) {
                    Some(old) if merged && old.is_object() => lay_over(old, value, true),
                    _ => {
                        there.insert(name, value);
                    }
                }
            }
        }
        (there, new) => *there = new,
    }
}

/// What a call writes, under the names of the wire and without what wraps it; secrets are left out.
pub(super) fn written(row: &'static Row, args: &Map) -> Option<Json> {
    if let Some(root) = row.params.iter().find(|param| param.root) {
        return shown(root, args.get(root.name)?);
    }
    let mut object = Object::new();
    for param in row.params.iter().filter(|param| in_body(param)) {
        if let Some(value) = args.get(param.name).and_then(|value| shown(param, value)) {
            object.insert(param.wire.to_owned(), value);
        }
    }
    if row.body == Body::Free {
        let own = args.get(FREE).and_then(Value::as_map).into_iter().flatten();
        object.extend(own.filter_map(|(name, value)| Some((name.clone(), open(value)?))));
    }
    Some(Json::Object(object))
}

/// A value as it stands on the wire; a secret shows nothing.
pub(super) fn shown(param: &'static Param, value: &Value) -> Option<Json> {
    match value {
        _ if param.secret => None,
        Value::Secret(_) => None,
        Value::List(items) => Some(items.iter().filter_map(|item| shown(param, item)).collect()),
        Value::Map(map) if !param.fields.is_empty() => {
            let members =
                map.iter().filter_map(|(name, value)| match param.fields.iter().find(|field| field.name == name) {
                    Some(field) => Some((field.wire.to_owned(), shown(field, value)?)),
                    None => Some((name.clone(), open(value)?)),
                });
            Some(Json::Object(members.collect()))
        }
        Value::Map(_) => open(value),
        leaf => Some(wire::json_value(param, leaf)),
    }
}

/// A value that the row does not describe.
fn open(value: &Value) -> Option<Json> {
    match value {
        Value::Secret(_) => None,
        Value::List(items) => Some(items.iter().filter_map(open).collect()),
        Value::Map(map) => {
            Some(Json::Object(map.iter().filter_map(|(name, value)| Some((name.clone(), open(value)?))).collect()))
        }
        leaf => Some(leaf.to_json()),
    }
}
