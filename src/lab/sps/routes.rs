//! Sign-in, what holds for every request, and the way to the areas.

use std::sync::{Arc, PoisonError};

use serde_json::{Value as Json, json};

use super::state::{Session, State};
use super::{Sps, audit, configuration};
use crate::lab::server::{Appliance, Ask, Tell};
use crate::lab::web;

/// The API.
pub struct Api(pub Arc<Sps>);

/// An error in the appliance's form.
pub fn error(status: u16, kind: &str, message: &str, path: &str) -> Tell {
    Tell::json(status, &json!({ "error": { "type": kind, "message": message, "details": { "resource": path } } }))
}

/// A single object, or a list.
pub fn wrapped(path: &str, key: &str, body: &Json) -> Json {
    json!({ "key": key, "body": body, "meta": meta(path) })
}

/// The links of an answer.
pub fn meta(path: &str) -> Json {
    let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
    let mut meta = json!({
        "href": format!("/api{path}"), "parent": format!("/api{parent}"), "first": null, "last": null, "next": null,
        "previous": null, "remaining_seconds": 600,
    });
    if path.starts_with("/configuration")
        && let Some(map) = meta.as_object_mut()
    {
        map.insert("transaction".into(), "/api/transaction".into());
    }
    meta
}

/// A list of keys below a path.
pub fn items<'a>(path: &str, keys: impl Iterator<Item = (&'a str, Option<&'a Json>)>) -> Json {
    let items: Vec<Json> = keys
        .map(|(key, body)| {
            let mut item = json!({ "key": key, "meta": { "href": format!("/api{path}/{key}") } });
            if let (Some(map), Some(body)) = (item.as_object_mut(), body) {
                map.insert("body".into(), body.clone());
            }
            item
        })
        .collect();
    json!({ "items": items, "meta": meta(path) })
}

impl Appliance for Api {
    fn answer(&self, ask: &Ask) -> Tell {
        let path = ask.path.as_str();
        let Some(below) = path.strip_prefix("/api").filter(|rest| rest.is_empty() || rest.starts_with('/')) else {
            return error(404, "NotFound", "There is nothing here.", path);
        };
        if ask.headers.contains_key("expect") {
            return error(417, "ExpectationFailed", "Expect is not supported.", path);
        }
        let has_length = ask.headers.contains_key("content-length") || ask.headers.contains_key("transfer-encoding");
        if matches!(ask.method.as_str(), "POST" | "PUT") && !has_length {
            return error(411, "LengthRequired", "Content-Length is missing.", path);
        }
        let upload = below.starts_with("/upload/");
        if !ask.body.is_empty() && !upload && !web::says_json(ask) {
            return error(415, "UnsupportedMediaType", "The body must be application/json.", path);
        }
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tell = match (ask.method.as_str(), below) {
            ("GET", "/authentication/login_methods") => Tell::json(200, &json!({ "login_methods": ["local", "ldap"] })),
            ("GET", "/authentication/types") => Tell::json(200, &json!(["basic"])),
            ("GET", "/setup") => Tell::json(200, &json!({ "status": "completed" })),
            ("POST", "/setup") => Tell { status: 303, ..Tell::text(303, "") },
            ("GET", "/authentication") => self.login(ask, &mut state),
            _ => self.inside(ask, below, &mut state),
        };
        if !web::header(ask, "accept").is_some_and(|accept| accept.contains("json") || accept.contains("*/*")) {
            tell.complaints.push("Accept does not ask for JSON".into());
        }
        tell
    }

    fn writes(&self, ask: &Ask) -> bool {
        !matches!(ask.method.as_str(), "GET" | "HEAD") && !ask.path.ends_with("/authentication")
    }
}

impl Api {
    fn login(&self, ask: &Ask, state: &mut State) -> Tell {
        let query = web::query(ask);
        let method = web::get(&query, "login_method").unwrap_or(&self.0.options.default_login_method);
        let options = &self.0.options;
        let Some((user, password)) = web::basic(ask) else {
            return error(401, "Unauthenticated", "No credentials.", "/api/authentication");
        };
        if method != "local" || user != options.username || password != options.password {
            return error(401, "AuthenticationFailure", "Wrong credentials.", "/api/authentication");
        }
        let id = format!("{:032x}", state.next * 7919);
        state.next += 1;
        state.sessions.insert(id.clone(), Session { staged: None, left: options.session_life });
        let tell = Tell::json(200, &json!({ "meta": meta("/authentication") }))
            .with("set-cookie", "web_session=decoy; Path=/; HttpOnly")
            .with("set-cookie", format!("session_id={id}; Path=/; Secure; HttpOnly"));
        if ask.headers.contains_key("cookie") { tell.complain("a login with a cookie") } else { tell }
    }

    fn inside(&self, ask: &Ask, below: &str, state: &mut State) -> Tell {
        let cookies: Vec<&str> = web::header(ask, "cookie")
            .unwrap_or_default()
            .split(';')
            .map(str::trim)
            .filter(|c| !c.is_empty())
            .collect();
        let id = cookies.iter().find_map(|cookie| cookie.strip_prefix("session_id=")).unwrap_or_default().to_owned();
        let known = state.sessions.get_mut(&id).is_some_and(|session| {
            session.left = session.left.saturating_sub(1);
            session.left > 0
        });
        if !known {
            state.sessions.remove(&id);
            return error(401, "Unauthenticated", "There is no such session.", &ask.path);
        }
        let browser = web::header(ask, "user-agent").is_some_and(|agent| agent.starts_with("Mozilla/"));
        if browser && ask.method != "GET" && !ask.headers.contains_key("x-token") {
            return error(403, "Unauthorized", "X-Token is missing.", &ask.path);
        }
        let mut tell = self.route(ask, below, &id, state);
        if cookies.len() > 1 {
            tell.complaints.push("cookies beside session_id are sent".into());
        }
        if ask.headers.contains_key("authorization") {
            tell.complaints.push("the password is sent again with the session".into());
        }
        tell
    }

    fn route(&self, ask: &Ask, below: &str, id: &str, state: &mut State) -> Tell {
        let parts: Vec<String> = below.split('/').skip(1).map(web::decode).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let children =
            |path: &str, names: &[&str]| Tell::json(200, &items(path, names.iter().map(|name| (*name, None))));
        match (ask.method.as_str(), parts.as_slice()) {
            ("DELETE", ["authentication"]) => {
                state.sessions.remove(id);
                Tell::json(200, &json!({}))
            }
            ("GET", []) => children("", &["audit", "authentication", "cluster", "configuration", "firmware", "info"]),
            ("GET", ["user", "info"]) => {
                Tell::json(200, &json!({ "body": { "name": "admin", "token": "lab-user-token-0123456789" } }))
            }
            ("GET", ["info"]) => {
                let body = json!({ "firmware_version": state.version, "version": "8.0" });
                Tell::json(200, &wrapped("/info", "info", &body))
            }
            ("GET", ["health_status"]) => Tell::json(
                200,
                &json!({ "health_status": { "cpu": 3, "memory": 40, "disk": 20, "load1": 0.2, "sessions": { "ssh": 1 } } }),
            ),
            (_, ["audit", ..]) => audit::route(ask, &parts, state),
            (_, ["transaction", ..]) => configuration::transaction(ask, &parts, id, state, &self.0.options),
            (_, ["configuration", ..] | ["upload", ..]) => configuration::route(ask, &parts, id, state),
            (_, ["cluster", ..]) => cluster(ask, &parts, id, state),
            (_, ["firmware", ..] | ["ssh-host-keys", ..] | ["starling", ..] | ["troubleshooting", ..]) => {
                immediate(ask, &parts, state)
            }
            _ => error(404, "NotFound", "There is no such endpoint.", &ask.path),
        }
    }
}

fn cluster(ask: &Ask, parts: &[&str], id: &str, state: &mut State) -> Tell {
    let node = "11111111-1111-4111-8111-111111111111";
    let other = "22222222-2222-4222-8222-222222222222";
    let body = json!({ "address": "192.0.2.2", "roles": ["managed-host"] });
    match (ask.method.as_str(), parts) {
        ("GET", ["cluster"]) => Tell::json(200, &items("/cluster", ["nodes", "status"].into_iter().map(|n| (n, None)))),
        ("GET", ["cluster", "nodes" | "status"]) => {
            Tell::json(200, &items(&format!("/{}", parts.join("/")), [node, other].into_iter().map(|n| (n, None))))
        }
        ("GET", ["cluster", "nodes" | "status", key]) if [node, other].contains(key) => {
            Tell::json(200, &wrapped(&format!("/{}", parts.join("/")), key, &body))
        }
        ("GET", ["cluster", "configuration_sync_plugin"]) => {
            Tell::json(200, &wrapped("/cluster/configuration_sync_plugin", "plugin", &json!({ "enabled": false })))
        }
        ("POST", ["cluster", "spp"]) => Tell::json(200, &json!({})).done(),
        ("POST", ["cluster", "join_request"]) => configuration::staged(ask, id, state, |_| {
            Tell::json(
                200,
                &json!({ "body": { "address": "192.0.2.2", "node_id": other, "psk": "lab-pre-shared-key", "roles": [] } }),
            )
        }),
        ("POST", ["cluster", "nodes"]) => configuration::staged(ask, id, state, |_| {
            Tell::json(201, &json!({ "key": other, "meta": { "href": format!("/api/cluster/nodes/{other}") } }))
        }),
        ("POST", ["cluster", "promote" | "configuration_sync_plugin"])
        | ("PUT" | "DELETE", ["cluster", "nodes", _]) => {
            configuration::staged(ask, id, state, |_| Tell::json(200, &json!({})))
        }
        _ => error(404, "NotFound", "There is no such endpoint.", &ask.path),
    }
}

/// What takes effect at once, outside of transactions.
fn immediate(ask: &Ask, parts: &[&str], state: &mut State) -> Tell {
    match (ask.method.as_str(), parts) {
        ("GET", ["firmware"]) => {
            Tell::json(200, &items("/firmware", ["fetch", "slots", "test", "upgrade"].into_iter().map(|n| (n, None))))
        }
        ("GET", ["firmware", "slots"]) => {
            Tell::json(200, &items("/firmware/slots", ["1", "2", "3"].into_iter().map(|n| (n, None))))
        }
        ("GET", ["firmware", "slots", key @ ("1" | "2" | "3")]) => {
            let body = json!({ "version": format!("8.0.{key}"), "current": *key == "1", "after_reboot": *key == "1" });
            Tell::json(200, &wrapped(&format!("/firmware/slots/{key}"), key, &body))
        }
        ("DELETE", ["firmware", "slots", "1"]) => error(400, "SemanticError", "The slot is in use.", &ask.path),
        ("DELETE", ["firmware", "slots", _]) => Tell::json(200, &json!({})).done(),
        ("POST", ["firmware", "fetch"]) => Tell::json(200, &json!({})).done(),
        ("POST", ["firmware", "test"]) => Tell::json(200, &json!({ "body": { "test_summary": "ok" } })),
        ("POST", ["firmware", "upgrade"]) => {
            let slot = web::object(ask).and_then(|map| web::text(&map, "slot_id").map(str::to_owned));
            let Some(slot) = slot else { return error(400, "SyntacticError", "slot_id is missing.", &ask.path) };
            state.version = format!("8.0.{slot}");
            Tell::json(200, &json!({})).done()
        }
        ("GET", ["ssh-host-keys"]) => {
            Tell::json(200, &items("/ssh-host-keys", ["ssh-ed25519-192.0.2.7:22"].into_iter().map(|n| (n, None))))
        }
        ("GET", ["ssh-host-keys", key @ "ssh-ed25519-192.0.2.7:22"]) => {
            Tell::json(200, &wrapped("/ssh-host-keys/key", key, &json!({ "address": "192.0.2.7", "port": 22 })))
        }
        ("POST", ["ssh-host-keys"]) => Tell::json(201, &json!({ "key": "ssh-ed25519-192.0.2.10:22" })).done(),
        ("DELETE", ["ssh-host-keys", _]) => Tell::json(200, &json!({})).done(),
        ("GET", ["starling", "join"]) => Tell::json(200, &json!({ "product_instance": "1", "product_tims": "2" })),
        ("POST" | "DELETE", ["starling", "join"]) => Tell::json(200, &json!({})).done(),
        ("GET", ["troubleshooting", "support-bundle"]) => {
            let keys: Vec<&str> = state.bundles.keys().map(String::as_str).collect();
            Tell::json(200, &items("/troubleshooting/support-bundle", keys.into_iter().map(|n| (n, None))))
        }
        ("POST", ["troubleshooting", "support-bundle"]) => {
            let key = state.key();
            state.bundles.insert(key.clone(), 2);
            Tell::json(201, &json!({ "key": key })).done()
        }
        ("GET", ["troubleshooting", "support-bundle", job]) => match state.bundles.get_mut(*job) {
            Some(left) => {
                let status = if *left == 0 { "finished" } else { "running" };
                *left = left.saturating_sub(1);
                Tell::json(200, &wrapped("/troubleshooting/support-bundle/job", job, &json!({ "status": status })))
            }
            None => error(404, "NotFound", "There is no such job.", &ask.path),
        },
        ("GET", ["troubleshooting", "support-bundle", job, "download"]) if state.bundles.contains_key(*job) => {
            Tell { content_type: "application/gzip", ..Tell::text(200, "\u{1f}support bundle of the lab") }
        }
        ("DELETE", ["troubleshooting", "support-bundle", job]) => match state.bundles.remove(*job) {
            Some(_) => Tell::json(200, &json!({})).done(),
            None => error(404, "NotFound", "There is no such job.", &ask.path),
        },
        _ => error(404, "NotFound", "There is no such endpoint.", &ask.path),
    }
}
