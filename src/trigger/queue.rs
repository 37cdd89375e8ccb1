//! The life of a firing once it is queued: taken for a run, started, ended; or skipped after all.
//!
//! `queued` becomes `started`, with the id of its run, when the service asks for work, and `ended` with the
//! run. What is `started` when a service dies is queued again if no run of that id has begun: so a firing
//! never has two runs, and is never without one.

use std::collections::HashSet;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use crate::config::Overlap;
use crate::id;
use crate::trigger::decide::Why;
use crate::trigger::ledger::{self, micros};
use crate::trigger::{Firing, FiringKind, Missed, Outcome};

/// The rule of a trigger for firings that wait; none if it is not configured any more.
pub(super) type OverlapOf<'a> = dyn Fn(&str) -> Option<Overlap> + 'a;

/// Takes up to `limit` firings that may start now, in order of time and name, and gives them the ids
/// of their runs. A watch with
/// `overlap = "skip"` has its files wait: a file is not skipped because another is being dealt with.
pub(super) fn take(
    connection: &Connection,
    now: Timestamp,
    limit: usize,
    overlap_of: &OverlapOf<'_>,
) -> rusqlite::Result<Vec<Firing>> {
    expire(connection, now)?;
    let mut running = names(connection, "started")?;
    // A file that has not reached the work folder yet is not ready for its run.
    let mut statement = connection.prepare_cached(
        "SELECT id, name, kind, due, event FROM firing
         WHERE state = 'queued' AND not_before <= ?1
            AND NOT EXISTS (SELECT 1 FROM claim WHERE claim.firing = firing.id AND claim.state = 'claimed')
         ORDER BY not_before, name, sequence",
    )?;
    let mut rows = statement.query([micros(now)])?;
    let (mut taken, mut removed) = (Vec::new(), Vec::new());
    while taken.len() < limit
        && let Some(row) = rows.next()?
    {
        let name: String = row.get(1)?;
        match overlap_of(&name) {
            Some(Overlap::Parallel) => taken.push(ledger::firing(row)?),
            Some(_) => {
                if running.insert(name) {
                    taken.push(ledger::firing(row)?);
                }
            }
            // The file of a watch that is gone waits for it to come back.
            None if row.get_ref(2)?.as_str()? == FiringKind::Watch.name() => {}
            None => removed.push(row.get::<_, String>(0)?),
        }
    }
    drop(rows);
    for firing in &mut taken {
        if let Some(due) = firing.due {
            firing.event.insert("late".into(), now.duration_since(due).as_secs().max(0).into());
        }
        let run = id::new_run();
        start(connection, firing, &run, now)?;
        firing.run = Some(run);
    }
    removed.iter().try_for_each(|id| drop_queued(connection, id, Why::Removed.reason()))?;
    Ok(taken)
}

/// Skips the firings that are later than their windows allow.
pub(super) fn expire(connection: &Connection, now: Timestamp) -> rusqlite::Result<Vec<Missed>> {
    let mut late = connection.prepare_cached(
        "SELECT id, name, not_before FROM firing WHERE state = 'queued' AND not_before <= ?1 AND expires < ?1",
    )?;
    let late: Vec<(String, String, i64)> = late
        .query_map([micros(now)], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let why = Why::Window.reason();
    late.iter().try_for_each(|(id, ..)| drop_queued(connection, id, why))?;
    Ok(late.iter().map(|(_, name, at)| Missed::one(name, ledger::instant(*at), why)).collect())
}

/// How many firings wait for their runs.
pub(super) fn length(connection: &Connection) -> rusqlite::Result<u64> {
    let mut count = connection.prepare_cached("SELECT count(*) FROM firing WHERE state = 'queued'")?;
    count.query_row([], |row| row.get::<_, i64>(0)).map(i64::unsigned_abs)
}

fn names(connection: &Connection, state: &str) -> rusqlite::Result<HashSet<String>> {
    connection
        .prepare_cached("SELECT DISTINCT name FROM firing WHERE state = ?1")?
        .query_map([state], |row| row.get(0))?
        .collect()
}

fn start(connection: &Connection, firing: &Firing, run: &str, now: Timestamp) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE firing SET state = 'started', event = ?2, run = ?3, started = ?4 WHERE id = ?1")?
        .execute(params![firing.id, serde_json::Value::Object(firing.event.clone()).to_string(), run, micros(now)])?;
    ledger::settle_started(connection, &firing.id, now)
}

/// Skips a firing whose run has not begun.
pub(super) fn drop_queued(connection: &Connection, id: &str, reason: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE firing SET state = 'skipped' WHERE id = ?1 AND state IN ('queued', 'started')")?
        .execute([id])?;
    ledger::settle_skipped(connection, id, reason)
}

/// Skips all firings of a schedule that are still queued.
pub(super) fn supersede(connection: &Connection, name: &str) -> rusqlite::Result<()> {
    let mut statement = connection
        .prepare_cached("SELECT id FROM firing WHERE name = ?1 AND state = 'queued' AND kind = 'schedule'")?;
    let old: Vec<String> = statement.query_map([name], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    old.iter().try_for_each(|id| drop_queued(connection, id, Why::Superseded.reason()))
}

/// The run of a firing has ended; a resumed one may end again.
pub(super) fn ended(connection: &Connection, id: &str, outcome: Outcome, now: Timestamp) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE firing SET state = 'ended', outcome = ?2, ended = ?3 WHERE id = ?1")?
        .execute(params![id, outcome.name(), micros(now)])
        .map(|_| ())
}

/// Queues a firing again whose run never began.
pub(super) fn put_back(connection: &Connection, id: &str) -> rusqlite::Result<()> {
    connection.prepare_cached("UPDATE firing SET state = 'queued', run = NULL WHERE id = ?1")?.execute([id])?;
    ledger::unsettle(connection, id)
}

/// Lets firings start now that would wait until after `latest`.
pub(super) fn hasten(connection: &Connection, now: Timestamp, latest: Timestamp) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE firing SET not_before = ?1 WHERE state = 'queued' AND not_before > ?2")?
        .execute(params![micros(now), micros(latest)])
        .map(|_| ())
}

/// Firings whose run has started and not ended.
pub(super) fn unended(connection: &Connection) -> rusqlite::Result<Vec<Firing>> {
    with_run(connection, "started")
}

fn with_run(connection: &Connection, state: &str) -> rusqlite::Result<Vec<Firing>> {
    connection
        .prepare_cached("SELECT id, name, kind, due, event, run FROM firing WHERE state = ?1 ORDER BY sequence")?
        .query_map([state], |row| Ok(Firing { run: row.get(5)?, ..ledger::firing(row)? }))?
        .collect()
}

/// The earliest time at which a queued firing may start that may not start yet.
pub(super) fn next_start(connection: &Connection, now: Timestamp) -> rusqlite::Result<Option<Timestamp>> {
    connection
        .prepare_cached("SELECT min(not_before) FROM firing WHERE state = 'queued' AND not_before > ?1")?
        .query_row([micros(now)], |row| row.get::<_, Option<i64>>(0))
        .optional()
        .map(|found| found.flatten().map(ledger::instant))
}

/// The triggers of which a firing may start, as far as time goes.
pub(super) fn waiting(connection: &Connection, now: Timestamp) -> rusqlite::Result<HashSet<String>> {
    connection
        .prepare_cached("SELECT DISTINCT name FROM firing WHERE state = 'queued' AND not_before <= ?1")?
        .query_map([micros(now)], |row| row.get(0))?
        .collect()
}
