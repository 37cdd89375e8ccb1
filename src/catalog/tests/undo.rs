//! Every changing row: how its lost answer is settled, what shows it before and after, what takes it
//! back. Each test gathers all offenders.

use serde_json::json;

use crate::catalog::*;
use crate::secret::Secret;
use crate::value::{Map, Value};

/// Changing rows whose path has a read of its own that does not show what they change, and why.
const WITHOUT_BEFORE: &[(&str, &str)] = &[
    ("asyncos.quarantine_pvo_rules_delete", "what rules hold changes with every mail"),
    ("asyncos.quarantine_pvo_rules_release", "what rules hold changes with every mail"),
    ("asyncos.quarantine_rules_alt_delete", "what rules hold changes with every mail"),
    ("asyncos.quarantine_rules_alt_release", "what rules hold changes with every mail"),
    ("asyncos.quarantine_spam_delete", "the read is a search that wants a span of time"),
    ("asyncos.quarantine_spam_release", "the read is a search that wants a span of time"),
    ("spectra.worker_tasks_delete", "the list changes with every file"),
];

fn changing() -> Vec<&'static Row> {
    let catalog = Catalog::builtin();
    catalog.rows().filter(|row| row.effect != Effect::Read && row.kind != Kind::Session).collect()
}

fn named(row: &Row) -> String {
    format!("{}.{}", row.vendor, row.name)
}

fn sibling(row: &Row, name: &str) -> Option<&'static Row> {
    Catalog::builtin().row(row.vendor, name)
}

fn place(row: &Row) -> String {
    format!("{}{}", row.base, row.path.trim_end_matches('/'))
}

/// A value that a parameter takes.
fn sample(param: &Param) -> Value {
    if let Some(choice) = param.choices.first() {
        return serde_json::from_str::<serde_json::Value>(choice).unwrap().into();
    }
    if param.secret && matches!(param.ty, Type::String) {
        return Value::Secret(Secret::new("env X", "example-secret"));
    }
    let long = usize::try_from(param.min.unwrap_or(1).max(1)).unwrap();
    match param.ty {
        Type::Int => Value::Int(param.min.unwrap_or(1).max(1)),
        Type::Float => Value::Float(1.0),
        Type::Bool | Type::Flag => Value::Bool(true),
        Type::Pem => "-----BEGIN X-----\nTUlJQg==\n-----END X-----".into(),
        Type::Time(_) => Value::Int(1_700_000_000),
        Type::Address => "192.0.2.1".into(),
        Type::Object => Value::Map(members(param.fields)),
        Type::List(Type::Object) => Value::List(vec![Value::Map(members(param.fields))]),
        Type::List(Type::Int) => Value::List(vec![Value::Int(1)]),
        Type::List(_) => Value::List(vec!["x".into()]),
        Type::Any => json!([["x"]]).into(),
        _ => "x".repeat(long).into(),
    }
}

fn members(params: &[Param]) -> Map {
    params
        .iter()
        .filter(|param| param.place != Place::Path)
        .map(|param| (param.name.to_owned(), sample(param)))
        .collect()
}

/// Arguments that a row takes: all of its parameters where its rules allow, else the needed ones.
fn arguments(row: &'static Row) -> Map {
    let positional: Vec<Value> = row.path_params().map(sample).collect();
    let root = row.params.iter().find(|param| param.root).map(sample);
    let positional: Vec<Value> = positional.into_iter().chain(root).collect();
    let all = row.params.iter().filter(|param| !param.root);
    let needed: Vec<Param> = all.clone().filter(|param| param.required).cloned().collect();
    let all: Vec<Param> = all.cloned().collect();
    let bound = bind(row, positional.clone(), members(&all)).or_else(|_| bind(row, positional, members(&needed)));
    bound.unwrap_or_else(|fault| panic!("{}: {}", named(row), fault.message)).args.into_map()
}

#[test]
fn a_changing_row_whose_path_is_read_names_that_read() {
    let catalog = Catalog::builtin();
    let mut offenders = Vec::new();
    for row in changing() {
        let read = catalog.rows().find(|read| {
            read.vendor == row.vendor
                && read.effect == Effect::Read
                && read.method == "GET"
                && place(read) == place(row)
        });
        let excused = WITHOUT_BEFORE.iter().any(|(name, _)| *name == named(row));
        match (read, &row.before) {
            (Some(read), None) if !excused => {
                offenders.push(format!("{} has no before, and {} reads its path", named(row), read.name))
            }
            (None, _) | (_, Some(_)) if excused => offenders.push(format!("{} needs no excuse", named(row))),
            _ => {}
        }
    }
    assert!(offenders.is_empty(), "{}", offenders.join("\n"));
}

#[test]
fn every_read_before_can_be_made_from_the_arguments() {
    let catalog = Catalog::builtin();
    let mut offenders = Vec::new();
    for row in changing() {
        let settled = match row.lost_answer {
            LostAnswer::Verify(read) => Some(read),
            _ => None,
        };
        for name in row.before.iter().map(|before| before.call).chain(settled) {
            match sibling(row, name) {
                None => offenders.push(format!("{}: there is no {name}", named(row))),
                Some(read) if read.effect != Effect::Read => {
                    offenders.push(format!("{}: {name} is no read", named(row)))
                }
                Some(_) if read_about(&catalog, row, name, &arguments(row)).is_none() => {
                    offenders.push(format!("{}: its arguments do not make {name}", named(row)));
                }
                Some(_) => {}
            }
        }
        if !row.edits.is_empty() && row.before.is_none() {
            offenders.push(format!("{}: edits without before", named(row)));
        }
    }
    assert!(offenders.is_empty(), "{}", offenders.join("\n"));
}

/// Whether nothing that the other call needs is missing: each parameter has its source.
fn missing(row: &Row, other: &Row, sources: &[(&str, &str)]) -> Vec<String> {
    let mut missing = Vec::new();
    for (to, from) in sources {
        if !other.params.iter().any(|param| param.name == *to) {
            missing.push(format!("{} has no '{to}'", other.name));
        }
        let known = match from.split_once('.').unwrap_or((from, "")) {
            ("args", name) => row.params.iter().any(|param| param.name == name),
            ("answer", _) => true,
            ("before", _) => row.before.is_some(),
            ("added" | "former", _) => !row.edits.is_empty(),
            _ => false,
        };
        if !known {
            missing.push(format!("there is no {from}"));
        }
    }
    for param in other.params.iter().filter(|param| param.required && param.default.is_none()) {
        let sourced = sources.iter().any(|(to, _)| *to == param.name);
        let own = row.params.iter().find(|own| own.name == param.name);
        let along = own
            .is_some_and(|own| param.place == Place::Path || param.place == Place::Query && own.place == Place::Query);
        if !sourced && !along {
            missing.push(format!("nothing gives '{}' of {}", param.name, other.name));
        }
    }
    missing
}

#[test]
fn every_inverse_is_a_call_that_changes_and_has_all_it_needs() {
    let mut offenders = Vec::new();
    for row in changing() {
        let mut say = |what: String| offenders.push(format!("{}: {what}", named(row)));
        match &row.inverse {
            None => {}
            Some(Inverse::Swap(one, other)) => {
                let is_list = |name: &str| row.params.iter().any(|p| p.name == name && matches!(p.ty, Type::List(_)));
                if !is_list(one) || !is_list(other) {
                    say(format!("{one} and {other} are not two lists"));
                }
            }
            Some(Inverse::Replace(_)) if row.before.is_none() => say("it has no read for its former state".into()),
            Some(Inverse::Replace(_)) if !row.writes_object() => say("it does not write what its read shows".into()),
            Some(Inverse::Replace(_)) => {}
            Some(Inverse::Call(name, sources)) => match sibling(row, name) {
                None => say(format!("there is no {name}")),
                Some(other) if other.effect == Effect::Read => say(format!("{name} is a read")),
                Some(other) => missing(row, other, sources).into_iter().for_each(say),
            },
        }
    }
    assert!(offenders.is_empty(), "{}", offenders.join("\n"));
}

#[test]
fn no_inverse_needs_a_secret_that_nobody_knows() {
    let mut offenders = Vec::new();
    for row in changing() {
        let writes = match &row.inverse {
            None => continue,
            Some(Inverse::Call(name, _)) => sibling(row, name).unwrap(),
            Some(_) => row,
        };
        if let Some(secret) = writes.params.iter().find(|param| param.is_secret()) {
            offenders.push(format!("{}: {} of {} is a secret", named(row), secret.name, writes.name));
        }
        let from_before = match &row.inverse {
            Some(Inverse::Replace(_)) => true,
            Some(Inverse::Call(_, sources)) => sources.iter().any(|(_, from)| from.starts_with("before.")),
            _ => false,
        };
        let read = row.before.as_ref().filter(|_| from_before).and_then(|before| sibling(row, before.call));
        if let Some(secret) = read.and_then(|read| read.answer.fields.iter().find(|field| field.secret)) {
            offenders.push(format!("{}: {} of its read is a secret", named(row), secret.name));
        }
    }
    assert!(offenders.is_empty(), "{}", offenders.join("\n"));
}

#[test]
fn every_inverse_by_arguments_and_answer_can_be_made() {
    let catalog = Catalog::builtin();
    let mut offenders = Vec::new();
    let mut made = 0;
    let answer = json!({ "key": "1", "id": 1 });
    for row in changing() {
        let from_before = match &row.inverse {
            Some(Inverse::Call(_, sources)) => {
                sources.iter().any(|(_, from)| !from.starts_with('a') || from.starts_with("added"))
            }
            Some(Inverse::Swap(..)) => false,
            _ => continue,
        };
        if from_before {
            continue;
        }
        match inverse_of(&catalog, row, &arguments(row), None, Some(&answer)) {
            Ok(undo) => made += usize::from(bind(undo.row, undo.positional, undo.map).is_ok()),
            Err(reason) => offenders.push(format!("{}: {reason}", named(row))),
        }
    }
    assert!(offenders.is_empty(), "{}", offenders.join("\n"));
    assert!(made > 40, "{made}");
}

#[test]
fn what_is_refused_when_sent_again_says_so_for_the_whole_request() {
    let halves: Vec<String> = changing()
        .into_iter()
        .filter(|row| row.lost_answer == LostAnswer::Detectable && matches!(row.method, "PUT" | "DELETE" | "GET"))
        .map(named)
        .collect();
    assert!(halves.is_empty(), "a PUT or DELETE that went through is not refused as a whole: {}", halves.join(", "));
}
