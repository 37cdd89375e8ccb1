//! Actions as bytes: what an entry's digest is taken of, and what an undo reads back.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::ser::Serialize;
use serde_json::{Value as Json, json};

use super::value::{CodedArgs, CodedMap, SecretOf, code, code_map, decode, decode_map, write_coded};
use crate::catalog::{Args, Body, Bound, Param, Row};
use crate::door::{Action, RawRequest};
use crate::journal::{hex, sha256};
use crate::json_object::{JsonObject, write_text};
use crate::secret::Secret;
use crate::value::{Map, Value};

/// An action as bytes: the same for the same action, whatever the texts of its secrets.
pub fn action_bytes(action: &Action) -> Vec<u8> {
    let json = match action {
        Action::Call { target, call } => {
            return call_bytes(target, call);
        }
        Action::Raw { target, request } => raw_json(target, request),
        Action::Clock => json!({ "do": "clock" }),
        Action::Elapsed => json!({ "do": "elapsed" }),
        Action::Random { low, high } => json!({ "do": "random", "low": low, "high": high }),
        Action::Sleep(duration) => json!({ "do": "sleep", "nanos": duration.as_nanos().to_string() }),
        Action::ReadFile(path) => json!({ "do": "read_file", "path": path.to_string_lossy() }),
        Action::WriteFile { path, contents } => {
            json!({ "do": "write_file", "path": path.to_string_lossy(), "sha256": hex(&sha256(contents)) })
        }
        Action::Fetch { method, url, options } => {
            json!({ "do": "fetch", "method": method, "url": url, "options": code_map(options) })
        }
        Action::Confirm(question) => json!({ "do": "confirm", "question": question }),
        Action::Notify { channel, message } => json!({ "do": "notify", "channel": channel, "message": message }),
        Action::Target(name) => json!({ "do": "target", "name": &**name }),
        Action::Targets(filter) => json!({ "do": "targets", "filter": code_map(filter) }),
        Action::Secret(name) => json!({ "do": "secret", "name": name }),
        Action::Begin { target, message } => json!({ "do": "begin", "target": &**target, "message": message }),
        Action::Commit { target, message } => json!({ "do": "commit", "target": &**target, "message": message }),
        Action::StoreGet(key) => json!({ "do": "store.get", "key": key }),
        Action::StoreSet(entries) => return store_set_bytes(entries),
        Action::StoreLook { store, key } => json!({ "do": "store.look", "store": store, "key": key }),
        Action::StoreRestore { store, entries } => {
            json!({ "do": "store.restore", "store": store, "entries": coded_entries(entries) })
        }
        Action::StoreList(prefix) => json!({ "do": "store.list", "prefix": prefix }),
        Action::RunPlaybook { name, params } => {
            json!({ "do": "run_playbook", "name": name, "params": code_map(params) })
        }
        Action::Parallel(items) => json!({ "do": "parallel", "items": items }),
        Action::Step { name, undo } => json!({ "do": "step", "name": name, "undo": undo }),
        Action::FileSize(path) => json!({ "do": "file_size", "path": path.to_string_lossy() }),
        Action::RollBack { target } => json!({ "do": "rollback", "target": &**target }),
        Action::Protected(networks) => json!({ "do": "protected", "sha256": hex(&sha256(&networks.packed())) }),
    };
    bytes_of(&json)
}

fn coded_entries(entries: &[(String, Option<Value>)]) -> Json {
    entries.iter().map(|(key, value)| json!([key, value.as_ref().map(code)])).collect()
}

/// What `json!` would make of a `store.set`: what a block list leaves in the store is large.
fn store_set_bytes(entries: &[(String, Option<Value>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut object = JsonObject::begin(&mut bytes);
    object.add("do", "store.set");
    let list = object.value_of("entries");
    list.push(b'[');
    for (index, (key, value)) in entries.iter().enumerate() {
        list.extend_from_slice(if index == 0 { b"[" } else { b",[" });
        write_text(list, key);
        list.push(b',');
        match value {
            Some(value) => write_coded(list, value),
            None => list.extend_from_slice(b"null"),
        }
        list.push(b']');
    }
    list.push(b']');
    object.end();
    bytes
}

fn call_bytes(target: &str, call: &Bound) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut object = JsonObject::begin(&mut bytes);
    object.add("target", target);
    object.add("vendor", call.row.vendor);
    object.add("call", call.row.name);
    // What the row says is part of it: a call that means another request is another call.
    object.add("row", &row_digest(call.row));
    match masked(call.row, &call.args) {
        Some(args) => object.add("args", &CodedMap(&args)),
        None => object.add("args", &CodedArgs(&call.args)),
    }
    if let Some(path) = &call.save_to {
        object.add("to", &path.to_string_lossy());
    }
    if let Some(piece) = &call.piece {
        object.add("piece", &format!("{piece:?}"));
    }
    object.end();
    bytes
}

fn bytes_of(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

/// What of a row decides which request is sent, as eight hexadecimal digits.
fn row_digest(row: &Row) -> String {
    fn add(text: &mut String, params: &[Param]) {
        for param in params {
            let _infallible = write!(text, " {}={:?}:{:?}[", param.wire, param.place, param.ty);
            add(text, param.fields);
            text.push(']');
        }
    }
    let mut text = format!("{} {}{} {:?} {}", row.method, row.base, row.path, row.body, row.wrap);
    add(&mut text, row.params);
    hex(sha256(text.as_bytes()).get(..4).unwrap_or_default())
}

/// A call as an entry keeps it.
#[derive(Debug)]
pub struct CallRead {
    /// The target's name.
    pub target: String,
    /// The vendor's id.
    pub vendor: String,
    /// The call's name.
    pub call: String,
    /// The arguments under their script names.
    pub args: Map,
}

/// The call that `action_bytes` wrote; nothing if it was another kind of action.
pub fn read_call(bytes: &[u8], secret: SecretOf<'_>) -> Option<CallRead> {
    let mut json: Json = serde_json::from_slice(bytes).ok()?;
    let text = |name: &str| json.get(name).and_then(Json::as_str).map(str::to_owned);
    let (target, vendor, call) = (text("target")?, text("vendor")?, text("call")?);
    let args = decode_map(json.get_mut("args")?.take(), secret);
    Some(CallRead { target, vendor, call, args })
}

fn raw_json(target: &str, request: &RawRequest) -> Json {
    json!({
        "target": target, "raw": request.method, "path": request.path, "query": code_map(&request.query),
        "body": request.body.as_ref().map(code), "headers": code_map(&request.headers),
    })
}

/// The arguments with texts in secret places as references; nothing if there are none.
pub(super) fn masked(row: &Row, args: &Args) -> Option<Map> {
    fn has_secret(param: &Param) -> bool {
        param.secret || param.fields.iter().any(has_secret)
    }
    fn hide(param: &Param, value: &mut Value) {
        match value {
            Value::Secret(_) | Value::Null => {}
            _ if param.secret => *value = Value::Secret(Secret::new("script", "")),
            Value::List(items) => items.iter_mut().for_each(|item| hide(param, item)),
            Value::Map(map) => {
                for field in param.fields {
                    for (_, value) in map.iter_mut().filter(|(name, _)| field.is_called(name)) {
                        hide(field, value);
                    }
                }
            }
            _ => {}
        }
    }
    row.params.iter().any(has_secret).then(|| {
        let mut args = args.clone().into_map();
        for param in row.params {
            if let Some(value) = args.get_mut(param.name) {
                hide(param, value);
            }
        }
        args
    })
}

/// Whether what goes out or comes back by this row may hold a secret that its type does not hide.
pub fn is_sealed(action: &Action) -> bool {
    match action {
        Action::Call { call, .. } => {
            call.row.answer.fields.iter().any(|field| field.secret)
                || (call.row.body == Body::Free && call.row.effect != crate::catalog::Effect::Read)
                || call.row.params.iter().any(|param| param.secret)
        }
        Action::Raw { .. } | Action::Fetch { .. } | Action::RunPlaybook { .. } => true,
        _ => false,
    }
}

/// The keys that a `store.set` has set, as `action_bytes` wrote them; `None` for one that it removed.
pub fn read_entries(bytes: &[u8], secret: SecretOf<'_>) -> BTreeMap<String, Option<Value>> {
    let mut json: Json = serde_json::from_slice(bytes).unwrap_or_default();
    let Some(Json::Array(entries)) = json.get_mut("entries").map(Json::take) else { return BTreeMap::new() };
    let pairs = entries.into_iter().filter_map(|entry| match entry {
        Json::Array(pair) => {
            let mut pair = pair.into_iter();
            let key = pair.next()?.as_str()?.to_owned();
            let value = pair.next().filter(|value| !value.is_null()).map(|value| decode(value, secret));
            Some((key, value))
        }
        _ => None,
    });
    pairs.collect()
}
