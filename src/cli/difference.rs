//! What a change would make of what is there.

use serde_json::Value as Json;

use crate::value::{Map, Value};

/// One member that would have another value.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Its path within the object.
    pub path: String,
    /// What is there; nothing if the member is new.
    pub from: Option<Json>,
    /// What would be there.
    pub to: Json,
}

/// The members in which the arguments of a change differ from the state before it. Secrets are not
/// compared. Where the two do not look alike, there is nothing to say.
pub fn differences(before: &Json, args: &Map) -> Vec<Difference> {
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
pub fn object(before: &Json) -> Option<&Json> {
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
                let path = if path.is_empty() { "(all)".to_owned() } else { path.to_owned() };
                found.push(Difference { path, from: there.cloned(), to: wanted });
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
        let found = differences(&before, &args);
        let shown: Vec<String> = found.iter().map(|one| format!("{} {:?} {}", one.path, one.from, one.to)).collect();
        assert_eq!(shown, ["b.c Some(String(\"x\")) \"y\"", "e None true"]);
    }

    #[test]
    fn arguments_are_found_by_either_name() {
        let before = json!({ "data": [{ "active": "true", "ruleId": 3 }] });
        let found = differences(&before, &args(json!({ "active": "false", "rule_id": 3, "name": "not a member" })));
        assert_eq!(found, [Difference { path: "active".into(), from: Some(json!("true")), to: json!("false") }]);
    }
}
