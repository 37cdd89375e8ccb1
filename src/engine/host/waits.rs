//! Waiting for the long work of Spectra Detect, by the states that its documents name.
//!
//! An old end is not taken for the new one: what was there before the work began is compared, or the
//! work has to be seen under way.

use std::collections::BTreeMap;
use std::time::Duration;

use rhai::{Dynamic, EvalAltResult, Map, Module, NativeCallContext};
use serde_json::Value as Json;

use super::flow::option_length;
use super::{add, options};
use crate::catalog::bind;
use crate::door::{Action, Reply};
use crate::engine::context::RunContext;
use crate::engine::types::Target;
use crate::engine::{error, values};
use crate::fault::{Fault, FaultKind};
use crate::nearest::did_you_mean;
use crate::value::{Map as Args, Value};

type Answer<T> = Result<T, Box<EvalAltResult>>;

/// How long an old end is believed to be old although nothing else was seen.
const DOUBT: u32 = 6;

pub(super) fn register(module: &mut Module) {
    add(
        module,
        "wait_for_backup",
        &["target: Target", &options(&["every", "timeout", "before"]), "map"],
        "/// Waits until the backup that was created is ready, and gives its state. Options: `every`, `timeout`, `before` \
         (what `backup_status` said before the backup was created).",
        |context: NativeCallContext, target: &mut Target, options: Map| backup(&context, target, &options),
    );
    add(
        module,
        "wait_for_upgrade",
        &["target: Target", "appliance: string", &options(&["every", "timeout", "from"]), "string"],
        "/// Waits until the upgrade of an appliance is done, and gives its release. Options: `every`, `timeout`, `from` \
         (the release before).",
        |context: NativeCallContext, target: &mut Target, name: &str, options: Map| {
            upgrade(&context, target, name, &options)
        },
    );
    add(
        module,
        "wait_for_config",
        &["target: Target", "group: string", &options(&["every", "timeout", "before"]), "array"],
        "/// Waits until the configuration of a group is applied everywhere. Options: `every`, `timeout`, `before` (what \
         `appliances` listed before it was applied).",
        |context: NativeCallContext, target: &mut Target, group: &str, options: Map| {
            configuration(&context, target, group, &options)
        },
    );
}

/// What a look at the work says.
enum Look<T> {
    /// It is done.
    Done(T),
    /// It is under way.
    Running,
    /// It shows an end that may be an old one.
    Doubtful(T),
}

struct Wait<'a> {
    context: &'a NativeCallContext<'a>,
    run: &'a RunContext,
    target: &'a Target,
    every: Duration,
    timeout: Duration,
    what: &'static str,
}

impl<'a> Wait<'a> {
    fn new(
        context: &'a NativeCallContext<'a>,
        run: &'a RunContext,
        target: &'a Target,
        options: &Map,
        more: &str,
        what: &'static str,
    ) -> Answer<Self> {
        let known = ["every", "timeout", more];
        if let Some(unknown) = options.keys().find(|key| !known.contains(&key.as_str())) {
            let hint = did_you_mean(unknown, known);
            return Err(error::invalid(format!("'{unknown}' is not an option here.{hint}"), context));
        }
        Ok(Self {
            context,
            run,
            target,
            every: option_length(context, options, "every", Duration::from_secs(5))?,
            timeout: option_length(context, options, "timeout", Duration::from_secs(3600))?,
            what,
        })
    }

    /// The answer of a read.
    fn read(&self, name: &str, args: Args) -> Answer<Json> {
        let Some(row) = self.run.catalog.row(&self.target.vendor, name) else {
            let message = format!("'{}' is of vendor {}, which has no such work", self.target.name, self.target.vendor);
            return Err(error::invalid(message, self.context));
        };
        let call = bind(row, Vec::new(), args).map_err(|fault| error::throw(fault, self.context))?;
        match self.run.pass(self.context, Action::Call { target: self.target.name.clone(), call })? {
            Reply::Http(answer) => Ok(serde_json::from_slice(&answer.body).unwrap_or_default()),
            Reply::Value(_) | Reply::Bytes(_) => Ok(Json::Null),
        }
    }

    fn fail(&self, kind: FaultKind, message: String) -> Box<EvalAltResult> {
        error::throw(Fault::new(kind, message).on(&self.target.name).during(self.what), self.context)
    }

    /// Looks again and again. While a Manager restarts its answers fail; that is waited out too.
    fn until<T>(&self, mut look: impl FnMut() -> Answer<Look<T>>) -> Answer<Option<T>> {
        let now = || -> Answer<jiff::Timestamp> {
            match self.run.value(self.context, Action::Clock)? {
                Value::Time(time) => Ok(time),
                _ => Err("the door told no time".into()),
            }
        };
        let begun = now()?;
        let (mut seen, mut doubts) = (false, 0);
        loop {
            if self.run.passage.is_assumed_target(&self.target.name) {
                return Ok(None);
            }
            match look()? {
                Look::Done(value) => return Ok(Some(value)),
                Look::Running => seen = true,
                Look::Doubtful(value) => {
                    doubts += 1;
                    if seen || doubts > DOUBT {
                        return Ok(Some(value));
                    }
                }
            }
            let waited = Duration::try_from(now()?.duration_since(begun)).unwrap_or_default();
            let Some(left) = self.timeout.checked_sub(waited).filter(|left| !left.is_zero()) else {
                return Err(self.fail(FaultKind::Timeout, format!("{} took longer than {:?}", self.what, self.timeout)));
            };
            if self.run.value(self.context, Action::Sleep(self.every.min(left)))? != Value::Null {
                return Ok(None);
            }
        }
    }

    /// What a dry run assumes in the place of an end.
    fn assumed(&self) -> Answer<String> {
        match self.run.value(self.context, Action::Sleep(Duration::ZERO))? {
            Value::Text(text) => Ok(text),
            _ => Ok(String::new()),
        }
    }
}

fn text<'a>(json: &'a Json, name: &str) -> &'a str {
    json.get(name).and_then(Json::as_str).unwrap_or_default()
}

fn backup(context: &NativeCallContext<'_>, target: &Target, options: &Map) -> Answer<Dynamic> {
    let run = RunContext::of(context)?;
    let wait = Wait::new(context, &run, target, options, "before", "the backup")?;
    let before = options.get("before").map(values::to_value).transpose();
    let before = before.map_err(|message| error::invalid(message, context))?.map(|value| value.to_json());
    let old = before.as_ref().map(|before| text(before, "backup_filename").to_owned());
    let done = wait.until(|| {
        let state = wait.read("backup_status", Args::new())?;
        let (status, message, file) =
            (text(&state, "status"), text(&state, "message"), text(&state, "backup_filename"));
        let says = |word: &str| status.eq_ignore_ascii_case(word) || message.eq_ignore_ascii_case(word);
        if says("idle") && !file.is_empty() {
            // A backup of the same name may be the one before.
            let new = old.as_deref().is_some_and(|old| old != file);
            return Ok(if new { Look::Done(state) } else { Look::Doubtful(state) });
        }
        if says("error") && !says("idle") {
            return Err(wait.fail(FaultKind::Http, format!("the backup failed: {status} {message}")));
        }
        Ok(Look::Running)
    })?;
    let state = match done {
        Some(state) => state,
        None => serde_json::json!({ "status": "idle", "message": "idle", "backup_filename": wait.assumed()? }),
    };
    Ok(values::to_dynamic(Value::from(state)))
}

/// The state in an answer whose key names are not published: one of five words under a key that is
/// called like a state.
fn upgrade_state(json: &Json) -> Option<String> {
    let words = ["idle", "pending", "downloading", "installing", "error"];
    match json {
        Json::Object(map) => map
            .iter()
            .filter(|(name, _)| name.contains("status") || name.contains("state"))
            .find_map(|(_, value)| value.as_str().map(str::to_lowercase).filter(|word| words.contains(&word.as_str())))
            .or_else(|| map.values().find_map(upgrade_state)),
        Json::Array(items) => items.iter().find_map(upgrade_state),
        _ => None,
    }
}

/// A Manager upgrades one appliance at a time, and does not say so in time: whoever starts an upgrade
/// looks first whether another one is under way.
pub(super) fn one_at_a_time(
    context: &NativeCallContext<'_>,
    run: &RunContext,
    target: &Target,
    args: &Args,
) -> Answer<()> {
    let wait = Wait::new(context, run, target, &Map::new(), "", "upgrade_start")?;
    let wanted = args.iter().find(|(name, _)| name.as_str() == "appliance_name").and_then(|(_, value)| value.as_text());
    let list = wait.read("config_appliances", Args::new())?;
    let rows = list.get("results").unwrap_or(&list).as_array().cloned().unwrap_or_default();
    for name in rows.iter().map(|row| text(row, "appliance_name")).filter(|name| !name.is_empty()) {
        let state = wait.read("upgrade_status", Args::from([("appliance_name".to_owned(), Value::from(name))]))?;
        let busy = matches!(upgrade_state(&state).as_deref(), Some("pending" | "downloading" | "installing"));
        if busy {
            let wanted = wanted.unwrap_or_default();
            let message = format!(
                "'{name}' is being upgraded, and a Manager upgrades one appliance at a time: '{wanted}' has to wait"
            );
            return Err(wait.fail(FaultKind::Refused, message));
        }
    }
    Ok(())
}

fn upgrade(context: &NativeCallContext<'_>, target: &Target, name: &str, options: &Map) -> Answer<Dynamic> {
    let run = RunContext::of(context)?;
    let wait = Wait::new(context, &run, target, options, "from", "the upgrade")?;
    let release = || -> Answer<Option<String>> {
        let list = wait.read("config_appliances", Args::new())?;
        let rows = list.get("results").unwrap_or(&list).as_array().cloned().unwrap_or_default();
        Ok(rows.iter().find(|row| text(row, "appliance_name") == name).map(|row| text(row, "release").to_owned()))
    };
    let from = match options.get("from") {
        Some(from) => from.to_string(),
        None => release()?.unwrap_or_default(),
    };
    let mut under_way = false;
    let done = wait.until(|| {
        let args = Args::from([("appliance_name".to_owned(), Value::from(name))]);
        let state = wait.read("upgrade_status", args)?;
        match upgrade_state(&state).as_deref() {
            Some("idle") => {
                let now = release()?.unwrap_or_default();
                if now != from {
                    return Ok(Look::Done(now));
                }
                if under_way {
                    let message = format!("the upgrade of '{name}' has ended, and its release is still {from}");
                    return Err(wait.fail(FaultKind::Http, message));
                }
                // Right after the start nothing may have begun yet.
                Ok(Look::Running)
            }
            Some("error") => Err(wait.fail(FaultKind::Http, format!("the upgrade of '{name}' failed: {state}"))),
            _ => {
                under_way = true;
                Ok(Look::Running)
            }
        }
    })?;
    match done {
        Some(release) => Ok(release.into()),
        None => Ok(wait.assumed()?.into()),
    }
}

fn configuration(context: &NativeCallContext<'_>, target: &Target, group: &str, options: &Map) -> Answer<Dynamic> {
    let run = RunContext::of(context)?;
    let wait = Wait::new(context, &run, target, options, "before", "the configuration")?;
    let stamps = |list: &Json| -> BTreeMap<String, String> {
        let rows = list.get("results").unwrap_or(list).as_array().cloned().unwrap_or_default();
        let ours = rows.iter().filter(|row| text(row, "group_name") == group);
        ours.map(|row| {
            (
                row.get("id").map(Json::to_string).unwrap_or_default(),
                text(row, "last_applied_config_timestamp").to_owned(),
            )
        })
        .collect()
    };
    let before = options.get("before").map(values::to_value).transpose();
    let before = before.map_err(|message| error::invalid(message, context))?.map(|value| stamps(&value.to_json()));
    let mut left: BTreeMap<String, bool> = BTreeMap::new();
    let done = wait.until(|| {
        let list = all_appliances(&wait)?;
        let ours: Vec<Json> = list.into_iter().filter(|row| text(row, "group_name") == group).collect();
        if ours.is_empty() {
            return Err(wait.fail(FaultKind::NotFound, format!("no appliance is in the group '{group}'")));
        }
        let (mut finished, mut doubtful) = (true, false);
        for row in &ours {
            let id = row.get("id").map(Json::to_string).unwrap_or_default();
            let seen = left.entry(id.clone()).or_insert(false);
            match text(row, "configuration_status") {
                "done" => {
                    let stamp = text(row, "last_applied_config_timestamp");
                    let moved = before.as_ref().and_then(|before| before.get(&id)).is_some_and(|old| old != stamp);
                    doubtful |= !moved && !*seen;
                }
                bad @ ("error" | "mismatch" | "unsupported" | "no_configuration_group") => {
                    let details = row.get("configuration_status_details").map(Json::to_string).unwrap_or_default();
                    let message = format!("appliance {id} could not take the configuration: {bad} {details}");
                    return Err(wait.fail(FaultKind::Conflict, message));
                }
                _ => {
                    *seen = true;
                    finished = false;
                }
            }
        }
        Ok(match (finished, doubtful) {
            (false, _) => Look::Running,
            (true, true) => Look::Doubtful(ours),
            (true, false) => Look::Done(ours),
        })
    })?;
    let rows = done.unwrap_or_default().into_iter().map(Value::from).collect();
    Ok(values::to_dynamic(Value::List(rows)))
}

fn all_appliances(wait: &Wait<'_>) -> Answer<Vec<Json>> {
    let mut rows = Vec::new();
    for page in 1..=100 {
        let args = Args::from([("page".to_owned(), Value::Int(page)), ("page_size".to_owned(), Value::Int(100))]);
        let list = wait.read("appliances", args)?;
        let found = list.get("results").unwrap_or(&list).as_array().cloned().unwrap_or_default();
        let last = found.is_empty() || list.get("next").is_none_or(Json::is_null);
        rows.extend(found);
        if last {
            break;
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_state_of_an_upgrade_is_found_whatever_its_key() {
        assert_eq!(
            upgrade_state(&json!({ "upgrade_status": "Installing", "log": "idle" })).as_deref(),
            Some("installing")
        );
        assert_eq!(upgrade_state(&json!({ "result": { "status": "idle" } })).as_deref(), Some("idle"));
        assert_eq!(upgrade_state(&json!({ "log": "error" })), None);
    }
}
