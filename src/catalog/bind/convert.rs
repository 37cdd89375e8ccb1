//! One value against one parameter.

use std::net::IpAddr;

use jiff::Timestamp;

use crate::catalog::{Param, TimeForm, Type};
use crate::value::Value;

/// The greatest time that fits a vendor's signed 32-bit seconds.
const LAST_SECOND: i64 = 2_147_483_647;

/// The value as the row wants it, or `None` after a mistake was noted.
pub fn param(param: &'static Param, value: Value, at: &str, mistakes: &mut Vec<String>) -> Option<Value> {
    if let Value::Secret(_) = value {
        if param.secret {
            return Some(value);
        }
        mistakes.push(format!("'{at}' takes no secret"));
        return None;
    }
    let value = typed(param, param.ty, value, at, mistakes)?;
    check_limits(param, &value, at, mistakes);
    if !param.choices.is_empty() && !param.choices.contains(&value.to_json().to_string().as_str()) {
        mistakes.push(format!("'{at}' must be one of {}, and not {}", param.choices.join(", "), value.to_json()));
    }
    if !param.forbid.is_empty()
        && let Value::Text(text) = &value
        && let Some(found) = text.chars().find(|c| param.forbid.contains(*c))
    {
        mistakes.push(format!("'{at}' must not contain '{found}' (nor any of {})", spaced(param.forbid)));
    }
    Some(value)
}

fn typed(param: &'static Param, ty: Type, value: Value, at: &str, mistakes: &mut Vec<String>) -> Option<Value> {
    let wrong = |what: &str, value: &Value, mistakes: &mut Vec<String>| {
        mistakes.push(format!("'{at}' must be {what}, and not {}", shown(value)));
        None
    };
    match (ty, value) {
        (Type::Any, value) => Some(value),
        (Type::String | Type::Regex, value @ Value::Text(_)) => Some(value),
        (Type::String, value) => wrong("a string", &value, mistakes),
        (Type::Regex, value) => wrong("a regular expression (a string)", &value, mistakes),
        (Type::Int, value @ Value::Int(_)) => Some(value),
        (Type::Int, value) => wrong("an int", &value, mistakes),
        (Type::Float, Value::Int(number)) => Some(Value::Float(number as f64)),
        (Type::Float, value @ Value::Float(_)) => Some(value),
        (Type::Float, value) => wrong("a number", &value, mistakes),
        (Type::Bool, value @ Value::Bool(_)) => Some(value),
        (Type::Bool, value) => wrong("true or false", &value, mistakes),
        (Type::Time(form), value) => time(form, value, at, mistakes),
        (Type::Address, Value::Text(text)) => match text.trim().parse::<IpAddr>() {
            Ok(address) => Some(Value::Text(address.to_string())),
            Err(_) => wrong("an IP address", &Value::Text(text), mistakes),
        },
        (Type::Address, value) => wrong("an IP address (a string)", &value, mistakes),
        (Type::Object, Value::Map(map)) => {
            if param.fields.is_empty() {
                return Some(Value::Map(map));
            }
            let fields: Vec<&'static Param> = param.fields.iter().collect();
            let mut args = crate::value::Map::new();
            super::members(&fields, map, at, param.pick, &mut args, mistakes);
            Some(Value::Map(args))
        }
        (Type::Object, value) => wrong("a map", &value, mistakes),
        (Type::List(inner), Value::List(items)) => {
            let mut list = Vec::with_capacity(items.len());
            for (index, item) in items.into_iter().enumerate() {
                let before = mistakes.len();
                // The place is written only when it is needed: lists are long.
                let item = typed(param, *inner, item, "", mistakes);
                for mistake in mistakes.iter_mut().skip(before) {
                    *mistake = placed(mistake, at, index);
                }
                list.push(item?);
                if mistakes.len() > 20 {
                    return None;
                }
            }
            Some(Value::List(list))
        }
        (Type::List(_), value) => wrong("an array", &value, mistakes),
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

fn time(form: TimeForm, value: Value, at: &str, mistakes: &mut Vec<String>) -> Option<Value> {
    let instant = match &value {
        Value::Time(time) => Some(*time),
        Value::Int(number) if form == TimeForm::EpochMillis => Timestamp::from_millisecond(*number).ok(),
        Value::Int(number) => Timestamp::from_second(*number).ok(),
        Value::Text(text) => text.parse().ok(),
        _ => None,
    };
    let Some(instant) = instant else {
        mistakes.push(format!(
            "'{at}' must be a time (now(), hours_ago(24), date(\"…\"), seconds since 1970), and not {}",
            shown(&value)
        ));
        return None;
    };
    if form == TimeForm::EpochSeconds && !(0..=LAST_SECOND).contains(&instant.as_second()) {
        mistakes.push(format!("'{at}' must lie between 1970 and 2038, and {instant} does not"));
        return None;
    }
    Some(Value::Time(instant))
}

fn check_limits(param: &Param, value: &Value, at: &str, mistakes: &mut Vec<String>) {
    let (size, what) = match value {
        Value::Int(number) => (*number, ""),
        Value::Text(text) => (text.chars().count() as i64, "the length of "),
        Value::List(list) => (list.len() as i64, "the length of "),
        _ => return,
    };
    if let Some(min) = param.min.filter(|min| size < *min) {
        mistakes.push(format!("{what}'{at}' must be at least {min}, and is {size}"));
    }
    if let Some(max) = param.max.filter(|max| size > *max) {
        mistakes.push(format!("{what}'{at}' must be at most {max}, and is {size}"));
    }
}

fn shown(value: &Value) -> String {
    let kind = value.kind();
    let an = if kind.starts_with(['a', 'i']) { "an" } else { "a" };
    let json = value.to_json().to_string();
    if json.chars().count() > 40 { format!("{an} {kind}") } else { format!("{an} {kind} {json}") }
}

fn spaced(forbid: &str) -> String {
    forbid.chars().map(String::from).collect::<Vec<_>>().join(" ")
}
