//! Read, change, write back: the safe way to change part of an object that can only be replaced.

use rhai::{Dynamic, EvalAltResult, FnPtr, Map, NativeCallContext};

use super::targets::{invoke, split};
use crate::catalog::{Listed, Row};
use crate::engine::context::RunContext;
use crate::engine::types::Target;
use crate::engine::{error, values};
use crate::nearest::did_you_mean;
use crate::value::Value;

type Answer<T> = Result<T, Box<EvalAltResult>>;

/// Calls the read that the row names, gives the object to `work`, and replaces it with what `work`
/// gives back. Members that the object does not have are refused: the appliance would ignore them
/// without a word.
pub(super) fn call(
    context: &NativeCallContext<'_>,
    run: &RunContext,
    target: &Target,
    name: &str,
    arguments: &mut [&mut Dynamic],
    work: &FnPtr,
) -> Answer<Dynamic> {
    let rows = run.catalog.vendor(&target.vendor).map(|vendor| vendor.rows).unwrap_or_default();
    let Some(row) = rows.listed().find(|call| call.update() == name).and_then(Listed::row) else {
        let hint = did_you_mean(name, rows.listed().map(|call| call.update()).filter(|update| !update.is_empty()));
        let message =
            format!("'{}' is of vendor {}, where {name} takes no function.{hint}", target.name, target.vendor);
        return Err(error::invalid(message, context));
    };
    let (positional, query) = split(context, row, arguments)?;
    let query = query.into_map();
    let Some(before) = &row.before else { return Err(error::invalid(format!("{name} has no read"), context)) };
    let Some(read) = run.catalog.row(&target.vendor, before.call) else {
        return Err(error::invalid(format!("there is no read '{}'", before.call), context));
    };
    let shared: crate::value::Map =
        query.iter().filter(|(name, _)| read.map_params().any(|param| param.is_called(name))).map(clone).collect();
    let answer = invoke(context, run, target, read, positional.clone(), shared)?;
    let at = run.catalog.vendor(&target.vendor).map_or("", |vendor| vendor.at);
    let present = simplified(inner(answer, at));
    let wanted: Dynamic = work.call_within_context(context, (present.clone(),))?;
    if wanted.is_unit() {
        let message = format!("{name}: the function gave nothing back. End it with the object: |m| {{ m.x = 1; m }}");
        return Err(error::invalid(message, context));
    }
    unknown_members(row, &present, &wanted, "").map_err(|message| error::invalid(message, context))?;
    let value = values::to_value(&wanted).map_err(|message| error::invalid(message, context))?;
    let mut positional = positional;
    let mut map = query;
    match value {
        Value::Map(object) => map.extend(written(row, object)),
        body => positional.push(body),
    }
    invoke(context, run, target, row, positional, map)
}

fn clone((name, value): (&String, &Value)) -> (String, Value) {
    (name.clone(), value.clone())
}

/// What of an object the call writes: where the row knows its parameters, the rest is what the
/// appliance adds by itself.
fn written(row: &Row, object: crate::value::Map) -> crate::value::Map {
    if row.body == crate::catalog::Body::Free {
        return object;
    }
    object.into_iter().filter(|(name, _)| row.map_params().any(|param| param.is_called(name))).collect()
}

/// The object itself, without what the API wraps around it.
fn inner(answer: Dynamic, at: &str) -> Dynamic {
    let inside = answer.read_lock::<Map>().and_then(|map| map.get(at).cloned());
    inside.unwrap_or(answer)
}

/// A reference comes expanded, as `#{ key, meta }`, and has to go back as its key.
fn simplified(value: Dynamic) -> Dynamic {
    if let Some(map) = value.read_lock::<Map>() {
        let is_reference = map.len() == 2 && map.contains_key("key") && map.contains_key("meta");
        if is_reference {
            return map.get("key").cloned().unwrap_or_default();
        }
        let inner: Map = map.iter().map(|(name, value)| (name.clone(), simplified(value.clone()))).collect();
        return Dynamic::from_map(inner);
    }
    if let Some(list) = value.read_lock::<rhai::Array>() {
        return Dynamic::from_array(list.iter().map(|item| simplified(item.clone())).collect());
    }
    value
}

/// One object with every member that the objects of a list have; nothing if they are no objects.
fn joined(list: &[Dynamic]) -> Option<Dynamic> {
    let mut all = Map::new();
    for entry in list {
        join(&mut all, &*entry.read_lock::<Map>()?);
    }
    (!all.is_empty()).then(|| Dynamic::from_map(all))
}

fn join(all: &mut Map, entry: &Map) {
    for (name, value) in entry {
        let there = all.entry(name.clone()).or_insert_with(|| value.clone());
        if let (Some(mut there), Some(inner)) = (there.write_lock::<Map>(), value.read_lock::<Map>()) {
            join(&mut there, &inner);
        }
    }
}

/// Whether everything in `wanted` has a place in `present`. Objects that say by `selection` or
/// `enabled` which members they have are free to change them, and so are those whose members are
/// entries in an order, `@order`. Entries of a list are compared with all
/// that were there.
fn unknown_members(row: &Row, present: &Dynamic, wanted: &Dynamic, at: &str) -> Result<(), String> {
    if let (Some(there), Some(entries)) = (present.read_lock::<rhai::Array>(), wanted.read_lock::<rhai::Array>()) {
        let Some(sample) = joined(&there) else { return Ok(()) };
        for (index, entry) in entries.iter().enumerate() {
            unknown_members(row, &sample, entry, &format!("{at}[{index}]"))?;
        }
        return Ok(());
    }
    let (Some(present), Some(wanted)) = (present.read_lock::<Map>(), wanted.read_lock::<Map>()) else { return Ok(()) };
    let union =
        ["selection", "enabled", "@order"].iter().any(|word| present.contains_key(*word) || wanted.contains_key(*word));
    for (name, value) in wanted.iter() {
        let path = if at.is_empty() { name.to_string() } else { format!("{at}.{name}") };
        match present.get(name) {
            Some(there) => unknown_members(row, there, value, &path)?,
            None if union || row.map_params().any(|param| param.is_called(name)) => {}
            None => {
                let hint = did_you_mean(name, present.keys().map(rhai::Identifier::as_str));
                let list = present.keys().map(rhai::Identifier::as_str).collect::<Vec<_>>().join(", ");
                return Err(format!(
                    "{}: the object has no member '{path}', and the appliance would ignore it.{hint} There are: {list}",
                    row.update
                ));
            }
        }
    }
    Ok(())
}
