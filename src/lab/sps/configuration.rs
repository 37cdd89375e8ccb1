//! The configuration and its transactions.

use serde_json::{Map, Value as Json, json};

use super::SpsOptions;
use super::routes::{error, items, wrapped};
use super::state::{State, Tree};
use crate::lab::server::{Ask, Tell};
use crate::lab::web;

/// `/transaction`.
pub fn transaction(ask: &Ask, parts: &[&str], id: &str, state: &mut State, options: &SpsOptions) -> Tell {
    let foreign =
        state.foreign || state.sessions.iter().any(|(other, session)| other != id && session.staged.is_some());
    let tree = state.tree.clone();
    let Some(session) = state.sessions.get_mut(id) else { return error(401, "Unauthenticated", "", &ask.path) };
    match (ask.method.as_str(), parts) {
        ("GET", ["transaction"]) => {
            let status = if session.staged.is_some() { "open" } else { "closed" };
            Tell::json(
                200,
                &json!({ "body": { "status": status, "commit_message": "" }, "meta": { "remaining_seconds": 600 } }),
            )
        }
        ("GET", ["transaction", "changes"]) => match &session.staged {
            Some((_, changes)) => Tell::json(200, &json!({ "changes": changes })),
            None => error(404, "NoTransaction", "There is no transaction.", &ask.path),
        },
        ("POST", ["transaction"]) => {
            if foreign {
                return error(423, "Locked", "The configuration is locked by admin2 (web).", &ask.path);
            }
            if session.staged.is_some() {
                return error(409, "Conflict", "There is a transaction already.", &ask.path);
            }
            session.staged = Some((tree, Vec::new()));
            Tell::json(200, &json!({ "body": { "status": "open" } }))
        }
        ("PUT", ["transaction"]) => {
            let body = web::object(ask).unwrap_or_default();
            if web::text(&body, "status") != Some("commit") {
                return error(400, "SyntacticError", "status must be commit.", &ask.path);
            }
            if options.commit_log_required && web::text(&body, "commit_message").is_none_or(str::is_empty) {
                return error(400, "SemanticError", "A commit message is required.", &ask.path);
            }
            let Some((staged, _)) = &session.staged else {
                return error(400, "NoTransaction", "There is no transaction.", &ask.path);
            };
            if staged.values().any(|body| body.get("name").is_some_and(|name| name == "invalid-at-commit")) {
                return error(400, "SemanticError", "The configuration is not consistent.", &ask.path);
            }
            if let Some((staged, _)) = session.staged.take() {
                state.tree = staged;
            }
            state.commits += 1;
            Tell::json(200, &json!({ "body": { "status": "closed" } })).done()
        }
        ("DELETE", ["transaction"]) => {
            session.staged = None;
            Tell::json(200, &json!({}))
        }
        _ => error(405, "MethodNotAllowed", "This verb does nothing here.", &ask.path),
    }
}

/// A change that is staged: it opens a transaction by itself where none is, as newer guides say; a
/// careful client has opened one.
pub fn staged(ask: &Ask, id: &str, state: &mut State, change: impl FnOnce(&mut Staging<'_>) -> Tell) -> Tell {
    let foreign =
        state.foreign || state.sessions.iter().any(|(other, session)| other != id && session.staged.is_some());
    if foreign {
        return error(423, "Locked", "The configuration is locked by admin2 (web).", &ask.path);
    }
    let key = state.key();
    let tree = state.tree.clone();
    let Some(session) = state.sessions.get_mut(id) else { return error(401, "Unauthenticated", "", &ask.path) };
    let implicit = session.staged.is_none();
    let (tree, changes) = session.staged.get_or_insert_with(|| (tree, Vec::new()));
    let tell = change(&mut Staging { tree, changes, key });
    if implicit { tell.complain("a staged change without an open transaction") } else { tell }
}

/// What a staged change works on.
pub struct Staging<'a> {
    tree: &'a mut Tree,
    changes: &'a mut Vec<Json>,
    key: String,
}

/// `/configuration` and `/upload`.
pub fn route(ask: &Ask, parts: &[&str], id: &str, state: &mut State) -> Tell {
    let path = format!("/{}", parts.join("/"));
    if let ["upload", kind] = parts {
        let wanted = match *kind {
            "firmware" => "application/x-iso9660-image",
            "plugins" => "application/zip",
            "license" => "",
            _ => return error(404, "NotFound", "There is no such upload.", &ask.path),
        };
        let given = web::header(ask, "content-type").unwrap_or_default();
        if !wanted.is_empty() && given != wanted || given.starts_with("multipart/") {
            return error(415, "UnsupportedMediaType", "The content type is wrong.", &ask.path);
        }
        if *kind == "firmware" {
            return Tell::json(200, &json!({})).done();
        }
        return staged(ask, id, state, |stage| Tell::json(201, &json!({ "key": stage.key, "body": {} })));
    }
    if ask.method == "GET" {
        let staged = state.sessions.get(id).and_then(|session| session.staged.as_ref());
        return read(&path, parts, staged.map_or(&state.tree, |(tree, _)| tree), &state.lists, ask);
    }
    let lists = state.lists.clone();
    let secret_kind = ["/configuration/passwords", "/configuration/private_keys", "/configuration/x509"];
    match ask.method.as_str() {
        "POST" if secret_kind.contains(&path.as_str()) || lists.contains(&path) => {
            staged(ask, id, state, |stage| create(ask, &path, stage))
        }
        "POST" if path == "/configuration/network/routing" => staged(ask, id, state, |stage| {
            let route = web::json(ask).unwrap_or_default();
            if let Some(routes) = stage.tree.get_mut(&path).and_then(Json::as_array_mut) {
                routes.push(route);
            }
            Tell::json(201, &json!({ "key": stage.key }))
        }),
        "PUT" => staged(ask, id, state, |stage| replace(ask, &path, stage)),
        "DELETE" => staged(ask, id, state, |stage| match stage.tree.remove(&path) {
            Some(old) => {
                stage.changes.push(json!({ "type": "delete", "path": path, "old_value": old }));
                Tell::json(200, &json!({}))
            }
            None => error(404, "NotFound", "There is no such object.", &ask.path),
        }),
        _ => error(405, "MethodNotAllowed", "This verb does nothing here.", &ask.path),
    }
}

fn read(path: &str, parts: &[&str], tree: &Tree, lists: &[String], ask: &Ask) -> Tell {
    if let Some(body) = tree.get(path) {
        let key = parts.last().copied().unwrap_or_default();
        let hidden =
            ["/configuration/passwords/", "/configuration/private_keys/"].iter().any(|kind| path.starts_with(kind));
        let body = if hidden { json!({ "type": "stored" }) } else { body.clone() };
        return Tell::json(200, &wrapped(path, key, &body));
    }
    let prefix = format!("{path}/");
    if lists.iter().any(|list| list == path)
        && !["/configuration/passwords", "/configuration/private_keys", "/configuration/x509"].contains(&path)
    {
        let members = tree.iter().filter_map(|(have, body)| {
            let key = have.strip_prefix(&prefix)?;
            (!key.contains('/')).then_some((key, Some(body)))
        });
        return Tell::json(200, &items(path, members));
    }
    // A list of endpoints: the names directly below.
    let mut names: Vec<&str> = tree
        .keys()
        .map(String::as_str)
        .chain(lists.iter().map(String::as_str))
        .filter_map(|have| have.strip_prefix(&prefix)?.split('/').next())
        .collect();
    names.sort_unstable();
    names.dedup();
    let plain =
        path.contains("/_") || path.ends_with("/acls") || path.ends_with("/license") || path.contains("/plugins");
    if names.is_empty() && !plain {
        return error(404, "NotFound", "There is no such object.", &ask.path);
    }
    Tell::json(200, &items(path, names.into_iter().map(|name| (name, None))))
}

fn create(ask: &Ask, path: &str, stage: &mut Staging<'_>) -> Tell {
    let Some(body) = web::object(ask) else {
        return error(400, "SyntacticError", "The body must be an object.", &ask.path);
    };
    if let Some(name) =
        web::text(&body, "name").filter(|name| name.contains(char::is_whitespace) && path.contains("polic"))
    {
        return error(400, "SemanticError", &format!("The name '{name}' has white space."), &ask.path);
    }
    let complaints = wrapping(&body);
    let pem = body.values().filter_map(Json::as_str).find(|text| text.contains("-----BEGIN"));
    if pem.is_some_and(|pem| !pem.starts_with("-----BEGIN")) {
        return error(400, "SemanticError", "The PEM text has metadata before it.", &ask.path);
    }
    let key = stage.key.clone();
    let object = format!("{path}/{key}");
    stage.changes.push(json!({ "type": "create", "path": object, "new_value": body }));
    stage.tree.insert(object.clone(), Json::Object(body));
    let mut tell = Tell::json(201, &json!({ "key": key, "meta": { "href": format!("/api{object}") } }));
    tell.complaints.extend(complaints);
    tell
}

fn replace(ask: &Ask, path: &str, stage: &mut Staging<'_>) -> Tell {
    let Some(new) = web::json(ask) else { return error(400, "SyntacticError", "The body is no JSON.", &ask.path) };
    let Some(old) = stage.tree.get(path).cloned() else {
        return error(404, "NotFound", "There is no such object.", &ask.path);
    };
    let mut complaints = Vec::new();
    if let (Some(new), Some(old)) = (new.as_object(), old.as_object()) {
        complaints.extend(wrapping(new));
        let free = ["selection", "enabled"].iter().any(|word| new.contains_key(*word));
        for name in new.keys().filter(|name| !old.contains_key(*name) && !free) {
            complaints.push(format!("the member '{name}' is unknown, and would be ignored"));
        }
        for name in old.keys().filter(|name| !new.contains_key(*name) && !free) {
            complaints.push(format!("the member '{name}' is left out, and would be lost"));
        }
    }
    stage.changes.push(json!({ "type": "replace", "path": path, "old_value": old, "new_value": new }));
    stage.tree.insert(path.to_owned(), new);
    let mut tell = Tell::json(200, &json!({}));
    tell.complaints = complaints;
    tell
}

/// What of an answer's wrapping a body must not have.
fn wrapping(body: &Map<String, Json>) -> Vec<String> {
    let mut complaints = Vec::new();
    if body.contains_key("meta") || (body.contains_key("key") && body.contains_key("body")) {
        complaints.push("the body has the wrapping of an answer (key, body, meta)".to_owned());
    }
    if body.values().any(expanded) {
        complaints.push("a reference is sent expanded, and not as its key".to_owned());
    }
    complaints
}

fn expanded(value: &Json) -> bool {
    match value {
        Json::Object(map) => (map.contains_key("key") && map.contains_key("meta")) || map.values().any(expanded),
        Json::Array(list) => list.iter().any(expanded),
        _ => false,
    }
}
