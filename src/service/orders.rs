//! From a firing to an order: the playbook, its parameters with the event's values, its rights.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::door::Halt;
use crate::door::policy::NoTerminal;
use crate::journal::{code_map, decode_map};
use crate::run::params::{Given, from_toml, resolve};
use crate::run::{Cause, Intent, Order, Playbook, Project, Within};
use crate::trigger::{Firing, ScheduleDefinition, Triggers, WatchDefinition};
use crate::value::{Map, Value};

/// The triggers of a project, checked.
///
/// # Errors
/// One sentence for each trigger that cannot be.
pub fn definitions(project: &Project) -> Result<(Vec<ScheduleDefinition>, Vec<WatchDefinition>), Vec<String>> {
    let (mut schedules, mut watches, mut mistakes) = (Vec::new(), Vec::new(), Vec::new());
    for (name, config) in &project.config.schedules {
        match ScheduleDefinition::new(name, config) {
            Ok(schedule) => schedules.push(schedule),
            Err(error) => mistakes.push(format!("[schedules.{name}] {error}")),
        }
    }
    for (name, config) in &project.config.watches {
        match WatchDefinition::new(name, config, &project.config.folder) {
            Ok(watch) => watches.push(watch),
            Err(error) => mistakes.push(format!("[watches.{name}] {error}")),
        }
    }
    if mistakes.is_empty() { Ok((schedules, watches)) } else { Err(mistakes) }
}

/// The triggers of a project, opened at `now`.
///
/// # Errors
/// As [`definitions`], and what the database refuses.
pub(super) fn triggers(project: &Project, now: Timestamp) -> Result<Triggers, Vec<String>> {
    let (schedules, watches) = definitions(project)?;
    let state = project.state().map_err(|fault| vec![fault.message])?;
    Triggers::open(state, schedules, watches, now).map_err(|error| vec![error.to_string()])
}

/// What a trigger wants run.
struct Wanted<'a> {
    playbook: &'a str,
    params: &'a toml::Table,
    destroy: bool,
    timeout: Option<Duration>,
}

/// The order of a firing.
///
/// # Errors
/// Why it cannot be run: the playbook is missing, or its parameters do not fit.
pub fn order(project: &Arc<Project>, firing: &Firing, halt: Halt) -> Result<Order, String> {
    let config = &project.config;
    let schedule = config.schedules.get(&firing.trigger).map(|schedule| Wanted {
        playbook: &schedule.playbook,
        params: &schedule.params,
        destroy: schedule.destroy,
        timeout: schedule.timeout,
    });
    let watch = config.watches.get(&firing.trigger).map(|watch| Wanted {
        playbook: &watch.playbook,
        params: &watch.params,
        destroy: watch.destroy,
        timeout: watch.timeout,
    });
    let wanted = schedule.or(watch).ok_or_else(|| format!("there is no trigger '{}' any more", firing.trigger))?;
    let event: Map = match Value::from(serde_json::Value::Object(firing.event.clone())) {
        Value::Map(map) => map,
        _ => Map::new(),
    };
    let playbook =
        Playbook::find(wanted.playbook, &config.folder, &config.folder).map_err(|error| error.to_string())?;
    let mut given: BTreeMap<String, Vec<Given>> = BTreeMap::new();
    let by_hand = firing.params.clone().map(|params| decode_map(params, &*project.secret_supply()));
    let by_hand = by_hand.unwrap_or_default();
    for (name, value) in wanted.params.iter().filter(|(name, _)| !by_hand.contains_key(name.as_str())) {
        given.insert(name.clone(), vec![Given::Typed(with_event(from_toml(value), &event)?)]);
    }
    given.extend(by_hand.into_iter().map(|(name, value)| (name, vec![Given::Typed(value)])));
    let within = Within { project, folder: &config.folder };
    let params = resolve(&playbook.header, &given, &within).map_err(|mistakes| mistakes.join("; "))?;
    let one = event.get("path").into_iter();
    let many = event.get("paths").and_then(Value::as_list).into_iter().flatten();
    let event_files = one.chain(many).filter_map(Value::as_text).map(PathBuf::from).collect();
    Ok(Order {
        playbook,
        params,
        event,
        event_files,
        cause: Cause::Trigger(firing.trigger.clone()),
        intent: Intent::Live,
        allow_destroy: wanted.destroy,
        yes: false,
        ask: Arc::new(NoTerminal),
        timeout: wanted.timeout,
        halt,
    })
}

/// Parameters that a person gives to a firing, checked against the header of the trigger's playbook, as the
/// firing keeps them: secrets as references, texts of files as texts.
///
/// # Errors
/// The playbook is missing, or a parameter does not fit; one sentence each.
pub fn overrides(
    project: &Project,
    trigger: &str,
    given: &BTreeMap<String, Vec<Given>>,
    here: &Path,
) -> Result<Option<serde_json::Value>, String> {
    if given.is_empty() {
        return Ok(None);
    }
    let config = &project.config;
    let name = config.schedules.get(trigger).map(|schedule| &schedule.playbook);
    let name = name.or_else(|| config.watches.get(trigger).map(|watch| &watch.playbook));
    let name = name.ok_or_else(|| format!("there is no trigger '{trigger}'"))?;
    let mut playbook = Playbook::find(name, &config.folder, &config.folder).map_err(|error| error.to_string())?;
    // The others come from the configuration; whether all of them fit together is known with the order.
    for param in playbook.header.params.iter_mut().filter(|param| !given.contains_key(&param.name)) {
        (param.optional, param.default) = (true, None);
    }
    let params = resolve(&playbook.header, given, &Within { project, folder: here });
    let mut params = params.map_err(|mistakes| mistakes.join("\nerror: "))?;
    params.values.retain(|name, _| given.contains_key(name));
    Ok(Some(code_map(&params.values)))
}

/// Puts the event's values in the place of `${event.…}`. A text that is nothing else takes the
/// value as it is.
fn with_event(value: Value, event: &Map) -> Result<Value, String> {
    match value {
        Value::Text(text) => substituted(&text, event),
        Value::List(items) => {
            items.into_iter().map(|item| with_event(item, event)).collect::<Result<_, _>>().map(Value::List)
        }
        Value::Map(map) => {
            let entries = map.into_iter().map(|(name, value)| Ok((name, with_event(value, event)?)));
            entries.collect::<Result<_, String>>().map(Value::Map)
        }
        other => Ok(other),
    }
}

fn substituted(text: &str, event: &Map) -> Result<Value, String> {
    let look = |name: &str| {
        event.get(name).cloned().ok_or_else(|| {
            let names: Vec<&str> = event.keys().map(String::as_str).collect();
            format!("the event has no '{name}'. It has: {}", names.join(", "))
        })
    };
    if let Some(name) =
        text.strip_prefix("${event.").and_then(|rest| rest.strip_suffix('}')).filter(|name| !name.contains('}'))
    {
        return look(name);
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${event.") {
        let (name, after) = after.split_once('}').ok_or_else(|| format!("'{text}' has a ${{ without its }}"))?;
        out.push_str(before);
        match look(name)? {
            Value::Text(text) => out.push_str(&text),
            other => out.push_str(&other.to_json().to_string()),
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(Value::Text(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_events_values_take_their_places() {
        let event = Map::from([("path".into(), Value::from("/a b.txt")), ("size".into(), Value::Int(3))]);
        assert_eq!(substituted("${event.size}", &event), Ok(Value::Int(3)));
        assert_eq!(substituted("x ${event.path}: ${event.size}", &event), Ok(Value::from("x /a b.txt: 3")));
        assert_eq!(substituted("plain", &event), Ok(Value::from("plain")));
        assert!(substituted("${event.pth}", &event).unwrap_err().contains("path, size"));
    }
}
