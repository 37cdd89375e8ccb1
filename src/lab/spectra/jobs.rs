//! What takes time: backups, upgrades, packages, configurations.

use serde_json::{Value as Json, json};

use super::SpectraOptions;
use super::routes::{detail, file, missing, page};
use super::state::State;
use crate::lab::server::{Ask, Tell};
use crate::lab::web;

/// Backups, upgrades and packages.
pub fn route(ask: &Ask, parts: &[&str], options: &SpectraOptions, state: &mut State) -> Tell {
    let method = ask.method.as_str();
    let name = || web::object(ask).and_then(|body| web::text(&body, "appliance_name").map(str::to_owned));
    match (method, parts) {
        ("POST", ["api", "v1", "backup", "create"]) => {
            state.backup = Some(options.stale + options.looks);
            Tell::json(200, &json!({ "message": "Backup started" })).done()
        }
        ("GET", ["api", "v1", "backup"]) => {
            let name = |count: u64| match count {
                0 => String::new(),
                1 => "backup-2026.tgz".to_owned(),
                count => format!("backup-2026-{count}.tgz"),
            };
            let (status, message, filename) = match state.backup {
                None => ("idle", "idle", name(state.backups)),
                Some(0) if options.backup_fails => ("error", "no space left", String::new()),
                Some(0) => {
                    state.backups += 1;
                    state.backup = None;
                    // The example of the guide has "error" beside an idle message.
                    ("error", "idle", name(state.backups))
                }
                Some(left) => {
                    state.backup = Some(left - 1);
                    // An old end shows before the new beginning.
                    if left > options.looks {
                        ("idle", "idle", name(state.backups))
                    } else {
                        ("running", "in progress", String::new())
                    }
                }
            };
            Tell::json(200, &json!({ "status": status, "message": message, "backup_filename": filename }))
        }
        ("GET", ["api", "v1", "backup", "download"]) if options.backup_is_a_page => {
            let page = format!("<html><title>Sign in</title>{}</html>", " ".repeat(2000));
            Tell { content_type: "text/html", ..Tell::text(200, &page) }
        }
        ("GET", ["api", "v1", "backup", "download"]) => Tell {
            content_type: "application/octet-stream",
            generated: Some(options.backup_size),
            ..Tell::text(200, "")
        },
        ("POST", ["api", "v1", "backup", "restore-upload"]) => match file(ask, "restore", state) {
            Ok(_) => Tell::json(202, &json!({})).done(),
            Err(tell) => *tell,
        },
        ("GET", ["api", "v1", "update-system", "available-update"]) if state.version == "5.3.1" => {
            Tell::json(200, &json!({ "filename": null, "version": null }))
        }
        ("GET", ["api", "v1", "update-system", "available-update"]) => Tell::json(
            200,
            &json!({ "filename": "manager-5.3.1.bin", "version": "5.3.1", "requires": "5.3.0", "time": "2026-10-01T00:00:00Z" }),
        ),
        ("POST", ["api", "v1", "update", "latest"]) => {
            state.version = "5.3.1".into();
            state.restarting = 2;
            Tell::json(200, &json!({})).done()
        }
        ("GET", ["api", "v1", "package-management"]) => {
            let mut bins = Vec::new();
            for (kind, version, left) in &mut state.packages {
                if *left == 0 {
                    bins.push(json!({ "type": kind, "version": version }));
                } else {
                    *left -= 1;
                }
            }
            Tell::json(
                200,
                &json!({ "bins": bins, "used_space": 1_000_000, "allowed_space": 50_000_000_000_u64, "is_ticloud_data_available": true }),
            )
        }
        ("POST", ["api", "v1", "package-management", kind, version]) => {
            state.packages.push(((*kind).to_owned(), (*version).to_owned(), options.looks));
            Tell::json(200, &json!({})).done()
        }
        ("POST", ["api", "upgrade", "start"]) => {
            let Some(name) = name() else {
                return Tell::json(400, &json!({ "appliance_name": ["This field is required."] }));
            };
            if state.appliances.iter().any(|one| one.upgrading.is_some()) {
                return detail(409, "Another upgrade is running.");
            }
            if !state.appliances.iter().any(|one| one.name == name) {
                return missing();
            }
            state.upgrade(&name, options.looks + options.stale);
            Tell::json(200, &json!({})).done()
        }
        ("POST", ["api", "upgrade", "status"]) => {
            let Some(name) = name() else {
                return Tell::json(400, &json!({ "appliance_name": ["This field is required."] }));
            };
            let fails = options.upgrade_fails.as_deref() == Some(&name);
            let Some(one) = state.appliances.iter_mut().find(|one| one.name == name) else { return missing() };
            let status = match one.upgrading {
                None if one.failed => "error",
                None => "idle",
                Some(u64::MAX) => "installing",
                Some(0) if fails => {
                    one.upgrading = None;
                    one.failed = true;
                    "error"
                }
                Some(0) => {
                    one.upgrading = None;
                    one.release = "5.3.1".into();
                    "idle"
                }
                Some(left) => {
                    one.upgrading = Some(left - 1);
                    // Right after the start nothing has begun yet.
                    if left > options.looks { "idle" } else { "installing" }
                }
            };
            Tell::json(200, &json!({ "upgrade_status": status, "log": "Update log not available." }))
        }
        _ => missing(),
    }
}

/// `GET appliances`, with the state of configurations.
pub fn appliances(ask: &Ask, options: &SpectraOptions, state: &mut State) -> Tell {
    let now = "2026-11-24T12:00:00.000000Z";
    let rows: Vec<Json> = state
        .appliances
        .iter_mut()
        .map(|one| {
            let status = match one.applying {
                Some(0) => {
                    one.applying = None;
                    now.clone_into(&mut one.applied_at);
                    "done"
                }
                Some(left) => {
                    one.applying = Some(left - 1);
                    // An old end shows before the new beginning.
                    if left > options.looks { "done" } else { "pending" }
                }
                None => "done",
            };
            json!({
                "id": one.id, "uuid": format!("0000-{}", one.id), "status": "ok", "authorized": one.authorized, "online": true,
                "group_name": one.group, "haproxy_password": "lab-haproxy-password", "configuration_status": status,
                "configuration_status_details": {}, "last_applied_config_timestamp": one.applied_at,
                "application_url": format!("https://{}.example.com", one.name),
            })
        })
        .collect();
    page(ask, &rows)
}

/// Worker groups and Hub groups.
pub fn groups(ask: &Ask, parts: &[&str], options: &SpectraOptions, state: &mut State) -> Tell {
    let ["api", "v1", family, rest @ ..] = parts else { return missing() };
    let hub = *family == "tiscale-hub-group";
    let family = if hub { "tiscale-hub-group" } else { "config-group" };
    let wrong_verb = || detail(405, "Method not allowed.").with("allow", "PATCH");
    let text = options.text_spellings;
    let looks = options.looks + options.stale;
    let Some(groups) = state.groups.get_mut(family) else { return missing() };
    match (ask.method.as_str(), rest) {
        ("GET", ["list"]) => page(ask, &groups.keys().map(|name| json!({ "name": name })).collect::<Vec<_>>()),
        ("GET", ["retrieve", name]) => groups.get(*name).map_or_else(missing, |group| Tell::json(200, group)),
        ("POST", ["create"]) => {
            let Some(body) = web::object(ask) else { return detail(400, "No JSON object.") };
            let Some(name) = web::text(&body, "name") else {
                return Tell::json(400, &json!({ "name": ["This field is required."] }));
            };
            if groups.contains_key(name) {
                return Tell::json(400, &json!({ "name": ["It exists already."] }));
            }
            groups.insert(name.to_owned(), json!({ "appliances": [], "content": {} }));
            Tell { status: 201, ..Tell::json(201, &json!({})).done() }
        }
        ("DELETE", ["delete", name]) => match groups.remove(*name) {
            Some(_) => Tell { body: bytes::Bytes::new(), ..Tell::text(204, "").done() },
            None => missing(),
        },
        (method, ["content" | "save", name]) => {
            let word = rest.first().copied().unwrap_or_default();
            if hub != (word == "save") && (hub || (word == "content") != text) {
                return missing();
            }
            if !matches!(method, "PUT" | "PATCH") {
                return wrong_verb();
            }
            let Some(body) = web::object(ask) else { return detail(400, "No JSON object.") };
            let Some(group) = groups.get_mut(*name).and_then(Json::as_object_mut) else { return missing() };
            for (key, value) in body {
                match (method, group.get_mut(&key).and_then(Json::as_object_mut), value) {
                    ("PATCH", Some(there), Json::Object(new)) => there.extend(new),
                    (_, _, value) => {
                        group.insert(key, value);
                    }
                }
            }
            let members = group.get("appliances").cloned().unwrap_or_default();
            for one in &mut state.appliances {
                if members.as_array().is_some_and(|members| members.iter().any(|member| *member == one.name)) {
                    (*name).clone_into(&mut one.group);
                }
            }
            Tell::json(200, &json!({})).done()
        }
        (method, ["update", name]) => {
            let first = if hub { "PATCH" } else { "PUT" };
            let other = if hub { "PUT" } else { "PATCH" };
            if method != if text { first } else { other } {
                return wrong_verb();
            }
            if !groups.contains_key(*name) {
                return missing();
            }
            let names = web::object(ask).map(|body| web::texts(&body, "applyconfiguration")).unwrap_or_default();
            if names.is_empty() {
                return Tell::json(400, &json!({ "applyconfiguration": ["This field is required."] }));
            }
            for one in state.appliances.iter_mut().filter(|one| names.contains(&one.name)) {
                one.applying = Some(looks);
            }
            Tell::json(200, &json!({})).done()
        }
        _ => missing(),
    }
}
