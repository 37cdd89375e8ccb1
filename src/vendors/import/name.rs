//! Names by the catalog's rule: a read is a noun, any other call a noun and a verb.

use std::collections::BTreeSet;

use super::FoundCall;
use crate::catalog::{RESERVED_NAMES, Vendor};

/// Words at the end of a path that say what is done.
const VERBS: [&str; 40] = [
    "start", "stop", "run", "apply", "delete", "kill", "killex", "release", "search", "find", "query", "restore",
    "backup", "upload", "download", "enable", "disable", "test", "verify", "check", "reset", "reboot", "restart",
    "refresh", "sync", "import", "export", "create", "update", "add", "remove", "move", "copy", "send", "forward",
    "delta", "upgrade", "install", "purge", "cancel",
];

/// Gives every call a name that no other has, here or in the catalog that it completes.
pub fn decide(calls: &mut [FoundCall], present: Option<&Vendor>) {
    let mut taken: BTreeSet<String> =
        present.into_iter().flat_map(|vendor| vendor.rows.names()).map(str::to_owned).collect();
    for call in calls {
        let words = words(&call.path);
        let mut name = String::new();
        // As few words as tell it apart, from the end of the path.
        for count in 2.min(words.len())..=words.len().max(1) {
            name = name_of(&call.method, &call.path, &words, count);
            if !taken.contains(&name) {
                break;
            }
        }
        if taken.contains(&name) {
            name = format!("{name}_{}", call.method.to_lowercase());
        }
        let base = name.clone();
        let mut number = 2;
        while taken.contains(&name) {
            name = format!("{base}_{number}");
            number += 1;
        }
        taken.insert(name.clone());
        call.name = name;
    }
}

/// The fixed words of a path in order, each in the singular if one object of it is meant.
fn words(path: &str) -> Vec<String> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let mut words = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        if part.starts_with('{') {
            continue;
        }
        let word = snake(part);
        let version =
            word.strip_prefix('v').is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()));
        if word.is_empty() || version || word == "api" || word == "rest" {
            continue;
        }
        let of_one = parts.get(at + 1).is_some_and(|next| next.starts_with('{'));
        words.push(if of_one { singular(&word) } else { word });
    }
    words
}

fn name_of(method: &str, path: &str, words: &[String], count: usize) -> String {
    let from = words.len().saturating_sub(count);
    let mut kept: Vec<String> = words.get(from..).unwrap_or_default().to_vec();
    let on_one = path.trim_end_matches('/').ends_with('}');
    let verb = kept.last().is_some_and(|last| VERBS.contains(&last.as_str()));
    let suffix = match method {
        "GET" | "HEAD" => "",
        "PUT" if !verb => "replace",
        "PATCH" if !verb => "update",
        "DELETE" => "delete",
        "POST" if !verb && !on_one => "create",
        "POST" if !verb => "post",
        _ => "",
    };
    if !suffix.is_empty()
        && !on_one
        && matches!(method, "POST" | "PUT" | "PATCH")
        && let Some(last) = kept.last_mut()
    {
        *last = singular(last);
    }
    if !suffix.is_empty() {
        kept.push(suffix.to_owned());
    }
    let mut name = kept.join("_");
    if name.is_empty() {
        name = "root".into();
    }
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        name = format!("call_{name}");
    }
    if RESERVED_NAMES.contains(&name.as_str()) {
        format!("{name}_{}", if suffix.is_empty() { "info" } else { suffix })
    } else {
        name
    }
}

/// A word or a name in small letters with underscores.
pub fn snake(text: &str) -> String {
    let mut name = String::new();
    let mut lower = false;
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            if c.is_ascii_uppercase() && lower {
                name.push('_');
            }
            lower = c.is_ascii_lowercase() || c.is_ascii_digit();
            name.push(c.to_ascii_lowercase());
        } else if !name.ends_with('_') && !name.is_empty() {
            name.push('_');
            lower = false;
        }
    }
    name.trim_end_matches('_').to_owned()
}

/// The singular of an English plural.
fn singular(word: &str) -> String {
    if let Some(stem) = word.strip_suffix("ies") {
        return format!("{stem}y");
    }
    for ending in ["sses", "xes", "ches", "shes"] {
        if word.ends_with(ending) {
            return word.strip_suffix("es").unwrap_or(word).to_owned();
        }
    }
    let keeps = ["ss", "us", "is"].iter().any(|ending| word.ends_with(ending));
    if keeps { word.to_owned() } else { word.strip_suffix('s').unwrap_or(word).to_owned() }
}
