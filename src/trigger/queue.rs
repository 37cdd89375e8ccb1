//! The life of a firing once it is queued: taken for a run, started, ended; or skipped after all.
//!
//! `queued` becomes `started`, with the id of its run, when the service asks for work, and `ended` with the
//! run. What is `started` when a service dies is queued again if no run of that id has begun: so a firing
//! never has two runs, and is never without one. How one that failed is
//! tried again stands in `retry`.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use crate::id;
use crate::trigger::decide::Why;
use crate::trigger::ledger::{self, micros};
use crate::trigger::{Firing, FiringKind, Missed, retry};

/// How many runs of a trigger may go at once; none if it is not configured any more.
pub(super) type PlacesOf<'a> = dyn Fn(&str) -> Option<usize> + 'a;

/// Takes up to `limit` firings that may start now, in order of time and name, and gives them the ids
/// of their runs. A watch with
/// `overlap = "skip"` has its files wait: a file is not skipped because another is being dealt with.
pub(super) fn take(
    connection: &Connection,
    now: Timestamp,
    limit: usize,
    places_of: &PlacesOf<'_>,
) -> rusqlite::Result<Vec<Firing>> {
    expire(connection, now)?;
    let mut running = running(connection)?;
    // A file that has not reached the work folder yet is not ready for its run; nor is tried again what a person
    // goes on with.
    let mut statement = connection.prepare_cached(
        "SELECT id, name, kind, due, event, params, attempts FROM firing
         WHERE state = 'queued' AND not_before <= ?1
            AND NOT EXISTS (SELECT 1 FROM claim WHERE claim.firing = firing.id AND claim.state = 'claimed')
            AND NOT EXISTS (SELECT 1 FROM by_hand WHERE by_hand.firing = firing.id AND by_hand.ended IS NULL)
         ORDER BY not_before, name, sequence",
    )?;
    let mut rows = statement.query([micros(now)])?;
    let (mut taken, mut removed) = (Vec::new(), Vec::new());
    while taken.len() < limit
        && let Some(row) = rows.next()?
    {
        let name: String = row.get(1)?;
        match places_of(&name) {
            Some(places) => {
                let going = running.entry(name).or_insert(0);
                if *going < places {
                    *going += 1;
                    let mut firing = ledger::firing(row)?;
                    firing.event.insert("attempt".into(), (row.get::<_, u32>(6)? + 1).into());
                    taken.push(firing);
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

/// The firings that are later than their windows allow: id, trigger, and when they might have started.
pub(super) fn late(connection: &Connection, now: Timestamp) -> rusqlite::Result<Vec<(String, String, i64)>> {
    connection
        .prepare_cached(
            "SELECT id, name, not_before FROM firing INDEXED BY firing_expires
             WHERE state = 'queued' AND expires < ?1 AND not_before <= ?1",
        )?
        .query_map([micros(now)], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect()
}

/// When the next of them will be.
pub(super) fn next_expiry(connection: &Connection, now: Timestamp) -> rusqlite::Result<Option<Timestamp>> {
    connection
        .prepare_cached(
            "SELECT min(expires) FROM firing INDEXED BY firing_expires WHERE state = 'queued' AND expires >= ?1",
        )?
        // Its window ends with this microsecond.
        .query_row([micros(now)], |row| Ok(row.get::<_, Option<i64>>(0)?.map(|last| ledger::instant(last + 1))))
}

/// Skips them.
pub(super) fn expire(connection: &Connection, now: Timestamp) -> rusqlite::Result<Vec<Missed>> {
    let late = late(connection, now)?;
    let why = Why::Window.reason();
    late.iter().try_for_each(|(id, ..)| drop_queued(connection, id, why))?;
    Ok(late.iter().map(|(_, name, at)| Missed::one(name, ledger::instant(*at), why)).collect())
}

/// How many firings wait for their runs.
pub(super) fn length(connection: &Connection) -> rusqlite::Result<u64> {
    let mut count = connection.prepare_cached("SELECT count(*) FROM firing WHERE state = 'queued'")?;
    count.query_row([], |row| row.get::<_, i64>(0)).map(i64::unsigned_abs)
}

/// How many runs of each trigger are going.
fn running(connection: &Connection) -> rusqlite::Result<HashMap<String, usize>> {
    connection
        .prepare_cached("SELECT name, count(*) FROM firing WHERE state = 'started' GROUP BY name")?
        .query_map([], |row| {
            let going: i64 = row.get(1)?;
            Ok((row.get(0)?, usize::try_from(going).unwrap_or(usize::MAX)))
        })?
        .collect()
}

fn start(connection: &Connection, firing: &Firing, run: &str, now: Timestamp) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE firing SET state = 'started', event = ?2, run = ?3, started = ?4 WHERE id = ?1")?
        .execute(params![firing.id, serde_json::Value::Object(firing.event.clone()).to_string(), run, micros(now)])?;
    ledger::settle_started(connection, &firing.id, now)
}

/// Skips a firing whose run has not begun; one that waits to be tried again ends as its last run did.
pub(super) fn drop_queued(connection: &Connection, id: &str, reason: &str) -> rusqlite::Result<()> {
    if retry::give_up(connection, id, reason)? {
        return Ok(());
    }
    connection
        .prepare_cached(
            "UPDATE firing SET state = 'skipped', run = NULL WHERE id = ?1 AND state IN ('queued', 'started')",
        )?
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

/// Queues a firing again whose run never began.
pub(super) fn put_back(connection: &Connection, id: &str) -> rusqlite::Result<()> {
    connection.prepare_cached("UPDATE firing SET state = 'queued', run = NULL WHERE id = ?1")?.execute([id])?;
    let mut attempts = connection.prepare_cached("SELECT attempts FROM firing WHERE id = ?1")?;
    // One that is tried again has been started all the same.
    if attempts.query_row([id], |row| row.get::<_, u32>(0))? > 0 { Ok(()) } else { ledger::unsettle(connection, id) }
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
        .prepare_cached(
            "SELECT id, name, kind, due, event, params, run FROM firing WHERE state = ?1 ORDER BY sequence",
        )?
        .query_map([state], |row| Ok(Firing { run: row.get(6)?, ..ledger::firing(row)? }))?
        .collect()
}

/// The earliest time at which a queued firing may start: one that has passed is that of a firing which
/// waits for a place.
pub(super) fn next_start(connection: &Connection, after: Timestamp) -> rusqlite::Result<Option<Timestamp>> {
    connection
        .prepare_cached("SELECT min(not_before) FROM firing WHERE state = 'queued' AND not_before > ?1")?
        .query_row([micros(after)], |row| row.get::<_, Option<i64>>(0))
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

/// The trigger of a firing.
pub(super) fn trigger_of(connection: &Connection, id: &str) -> rusqlite::Result<Option<String>> {
    connection.prepare_cached("SELECT name FROM firing WHERE id = ?1")?.query_row([id], |row| row.get(0)).optional()
}
