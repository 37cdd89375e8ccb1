//! Runs of firings that a person goes on with at the terminal: whose they are, and since when.
//!
//! The mark is there before the run goes on and gets its end with the firing's, so that a terminal that is closed
//! in between leaves something that the service finds.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use crate::state::{State, StateError};
use crate::trigger::Firing;
use crate::trigger::ledger::{self, micros};

/// Notes that a person goes on with a run of a firing: it is not tried again meanwhile. Answers whether the
/// ledger knows the firing.
///
/// # Errors
/// What the database refuses.
pub fn take_in_hand(state: &State, firing: &str, run: &str, now: Timestamp) -> Result<bool, StateError> {
    state.transaction(|transaction| {
        let taken = transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO by_hand (run, firing, began, ended)
                 SELECT ?2, id, ?3, NULL FROM firing WHERE id = ?1",
            )?
            .execute(params![firing, run, micros(now)])?;
        Ok(taken > 0)
    })
}

/// Notes that nobody has a run in hand any more.
///
/// # Errors
/// What the database refuses; the service does it at its next look.
pub fn let_go(state: &State, run: &str, now: Timestamp) -> Result<(), StateError> {
    state.transaction(|transaction| ended(transaction, run, now))
}

/// The same, with other things.
pub(super) fn ended(connection: &Connection, run: &str, now: Timestamp) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE by_hand SET ended = ?2 WHERE run = ?1 AND ended IS NULL")?
        .execute(params![run, micros(now)])
        .map(|_| ())
}

/// The firings that have ended, or wait to be tried again, and of which somebody has a run in hand; with the ids
/// of these.
pub(super) fn firings(connection: &Connection) -> rusqlite::Result<Vec<Firing>> {
    connection
        .prepare_cached(
            "SELECT firing.id, name, kind, due, event, params, by_hand.run
             FROM by_hand JOIN firing ON firing.id = by_hand.firing
             WHERE by_hand.ended IS NULL AND NOT (firing.state = 'started' AND firing.run = by_hand.run)",
        )?
        .query_map([], |row| Ok(Firing { run: row.get(6)?, ..ledger::firing(row)? }))?
        .collect()
}

/// Whether a person has gone on with a run: `Some(true)` while they do.
pub(super) fn of_run(connection: &Connection, run: &str) -> rusqlite::Result<Option<bool>> {
    let mut found = connection.prepare_cached("SELECT ended IS NULL FROM by_hand WHERE run = ?1")?;
    let mut rows = found.query_map([run], |row| row.get(0))?;
    rows.next().transpose()
}

#[cfg(test)]
mod tests;
