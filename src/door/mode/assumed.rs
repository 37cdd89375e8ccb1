//! Assumed values: what a dry run answers instead of what an appliance would have said.
//!
//! Ids in them are drawn from ranges that no appliance uses, so that a read whose arguments hold
//! one can be told from a real one.

use std::ops::Range;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use serde_json::Value as Json;

use crate::catalog::{Row, Shape};
use crate::door::HttpAnswer;
use crate::value::Value;

/// Assumed numbers: below 2^53, so that they survive every JSON reader, and far above real ids.
const NUMBERS: Range<i64> = 8_800_000_000_000_000..8_900_000_000_000_000;

/// How assumed texts begin.
const PREFIX: &str = "assumed-";

/// Whether `value`, or anything in it, was assumed.
pub fn is_assumed(value: &Value) -> bool {
    match value {
        Value::Int(number) => NUMBERS.contains(number),
        Value::Text(text) => text.contains(PREFIX),
        Value::List(items) => items.iter().any(is_assumed),
        Value::Map(map) => map.values().any(is_assumed),
        _ => false,
    }
}

/// The answer that a dry run assumes for a call of `row`: the row's example with ids of its own.
pub fn example_of(row: Option<&'static Row>, next: &AtomicI64) -> HttpAnswer {
    let mut body = row
        .and_then(|row| row.example.as_ref())
        .and_then(|example| serde_json::from_str(example.answer).ok())
        .unwrap_or(match row.map(|row| row.answer.shape) {
            Some(Shape::List) => Json::Array(Vec::new()),
            Some(Shape::Object) => Json::Object(serde_json::Map::new()),
            _ => Json::Null,
        });
    replace_ids(&mut body, next);
    HttpAnswer {
        status: 200,
        content_type: Some("application/json".into()),
        body: Bytes::from(body.to_string()),
        row,
        assumed: true,
    }
}

/// A text that stands for something a dry run did not wait for.
pub fn text(next: &AtomicI64) -> String {
    format!("{PREFIX}{}", next.fetch_add(1, Ordering::Relaxed))
}

fn replace_ids(json: &mut Json, next: &AtomicI64) {
    match json {
        Json::Object(map) => {
            for (name, value) in map.iter_mut() {
                match value {
                    Json::Number(_) if is_id(name) => {
                        *value = Json::from(NUMBERS.start + next.fetch_add(1, Ordering::Relaxed));
                    }
                    Json::String(_) if is_id(name) => *value = Json::from(text(next)),
                    _ => replace_ids(value, next),
                }
            }
        }
        Json::Array(items) => items.iter_mut().for_each(|item| replace_ids(item, next)),
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
        replace_ids(&mut json, &next);
        let value = Value::from(json.clone());
        assert!(is_assumed(&value));
        assert_eq!(json["name"], "x");
        assert!(is_assumed(&Value::from(json["inner"][0]["taskId"].clone())));
        assert!(!is_assumed(&Value::Int(7)));
    }
}
