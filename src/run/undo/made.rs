//! What a run made, from its journal, in the order in which it is taken back.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value as Json;

use crate::catalog::{Catalog, Row};
use crate::journal::{CallRead, EntryRow, Log, Part, RunRow, SecretOf, read_call};
use crate::value::{Map, Value};

/// Something that a run made.
pub struct Made {
    /// The run: itself, or a child.
    pub run: String,
    /// The entry's number in it.
    pub number: u64,
    /// The branch, and the place in it.
    pub path: String,
    /// The place in the branch.
    pub position: u64,
    /// The transaction that it stood in.
    pub inside: Option<String>,
    /// When it was done.
    pub ended: Timestamp,
    /// In words.
    pub operation: String,
    /// What it was.
    pub what: What,
}

/// What was made.
pub enum What {
    /// A call of the catalog.
    Call(Box<CallMade>),
    /// Keys of a store: the store's name, and for each key what was set and what was there before.
    Store(String, Vec<KeyMade>),
    /// A step of the script that says how it is taken back; with all that was made in it.
    Step {
        /// The step's name.
        name: String,
        /// The place after its last entry.
        end: u64,
    },
    /// Something that cannot be taken back, and why.
    Lasting(String),
}

/// A call that was made.
pub struct CallMade {
    /// The target.
    pub target: Arc<str>,
    /// The row.
    pub row: &'static Row,
    /// The arguments.
    pub args: Map,
    /// What the row's read showed before; `null` where the object was not there.
    pub before: Option<Json>,
    /// What came back.
    pub answer: Option<Json>,
}

/// A key of a store that was set.
pub struct KeyMade {
    /// The key.
    pub key: String,
    /// What was set; `None` where it was removed.
    pub set: Option<Value>,
    /// What was there before.
    pub before: Option<Value>,
}

/// Everything that a run and its children made, last completed first. What was made in a step that says
/// how it is taken back is left to that step, where `closures` has it.
pub fn collect(
    log: &Log,
    run: &RunRow,
    catalog: &Catalog,
    secret: SecretOf<'_>,
    closures: &dyn Fn(&str, u64) -> bool,
) -> Result<Vec<Made>, String> {
    let mut made = Vec::new();
    of_run(log, &run.id, catalog, secret, &mut made)?;
    let steps: Vec<(String, u64, u64)> = made
        .iter()
        .filter_map(|made| match &made.what {
            What::Step { end, .. } if made.run == run.id && closures(&made.path, made.position) => {
                Some((made.path.clone(), made.position, *end))
            }
            _ => None,
        })
        .collect();
    made.retain(|made| {
        let covered = made.run == run.id
            && steps.iter().any(|(path, first, end)| is_inside(&made.path, made.position, path, *first, *end));
        let bare =
            matches!(made.what, What::Step { .. }) && !(made.run == run.id && closures(&made.path, made.position));
        !covered && !bare
    });
    made.sort_by_key(|made| Reverse((made.ended, made.number)));
    Ok(made)
}

/// Whether a place lies between two places of a branch, or in a `parallel` between them.
fn is_inside(path: &str, position: u64, branch: &str, first: u64, end: u64) -> bool {
    if path == branch {
        return position > first && position < end;
    }
    let below = match branch {
        "" => Some(path),
        branch => path.strip_prefix(branch).and_then(|rest| rest.strip_prefix('/')),
    };
    let parallel = below.and_then(|rest| rest.split(['.', '/']).next()).and_then(|place| place.parse::<u64>().ok());
    parallel.is_some_and(|place| place > first && place < end)
}

fn of_run(log: &Log, run: &str, catalog: &Catalog, secret: SecretOf<'_>, made: &mut Vec<Made>) -> Result<(), String> {
    for entry in log.entries(run, true)?.into_iter().filter(|entry| !entry.void || entry.passed) {
        let Some(ended) = entry.ended.filter(|_| !entry.has_failed()) else {
            if entry.is_open() && entry.is_change() {
                let what =
                    What::Lasting("nobody knows whether it was made: settle it with `beadle runs resume`".into());
                made.push(Made::of(entry.begun, entry, what));
            }
            continue;
        };
        let what = match entry.kind.as_str() {
            "call" if entry.is_change() => of_call(log, &entry, catalog, secret)?,
            "store.set" => of_store(log, &entry, secret)?,
            "step" => match of_step(log, &entry)? {
                Some(what) => what,
                None => continue,
            },
            "raw" | "fetch" if entry.is_change() => {
                What::Lasting("no row says how a raw request or a post is taken back".into())
            }
            "write_file" => What::Lasting("files that were written stay".into()),
            "run_playbook" => {
                if let Some(child) = &entry.note {
                    of_run(log, child, catalog, secret, made)?;
                }
                continue;
            }
            _ => continue,
        };
        made.push(Made::of(ended, entry, what));
    }
    Ok(())
}

impl Made {
    /// The target, if it is a call.
    pub fn target(&self) -> Option<Arc<str>> {
        match &self.what {
            What::Call(call) => Some(Arc::clone(&call.target)),
            _ => None,
        }
    }

    fn of(ended: Timestamp, entry: EntryRow, what: What) -> Self {
        Self {
            run: entry.run,
            number: entry.number,
            path: entry.path,
            position: entry.position,
            inside: entry.inside,
            ended,
            operation: entry.operation,
            what,
        }
    }
}

fn of_call(log: &Log, entry: &EntryRow, catalog: &Catalog, secret: SecretOf<'_>) -> Result<What, String> {
    let action = log.part(&entry.run, entry.number, Part::Action)?.unwrap_or_default();
    let Some(CallRead { target, vendor, call, args }) = read_call(&action, secret) else {
        return Ok(What::Lasting("its record cannot be read".into()));
    };
    let Some(row) = catalog.row(&vendor, &call) else {
        return Ok(What::Lasting(format!("the catalog has no call '{call}' any more")));
    };
    let json = |part: Part| -> Result<Option<Json>, String> {
        let bytes = log.part(&entry.run, entry.number, part)?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    };
    let before = json(Part::Before)?.map(|mut before| match before.get_mut("state") {
        Some(state) => state.take(),
        None => Json::Null,
    });
    let answer = log.answer(&entry.run, entry.number)?;
    Ok(What::Call(Box::new(CallMade { target: target.into(), row, args, before, answer })))
}

fn of_store(log: &Log, entry: &EntryRow, secret: SecretOf<'_>) -> Result<What, String> {
    let lost = || What::Lasting("what the store held before is not known".into());
    let Some(bytes) = log.part(&entry.run, entry.number, Part::Before)? else { return Ok(lost()) };
    let before: Json = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    let Some(store) = before.get("store").and_then(Json::as_str) else { return Ok(lost()) };
    let action = log.part(&entry.run, entry.number, Part::Action)?.unwrap_or_default();
    let set: BTreeMap<String, Option<Value>> = crate::journal::read_entries(&action, secret);
    let value_of = |key: &str| before.pointer("/keys").and_then(|keys| keys.get(key)).cloned();
    let keys = set.into_iter().map(|(key, set)| {
        let before = value_of(&key).filter(|value| !value.is_null()).map(Value::from);
        KeyMade { key, set, before }
    });
    Ok(What::Store(store.to_owned(), keys.collect()))
}

/// A step that says how it is taken back; nothing if it does not.
fn of_step(log: &Log, entry: &EntryRow) -> Result<Option<What>, String> {
    let action = log.part(&entry.run, entry.number, Part::Action)?.unwrap_or_default();
    let action: Json = serde_json::from_slice(&action).unwrap_or_default();
    if action.get("undo") != Some(&Json::Bool(true)) {
        return Ok(None);
    }
    let name = action.get("name").and_then(Json::as_str).unwrap_or_default().to_owned();
    let end = log.value(&entry.run, entry.number)?.and_then(|value| value.as_u64());
    Ok(end.map(|end| What::Step { name, end }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_a_step_is_told_by_its_places() {
        assert!(is_inside("", 3, "", 2, 5));
        assert!(!is_inside("", 2, "", 2, 5));
        assert!(!is_inside("", 5, "", 2, 5));
        assert!(is_inside("3.7", 0, "", 2, 5));
        assert!(is_inside("3.7/9.1", 4, "", 2, 5));
        assert!(!is_inside("6.7", 3, "", 2, 5));
        assert!(is_inside("1.0/3.2", 0, "1.0", 2, 5));
        assert!(!is_inside("1.1", 3, "1.0", 2, 5));
        assert!(!is_inside("1.01/3.2", 3, "1.0", 2, 5));
    }
}
