//! Policy objects, quarantine settings, and the small reads of `config`.

use serde_json::{Map, Value as Json, json};

use super::Product;
use super::routes::{Call, data, error, list, missing};
use super::state::State;
use crate::lab::server::Tell;
use crate::lab::web;

/// `/config`.
pub fn route(call: &Call<'_>, state: &mut State) -> Tell {
    let esa = call.product == Product::Esa;
    let path = call.path();
    let needs_device = !matches!(path.as_slice(), ["config", "logs", ..] | ["config", "centralizedServices", ..]);
    if needs_device && let Some(tell) = call.without_device() {
        return tell;
    }
    if web::get(&call.query, "mode") == Some("group") && web::get(&call.query, "group_name").is_none() {
        return error(404, "Missing attribute - group_name.");
    }
    match (call.ask.method.as_str(), path.as_slice()) {
        ("GET", ["config", "system_time"]) => {
            data(json!({ "timezone": "UTC", "continent": ["Etc"], "time": "Mon May 13 07:02:36 2019 UTC" }))
        }
        ("GET", ["config", "appliances"]) => data(json!({ "appliances": [
            { "LAB-0001": { "product_type": "ESA", "host_name": "esa1.example.com", "ip_address": "192.0.2.8" } }
        ] })),
        ("GET", ["config", "centralized_services"]) if !esa => data(json!({ "tracking": true })),
        ("GET", ["config", "sdr_categories" | "sdr_threat_levels"]) => data(json!({ "items": { "Unknown": 1 } })),
        ("GET", ["config", "logs", "subscriptions"]) => list(
            1,
            vec![json!({ "name": "mail_logs", "type": "IronPort Text Mail Logs", "retrievalMethod": "manual" })],
        ),
        ("GET", ["config", "quarantines"]) if !esa => {
            data(json!({ "quarantines": { "pvo": ["Policy", "File Analysis"] } }))
        }
        ("GET", ["config", "quarantine_filters", _]) => data(json!({ "quarantine_filters": [] })),
        ("GET", ["config", "quarantine_users"]) => data(json!({ "local_users": ["admin"] })),
        (method, ["config", "local_quarantines", rest @ ..]) => local(call, method, rest, state),
        (method, ["config", "incoming_mail_policies", policy, "senders_and_recipients"]) if esa => {
            policy_users(call, method, policy, state)
        }
        (
            method,
            ["config", kind @ ("dictionaries" | "url_lists" | "file_hash_lists" | "message_filters"), rest @ ..],
        ) if esa => object(call, method, kind, rest, state),
        (method, ["config", "archived_reports", rest @ ..]) if !esa => archived(call, method, rest, state),
        ("POST", ["config", "centralizedServices", "centralizedReporting", "allGroups"]) if !esa => {
            data(json!({})).done()
        }
        _ => missing(),
    }
}

/// The body under `data`.
fn wrapped(call: &Call<'_>) -> Option<Map<String, Json>> {
    web::object(call.ask)?.get("data")?.as_object().cloned()
}

fn added(message: &str) -> Tell {
    data(json!({ "message": message })).done()
}

fn object(call: &Call<'_>, method: &str, kind: &str, rest: &[&str], state: &mut State) -> Tell {
    let Some(objects) = state.objects.get_mut(kind) else { return missing() };
    let unwrapped = || error(400, "The body must be wrapped in data.");
    match (method, rest) {
        ("GET", []) => list(objects.len(), objects.values().cloned().collect()),
        ("GET", [name]) => match objects.get(*name) {
            // A filter comes as a list of one.
            Some(object) if kind == "message_filters" => data(json!([object])),
            Some(object) => data(object.clone()),
            None => error(404, "Not Found."),
        },
        ("POST", [name]) => {
            let Some(mut body) = wrapped(call) else { return unwrapped() };
            if objects.contains_key(*name) {
                return error(400, &format!("{name} already exists."));
            }
            body.insert("name".into(), (*name).into());
            objects.insert((*name).to_owned(), Json::Object(body));
            Tell { status: 201, ..added("Added Successfully") }
        }
        ("PUT", [name]) => {
            let Some(body) = wrapped(call) else { return unwrapped() };
            let Some(object) = objects.get_mut(*name).and_then(Json::as_object_mut) else {
                return error(404, "Not Found.");
            };
            object.extend(body);
            added("Updated Successfully")
        }
        ("DELETE", [name]) if kind != "url_lists" => match objects.remove(*name) {
            Some(_) => added("Deleted Successfully"),
            None => error(404, "Not Found."),
        },
        ("DELETE", []) if kind == "url_lists" => {
            let Some(body) = wrapped(call) else { return unwrapped() };
            let names = web::texts(&body, "url_lists");
            if names.is_empty() {
                return error(400, "url_lists is missing.");
            }
            objects.retain(|name, _| !names.contains(name));
            added("Deleted Successfully")
        }
        (_, [name, "words"]) if kind == "dictionaries" => {
            let Some(body) = wrapped(call) else { return unwrapped() };
            let Some(words) =
                objects.get_mut(*name).and_then(|object| object.get_mut("words")).and_then(Json::as_array_mut)
            else {
                return error(404, "Not Found.");
            };
            let given = body.get("words").and_then(Json::as_array).cloned().unwrap_or_default();
            let term = |word: &Json| word.get(0).and_then(Json::as_str).map(str::to_owned);
            match method {
                "POST" if given.iter().all(Json::is_array) => words.extend(given),
                "PUT" if given.iter().all(Json::is_array) => {
                    words.retain(|word| !given.iter().any(|new| term(new) == term(word)));
                    words.extend(given);
                }
                "DELETE" if given.iter().all(Json::is_string) => {
                    words.retain(|word| !given.iter().any(|gone| gone.as_str().map(str::to_owned) == term(word)));
                }
                _ => return error(400, "words has the wrong form."),
            }
            added("Updated Successfully")
        }
        _ => missing(),
    }
}

fn local(call: &Call<'_>, method: &str, rest: &[&str], state: &mut State) -> Tell {
    let Some(objects) = state.objects.get_mut("local_quarantines") else { return missing() };
    let body = web::object(call.ask);
    match (method, rest) {
        ("POST", []) => {
            let Some(new) = body.as_ref().and_then(|body| body.get("quarantines")?.as_array()) else {
                return error(400, "quarantines is missing.");
            };
            for one in new {
                let Some(name) = one.get("quarantine_name").and_then(Json::as_str) else {
                    return error(400, "quarantine_name is missing.");
                };
                objects.insert(name.to_owned(), one.clone());
            }
            Tell { status: 201, ..data(json!({ "totalCount": new.len(), "quarantine_names": [] })).done() }
        }
        ("GET", [name]) => objects.get(*name).map_or_else(missing, |object| data(object.clone())),
        ("PUT", [name]) => {
            let Some(mut body) = body else { return error(400, "The body is no object.") };
            let Some(old) = objects.get(*name) else { return missing() };
            let complaint = body.contains_key("quarantine_name").then_some("the name is among the settings");
            // What it shows and nobody sets stays.
            for own in ["quarantine_name", "quarantine_size_used", "quarantine_created_by", "quarantine_created_on"] {
                body.extend(old.get(own).map(|value| (own.to_owned(), value.clone())));
            }
            objects.insert((*name).to_owned(), Json::Object(body));
            let tell = added("Updated Successfully");
            match complaint {
                Some(complaint) => tell.complain(complaint),
                None => tell,
            }
        }
        ("DELETE", [name]) => match objects.remove(*name) {
            Some(_) => added("Deleted Successfully"),
            None => missing(),
        },
        _ => missing(),
    }
}

fn policy_users(call: &Call<'_>, method: &str, policy: &str, state: &mut State) -> Tell {
    let Some(users) = state.policies.get_mut(policy) else { return missing() };
    let inner = web::object(call.ask).and_then(|body| body.get("data").cloned());
    match (method, inner) {
        ("GET", _) => Tell::json(200, &json!({ "meta": { "count": users.len() }, "data": users })),
        ("POST", Some(one @ Json::Object(_))) => {
            users.push(one);
            added("Added Successfully")
        }
        ("PUT", Some(Json::Array(all))) => {
            *users = all;
            added("Updated Successfully")
        }
        _ => error(400, "The body must be wrapped in data."),
    }
}

fn archived(call: &Call<'_>, method: &str, rest: &[&str], state: &mut State) -> Tell {
    match (method, rest) {
        ("GET", []) => list(
            state.reports.len(),
            state.reports.iter().map(|(id, report)| json!({ "id": id, "attributes": report })).collect(),
        ),
        ("GET", ["view", id, ""]) => state.reports.get(*id).map_or_else(missing, |report| data(report.clone())),
        ("POST", []) => match wrapped(call).and_then(|body| body.get("archived_reports")?.as_array().cloned()) {
            Some(new) => {
                let id = (state.reports.len() + 1).to_string();
                state.reports.insert(id, new.first().cloned().unwrap_or_default());
                Tell { status: 201, ..added("Added Successfully") }
            }
            None => error(400, "archived_reports is missing."),
        },
        ("DELETE", []) => match web::get(&call.query, "id").and_then(|id| state.reports.remove(id)) {
            Some(_) => added("Deleted Successfully"),
            None => missing(),
        },
        _ => missing(),
    }
}
