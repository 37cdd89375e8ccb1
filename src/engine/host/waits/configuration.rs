//! Waiting for a configuration to be applied.

use std::collections::{BTreeMap, BTreeSet};

use rhai::{Dynamic, Map, NativeCallContext};
use serde_json::Value as Json;

use super::begun::{Applied, Work, configuration_of};
use super::wait::{Answer, Look, Wait, text};
use crate::engine::context::RunContext;
use crate::engine::types::Target;
use crate::engine::values;
use crate::fault::FaultKind;
use crate::value::Value;

fn id_of(row: &Json) -> String {
    row.get("id").map(Json::to_string).unwrap_or_default()
}

fn of_group(rows: Vec<Json>, group: &str) -> Vec<Json> {
    rows.into_iter().filter(|row| text(row, "group_name") == group).collect()
}

/// How each appliance of a list stands.
fn applied(rows: &[Json]) -> BTreeMap<String, Applied> {
    let one = |row: &Json| Applied {
        status: text(row, "configuration_status").to_owned(),
        stamp: text(row, "last_applied_config_timestamp").to_owned(),
    };
    rows.iter().map(|row| (id_of(row), one(row))).collect()
}

/// What there is before a configuration is applied to appliances: the call names them, and the list
/// numbers them.
pub fn before(wait: &Wait<'_>, group: &str, names: &[&str]) -> Answer<Work> {
    let brief = wait.list("config_appliances")?;
    let ids = brief.iter().filter(|row| names.contains(&text(row, "appliance_name"))).map(id_of).collect();
    Ok(Work::Configuration { ids, before: applied(&of_group(wait.list("appliances")?, group)) })
}

/// What a look at one appliance says.
enum Stand {
    /// It has the configuration.
    Has,
    /// It shows an end that may be an old one.
    Doubtful,
    /// It shows what it showed before.
    NotYet,
    /// It is under way.
    Running,
    /// It could not take it.
    Failed,
}

/// How an appliance stands, by how it stood before and whether it has been seen under way.
fn stand(now: &Applied, before: Option<&Applied>, seen: bool) -> Stand {
    let moved = before.is_some_and(|before| before.stamp != now.stamp);
    match now.status.as_str() {
        "done" if moved || seen => Stand::Has,
        // Without a time of the last one nothing tells an old end from a new one.
        "done" if before.is_none_or(|before| before.stamp.is_empty()) => Stand::Doubtful,
        "done" => Stand::NotYet,
        "no_configuration_group" | "unsupported" => Stand::Failed,
        "error" | "mismatch" if !moved && !seen && before.is_some_and(|before| before.status == now.status) => {
            Stand::Doubtful
        }
        "error" | "mismatch" => Stand::Failed,
        _ => Stand::Running,
    }
}

/// Waits until the configuration of a group is applied, and gives the appliances of the group.
pub fn wait(context: &NativeCallContext<'_>, target: &Target, group: &str, options: &Map) -> Answer<Dynamic> {
    let run = RunContext::of(context)?;
    let wait = Wait::new(context, &run, target, options, "before", "the configuration")?;
    let begun = run.begun.of(&target.name, &configuration_of(group));
    let (ids, known) = match begun.as_deref() {
        Some(Work::Configuration { ids, before }) => (ids.clone(), before.clone()),
        _ => (BTreeSet::new(), BTreeMap::new()),
    };
    let before = match wait.option(options, "before")? {
        Some(list) => applied(list.get("results").unwrap_or(&list).as_array().map_or(&[][..], Vec::as_slice)),
        None => known,
    };
    let mut seen = BTreeSet::new();
    let mut failed = None;
    let done = wait.until(|| {
        let ours = of_group(wait.list("appliances")?, group);
        if ours.is_empty() {
            return Err(wait.fail(FaultKind::NotFound, format!("no appliance is in the group '{group}'")));
        }
        let (mut look, mut doubtful) = (None, false);
        for (id, now) in applied(&ours).iter().filter(|(id, _)| ids.is_empty() || ids.contains(*id)) {
            match stand(now, before.get(id), seen.contains(id)) {
                Stand::Has => {}
                Stand::Doubtful => {
                    doubtful = true;
                    failed = (now.status != "done").then(|| id.clone());
                }
                Stand::NotYet => look = look.or(Some(Look::NotYet)),
                Stand::Running => {
                    seen.insert(id.clone());
                    look = Some(Look::Running);
                }
                Stand::Failed => return Err(failure(&wait, &ours, id)),
            }
        }
        Ok(look.unwrap_or(if doubtful { Look::Doubtful(ours) } else { Look::Done(ours) }))
    })?;
    run.begun.forget(&target.name, &configuration_of(group));
    let rows = done.unwrap_or_else(|| {
        vec![serde_json::json!({
            "id": wait.assumed(), "group_name": group, "configuration_status": "done",
            "last_applied_config_timestamp": wait.assumed(),
        })]
    });
    // The old failure stayed for so long that it is the new one.
    if let Some(id) =
        failed.filter(|id| rows.iter().any(|row| id_of(row) == *id && text(row, "configuration_status") != "done"))
    {
        return Err(failure(&wait, &rows, &id));
    }
    Ok(values::to_dynamic(Value::List(rows.into_iter().map(Value::from).collect())))
}

fn failure(wait: &Wait<'_>, rows: &[Json], id: &str) -> Box<rhai::EvalAltResult> {
    let row = rows.iter().find(|row| id_of(row) == id).cloned().unwrap_or_default();
    let details = row.get("configuration_status_details").map(Json::to_string).unwrap_or_default();
    let state = text(&row, "configuration_status");
    wait.fail(FaultKind::Conflict, format!("appliance {id} could not take the configuration: {state} {details}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(status: &str, stamp: &str) -> Applied {
        Applied { status: status.into(), stamp: stamp.into() }
    }

    #[test]
    fn an_old_end_is_none_however_long_it_shows() {
        let old = at("done", "1");
        assert!(matches!(stand(&old, Some(&old), false), Stand::NotYet));
        assert!(matches!(stand(&at("done", "2"), Some(&old), false), Stand::Has));
        assert!(matches!(stand(&old, Some(&old), true), Stand::Has), "it has left its old end");
        assert!(matches!(stand(&at("done", ""), Some(&at("done", "")), false), Stand::Doubtful));
        assert!(matches!(stand(&old, None, false), Stand::Doubtful));
    }

    #[test]
    fn what_made_the_apply_necessary_is_not_its_failure() {
        let old = at("mismatch", "1");
        assert!(matches!(stand(&old, Some(&old), false), Stand::Doubtful));
        assert!(matches!(stand(&old, Some(&old), true), Stand::Failed));
        assert!(matches!(stand(&at("mismatch", "2"), Some(&old), false), Stand::Failed));
        assert!(matches!(stand(&at("unsupported", "1"), Some(&old), false), Stand::Failed));
        assert!(matches!(stand(&at("changes_awaiting_apply", "1"), Some(&old), false), Stand::Running));
    }
}
