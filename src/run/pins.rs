//! An order as the journal keeps it, so that a resume or a replay has the same one.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::catalog::Catalog;
use crate::config::Caller;
use crate::door::Halt;
use crate::door::policy::Ask;
use crate::journal::{SecretOf, code_map, decode_map};
use crate::run::execute::{Cause, Order};
use crate::run::intent::Intent;
use crate::run::params::Params;
use crate::run::plan::PlanFile;
use crate::run::playbook::Playbook;

/// What an order is pinned to, beside its texts.
pub fn write(order: &Order) -> Json {
    let caller = Caller::of_process();
    let paths = |paths: &[PathBuf]| -> Json { paths.iter().map(|path| path.to_string_lossy().into_owned()).collect() };
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "playbook": order.playbook.name,
        "folder": order.playbook.folder.as_ref().map(|folder| folder.to_string_lossy()),
        "params": code_map(&order.params.values),
        "files": paths(&order.params.files),
        "targets": order.params.targets,
        "event": code_map(&order.event),
        "event_files": paths(&order.event_files),
        "cause": match &order.cause {
            Cause::Command => json!("command"),
            Cause::Prompt => json!("prompt"),
            Cause::Trigger(name) => json!({ "trigger": name }),
        },
        "intent": match &order.intent {
            Intent::Live => json!("live"),
            Intent::Dry => json!("dry"),
            Intent::Plan => json!("plan"),
            Intent::Apply(plan) => json!({ "apply": plan.text() }),
        },
        "allow_destroy": order.allow_destroy,
        "timeout": order.timeout.map(|timeout| timeout.as_secs_f64()),
        "user": caller.user,
        "host": caller.host,
        "terminal": caller.terminal,
    })
}

/// What a person decides anew when a run goes on.
pub struct Now {
    /// Whoever answers questions.
    pub ask: Arc<dyn Ask>,
    /// Whether questions are answered yes.
    pub yes: bool,
    /// Whether `destroy` is added to the rights.
    pub allow_destroy: bool,
    /// How long the run may take from now on, if not what is left of its time.
    pub timeout: Option<Duration>,
    /// What ends it.
    pub halt: Halt,
}

/// The order that [`write()`] wrote.
///
/// # Errors
/// What is damaged.
pub fn read(
    pinned: &mut Json,
    text: String,
    catalog: &Catalog,
    secret: SecretOf<'_>,
    now: Now,
) -> Result<Order, String> {
    let text_of = |name: &str| pinned.get(name).and_then(Json::as_str).map(str::to_owned);
    let paths = |name: &str| -> Vec<PathBuf> { list(pinned, name).into_iter().map(PathBuf::from).collect() };
    let flag = |name: &str| pinned.get(name).and_then(Json::as_bool).unwrap_or_default();
    let name = text_of("playbook").ok_or("the run's record names no playbook")?;
    let folder = text_of("folder").map(PathBuf::from);
    let cause = match pinned.get("cause") {
        Some(Json::String(word)) if word == "prompt" => Cause::Prompt,
        Some(Json::Object(map)) => {
            Cause::Trigger(map.get("trigger").and_then(Json::as_str).unwrap_or_default().to_owned())
        }
        _ => Cause::Command,
    };
    let (files, event_files, targets) = (paths("files"), paths("event_files"), list(pinned, "targets"));
    let allow_destroy = flag("allow_destroy");
    let intent = match pinned.get("intent") {
        Some(Json::String(word)) if word == "dry" => Intent::Dry,
        Some(Json::String(word)) if word == "plan" => Intent::Plan,
        Some(Json::Object(map)) => {
            let text = map.get("apply").and_then(Json::as_str).unwrap_or_default().to_owned();
            let plan = PlanFile::of_text(Path::new("the run's plan"), text, catalog);
            Intent::Apply(Arc::new(plan.map_err(|error| error.to_string())?))
        }
        _ => Intent::Live,
    };
    let timeout =
        pinned.get("timeout").and_then(Json::as_f64).and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let mut take = |name: &str| pinned.get_mut(name).map(Json::take).unwrap_or_default();
    let (params, event) = (take("params"), take("event"));
    Ok(Order {
        playbook: Playbook::of(&name, text, folder).map_err(|error| error.to_string())?,
        params: Params { values: decode_map(params, secret), files, targets },
        event: decode_map(event, secret),
        event_files,
        cause,
        intent,
        allow_destroy: allow_destroy || now.allow_destroy,
        yes: now.yes,
        ask: now.ask,
        timeout: now.timeout.or(timeout),
        halt: now.halt,
    })
}

fn list(pinned: &Json, name: &str) -> Vec<String> {
    let items = pinned.get(name).and_then(Json::as_array).into_iter().flatten();
    items.filter_map(Json::as_str).map(str::to_owned).collect()
}
