//! Recorded sessions.

use serde_json::{Value as Json, json};

use super::routes::{error, items, meta};
use super::state::State;
use crate::lab::server::{Ask, Tell};
use crate::lab::web;

/// Keys hold slashes and colons, as those of the appliance do.
const SESSIONS: [(&str, &str); 5] = [
    ("svc/aaaaaaaaaaaaaaaaaaaaaa/ssh:1", "ssh"),
    ("svc/aaaaaaaaaaaaaaaaaaaaaa/ssh:2", "ssh"),
    ("svc/bbbbbbbbbbbbbbbbbbbbbb/rdp:1", "rdp"),
    ("svc/bbbbbbbbbbbbbbbbbbbbbb/rdp:2", "rdp"),
    ("svc/cccccccccccccccccccccc/http:1", "http"),
];

/// `/audit`.
pub fn route(ask: &Ask, parts: &[&str], state: &mut State) -> Tell {
    let query = web::query(ask);
    let one = |id: &str| SESSIONS.iter().find(|(key, _)| *key == id);
    let missing = || error(404, "NotFound", "There is no such session.", &ask.path);
    match (ask.method.as_str(), parts) {
        ("GET", ["audit"]) => Tell::json(200, &items("/audit", ["sessions", "users"].into_iter().map(|n| (n, None)))),
        ("GET", ["audit", "sessions", "_snapshot"]) => {
            if state.snapshots >= 5 {
                return error(429, "TooManySnapshots", "The snapshot quota is used up.", &ask.path);
            }
            state.snapshots += 1;
            Tell::json(200, &json!({ "body": { "snapshot": state.snapshots.to_string() } }))
        }
        ("GET", ["audit", "sessions", "_count"]) => Tell::json(200, &json!({ "count": matching(&query).len() })),
        ("GET", ["audit", "sessions", "stats" | "histogram"]) => match web::get(&query, "field") {
            Some(_) => Tell::json(200, &json!({ "body": [{ "value": "ssh", "count": 2 }] })),
            None => error(400, "InvalidQuery", "field is missing.", &ask.path),
        },
        ("GET", ["audit", "sessions"]) => search(ask, &query),
        ("GET", ["audit", "users"]) => {
            Tell::json(200, &items("/audit/users", ["root", "alice"].into_iter().map(|n| (n, None))))
        }
        ("GET", ["audit", "users", "_count"]) => Tell::json(200, &json!({ "count": 2 })),
        ("GET", ["audit", "users", name @ ("root" | "alice")]) => {
            Tell::json(200, &json!({ "key": name, "body": { "name": name } }))
        }
        ("GET", ["audit", "sessions", id]) => match one(id) {
            Some((key, protocol)) => {
                Tell::json(200, &json!({ "key": key, "body": body(protocol), "meta": meta("/audit") }))
            }
            None => missing(),
        },
        ("GET", ["audit", "sessions", id, "audit_trail"]) if one(id).is_some() => {
            Tell { content_type: "application/octet-stream", ..Tell::text(200, &format!("ZAT trail of {id}")) }
        }
        ("GET", ["audit", "sessions", id, "content", ""]) if one(id).is_some() => match web::get(&query, "q") {
            Some(q) if !q.is_empty() && !q.starts_with('*') => {
                Tell::json(200, &json!({ "items": [{ "key": "1", "body": { "text": q } }], "meta": meta("/audit") }))
            }
            _ => error(400, "InvalidQuery", "q is missing or begins with *.", &ask.path),
        },
        (
            "GET",
            ["audit", "sessions", id, what @ ("alerts" | "channels" | "events" | "indexing" | "trail_downloads")],
        ) if one(id).is_some() => {
            Tell::json(200, &items(&format!("/audit/sessions/x/{what}"), ["1"].into_iter().map(|n| (n, None))))
        }
        ("GET", ["audit", "sessions", id, "channels" | "screenshots", key]) if one(id).is_some() => {
            Tell::json(200, &json!({ "key": key, "body": { "type": "session shell" } }))
        }
        ("POST", ["audit", "sessions", id, "screenshots"]) if one(id).is_some() => Tell::json(200, &json!({})).done(),
        _ => missing(),
    }
}

fn matching(query: &[(String, String)]) -> Vec<&'static (&'static str, &'static str)> {
    let wanted = web::get(query, "q").and_then(|q| q.strip_prefix("protocol:")).map(str::to_lowercase);
    SESSIONS.iter().filter(|(_, protocol)| wanted.as_deref().is_none_or(|wanted| wanted == *protocol)).collect()
}

fn body(protocol: &str) -> Json {
    json!({ "active": false, "protocol": protocol.to_uppercase(), "verdict": "ACCEPT", "start_time": "2026-11-01T10:00:00Z" })
}

fn search(ask: &Ask, query: &[(String, String)]) -> Tell {
    let found = matching(query);
    let limit = web::number(query, "limit").unwrap_or(500).max(1);
    let offset = web::number(query, "offset").unwrap_or(0);
    let fields = web::get(query, "fields").is_some();
    let page: Vec<Json> = found
        .iter()
        .skip(offset)
        .take(limit)
        .map(|(key, protocol)| {
            let mut item =
                json!({ "key": key, "meta": { "href": format!("/api/audit/sessions/{}", key.replace('/', "%2F")) } });
            if let (true, Some(map)) = (fields, item.as_object_mut()) {
                map.insert("body".into(), body(protocol));
            }
            item
        })
        .collect();
    let more = offset + limit < found.len();
    let next = more.then(|| format!("{}?limit={limit}&offset={}", ask.path, offset + limit));
    Tell::json(
        200,
        &json!({ "items": page, "meta": { "next": next, "match_count": found.len(), "limit": limit, "offset": offset, "remaining_seconds": 600 } }),
    )
}
