//! Lists in a state, and the calls that add to them and take from them.

use serde_json::{Map as Object, Value as Json};

use super::{at_path, shown, written};
use crate::catalog::{Edit, EditHow, Row, bind};
use crate::value::{Map, Value};

/// The one edit that a call with these arguments is; `None` where it is none or more than one.
pub fn edit_of(row: &'static Row, args: &Map) -> Option<&'static Edit> {
    let given = |edit: &&Edit| match args.get(edit.with) {
        _ if edit.with.is_empty() => true,
        None | Some(Value::Null) => false,
        Some(Value::List(items)) => !items.is_empty(),
        Some(_) => true,
    };
    let happens = |edit: &&Edit| edit.when.as_ref().is_none_or(|when| bind::holds(when, args));
    let mut edits = row.edits.iter().filter(given).filter(happens);
    let edit = edits.next()?;
    edits.next().is_none().then_some(edit)
}

/// The state with the call's edit made.
pub fn apply(row: &'static Row, args: &Map, mut state: Json) -> Option<Json> {
    let edit = edit_of(row, args)?;
    let new = entries(row, edit, args)?;
    let list = list_mut(&mut state, edit.list)?;
    let is = |entry: &Json, other: &Json| key_of(edit, entry) == key_of(edit, other);
    match edit.how {
        EditHow::Remove => list.retain(|entry| !new.iter().any(|gone| is(entry, gone))),
        EditHow::Add | EditHow::Put => {
            for entry in new {
                match list.iter_mut().find(|there| is(there, &entry)) {
                    Some(there) if edit.how == EditHow::Put => *there = entry,
                    Some(_) => {}
                    None => list.push(entry),
                }
            }
        }
    }
    Some(state)
}

/// The entries that the call gives and that were not there before, and how many others it gives.
pub fn added(row: &'static Row, edit: &Edit, args: &Map, before: &Json) -> Option<(Vec<Json>, usize)> {
    let list = list_in(before, edit.list)?;
    let given = entries(row, edit, args)?;
    let all = given.len();
    let is_new = |entry: &Json| !list.iter().any(|there| key_of(edit, there) == key_of(edit, entry));
    let new: Vec<Json> = given.into_iter().filter(is_new).collect();
    let others = all - new.len();
    Some((new, others))
}

/// The entries that the call is about, as they were before.
pub fn former(row: &'static Row, edit: &Edit, args: &Map, before: &Json) -> Option<Vec<Json>> {
    let given = entries(row, edit, args)?;
    let list = list_in(before, edit.list)?.iter();
    Some(list.filter(|there| given.iter().any(|entry| key_of(edit, there) == key_of(edit, entry))).cloned().collect())
}

/// The entries that the arguments name, as the list would show them.
fn entries(row: &'static Row, edit: &Edit, args: &Map) -> Option<Vec<Json>> {
    let under = |entry: Json| match edit.under {
        "" => entry,
        member => Json::Object(Object::from_iter([(member.to_owned(), entry)])),
    };
    let Some(param) = row.params.iter().find(|param| param.name == edit.with) else {
        return Some(vec![under(written(row, args)?)]);
    };
    let items = match shown(param, args.get(param.name)?)? {
        Json::Array(items) => items,
        one => vec![one],
    };
    let whole = |item: Json| match (edit.key, &item) {
        // A list of keys stands for entries that have nothing but it, and what goes along.
        ([key], Json::String(_) | Json::Number(_)) if edit.how != EditHow::Remove => {
            let also = edit.also.iter().filter_map(|name| row.params.iter().find(|param| param.name == *name));
            let also = also.filter_map(|param| Some((param.wire.to_owned(), shown(param, args.get(param.name)?)?)));
            Json::Object([((*key).to_owned(), item)].into_iter().chain(also).collect())
        }
        _ => item,
    };
    Some(items.into_iter().map(whole).map(under).collect())
}

/// By what an entry is known.
fn key_of<'a>(edit: &Edit, entry: &'a Json) -> Vec<Option<&'a Json>> {
    if edit.key.is_empty() || matches!(entry, Json::String(_) | Json::Number(_)) {
        return vec![Some(entry)];
    }
    let member = |name: &&str| at_path(entry, name).filter(|value| !value.is_null());
    edit.key.iter().map(member).collect()
}

/// The list at a path; nothing there is an empty one.
fn list_in<'a>(state: &'a Json, path: &str) -> Option<&'a [Json]> {
    match at_path(state, path) {
        None | Some(Json::Null) => Some(&[]),
        Some(Json::Array(items)) => Some(items),
        Some(_) => None,
    }
}

fn list_mut<'a>(state: &'a mut Json, path: &str) -> Option<&'a mut Vec<Json>> {
    let mut place = state;
    for part in path.split('.').filter(|part| !part.is_empty()) {
        place = place.as_object_mut()?.entry(part).or_insert(Json::Null);
    }
    if place.is_null() {
        *place = Json::Array(Vec::new());
    }
    place.as_array_mut()
}
