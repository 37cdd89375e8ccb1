//! Claiming files: one commit writes claims, firings and ledger. What comes after it is done by the claims
//! that are written, so that a crash leaves nothing half done.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, params};
use serde_json::{Map, Value, json};

use super::claims::{after_word, is_claimed, is_known, refused_mark, remember};
use super::{Found, Refused, Scan, Sightings};
use crate::config::After;
use crate::state::{State, StateError};
use crate::trigger::{Firing, FiringKind, Missed, WatchDefinition, ledger};
use crate::written;

/// How many runs may follow each other, each started by a file of the one before.
const LONGEST_CHAIN: u64 = 8;

/// Takes out of what a scan found ready those that were dealt with before, which are passed over from now on,
/// and refuses those that runs have written.
pub(super) fn sift(
    state: &State,
    watch: &WatchDefinition,
    scan: &mut Scan,
    sightings: &mut Sightings,
) -> Result<Vec<Found>, StateError> {
    state.with(|connection| {
        let mut fresh = Vec::new();
        for mut found in std::mem::take(&mut scan.ready) {
            let identity = found.identity.to_string();
            if watch.after() == After::Keep && is_known(connection, &watch.name, &found.path, &identity)? {
                sightings.settle(&found.path, found.identity);
                continue;
            }
            if is_claimed(connection, &found.path, &identity)? {
                continue;
            }
            let Some(written) = written::find(connection, &found.path, &found.identity)? else {
                fresh.push(found);
                continue;
            };
            found.depth = written.depth + 1;
            let run = written.run;
            let reason = match watch.config.chain {
                true if found.depth <= LONGEST_CHAIN => {
                    fresh.push(found);
                    continue;
                }
                true => format!("run {run} wrote it, the last of a chain of {LONGEST_CHAIN} that started each other"),
                false => format!("run {run} wrote it, and files of runs start others only with chain = true"),
            };
            scan.refused.push(Refused { path: found.path, identity: found.identity, reason: reason.into() });
        }
        Ok(fresh)
    })
}

/// Claims ready files and queues a firing for each group of them, in one commit.
pub(super) fn claim_all(
    state: &State,
    watch: &WatchDefinition,
    groups: &[&[Found]],
    now: Timestamp,
) -> Result<Vec<Firing>, StateError> {
    state.transaction(|transaction| {
        let mut queued = Vec::new();
        for files in groups {
            // After a reload an earlier search may still have been under way when these were found.
            let mut new = Vec::new();
            for found in *files {
                let identity = found.identity.to_string();
                let known = is_claimed(transaction, &found.path, &identity)?
                    || watch.keeps() && is_known(transaction, &watch.name, &found.path, &identity)?;
                new.extend((!known).then_some(found));
            }
            if !new.is_empty() {
                queued.push(claim(transaction, state.folder(), watch, &new, now)?);
            }
        }
        Ok(queued)
    })
}

pub(super) fn claim(
    connection: &Connection,
    folder: &Path,
    watch: &WatchDefinition,
    files: &[&Found],
    now: Timestamp,
) -> rusqlite::Result<Firing> {
    let mut firing = Firing::new(&watch.name, FiringKind::Watch, None);
    let place = folder.join("work").join(&firing.id);
    let mut described = Vec::new();
    for (number, found) in files.iter().enumerate() {
        // Files of several folders may have one name.
        let work = if watch.config.collect.is_some() {
            place.join(number.to_string()).join(&found.name)
        } else {
            place.join(&found.name)
        };
        described.push(facts(found, &work));
        insert(connection, watch, &firing.id, number, found, &work)?;
        if watch.after() == After::Keep {
            remember(connection, &watch.name, &found.path, &found.identity.to_string())?;
        }
    }
    if watch.config.collect.is_some() {
        let paths: Vec<Value> = described.iter().filter_map(|file| file.get("path").cloned()).collect();
        firing.event.insert("paths".into(), paths.into());
        firing.event.insert("files".into(), described.into_iter().map(Value::Object).collect());
    } else {
        firing.event.extend(described.into_iter().flatten());
    }
    // So that a chain of runs, each started by a file of the one before, has an end.
    let depth = files.iter().map(|found| found.depth).max().unwrap_or(0);
    if depth > 0 {
        firing.event.insert("depth".into(), json!(depth));
    }
    ledger::queue_files(connection, &firing, files.len(), now)?;
    Ok(firing)
}

/// What an event says of a file.
fn facts(found: &Found, work: &Path) -> Map<String, Value> {
    let mut facts = Map::new();
    facts.insert("path".into(), json!(work.to_string_lossy()));
    facts.insert("name".into(), json!(found.name));
    facts.insert("original".into(), json!(found.path.to_string_lossy()));
    facts.insert("size".into(), json!(found.identity.size));
    facts.insert("mtime".into(), json!(found.identity.modified().map(|at| at.to_string())));
    facts
}

fn insert(
    connection: &Connection,
    watch: &WatchDefinition,
    firing: &str,
    number: usize,
    found: &Found,
    work: &Path,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO claim (firing, number, name, source, work, identity, after, state, remember)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'claimed', ?8)",
        )?
        .execute(params![
            firing,
            i64::try_from(number).unwrap_or(i64::MAX),
            watch.name,
            found.path.as_os_str().as_bytes(),
            work.as_os_str().as_bytes(),
            found.identity.to_string(),
            after_word(watch.after()),
            watch.config.dedupe.map(|dedupe| i64::try_from(dedupe.as_micros()).unwrap_or(i64::MAX)),
        ])
        .map(|_| ())
}

/// Writes files that are refused into the ledger, each once; answers with those that were not there yet.
pub(super) fn refuse_all(
    state: &State,
    name: &str,
    refused: &[Refused],
    now: Timestamp,
) -> Result<Vec<Missed>, StateError> {
    if refused.is_empty() {
        return Ok(Vec::new());
    }
    let mark = |file: &Refused| refused_mark(&file.identity);
    let new = state.with(|connection| {
        let mut new = Vec::new();
        for file in refused {
            if !is_known(connection, name, &file.path, &mark(file))? {
                new.push(file);
            }
        }
        Ok(new)
    })?;
    if new.is_empty() {
        return Ok(Vec::new());
    }
    state.transaction(|transaction| {
        let mut missed = Vec::new();
        for file in new {
            remember(transaction, name, &file.path, &mark(file))?;
            let reason = format!("{} was not taken: {}", file.path.display(), file.reason);
            ledger::skip_file(transaction, name, now, &reason)?;
            missed.push(Missed::one(name, now, &reason));
        }
        Ok(missed)
    })
}
