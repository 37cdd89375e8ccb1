//! Settling a lost answer by a read: what was there before, what is there now, what was asked for.

use serde_json::{Value as Json, json};

pub use crate::catalog::steady;

use crate::catalog::bind::FREE;
use crate::catalog::{Body, Row, state, would_be};
use crate::value::{Map, Value};

/// What a read shows of the object that a change is about.
#[derive(Clone, Debug, PartialEq)]
pub enum Shown {
    /// Its state.
    State(Json),
    /// That it is not there.
    Gone,
    /// Nothing: the read failed.
    Unknown,
}

impl Shown {
    /// As the journal keeps it; nothing where nothing was seen.
    pub fn to_json(&self) -> Option<Json> {
        match self {
            Self::State(state) => Some(json!({ "state": state })),
            Self::Gone => Some(json!({ "gone": true })),
            Self::Unknown => None,
        }
    }

    /// What [`Shown::to_json`] gave.
    pub fn of_json(json: &Json) -> Option<Self> {
        match (json.get("state"), json.get("gone")) {
            (Some(state), _) => Some(Self::State(state.clone())),
            (None, Some(_)) => Some(Self::Gone),
            (None, None) => None,
        }
    }
}

/// Whether a change has been made: `Some(true)`, `Some(false)`, or `None` where the two states do
/// not tell.
///
/// A state as it was before means that it was not made. A state that is what the row says it would
/// be, or that holds what was asked for and did not before, means that it was; so does an object that
/// is gone after a call without content.
pub fn made(row: &'static Row, args: &Map, before: &Shown, now: &Shown) -> Option<bool> {
    let asked = asked_for(row, args);
    match (before, now) {
        (Shown::State(before), Shown::State(now)) if before != now && is_after(row, args, before, now) => Some(true),
        (Shown::State(_), Shown::Gone) if asked.is_empty() => Some(true),
        (Shown::Gone, Shown::Gone) => Some(false),
        (Shown::State(before), Shown::State(now)) if before == now => Some(false),
        (Shown::State(before), Shown::State(now)) => {
            (!asked.is_empty() && asked.is_in(now) && !asked.is_in(before)).then_some(true)
        }
        (Shown::Gone, Shown::State(now)) => asked.is_in(now).then_some(true),
        _ => None,
    }
}

/// Whether the state is what the row says the call makes of the one before.
fn is_after(row: &'static Row, args: &Map, before: &Json, now: &Json) -> bool {
    would_be(row, args, before).is_some_and(|wanted| state::plain(&wanted) == state::plain(now))
}

/// Whether the state has what a change asks for before it is made: such a change leaves no trace.
pub fn is_there(row: &Row, args: &Map, before: &Shown) -> bool {
    let asked = asked_for(row, args);
    matches!(before, Shown::State(before) if !asked.is_empty() && asked.is_in(before))
}

/// What a call writes.
enum Asked {
    /// Members under the names of the wire.
    Members(Vec<(&'static str, Json)>),
    /// A body that is one value, or free-form.
    Body(Json),
}

impl Asked {
    fn is_empty(&self) -> bool {
        match self {
            Self::Members(members) => members.is_empty(),
            Self::Body(body) => body.is_null(),
        }
    }

    /// Whether some part of a state is what was asked for.
    fn is_in(&self, state: &Json) -> bool {
        match self {
            Self::Members(members) => holds(state, members),
            Self::Body(body) => includes(state, body),
        }
    }
}

/// What the call writes: secrets do not come back and prove nothing.
fn asked_for(row: &Row, args: &Map) -> Asked {
    let root = row.params.iter().find(|param| param.root && !param.secret).map(|param| param.name);
    let whole = root.or_else(|| (row.body == Body::Free).then_some(FREE)).and_then(|name| args.get(name));
    if let Some(body) = whole.and_then(visible) {
        return Asked::Body(body);
    }
    let written = row.map_params().filter(|param| !param.secret);
    Asked::Members(written.filter_map(|param| Some((param.wire, plain(args.get(param.name)?)?))).collect())
}

/// A value without the secrets in it.
fn visible(value: &Value) -> Option<Json> {
    match value {
        Value::Secret(_) => None,
        Value::List(items) => Some(items.iter().filter_map(visible).collect()),
        Value::Map(map) => {
            Some(Json::Object(map.iter().filter_map(|(name, value)| Some((name.clone(), visible(value)?))).collect()))
        }
        _ => Some(value.to_json()),
    }
}

/// Whether the state, or a part of it, has all of a body. An appliance may add members of its own.
fn includes(state: &Json, body: &Json) -> bool {
    let inner = match state {
        Json::Object(map) => map.values().any(|inner| includes(inner, body)),
        Json::Array(items) => items.iter().any(|item| includes(item, body)),
        _ => false,
    };
    inner || covers(state, body)
}

fn covers(state: &Json, body: &Json) -> bool {
    match (state, body) {
        (Json::Object(state), Json::Object(body)) => {
            !body.is_empty()
                && body
                    .iter()
                    .all(|(name, value)| state.get(name).is_some_and(|have| covers(have, value) || have == value))
        }
        _ => state == body,
    }
}

fn plain(value: &Value) -> Option<Json> {
    match value {
        Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) => Some(value.to_json()),
        _ => None,
    }
}

/// Whether some object in the state has all of these members.
fn holds(state: &Json, asked: &[(&str, Json)]) -> bool {
    match state {
        Json::Object(map) => {
            (!asked.is_empty() && asked.iter().all(|(name, value)| map.get(*name) == Some(value)))
                || map.values().any(|inner| holds(inner, asked))
        }
        Json::Array(items) => items.iter().any(|item| holds(item, asked)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;

    fn member() -> (&'static Row, Map) {
        let row = Catalog::builtin().row("seg", "group_member_add").unwrap();
        let args = Map::from([
            ("group_id".to_owned(), Value::Int(7)),
            ("member_data".to_owned(), Value::Text("a@example.com".into())),
        ]);
        (row, args)
    }

    #[test]
    fn the_same_state_means_that_nothing_was_done() {
        let (row, args) = member();
        let before = Shown::State(json!([{ "memberData": "b@example.com" }]));
        assert_eq!(made(row, &args, &before, &before.clone()), Some(false));
    }

    #[test]
    fn what_was_asked_for_and_was_not_there_before_means_that_it_was_done() {
        let (row, args) = member();
        let before = Shown::State(json!([]));
        let now = Shown::State(json!([{ "memberData": "a@example.com" }]));
        assert_eq!(made(row, &args, &before, &now), Some(true));
        let other = Shown::State(json!([{ "memberData": "c@example.com" }]));
        assert_eq!(made(row, &args, &before, &other), None, "somebody else has changed it");
        assert_eq!(made(row, &args, &Shown::Unknown, &now), None);
    }

    #[test]
    fn entries_that_stand_in_the_list_were_added() {
        let row = Catalog::builtin().row("asyncos", "dictionary_words_add").unwrap();
        let words = serde_json::json!([["blue", 2]]);
        let args = Map::from([("name".to_owned(), Value::from("d")), ("words".to_owned(), Value::from(words))]);
        let shown = |words: Json| Shown::State(json!({ "data": { "name": "d", "words": words } }));
        let before = shown(json!([["red"]]));
        assert_eq!(made(row, &args, &before, &shown(json!([["red"], ["blue", 2]]))), Some(true));
        assert_eq!(made(row, &args, &before, &before.clone()), Some(false));
        assert_eq!(made(row, &args, &before, &shown(json!([["green"]]))), None, "somebody else has changed it");
    }

    #[test]
    fn an_object_that_is_gone_was_deleted() {
        let (row, _) = member();
        let before = Shown::State(json!({ "id": 1 }));
        assert_eq!(made(row, &Map::new(), &before, &Shown::Gone), Some(true));
        assert_eq!(made(row, &Map::new(), &before, &before.clone()), Some(false));
    }

    #[test]
    fn a_body_that_is_one_value_is_looked_for_as_it_is() {
        let row = Catalog::builtin().row("sps", "datetime_timezone_replace").unwrap();
        let args = Map::from([("value".to_owned(), Value::from("UTC"))]);
        let state = |zone: &str| Shown::State(json!({ "key": "timezone", "body": zone }));
        assert_eq!(made(row, &args, &state("Europe/Berlin"), &state("UTC")), Some(true));
        assert_eq!(made(row, &args, &state("Europe/Berlin"), &state("Europe/Berlin")), Some(false));
        assert_eq!(made(row, &args, &state("Europe/Berlin"), &state("Asia/Tokyo")), None);
    }

    #[test]
    fn a_free_body_is_found_among_what_the_appliance_adds() {
        let row = Catalog::builtin().row("sps", "network_dns_replace").unwrap();
        let body = Map::from([("primary".to_owned(), Value::from("192.0.2.1"))]);
        let args = Map::from([(FREE.to_owned(), Value::Map(body))]);
        let state = |primary: &str| Shown::State(json!({ "body": { "primary": primary, "added": true } }));
        assert_eq!(made(row, &args, &state("192.0.2.9"), &state("192.0.2.1")), Some(true));
    }
}
