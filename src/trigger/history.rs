//! Reading the ledger: the sums of a trigger, and its last rows with the runs that they led to.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use crate::trigger::by_hand;
use crate::trigger::ledger::instant;

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
    /// Why it was skipped, or why a failed one was not tried again.
    pub reason: Option<String>,
    /// How late it was started, in microseconds.
    pub late: Option<i64>,
    /// The firing, unless skipped.
    pub firing: Option<String>,
    /// `schedule`, `watch` or `manual`, where there is a firing.
    pub kind: Option<String>,
    /// The file that it was about.
    pub file: Option<String>,
    /// Its runs, the first one first.
    pub runs: Vec<FiringRun>,
    /// When it is tried again, or started at all.
    pub next: Option<Timestamp>,
}

/// A run of a firing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FiringRun {
    /// The run's id.
    pub run: String,
    /// When it began.
    pub started: Timestamp,
    /// How it ended; nothing while it is going.
    pub outcome: Option<String>,
    /// Whether a person has gone on with it.
    pub by_hand: bool,
}

impl FiringRun {
    /// A run as its firing knows it, before anybody has asked whether a person has gone on with it.
    fn new(run: String, started: Timestamp, outcome: Option<String>) -> Self {
        Self { run, started, outcome, by_hand: false }
    }

    fn ask_for_hands(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        if let Some(is_going) = by_hand::of_run(connection, &self.run)? {
            self.by_hand = true;
            if is_going {
                self.outcome = None;
            }
        }
        Ok(())
    }
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
    /// How many of these have no row any more, because they are old.
    pub folded: u64,
}

/// The last `limit` rows, the latest first.
pub(super) fn rows(connection: &Connection, name: &str, limit: usize) -> rusqlite::Result<Vec<LedgerRow>> {
    let mut statement = connection.prepare_cached(
        "SELECT ledger.first, ledger.last, ledger.count, ledger.state, ledger.reason, ledger.late, ledger.firing,
            firing.kind, firing.event ->> 'original', firing.run, firing.started, firing.outcome,
            CASE firing.state WHEN 'queued' THEN firing.not_before END
         FROM ledger LEFT JOIN firing ON firing.id = ledger.firing
         WHERE ledger.name = ?1 ORDER BY ledger.sequence DESC LIMIT ?2",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows: Vec<LedgerRow> = statement
        .query_map(params![name, limit], |row| {
            let run: Option<String> = row.get(9)?;
            let last = run.map(|run| {
                let started = instant(row.get::<_, Option<i64>>(10)?.unwrap_or_default());
                Ok::<_, rusqlite::Error>(FiringRun::new(run, started, row.get(11)?))
            });
            Ok(LedgerRow {
                first: instant(row.get(0)?),
                last: instant(row.get(1)?),
                count: row.get::<_, i64>(2)?.unsigned_abs(),
                state: row.get(3)?,
                reason: row.get(4)?,
                late: row.get(5)?,
                firing: row.get(6)?,
                kind: row.get(7)?,
                file: row.get(8)?,
                runs: last.transpose()?.into_iter().collect(),
                next: row.get::<_, Option<i64>>(12)?.map(instant),
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    for row in &mut rows {
        // What was merged into a firing has no run of its own.
        match &row.firing {
            Some(_) if row.state == "merged" => row.runs.clear(),
            Some(firing) => {
                let mut runs = former_runs(connection, firing)?;
                runs.append(&mut row.runs);
                runs.iter_mut().try_for_each(|run| run.ask_for_hands(connection))?;
                row.runs = runs;
            }
            None => {}
        }
    }
    Ok(rows)
}

fn former_runs(connection: &Connection, firing: &str) -> rusqlite::Result<Vec<FiringRun>> {
    connection
        .prepare_cached("SELECT run, started, outcome FROM attempt WHERE firing = ?1 ORDER BY number")?
        .query_map([firing], |row| Ok(FiringRun::new(row.get(0)?, instant(row.get(1)?), row.get(2)?)))?
        .collect()
}

/// The sums of a trigger.
pub(super) fn account(connection: &Connection, name: &str) -> rusqlite::Result<Account> {
    let kept = connection
        .prepare_cached("SELECT due, started, merged, skipped FROM trigger_standing WHERE name = ?1")?
        .query_row([name], |row| {
            let number = |column| row.get::<_, i64>(column).map(i64::unsigned_abs);
            let (started, merged, skipped) = (number(1)?, number(2)?, number(3)?);
            Ok(Account { due: number(0)?, queued: 0, started, merged, skipped, folded: started + merged + skipped })
        })
        .optional()?;
    let mut account = kept.unwrap_or_default();
    let mut statement =
        connection.prepare_cached("SELECT state, sum(count) FROM ledger WHERE name = ?1 GROUP BY state")?;
    let sums = statement.query_map([name], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))?;
    for sum in sums {
        let (state, count) = sum?;
        let slot = match state.as_str() {
            "queued" => &mut account.queued,
            "started" => &mut account.started,
            "merged" => &mut account.merged,
            _ => &mut account.skipped,
        };
        *slot += count.unsigned_abs();
    }
    Ok(account)
}

/// The run that a trigger started last, and how it ended.
pub(super) fn latest_run(connection: &Connection, name: &str) -> rusqlite::Result<Option<FiringRun>> {
    // A firing that waits to be tried again has its last run among the former ones.
    let mut latest = connection
        .prepare_cached(
            "SELECT run, started, outcome FROM (
                SELECT * FROM (SELECT run, started, outcome FROM firing
                    WHERE name = ?1 AND run IS NOT NULL ORDER BY started DESC LIMIT 1)
                UNION ALL
                SELECT attempt.run, attempt.started, attempt.outcome FROM firing
                    JOIN attempt ON attempt.firing = firing.id AND attempt.number = firing.attempts
                    WHERE firing.name = ?1 AND firing.state IN ('queued', 'taken'))
             ORDER BY started DESC LIMIT 1",
        )?
        .query_row([name], |row| Ok(FiringRun::new(row.get(0)?, instant(row.get(1)?), row.get(2)?)))
        .optional()?;
    latest.iter_mut().try_for_each(|run| run.ask_for_hands(connection))?;
    Ok(latest)
}
