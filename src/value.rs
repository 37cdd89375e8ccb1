//! The value that passes between scripts, the door and the journal.
//!
//! It is what JSON can say, plus times and secrets, which are values of their own. How a value
//! becomes what an appliance wants is decided by the catalog row, in the door.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Number, json};

use crate::json_object::{JsonObject, write_text};
use crate::secret::Secret;

/// An object: names to values, ordered by name.
pub type Map = BTreeMap<String, Value>;

/// A value outside Rhai.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing: `()` in a script, `null` in JSON.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A floating-point number.
    Float(f64),
    /// A text.
    Text(String),
    /// An instant; rows decide how it is written on the wire.
    Time(Timestamp),
    /// A length of time.
    Duration(SignedDuration),
    /// A secret: exposed on the wire only.
    Secret(Secret),
    /// An array.
    List(Vec<Value>),
    /// An object.
    Map(Map),
}

impl Value {
    /// The kind's name in the words of a script's author.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "()",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::Text(_) => "string",
            Self::Time(_) => "time",
            Self::Duration(_) => "duration",
            Self::Secret(_) => "secret",
            Self::List(_) => "array",
            Self::Map(_) => "map",
        }
    }

    /// The text, if this is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The whole number, if this is one.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// The list, if this is one.
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// The object, if this is one.
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// As JSON for people and files: times as ISO 8601 in UTC, secrets as `***`.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Bool(flag) => json!(flag),
            Self::Int(number) => json!(number),
            Self::Float(number) => Number::from_f64(*number).map_or(serde_json::Value::Null, serde_json::Value::Number),
            Self::Text(text) => json!(text),
            Self::Time(time) => json!(time.to_string()),
            Self::Duration(duration) => json!(format!("{duration:#}")),
            Self::Secret(_) => json!("***"),
            Self::List(items) => items.iter().map(Self::to_json).collect(),
            Self::Map(map) => {
                serde_json::Value::Object(map.iter().map(|(name, value)| (name.clone(), value.to_json())).collect())
            }
        }
    }

    /// Appends the JSON that [`Value::to_json`] makes of it.
    pub fn write_json(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Text(text) => write_text(bytes, text),
            Self::List(items) => {
                bytes.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        bytes.push(b',');
                    }
                    item.write_json(bytes);
                }
                bytes.push(b']');
            }
            Self::Map(map) => {
                let mut object = JsonObject::begin(bytes);
                for (name, value) in map {
                    value.write_json(object.value_of(name));
                }
                object.end();
            }
            small => bytes.extend_from_slice(small.to_json().to_string().as_bytes()),
        }
    }
}

impl From<serde_json::Value> for Value {
    /// Numbers that fit 64 signed bits stay whole; larger whole numbers become text, never floats.
    fn from(json: serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(flag) => Self::Bool(flag),
            serde_json::Value::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(whole), _) => Self::Int(whole),
                (None, Some(large)) => Self::Text(large.to_string()),
                (None, None) => number.as_f64().map_or(Self::Null, Self::Float),
            },
            serde_json::Value::String(text) => Self::Text(text),
            serde_json::Value::Array(items) => Self::List(items.into_iter().map(Self::from).collect()),
            serde_json::Value::Object(map) => {
                Self::Map(map.into_iter().map(|(name, value)| (name, Self::from(value))).collect())
            }
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_written_as_its_json() {
        let instant = Timestamp::from_second(1_700_000_000).unwrap();
        let list = vec![
            Value::Null,
            Value::Bool(true),
            Value::Int(-7),
            Value::Float(0.5),
            Value::Float(f64::NAN),
            Value::Text("a \"b\"".into()),
            Value::Time(instant),
            Value::Duration(SignedDuration::from_secs(90)),
            Value::Secret(Secret::new("env:X", "canary")),
        ];
        let value = Value::Map(Map::from([("b".into(), Value::List(list)), ("a".into(), Value::Map(Map::new()))]));
        let mut bytes = Vec::new();
        value.write_json(&mut bytes);
        assert_eq!(String::from_utf8(bytes).unwrap(), value.to_json().to_string());
    }
}
