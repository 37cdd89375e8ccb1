//! Folded rows unfolded: resources and families become calls.

use toml::{Table, Value};

use super::spec::{CallSpec, FamilySpec, ResourceSpec, Spec};
use super::text::{Mistake, line_of};

/// Every call of the file with its line: written ones first, then resources, then families.
///
/// # Errors
/// A resource or family that cannot be unfolded.
pub fn expand(spec: &Spec, text: &str) -> Result<Vec<(usize, CallSpec)>, Vec<Mistake>> {
    let mut calls = Vec::new();
    let mut mistakes = Vec::new();
    for call in &spec.calls {
        calls.push((line_of(text, call.span().start), call.get_ref().clone()));
    }
    let folded = spec
        .resources
        .iter()
        .map(|resource| (resource.span().start, unfold_resource(resource.get_ref())))
        .chain(spec.families.iter().map(|family| (family.span().start, unfold_family(family.get_ref()))));
    for (start, unfolded) in folded {
        let line = line_of(text, start);
        match unfolded {
            Ok(unfolded) => calls.extend(unfolded.into_iter().map(|call| (line, call))),
            Err(message) => mistakes.push(Mistake { line, message }),
        }
    }
    if mistakes.is_empty() { Ok(calls) } else { Err(mistakes) }
}

fn unfold_resource(resource: &ResourceSpec) -> Result<Vec<CallSpec>, String> {
    resource.calls.iter().map(|word| resource_call(resource, word)).collect()
}

fn resource_call(resource: &ResourceSpec, word: &str) -> Result<CallSpec, String> {
    let ResourceSpec { name, path, id, title, .. } = resource;
    let plural = resource.plural.clone().unwrap_or_else(|| format!("{name}s"));
    let one = format!("{}/{{{id}}}", path.trim_end_matches('/'));
    let (call, method, path, effect, summary, shape) = match word {
        "list" => (plural, "GET", path.clone(), "read", format!("List every {title}"), "list"),
        "one" => (name.clone(), "GET", one, "read", format!("Show one {title}"), "object"),
        "create" => (format!("{name}_create"), "POST", path.clone(), "change", format!("Create a {title}"), "object"),
        "replace" => (format!("{name}_replace"), "PUT", one, "change", format!("Replace a {title}"), "object"),
        "update" => (format!("{name}_update"), "PUT", one, "change", format!("Update a {title}"), "object"),
        "delete" => (format!("{name}_delete"), "DELETE", one, "destroy", format!("Delete a {title}"), "any"),
        other => {
            return Err(format!(
                "a resource has the calls list, one, create, replace, update and delete, and not '{other}'"
            ));
        }
    };
    let mut facts = Table::new();
    for (key, value) in [("name", call.as_str()), ("method", method), ("path", &path), ("effect", effect)] {
        facts.insert(key.into(), Value::from(value));
    }
    facts.insert("summary".into(), Value::from(summary));
    facts.insert("answer".into(), Value::Table(Table::from_iter([("shape".to_owned(), Value::from(shape))])));
    let mut params = Table::new();
    if path.contains(&format!("{{{id}}}")) {
        let id_facts = [("in".to_owned(), Value::from("path")), ("type".to_owned(), Value::from(&*resource.id_type))];
        params.insert(id.clone(), Value::Table(Table::from_iter(id_facts)));
    }
    if matches!(word, "create" | "replace" | "update") {
        if resource.fields.is_empty() {
            facts.insert("body".into(), Value::from("free"));
        }
        params.extend(resource.fields.clone());
    }
    facts.insert("params".into(), Value::Table(params));
    facts.extend(resource.all.clone());
    if let Some(Value::Table(only)) = resource.only.get(word) {
        facts.extend(only.clone());
    }
    call_of(facts)
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
            for (key, with) in [("name", name), ("path", word), ("summary", &name.replace('_', " "))] {
                if let Some(Value::String(text)) = facts.get_mut(key) {
                    // Placeholders keep their braces: only the empty pair stands for the member.
                    *text = text.replace("{}", with);
                }
            }
            call_of(facts)
        })
        .collect()
}

fn call_of(facts: Table) -> Result<CallSpec, String> {
    Value::Table(facts).try_into().map_err(|error: toml::de::Error| error.message().to_owned())
}
