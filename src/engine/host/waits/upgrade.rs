//! Upgrades: one at a time, and waiting for its end.

use rhai::{Dynamic, Map, NativeCallContext};
use serde_json::Value as Json;

use super::begun::{Work, upgrade_of};
use super::wait::{Answer, Look, Wait, text};
use crate::engine::context::RunContext;
use crate::engine::types::Target;
use crate::fault::FaultKind;
use crate::value::{Map as Args, Value};

/// How often an appliance that is idle again may still show its old release: its list lags behind.
const LAG: u32 = 6;

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

/// What the Manager says of the upgrade of an appliance: the state, and all of it.
fn look_at(wait: &Wait<'_>, name: &str) -> Answer<(String, Json)> {
    let answer = wait.read("upgrade_status", Args::from([("appliance_name".to_owned(), Value::from(name))]))?;
    Ok((upgrade_state(&answer).unwrap_or_default(), answer))
}

/// A Manager upgrades one appliance at a time, and does not say so in time: whoever starts an upgrade
/// looks first whether another one is under way. Gives what the appliance showed before.
pub fn one_at_a_time(wait: &Wait<'_>, wanted: &str) -> Answer<Work> {
    let mut work = Work::Upgrade { from: String::new(), state: String::new() };
    for row in wait.list("config_appliances")? {
        let (name, release) = (text(&row, "appliance_name"), text(&row, "release"));
        if name.is_empty() {
            continue;
        }
        let (state, _) = look_at(wait, name)?;
        if matches!(state.as_str(), "pending" | "downloading" | "installing") {
            let message = format!(
                "'{name}' is being upgraded, and a Manager upgrades one appliance at a time: '{wanted}' has to wait"
            );
            return Err(wait.fail(FaultKind::Refused, message));
        }
        // Right after its start an upgrade still shows what was there before.
        if let Some(Work::Upgrade { from, state: before }) =
            wait.run.begun.of(&wait.target.name, &upgrade_of(name)).as_deref()
            && *from == release
            && *before == state
        {
            let message = format!(
                "the upgrade of '{name}' was started and has not shown its end: wait_for_upgrade(\"{name}\", #{{}}) waits for it, and '{wanted}' has to wait too"
            );
            return Err(wait.fail(FaultKind::Refused, message));
        }
        if name == wanted {
            work = Work::Upgrade { from: release.to_owned(), state };
        }
    }
    Ok(work)
}

/// Waits until the upgrade of an appliance is done, and gives its release.
pub fn wait(context: &NativeCallContext<'_>, target: &Target, name: &str, options: &Map) -> Answer<Dynamic> {
    let run = RunContext::of(context)?;
    let wait = Wait::new(context, &run, target, options, "from", "the upgrade")?;
    let release = || -> Answer<Option<String>> {
        let rows = wait.list("config_appliances")?;
        Ok(rows.iter().find(|row| text(row, "appliance_name") == name).map(|row| text(row, "release").to_owned()))
    };
    let begun = run.begun.of(&target.name, &upgrade_of(name));
    let (known, old_state) = match begun.as_deref() {
        Some(Work::Upgrade { from, state }) => (Some(from.clone()), state.as_str()),
        _ => (None, ""),
    };
    let from = match (options.get("from"), known) {
        (Some(from), _) => from.to_string(),
        (None, Some(from)) => from,
        (None, None) if run.passage.is_assumed_target(&target.name) => String::new(),
        (None, None) => release()?.unwrap_or_default(),
    };
    let (mut under_way, mut lag) = (false, 0);
    let done = wait.until(|| {
        let (state, answer) = look_at(&wait, name)?;
        match state.as_str() {
            "idle" => match release()? {
                Some(now) if now != from => Ok(Look::Done(now)),
                Some(_) if under_way && lag >= LAG => {
                    let message = format!("the upgrade of '{name}' has ended, and its release is still {from}");
                    Err(wait.fail(FaultKind::Http, message))
                }
                // Right after the start nothing may have begun yet; right after the end the list may
                // not show it, or not show the appliance.
                _ => {
                    lag += u32::from(under_way);
                    Ok(Look::NotYet)
                }
            },
            // What failed before this upgrade began may still be shown.
            "error" if !under_way && old_state == "error" => Ok(Look::Doubtful(String::new())),
            "error" => Err(failure(&wait, name, &answer)),
            _ => {
                under_way = true;
                Ok(Look::Running)
            }
        }
    });
    run.begun.forget(&target.name, &upgrade_of(name));
    match done? {
        // The old failure stayed for so long that it is the new one.
        Some(release) if release.is_empty() => Err(failure(&wait, name, &Json::from(old_state))),
        Some(release) => Ok(release.into()),
        None => Ok(wait.assumed().into()),
    }
}

fn failure(wait: &Wait<'_>, name: &str, said: &Json) -> Box<rhai::EvalAltResult> {
    wait.fail(FaultKind::Http, format!("the upgrade of '{name}' failed: {said}"))
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
