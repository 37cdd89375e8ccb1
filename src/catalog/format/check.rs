//! What must hold in a catalog before anything is made of it.

mod params;
mod references;

use std::collections::HashMap;

use super::spec::{CallSpec, RefusalSpec, Spec};
use super::text::{Mistake, line_near};
use super::words::{RESERVED, entry_type, is_name};
use crate::catalog::row::{Effect, Vendor};
use crate::nearest::did_you_mean;

/// What is wrong with a call, and the keys that lead to the place, outermost first.
struct Notes {
    said: Vec<(Vec<String>, String)>,
}

impl Notes {
    fn call(&mut self, message: impl Into<String>) {
        self.said.push((Vec::new(), message.into()));
    }

    fn at(&mut self, keys: &[&str], message: impl Into<String>) {
        self.said.push((keys.iter().map(|key| (*key).to_owned()).collect(), message.into()));
    }

    fn one_of(&mut self, key: &str, value: Option<&String>, words: &[&str]) {
        if let Some(value) = value.filter(|value| !words.contains(&value.as_str())) {
            let hint = did_you_mean(value, words.iter().copied());
            self.at(&[key], format!("{key} must be one of {}, and not '{value}'.{hint}", words.join(", ")));
        }
    }
}

/// Every mistake in the calls, with its line. `present` is the vendor that the file completes.
pub fn check(text: &str, spec: &Spec, calls: &[(usize, CallSpec)], present: Option<&Vendor>) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    check_vendor(text, spec, &mut mistakes);
    let known = references::Known::of(spec, calls, present);
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for (line, call) in calls {
        let mut notes = Notes { said: Vec::new() };
        if let Some(first) = seen.insert(&call.name, *line) {
            notes.at(&["name"], format!("the name is used already in line {first}"));
        }
        if present.is_some_and(|vendor| vendor.rows.named(&call.name).is_some()) {
            notes.at(&["name"], format!("{} has a call of this name already: choose another name", spec.id));
        }
        check_call(call, &mut notes);
        params::check(spec, call, &mut notes);
        references::check(call, &known, &mut notes);
        let name = if call.name.is_empty() { "a call without a name" } else { &call.name };
        mistakes.extend(notes.said.into_iter().map(|(keys, message)| Mistake {
            line: line_near(text, *line, &keys),
            message: format!("{name}: {message}"),
        }));
    }
    mistakes
}

fn check_vendor(text: &str, spec: &Spec, mistakes: &mut Vec<Mistake>) {
    let mut say = |key: &str, message: String| {
        mistakes.push(Mistake { line: line_near(text, 1, &[key.to_owned()]), message });
    };
    if !is_name(&spec.id) {
        say("id", format!("'{}' is not an id for a vendor: use small letters, digits and _", spec.id));
    }
    if let Some(base) = spec.base.as_ref().filter(|base| !is_base(base)) {
        say("base", format!("base '{base}' must begin with a slash and not end with one"));
    }
    if let Some(message) = spec.refusal.as_ref().and_then(wrong_pattern) {
        say("refusal", message);
    }
}

fn check_call(call: &CallSpec, notes: &mut Notes) {
    if !is_name(&call.name) || RESERVED.contains(&call.name.as_str()) {
        notes.at(&["name"], format!("'{}' cannot be the name of a function", call.name));
    }
    notes.one_of("method", Some(&call.method), &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]);
    notes.one_of("effect", Some(&call.effect), &["read", "change", "destroy"]);
    notes.one_of("kind", call.kind.as_ref(), &["call", "staged", "session"]);
    notes.one_of("body", call.body.as_ref(), &["none", "json", "free", "form", "multipart", "file"]);
    notes.one_of("confidence", Some(&call.confidence), &["seed", "documented", "client", "inferred"]);
    if let Some(base) = call.base.as_ref().filter(|base| !is_base(base)) {
        notes.at(&["base"], format!("base '{base}' must begin with a slash and not end with one"));
    }
    check_path(&call.path, notes);
    if let Some(paging) = &call.paging {
        notes.one_of("paging", Some(&paging.style), &["slots", "total", "numbers", "links"]);
        if paging.size == 0 || paging.items.is_empty() {
            notes.at(&["paging"], "paging needs items, the member of a page's entries, and a size of at least 1");
        }
    }
    if !call.update.is_empty() && (call.before.is_none() || !is_name(&call.update)) {
        notes.at(&["update"], "update is the name of a function, and needs before: the read that it begins with");
    }
    if call.summary.trim().is_empty() || call.summary.contains('\n') || call.summary.ends_with('.') {
        notes.at(&["summary"], "summary must be one line without a period");
    }
    if call.effect != "read" && call.kind.as_deref() != Some("session") && call.lost_answer.is_none() {
        notes.call("a call that changes something says how its lost answer is settled: lost_answer");
    }
    check_raises(call, notes);
    check_answer(call, notes);
    if let Some(example) = &call.example
        && let Err(error) = serde_json::from_str::<serde_json::Value>(&example.answer)
    {
        notes.at(&["example"], format!("the example's answer is not JSON: {error}"));
    }
}

fn check_path(path: &str, notes: &mut Notes) {
    if !path.starts_with('/') || path.contains(['?', '#']) {
        notes.at(&["path"], "path must begin with a slash and have neither query nor fragment");
    }
    for part in path.split('/').filter(|part| part.contains(['{', '}'])) {
        let inner = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
        if inner.is_none_or(|inner| inner.is_empty() || inner.contains(['{', '}'])) {
            notes.at(&["path"], format!("'{part}' must be a placeholder as a whole, such as {{id}}"));
        }
    }
}

fn check_raises(call: &CallSpec, notes: &mut Notes) {
    for raise in &call.raises {
        notes.one_of("raises", Some(&raise.effect), &["change", "destroy"]);
        let raised = Effect::from_name(&raise.effect);
        if raised.is_some() && raised <= Effect::from_name(&call.effect) {
            notes.at(&["raises"], format!("raises must name a greater effect than {}", call.effect));
        }
    }
}

fn check_answer(call: &CallSpec, notes: &mut Notes) {
    let shapes = ["none", "object", "list", "text", "download", "any"];
    notes.one_of("answer", call.answer.shape.as_ref(), &shapes);
    if let Some(message) = call.answer.refusal.as_ref().and_then(wrong_pattern) {
        notes.at(&["answer", "refusal"], message);
    }
    for (name, value) in &call.answer.fields {
        let ty = value.as_str().or_else(|| value.get("type").and_then(toml::Value::as_str)).unwrap_or_default();
        if entry_type(ty).is_none() {
            notes.at(&["answer", "fields", name], format!("answer field '{name}': {}", params::no_type(ty)));
        }
    }
}

fn wrong_pattern(refusal: &RefusalSpec) -> Option<String> {
    let error = regex::Regex::new(&refusal.pattern).err()?.to_string();
    let reason = error.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
    Some(format!("the refusal's pattern is no regular expression: {reason}"))
}

fn is_base(base: &str) -> bool {
    base.is_empty() || base.starts_with('/') && !base.ends_with('/')
}
