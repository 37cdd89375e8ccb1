//! The files that runs have written, by what they are: a watch that finds one of them knows whose it is.
//!
//! It is written before the file appears, so that nobody finds a file that is not known yet.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use crate::identity::Identity;
use crate::state::{State, StateError};

/// How much earlier than it is a file system may say that a file was changed: its clock has steps.
const STEP: SignedDuration = SignedDuration::from_secs(1);

/// A file that a run has written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The run.
    pub run: String,
    /// How many runs came before it, each started by a file of the one before.
    pub depth: u64,
}

/// A run is about to write a file.
///
/// # Errors
/// What the database refuses: the file must not be written then.
pub fn begin(state: &State, path: &Path, written: &Written, now: Timestamp) -> Result<(), StateError> {
    state.transaction_in_passing(|transaction| {
        transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO written (path, identity, run, depth, at) VALUES (?1, NULL, ?2, ?3, ?4)",
            )?
            .execute(params![
                path.as_os_str().as_bytes(),
                written.run,
                i64::try_from(written.depth).unwrap_or(i64::MAX),
                now.as_microsecond()
            ])
            .map(|_| ())
    })
}

/// The file is written, or it failed: from now on only what stands there now is known as the run's.
///
/// # Errors
/// What the database refuses.
pub fn end(state: &State, path: &Path) -> Result<(), StateError> {
    let identity = std::fs::symlink_metadata(path).ok().map(|metadata| Identity::from(&metadata));
    state.transaction_in_passing(|transaction| {
        let begun = transaction
            .prepare_cached("SELECT at FROM written WHERE path = ?1 AND identity IS NULL")?
            .query_row([path.as_os_str().as_bytes()], |row| row.get(0))
            .optional()?;
        match identity.filter(|identity| begun.is_some_and(|begun| is_since(identity, begun))) {
            Some(identity) => transaction
                .prepare_cached("UPDATE written SET identity = ?2 WHERE path = ?1")?
                .execute(params![path.as_os_str().as_bytes(), identity.to_string()]),
            None => transaction
                .prepare_cached("DELETE FROM written WHERE path = ?1 AND identity IS NULL")?
                .execute([path.as_os_str().as_bytes()]),
        }
        .map(|_| ())
    })
}

/// Who has written a file, if it was a run.
///
/// # Errors
/// What the database refuses.
pub fn find(connection: &Connection, path: &Path, identity: &Identity) -> rusqlite::Result<Option<Written>> {
    let row = connection
        .prepare_cached("SELECT identity, run, depth, at FROM written WHERE path = ?1")?
        .query_row([path.as_os_str().as_bytes()], |row| {
            let known: Option<String> = row.get(0)?;
            let written = Written { run: row.get(1)?, depth: row.get::<_, i64>(2)?.unsigned_abs() };
            Ok((known, written, row.get::<_, i64>(3)?))
        })
        .optional()?;
    Ok(row.and_then(|(known, written, begun)| {
        let is_its = match known {
            Some(known) => known == identity.to_string(),
            // It has just appeared, or the run was killed before it could say what it wrote.
            None => is_since(identity, begun),
        };
        is_its.then_some(written)
    }))
}

/// Forgets files that are not there any more, or are others by now. What was begun within the last day may
/// still appear.
///
/// # Errors
/// What the database refuses.
pub fn forget(state: &State, now: Timestamp) -> Result<(), StateError> {
    let yesterday = now.saturating_sub(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MIN).as_microsecond();
    let known: Vec<(Vec<u8>, Option<String>)> = state.with(|connection| {
        connection
            .prepare_cached("SELECT path, identity FROM written WHERE at < ?1")?
            .query_map([yesterday], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect()
    })?;
    let is_gone = |(path, identity): &(Vec<u8>, Option<String>)| {
        let present = std::fs::symlink_metadata(std::ffi::OsStr::from_bytes(path));
        present.map_or(true, |metadata| identity.as_ref() != Some(&Identity::from(&metadata).to_string()))
    };
    let gone: Vec<_> = known.into_iter().filter(is_gone).collect();
    if gone.is_empty() {
        return Ok(());
    }
    state.transaction_in_passing(|transaction| {
        let mut delete = transaction.prepare_cached("DELETE FROM written WHERE path = ?1 AND at < ?2")?;
        gone.iter().try_for_each(|(path, _)| delete.execute(params![path, yesterday]).map(|_| ()))
    })
}

fn is_since(identity: &Identity, begun: i64) -> bool {
    let begun = Timestamp::from_microsecond(begun).unwrap_or(Timestamp::MAX);
    identity.modified().is_some_and(|modified| modified >= begun.saturating_sub(STEP).unwrap_or(Timestamp::MIN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_a_runs_until_somebody_else_writes_it() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(&folder.path().join("state")).unwrap();
        let path = folder.path().join("a.txt");
        let find = || {
            let identity = Identity::from(&std::fs::metadata(&path).unwrap());
            state.with(|connection| find(connection, &path, &identity)).unwrap()
        };
        std::fs::write(&path, "a stranger's").unwrap();
        let before = Identity::from(&std::fs::metadata(&path).unwrap()).modified().unwrap();
        assert_eq!(find(), None);
        let written = Written { run: "r1".into(), depth: 2 };
        let now = before + SignedDuration::from_secs(5);
        begin(&state, &path, &written, now).unwrap();
        assert_eq!(find(), None, "what stood there before is not the run's");
        end(&state, &path).unwrap();
        assert_eq!(find(), None, "nor is it if the run could not write");
        begin(&state, &path, &written, before).unwrap();
        std::fs::write(&path, "the run's").unwrap();
        assert_eq!(find(), Some(written.clone()), "a run that is killed here");
        end(&state, &path).unwrap();
        assert_eq!(find(), Some(written.clone()));
        std::fs::write(&path, "a stranger's again").unwrap();
        assert_eq!(find(), None);
        forget(&state, before).unwrap();
        let rows = || state.with(|c| c.query_row("SELECT count(*) FROM written", [], |row| row.get::<_, i64>(0)));
        assert_eq!(rows().unwrap(), 1);
        forget(&state, now + SignedDuration::from_hours(25)).unwrap();
        assert_eq!(rows().unwrap(), 0);
    }
}
