//! Folded rows unfolded: resources and families become calls.

use toml::{Table, Value};

use super::spec::{CallSpec, FamilySpec, ResourceFacts, ResourceSpec, RuleSpec, Spec};
use super::text::{Mistake, line_of, with_nearest};
use crate::nearest::did_you_mean;

/// Every call of the file with its line: written ones first, then resources, then families.
///
/// # Errors
/// A resource or family that cannot be unfolded.
pub fn expand(spec: &Spec, text: &str) -> Result<Vec<(usize, CallSpec)>, Vec<Mistake>> {
    let mut calls: Vec<(usize, CallSpec)> = Vec::new();
    let mut mistakes = Vec::new();
    for call in &spec.calls {
        calls.push((line_of(text, call.span().start), call.get_ref().clone()));
    }
    let folded = spec
        .resources
        .iter()
        .map(|resource| (resource.span().start, unfold_resource(&spec.resources_all, resource.get_ref())))
        .chain(spec.families.iter().map(|family| (family.span().start, unfold_family(family.get_ref()))));
    for (start, unfolded) in folded {
        let line = line_of(text, start);
        match unfolded {
            Ok(unfolded) => calls.extend(unfolded.into_iter().map(|call| (line, call))),
            Err(message) => mistakes.push(Mistake { line, message }),
        }
    }
    for (line, call) in &mut calls {
        if let Err(message) = add_sets(&spec.sets, call) {
            mistakes.push(Mistake { line: *line, message: format!("{}: {message}", call.name) });
        }
    }
    if mistakes.is_empty() { Ok(calls) } else { Err(mistakes) }
}

/// Adds the parameters of the sets that a call asks for behind its own; its own of the same name
/// go before them. `rules` of a set are rules of the call.
fn add_sets(sets: &Table, call: &mut CallSpec) -> Result<(), String> {
    for name in &call.with {
        let Some(Value::Table(set)) = sets.get(name) else {
            let hint = did_you_mean(name, sets.iter().map(|(known, _)| known.as_str()));
            return Err(format!("with names the set '{name}', which is not there.{hint}"));
        };
        for (param, facts) in set {
            if let ("rules", Value::Array(_)) = (param.as_str(), facts) {
                let rules: Vec<RuleSpec> =
                    facts.clone().try_into().map_err(|error| format!("set '{name}': {error}"))?;
                call.rules.extend(rules);
            } else if !call.params.contains_key(param) {
                call.params.insert(param.clone(), facts.clone());
            }
        }
    }
    Ok(())
}

/// The words for the calls of a resource.
const WORDS: [&str; 8] = ["list", "one", "create", "replace", "update", "delete", "show", "set"];

fn unfold_resource(shared: &ResourceFacts, resource: &ResourceSpec) -> Result<Vec<CallSpec>, String> {
    let mut words = resource.calls.iter().chain(resource.only.iter().map(|(word, _)| word));
    if let Some(wrong) = words.find(|word| !WORDS.contains(&word.as_str())) {
        let hint = did_you_mean(wrong, WORDS);
        return Err(format!("a resource has the calls {}, and not '{wrong}'.{hint}", WORDS.join(", ")));
    }
    if let Some((idle, _)) = resource.only.iter().find(|(word, _)| !resource.calls.contains(word)) {
        return Err(format!("only has facts of '{idle}', which is not among the calls"));
    }
    resource.calls.iter().map(|word| resource_call(shared, resource, word)).collect()
}

fn resource_call(shared: &ResourceFacts, resource: &ResourceSpec, word: &str) -> Result<CallSpec, String> {
    let ResourceSpec { name, path, id, title, .. } = resource;
    let plural = resource.plural.clone().unwrap_or_else(|| format!("{name}s"));
    let (call, method, effect, summary, shape) = match word {
        "list" => (plural.clone(), "GET", "read", format!("List every {title}"), "list"),
        "one" => (name.clone(), "GET", "read", format!("Show one {title}"), "object"),
        "create" => (format!("{name}_create"), "POST", "change", format!("Create one {title}"), "object"),
        "delete" => (format!("{name}_delete"), "DELETE", "destroy", format!("Delete one {title}"), "any"),
        "update" => (format!("{name}_update"), "PUT", "change", format!("Replace one {title}"), "object"),
        "show" => (name.clone(), "GET", "read", format!("Show the {title}"), "object"),
        "set" => (format!("{name}_replace"), "PUT", "change", format!("Replace the {title}"), "object"),
        _ => (format!("{name}_replace"), "PUT", "change", format!("Replace one {title}"), "object"),
    };
    let on_one = !matches!(word, "list" | "create" | "show" | "set");
    let path = if on_one { format!("{}/{{{id}}}", path.trim_end_matches('/')) } else { path.clone() };
    let mut facts = Table::new();
    for (key, value) in [("name", &*call), ("method", method), ("path", &path), ("effect", effect)] {
        facts.insert(key.into(), value.into());
    }
    facts.insert("summary".into(), summary.into());
    facts.insert("answer".into(), Value::Table(Table::from_iter([("shape".to_owned(), Value::from(shape))])));
    let mut params = Table::new();
    if on_one {
        let doc = format!("The {}, as the list shows it.", id.replace('_', " "));
        let id_facts = [("in", "path"), ("type", &resource.id_type), ("wire", id), ("doc", &doc)];
        let id_facts = id_facts.map(|(key, value)| (key.to_owned(), Value::from(value)));
        params.insert(id.clone(), Value::Table(Table::from_iter(id_facts)));
    }
    if matches!(word, "create" | "replace" | "update" | "set") {
        if resource.fields.is_empty() {
            facts.insert("body".into(), "free".into());
        }
        params.extend(resource.fields.clone());
    }
    facts.insert("params".into(), Value::Table(params));
    let own =
        ResourceFacts { all: resource.all.clone(), changes: resource.changes.clone(), only: resource.only.clone() };
    let mut more = Vec::new();
    let shared = &without_absent(shared, resource, word);
    for level in [shared, &own] {
        more.push(level.all.clone());
        if effect != "read" {
            more.push(level.changes.clone());
        }
        match level.only.get(word) {
            Some(Value::Table(only)) => more.push(only.clone()),
            Some(_) => return Err(format!("only.{word} is a table of facts")),
            None => {}
        }
    }
    for mut facts_of_level in more {
        for (_, value) in facts_of_level.iter_mut() {
            fill(value, &[("{name}", name), ("{plural}", &plural), ("{title}", title)]);
        }
        merge(&mut facts, &facts_of_level);
    }
    call_of(facts)
}

/// The shared facts without what they say of a read that the resource does not have.
fn without_absent(shared: &ResourceFacts, resource: &ResourceSpec, word: &str) -> ResourceFacts {
    let mut shared = shared.clone();
    let has = |words: &[&str]| resource.calls.iter().any(|call| words.contains(&call.as_str()));
    if let Some(Value::Table(only)) = shared.only.get_mut(word) {
        let named = only.get("before").and_then(|before| before.get("call")).and_then(Value::as_str);
        let is_there = match named {
            Some("{plural}") => has(&["list"]),
            Some("{name}") => has(&["one", "show"]),
            _ => true,
        };
        if !is_there {
            only.remove("before");
            only.remove("edits");
        }
    }
    shared
}

/// Writes the resource's words into the texts of shared facts.
fn fill(value: &mut Value, words: &[(&str, &str)]) {
    match value {
        Value::String(text) => {
            for (placeholder, word) in words {
                if text.contains(placeholder) {
                    *text = text.replace(placeholder, word);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| fill(item, words)),
        Value::Table(table) => table.iter_mut().for_each(|(_, value)| fill(value, words)),
        _ => {}
    }
}

/// Adds facts, which go before those that are there; `params` and `answer` are joined, so that a
/// parameter more does not drop the others.
fn merge(facts: &mut Table, more: &Table) {
    for (key, value) in more {
        match (facts.get_mut(key), value) {
            (Some(Value::Table(there)), Value::Table(new)) if key == "params" || key == "answer" => {
                there.extend(new.clone());
            }
            _ => {
                facts.insert(key.clone(), value.clone());
            }
        }
    }
}

fn unfold_family(family: &FamilySpec) -> Result<Vec<CallSpec>, String> {
    let members: Vec<(String, String)> = match &family.members {
        Value::Array(words) => words
            .iter()
            .map(|word| word.as_str().map(|word| (word.to_owned(), word.to_owned())).ok_or("members are words"))
            .collect::<Result<_, _>>()?,
        Value::Table(words) => words
            .iter()
            .map(|(name, word)| word.as_str().map(|word| (name.clone(), word.to_owned())).ok_or("members are words"))
            .collect::<Result<_, _>>()?,
        _ => return Err("members are a list of words, or a table from the word in names to the word in paths".into()),
    };
    members
        .iter()
        .map(|(name, word)| {
            let mut facts = family.call.clone();
            let shown = name.replace('_', " ");
            for (key, with) in [("name", name), ("path", word), ("summary", &shown), ("doc", &shown)] {
                if let Some(Value::String(text)) = facts.get_mut(key) {
                    // Placeholders keep their braces: only the empty pair stands for the member.
                    *text = text.replace("{}", with);
                }
            }
            if let Some(example) = facts.get_mut("example") {
                fill(example, &[("{}", name)]);
            }
            call_of(facts)
        })
        .collect()
}

fn call_of(facts: Table) -> Result<CallSpec, String> {
    Value::Table(facts).try_into().map_err(|error: toml::de::Error| with_nearest(error.message()))
}
