//! Values in a plan file: JSON that keeps what JSON cannot say.
//!
//! A time, a length, a secret (by its reference alone) and a number that is none are objects of one
//! member whose name begins with `$`; so is an object of the script's own that looks like one.

use serde_json::{Map as JsonMap, Value as Json, json};

use crate::secret::Secret;
use crate::value::{Map, Value};

/// A value as it stands in the file.
pub fn write(value: &Value) -> Json {
    match value {
        Value::Time(time) => json!({ "$time": time.to_string() }),
        Value::Duration(length) => json!({ "$duration": length.to_string() }),
        Value::Secret(secret) => json!({ "$secret": secret.reference() }),
        Value::Float(number) if !number.is_finite() => json!({ "$float": number.to_string() }),
        Value::List(items) => items.iter().map(write).collect(),
        Value::Map(map) => {
            let object = write_map(map);
            let looks_like_ours = map.len() == 1 && map.keys().all(|name| name.starts_with('$'));
            if looks_like_ours { json!({ "$map": object }) } else { object }
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) => value.to_json(),
    }
}

/// An object as it stands in the file.
pub fn write_map(map: &Map) -> Json {
    Json::Object(map.iter().map(|(name, value)| (name.clone(), write(value))).collect())
}

/// The value that stands in a file; `secret` gives the secret of a reference.
///
/// # Errors
/// What is no value.
pub fn read(json: &Json, secret: &dyn Fn(&str) -> Result<Secret, String>) -> Result<Value, String> {
    match json {
        Json::Array(items) => items.iter().map(|item| read(item, secret)).collect::<Result<_, _>>().map(Value::List),
        Json::Object(map) => match map.iter().next().filter(|(name, _)| map.len() == 1 && name.starts_with('$')) {
            Some((name, inner)) => special(name, inner, secret),
            None => read_map(map, secret).map(Value::Map),
        },
        other => Ok(Value::from(other.clone())),
    }
}

/// The object that stands in a file.
///
/// # Errors
/// As [`read`].
pub fn read_map(map: &JsonMap<String, Json>, secret: &dyn Fn(&str) -> Result<Secret, String>) -> Result<Map, String> {
    map.iter().map(|(name, value)| Ok((name.clone(), read(value, secret)?))).collect()
}

fn special(name: &str, inner: &Json, secret: &dyn Fn(&str) -> Result<Secret, String>) -> Result<Value, String> {
    let wrong = || format!("{name} does not hold what it says: {inner}");
    let text = inner.as_str().unwrap_or_default();
    match name {
        "$time" => text.parse().map(Value::Time).map_err(|_| wrong()),
        "$duration" => text.parse().map(Value::Duration).map_err(|_| wrong()),
        "$float" => text.parse().map(Value::Float).map_err(|_| wrong()),
        "$secret" => secret(text).map(Value::Secret),
        "$map" => inner.as_object().ok_or_else(wrong).and_then(|map| read_map(map, secret)).map(Value::Map),
        _ => Err(format!("{name} is not known")),
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn every_kind_of_value_comes_back_as_it_was() {
        let map = |pairs: &[(&str, Value)]| -> Map {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
        };
        let value = Value::Map(map(&[
            ("time", Value::Time("2026-11-25T10:00:00.123456789Z".parse().unwrap())),
            ("length", Value::Duration(SignedDuration::new(90, 5))),
            ("float", Value::Float(1.0)),
            ("infinite", Value::Float(f64::INFINITY)),
            ("list", Value::List(vec![Value::Null, Value::Bool(true), Value::Int(i64::MIN), Value::from("$time")])),
            ("like ours", Value::Map(map(&[("$time", Value::from("no"))]))),
            ("secret", Value::Secret(Secret::new("env:X", "the text"))),
        ]));
        let text = write(&value).to_string();
        assert!(!text.contains("the text"), "{text}");
        let back = read(&serde_json::from_str(&text).unwrap(), &|name| Ok(Secret::new(name, "again"))).unwrap();
        assert_eq!(back, value);
    }
}
