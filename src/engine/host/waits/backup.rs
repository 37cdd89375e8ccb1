//! Waiting for a backup.

use rhai::{Dynamic, Map, NativeCallContext};
use serde_json::Value as Json;

use super::begun::{BACKUP, Work};
use super::wait::{Answer, Look, Wait, text};
use crate::engine::context::RunContext;
use crate::engine::types::Target;
use crate::engine::values;
use crate::fault::FaultKind;
use crate::value::{Map as Args, Value};

/// Whether a state says a word: in either field, for the guide contradicts itself.
fn says(state: &Json, word: &str) -> bool {
    ["status", "message"].iter().any(|field| text(state, field).eq_ignore_ascii_case(word))
}

/// Whether a state says that the backup has failed.
fn failed(state: &Json) -> bool {
    says(state, "error") && !says(state, "idle")
}

/// Waits until the backup is ready, and gives its state.
pub fn wait(context: &NativeCallContext<'_>, target: &Target, options: &Map) -> Answer<Dynamic> {
    let run = RunContext::of(context)?;
    let wait = Wait::new(context, &run, target, options, "before", "the backup")?;
    let before = match (wait.option(options, "before")?, run.begun.of(&target.name, BACKUP).as_deref()) {
        (Some(before), _) => Some(before),
        (None, Some(Work::Backup(before))) => Some(before.clone()),
        _ => None,
    };
    let old = before.as_ref().map(|before| text(before, "backup_filename").to_owned());
    let mut seen = false;
    let done = wait.until(|| {
        let state = wait.read("backup_status", Args::new())?;
        let file = text(&state, "backup_filename");
        if says(&state, "idle") {
            // No name yet: it has not begun. A backup of the same name may be the one before.
            let new = old.as_deref().is_some_and(|old| old != file);
            return Ok(match (file.is_empty(), new) {
                (true, _) => Look::NotYet,
                (false, true) => Look::Done(state),
                (false, false) => Look::Doubtful(state),
            });
        }
        if failed(&state) {
            if !seen && before.as_ref() == Some(&state) {
                return Ok(Look::Doubtful(state));
            }
            return Err(failure(&wait, &state));
        }
        seen = true;
        Ok(Look::Running)
    })?;
    run.begun.forget(&target.name, BACKUP);
    let state = match done {
        Some(state) if failed(&state) => return Err(failure(&wait, &state)),
        Some(state) => state,
        None => serde_json::json!({ "status": "idle", "message": "idle", "backup_filename": wait.assumed() }),
    };
    Ok(values::to_dynamic(Value::from(state)))
}

fn failure(wait: &Wait<'_>, state: &Json) -> Box<rhai::EvalAltResult> {
    wait.fail(FaultKind::Http, format!("the backup failed: {} {}", text(state, "status"), text(state, "message")))
}
