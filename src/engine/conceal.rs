//! Answers without their secrets: what a row marks is taken out of a body, and something else put there.

use bytes::Bytes;
use serde_json::Value as Json;

use crate::door::HttpAnswer;
use crate::engine::decode::{HIDDEN, Node, quote_large};

/// The body of an answer with another text in the place of each secret that the row marks; nothing where it
/// marks none. A body that is no JSON is an error to whoever decodes it, and has none.
pub fn conceal(answer: &HttpAnswer, stand_in: &mut dyn FnMut(String) -> String) -> Option<Bytes> {
    let row = answer.row.filter(|row| row.answer.fields.iter().any(|field| field.secret))?;
    let node = Node::of(row.answer.fields);
    let quoted = quote_large(&answer.body);
    let mut json: Json = serde_json::from_slice(quoted.as_deref().unwrap_or(&answer.body)).ok()?;
    hide(&mut json, Some(&node), &node.deep, stand_in);
    Some(json.to_string().into())
}

fn hide(json: &mut Json, node: Option<&Node>, deep: &[&'static str], stand_in: &mut dyn FnMut(String) -> String) {
    let secret = node.filter(|node| node.secret);
    match json {
        Json::Object(members) => {
            for (name, member) in members {
                let hidden = deep.iter().any(|end| name.ends_with(end)).then_some(&HIDDEN);
                let child = secret.or(hidden).or_else(|| node.and_then(|node| node.child(name)));
                hide(member, child, deep, stand_in);
            }
        }
        Json::Array(items) => items.iter_mut().for_each(|item| hide(item, node, deep, stand_in)),
        Json::Null => {}
        Json::String(text) if secret.is_some() => *json = Json::String(stand_in(std::mem::take(text))),
        Json::Bool(_) | Json::Number(_) if secret.is_some() => *json = Json::String(stand_in(json.to_string())),
        Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;

    #[test]
    fn what_a_row_marks_does_not_stay_in_the_body() {
        let catalog = Catalog::builtin();
        let mut tried = 0;
        for row in catalog.rows() {
            let plain = |name: &str| !name.contains(['*', '.']);
            let Some(field) = row.answer.fields.iter().find(|field| field.secret && plain(field.name)) else {
                continue;
            };
            let body = serde_json::json!({ "shown": 12_345_678_901_234_567_890_u64, field.name: ["canary", 7, { "x": true }] });
            let answer = HttpAnswer { body: body.to_string().into(), ..HttpAnswer::unseen(Some(row)) };
            let mut kept = Vec::new();
            let concealed = conceal(&answer, &mut |text| {
                kept.push(text);
                format!("#{}", kept.len())
            });
            let json: Json = serde_json::from_slice(&concealed.unwrap()).unwrap();
            assert_eq!(json[field.name], serde_json::json!(["#1", "#2", { "x": "#3" }]), "{}", row.name);
            assert_eq!(json["shown"], "12345678901234567890");
            assert_eq!(kept, ["canary", "7", "true"]);
            tried += 1;
        }
        assert!(tried > 0, "the catalog has rows that mark secrets");
    }
}
