//! One value against one parameter.

use std::net::IpAddr;

use jiff::Timestamp;

use crate::catalog::bind::Unknown;
use crate::catalog::{Param, TimeForm, Type};
use crate::value::Value;

/// The greatest time that fits a vendor's signed 32-bit seconds.
const LAST_SECOND: i64 = 2_147_483_647;

/// Where a long list has so many mistakes, the rest is not looked at.
const ENOUGH: usize = 20;

/// The value as the row wants it; `()` where a mistake was noted.
pub fn param(param: &'static Param, value: Value, at: &str, mistakes: &mut Vec<String>) -> Value {
    let before = mistakes.len();
    let value = typed(param, param.ty, value, at, mistakes);
    if mistakes.len() == before
        && let Value::List(list) = &value
    {
        check_size(param, list.len() as i64, "the length of ", at, mistakes);
    }
    value
}

/// A path parameter's value. A text must name one segment: an empty one, or one of dots, would
/// make the path another object's.
pub fn on_path(param: &'static Param, value: Value, mistakes: &mut Vec<String>) -> Value {
    let value = self::param(param, value, param.name, mistakes);
    if let Value::Text(text) = &value
        && matches!(text.as_str(), "" | "." | "..")
    {
        mistakes.push(format!("'{}' must name one object, and \"{text}\" does not", param.name));
    }
    value
}

pub fn typed(param: &'static Param, ty: Type, value: Value, at: &str, mistakes: &mut Vec<String>) -> Value {
    let value = shaped(param, ty, value, at, mistakes);
    // The limits of a list of texts or numbers are those of its entries, but for its length.
    if !matches!(ty, Type::List(_)) && !matches!(value, Value::Null) {
        check(param, ty, &value, at, mistakes);
    }
    value
}

/// Choices, limits and forbidden characters of one value that is not a list.
fn check(param: &Param, ty: Type, value: &Value, at: &str, mistakes: &mut Vec<String>) {
    if !param.choices.is_empty() && !param.choices.contains(&value.to_json().to_string().as_str()) {
        mistakes.push(format!("'{at}' must be one of {}, and not {}", param.choices.join(", "), value.to_json()));
    }
    match value {
        // In a list, min and max are its length.
        _ if ty != param.ty => {}
        Value::Int(number) => check_size(param, *number, "", at, mistakes),
        Value::Float(number) => check_float(param, *number, at, mistakes),
        Value::Text(text) => check_size(param, text.chars().count() as i64, "the length of ", at, mistakes),
        _ => {}
    }
    if !param.forbid.is_empty()
        && let Value::Text(text) = value
        && let Some(found) = forbidden(param.forbid, text)
    {
        mistakes.push(format!("'{at}' must not contain '{found}' (nor any of {})", spaced(param.forbid)));
    }
}

/// The first character of a text that is among the forbidden ones. Names in long lists have none: one
/// pass over their bytes shows it.
fn forbidden(forbid: &str, text: &str) -> Option<char> {
    let bit = |byte: u8| 1_u128.checked_shl(u32::from(byte)).unwrap_or(0);
    let among = forbid.bytes().fold(0, |among, byte| among | bit(byte));
    if forbid.is_ascii() && text.bytes().all(|byte| among & bit(byte) == 0) {
        return None;
    }
    text.chars().find(|c| forbid.contains(*c))
}

/// The value in the type's own form.
fn shaped(param: &'static Param, ty: Type, value: Value, at: &str, mistakes: &mut Vec<String>) -> Value {
    let wrong = |what: &str, value: &Value, mistakes: &mut Vec<String>| {
        mistakes.push(format!("'{at}' must be {what}, and not {}", shown(value)));
        Value::Null
    };
    match (ty, value) {
        // Whoever keeps its text looks at it.
        (Type::Pem, Value::Secret(secret)) if secret.is_handle() => Value::Secret(secret),
        (Type::Pem, Value::Secret(secret)) => match super::pem::clean(secret.expose()) {
            Some(clean) => Value::Secret(crate::secret::Secret::new(secret.reference(), clean)),
            None => {
                mistakes.push(format!("'{at}' is no PEM text with a whole block, from -----BEGIN to -----END"));
                Value::Null
            }
        },
        (ty, value @ Value::Secret(_)) if param.secret && !matches!(ty, Type::List(_)) => value,
        (_, Value::Secret(_)) => {
            mistakes.push(format!("'{at}' takes no secret"));
            Value::Null
        }
        (Type::Any, value) => without_secrets(param, value, at, mistakes),
        (Type::String | Type::Regex | Type::File, value @ Value::Text(_)) => value,
        (Type::Int, value @ Value::Int(_)) => value,
        (Type::Float, Value::Int(number)) => Value::Float(number as f64),
        (Type::Float, Value::Float(number)) if number.is_finite() => Value::Float(number),
        (Type::Bool | Type::Flag, value @ Value::Bool(_)) => value,
        (Type::Pem, Value::Text(text)) => match super::pem::clean(&text) {
            Some(clean) => Value::Text(clean),
            None => {
                mistakes.push(format!("'{at}' must be PEM text with a whole block, from -----BEGIN to -----END"));
                Value::Null
            }
        },
        (Type::Time(form), value) => time(form, value, at, mistakes),
        (Type::Address, Value::Text(text)) => match text.trim().parse::<IpAddr>() {
            // IPv4 has one spelling only, which need not be written again: lists are long.
            Ok(IpAddr::V4(_)) if text.trim().len() == text.len() => Value::Text(text),
            Ok(address) => Value::Text(address.to_string()),
            Err(_) => wrong("an IP address", &Value::Text(text), mistakes),
        },
        (Type::Object, Value::Map(map)) => {
            if param.fields.is_empty() {
                return without_secrets(param, Value::Map(map), at, mistakes);
            }
            let mut args = crate::value::Map::new();
            super::members(param.fields, map, at, Unknown::of(param), &mut args, mistakes);
            Value::Map(args)
        }
        (Type::List(inner), Value::List(items)) => {
            let mut list = Vec::with_capacity(items.len());
            for (index, item) in items.into_iter().enumerate() {
                let before = mistakes.len();
                // The place is written only when it is needed: lists are long.
                let item = typed(param, *inner, item, "", mistakes);
                for mistake in mistakes.iter_mut().skip(before) {
                    *mistake = placed(mistake, at, index);
                }
                list.push(item);
                if mistakes.len() > ENOUGH {
                    return Value::Null;
                }
            }
            Value::List(list)
        }
        (ty, value) => wrong(wanted(ty), &value, mistakes),
    }
}

/// What a type wants, in words.
pub fn wanted(ty: Type) -> &'static str {
    match ty {
        Type::String => "a string",
        Type::Int => "an int",
        Type::Float => "a number",
        Type::Bool | Type::Flag => "true or false",
        Type::Pem => "PEM text (a string)",
        Type::File => "the path of a file (a string)",
        Type::Time(_) => "a time (now(), hours_ago(24), date(\"…\"), seconds since 1970)",
        Type::Address => "an IP address (a string)",
        Type::Regex => "a regular expression (a string)",
        Type::Object => "a map",
        Type::List(_) => "an array",
        Type::Any => "a value",
    }
}

/// Whether a value of a kind (see [`Value::kind`]) can be what the parameter wants.
pub fn takes(param: &Param, ty: Type, kind: &str) -> bool {
    if kind == "secret" {
        return ty == Type::Pem || (param.secret && !matches!(ty, Type::List(_)));
    }
    match ty {
        Type::String | Type::Regex | Type::Pem | Type::File | Type::Address => kind == "string",
        Type::Int => kind == "int",
        Type::Float => matches!(kind, "int" | "float"),
        Type::Bool | Type::Flag => kind == "bool",
        Type::Time(_) => matches!(kind, "time" | "int" | "string"),
        Type::Object => kind == "map",
        Type::List(_) => kind == "array",
        Type::Any => true,
    }
}

/// `'cidr' is required` in entry 3 of `add` is `'add[3].cidr' is required`.
fn placed(mistake: &str, at: &str, index: usize) -> String {
    match mistake.strip_prefix('\'') {
        Some(rest) if rest.starts_with('\'') => format!("'{at}[{index}]{rest}"),
        Some(rest) => format!("'{at}[{index}].{}", rest.trim_start_matches('.')),
        None => format!("'{at}[{index}]': {mistake}"),
    }
}

fn time(form: TimeForm, value: Value, at: &str, mistakes: &mut Vec<String>) -> Value {
    let instant = match &value {
        Value::Time(time) => Some(*time),
        Value::Int(number) if form == TimeForm::EpochMillis => Timestamp::from_millisecond(*number).ok(),
        Value::Int(number) => Timestamp::from_second(*number).ok(),
        Value::Text(text) if form == TimeForm::Date => text.parse().ok().or_else(|| midnight(text)),
        Value::Text(text) => text.parse().ok(),
        _ => None,
    };
    let Some(instant) = instant else {
        mistakes.push(format!("'{at}' must be {}, and not {}", wanted(Type::Time(form)), shown(&value)));
        return Value::Null;
    };
    if form == TimeForm::EpochSeconds && !(0..=LAST_SECOND).contains(&instant.as_second()) {
        mistakes.push(format!("'{at}' must lie between 1970 and 2038, and {instant} does not"));
        return Value::Null;
    }
    Value::Time(instant)
}

/// The first instant of a date in UTC, which is how the row writes it.
fn midnight(text: &str) -> Option<Timestamp> {
    format!("{text}T00:00:00Z").parse().ok()
}

/// A value whose inside the row does not describe. A secret in it would travel where the row
/// knows of none.
fn without_secrets(param: &Param, value: Value, at: &str, mistakes: &mut Vec<String>) -> Value {
    if !param.secret && holds_secret(&value) {
        mistakes.push(format!("'{at}' takes no secret"));
        return Value::Null;
    }
    value
}

fn holds_secret(value: &Value) -> bool {
    match value {
        Value::Secret(_) => true,
        Value::List(list) => list.iter().any(holds_secret),
        Value::Map(map) => map.values().any(holds_secret),
        _ => false,
    }
}

pub fn check_size(param: &Param, size: i64, what: &str, at: &str, mistakes: &mut Vec<String>) {
    if let Some(min) = param.min.filter(|min| size < *min) {
        mistakes.push(format!("{what}'{at}' must be at least {min}, and is {size}"));
    }
    if let Some(max) = param.max.filter(|max| size > *max) {
        mistakes.push(format!("{what}'{at}' must be at most {max}, and is {size}"));
    }
}

fn check_float(param: &Param, number: f64, at: &str, mistakes: &mut Vec<String>) {
    if let Some(min) = param.min.filter(|min| number < *min as f64) {
        mistakes.push(format!("'{at}' must be at least {min}, and is {number}"));
    }
    if let Some(max) = param.max.filter(|max| number > *max as f64) {
        mistakes.push(format!("'{at}' must be at most {max}, and is {number}"));
    }
}

/// A kind with its article.
pub fn article(kind: &str) -> String {
    let an = if kind.starts_with(['a', 'i']) { "an" } else { "a" };
    format!("{an} {kind}")
}

fn shown(value: &Value) -> String {
    let kind = article(value.kind());
    let json = value.to_json().to_string();
    if json.chars().count() > 40 { kind } else { format!("{kind} {json}") }
}

fn spaced(forbid: &str) -> String {
    forbid.chars().map(String::from).collect::<Vec<_>>().join(" ")
}
