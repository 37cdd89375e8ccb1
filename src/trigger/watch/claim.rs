//! Claiming files: one commit writes claim, firing and ledger; then the file is brought into the
//! work folder. What a crash left between the two is done when it is looked at again.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::File;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, params};
use serde_json::json;

use crate::config::After;
use crate::state::{State, StateError};
use crate::trigger::ledger;
use crate::trigger::watch::dispose::{Brought, bring, dispose};
use crate::trigger::watch::{Found, Refused};
use crate::trigger::{Firing, FiringKind, Missed, WatchDefinition, queue};

/// Claims ready files and queues a firing for each, in one commit.
pub(in crate::trigger) fn claim_all(
    state: &State,
    watch: &WatchDefinition,
    ready: &[Found],
    now: Timestamp,
) -> Result<Vec<Firing>, StateError> {
    state.transaction(|transaction| {
        let mut queued = Vec::new();
        for found in ready {
            let known = if watch.after() == After::Keep {
                is_known(transaction, &watch.name, &found.path, &found.identity.to_string())?
            } else {
                is_claimed(transaction, &found.path, &found.identity.to_string())?
            };
            if !known {
                queued.push(claim(transaction, state.folder(), watch, found, now)?);
            }
        }
        Ok(queued)
    })
}

pub(super) fn claim(
    connection: &Connection,
    folder: &Path,
    watch: &WatchDefinition,
    found: &Found,
    now: Timestamp,
) -> rusqlite::Result<Firing> {
    let mut firing = Firing::new(&watch.name, FiringKind::Watch, None);
    let work = folder.join("work").join(&firing.id).join(&found.name);
    firing.event.insert("path".into(), json!(work.to_string_lossy()));
    firing.event.insert("name".into(), json!(found.name));
    firing.event.insert("original".into(), json!(found.path.to_string_lossy()));
    firing.event.insert("size".into(), json!(found.identity.size));
    ledger::count_one(connection, &watch.name)?;
    ledger::queue(connection, &firing, now, now, None)?;
    connection
        .prepare_cached(
            "INSERT INTO claim (firing, name, source, work, identity, after, state)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'claimed')",
        )?
        .execute(params![
            firing.id,
            watch.name,
            found.path.as_os_str().as_bytes(),
            work.as_os_str().as_bytes(),
            found.identity.to_string(),
            after_word(watch.after()),
        ])?;
    if watch.after() == After::Keep {
        remember(connection, &watch.name, &found.path, &found.identity.to_string())?;
    }
    Ok(firing)
}

/// Writes files that are refused into the ledger, each once; answers with those that were not there yet.
pub(in crate::trigger) fn refuse_all(
    state: &State,
    name: &str,
    refused: &[Refused],
    now: Timestamp,
) -> Result<Vec<Missed>, StateError> {
    if refused.is_empty() {
        return Ok(Vec::new());
    }
    state.transaction(|transaction| {
        let mut missed = Vec::new();
        for file in refused {
            let identity = file.identity.to_string();
            if !is_known(transaction, name, &file.path, &identity)? {
                remember(transaction, name, &file.path, &identity)?;
                let reason = format!("{} was not taken: {}", file.path.display(), file.reason);
                ledger::skip_file(transaction, name, now, &reason)?;
                missed.push(Missed::one(name, now, &reason));
            }
        }
        Ok(missed)
    })
}

/// Brings every claimed file into the work folder; answers with what went wrong.
pub(in crate::trigger) fn bring_all(state: &State, all: bool) -> Result<Vec<String>, StateError> {
    let mut problems = Vec::new();
    // After a power loss the move may be lost although the database knows it as done.
    let which = if all {
        "state IN ('claimed', 'taken') AND NOT EXISTS
            (SELECT 1 FROM firing WHERE firing.id = claim.firing AND outcome = 'succeeded')"
    } else {
        "state = 'claimed'"
    };
    let (mut taken, mut lost) = (Vec::new(), Vec::new());
    let mut folders = BTreeSet::new();
    for claim in claims(state, which)? {
        match bring(&claim.source, &claim.work, &claim.identity, claim.after) {
            Ok(Brought::Taken) => {
                folders.extend(claim.source.parent().map(Path::to_owned));
                taken.push(claim.firing);
            }
            Ok(Brought::Gone(why)) => {
                problems.push(format!("watches.{}: {} was not taken: {why}", claim.name, claim.source.display()));
                lost.push((claim.firing, format!("{} was not taken: {why}", claim.source.display())));
            }
            Err(error) => {
                let shown = claim.source.display();
                problems.push(format!("watches.{}: {shown} cannot be moved into the work folder: {error}", claim.name));
            }
        }
    }
    if taken.is_empty() && lost.is_empty() {
        return Ok(problems);
    }
    // A rename is whole or not there, but only this makes it last: a file that a power loss put
    // back after its run would run again.
    for folder in &folders {
        if let Err(error) = File::open(folder).and_then(|folder| folder.sync_all()) {
            problems.push(format!("{} cannot be synced to the disk: {error}", folder.display()));
        }
    }
    state.transaction(|transaction| {
        let mut set = transaction.prepare_cached("UPDATE claim SET state = ?2 WHERE firing = ?1")?;
        for firing in &taken {
            set.execute(params![firing, "taken"])?;
        }
        for (firing, reason) in &lost {
            set.execute(params![firing, "lost"])?;
            queue::drop_queued(transaction, firing, reason)?;
        }
        Ok(())
    })?;
    Ok(problems)
}

/// Archives, deletes or leaves the files of runs that have succeeded; answers with what went wrong.
pub(in crate::trigger) fn dispose_all(state: &State) -> Result<Vec<String>, StateError> {
    let which = "state = 'taken' AND EXISTS
        (SELECT 1 FROM firing WHERE firing.id = claim.firing AND outcome = 'succeeded')";
    let mut problems = Vec::new();
    for claim in claims(state, which)? {
        match dispose(&claim.source, &claim.work, claim.after) {
            Ok(()) => {
                state.with(|connection| {
                    connection.execute("UPDATE claim SET state = 'settled' WHERE firing = ?1", [&claim.firing])
                })?;
            }
            Err(error) => {
                let shown = claim.work.display();
                problems.push(format!("watches.{}: {shown} cannot be put away: {error}", claim.name));
            }
        }
    }
    Ok(problems)
}

struct Claim {
    firing: String,
    name: String,
    source: PathBuf,
    work: PathBuf,
    identity: String,
    after: After,
}

fn claims(state: &State, which: &str) -> Result<Vec<Claim>, StateError> {
    let path = |bytes: Vec<u8>| PathBuf::from(OsString::from_vec(bytes));
    state.with(|connection| {
        connection
            .prepare_cached(&format!("SELECT firing, name, source, work, identity, after FROM claim WHERE {which}"))?
            .query_map([], |row| {
                let after: String = row.get(5)?;
                Ok(Claim {
                    firing: row.get(0)?,
                    name: row.get(1)?,
                    source: path(row.get(2)?),
                    work: path(row.get(3)?),
                    identity: row.get(4)?,
                    after: match after.as_str() {
                        "archive" => After::Archive,
                        "delete" => After::Delete,
                        _ => After::Keep,
                    },
                })
            })?
            .collect()
    })
}

fn after_word(after: After) -> &'static str {
    match after {
        After::Archive => "archive",
        After::Delete => "delete",
        After::Keep => "keep",
    }
}

fn is_claimed(connection: &Connection, path: &Path, identity: &str) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM claim WHERE state = 'claimed' AND source = ?1 AND identity = ?2)",
        )?
        .query_row(params![path.as_os_str().as_bytes(), identity], |row| row.get(0))
}

fn is_known(connection: &Connection, name: &str, path: &Path, identity: &str) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM known_file WHERE name = ?1 AND path = ?2 AND identity = ?3)")?
        .query_row(params![name, path.as_os_str().as_bytes(), identity], |row| row.get(0))
}

fn remember(connection: &Connection, name: &str, path: &Path, identity: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO known_file (name, path, identity) VALUES (?1, ?2, ?3)")?
        .execute(params![name, path.as_os_str().as_bytes(), identity])
        .map(|_| ())
}
