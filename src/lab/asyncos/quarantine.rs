//! Quarantined messages, safelist and blocklist.

use serde_json::{Map, Value as Json, json};

use super::Product;
use super::routes::{Call, data, error, list, missing};
use super::rules::{self, Verdict};
use super::state::State;
use crate::lab::server::Tell;
use crate::lab::web;

/// `/quarantine`.
pub fn route(call: &Call<'_>, state: &mut State) -> Tell {
    let method = call.ask.method.as_str();
    if method == "GET"
        && let Verdict::Half(complaint) = rules::pairs(&call.query)
    {
        return list(0, Vec::new()).complain(complaint);
    }
    let kind = web::get(&call.query, "quarantineType");
    let esa = call.product == Product::Esa;
    match (method, call.path().as_slice()) {
        ("GET", ["quarantine", "messages"]) => search(call, kind, state),
        ("GET", ["quarantine", "messages", "details"]) => details(call, kind, state),
        ("GET", ["quarantine", "messages", "attachment"]) => match (kind, web::get(&call.query, "attachmentId")) {
            // What is wrong comes as JSON, with a status of success.
            (Some("pvo"), Some("404")) => {
                Tell::json(200, &json!({ "error": { "message": "The attachment is gone.", "code": "404" } }))
            }
            (Some("pvo"), Some(_)) => Tell::json(200, &json!("QQ==")),
            _ => error(404, "Missing attribute - attachmentId."),
        },
        ("POST" | "DELETE", ["quarantine", "messages"]) => act(call, state),
        ("GET", ["quarantine", "messages", "rules"]) if kind == Some("pvo") => rules_list(),
        ("GET", ["quarantine", "rules"]) if esa => rules_list(),
        ("GET", ["quarantine", "rules_search"]) if kind == Some("pvo") => match web::get(&call.query, "ruleId") {
            Some(_) => {
                list(state.pvo.len(), call.page(&state.pvo.iter().map(|(_, row)| row.clone()).collect::<Vec<_>>()))
            }
            None => error(404, "Missing attribute - ruleId."),
        },
        ("POST" | "DELETE", ["quarantine", "messages", "rules"]) => {
            let body = web::object(call.ask).unwrap_or_default();
            by_rule(method, &body, "ruleId")
        }
        ("POST" | "DELETE", ["quarantine", "rules"]) if esa => {
            let inner = web::object(call.ask).and_then(|body| body.get("data")?.as_object().cloned());
            by_rule(method, &inner.unwrap_or_default(), "ruleIds")
        }
        (_, ["quarantine", "safelist"]) => listed(call, "safelist", state),
        (_, ["quarantine", "blocklist"]) => listed(call, "blocklist", state),
        _ => missing(),
    }
}

fn search(call: &Call<'_>, kind: Option<&str>, state: &State) -> Tell {
    if let Verdict::Wrong(message) = rules::dates(&call.query, false, true) {
        return error(404, message);
    }
    match kind {
        Some("spam") => list(state.spam.len(), call.page(&state.spam)),
        Some("pvo") => {
            let Some(names) = web::get(&call.query, "quarantines") else {
                return error(404, "Missing attribute - quarantines.");
            };
            let names: Vec<String> = names.split(',').map(|name| name.replace('+', " ")).collect();
            let rows: Vec<Json> =
                state.pvo.iter().filter(|(name, _)| names.contains(name)).map(|(_, row)| row.clone()).collect();
            list(rows.len(), call.page(&rows))
        }
        _ => error(404, "Missing attribute - quarantineType."),
    }
}

fn details(call: &Call<'_>, kind: Option<&str>, state: &State) -> Tell {
    let mid = web::get(&call.query, "mid").and_then(|mid| mid.parse::<i64>().ok());
    let rows: Vec<&Json> = match kind {
        Some("spam") => state.spam.iter().collect(),
        Some("pvo") => state.pvo.iter().map(|(_, row)| row).collect(),
        _ => return error(404, "Missing attribute - quarantineType."),
    };
    match rows.into_iter().find(|row| row.get("mid").and_then(Json::as_i64) == mid) {
        Some(row) => data(row.clone()),
        None => error(404, "No such message."),
    }
}

fn act(call: &Call<'_>, state: &mut State) -> Tell {
    let Some(body) = web::object(call.ask) else { return error(400, "The body is no object.") };
    let action =
        if call.ask.method == "DELETE" { "delete" } else { web::text(&body, "action").unwrap_or_default() }.to_owned();
    let mids = web::numbers(&body, "mids");
    let name = web::text(&body, "quarantineName");
    let has = |row: &Json| row.get("mid").and_then(Json::as_i64).is_some_and(|mid| mids.contains(&mid));
    let known = ["release", "delete", "delay", "move", "sendCopy"];
    if mids.is_empty() || !known.contains(&action.as_str()) {
        return error(400, "mids or action is wrong.");
    }
    let count = match (web::text(&body, "quarantineType"), name) {
        (Some("spam"), None) => {
            let before = state.spam.len();
            state.spam.retain(|row| !has(row));
            before - state.spam.len()
        }
        (Some("pvo"), Some(name)) => {
            let found = state.pvo.iter().filter(|(have, row)| have == name && has(row)).count();
            match action.as_str() {
                "move" => {
                    let Some(to) = web::text(&body, "destinationQuarantineName") else {
                        return error(400, "destinationQuarantineName is missing.");
                    };
                    for (have, row) in &mut state.pvo {
                        if have == name && has(row) {
                            to.clone_into(have);
                        }
                    }
                }
                "release" | "delete" => state.pvo.retain(|(have, row)| have != name || !has(row)),
                _ => {}
            }
            found
        }
        (Some("spam"), Some(_)) => return error(400, "quarantineName is not for spam."),
        _ => return error(400, "quarantineType or quarantineName is missing."),
    };
    let tell = data(json!({ "action": action, "totalCount": count }));
    if count > 0 { tell.done() } else { tell }
}

fn rules_list() -> Tell {
    list(1, vec![json!({ "rid": 1, "attributes": { "ruleId": "Malware: Malware", "numberOfMessages": "2" } })])
}

fn by_rule(method: &str, body: &Map<String, Json>, key: &str) -> Tell {
    if web::texts(body, key).is_empty() || web::text(body, "quarantineType").is_none() {
        return error(400, "The rules or quarantineType are missing.");
    }
    let action = if method == "DELETE" { "delete" } else { "release" };
    data(json!({ "action": action, "totalCount": 1 })).done()
}

fn listed(call: &Call<'_>, name: &'static str, state: &mut State) -> Tell {
    let Some(entries) = state.lists.get_mut(name) else { return missing() };
    if call.ask.method == "GET" {
        let fine =
            web::get(&call.query, "action") == Some("view") && web::get(&call.query, "quarantineType") == Some("spam");
        if !fine || web::get(&call.query, "viewBy").is_none() {
            return error(404, "Missing attribute - action, quarantineType or viewBy.");
        }
        let rows: Vec<Json> =
            entries.iter().map(|(key, list)| json!({ "recipientAddress": key, "senderList": list })).collect();
        return list(rows.len(), call.page(&rows));
    }
    let Some(body) = web::object(call.ask) else { return error(400, "The body is no object.") };
    let by_recipient = web::text(&body, "viewBy") == Some("recipient");
    if web::text(&body, "quarantineType") != Some("spam") || web::text(&body, "viewBy").is_none() {
        return error(400, "quarantineType or viewBy is wrong.");
    }
    if call.ask.method == "DELETE" {
        // The keys go by another name here than in a change.
        let keys = web::texts(&body, if by_recipient { "recipientList" } else { "senderList" });
        if keys.is_empty() {
            return error(400, "The list of keys is missing.");
        }
        let before = entries.len();
        entries.retain(|key, _| !keys.contains(key));
        let gone = before - entries.len();
        let tell = data(json!({ "action": "delete", "totalCount": gone }));
        return if gone > 0 { tell.done() } else { tell };
    }
    let (keys, values) = if by_recipient {
        (web::texts(&body, "recipientAddresses"), web::texts(&body, "senderList"))
    } else {
        (web::texts(&body, "senderAddresses"), web::texts(&body, "recipientList"))
    };
    if keys.is_empty() || values.is_empty() {
        return error(400, "The lists are missing.");
    }
    for key in keys {
        let list = entries.entry(key).or_default();
        match web::text(&body, "action") {
            Some("edit") => list.clone_from(&values),
            // A list is a set: what is there already is not there twice.
            Some("add" | "append") => {
                let new: Vec<String> = values.iter().filter(|value| !list.contains(value)).cloned().collect();
                list.extend(new);
            }
            _ => return error(400, "action is wrong."),
        }
    }
    data(Json::Object(body)).done()
}
