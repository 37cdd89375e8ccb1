//! Between script values and the values that pass through the door.

use rhai::{Array, Dynamic, ImmutableString, Map};

use crate::catalog::{Args, NetworkMaps};
use crate::engine::types::{Length, Networks, Target, Time};
use crate::network::Network;
use crate::secret::Secret;
use crate::value::Value;

/// The tag of values that a dry run made up. Scripts cannot see it, and copies keep it.
const ASSUMED: i32 = 1;

/// The value, marked as made up, with everything in it.
pub fn assumed(mut value: Dynamic) -> Dynamic {
    if let Ok(mut items) = value.as_array_mut() {
        items.iter_mut().for_each(|item| *item = assumed(std::mem::take(item)));
    } else if let Ok(mut map) = value.as_map_mut() {
        map.values_mut().for_each(|member| *member = assumed(std::mem::take(member)));
    }
    value.set_tag(ASSUMED);
    value
}

/// Makes handles of the secrets in a value: their texts are the references.
pub fn with_handles(value: &mut Dynamic) {
    if let Ok(mut items) = value.as_array_mut() {
        items.iter_mut().for_each(with_handles);
        return;
    }
    if let Ok(mut map) = value.as_map_mut() {
        map.values_mut().for_each(with_handles);
        return;
    }
    let handle = value.read_lock::<Secret>().map(|secret| Secret::handle(secret.expose()));
    if let Some(handle) = handle {
        *value = Dynamic::from(handle);
    }
}

/// Whether the value, or anything in it, is marked as made up.
pub fn is_assumed(value: &Dynamic) -> bool {
    value.tag() == ASSUMED
        || value.read_lock::<Array>().is_some_and(|items| items.iter().any(is_assumed))
        || value.read_lock::<Map>().is_some_and(|map| map.values().any(is_assumed))
}

/// A script value for the door.
///
/// # Errors
/// The name of a type that only makes sense within a script.
pub fn to_value(value: &Dynamic) -> Result<Value, String> {
    if value.is_unit() {
        return Ok(Value::Null);
    }
    if let Ok(flag) = value.as_bool() {
        return Ok(Value::Bool(flag));
    }
    if let Ok(number) = value.as_int() {
        return Ok(Value::Int(number));
    }
    if let Ok(number) = value.as_float() {
        return Ok(Value::Float(number));
    }
    if let Ok(letter) = value.as_char() {
        return Ok(Value::Text(letter.to_string()));
    }
    if let Some(text) = value.read_lock::<ImmutableString>() {
        return Ok(Value::Text(text.as_str().to_owned()));
    }
    if let Some(items) = value.read_lock::<Array>() {
        return items.iter().map(to_value).collect::<Result<_, _>>().map(Value::List);
    }
    if let Some(map) = value.read_lock::<Map>() {
        let entries = map.iter().map(|(name, value)| Ok((name.as_str().to_owned(), to_value(value)?)));
        return entries.collect::<Result<_, String>>().map(Value::Map);
    }
    if let Some(time) = value.read_lock::<Time>() {
        return Ok(Value::Time(time.0));
    }
    if let Some(length) = value.read_lock::<Length>() {
        return Ok(Value::Duration(length.0));
    }
    if let Some(secret) = value.read_lock::<Secret>() {
        return Ok(Value::Secret(secret.clone()));
    }
    if let Some(network) = value.read_lock::<Network>() {
        return Ok(Value::Text(network.to_string()));
    }
    if let Some(networks) = value.read_lock::<Networks>() {
        return Ok(Value::List(networks.0.networks().map(|network| Value::Text(network.to_string())).collect()));
    }
    if let Some(maps) = value.read_lock::<NetworkMaps>() {
        return Ok(maps.to_value());
    }
    if let Some(target) = value.read_lock::<Target>() {
        return Ok(Value::Text(target.name.to_string()));
    }
    Err(format!("a value of type {} cannot leave the script", value.type_name()))
}

/// A value from the door as a script value.
pub fn to_dynamic(value: Value) -> Dynamic {
    match value {
        Value::Null => Dynamic::UNIT,
        Value::Bool(flag) => flag.into(),
        Value::Int(number) => number.into(),
        Value::Float(number) => number.into(),
        Value::Text(text) => text.into(),
        Value::Time(time) => Dynamic::from(Time(time)),
        Value::Duration(length) => Dynamic::from(Length(length)),
        Value::Secret(secret) => Dynamic::from(secret),
        Value::List(items) => items.into_iter().map(to_dynamic).collect::<Array>().into(),
        Value::Map(map) => map_to_dynamic(map).into(),
    }
}

/// A map from the door as a script map.
pub fn map_to_dynamic(map: crate::value::Map) -> Map {
    map.into_iter().map(|(name, value)| (name.into(), to_dynamic(value))).collect()
}

/// A script map for the door.
///
/// # Errors
/// As [`to_value`].
pub fn to_map(map: &Map) -> Result<crate::value::Map, String> {
    map.iter().map(|(name, value)| Ok((name.as_str().to_owned(), to_value(value)?))).collect()
}

/// The named arguments of a call. What was made of networks stays networks.
///
/// # Errors
/// As [`to_value`].
pub fn to_args(map: &Map) -> Result<Args, String> {
    let is_list = |value: &Dynamic| value.is::<NetworkMaps>();
    let values = map.iter().filter(|(_, value)| !is_list(value));
    let values = values.map(|(name, value)| Ok((name.as_str().to_owned(), to_value(value)?)));
    let mut args = Args::from(values.collect::<Result<crate::value::Map, String>>()?);
    for (name, value) in map.iter().filter(|(_, value)| is_list(value)) {
        if let Some(list) = value.read_lock::<NetworkMaps>() {
            args.set_list(name.as_str().to_owned(), list.clone());
        }
    }
    Ok(args)
}
