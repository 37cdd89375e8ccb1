//! Values as JSON that keeps their types. Secrets are written as their references, never as their texts.

use std::borrow::Cow;

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde::{Deserialize, Serialize as DeriveSerialize};
use serde_json::{Map as JsonMap, Value as Json, json};

use crate::catalog::{Arg, Args, NetworkMaps};
use crate::json_object::{JsonObject, write_text};
use crate::network::list::NetworkList;
use crate::secret::Secret;
use crate::value::{Map, Value};

/// Gives a secret back by its reference.
pub type SecretOf<'a> = &'a (dyn Fn(&str) -> Secret + Send + Sync);

/// A value with its type: what JSON cannot say stands in an object with one member that begins
/// with `$`.
pub struct Coded<'a>(pub &'a Value);

impl Serialize for Coded<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let tagged = |serializer: S, tag: &'static str, text: &str| {
            let mut map = serializer.serialize_map(Some(1))?;
            map.serialize_entry(tag, text)?;
            map.end()
        };
        match self.0 {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(flag) => serializer.serialize_bool(*flag),
            Value::Int(number) => serializer.serialize_i64(*number),
            // As a text: reading JSON's numbers may miss the last bit.
            Value::Float(number) => tagged(serializer, "$float", &number.to_string()),
            Value::Text(text) => serializer.serialize_str(text),
            Value::Time(time) => tagged(serializer, "$time", &time.to_string()),
            Value::Duration(duration) => tagged(serializer, "$duration", &duration.to_string()),
            Value::Secret(secret) => tagged(serializer, "$secret", secret.reference()),
            Value::List(items) => {
                let mut seq = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    seq.serialize_element(&Coded(item))?;
                }
                seq.end()
            }
            Value::Map(map) if is_wrapped(map) => {
                let mut outer = serializer.serialize_map(Some(1))?;
                outer.serialize_entry("$map", &CodedMap(map))?;
                outer.end()
            }
            Value::Map(map) => CodedMap(map).serialize(serializer),
        }
    }
}

/// Appends a value with its type. Texts, and maps of them, are what is large.
pub fn write_coded(bytes: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Text(text) => write_text(bytes, text),
        Value::Map(map) if !is_wrapped(map) => {
            let mut object = JsonObject::begin(bytes);
            for (name, value) in map {
                write_coded(object.value_of(name), value);
            }
            object.end();
        }
        other => {
            // Writing into memory cannot fail: every map has text keys.
            let _infallible = serde_json::to_writer(bytes, &Coded(other));
        }
    }
}

/// Arguments of a call. A list that is kept as networks stands in an object with the member `$networks`: a thirtieth of
/// what its maps would take, and a call of a block list is written down, hashed and packed for each of its pieces.
pub struct CodedArgs<'a>(pub &'a Args);

impl Serialize for CodedArgs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, arg) in self.0.all_kept() {
            match arg {
                Arg::Value(value) => map.serialize_entry(name, &Coded(value))?,
                Arg::Networks(maps) => map.serialize_entry(name, &json!({ NETWORKS: PackedMaps::of(maps) }))?,
            }
        }
        map.end()
    }
}

/// The arguments that [`CodedArgs`] wrote: values, and lists of networks.
pub fn decode_args(json: Json, secret: SecretOf<'_>) -> (Map, Vec<(String, NetworkMaps)>) {
    let Json::Object(members) = json else { return (Map::new(), Vec::new()) };
    let (mut values, mut lists) = (Map::new(), Vec::new());
    for (name, value) in members {
        match value.as_object().and_then(networks) {
            Some(maps) => lists.push((name, maps)),
            None => {
                values.insert(name, decode(value, secret));
            }
        }
    }
    (values, lists)
}

/// The same for people and exports: lists of networks as the maps that they mean.
pub fn spelled_out(args: Json) -> Json {
    let Json::Object(members) = args else { return args };
    let member = |(name, value): (String, Json)| match value.as_object().and_then(networks) {
        Some(maps) => (name, code(&maps.to_value())),
        None => (name, value),
    };
    Json::Object(members.into_iter().map(member).collect())
}

const NETWORKS: &str = "$networks";

/// Maps of networks as JSON.
#[derive(Deserialize, DeriveSerialize)]
struct PackedMaps<'m> {
    list: Cow<'m, str>,
    first: Option<String>,
    prefix: Option<String>,
    name: Option<String>,
    label: String,
}

impl<'m> PackedMaps<'m> {
    fn of(maps: &'m NetworkMaps) -> Self {
        let NetworkMaps { first, prefix, name, label, .. } = maps.clone();
        Self { list: maps.list.packed_text().into(), first, prefix, name, label }
    }

    fn unpacked(self) -> Option<NetworkMaps> {
        let Self { list: text, first, prefix, name, label } = self;
        let mut list = NetworkList::default();
        // An interpreter could say anything: maps are made of networks, and never of ranges.
        let whole = list.extend_packed(&text).is_ok_and(|packed| packed)
            && list.networks().all(|network| network.prefix().is_some());
        whole.then(|| NetworkMaps { list: list.into(), first, prefix, name, label })
    }
}

/// The maps of networks that an object stands for, if it is one of ours.
fn networks(object: &JsonMap<String, Json>) -> Option<NetworkMaps> {
    let packed = object.get(NETWORKS).filter(|_| object.len() == 1)?;
    PackedMaps::deserialize(packed).ok()?.unpacked()
}

/// Whether a map of the script's own looks like one of ours.
fn is_wrapped(map: &Map) -> bool {
    map.len() == 1 && map.keys().any(|key| key.starts_with('$'))
}

/// The same for a map.
pub struct CodedMap<'a>(pub &'a Map);

impl Serialize for CodedMap<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0 {
            map.serialize_entry(name, &Coded(value))?;
        }
        map.end()
    }
}

/// A value as JSON that keeps its types.
pub fn code(value: &Value) -> Json {
    serde_json::to_value(Coded(value)).unwrap_or(Json::Null)
}

/// A map of values as JSON that keeps their types.
pub fn code_map(map: &Map) -> Json {
    Json::Object(map.iter().map(|(name, value)| (name.clone(), code(value))).collect())
}

/// The value that [`code`] wrote.
pub fn decode(json: Json, secret: SecretOf<'_>) -> Value {
    match json {
        Json::Object(map) => match tagged(&map) {
            Some(("$time", text)) => text.parse().map_or_else(|_| Value::Text(text.to_owned()), Value::Time),
            Some(("$duration", text)) => text.parse().map_or_else(|_| Value::Text(text.to_owned()), Value::Duration),
            Some(("$float", text)) => text.parse().map_or_else(|_| Value::Text(text.to_owned()), Value::Float),
            Some(("$secret", reference)) => Value::Secret(secret(reference)),
            _ => {
                if let Some(maps) = networks(&map) {
                    return maps.to_value();
                }
                let mut map = map;
                if map.len() == 1
                    && let Some(Json::Object(inner)) = map.get_mut("$map")
                {
                    map = std::mem::take(inner);
                }
                Value::Map(decode_members(map, secret))
            }
        },
        Json::Array(items) => Value::List(items.into_iter().map(|item| decode(item, secret)).collect()),
        other => Value::from(other),
    }
}

/// The map that [`code_map`] wrote.
pub fn decode_map(json: Json, secret: SecretOf<'_>) -> Map {
    match json {
        Json::Object(map) => decode_members(map, secret),
        _ => Map::new(),
    }
}

fn decode_members(map: JsonMap<String, Json>, secret: SecretOf<'_>) -> Map {
    map.into_iter().map(|(name, value)| (name, decode(value, secret))).collect()
}

fn tagged(map: &JsonMap<String, Json>) -> Option<(&str, &str)> {
    let (tag, value) = map.iter().next().filter(|_| map.len() == 1)?;
    Some((tag.as_str(), value.as_str()?))
}
