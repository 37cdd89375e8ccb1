//! A run from production as a test: its export is executed offline through the script of today.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use serde_json::Value as Json;
use tokio::runtime::Handle;

use super::retold::Retold;
use super::shown::Shown;
use super::suite::{Failed, Tested};
use crate::catalog::Catalog;
use crate::config::{Config, Environment};
use crate::door::Halt;
use crate::door::policy::NoTerminal;
use crate::journal::{code, decode_map};
use crate::run::history::{Document, RunHistory};
use crate::run::params::Params;
use crate::run::{Cause, Ending, Intent, Listener, Order, Playbook, Project, retell};
use crate::secret::Secret;

/// What an export is tried with.
pub struct Replay<'a> {
    /// The folder of the project whose script of today is executed.
    pub project: &'a Path,
    /// The folder that names of files start from.
    pub here: &'a Path,
    /// Runs what waits.
    pub runtime: Handle,
    /// Ends it.
    pub halt: Halt,
}

/// Executes an export, and tells where the script of today asks for something else, or gives something else.
///
/// # Errors
/// The file is no export that can be replayed.
pub fn replay_export(file: &Path, replay: &Replay<'_>) -> Result<Tested, String> {
    let name = file.strip_prefix(replay.here).unwrap_or(file).display().to_string();
    let text = std::fs::read_to_string(file).map_err(|error| format!("{name}: {error}"))?;
    let document: Document =
        serde_json::from_str(&text).map_err(|error| format!("{name} is no export of a run: {error}"))?;
    let run = document.run;
    if !matches!(run.mode.as_str(), "live" | "dry" | "apply") {
        return Err(format!("{name} is the export of a run of mode '{}', which has no script of its own", run.mode));
    }
    if run.pruned.is_some() {
        return Err(format!("{name}: the answers of the run were dropped before it was exported"));
    }
    let begun = Instant::now();
    let failed = executed(&run, replay).err();
    Ok(Tested { file: name, test: run.playbook.clone(), line: 1, failed, elapsed: begun.elapsed() })
}

fn executed(run: &RunHistory, replay: &Replay<'_>) -> Result<(), Failed> {
    let plain = |message: String| Failed { report: format!("error: {message}"), message, out: String::new() };
    let playbook =
        Playbook::find(&run.playbook, replay.here, replay.project).map_err(|error| plain(error.to_string()))?;
    let folder = tempfile::Builder::new().prefix("beadle-replay-").tempdir();
    let folder = folder.map_err(|error| plain(format!("no folder can be had for the replay: {error}")))?;
    // Nothing of the project but its script: what its appliances said stands in the export.
    let config = Config::none(folder.path(), &Environment::default());
    let project = Project::new(config, Catalog::builtin(), replay.runtime.clone()).map_err(plain)?;
    let secret = |reference: &str| Secret::new(reference, "");
    let order = Order {
        playbook,
        params: Params { values: decode_map(run.params.clone(), &secret), ..Params::default() },
        event: decode_map(run.event.clone(), &secret),
        event_files: Vec::new(),
        cause: Cause::Command,
        intent: if run.mode == "dry" { Intent::Dry } else { Intent::Live },
        // What was allowed then is answered by what came of it.
        allow_destroy: true,
        yes: true,
        ask: Arc::new(NoTerminal),
        timeout: None,
        halt: replay.halt.clone(),
    };
    let told = Arc::new(Retold::of(run, replay.project.to_owned()));
    let shown = Arc::new(Shown::default());
    let listener = Arc::clone(&shown) as Arc<dyn Listener>;
    let ending =
        retell(&project, run.id.clone(), order, Arc::clone(&told) as Arc<dyn crate::door::Recorder>, &listener);
    let with = |mut failed: Failed| {
        failed.out = shown.text();
        failed
    };
    compared(run, &ending, &told).map_err(|failed| with(failed.unwrap_or_else(plain)))
}

/// What differs between a run and its replay: an error of the script with its place, or words.
fn compared(run: &RunHistory, ending: &Ending, told: &Retold) -> Result<(), Result<Failed, String>> {
    let then = run.outcome.as_deref().unwrap_or("running");
    let now = ending.outcome.name();
    let same = then == now && run.error.is_some() == ending.error.is_some();
    if let Some(error) = ending.error.as_ref().filter(|_| !same) {
        return Err(Ok(Failed { message: error.message.clone(), report: error.report.clone(), out: String::new() }));
    }
    if !same {
        return Err(Err(format!("the run ended as {then}, and now it ends as {now}")));
    }
    if let Some(left) = told.left() {
        return Err(Err(left));
    }
    let value = ending.value.as_ref().map(code).unwrap_or(Json::Null);
    if !run.value.is_null() && !super::retold::is_same(&run.value, &value) {
        return Err(Err(format!("the value was {}, and now it is {value}", run.value)));
    }
    Ok(())
}
