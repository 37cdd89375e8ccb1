//! Handing a file to a watch: what a person does who wants a run for a file that lies somewhere else. The
//! file stays where it is; the run gets a copy.

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use rusqlite::params;
use serde_json::Value;

use crate::config::{After, WatchConfig};
use crate::identity::Identity;
use crate::state::State;
use crate::trigger::watch::claim::claim;
use crate::trigger::watch::{Found, bring_all};
use crate::trigger::{Firing, TriggerError, WatchDefinition};

/// Claims a copy of `path` and queues a firing for it; `params` come before the configured ones.
pub(in crate::trigger) fn hand(
    state: &State,
    watch: &WatchDefinition,
    path: &Path,
    params: Option<&Value>,
    now: Timestamp,
) -> Result<Firing, TriggerError> {
    let refused = |cause: String| TriggerError::File { path: path.to_owned(), cause };
    let path = path.canonicalize().map_err(|error| refused(error.to_string()))?;
    let metadata = fs::metadata(&path).map_err(|error| refused(error.to_string()))?;
    if !metadata.is_file() {
        return Err(refused("it is not a regular file".into()));
    }
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| refused("its name is not UTF-8: rename it".into()))?.to_owned();
    let found = Found { path: path.clone(), name, identity: Identity::from(&metadata), depth: 0 };
    let config = WatchConfig { after: Some(After::Keep), ..watch.config.clone() };
    let keeping = WatchDefinition { config, ..watch.clone() };
    let mut firing = state.transaction(|transaction| {
        let firing = claim(transaction, state.folder(), &keeping, &[&found], now)?;
        if let Some(given) = params {
            transaction
                .execute("UPDATE firing SET params = ?2 WHERE id = ?1", params![firing.id, given.to_string()])?;
        }
        Ok(firing)
    })?;
    firing.params = params.cloned();
    let problems = bring_all(state, Some(&watch.name))?;
    let waits = "SELECT EXISTS (SELECT 1 FROM claim WHERE firing = ?1 AND state <> 'taken')";
    let waits: bool = state.with(|connection| connection.query_row(waits, [&firing.id], |row| row.get(0)))?;
    if waits { Err(refused(problems.join("; "))) } else { Ok(firing) }
}
