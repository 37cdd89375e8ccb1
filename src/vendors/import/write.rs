//! The catalog file that an import writes.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::Value as Json;

use super::name::snake;
use super::{Found, FoundCall, FoundParam, Order};

/// The file's text.
pub fn catalog(found: &Found, order: &Order<'_>, completes: bool) -> String {
    let mut text = String::new();
    line(&mut text, &format!("# Made from {}.", clean(order.source)));
    line(&mut text, &format!("# {} calls; {} left out.", found.calls.len(), found.left_out.len()));
    line(
        &mut text,
        "# Review the effects (read, change, destroy), how lost answers are settled (lost_answer), and what",
    );
    line(&mut text, "# is secret: they follow from methods and words only. `never` is the careful choice.");
    for left in found.left_out.iter().take(200) {
        line(&mut text, &format!("# left out: {}", clean(left)));
    }
    line(&mut text, "");
    line(&mut text, &format!("id = {}", quoted(order.id)));
    if !completes {
        let title = if found.title.is_empty() { order.id } else { &found.title };
        line(&mut text, &format!("title = {}", quoted(&clean(title))));
        line(&mut text, &format!("base = {}", quoted(&found.base)));
        let auth: Vec<String> = found.auth.iter().map(|method| quoted(method)).collect();
        line(&mut text, &format!("auth = [{}]", auth.join(", ")));
        if !found.auth_header.is_empty() {
            line(&mut text, &format!("auth_header = {}", quoted(&found.auth_header)));
        }
    }
    for call in &found.calls {
        write_call(&mut text, call);
    }
    text
}

fn write_call(text: &mut String, call: &FoundCall) {
    line(text, "");
    line(text, "[[call]]");
    for (key, value) in [("name", &call.name), ("method", &call.method), ("path", &call.path)] {
        line(text, &format!("{key} = {}", quoted(value)));
    }
    line(text, &format!("effect = \"{}\"   # review", call.effect));
    line(text, &format!("area = {}", quoted(&clean(&call.area))));
    line(text, &format!("summary = {}", quoted(&summary(&call.summary, call))));
    if let Some(body) = call.body {
        line(text, &format!("body = \"{body}\""));
    }
    for (param, name) in call.params.iter().zip(names(&call.params)) {
        line(text, &format!("params.{name} = {}", param_text(param, &name)));
    }
    if call.effect != "read" {
        let on_one = call.path.trim_end_matches('/').ends_with('}');
        let again = matches!(call.method.as_str(), "PUT" | "DELETE") && on_one;
        line(text, &format!("lost_answer = \"{}\"   # review", if again { "idempotent" } else { "never" }));
    }
    line(text, &format!("answer = {{ shape = \"{}\" }}", call.shape));
    line(text, "source = \"the appliance's own description\"");
    line(text, "confidence = \"documented\"");
}

/// Names in scripts for names on the wire, in order. A name is never another one's spelling on the
/// wire, so that both can be written.
fn names(params: &[FoundParam]) -> Vec<String> {
    let wires: BTreeSet<&str> = params.iter().map(|param| param.wire.as_str()).collect();
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let mut names = Vec::with_capacity(params.len());
    for param in params {
        let mut name = snake(&param.wire);
        if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
            name = format!("p_{name}");
        }
        if name == "body" {
            name = "body_value".into();
        }
        let base = name.clone();
        let mut number = 2;
        while taken.contains(&name) || (name != param.wire && wires.contains(name.as_str())) {
            name = format!("{base}_{number}");
            number += 1;
        }
        taken.insert(name.clone());
        names.push(name);
    }
    names
}

fn param_text(param: &FoundParam, name: &str) -> String {
    let mut parts = Vec::new();
    if name != param.wire {
        parts.push(format!("wire = {}", quoted(&param.wire)));
    }
    if !param.place.is_empty() {
        parts.push(format!("in = \"{}\"", param.place));
    }
    parts.push(format!("type = \"{}\"", param.ty));
    if param.required && param.place != "path" {
        parts.push("required = true".into());
    }
    if param.secret {
        parts.push("secret = true".into());
    }
    if param.root {
        parts.push("root = true".into());
    }
    if !param.join.is_empty() {
        parts.push(format!("join = {}", quoted(param.join)));
    }
    if !param.choices.is_empty() {
        let choices: Vec<String> = param.choices.iter().map(json).collect();
        parts.push(format!("choices = [{}]", choices.join(", ")));
    }
    for (key, limit) in [("min", param.limits.0), ("max", param.limits.1)] {
        parts.extend(limit.map(|limit| format!("{key} = {limit}")));
    }
    if !param.fields.is_empty() {
        let fields: Vec<String> = param
            .fields
            .iter()
            .zip(names(&param.fields))
            .map(|(field, name)| format!("{name} = {}", param_text(field, &name)))
            .collect();
        parts.push(format!("open = true, fields = {{ {} }}", fields.join(", ")));
    }
    let doc = clean(&param.doc);
    parts.push(format!("doc = {}", quoted(if doc.is_empty() { "Not described." } else { &doc })));
    format!("{{ {} }}", parts.join(", "))
}

fn summary(text: &str, call: &FoundCall) -> String {
    let text = clean(text);
    let text: String = text.chars().take(120).collect();
    // A summary has no period at its end, and a path may end with one.
    match text.trim_end_matches(['.', ' ']) {
        "" => format!("Send {} to the path below", call.method),
        text => text.to_owned(),
    }
}

/// One line without control characters.
fn clean(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect();
    words.join(" ").chars().take(400).collect()
}

fn quoted(text: &str) -> String {
    // A JSON text without control characters is a TOML text as well.
    Json::from(text.chars().filter(|c| !c.is_control()).collect::<String>()).to_string()
}

fn json(value: &Json) -> String {
    match value {
        Json::String(text) => quoted(text),
        other => other.to_string(),
    }
}

fn line(text: &mut String, content: &str) {
    let _infallible = writeln!(text, "{content}");
}
