//! What a call says of other calls: they and their parameters must be there, and what they need must
//! be at hand.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::Notes;
use crate::catalog::format::spec::{CallSpec, InverseSpec, ParamSpec, Spec};
use crate::catalog::format::words::{placeholders, wire_name};
use crate::catalog::row::{Effect, Param, Place, Vendor};
use crate::nearest::did_you_mean;

/// The calls that a call may name: those of the file and those of the vendor that it completes.
pub struct Known<'a> {
    calls: BTreeMap<&'a str, KnownCall<'a>>,
}

struct KnownCall<'a> {
    reads: bool,
    params: Vec<KnownParam<'a>>,
}

/// What has to be known of a parameter of another call.
struct KnownParam<'a> {
    name: &'a str,
    on_path: bool,
    /// Whether it goes along where both calls have it: it says where to look, not what to write.
    travels: bool,
    /// Whether the call cannot do without.
    needed: bool,
    secret: bool,
}

impl<'a> Known<'a> {
    /// The calls of a file, and those that are there already.
    pub fn of(spec: &Spec, calls: &'a [(usize, CallSpec)], present: Option<&'a Vendor>) -> Self {
        let own = calls.iter().map(|(_, call)| {
            let params = call.params.iter().map(|(name, facts)| param_of(spec, call, name, facts)).collect();
            (call.name.as_str(), KnownCall { reads: call.effect == "read", params })
        });
        let others = present.into_iter().flat_map(|vendor| vendor.rows).map(|row| {
            let params = row.params.iter().map(param_of_row).collect();
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
            return None;
        }
        Some(found)
    }
}

fn param_of<'a>(spec: &Spec, call: &CallSpec, name: &'a str, facts: &Value) -> KnownParam<'a> {
    // One that cannot be read is noted where parameters are checked.
    let param: ParamSpec = facts.clone().try_into().unwrap_or_default();
    let wire = wire_name(spec.wire_case, name, &param);
    let on_path = placeholders(&call.path).any(|placeholder| placeholder == wire);
    let in_query = match param.place.as_deref() {
        Some(place) => matches!(place, "query" | "header"),
        None => matches!(call.method.as_str(), "GET" | "HEAD" | "DELETE"),
    };
    KnownParam {
        name,
        on_path,
        travels: on_path || in_query,
        needed: on_path || param.required && param.default.is_none(),
        secret: has_secret(facts),
    }
}

/// Whether a parameter, or a member of it, is a secret.
fn has_secret(facts: &Value) -> bool {
    let is = facts.get("secret").and_then(Value::as_bool).unwrap_or_default();
    is || facts.get("fields").and_then(Value::as_table).is_some_and(|fields| fields.iter().any(|(_, f)| has_secret(f)))
}

fn param_of_row(param: &Param) -> KnownParam<'_> {
    let on_path = param.place == Place::Path;
    KnownParam {
        name: param.name,
        on_path,
        travels: matches!(param.place, Place::Path | Place::Query | Place::Header),
        needed: on_path || param.required && param.default.is_none(),
        secret: param.is_secret(),
    }
}

/// Notes what is named and is not there.
pub fn check(call: &CallSpec, known: &Known<'_>, notes: &mut Notes) {
    let own = known.calls.get(call.name.as_str()).map_or(&[][..], |own| &own.params);
    let has = |name: &str| own.iter().any(|param| param.name == name);
    match call.lost_answer.as_deref() {
        None | Some("idempotent" | "detectable" | "never") => {}
        Some(other) => match other.strip_prefix("verify ") {
            Some(read) => {
                let mapped = call.before.as_ref().filter(|before| before.call == read);
                if let Some(read) = known.find_read("lost_answer", read, notes)
                    && mapped.is_none()
                {
                    arguments("lost_answer", &Table::new(), own, read, notes, has);
                }
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
        arguments("before", &before.args, own, read, notes, has);
    }
    if let Some(other) = &call.alternate {
        known.find("alternate", other, notes);
    }
    check_edits(call, notes);
    check_inverse(call, own, known, notes);
}

fn check_edits(call: &CallSpec, notes: &mut Notes) {
    if !call.edits.is_empty() && call.before.is_none() {
        notes.at(&["edits"], "edits need before: the read that shows the list");
    }
    for edit in &call.edits {
        notes.one_of("edits", Some(&edit.how), &["add", "remove", "put"]);
        let when = edit.when.iter().map(|when| &when.param);
        let named = [&edit.with].into_iter().filter(|with| !with.is_empty()).chain(&edit.also).chain(when);
        for name in named.filter(|name| !call.params.contains_key(*name)) {
            let hint = did_you_mean(name, call.params.iter().map(|(name, _)| name.as_str()));
            notes.at(&["edits"], format!("edits names the parameter '{name}', which is not there.{hint}"));
        }
    }
}

fn check_inverse(call: &CallSpec, own: &[KnownParam<'_>], known: &Known<'_>, notes: &mut Notes) {
    let secret =
        |params: &[KnownParam<'_>]| params.iter().find(|param| param.secret).map(|param| param.name.to_owned());
    let unknown = |secret: Option<String>, notes: &mut Notes| {
        if let Some(name) = secret {
            let message = format!(
                "there is no inverse: '{name}' is a secret, and what it was before is never shown. Say inverse = \"none\""
            );
            notes.at(&["inverse"], message);
        }
    };
    match &call.inverse {
        None | Some(InverseSpec::None) => {}
        Some(InverseSpec::Swap(..)) => unknown(secret(own), notes),
        Some(InverseSpec::Replace | InverseSpec::ReplaceWithout(_)) => {
            if call.before.is_none() {
                notes.at(&["inverse"], "the inverse is the former state, and needs before: the read that shows it");
            }
            unknown(secret(own), notes);
        }
        Some(InverseSpec::Call { name, args }) => {
            let Some(other) = known.find("inverse", name, notes) else { return };
            if other.reads {
                notes.at(&["inverse"], format!("inverse names '{name}', which only reads"));
            }
            arguments("inverse", args, own, other, notes, |from| match from.split_once('.').unwrap_or((from, "")) {
                ("args", name) => own.iter().any(|param| param.name == name),
                ("answer", path) => !path.is_empty(),
                ("before", path) => !path.is_empty() && call.before.is_some(),
                ("added" | "former", _) => !call.edits.is_empty(),
                _ => false,
            });
            unknown(secret(&other.params), notes);
        }
    }
}

/// Each name is a parameter of the other call; each source is a text that `is_source` knows; and
/// nothing is missing that the other call needs.
fn arguments(
    key: &str,
    args: &Table,
    own: &[KnownParam<'_>],
    other: &KnownCall<'_>,
    notes: &mut Notes,
    is_source: impl Fn(&str) -> bool,
) {
    for (name, from) in args {
        if !other.params.iter().any(|param| param.name == name) {
            let hint = did_you_mean(name, other.params.iter().map(|param| param.name));
            notes.at(&[key], format!("{key} gives the parameter '{name}', which that call does not have.{hint}"));
        }
        if !from.as_str().is_some_and(&is_source) {
            notes.at(&[key], format!("{key} takes '{name}' from {from}, which is not there"));
        }
    }
    for param in other.params.iter().filter(|param| param.needed && !args.contains_key(param.name)) {
        let same = own.iter().find(|same| same.name == param.name);
        if !same.is_some_and(|same| param.on_path || param.travels && same.travels) {
            let name = param.name;
            notes.at(&[key], format!("{key} does not say where that call's '{name}' comes from"));
        }
    }
}
