//! What a call says of other calls: they and their parameters must be there.

use std::collections::BTreeMap;

use toml::Table;

use super::Notes;
use crate::catalog::format::spec::{CallSpec, InverseSpec};
use crate::catalog::row::{Effect, Vendor};
use crate::nearest::did_you_mean;

/// The calls that a call may name: those of the file and those of the vendor that it completes.
pub struct Known<'a> {
    calls: BTreeMap<&'a str, KnownCall<'a>>,
}

struct KnownCall<'a> {
    reads: bool,
    params: Vec<&'a str>,
}

impl<'a> Known<'a> {
    /// The calls of a file, and those that are there already.
    pub fn of(calls: &'a [(usize, CallSpec)], present: Option<&'a Vendor>) -> Self {
        let own = calls.iter().map(|(_, call)| {
            let params = call.params.iter().map(|(name, _)| name.as_str()).collect();
            (call.name.as_str(), KnownCall { reads: call.effect == "read", params })
        });
        let others = present.into_iter().flat_map(|vendor| vendor.rows).map(|row| {
            let params = row.params.iter().map(|param| param.name).collect();
            (row.name, KnownCall { reads: row.effect == Effect::Read, params })
        });
        Self { calls: others.chain(own).collect() }
    }

    fn find(&self, key: &str, name: &str, notes: &mut Notes) -> Option<&KnownCall<'a>> {
        let found = self.calls.get(name);
        if found.is_none() {
            let hint = did_you_mean(name, self.calls.keys().copied());
            notes.at(&[key], format!("{key} names the call '{name}', which is not there.{hint}"));
        }
        found
    }

    fn find_read(&self, key: &str, name: &str, notes: &mut Notes) -> Option<&KnownCall<'a>> {
        let found = self.find(key, name, notes)?;
        if !found.reads {
            notes.at(&[key], format!("{key} names '{name}', which is not a read"));
        }
        Some(found)
    }
}

/// Notes what is named and is not there.
pub fn check(call: &CallSpec, known: &Known<'_>, notes: &mut Notes) {
    let own: Vec<&str> = call.params.iter().map(|(name, _)| name.as_str()).collect();
    match call.lost_answer.as_deref() {
        None | Some("idempotent" | "detectable" | "never") => {}
        Some(other) => match other.strip_prefix("verify ") {
            Some(read) => {
                known.find_read("lost_answer", read, notes);
            }
            None => notes.at(
                &["lost_answer"],
                format!("lost_answer must be idempotent, detectable, 'verify NAME' or never, and not '{other}'"),
            ),
        },
    }
    if let Some(before) = &call.before
        && let Some(read) = known.find_read("before", &before.call, notes)
    {
        arguments("before", &before.args, read, notes, |from| own.contains(&from));
    }
    if let Some(other) = &call.alternate {
        known.find("alternate", other, notes);
    }
    if let Some(InverseSpec::Call { name, args }) = &call.inverse
        && let Some(other) = known.find("inverse", name, notes)
    {
        arguments("inverse", args, other, notes, |from| match from.split_once('.') {
            Some(("args", name)) => own.contains(&name),
            Some(("answer", field)) => !field.is_empty(),
            _ => false,
        });
    }
}

/// Each name is a parameter of the other call; each source is a text that `is_source` knows.
fn arguments(key: &str, args: &Table, other: &KnownCall<'_>, notes: &mut Notes, is_source: impl Fn(&str) -> bool) {
    for (name, from) in args {
        if !other.params.contains(&name.as_str()) {
            let hint = did_you_mean(name, other.params.iter().copied());
            notes.at(&[key], format!("{key} gives the parameter '{name}', which that call does not have.{hint}"));
        }
        if !from.as_str().is_some_and(&is_source) {
            notes.at(&[key], format!("{key} takes '{name}' from {from}, which is not there"));
        }
    }
}
