//! A run's export as its recorder: every action is answered as it was then, and whatever differs is told.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value as Json;

use crate::catalog::Effect;
use crate::door::{Action, HttpAnswer, Intent, Key, KnownEntry, Passed, Recall, Recorded, Recorder, Reply, path_text};
use crate::fault::{Failure, Fault, FaultKind, Stop};
use crate::journal::{action_bytes, decode_map, hex, read_fault, sha256, spelled_out};
use crate::run::history::{Answer, EntryHistory, RunHistory};
use crate::secret::Secret;

/// What stands in an export in place of a secret.
const HIDDEN: &str = "***";

/// The entries of an exported run, by their places.
pub(super) struct Retold {
    entries: BTreeMap<(String, u64), EntryHistory>,
    /// Where files that the run read are looked for.
    folder: PathBuf,
    /// The numbers of entries that were asked for.
    asked: Mutex<BTreeSet<u64>>,
}

impl Retold {
    /// Of a run; what a resume has done again, or the script went past, answers nobody.
    pub(super) fn of(run: &RunHistory, folder: PathBuf) -> Self {
        let entries = run.entries.iter().filter(|entry| entry.void.is_none());
        let placed = entries.map(|entry| ((entry.path.clone(), entry.position), entry.clone()));
        Self { entries: placed.collect(), folder, asked: Mutex::default() }
    }

    fn asked(&self) -> MutexGuard<'_, BTreeSet<u64>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first entry that nobody has asked for.
    pub(super) fn left(&self) -> Option<String> {
        let asked = self.asked();
        let mut left: Vec<&EntryHistory> =
            self.entries.values().filter(|entry| !asked.contains(&entry.number)).collect();
        left.sort_by_key(|entry| entry.number);
        left.first().map(|entry| {
            format!(
                "entry {} ('{}') is not asked for any more, and {} in all",
                entry.number,
                entry.operation,
                left.len()
            )
        })
    }

    fn recorded(&self, entry: &EntryHistory, action: &Action) -> Result<Recorded, String> {
        let nothing = || format!("the export says nothing of the answer to '{}'", entry.operation);
        let detail = entry.detail.as_ref().ok_or_else(nothing)?;
        let secret = |reference: &str| Secret::new(reference, "");
        if let Some(fault) = &detail.fault {
            return Ok(Err(read_fault(fault.clone(), &secret)));
        }
        let composite = matches!(action, Action::Step { .. } | Action::Parallel(_));
        match &detail.answer {
            Some(Answer::Http { body, status, bytes }) => {
                if body.is_none() && *bytes > 0 {
                    let why = detail.left_out.as_deref().unwrap_or("it is left out");
                    return Err(format!("the export lacks the answer to '{}': {why}", entry.operation));
                }
                let body = body.as_ref().map_or_else(Vec::new, |body| body.to_string().into_bytes());
                Ok(Ok(Reply::Http(HttpAnswer {
                    status: *status,
                    content_type: Some("application/json".into()),
                    body: body.into(),
                    row: match action {
                        Action::Call { call, .. } => Some(call.row),
                        _ => None,
                    },
                    assumed: false,
                    handles: false,
                })))
            }
            Some(Answer::Value(json)) => {
                let mut map =
                    decode_map(Json::Object([("value".to_owned(), json.clone())].into_iter().collect()), &secret);
                Ok(Ok(Reply::Value(map.remove("value").unwrap_or(crate::value::Value::Null))))
            }
            Some(Answer::File { sha256, .. }) => self.file(action, sha256),
            None if composite => Ok(Ok(Reply::Value(crate::value::Value::Null))),
            None => Err(nothing()),
        }
    }

    /// The contents of a file stay where they are: it is read again, and must be the same.
    fn file(&self, action: &Action, digest: &str) -> Result<Recorded, String> {
        let Action::ReadFile(path) = action else {
            return Err("an answer is a file, and no file was asked for".into());
        };
        let shown = path.display();
        let contents = std::fs::read(self.folder.join(path))
            .map_err(|error| format!("the run read {shown}, and it cannot be read now: {error}"))?;
        if hex(&sha256(&contents)) != digest {
            return Err(format!("{shown} is not what the run read: put the file with SHA-256 {digest} there"));
        }
        Ok(Ok(Reply::Bytes(contents.into())))
    }
}

impl Recorder for Retold {
    fn recall(&self, key: &Key, action: &Action) -> Result<Recall, Stop> {
        let place = (path_text(&key.path), key.entry);
        let Some(entry) = self.entries.get(&place) else {
            return Err(Stop::Diverged(format!("'{}' was not asked for in the run", action.describe())));
        };
        let differs = |why: &str| {
            let now = action.describe();
            Err(Stop::Diverged(format!("entry {} was '{}', and now it is '{now}'{why}", entry.number, entry.operation)))
        };
        // A fetch stands in an export without what may be a token in its address.
        let same = entry.operation == action.describe() || entry.kind == "fetch";
        if entry.kind != action.kind() || !same {
            return differs("");
        }
        let args = entry.detail.as_ref().filter(|detail| detail.left_out.is_none()).map(|detail| &detail.args);
        if let Some((place, then, now)) = args.and_then(|args| difference(args, &arguments(action), "")) {
            return differs(&format!(": {place} was {then}, and now it is {now}"));
        }
        self.asked().insert(entry.number);
        let composite = matches!(action, Action::Step { .. } | Action::Parallel(_));
        if entry.is_open() && !composite {
            return Err(Stop::Diverged(format!(
                "entry {} ('{}') has no answer: the run ended there",
                entry.number, entry.operation
            )));
        }
        let recorded = if entry.is_open() {
            Ok(Ok(Reply::Value(crate::value::Value::Null)))
        } else {
            self.recorded(entry, action)
        };
        let recorded = recorded.map_err(Stop::Diverged)?;
        let effect = Effect::from_name(&entry.effect).unwrap_or(Effect::Read);
        Ok(Recall::Known(Box::new(KnownEntry { effect, recorded })))
    }

    fn intend(&self, _key: &Key, action: &Action, _intent: &Intent) -> Result<(), Failure> {
        // Everything is answered above; nothing may leave.
        Err(Fault::new(FaultKind::Refused, format!("'{}' would leave, in a replay", action.describe())).into())
    }

    fn mark(&self, _key: &Key, _note: &str) -> Result<(), Failure> {
        Ok(())
    }

    fn settle_commit(&self, _key: &Key, _made: bool) -> Result<(), Failure> {
        Ok(())
    }

    fn item_failed(&self, _key: &Key, _item: u64) -> Result<(), Failure> {
        Ok(())
    }

    fn settle(&self) -> Result<(), Failure> {
        Ok(())
    }

    fn is_resumed(&self) -> bool {
        false
    }

    fn is_replaying(&self) -> bool {
        false
    }

    fn record(&self, _: &Key, _: &Action, _: Passed, _: &Recorded) -> Result<u64, Failure> {
        Ok(0)
    }
}

/// The arguments of an action in the form that an export has them.
fn arguments(action: &Action) -> Json {
    let mut json: Json = serde_json::from_slice(&action_bytes(action)).unwrap_or_default();
    let Some(members) = json.as_object_mut() else { return Json::Null };
    if matches!(action, Action::Call { .. }) {
        return spelled_out(members.remove("args").unwrap_or_default());
    }
    members.remove("do");
    members.remove("target");
    json
}

/// Whether two are the same, but for what an export hides.
pub(super) fn is_same(then: &Json, now: &Json) -> bool {
    difference(then, now, "").is_none()
}

/// The first place where two differ; what an export hides is the same as anything.
fn difference(then: &Json, now: &Json, place: &str) -> Option<(String, String, String)> {
    let below = |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
    let shown = |json: Option<&Json>| json.map_or_else(|| "nothing".to_owned(), ToString::to_string);
    match (then, now) {
        (Json::String(text), _) if text.contains(HIDDEN) => None,
        (Json::Object(then), _) if then.len() == 1 && then.contains_key("$secret") => None,
        (Json::Object(then), Json::Object(now)) => {
            let names: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
            names.into_iter().find_map(|name| match (then.get(name), now.get(name)) {
                (Some(then), Some(now)) => difference(then, now, &below(name)),
                (then, now) => Some((below(name), shown(then), shown(now))),
            })
        }
        (Json::Array(then), Json::Array(now)) if then.len() == now.len() => then
            .iter()
            .zip(now)
            .enumerate()
            .find_map(|(at, (then, now))| difference(then, now, &below(&at.to_string()))),
        _ if then == now => None,
        _ => {
            let place = if place.is_empty() { "it".to_owned() } else { format!("'{place}'") };
            Some((place, shown(Some(then)), shown(Some(now))))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_difference_is_named_and_what_is_hidden_differs_from_nothing() {
        let then = json!({ "a": [1, { "b": "x" }], "password": "***", "key": { "$secret": "env:X" } });
        let now = |b: &str| json!({ "a": [1, { "b": b }], "password": "now", "key": { "$secret": "file:y" } });
        assert_eq!(difference(&then, &now("x"), ""), None);
        assert_eq!(difference(&then, &now("y"), ""), Some(("'a.1.b'".into(), "\"x\"".into(), "\"y\"".into())));
        let more = difference(&json!({}), &json!({ "limit": 5 }), "");
        assert_eq!(more, Some(("limit".into(), "nothing".into(), "5".into())));
    }
}
