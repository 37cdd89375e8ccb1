//! What must hold for the parameters of a call.

use std::collections::HashMap;

use toml::{Table, Value};

use super::Notes;
use crate::catalog::format::spec::{CallSpec, HarmSpec, InverseSpec, ParamSpec, RuleSpec, Spec};
use crate::catalog::format::text::with_nearest;
use crate::catalog::format::words::{PLACES, TYPES, entry_type, is_name, placeholders, wire_name};
use crate::nearest::did_you_mean;

/// Notes every mistake in the parameters, and in what names them.
pub fn check(spec: &Spec, call: &CallSpec, notes: &mut Notes) {
    let params = read(&call.params, &["params"], notes);
    check_siblings(spec, &params, &["params"], notes);
    let mut on_path = Vec::new();
    for (name, param) in &params {
        let wire = wire_name(spec.wire_case, name, param);
        let place = param.place.as_deref();
        let held = placeholders(&call.path).any(|placeholder| placeholder == wire);
        if held {
            on_path.push(wire.clone());
        }
        let keys = ["params", name];
        match place {
            Some("path") if !held => {
                notes.at(&keys, format!("parameter '{name}' is in the path, but {{{wire}}} is not"));
            }
            Some(other) if held && other != "path" => {
                notes.at(&keys, format!("the path has {{{wire}}}, so that parameter '{name}' is not in the {other}"));
            }
            _ => {}
        }
        if place == Some("body") && matches!(call.method.as_str(), "GET" | "HEAD") && call.body.is_none() {
            notes.at(&keys, format!("parameter '{name}' is in the body of a {}: say body = \"json\"", call.method));
        }
        if *name == "body" && call.body.as_deref() == Some("free") {
            notes.at(&keys, "a parameter cannot be called 'body' where the body is free");
        }
    }
    for placeholder in placeholders(&call.path).filter(|placeholder| !on_path.iter().any(|wire| wire == placeholder)) {
        notes.at(&["path"], format!("the path has {{{placeholder}}}, but no parameter is written so on the wire"));
    }
    check_named(call, notes);
}

/// Everything else in the call that names a parameter.
fn check_named(call: &CallSpec, notes: &mut Notes) {
    let mut named: Vec<(&str, &str)> = call.items.iter().map(|name| ("items", name.as_str())).collect();
    named.extend(call.raises.iter().map(|raise| ("raises", raise.param.as_str())));
    for rule in &call.rules {
        match rule {
            RuleSpec::AnyOf(list) | RuleSpec::OneOf(list) | RuleSpec::Together(list) | RuleSpec::Needs(list) => {
                named.extend(list.iter().map(|name| ("rules", name.as_str())));
            }
            RuleSpec::Ordered(low, high) => named.extend([("rules", low.as_str()), ("rules", high.as_str())]),
        }
    }
    if let Some(InverseSpec::Swap(one, other)) = &call.inverse {
        named.extend([("inverse", one.as_str()), ("inverse", other.as_str())]);
    }
    for (key, name) in named.into_iter().filter(|(_, name)| !call.params.contains_key(*name)) {
        let hint = did_you_mean(name, call.params.iter().map(|(name, _)| name.as_str()));
        notes.at(&[key], format!("{key} names the parameter '{name}', which is not there.{hint}"));
    }
}

/// The parameters of a table; those that cannot be read are noted and left out.
fn read<'a>(table: &'a Table, keys: &[&str], notes: &mut Notes) -> Vec<(&'a str, ParamSpec)> {
    let mut params = Vec::new();
    for (name, value) in table {
        match value.clone().try_into::<ParamSpec>() {
            Ok(param) => params.push((name.as_str(), param)),
            Err(error) => {
                let keys: Vec<&str> = keys.iter().copied().chain([name.as_str()]).collect();
                notes.at(&keys, format!("parameter '{}': {}", path(&keys), with_nearest(error.message())));
            }
        }
    }
    params
}

/// Parameters of one object: each by itself, and what they are to each other.
fn check_siblings(spec: &Spec, params: &[(&str, ParamSpec)], keys: &[&str], notes: &mut Notes) {
    let mut taken: HashMap<String, &str> = HashMap::new();
    for (name, param) in params {
        let keys: Vec<&str> = keys.iter().copied().chain([*name]).collect();
        let wire = wire_name(spec.wire_case, name, param);
        for spelling in [(*name).to_owned(), wire] {
            if let Some(other) = taken.insert(spelling.clone(), name).filter(|other| other != name) {
                notes.at(&keys, format!("'{spelling}' means the parameters '{other}' and '{name}'"));
            }
        }
        if let Some(condition) = &param.required_if
            && !params.iter().any(|(sibling, _)| *sibling == condition.param)
        {
            let hint = did_you_mean(&condition.param, params.iter().map(|(name, _)| *name));
            let (at, wanted) = (path(&keys), &condition.param);
            notes.at(&keys, format!("parameter '{at}': required_if names '{wanted}', which is not there.{hint}"));
        }
        check_param(spec, param, &keys, notes);
    }
}

fn check_param(spec: &Spec, param: &ParamSpec, keys: &[&str], notes: &mut Notes) {
    let at = path(keys);
    let mut say = |message: String| notes.at(keys, format!("parameter '{at}': {message}"));
    if !keys.last().is_some_and(|name| is_name(name)) {
        say("a name has small letters, digits and _; say with wire how it is written on the wire".into());
    }
    let word = param.ty.as_deref().unwrap_or("string");
    match entry_type(word) {
        None => say(no_type(word)),
        Some(entry) => {
            for (what, value) in
                param.choices.iter().map(|value| ("choice", value)).chain(param.default.iter().map(|v| ("default", v)))
            {
                let list = what == "default" && word.starts_with('[');
                if !fits(entry, list, value) {
                    say(format!("the {what} {value} is not of type {word}"));
                }
            }
        }
    }
    if let (Some(min), Some(max)) = (param.min, param.max)
        && min > max
    {
        say("min is greater than max".into());
    }
    if let Some(Value::Integer(default)) = &param.default
        && (param.min.is_some_and(|min| *default < min) || param.max.is_some_and(|max| *default > max))
    {
        say(format!("the default {default} is not between min and max"));
    }
    if let Some(default) = param.default.as_ref().filter(|default| !default.is_array())
        && !param.choices.is_empty()
        && !param.choices.contains(default)
    {
        say(format!("the default {default} is not one of the choices"));
    }
    if let Some(place) = param.place.as_deref().filter(|place| !PLACES.contains(place)) {
        say(format!("there is no place '{place}': {}", PLACES.join(", ")));
    }
    if let Some(HarmSpec::Ranges { start, prefix, end }) = &param.harms {
        for part in [start, prefix, end].into_iter().filter(|part| !param.fields.contains_key(part.as_str())) {
            say(format!("harms names the member '{part}', which is not there"));
        }
    }
    let fields = read(&param.fields, keys, notes);
    check_siblings(spec, &fields, keys, notes);
}

/// What to say of a word that is no type.
pub fn no_type(word: &str) -> String {
    let bare = word.trim_matches(['[', ']']);
    format!("there is no type '{word}'.{}", did_you_mean(bare, TYPES.iter().copied().filter(|known| *known != bare)))
}

/// Whether a value written in the file is of a type.
fn fits(entry: &str, list: bool, value: &Value) -> bool {
    if list {
        return value.as_array().is_some_and(|items| items.iter().all(|item| fits(entry, false, item)));
    }
    match (entry, value) {
        ("any", _)
        | ("int", Value::Integer(_))
        | ("bool" | "flag", Value::Boolean(_))
        | ("object", Value::Table(_)) => true,
        ("float", Value::Integer(_) | Value::Float(_)) | ("time:epoch" | "time:millis", Value::Integer(_)) => true,
        ("int" | "bool" | "flag" | "float" | "object", _) => false,
        (_, value) => value.is_str(),
    }
}

/// The keys below `params`, as in messages.
fn path(keys: &[&str]) -> String {
    keys.iter().skip(1).copied().collect::<Vec<_>>().join(".")
}
