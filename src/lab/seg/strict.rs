//! The rules of the fact sheet's section 3, checked on what comes in.

use serde_json::{Map, Value as Json};

use crate::lab::server::{Ask, Tell};

/// The query's values, each checked for its encoding.
///
/// # Errors
/// A complaint for each part that is not encoded as it must be.
pub fn query(ask: &Ask) -> Result<Vec<(String, String)>, String> {
    let mut pairs = Vec::new();
    for part in ask.query.as_deref().unwrap_or_default().split('&').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').ok_or_else(|| format!("the query has '{part}' without a value"))?;
        pairs.push((name.to_owned(), decoded(value)?));
    }
    Ok(pairs)
}

/// A value without its percent-encoding: only unreserved characters may stand there bare.
fn decoded(value: &str) -> Result<String, String> {
    let mut bytes = Vec::new();
    let mut rest = value.as_bytes().iter();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let pair = [rest.next().copied().unwrap_or(b' '), rest.next().copied().unwrap_or(b' ')];
                let text = std::str::from_utf8(&pair).unwrap_or_default();
                bytes.push(
                    u8::from_str_radix(text, 16).map_err(|_| format!("the query value '{value}' is badly encoded"))?,
                );
            }
            byte if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) => bytes.push(*byte),
            byte => return Err(format!("the query value '{value}' has '{}' bare", char::from(*byte))),
        }
    }
    String::from_utf8(bytes).map_err(|_| format!("the query value '{value}' is not UTF-8"))
}

/// The JSON object of a body, with its content type checked.
///
/// # Errors
/// The answer to a body that is none.
pub fn object(ask: &Ask) -> Result<Map<String, Json>, Box<Tell>> {
    let kind = ask.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().map(str::trim) != Some("application/json") {
        return Err(Box::new(Tell::text(415, "the body must be application/json")));
    }
    match serde_json::from_slice(&ask.body) {
        Ok(Json::Object(map)) => Ok(map),
        _ => Err(Box::new(Tell::text(400, "the body must be a JSON object"))),
    }
}

/// What a field must be.
#[derive(Clone, Copy, Debug)]
pub enum Is {
    /// A whole number.
    Int,
    /// A text that is not empty.
    Text,
    /// True or false.
    Bool,
    /// Seconds since 1970, up to 2038.
    Time,
    /// Anything, but null.
    Any,
}

/// Complaints about fields of the wrong type, unknown ones, nulls and empty texts.
///
/// # Errors
/// The answer to a field that the appliance could not read.
pub fn fields(map: &Map<String, Json>, known: &[(&str, Is)], complaints: &mut Vec<String>) -> Result<(), Box<Tell>> {
    for (name, value) in map {
        let Some((_, is)) = known.iter().find(|(have, _)| have == name) else {
            complaints.push(format!("the body has an unknown member '{name}' (names are case sensitive)"));
            continue;
        };
        let fits = match is {
            Is::Int => value.is_i64(),
            Is::Text => value.as_str().is_some_and(|text| !text.is_empty()),
            Is::Bool => value.is_boolean(),
            Is::Time => value.as_i64().is_some_and(|time| (0..=2_147_483_647).contains(&time)),
            Is::Any => !value.is_null(),
        };
        if !fits {
            if value.is_null() || value == "" {
                complaints.push(format!("'{name}' is empty: unused members are left out"));
                continue;
            }
            return Err(Box::new(Tell::text(400, &format!("bad data: {name}"))));
        }
    }
    Ok(())
}
