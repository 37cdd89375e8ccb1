//! What is there after a change. The one place that decides it.

use serde_json::{Value as Json, json};

use crate::catalog::{Row, would_be};
use crate::journal::decode_map;
use crate::secret::Secret;

/// The state after a change as `{"state": …}` or `{"gone": true}`: what the row says that it makes of the state
/// before, or what the answer shows, if it has the members of the state before. Nothing where only the
/// arguments tell.
pub fn after(row: &'static Row, args: &Json, before: &Json, answer: Option<&Json>) -> Option<Json> {
    if let Some(whole) = row.params.iter().find(|param| param.root).and_then(|param| args.get(param.name)) {
        let mut state = before.get("state")?.clone();
        *state.get_mut("body")? = whole.clone();
        return Some(json!({ "state": state }));
    }
    let known = before.get("state").cloned().or_else(|| before.get("gone").map(|_| Json::Null))?;
    let typed = decode_map(args.clone(), &|reference| Secret::new(reference, ""));
    match would_be(row, &typed, &known) {
        Some(Json::Null) => return Some(json!({ "gone": true })),
        Some(state) => return Some(json!({ "state": state })),
        None => {}
    }
    let (before, answer) = (object(before.get("state")?)?, object(answer?)?);
    let shared = before.keys().filter(|name| answer.contains_key(*name)).count();
    // An answer that says `{"id": 7, "result": "ok"}` shares a member as well, and is no state.
    (shared * 2 > before.len()).then(|| json!({ "state": answer }))
}

/// The object itself, without what APIs wrap around it.
fn object(json: &Json) -> Option<&serde_json::Map<String, Json>> {
    let inner = ["body", "data"].iter().find_map(|name| json.get(*name)).unwrap_or(json);
    match inner {
        Json::Array(items) if items.len() == 1 => items.first()?.as_object(),
        other => other.as_object(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_looks_like_the_state_is_the_state_after() {
        let row = crate::catalog::Catalog::builtin().row("seg", "group_member_add").unwrap();
        let args = json!({ "member_data": "b" });
        let before = json!({ "state": { "data": { "id": 7, "name": "a", "active": true } } });
        let answer = json!({ "data": { "id": 7, "name": "b", "active": true } });
        assert_eq!(
            after(row, &args, &before, Some(&answer)),
            Some(json!({ "state": { "id": 7, "name": "b", "active": true } }))
        );
        assert_eq!(after(row, &args, &before, Some(&json!({ "id": 7, "result": "ok" }))), None);
    }

    #[test]
    fn an_argument_that_is_the_whole_body_is_the_state_after() {
        let row = crate::catalog::Catalog::builtin().row("sps", "datetime_timezone_replace").unwrap();
        let before = json!({ "state": { "body": "Europe/Budapest", "key": "timezone" } });
        let after = after(row, &json!({ "value": "Europe/Berlin" }), &before, None);
        assert_eq!(after, Some(json!({ "state": { "body": "Europe/Berlin", "key": "timezone" } })));
    }
}
