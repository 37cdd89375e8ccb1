//! What must hold in a catalog before anything is made of it.

use std::collections::{HashMap, HashSet};

use toml::Value;

use super::spec::{CallSpec, ParamSpec, RuleSpec, Spec};
use super::text::Mistake;

/// Words that Rhai keeps to itself: no function may bear one.
const RESERVED: &[&str] = &[
    "var",
    "static",
    "shared",
    "goto",
    "match",
    "case",
    "public",
    "protected",
    "new",
    "use",
    "with",
    "is",
    "module",
    "package",
    "super",
    "thread",
    "spawn",
    "go",
    "sync",
    "async",
    "await",
    "yield",
    "default",
    "void",
    "null",
    "nil",
    "import",
    "export",
    "as",
    "fn",
    "private",
    "this",
    "let",
    "const",
    "if",
    "else",
    "switch",
    "do",
    "while",
    "until",
    "for",
    "in",
    "loop",
    "continue",
    "break",
    "return",
    "throw",
    "try",
    "catch",
    "print",
    "debug",
    "type_of",
    "call",
    "curry",
    "eval",
    "Fn",
    "is_def_var",
    "is_def_fn",
    "is_shared",
    "request",
    "name",
    "vendor",
    "tags",
];

const TYPES: &[&str] = &[
    "string",
    "int",
    "float",
    "bool",
    "time:epoch",
    "time:millis",
    "time:iso",
    "time:minute",
    "time:hour",
    "time:date",
    "address",
    "regex",
    "object",
    "any",
];

/// Every mistake in the calls, with its line.
pub fn check(spec: &Spec, calls: &[(usize, CallSpec)]) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let names: HashSet<&str> = calls.iter().map(|(_, call)| call.name.as_str()).collect();
    if spec.id.is_empty() || !is_name(&spec.id) {
        mistakes.push(Mistake { line: 1, message: format!("'{}' is not an id for a vendor", spec.id) });
    }
    for (line, call) in calls {
        let mut say = |message: String| {
            let name = if call.name.is_empty() { "a call without a name" } else { &call.name };
            mistakes.push(Mistake { line: *line, message: format!("{name}: {message}") });
        };
        if let Some(first) = seen.insert(&call.name, *line) {
            say(format!("the name is used already in line {first}"));
        }
        for message in check_call(call, &names) {
            say(message);
        }
    }
    mistakes
}

fn check_call(call: &CallSpec, names: &HashSet<&str>) -> Vec<String> {
    let mut said = Vec::new();
    if !is_name(&call.name) || RESERVED.contains(&call.name.as_str()) {
        said.push(format!("'{}' cannot be the name of a function", call.name));
    }
    if !["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"].contains(&call.method.as_str()) {
        said.push(format!("method must be GET, HEAD, POST, PUT, PATCH or DELETE, and not '{}'", call.method));
    }
    if !call.path.starts_with('/') {
        said.push("path must begin with a slash".into());
    }
    one_of(&mut said, "effect", Some(&call.effect), &["read", "change", "destroy"]);
    one_of(&mut said, "kind", call.kind.as_ref(), &["call", "staged", "session"]);
    one_of(&mut said, "body", call.body.as_ref(), &["none", "json", "free", "form", "multipart"]);
    one_of(&mut said, "confidence", Some(&call.confidence), &["seed", "documented", "client", "inferred"]);
    let shapes = ["none", "object", "list", "text", "download", "any"];
    one_of(&mut said, "answer.shape", call.answer.shape.as_ref(), &shapes);
    if call.summary.trim().is_empty() || call.summary.contains('\n') || call.summary.ends_with('.') {
        said.push("summary must be one line without a period".into());
    }
    check_lost_answer(call, names, &mut said);
    for (what, named) in [
        ("before", call.before.as_ref().map(|before| before.call.as_str())),
        (
            "inverse",
            match &call.inverse {
                Some(super::InverseSpec::Call { name, .. }) => Some(name.as_str()),
                _ => None,
            },
        ),
    ] {
        if let Some(named) = named.filter(|named| !names.contains(named)) {
            let hint = crate::nearest::did_you_mean(named, names.iter().copied());
            said.push(format!("{what} names the call '{named}', which is not there.{hint}"));
        }
    }
    check_params(call, &mut said);
    said
}

fn check_lost_answer(call: &CallSpec, names: &HashSet<&str>, said: &mut Vec<String>) {
    let session = call.kind.as_deref() == Some("session");
    match call.lost_answer.as_deref() {
        None if call.effect != "read" && !session => {
            said.push("a call that changes something says how its lost answer is settled: lost_answer".into());
        }
        None | Some("idempotent" | "detectable" | "never") => {}
        Some(other) => match other.strip_prefix("verify ") {
            Some(read) if names.contains(read) => {}
            Some(read) => said.push(format!("lost_answer names the call '{read}', which is not there")),
            None => said.push(format!("lost_answer is idempotent, detectable, 'verify NAME' or never, not '{other}'")),
        },
    }
}

fn check_params(call: &CallSpec, said: &mut Vec<String>) {
    let placeholders: Vec<&str> =
        call.path.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect();
    let mut names = Vec::new();
    let mut on_path = HashSet::new();
    for (name, value) in &call.params {
        names.push(name.as_str());
        match value.clone().try_into::<ParamSpec>() {
            Ok(param) => {
                check_param(name, &param, said);
                let wire = param.wire.as_deref().unwrap_or(name);
                if placeholders.contains(&wire) {
                    on_path.insert(wire.to_owned());
                } else if param.place.as_deref() == Some("path") {
                    said.push(format!("parameter '{name}' is in the path, but {{{wire}}} is not"));
                }
                let body = matches!(param.place.as_deref(), Some("body"));
                if body && matches!(call.method.as_str(), "GET" | "HEAD") && call.body.is_none() {
                    said.push(format!("parameter '{name}' is in the body of a {}: say body = \"json\"", call.method));
                }
            }
            Err(error) => said.push(format!("parameter '{name}': {}", error.message())),
        }
    }
    for placeholder in placeholders.iter().filter(|placeholder| !on_path.contains(**placeholder)) {
        said.push(format!("the path has {{{placeholder}}}, but no parameter is written so on the wire"));
    }
    let mut named: Vec<(&str, &str)> = call.items.iter().map(|name| ("items", name.as_str())).collect();
    named.extend(call.raises.iter().map(|raise| ("raises", raise.param.as_str())));
    for rule in &call.rules {
        match rule {
            RuleSpec::AnyOf(list) | RuleSpec::OneOf(list) | RuleSpec::Together(list) => {
                named.extend(list.iter().map(|name| ("rules", name.as_str())));
            }
            RuleSpec::Ordered(low, high) => named.extend([("rules", low.as_str()), ("rules", high.as_str())]),
        }
    }
    if let Some(super::InverseSpec::Swap(one, other)) = &call.inverse {
        named.extend([("inverse", one.as_str()), ("inverse", other.as_str())]);
    }
    for (key, name) in named.into_iter().filter(|(_, name)| !names.contains(name)) {
        let hint = crate::nearest::did_you_mean(name, names.iter().copied());
        said.push(format!("{key} names the parameter '{name}', which is not there.{hint}"));
    }
}

fn check_param(name: &str, param: &ParamSpec, said: &mut Vec<String>) {
    let mut say = |message: String| said.push(format!("parameter '{name}': {message}"));
    let word = param.ty.as_deref().unwrap_or("string");
    let base = word.trim_matches(['[', ']']);
    if !TYPES.contains(&base) {
        say(format!("there is no type '{word}'.{}", crate::nearest::did_you_mean(base, TYPES.iter().copied())));
    }
    if let (Some(min), Some(max)) = (param.min, param.max)
        && min > max
    {
        say("min is greater than max".into());
    }
    for value in param.choices.iter().chain(&param.default) {
        let fits = match (base, value) {
            _ if word.starts_with('[') => true,
            ("int", Value::Integer(_)) | ("bool", Value::Boolean(_)) | ("any" | "object", _) => true,
            ("float", Value::Integer(_) | Value::Float(_)) => true,
            ("int" | "bool" | "float", _) => false,
            (_, value) => value.is_str(),
        };
        if !fits {
            say(format!("{value} is not of type {word}"));
        }
    }
    let places = ["path", "query", "body", "header", "form", "part"];
    if let Some(place) = param.place.as_deref().filter(|place| !places.contains(place)) {
        say(format!("there is no place '{place}': {}", places.join(", ")));
    }
    let mut members = HashSet::new();
    for (member, value) in &param.fields {
        members.insert(member.as_str());
        match value.clone().try_into::<ParamSpec>() {
            Ok(field) => {
                if let Some(condition) = &field.required_if
                    && !param.fields.contains_key(&condition.param)
                {
                    said.push(format!("parameter '{name}.{member}': required_if names '{}'", condition.param));
                }
                check_param(&format!("{name}.{member}"), &field, said);
            }
            Err(error) => said.push(format!("parameter '{name}.{member}': {}", error.message())),
        }
    }
    if let Some(super::HarmSpec::Ranges { start, prefix, end }) = &param.harms {
        for part in [start, prefix, end].into_iter().filter(|part| !members.contains(part.as_str())) {
            said.push(format!("parameter '{name}': harms names the member '{part}', which is not there"));
        }
    }
}

fn one_of(said: &mut Vec<String>, key: &str, value: Option<&String>, words: &[&str]) {
    if let Some(value) = value.filter(|value| !words.contains(&value.as_str())) {
        said.push(format!("{key} must be one of {}, and not '{value}'", words.join(", ")));
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}
