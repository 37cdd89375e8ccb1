//! Assumed values: what a dry run answers instead of what an appliance would have said.
//!
//! Ids in them are drawn from ranges that no appliance uses, so that a read whose arguments hold
//! one can be told from a real one, and a plan can name what a live run will get.

use std::ops::Range;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use regex::Regex;
use serde_json::Value as Json;

use crate::catalog::{Row, Shape};
use crate::door::HttpAnswer;
use crate::value::Value;

/// Assumed numbers: below 2^53, so that they survive every JSON reader, and far above real ids.
const NUMBERS: Range<i64> = 8_800_000_000_000_000..8_900_000_000_000_000;

/// How assumed texts begin.
const PREFIX: &str = "assumed-";

/// An assumed text, or a number of the range that stands by itself.
static TOKEN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"assumed-[0-9]+|\b88[0-9]{14}\b").ok());

/// Whether `value`, or anything in it, was assumed.
pub fn is_assumed(value: &Value) -> bool {
    match value {
        Value::Int(number) => NUMBERS.contains(number),
        Value::Text(text) => in_text(text),
        Value::List(items) => items.iter().any(is_assumed),
        Value::Map(map) => map.iter().any(|(name, value)| in_text(name) || is_assumed(value)),
        _ => false,
    }
}

/// Whether a text holds something assumed: ids come into paths and addresses as text.
pub fn in_text(text: &str) -> bool {
    tokens(text).next().is_some()
}

/// The assumed ids in a text, with their places.
pub fn tokens(text: &str) -> impl Iterator<Item = Range<usize>> {
    // Few texts are long enough to hold one.
    let worth = text.len() >= PREFIX.len();
    TOKEN.iter().filter(move |_| worth).flat_map(move |token| token.find_iter(text)).map(|found| found.range())
}

/// The answer that a dry run assumes for a call of `row`: the row's example with ids of its own, and
/// these ids, each with its place in the answer.
pub fn example_of(row: Option<&'static Row>, next: &AtomicI64) -> (HttpAnswer, Vec<(String, String)>) {
    let mut body = row
        .and_then(|row| row.example.as_ref())
        .and_then(|example| serde_json::from_str(example.answer).ok())
        .unwrap_or(match row.map(|row| row.answer.shape) {
            Some(Shape::List) => Json::Array(Vec::new()),
            Some(Shape::Object) => Json::Object(serde_json::Map::new()),
            _ => Json::Null,
        });
    let mut ids = Vec::new();
    replace_ids(&mut body, next, "", &mut ids);
    let answer = HttpAnswer {
        status: 200,
        content_type: Some("application/json".into()),
        body: Bytes::from(body.to_string()),
        row,
        assumed: true,
        handles: false,
    };
    (answer, ids)
}

/// A text that stands for something a dry run did not wait for.
pub fn text(next: &AtomicI64) -> String {
    format!("{PREFIX}{}", next.fetch_add(1, Ordering::Relaxed))
}

fn replace_ids(json: &mut Json, next: &AtomicI64, at: &str, ids: &mut Vec<(String, String)>) {
    match json {
        Json::Object(map) => {
            for (name, value) in map.iter_mut() {
                let at = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
                match value {
                    Json::Number(_) if is_id(name) => {
                        *value = Json::from(NUMBERS.start + next.fetch_add(1, Ordering::Relaxed));
                        ids.push((value.to_string(), at));
                    }
                    Json::String(_) if is_id(name) => {
                        let token = text(next);
                        *value = Json::from(token.as_str());
                        ids.push((token, at));
                    }
                    _ => replace_ids(value, next, &at, ids),
                }
            }
        }
        Json::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                replace_ids(item, next, &format!("{at}/{index}"), ids);
            }
        }
        _ => {}
    }
}

/// Whether a field's name says that it identifies something.
fn is_id(name: &str) -> bool {
    let lower = name.to_lowercase();
    lower == "id" || lower == "key" || lower.ends_with("_id") || name.ends_with("Id") || lower.ends_with("backupname")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_an_example_are_replaced_by_recognisable_ones() {
        let next = AtomicI64::new(1);
        let mut json = serde_json::json!({"id": 7, "name": "x", "inner": [{"taskId": "abc"}]});
        let mut ids = Vec::new();
        replace_ids(&mut json, &next, "", &mut ids);
        let value = Value::from(json.clone());
        assert!(is_assumed(&value));
        assert_eq!(json["name"], "x");
        assert!(is_assumed(&Value::from(json["inner"][0]["taskId"].clone())));
        assert!(!is_assumed(&Value::Int(7)));
        for (token, at) in ids {
            let found = json.pointer(&at).unwrap();
            assert_eq!(found.as_str().map_or_else(|| found.to_string(), str::to_owned), token);
        }
    }

    #[test]
    fn an_assumed_id_is_seen_inside_a_path_and_a_number_beside_it_is_not() {
        assert!(in_text("/groups/8800000000000001/members"));
        assert!(in_text("/api/x/assumed-12?y=1"));
        assert!(is_assumed(&Value::Map([("assumed-3".to_owned(), Value::Null)].into())));
        assert!(!in_text("/groups/98800000000000001"));
        assert!(!in_text("it was assumed- so"));
    }
}
