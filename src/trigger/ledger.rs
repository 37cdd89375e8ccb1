//! The ledger: writing what fell due and what became of it. A thin layer of SQL; the decisions are made
//! in `decide`, the life of a firing once it is queued is in `queue`, and reading is `history`.

use std::collections::HashSet;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use crate::trigger::cron::Due;
use crate::trigger::decide::{CORRECTION, Decision};
use crate::trigger::{Firing, FiringKind};

/// How a trigger stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The later of the last due instant and the first load of this definition.
    pub since: Timestamp,
    /// The latest instant ever dealt with.
    pub latest: Timestamp,
    /// Whether it is paused.
    pub paused: bool,
    /// Since when it is paused, where that was kept.
    pub paused_at: Option<Timestamp>,
    /// Why it was paused, if it was not a person who did so.
    pub paused_why: Option<String>,
    /// How many of its firings failed in a row.
    pub failures: u32,
    /// How many of its firings are queued or running.
    pub active: u64,
}

pub(super) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

pub(super) fn instant(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Makes a definition known: a new or changed one owes from `now` on.
pub(super) fn load(connection: &Connection, name: &str, digest: &str, now: Timestamp) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO trigger_standing (name, digest, since, latest) VALUES (?1, ?2, ?3, ?3)
             ON CONFLICT (name) DO UPDATE SET digest = excluded.digest, since = max(since, excluded.since)
             WHERE digest <> excluded.digest",
        )?
        .execute(params![name, digest, micros(now)])
        .map(|_| ())
}

/// Where the clock was wrong when a trigger was dealt with last, and is not any more, it owes from `now` on. What
/// falls due until it is settled next would be lost otherwise.
pub(super) fn correct(connection: &Connection, name: &str, now: Timestamp) -> rusqlite::Result<()> {
    let wrong = now.saturating_add(CORRECTION).unwrap_or(Timestamp::MAX);
    connection
        .prepare_cached("UPDATE trigger_standing SET since = ?2 WHERE name = ?1 AND since > ?3")?
        .execute(params![name, micros(now), micros(wrong)])
        .map(|_| ())
}

pub(super) fn standing(connection: &Connection, name: &str) -> rusqlite::Result<Option<Standing>> {
    connection
        .prepare_cached(
            "SELECT since, latest, paused, paused_at, paused_why, failures, (SELECT count(*) FROM firing
                WHERE firing.name = ?1 AND state IN ('queued', 'started'))
             FROM trigger_standing WHERE name = ?1",
        )?
        .query_row([name], |row| {
            Ok(Standing {
                since: instant(row.get(0)?),
                latest: instant(row.get(1)?),
                paused: row.get(2)?,
                paused_at: row.get::<_, Option<i64>>(3)?.map(instant),
                paused_why: row.get(4)?,
                failures: row.get(5)?,
                active: row.get::<_, i64>(6)?.unsigned_abs(),
            })
        })
        .optional()
}

/// Pauses a trigger; `why` is what a person who did not do so should know. One that rests already is left alone.
pub(super) fn set_paused(
    connection: &Connection,
    name: &str,
    why: Option<&str>,
    now: Timestamp,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE trigger_standing SET paused = 1, paused_at = ?2, paused_why = ?3 WHERE name = ?1 AND paused = 0",
        )?
        .execute(params![name, micros(now), why])
        .map(|_| ())
}

/// Ends a pause, and forgets the failures that may have led to it.
pub(super) fn set_resumed(connection: &Connection, name: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE trigger_standing SET paused = 0, paused_at = NULL, paused_why = NULL, failures = 0 WHERE name = ?1",
        )?
        .execute([name])
        .map(|_| ())
}

/// The instants later than `after` that have a firing: once a clock is corrected they come again. One by hand
/// takes the place of none.
pub(super) fn fired_since(
    connection: &Connection,
    name: &str,
    after: Timestamp,
) -> rusqlite::Result<HashSet<Timestamp>> {
    connection
        .prepare_cached(
            "SELECT first FROM ledger WHERE name = ?1 AND first > ?2 AND state IN ('queued', 'started')
                AND EXISTS (SELECT 1 FROM firing WHERE firing.id = ledger.firing AND firing.kind = 'schedule')",
        )?
        .query_map(params![name, micros(after)], |row| row.get(0).map(instant))?
        .collect()
}

/// Moves a trigger on: everything up to `since` has been dealt with, `count` more than before.
pub(super) fn advance(connection: &Connection, name: &str, since: Timestamp, count: u64) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "UPDATE trigger_standing SET since = ?2, latest = max(latest, ?2), due = due + ?3 WHERE name = ?1",
    )?;
    statement.execute(params![name, micros(since), i64::try_from(count).unwrap_or(i64::MAX)]).map(|_| ())
}

/// Counts something due that is no instant of a schedule.
pub(super) fn count_one(connection: &Connection, name: &str) -> rusqlite::Result<()> {
    connection.prepare_cached("UPDATE trigger_standing SET due = due + 1 WHERE name = ?1")?.execute([name]).map(|_| ())
}

/// Writes a skipped stretch.
pub(super) fn skip(connection: &Connection, name: &str, decision: &Decision) -> rusqlite::Result<()> {
    if let Decision::Skip { first, last, count, why } = decision {
        // Skips that follow each other for one reason are one row, however often they are looked at.
        let mut grown = connection.prepare_cached(
            "UPDATE ledger SET last = ?2, count = count + ?3
             WHERE sequence = (SELECT max(sequence) FROM ledger WHERE name = ?1)
                AND state = 'skipped' AND reason = ?4 AND firing IS NULL AND last < ?5",
        )?;
        let count = i64::try_from(*count).unwrap_or(i64::MAX);
        if grown.execute(params![name, micros(*last), count, why.reason(), micros(*first)])? == 0 {
            row(connection, name, (*first, *last), count, "skipped", Some(why.reason()), None)?;
        }
    }
    Ok(())
}

/// Writes a skipped file.
pub(super) fn skip_file(connection: &Connection, name: &str, now: Timestamp, reason: &str) -> rusqlite::Result<()> {
    row(connection, name, (now, now), 1, "skipped", Some(reason), None)?;
    count_one(connection, name)
}

/// Queues a firing: its row in the ledger and the row that waits for a run.
pub(super) fn queue(
    connection: &Connection,
    firing: &Firing,
    at: Timestamp,
    not_before: Timestamp,
    expires: Option<Timestamp>,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO firing (id, name, kind, due, not_before, expires, event, params, state)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'queued')",
        )?
        .execute(params![
            firing.id,
            firing.trigger,
            firing.kind.name(),
            firing.due.map(micros),
            micros(not_before),
            expires.map(micros),
            serde_json::Value::Object(firing.event.clone()).to_string(),
            firing.params.as_ref().map(serde_json::Value::to_string),
        ])?;
    row(connection, &firing.trigger, (at, at), 1, "queued", None, Some(&firing.id))
}

/// Queues the firing of so many files, which count one by one.
pub(super) fn queue_files(
    connection: &Connection,
    firing: &Firing,
    count: usize,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    queue(connection, firing, now, now, None)?;
    connection
        .prepare_cached("UPDATE ledger SET count = ?2 WHERE firing = ?1 AND state = 'queued'")?
        .execute(params![firing.id, count])?;
    connection
        .prepare_cached("UPDATE trigger_standing SET due = due + ?2 WHERE name = ?1")?
        .execute(params![firing.trigger, count])
        .map(|_| ())
}

/// Skips one of the files of a firing that is queued; the others stay.
pub(super) fn take_file_out(connection: &Connection, firing: &str, reason: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE ledger SET count = count - 1 WHERE firing = ?1 AND state = 'queued'")?
        .execute([firing])?;
    connection
        .prepare_cached(
            "INSERT INTO ledger (name, first, last, count, state, reason)
             SELECT name, first, last, 1, 'skipped', ?2 FROM ledger WHERE firing = ?1 AND state = 'queued'",
        )?
        .execute(params![firing, reason])
        .map(|_| ())
}

/// Writes what was merged into a firing.
pub(super) fn merge(connection: &Connection, firing: &Firing, due: &Due) -> rusqlite::Result<()> {
    if due.merged == 0 {
        return Ok(());
    }
    row(connection, &firing.trigger, (due.at, due.at), i64::from(due.merged), "merged", None, Some(&firing.id))
}

fn row(
    connection: &Connection,
    name: &str,
    (first, last): (Timestamp, Timestamp),
    count: i64,
    state: &str,
    reason: Option<&str>,
    firing: Option<&str>,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO ledger (name, first, last, count, state, reason, firing) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![name, micros(first), micros(last), count, state, reason, firing])
        .map(|_| ())
}

/// Gives a queued firing its final state in the ledger: started, and how late.
pub(super) fn settle_started(connection: &Connection, firing: &str, now: Timestamp) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE ledger SET state = 'started', late = max(0, ?2 - first) WHERE firing = ?1 AND state = 'queued'",
        )?
        .execute(params![firing, micros(now)])
        .map(|_| ())
}

/// Takes the final state from a firing whose run never began.
pub(super) fn unsettle(connection: &Connection, firing: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE ledger SET state = 'queued', late = NULL WHERE firing = ?1 AND state = 'started'")?
        .execute([firing])
        .map(|_| ())
}

/// Gives a firing without a run its final state in the ledger: skipped, and why.
pub(super) fn settle_skipped(connection: &Connection, firing: &str, reason: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE ledger SET state = 'skipped', reason = ?2, late = NULL
             WHERE firing = ?1 AND state IN ('queued', 'started')",
        )?
        .execute(params![firing, reason])
        .map(|_| ())
}

/// A firing as it is kept; columns `id, name, kind, due, event, params` first.
pub(super) fn firing(row: &rusqlite::Row<'_>) -> rusqlite::Result<Firing> {
    let (event, params): (String, Option<String>) = (row.get(4)?, row.get(5)?);
    Ok(Firing {
        id: row.get(0)?,
        trigger: row.get(1)?,
        kind: FiringKind::from_name(&row.get::<_, String>(2)?),
        due: row.get::<_, Option<i64>>(3)?.map(instant),
        event: serde_json::from_str(&event).unwrap_or_default(),
        run: None,
        params: params.and_then(|params| serde_json::from_str(&params).ok()),
    })
}
