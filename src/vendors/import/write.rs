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
    let mut names = BTreeSet::new();
    for param in &call.params {
        let name = unique(&param.wire, &mut names);
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

/// A name in scripts for a name on the wire, which no other parameter of the call has.
fn unique(wire: &str, names: &mut BTreeSet<String>) -> String {
    let mut name = snake(wire);
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        name = format!("p_{name}");
    }
    if name == "body" {
        name = "body_value".into();
    }
    let base = name.clone();
    let mut number = 2;
    while names.contains(&name) || names.contains(wire) && name != wire {
        name = format!("{base}_{number}");
        number += 1;
        if number > 100 {
            break;
        }
    }
    names.insert(name.clone());
    name
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
    if !param.choices.is_empty() {
        let choices: Vec<String> = param.choices.iter().map(json).collect();
        parts.push(format!("choices = [{}]", choices.join(", ")));
    }
    for (key, limit) in [("min", param.limits.0), ("max", param.limits.1)] {
        parts.extend(limit.map(|limit| format!("{key} = {limit}")));
    }
    if !param.fields.is_empty() {
        let mut names = BTreeSet::new();
        let fields: Vec<String> = param
            .fields
            .iter()
            .map(|field| {
                let name = unique(&field.wire, &mut names);
                format!("{name} = {}", param_text(field, &name))
            })
            .collect();
        parts.push(format!("open = true, fields = {{ {} }}", fields.join(", ")));
    }
    let doc = clean(&param.doc);
    parts.push(format!("doc = {}", quoted(if doc.is_empty() { "Not described." } else { &doc })));
    format!("{{ {} }}", parts.join(", "))
}

fn summary(text: &str, call: &FoundCall) -> String {
    let text = clean(text);
    let text = text.trim().trim_end_matches('.');
    if text.is_empty() { format!("{} {}", call.method, call.path) } else { text.chars().take(120).collect() }
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
