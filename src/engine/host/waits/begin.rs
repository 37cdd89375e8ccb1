//! What happens before a call that begins long work, and after one that did not begin any.

use std::sync::MutexGuard;

use rhai::{EvalAltResult, Map, NativeCallContext};

use super::begun::{BACKUP, Work, configuration_of, upgrade_of};
use super::wait::{Answer, Wait};
use super::{configuration, upgrade};
use crate::catalog::Row;
use crate::engine::context::RunContext;
use crate::engine::types::Target;
use crate::value::{Map as Args, Value};

/// Whether a call begins long work.
pub fn is_long(row: &Row) -> bool {
    row.vendor == "spectra" && (matches!(row.name, "upgrade_start" | "backup_create") || applies(row))
}

/// Whether a call applies the configuration of a group.
fn applies(row: &Row) -> bool {
    matches!(row.name, "config_group_apply" | "config_group_apply_patch" | "hub_group_apply" | "hub_group_apply_put")
}

/// Looks at what is there before a call that begins long work, and remembers it. The turn that it
/// may give is held until the call has been answered.
///
/// # Errors
/// `refused`, for a second upgrade at one Manager.
pub fn begins<'run>(
    context: &NativeCallContext<'_>,
    run: &'run RunContext,
    target: &Target,
    row: &Row,
    positional: &[Value],
    args: &Args,
) -> Answer<Option<MutexGuard<'run, ()>>> {
    let wait = |what| Wait::new(context, run, target, &Map::new(), "", what);
    let named = |name: &str| args.get(name).and_then(Value::as_text);
    match row.name {
        "upgrade_start" => {
            let turn = run.begun.turn();
            if let Some(name) = named("appliance_name") {
                let work = upgrade::one_at_a_time(&wait("upgrade_start")?, name)?;
                run.begun.add(&target.name, &upgrade_of(name), work);
            }
            return Ok(Some(turn));
        }
        "backup_create" => {
            if let Some(state) = seen(wait("backup_create")?.read("backup_status", Args::new()))? {
                run.begun.add(&target.name, BACKUP, Work::Backup(state));
            }
        }
        _ if applies(row) => {
            let group = positional.first().and_then(Value::as_text);
            let names = args.get("applyconfiguration").and_then(Value::as_list).unwrap_or_default();
            let names: Vec<&str> = names.iter().filter_map(Value::as_text).collect();
            if let Some(group) = group
                && let Some(work) = seen(configuration::before(&wait(row.name)?, group, &names))?
            {
                run.begun.add(&target.name, &configuration_of(group), work);
            }
        }
        _ => {}
    }
    Ok(None)
}

/// Forgets work whose call failed: it never began.
pub fn ended(run: &RunContext, target: &Target, row: &Row, positional: &[Value], args: &Args) {
    match row.name {
        "upgrade_start" => {
            if let Some(name) = args.get("appliance_name").and_then(Value::as_text) {
                run.begun.forget(&target.name, &upgrade_of(name));
            }
        }
        "backup_create" => run.begun.forget(&target.name, BACKUP),
        _ => {
            if let Some(group) = positional.first().and_then(Value::as_text) {
                run.begun.forget(&target.name, &configuration_of(group));
            }
        }
    }
}

/// What was seen. That it could not be seen does not keep the work from beginning; the end of the run
/// does.
fn seen<T>(looked: Answer<T>) -> Answer<Option<T>> {
    match looked {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(*error, EvalAltResult::ErrorTerminated(..)) => Err(error),
        Err(_) => Ok(None),
    }
}
