//! What scripts keep in stores.
//!
//! A store's values are JSON, and stay that until the engine makes script values of them: what a block list leaves
//! there is megabytes. Only what a dry run lays over the store is values.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::de::IgnoredAny;

use crate::door::Reply;
use crate::door::host::Host;
use crate::door::mode::Mode;
use crate::fault::{Fault, FaultKind};
use crate::json_object::JsonObject;
use crate::value::Value;

/// Keys of a store and what they are set to; `None` removes a key.
type Entries = [(String, Option<Value>)];

impl Host {
    /// The value of a key of the store.
    pub fn store_get(&self, key: &str, mode: &Mode) -> Result<Reply, Fault> {
        if let Some(known) = mode.overlay().and_then(|overlay| overlay.get(key)) {
            return Ok(Reply::Value(known.unwrap_or(Value::Null)));
        }
        let named = (self.store)()?;
        let text = named.store.get(&named.name, key).map_err(store_fault)?;
        let Some(text) = text else { return Ok(Reply::Value(Value::Null)) };
        check(key, &text)?;
        Ok(Reply::Json(text.into()))
    }

    /// What the store holds under keys that are about to be set, with the store's name: JSON for the journal.
    pub fn store_before(&self, entries: &Entries) -> Result<Vec<u8>, Fault> {
        let named = (self.store)()?;
        let mut keys = BTreeMap::new();
        for (key, _) in entries {
            let text = named.store.get(&named.name, key).map_err(store_fault)?;
            // What is damaged can be removed and set anew. It is told as the text that it is.
            let json = text.map(|text| if check(key, &text).is_ok() { text } else { json_of(&text) });
            keys.insert(key, json);
        }
        let mut bytes = Vec::new();
        let mut before = JsonObject::begin(&mut bytes);
        let mut held = JsonObject::begin(before.value_of("keys"));
        for (key, text) in keys {
            held.add_json(key, text.as_deref().unwrap_or("null"));
        }
        held.end();
        before.add("store", &named.name);
        before.end();
        Ok(bytes)
    }

    /// The value of a key of the store `name`.
    pub fn store_look(&self, name: &str, key: &str) -> Result<Value, Fault> {
        let named = (self.store)()?;
        let text = named.store.get(name, key).map_err(store_fault)?;
        text.map_or(Ok(Value::Null), |text| decode(key, &text))
    }

    /// Brings keys of the store `name` back to what they were.
    pub fn store_restore(&self, name: &str, entries: &Entries, mode: &Mode) -> Result<(), Fault> {
        if mode.overlay().is_some() {
            return Ok(());
        }
        let named = (self.store)()?;
        named.store.set_all(name, &texts_of(entries)).map_err(store_fault)
    }

    /// Sets keys in one commit, or remembers them in a dry run.
    pub fn store_set(&self, entries: &Entries, mode: &Mode) -> Result<(), Fault> {
        if let Some(overlay) = mode.overlay() {
            overlay.set(entries.to_vec());
            return Ok(());
        }
        let named = (self.store)()?;
        named.store.set_all(&named.name, &texts_of(entries)).map_err(store_fault)
    }

    /// All keys that begin with `prefix`, with their values.
    pub fn store_list(&self, prefix: &str, mode: &Mode) -> Result<Reply, Fault> {
        let named = (self.store)()?;
        let mut broken = None;
        if let Some(overlay) = mode.overlay() {
            let mut entries = BTreeMap::new();
            let show = |key: &str, text: &str| match decode(key, text) {
                Ok(value) => {
                    entries.insert(key.to_owned(), value);
                }
                Err(fault) => {
                    broken.get_or_insert(fault);
                }
            };
            named.store.each(&named.name, prefix, show).map_err(store_fault)?;
            overlay.over(prefix, &mut entries);
            return broken.map_or(Ok(Reply::Value(Value::Map(entries))), Err);
        }
        let mut bytes = Vec::new();
        let mut entries = JsonObject::begin(&mut bytes);
        let show = |key: &str, text: &str| {
            if let Err(fault) = check(key, text) {
                broken.get_or_insert(fault);
            }
            entries.add_json(key, text);
        };
        named.store.each(&named.name, prefix, show).map_err(store_fault)?;
        entries.end();
        broken.map_or_else(|| Ok(Reply::Json(Bytes::from(bytes))), Err)
    }
}

fn texts_of(entries: &Entries) -> Vec<(&str, Option<String>)> {
    let text = |value: &Value| {
        let mut bytes = Vec::new();
        value.write_json(&mut bytes);
        // JSON of texts is a text.
        String::from_utf8(bytes).unwrap_or_default()
    };
    entries.iter().map(|(key, value)| (key.as_str(), value.as_ref().map(text))).collect()
}

fn json_of(text: &str) -> String {
    // Writing into memory cannot fail.
    serde_json::to_string(text).unwrap_or_default()
}

fn decode(key: &str, text: &str) -> Result<Value, Fault> {
    serde_json::from_str::<serde_json::Value>(text).map(Value::from).map_err(|error| damaged(key, &error))
}

/// Whether a text is JSON.
fn check(key: &str, text: &str) -> Result<(), Fault> {
    serde_json::from_str::<IgnoredAny>(text).map(|_| ()).map_err(|error| damaged(key, &error))
}

fn damaged(key: &str, error: &serde_json::Error) -> Fault {
    let message = format!("the store's value of '{key}' is damaged: {error}. Remove it with store.remove(\"{key}\")");
    Fault::new(FaultKind::Decode, message)
}

fn store_fault(error: impl std::fmt::Display) -> Fault {
    Fault::new(FaultKind::File, format!("the store cannot be used: {error}"))
}
