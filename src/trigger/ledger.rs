//! The ledger: what fell due and what became of it. A thin layer of SQL; the decisions are made
//! in `decide`, and the life of a firing once it is queued is in `queue`.

use std::collections::HashSet;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use crate::trigger::cron::Due;
use crate::trigger::decide::Decision;
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
    /// How many of its firings are queued or running.
    pub active: u64,
}

/// One row of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerRow {
    /// The first instant; for a file and a firing by hand, when it was queued.
    pub first: Timestamp,
    /// The last instant of the stretch.
    pub last: Timestamp,
    /// How many instants or files.
    pub count: u64,
    /// `queued`, `started`, `merged` or `skipped`.
    pub state: String,
    /// Why it was skipped.
    pub reason: Option<String>,
    /// How late it was started, in microseconds.
    pub late: Option<i64>,
    /// The firing, unless skipped.
    pub firing: Option<String>,
}

/// The sums of a trigger's ledger. `due` is the sum of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Instants that fell due, files that were ready, firings by hand.
    pub due: u64,
    /// Still to start; none at rest.
    pub queued: u64,
    /// Started.
    pub started: u64,
    /// Merged into another on the same instant.
    pub merged: u64,
    /// Skipped.
    pub skipped: u64,
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

pub(super) fn standing(connection: &Connection, name: &str) -> rusqlite::Result<Option<Standing>> {
    connection
        .prepare_cached(
            "SELECT since, latest, paused, (SELECT count(*) FROM firing
                WHERE firing.name = ?1 AND state IN ('queued', 'started'))
             FROM trigger_standing WHERE name = ?1",
        )?
        .query_row([name], |row| {
            Ok(Standing {
                since: instant(row.get(0)?),
                latest: instant(row.get(1)?),
                paused: row.get(2)?,
                active: row.get::<_, i64>(3)?.unsigned_abs(),
            })
        })
        .optional()
}

pub(super) fn set_paused(connection: &Connection, name: &str, paused: bool) -> rusqlite::Result<()> {
    connection.execute("UPDATE trigger_standing SET paused = ?2 WHERE name = ?1", params![name, paused]).map(|_| ())
}

/// The instants later than `after` that have a firing: once a clock is corrected they come again.
pub(super) fn fired_since(
    connection: &Connection,
    name: &str,
    after: Timestamp,
) -> rusqlite::Result<HashSet<Timestamp>> {
    connection
        .prepare_cached("SELECT first FROM ledger WHERE name = ?1 AND first > ?2 AND state IN ('queued', 'started')")?
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
            "INSERT INTO firing (id, name, kind, due, not_before, expires, event, state)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'queued')",
        )?
        .execute(params![
            firing.id,
            firing.trigger,
            firing.kind.name(),
            firing.due.map(micros),
            micros(not_before),
            expires.map(micros),
            serde_json::Value::Object(firing.event.clone()).to_string(),
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

/// The last `limit` rows, the latest first.
pub(super) fn rows(connection: &Connection, name: &str, limit: usize) -> rusqlite::Result<Vec<LedgerRow>> {
    connection
        .prepare_cached(
            "SELECT first, last, count, state, reason, late, firing FROM ledger
             WHERE name = ?1 ORDER BY sequence DESC LIMIT ?2",
        )?
        .query_map(params![name, i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
            Ok(LedgerRow {
                first: instant(row.get(0)?),
                last: instant(row.get(1)?),
                count: row.get::<_, i64>(2)?.unsigned_abs(),
                state: row.get(3)?,
                reason: row.get(4)?,
                late: row.get(5)?,
                firing: row.get(6)?,
            })
        })?
        .collect()
}

pub(super) fn account(connection: &Connection, name: &str) -> rusqlite::Result<Account> {
    let due = connection
        .query_row("SELECT due FROM trigger_standing WHERE name = ?1", [name], |row| row.get::<_, i64>(0))
        .optional()?;
    let mut account = Account { due: due.unwrap_or(0).unsigned_abs(), ..Account::default() };
    let mut statement =
        connection.prepare_cached("SELECT state, sum(count) FROM ledger WHERE name = ?1 GROUP BY state")?;
    let sums = statement.query_map([name], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))?;
    for sum in sums {
        let (state, count) = sum?;
        let count = count.unsigned_abs();
        match state.as_str() {
            "queued" => account.queued = count,
            "started" => account.started = count,
            "merged" => account.merged = count,
            _ => account.skipped = count,
        }
    }
    Ok(account)
}

/// A firing as it is kept; columns `id, name, kind, due, event` first.
pub(super) fn firing(row: &rusqlite::Row<'_>) -> rusqlite::Result<Firing> {
    let event: String = row.get(4)?;
    Ok(Firing {
        id: row.get(0)?,
        trigger: row.get(1)?,
        kind: FiringKind::from_name(&row.get::<_, String>(2)?),
        due: row.get::<_, Option<i64>>(3)?.map(instant),
        event: serde_json::from_str(&event).unwrap_or_default(),
        run: None,
    })
}
