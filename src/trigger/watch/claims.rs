//! The claims of files as the state database keeps them. A claim is `claimed` until its file is in the work
//! folder, `taken` until its run has ended, and `ended` until the file is put away; then its row goes, or is
//! `failed` for as long as the run may be resumed.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, Params, params};
use serde_json::Value;

use crate::config::After;
use crate::identity::Identity;
use crate::state::{State, StateError};
use crate::trigger::{ledger, queue};

/// A claim of a file.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    /// Its firing, and its number among the files of that.
    pub(super) firing: String,
    pub(super) number: i64,
    /// The watch.
    pub(super) name: String,
    /// Where the file was found.
    pub(super) source: PathBuf,
    /// Where it is during its run.
    pub(super) work: PathBuf,
    /// What it was when it was found.
    pub(super) identity: String,
    /// What becomes of it.
    pub(super) after: After,
    /// Why its run failed, if it did.
    pub(super) note: Option<String>,
    /// For how many microseconds its content is remembered; none if it need not be known.
    pub(super) remember: Option<i64>,
    /// Whether it is in the work folder already.
    pub(super) is_taken: bool,
}

/// The claims that a condition picks, in order.
pub(super) fn claims(state: &State, condition: &str, values: impl Params) -> Result<Vec<Claim>, StateError> {
    let path = |bytes: Vec<u8>| PathBuf::from(OsString::from_vec(bytes));
    state.with(|connection| {
        connection
            .prepare_cached(&format!(
                "SELECT firing, number, name, source, work, identity, after, note, remember, state FROM claim WHERE {condition}
                 ORDER BY source, firing, number"
            ))?
            .query_map(values, |row| {
                let after: String = row.get(6)?;
                Ok(Claim {
                    firing: row.get(0)?,
                    number: row.get(1)?,
                    name: row.get(2)?,
                    source: path(row.get(3)?),
                    work: path(row.get(4)?),
                    identity: row.get(5)?,
                    after: match after.as_str() {
                        "archive" => After::Archive,
                        "delete" => After::Delete,
                        _ => After::Keep,
                    },
                    note: row.get(7)?,
                    remember: row.get(8)?,
                    is_taken: row.get_ref(9)?.as_str()? != "claimed",
                })
            })?
            .collect()
    })
}

pub(super) fn after_word(after: After) -> &'static str {
    match after {
        After::Archive => "archive",
        After::Delete => "delete",
        After::Keep => "keep",
    }
}

/// Says that the file of a claim is in `failed/`, unless the run has ended otherwise meanwhile.
pub(super) fn set_failed(connection: &Connection, claim: &Claim) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE claim SET state = 'failed' WHERE firing = ?1 AND number = ?2 AND state = 'ended' AND note = ?3",
        )?
        .execute(params![claim.firing, claim.number, claim.note])
        .map(|_| ())
}

/// Says how far a claim has come.
pub(super) fn set_state(connection: &Connection, claim: &Claim, state: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE claim SET state = ?3 WHERE firing = ?1 AND number = ?2")?
        .execute(params![claim.firing, claim.number, state])
        .map(|_| ())
}

/// Forgets a claim.
pub(super) fn remove(connection: &Connection, claim: &Claim) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM claim WHERE firing = ?1 AND number = ?2")?
        .execute(params![claim.firing, claim.number])
        .map(|_| ())
}

/// The files of a firing whose run has ended, or will never begin, are to be put away; with a note into
/// `failed/`. One that is to be tried again keeps its files. Gives the name of the watch that has some.
pub(in crate::trigger) fn end(
    connection: &Connection,
    firing: &str,
    note: Option<&str>,
) -> rusqlite::Result<Option<String>> {
    if note.is_some() {
        // Put back by a person it begins anew.
        connection.prepare_cached("DELETE FROM content WHERE firing = ?1")?.execute([firing])?;
    }
    // One that has ended already is on its way to `failed/`, and has another reason now, or none.
    let mut ended = connection.prepare_cached(
        "UPDATE claim SET state = 'ended', note = ?2 WHERE firing = ?1
            AND (state IN ('taken', 'failed') OR state = 'ended' AND note IS NOT NULL)
            AND (SELECT state FROM firing WHERE id = ?1) IN ('ended', 'skipped')
         RETURNING name",
    )?;
    let mut names = ended.query_map(params![firing, note], |row| row.get(0))?;
    names.try_fold(None, |_, name| name.map(Some))
}

/// Takes one file out of a firing whose run has not begun: it is skipped. A firing without files is, too.
pub(super) fn take_out(connection: &Connection, claim: &Claim, reason: &str) -> rusqlite::Result<()> {
    let event: Option<String> = connection
        .prepare_cached("SELECT event FROM firing WHERE id = ?1 AND state = 'queued'")?
        .query_row([&claim.firing], |row| row.get(0))
        .optional()?;
    let Some(mut event) = event.and_then(|event| serde_json::from_str::<Value>(&event).ok()) else { return Ok(()) };
    let work = claim.work.to_string_lossy();
    let mut left = 0;
    for (key, path) in [("paths", ""), ("files", "/path")] {
        if let Some(items) = event.get_mut(key).and_then(Value::as_array_mut) {
            items.retain(|item| item.pointer(path).and_then(Value::as_str) != Some(&work));
            left = items.len();
        }
    }
    if left == 0 {
        return queue::drop_queued(connection, &claim.firing, reason);
    }
    connection
        .prepare_cached("UPDATE firing SET event = ?2 WHERE id = ?1")?
        .execute(params![claim.firing, event.to_string()])?;
    ledger::take_file_out(connection, &claim.firing, reason)
}

/// Whether a watch rests.
pub(super) fn is_paused(state: &State, name: &str) -> Result<bool, StateError> {
    state.with(|connection| {
        connection
            .prepare_cached("SELECT paused FROM trigger_standing WHERE name = ?1")?
            .query_row([name], |row| row.get(0))
            .optional()
            .map(Option::unwrap_or_default)
    })
}

/// Whether a file is claimed and still where it was found.
pub(super) fn is_claimed(connection: &Connection, path: &Path, identity: &str) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM claim WHERE state = 'claimed' AND source = ?1 AND identity = ?2)",
        )?
        .query_row(params![path.as_os_str().as_bytes(), identity], |row| row.get(0))
}

/// Whether a file that stays where it is was dealt with.
pub(super) fn is_known(connection: &Connection, name: &str, path: &Path, identity: &str) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM known_file WHERE name = ?1 AND path = ?2 AND identity = ?3)")?
        .query_row(params![name, path.as_os_str().as_bytes(), identity], |row| row.get(0))
}

/// Remembers a file that stays where it is.
pub(super) fn remember(connection: &Connection, name: &str, path: &Path, identity: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO known_file (name, path, identity) VALUES (?1, ?2, ?3)")?
        .execute(params![name, path.as_os_str().as_bytes(), identity])
        .map(|_| ())
}

/// What is remembered of a file that was refused: once the reason is gone it is taken.
pub(super) fn refused_mark(identity: &Identity) -> String {
    format!("refused {identity}")
}
