//! Settling a lost answer by a read: what was there before, what is there now, what was asked for.

use serde_json::{Value as Json, json};

pub use crate::catalog::steady;

use crate::catalog::{Row, state, would_be};
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
            (!asked.is_empty() && holds(now, &asked) && !holds(before, &asked)).then_some(true)
        }
        (Shown::Gone, Shown::State(now)) => holds(now, &asked).then_some(true),
        _ => None,
    }
}

/// Whether the state is what the row says the call makes of the one before.
fn is_after(row: &'static Row, args: &Map, before: &Json, now: &Json) -> bool {
    would_be(row, args, before).is_some_and(|wanted| state::plain(&wanted) == state::plain(now))
}

/// What the call writes, under the names of the wire: secrets do not come back and prove nothing.
fn asked_for(row: &Row, args: &Map) -> Vec<(&'static str, Json)> {
    let written = row.map_params().filter(|param| !param.secret);
    written.filter_map(|param| Some((param.wire, plain(args.get(param.name)?)?))).collect()
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
}
