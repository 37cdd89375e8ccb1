//! How a firing ends: with its run, or with a further one after a failure; and the pause of a trigger whose
//! firings fail one after the other.
//!
//! Only what failed or was out of time is tried again: a refusal stands until somebody changes a policy,
//! who cancels means it, an uncertain change must be looked at, and an interrupted run is resumed.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use crate::config::Failures;
use crate::run::Outcome;
use crate::trigger::ledger::{self, micros};
use crate::trigger::{RunEnd, by_hand};

/// What followed the end of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Followed {
    /// The firing is tried again: which run this will be, and when it may start.
    pub(super) again: Option<(u32, Timestamp)>,
    /// The trigger was paused, after so many failures in a row.
    pub(super) paused: Option<u32>,
}

/// A firing whose run ends.
struct Ending {
    name: String,
    state: String,
    /// Its run, if it has one at the moment.
    run: Option<String>,
    outcome: Option<String>,
    /// How many runs it had before this one.
    former: u32,
    expires: Option<i64>,
    paused: bool,
}

/// Writes how the run of a firing ended; a run that was resumed may end again.
pub(super) fn ended(
    connection: &Connection,
    end: &RunEnd<'_>,
    now: Timestamp,
    failures_of: &dyn Fn(&str) -> Failures,
) -> rusqlite::Result<Followed> {
    let (id, outcome) = (end.firing, end.outcome);
    let found = connection
        .prepare_cached(
            "SELECT name, state, run, outcome, attempts, expires,
                EXISTS (SELECT 1 FROM trigger_standing WHERE trigger_standing.name = firing.name AND paused)
             FROM firing WHERE id = ?1",
        )?
        .query_row([id], |row| {
            Ok(Ending {
                name: row.get(0)?,
                state: row.get(1)?,
                run: row.get(2)?,
                outcome: row.get(3)?,
                former: row.get(4)?,
                expires: row.get(5)?,
                paused: row.get(6)?,
            })
        })
        .optional()?;
    if let Some(run) = end.run {
        by_hand::ended(connection, run, now)?;
    }
    let Some(ending) = found else { return Ok(Followed::default()) };
    if let Some(run) = end.run.filter(|run| ending.run.as_deref() != Some(run)) {
        return former_ended(connection, &ending, end, run, now);
    }
    // Nobody goes on with what has succeeded: whoever says otherwise looked at it before.
    if ending.outcome.as_deref() == Some(Outcome::Succeeded.name()) {
        return Ok(Followed::default());
    }
    // Where its start could not be written, its end says that there was one.
    ledger::settle_started(connection, id, now)?;
    let failures = failures_of(&ending.name);
    let goes = ending.state == "started";
    if goes && let Some(at) = again(&ending, outcome, now, failures) {
        keep_attempt(connection, id, outcome, now)?;
        connection
            .prepare_cached(
                "UPDATE firing SET state = 'queued', attempts = attempts + 1, not_before = ?2,
                    run = NULL, started = NULL WHERE id = ?1",
            )?
            .execute(params![id, micros(at)])?;
        return Ok(Followed { again: Some((ending.former + 2, at)), paused: None });
    }
    connection
        .prepare_cached("UPDATE firing SET state = 'ended', outcome = ?2, ended = ?3 WHERE id = ?1")?
        .execute(params![id, outcome.name(), micros(now)])?;
    if !goes && outcome != Outcome::Succeeded {
        return Ok(Followed::default());
    }
    count(connection, &ending.name, outcome)?;
    let paused = match failures.pause_after {
        Some(most) => pause(connection, &ending.name, most, now)?,
        None => None,
    };
    Ok(Followed { again: None, paused })
}

/// Writes how a run ended that had been tried again already. Where it has succeeded there is nothing left to try.
fn former_ended(
    connection: &Connection,
    ending: &Ending,
    end: &RunEnd<'_>,
    run: &str,
    now: Timestamp,
) -> rusqlite::Result<Followed> {
    let known = connection
        .prepare_cached(
            "UPDATE attempt SET outcome = ?3, ended = ?4 WHERE firing = ?1 AND run = ?2 AND outcome <> 'succeeded'",
        )?
        .execute(params![end.firing, run, end.outcome.name(), micros(now)])?;
    if known > 0 && end.outcome == Outcome::Succeeded {
        if ending.state == "queued" {
            back_to_last(connection, end.firing, &format!("run {run} was resumed by hand"))?;
        }
        count(connection, &ending.name, Outcome::Succeeded)?;
    }
    Ok(Followed::default())
}

/// When a firing may be tried again; not at all outside of its window, or where the trigger rests.
fn again(ending: &Ending, outcome: Outcome, now: Timestamp, failures: Failures) -> Option<Timestamp> {
    if ending.paused || !matches!(outcome, Outcome::Failed | Outcome::TimedOut) {
        return None;
    }
    let wait = SignedDuration::try_from(failures.wait(ending.former + 1)?).ok()?;
    let at = now.checked_add(wait).ok()?;
    ending.expires.is_none_or(|expires| micros(at) <= expires).then_some(at)
}

fn keep_attempt(connection: &Connection, id: &str, outcome: Outcome, now: Timestamp) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO attempt (firing, number, run, started, ended, outcome)
             SELECT id, attempts + 1, coalesce(run, 'unknown'), coalesce(started, ?3), ?3, ?2 FROM firing WHERE id = ?1",
        )?
        .execute(params![id, outcome.name(), micros(now)])
        .map(|_| ())
}

/// Ends a firing that waits to be tried again as its last run ended; says whether it was such a one.
pub(super) fn give_up(connection: &Connection, id: &str, reason: &str) -> rusqlite::Result<bool> {
    let name = back_to_last(connection, id, reason)?;
    name.map_or(Ok(false), |name| count(connection, &name, Outcome::Failed).map(|()| true))
}

/// Gives a firing that waits to be tried again its last run back, and ends it with that. Nothing comes of any
/// other; of such a one its trigger.
fn back_to_last(connection: &Connection, id: &str, reason: &str) -> rusqlite::Result<Option<String>> {
    let last = connection
        .prepare_cached(
            "SELECT firing.name, attempt.number, attempt.run, attempt.started, attempt.ended, attempt.outcome
             FROM firing JOIN attempt ON attempt.firing = firing.id AND attempt.number = firing.attempts
             WHERE firing.id = ?1 AND firing.state IN ('queued', 'started')",
        )?
        .query_row([id], |row| {
            let times: (i64, i64) = (row.get(3)?, row.get(4)?);
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, u32>(1)?,
                row.get::<_, String>(2)?,
                times,
                row.get::<_, String>(5)?,
            ))
        })
        .optional()?;
    let Some((name, number, run, (started, ended), outcome)) = last else { return Ok(None) };
    connection
        .prepare_cached(
            "UPDATE firing SET state = 'ended', attempts = attempts - 1, run = ?2, started = ?3, ended = ?4, outcome = ?5
             WHERE id = ?1",
        )?
        .execute(params![id, run, started, ended, outcome])?;
    connection.prepare_cached("DELETE FROM attempt WHERE firing = ?1 AND number = ?2")?.execute(params![id, number])?;
    connection
        .prepare_cached("UPDATE ledger SET reason = ?2 WHERE firing = ?1 AND state = 'started'")?
        .execute(params![id, format!("it was not tried again: {reason}")])?;
    Ok(Some(name))
}

/// Ends the firings of a trigger that wait to be tried again.
pub(super) fn give_up_all(connection: &Connection, name: &str, reason: &str) -> rusqlite::Result<()> {
    let mut statement =
        connection.prepare_cached("SELECT id FROM firing WHERE name = ?1 AND state = 'queued' AND attempts > 0")?;
    let waiting: Vec<String> = statement.query_map([name], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    waiting.iter().try_for_each(|id| give_up(connection, id, reason).map(|_| ()))
}

/// Counts failures in a row.
fn count(connection: &Connection, name: &str, outcome: Outcome) -> rusqlite::Result<()> {
    let change = match outcome {
        Outcome::Succeeded => "UPDATE trigger_standing SET failures = 0 WHERE name = ?1",
        Outcome::Failed | Outcome::TimedOut | Outcome::Refused | Outcome::Uncertain => {
            "UPDATE trigger_standing SET failures = failures + 1 WHERE name = ?1"
        }
        Outcome::Cancelled | Outcome::Interrupted | Outcome::Waiting => return Ok(()),
    };
    connection.prepare_cached(change)?.execute([name]).map(|_| ())
}

/// Pauses a trigger that has failed `most` times in a row; answers with how often it has.
fn pause(connection: &Connection, name: &str, most: u32, now: Timestamp) -> rusqlite::Result<Option<u32>> {
    let in_a_row: Option<u32> = connection
        .prepare_cached("SELECT failures FROM trigger_standing WHERE name = ?1 AND paused = 0 AND failures >= ?2")?
        .query_row(params![name, most], |row| row.get(0))
        .optional()?;
    let Some(failures) = in_a_row else { return Ok(None) };
    let times = if failures == 1 { "failure" } else { "failures in a row" };
    ledger::set_paused(connection, name, Some(&format!("{failures} {times}")), now)?;
    give_up_all(connection, name, "the trigger was paused")?;
    Ok(Some(failures))
}

#[cfg(test)]
mod tests;
