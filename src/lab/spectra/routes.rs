//! The Manager: sign-in, what holds for every request, and settings.

use std::sync::{Arc, PoisonError};

use serde_json::{Map, Value as Json, json};

use super::state::{Connected, State};
use super::{Spectra, SpectraOptions, jobs};
use crate::lab::server::{Appliance, Ask, Tell};
use crate::lab::{swagger, upload, web};

/// The Manager's API.
pub struct Manager(pub Arc<Spectra>);

/// An error in the framework's form.
pub fn detail(status: u16, text: &str) -> Tell {
    Tell::json(status, &json!({ "detail": text }))
}

/// There is nothing here.
pub fn missing() -> Tell {
    detail(404, "Not found.")
}

/// A page of a list.
pub fn page(ask: &Ask, rows: &[Json]) -> Tell {
    let query = web::query(ask);
    let size = web::number(&query, "page_size").unwrap_or(100).max(1);
    let page = web::number(&query, "page").unwrap_or(1);
    let from = page.saturating_sub(1) * size;
    if page == 0 || (from >= rows.len() && page > 1) {
        return detail(404, "Invalid page.");
    }
    let more = from + size < rows.len();
    // The link names the host by which the appliance knows itself.
    let next = more.then(|| format!("http://detect.internal{}?page={}&page_size={size}", ask.path, page + 1));
    let results: Vec<Json> = rows.iter().skip(from).take(size).cloned().collect();
    Tell::json(200, &json!({ "count": rows.len(), "next": next, "previous": null, "results": results }))
}

/// A file of a multipart body, noted; what is wrong with it otherwise.
pub fn file(ask: &Ask, place: &str, state: &mut State) -> Result<Map<String, Json>, Box<Tell>> {
    use sha2::Digest;
    if let Some(large) = &ask.large {
        let beginning = String::from_utf8_lossy(&ask.body);
        if !beginning.contains("name=\"file\"") {
            return Err(Box::new(Tell::json(400, &json!({ "file": ["No file was submitted."] }))));
        }
        state.uploads.push((place.to_owned(), large.file_size, large.file_sha256.clone()));
        return Ok(Map::new());
    }
    let Some(parts) = upload::parts(&ask.headers, &ask.body) else {
        return Err(Box::new(Tell::text(415, "Unsupported media type")));
    };
    let mut fields = Map::new();
    let mut found = false;
    for part in parts {
        if part.name == "file" && part.filename.is_some() {
            found = true;
            let digest: String = sha2::Sha256::digest(&part.content).iter().map(|byte| format!("{byte:02x}")).collect();
            state.uploads.push((place.to_owned(), part.content.len() as u64, digest));
            fields.insert("size".into(), json!(part.content.len()));
        } else {
            fields.insert(part.name, String::from_utf8_lossy(&part.content).into_owned().into());
        }
    }
    if found { Ok(fields) } else { Err(Box::new(Tell::json(400, &json!({ "file": ["No file was submitted."] })))) }
}

impl Appliance for Manager {
    fn answer(&self, ask: &Ask) -> Tell {
        let options = &self.0.options;
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.restarting > 0 {
            state.restarting -= 1;
            return Tell {
                content_type: "text/html",
                ..Tell::text(502, "<html><title>502 Bad Gateway</title></html>")
            };
        }
        if ask.path == "/swagger.json" {
            return Tell::json(200, &swagger::document("spectra", "/", "/api/v1/dashboard/{section}/"));
        }
        let unversioned = ask.path == "/api/configuration/appliances";
        if !ask.path.ends_with('/') && !unversioned {
            return Tell::text(301, "")
                .with("location", format!("{}/", ask.path))
                .complain("the path has no slash at its end");
        }
        if ask.path == "/api/v1/auth/token/" {
            return login(ask, options, &mut state);
        }
        let given = web::header(ask, "authorization").and_then(|value| value.strip_prefix("Token "));
        if !given.is_some_and(|token| state.tokens.contains(token)) {
            return detail(401, "Invalid token.").with("www-authenticate", "Token");
        }
        let multipart = web::header(ask, "content-type").is_some_and(|kind| kind.starts_with("multipart/form-data"));
        if !ask.body.is_empty() && !multipart && !web::says_json(ask) {
            return detail(415, "Unsupported media type.");
        }
        let parts: Vec<String> = ask.path.split('/').filter(|part| !part.is_empty()).map(web::decode).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        route(ask, &parts, options, &mut state)
    }

    fn writes(&self, ask: &Ask) -> bool {
        let path = ask.path.as_str();
        let reads = ["/auth/token/", "/upgrade/status/", "/cluster/verify/"].iter().any(|part| path.ends_with(part));
        let get_that_writes =
            path.ends_with("/authorization/") || path == "/api/v1/license/" || path.ends_with("/machine-id/");
        if matches!(ask.method.as_str(), "GET" | "HEAD") { get_that_writes } else { !reads }
    }
}

fn login(ask: &Ask, options: &SpectraOptions, state: &mut State) -> Tell {
    if ask.method != "POST" {
        return detail(405, "Method not allowed.");
    }
    let Some(parts) = upload::parts(&ask.headers, &ask.body) else {
        return Tell::text(415, "Unsupported media type");
    };
    let field = |name: &str| {
        parts.iter().find(|part| part.name == name).map(|part| String::from_utf8_lossy(&part.content).into_owned())
    };
    if field("username").as_deref() != Some(&options.username)
        || field("password").as_deref() != Some(&options.password)
    {
        return Tell::json(400, &json!({ "non_field_errors": ["Unable to log in with provided credentials."] }));
    }
    state.given += 1;
    let token = format!("labmanagertoken{:025}", state.given);
    state.tokens.insert(token.clone());
    let tell = Tell::json(200, &json!({ "token": token }));
    if ask.headers.contains_key("authorization") { tell.complain("the login goes out with a token") } else { tell }
}

fn route(ask: &Ask, parts: &[&str], options: &SpectraOptions, state: &mut State) -> Tell {
    let method = ask.method.as_str();
    let done = || Tell::json(200, &json!({})).done();
    match (method, parts) {
        ("GET", ["api", "v1", "authentication", "users"]) => {
            page(ask, &state.users.values().cloned().collect::<Vec<_>>())
        }
        ("POST", ["api", "v1", "authentication", "users", "add"]) => {
            let Some(mut body) = web::object(ask) else { return detail(400, "No JSON object.") };
            if body.remove("password").is_none() || !body.contains_key("username") {
                return Tell::json(400, &json!({ "password": ["This field is required."] }));
            }
            if state.users.values().any(|user| user.get("username") == body.get("username")) {
                return Tell::json(400, &json!({ "username": ["A user with that username already exists."] }));
            }
            let id = state.number();
            body.insert("id".into(), id.into());
            let user = Json::Object(body);
            state.users.insert(id, user.clone());
            Tell { status: 201, ..Tell::json(201, &user).done() }
        }
        ("PUT", ["api", "v1", "authentication", "users", id, "password"]) => {
            match id.parse().ok().filter(|id| state.users.contains_key(id)) {
                Some(_) if web::object(ask).is_some_and(|body| body.contains_key("password")) => done(),
                Some(_) => Tell::json(400, &json!({ "password": ["This field is required."] })),
                None => missing(),
            }
        }
        ("DELETE", ["api", "v1", "authentication", "users", id, "delete"]) => {
            match id.parse().ok().and_then(|id: u64| state.users.remove(&id)) {
                Some(_) => Tell { body: bytes::Bytes::new(), ..Tell::text(204, "").done() },
                None => missing(),
            }
        }
        (_, ["api", "v1", "backup", ..] | ["api", "v1", "update", ..] | ["api", "v1", "update-system", ..])
        | (_, ["api", "v1", "package-management", ..] | ["api", "upgrade", ..]) => {
            jobs::route(ask, parts, options, state)
        }
        (_, ["api", "v1", "config-group" | "tiscale-hub-group", ..]) => jobs::groups(ask, parts, options, state),
        ("POST", ["api", "v1", "system", "upload"]) => chunk(ask, state),
        ("GET" | "POST", ["api", "v1", "config", name]) => settings(ask, name, state),
        ("GET" | "POST", ["api", "v1", "system", "config", "sshd"]) => settings(ask, "sshd", state),
        ("GET" | "POST", ["api", "v1", "license", "configure", "cloud"]) => settings(ask, "license", state),
        ("POST", ["api", "v1", "license", "machine-id", "generate"]) => {
            Tell { status: 201, ..Tell::json(201, &json!({ "machineId": "lab-1" })).done() }
        }
        ("PUT", ["api", "v1", "license", "upload"]) => uploaded(ask, "license", state),
        ("GET", ["api", "v1", "license"]) => {
            Tell::json(200, &json!([{ "status": "VALID", "machineId": "lab-1" }])).done()
        }
        ("POST", ["api", "v1", "cluster", "verify"]) => {
            match web::object(ask).and_then(|body| web::text(&body, "section").map(str::to_owned)) {
                Some(section) if section == "ssh" || section == "versions" => {
                    Tell::json(200, &json!({ "return_code": 0, "message": "ok" }))
                }
                _ => Tell::json(400, &json!({ "section": ["Wrong."] })),
            }
        }
        ("GET", ["api", "v1", "dashboard", section]) => Tell::json(200, &json!({ "section": section, "files": 42 })),
        ("POST", ["api", "v1", "cluster", "create"]) => done(),
        ("POST", ["api", "v1", "cluster", "exchange_keys"]) => {
            match web::object(ask)
                .and_then(|body| body.get("values").cloned())
                .filter(|values| values.get("pwd").is_some())
            {
                Some(_) => done(),
                None => Tell::json(400, &json!({ "values": ["This field is required."] })),
            }
        }
        ("GET", ["api", "configuration", "appliances"] | ["api", "v1", "configuration", "appliances"]) => {
            let rows: Vec<Json> = state
                .appliances
                .iter()
                .map(|one| json!({ "id": one.id, "appliance_name": one.name, "type": one.kind, "release": one.release, "cluster": "standalone" }))
                .collect();
            page(ask, &rows)
        }
        ("GET", ["api", "v1", "appliances"]) => jobs::appliances(ask, options, state),
        ("POST", ["api", "v1", "appliances", "create"]) => {
            let Some(body) = web::object(ask) else { return detail(400, "No JSON object.") };
            if !["name", "type", "url"].iter().all(|name| body.contains_key(*name)) {
                return Tell::json(400, &json!({ "name": ["This field is required."] }));
            }
            let text = |name: &str| web::text(&body, name).unwrap_or_default();
            if state.appliances.iter().any(|one| one.name == text("name")) {
                return Tell::json(400, &json!({ "name": ["An appliance with that name already exists."] }));
            }
            let id = state.number();
            state.appliances.push(Connected::new(id, text("name"), text("type")));
            Tell { status: 201, ..Tell::json(201, &Json::Object(body)).done() }
        }
        ("GET" | "PUT", ["api", "v1", "appliances", id, "authorization"]) => {
            let id = id.parse::<u64>().ok();
            let token = web::object(ask).is_some_and(|body| body.contains_key("token"));
            match state.appliances.iter_mut().find(|one| Some(one.id) == id) {
                None => missing(),
                Some(_) if method == "PUT" && !token => {
                    Tell::json(400, &json!({ "token": ["This field is required."] }))
                }
                Some(one) => {
                    one.authorized = true;
                    done()
                }
            }
        }
        ("POST", ["api", "v1", "appliances", "upload-certificate", _]) => uploaded(ask, "certificate", state),
        ("GET", ["api", "v1", "appliances", "licensing"]) => {
            Tell::json(200, &json!([{ "appliance": "hub-1", "status": "VALID" }]))
        }
        ("PUT", ["api", "v1", "appliances", "licensing"]) => uploaded(ask, "licensing", state),
        ("GET", ["api", "v1", "appliances", "licensing", "machine-id"]) => done(),
        ("PUT" | "PATCH", ["api", "v1", "appliances", "content", _, "save"]) => {
            match web::object(ask).is_some_and(|body| body.get("content").is_some_and(Json::is_object)) {
                true => done(),
                false => Tell::json(400, &json!({ "content": ["This field is required."] })),
            }
        }
        ("POST", ["api", "v1", "appliances", "content", _, "apply"]) => done(),
        ("POST", ["api", "v1", "appliances", _, "connectors", _]) => done(),
        ("GET" | "POST", ["api", "v1", "appliances", _, "connectors", name, "v1", "config"]) => {
            settings(ask, name, state)
        }
        _ => missing(),
    }
}

fn uploaded(ask: &Ask, place: &str, state: &mut State) -> Tell {
    match file(ask, place, state) {
        Ok(_) => Tell::json(200, &json!({})).done(),
        Err(tell) => *tell,
    }
}

/// Settings are stored as they come; secrets are write-only, and `*_set` tells that there is one.
fn settings(ask: &Ask, name: &str, state: &mut State) -> Tell {
    let known = [
        "network",
        "ntp",
        "directory",
        "ticloud",
        "snmp",
        "smtp",
        "systemalerting",
        "central_logging",
        "sync",
        "sshd",
        "license",
        "abusebox",
        "azure-data-lake",
        "fileshare",
        "graph-api",
        "s3",
        "share-file",
    ];
    if !known.contains(&name) {
        return missing();
    }
    let first = match name {
        "ticloud" => json!({ "enable": true, "url": "https://cloud.example.com" }),
        "snmp" => json!({ "enable": false, "community": "lab-snmp-community" }),
        "smtp" => json!({ "host": "mail.example.com", "port": 25 }),
        "license" => json!({ "url": "https://cloud.example.com" }),
        _ => json!({}),
    };
    let stored =
        state.settings.entry(name.to_owned()).or_insert_with(|| first.as_object().cloned().unwrap_or_default());
    if ask.method == "GET" {
        let mut shown = stored.clone();
        for secret in ["password", "token", "proxy_password"] {
            if shown.remove(secret).is_some() {
                shown.insert(format!("{secret}_set"), true.into());
            }
        }
        return Tell::json(200, &Json::Object(shown));
    }
    let Some(body) = web::object(ask) else { return detail(400, "No JSON object.") };
    stored.extend(body);
    Tell { body: bytes::Bytes::new(), ..Tell::text(200, "").done() }
}

/// A piece of a file by the rules of flow.js.
fn chunk(ask: &Ask, state: &mut State) -> Tell {
    let fields = match file(ask, "system", state) {
        Ok(fields) => fields,
        Err(tell) => return *tell,
    };
    let text = |name: &str| fields.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    let number = |name: &str| text(name).parse::<u64>().ok();
    let id = text("flowIdentifier");
    let wrong = |why: &str| Tell::json(400, &json!({ "detail": why }));
    // A random UUID, whose thirteenth digit is its version and whose seventeenth its variant.
    let digits = id.as_bytes();
    if digits.len() != 32
        || !digits.iter().all(u8::is_ascii_hexdigit)
        || digits.get(12) != Some(&b'4')
        || !digits.get(16).is_some_and(|digit| b"89ab".contains(digit))
    {
        return wrong("flowIdentifier");
    }
    let (Some(total), Some(size), Some(n)) =
        (number("flowTotalSize"), number("flowCurrentChunkSize"), number("flowChunkNumber"))
    else {
        return wrong("flow fields");
    };
    let sent = fields.get("size").and_then(Json::as_u64).unwrap_or(size);
    if sent != size || text("flowFilename").is_empty() {
        return wrong("flowCurrentChunkSize");
    }
    let (next, have) = state.chunks.entry(id).or_insert((1, 0));
    if n != *next {
        return wrong("flowChunkNumber");
    }
    *next += 1;
    *have += size;
    if *have > total || (size < total && number("flowTotalChunks").is_none()) {
        return wrong("flowTotalSize or flowTotalChunks");
    }
    Tell::json(200, &json!({})).done()
}
