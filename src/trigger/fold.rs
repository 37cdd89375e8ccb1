//! Folding: old rows of the ledger become sums, so that years of service do not grow the database without
//! bound, and `due = started + merged + skipped` stays true.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use crate::state::{State, StateError};
use crate::trigger::ledger::micros;

/// How many rows are folded in one commit: others wait for the database no longer than that takes.
const CHUNK: usize = 500;

/// Folds what was final before `before`; answers with how many rows.
///
/// # Errors
/// What the database refuses; what was folded until then stays so.
pub fn fold(state: &State, before: Timestamp) -> Result<usize, StateError> {
    let mut folded = 0;
    loop {
        let chunk = state.transaction(|transaction| fold_some(transaction, before))?;
        folded += chunk;
        if chunk < CHUNK {
            return Ok(folded);
        }
    }
}

struct Old {
    sequence: i64,
    name: String,
    state: String,
    count: i64,
    firing: Option<String>,
}

fn fold_some(connection: &Connection, before: Timestamp) -> rusqlite::Result<usize> {
    // A firing is kept as long as its run may go on, and as long as its file lies in the work folder.
    let mut statement = connection.prepare_cached(
        "SELECT sequence, name, state, count, firing FROM ledger
         WHERE last < ?1 AND state <> 'queued'
            AND NOT EXISTS (SELECT 1 FROM firing
                WHERE firing.id = ledger.firing AND firing.state IN ('queued', 'taken', 'started'))
            AND NOT EXISTS (SELECT 1 FROM by_hand WHERE by_hand.firing = ledger.firing AND by_hand.ended IS NULL)
            AND NOT EXISTS (SELECT 1 FROM claim
                WHERE claim.firing = ledger.firing AND claim.state IN ('claimed', 'taken'))
         LIMIT ?2",
    )?;
    let old: Vec<Old> = statement
        .query_map(params![micros(before), CHUNK as i64], |row| {
            let (sequence, name, state) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(Old { sequence, name, state, count: row.get(3)?, firing: row.get(4)? })
        })?
        .collect::<rusqlite::Result<_>>()?;
    let mut add = connection.prepare_cached(
        "UPDATE trigger_standing SET started = started + ?2, merged = merged + ?3, skipped = skipped + ?4 WHERE name = ?1",
    )?;
    let mut remove = connection.prepare_cached("DELETE FROM ledger WHERE sequence = ?1")?;
    for row in &old {
        let of = |state: &str| if row.state == state { row.count } else { 0 };
        add.execute(params![row.name, of("started"), of("merged"), of("skipped")])?;
        remove.execute([row.sequence])?;
        if let Some(firing) = &row.firing {
            forget(connection, firing)?;
        }
    }
    Ok(old.len())
}

/// Removes a firing that the ledger does not name any more.
fn forget(connection: &Connection, firing: &str) -> rusqlite::Result<()> {
    for removal in [
        "DELETE FROM firing WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM ledger WHERE firing = ?1)",
        "DELETE FROM attempt WHERE firing = ?1 AND NOT EXISTS (SELECT 1 FROM ledger WHERE firing = ?1)",
        "DELETE FROM by_hand WHERE firing = ?1 AND NOT EXISTS (SELECT 1 FROM ledger WHERE firing = ?1)",
        "DELETE FROM claim WHERE firing = ?1 AND NOT EXISTS (SELECT 1 FROM ledger WHERE firing = ?1)",
    ] {
        connection.prepare_cached(removal)?.execute([firing])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::config::{Missed, Overlap, ScheduleConfig};
    use crate::trigger::Outcome;
    use crate::trigger::tests::{Bench, account, assert_balanced, config, instant, poll};

    use super::*;

    fn count(state: &State, table: &str) -> i64 {
        let count = format!("SELECT count(*) FROM {table}");
        state.with(|connection| connection.query_row(&count, [], |row| row.get(0))).unwrap()
    }

    #[test]
    fn old_rows_become_sums_that_stay_true() {
        let bench = Bench::new();
        let config = ScheduleConfig { missed: Missed::None, ..config("0 * * * *") };
        let mut triggers = bench.open(&config, "2026-05-01T10:30:00Z");
        for day in 1..=9 {
            assert_eq!(poll(&mut triggers, &format!("2026-05-0{day}T12:00:00Z")).len(), 1);
        }
        let before = account(&triggers);
        assert_eq!((before.started, before.folded), (9, 0));
        fold(&bench.state, instant("2026-05-07T00:00:00Z")).unwrap();
        let after = account(&triggers);
        assert_eq!((after.due, after.started, after.skipped), (before.due, before.started, before.skipped));
        assert!(after.folded > 100, "{after:?}");
        assert_balanced(&triggers);
        assert_eq!(count(&bench.state, "firing"), 3, "the firings of three days are left");
        // What was folded is dealt with: nothing of it falls due again.
        assert!(poll(&mut triggers, "2026-05-09T12:00:01Z").is_empty());
        assert_eq!(fold(&bench.state, instant("2026-05-07T00:00:00Z")).unwrap(), 0);
    }

    #[test]
    fn what_waits_or_is_going_is_never_folded() {
        let bench = Bench::new();
        let config = ScheduleConfig { overlap: Overlap::Queue, ..config("0 * * * *") };
        let mut triggers = bench.open(&config, "2026-05-01T10:30:00Z");
        let now = instant("2026-05-01T11:00:00Z");
        triggers.schedules.look(now).unwrap();
        let taken = triggers.take_queued(now, 9).unwrap();
        triggers.schedules.look(instant("2026-05-01T12:00:00Z")).unwrap();
        assert_eq!(fold(&bench.state, instant("2030-01-01T00:00:00Z")).unwrap(), 0);
        triggers.ended(&taken[0].id, Outcome::Succeeded, instant("2026-05-01T12:00:00Z")).unwrap();
        assert_eq!(fold(&bench.state, instant("2030-01-01T00:00:00Z")).unwrap(), 1);
        assert_balanced(&triggers);
    }
}
