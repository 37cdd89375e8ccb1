//! Raw requests: what they do to the world, when the catalog knows them and when it does not.

use crate::catalog::{Body, Effect, Param, Place, Raise, Row};
use crate::door::RawRequest;
use crate::fault::{Fault, FaultKind};
use crate::value::{Map, Value};

/// A raw request whose effect is settled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Classified<'a> {
    /// The request.
    pub request: &'a RawRequest,
    /// The row that it matches, if there is one: then the request is that row.
    pub row: Option<&'static Row>,
    /// What it does.
    pub effect: Effect,
    /// What it counts as against `max_items`.
    pub items: u64,
}

/// Settles the effect of a raw request; `row` is what the catalog matched it with.
///
/// A request that matches a row has the row's effect, raised by content as the row says. Of the
/// others, `GET` and `HEAD` read, `DELETE` destroys, and all else changes. What the script
/// declares can raise the effect, never lower it.
pub fn classify<'a>(request: &'a RawRequest, row: Option<&'static Row>) -> Classified<'a> {
    let derived = match row {
        Some(row) => row
            .raises
            .iter()
            .filter(|raise| raises(request, row, raise))
            .map(|raise| raise.effect)
            .fold(row.effect, Effect::max),
        None if ["GET", "HEAD"].iter().any(|method| request.method.eq_ignore_ascii_case(method)) => Effect::Read,
        None if request.method.eq_ignore_ascii_case("DELETE") => Effect::Destroy,
        None => Effect::Change,
    };
    let effect = request.effect.map_or(derived, |declared| declared.max(derived));
    Classified { request, row, effect, items: items(request, row) }
}

/// Headers that a script may not set: they belong to the session and the line, or make another
/// request of what was admitted.
const OURS: [&str; 11] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-url",
];

/// Looks whether the headers of a raw request are a script's to set.
pub(super) fn check_headers(request: &RawRequest) -> Result<(), Fault> {
    let ours = |name: &&String| OURS.iter().any(|ours| name.trim().eq_ignore_ascii_case(ours));
    match request.headers.keys().find(ours) {
        None => Ok(()),
        Some(name) => {
            let message = format!("the header '{name}' is Beadle's own to set: leave it out");
            Err(Fault::new(FaultKind::Refused, message).with_detail("rule", "raw request"))
        }
    }
}

/// The value that a raw request gives a parameter, under either of its names.
pub(super) fn argument<'a>(request: &'a RawRequest, param: &Param) -> Option<&'a Value> {
    let of = |map: &'a Map| map.get(param.wire).or_else(|| map.get(param.name));
    match param.place {
        Place::Path => None,
        Place::Query => of(&request.query),
        Place::Header => {
            request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(param.wire)).map(|(_, value)| value)
        }
        Place::Body | Place::Form | Place::Part => request.body.as_ref().and_then(Value::as_map).and_then(of),
    }
}

fn raises(request: &RawRequest, row: &Row, raise: &Raise) -> bool {
    let Some(param) = row.params.iter().find(|param| param.name == raise.param) else { return false };
    // A body that is no object cannot be looked into, so that the worst is assumed.
    if param.place == Place::Body
        && row.body != Body::None
        && request.body.as_ref().is_some_and(|body| body.as_map().is_none())
    {
        return true;
    }
    let Some(value) = argument(request, param) else { return false };
    match raise.equals {
        None => match value {
            Value::Null => false,
            Value::Text(text) => !text.is_empty(),
            Value::List(list) => !list.is_empty(),
            Value::Map(map) => !map.is_empty(),
            _ => true,
        },
        Some(json) => serde_json::from_str::<serde_json::Value>(json).is_ok_and(|wanted| {
            // Query values may be written as text.
            wanted == value.to_json() || value.as_text().is_some_and(|text| text.trim().eq_ignore_ascii_case(json))
        }),
    }
}

fn items(request: &RawRequest, row: Option<&'static Row>) -> u64 {
    let Some(row) = row.filter(|row| !row.items.is_empty()) else { return 1 };
    let counted = row.params.iter().filter(|param| row.items.contains(&param.name));
    let lengths =
        counted.filter_map(|param| argument(request, param)).map(|value| value.as_list().map_or(1, <[_]>::len));
    u64::try_from(lengths.sum::<usize>()).unwrap_or(u64::MAX)
}
