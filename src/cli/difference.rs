//! What a change would make of what is there.

use serde_json::Value as Json;

use crate::catalog::{plain, would_be};
use crate::door::Withheld;
use crate::value::{Map, Value};

/// What stands in a state in the place of a secret.
const HIDDEN: &str = "***";

/// One member that would have another value.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Its path within the object.
    pub path: String,
    /// What is there; nothing if the member is new.
    pub from: Option<Json>,
    /// What would be there; nothing if it would be gone.
    pub to: Option<Json>,
}

/// What a withheld change would make of what is there.
pub fn differences(change: &Withheld) -> Vec<Difference> {
    let Some(before) = change.before.state() else { return Vec::new() };
    match change.row.and_then(|row| would_be(row, &change.args, before)) {
        Some(after) => between(before, &after),
        None => by_arguments(before, &change.args),
    }
}

/// The members in which two states differ; of lists the entries that have come and gone.
pub fn between(before: &Json, after: &Json) -> Vec<Difference> {
    let mut found = Vec::new();
    match (before, after) {
        (before, Json::Null) if !before.is_null() => {
            let path = "the object".to_owned();
            found.push(Difference { path, from: Some(Json::from("there")), to: None });
        }
        _ => diverge("", &plain(before), &plain(after), &mut found),
    }
    found
}

fn diverge(path: &str, before: &Json, after: &Json, found: &mut Vec<Difference>) {
    let at = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    let whole = || if path.is_empty() { "value".to_owned() } else { path.to_owned() };
    match (before, after) {
        (Json::Object(before), Json::Object(after)) => {
            for (name, value) in after {
                match before.get(name) {
                    Some(there) => diverge(&at(name), there, value, found),
                    None => found.push(Difference { path: at(name), from: None, to: Some(value.clone()) }),
                }
            }
            // A secret stands in no state that is computed; whether it stays is not to be seen.
            let gone = before.iter().filter(|(name, value)| !after.contains_key(*name) && *value != HIDDEN);
            found.extend(gone.map(|(name, value)| Difference { path: at(name), from: Some(value.clone()), to: None }));
        }
        (Json::Array(before), Json::Array(after)) => {
            let come = after.iter().filter(|entry| !before.contains(entry));
            found.extend(come.map(|entry| Difference { path: whole(), from: None, to: Some(entry.clone()) }));
            let gone = before.iter().filter(|entry| !after.contains(entry));
            found.extend(gone.map(|entry| Difference { path: whole(), from: Some(entry.clone()), to: None }));
        }
        (before, after) if before != after => {
            found.push(Difference { path: whole(), from: Some(before.clone()), to: Some(after.clone()) });
        }
        _ => {}
    }
}

/// The members in which the arguments of a change differ from the state before it. Secrets are not
/// compared. Where the two do not look alike, there is nothing to say.
pub fn by_arguments(before: &Json, args: &Map) -> Vec<Difference> {
    let Some(present) = object(before) else { return Vec::new() };
    let mut found = Vec::new();
    match args.get("body") {
        Some(body) => compare("", Some(present), body, &mut found),
        None => {
            for (name, value) in args {
                // What the object does not have is no member of it: a key, or an option of the call.
                if let Some(there) = member(present, name) {
                    compare(name, Some(there), value, &mut found);
                }
            }
        }
    }
    found
}

/// The object itself, without what APIs wrap around it.
fn object(before: &Json) -> Option<&Json> {
    let inner = ["body", "data"].iter().find_map(|name| before.get(*name)).unwrap_or(before);
    match inner {
        Json::Array(items) if items.len() == 1 => items.first(),
        other => Some(other),
    }
}

/// A member by its name in scripts, or as on the wire.
fn member<'a>(object: &'a Json, name: &str) -> Option<&'a Json> {
    let plain = |text: &str| text.replace('_', "").to_lowercase();
    object
        .get(name)
        .or_else(|| object.as_object()?.iter().find(|(have, _)| plain(have) == plain(name)).map(|(_, value)| value))
}

fn compare(path: &str, there: Option<&Json>, wanted: &Value, found: &mut Vec<Difference>) {
    let there = there.map(reference);
    match (there, wanted) {
        (Some(Json::Object(object)), Value::Map(map)) => {
            for (name, value) in map {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                compare(&path, object.get(name), value, found);
            }
        }
        (_, Value::Secret(_)) => {}
        (there, wanted) => {
            let wanted = wanted.to_json();
            if there != Some(&wanted) {
                let path = if path.is_empty() { "value".to_owned() } else { path.to_owned() };
                found.push(Difference { path, from: there.cloned(), to: Some(wanted) });
            }
        }
    }
}

/// A reference comes expanded, and is written as its key.
fn reference(value: &Json) -> &Json {
    match value {
        Json::Object(map) if map.len() == 2 && map.contains_key("meta") => map.get("key").unwrap_or(value),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn args(json: Json) -> Map {
        match Value::from(json) {
            Value::Map(map) => map,
            _ => Map::new(),
        }
    }

    #[test]
    fn only_what_differs_is_named() {
        let before = json!({ "body": { "a": 1, "b": { "c": "x", "d": { "key": "7", "meta": {} } } }, "key": "k" });
        let args = args(json!({ "body": { "a": 1, "b": { "c": "y", "d": "7" }, "e": true } }));
        let found = by_arguments(&before, &args);
        let shown: Vec<String> =
            found.iter().map(|one| format!("{} {:?} {}", one.path, one.from, one.to.as_ref().unwrap())).collect();
        assert_eq!(shown, ["b.c Some(String(\"x\")) \"y\"", "e None true"]);
    }

    #[test]
    fn of_lists_the_entries_that_come_and_go_are_named() {
        let before = json!({ "data": { "words": [["a"], ["b"]], "n": 1 } });
        let after = json!({ "data": { "words": [["b"], ["c"]], "n": 1 } });
        let found = between(&before, &after);
        let secret = json!({ "data": { "words": [], "n": 1, "password": "***" } });
        assert!(between(&secret, &json!({ "data": { "words": [], "n": 1 } })).is_empty(), "it may be sent again");
        let entry = |from: Option<Json>, to: Option<Json>| Difference { path: "data.words".into(), from, to };
        assert_eq!(found, [entry(None, Some(json!(["c"]))), entry(Some(json!(["a"])), None)]);
        assert_eq!(between(&before, &Json::Null)[0].path, "the object");
    }

    #[test]
    fn arguments_are_found_by_either_name() {
        let before = json!({ "data": [{ "active": "true", "ruleId": 3 }] });
        let found = by_arguments(&before, &args(json!({ "active": "false", "rule_id": 3, "name": "not a member" })));
        assert_eq!(found, [Difference { path: "active".into(), from: Some(json!("true")), to: Some(json!("false")) }]);
    }
}
