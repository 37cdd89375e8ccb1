//! What channels hold back, written down in the state database: a process that is killed loses none of it, and the
//! next one tells.
//!
//! A row counts messages of one subject, and says who tells of it and from when on anybody may. A sum that is on its
//! way is such a one, too: if its process dies, nobody knows whether it has arrived, and who tells of it then says so.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::tally::{Count, NAMED, Tally};
use crate::fault::Fault;
use crate::id;
use crate::state::{State, StateError};

/// Opens the state database, where that was not done yet.
pub type OpenState = Arc<dyn Fn() -> Result<Arc<State>, Fault> + Send + Sync>;

/// Its use blocks for as long as the database does.
#[derive(Clone)]
pub(super) struct Held {
    open: OpenState,
    /// This process, among all that hold something back.
    me: Arc<str>,
}

/// What a sum tells of, and the name that it has in the database.
pub(super) struct Taken {
    sum: String,
    pub(super) tally: Tally,
}

impl Held {
    pub(super) fn new(open: OpenState) -> Self {
        Self { open, me: id::new_run().into() }
    }

    /// Writes down a message that is held back. From `due` on another process may tell of it: by then this one would
    /// have.
    pub(super) fn add(&self, channel: &str, subject: &str, now: Timestamp, due: Timestamp) -> Result<(), Fault> {
        self.write(|connection| {
            let named: i64 = connection
                .prepare_cached(
                    "SELECT count(*) FROM held WHERE channel = ?1 AND holder = ?2 AND subject NOT IN ('', ?3)",
                )?
                .query_row(params![channel, &*self.me, subject], |row| row.get(0))?;
            let subject = if usize::try_from(named).is_ok_and(|named| named < NAMED) { subject } else { "" };
            let mut tally = Tally::default();
            tally.add(subject, Count { count: 1, maybe: 0 }, now);
            insert(connection, channel, &self.me, &tally, due)
        })
    }

    /// When there is something to tell of: now, if it is this process's own or its time has come.
    pub(super) fn waits(&self, channel: &str, now: Timestamp) -> Result<Option<Timestamp>, Fault> {
        let state = (self.open)()?;
        let due = state.with(|connection| {
            connection
                .prepare_cached("SELECT min(CASE WHEN holder = ?2 THEN ?3 ELSE due END) FROM held WHERE channel = ?1")?
                .query_row(params![channel, &*self.me, now.as_microsecond()], |row| row.get::<_, Option<i64>>(0))
        });
        Ok(due.map_err(unusable)?.map(instant))
    }

    /// Takes what there is to tell of, for a sum that will have arrived at `until`, or never.
    pub(super) fn take(&self, channel: &str, now: Timestamp, until: Timestamp) -> Result<Taken, Fault> {
        let sum = id::new_run();
        let tally = self.write(|connection| {
            let mine = params![channel, &*self.me, now.as_microsecond()];
            let mut tally = Tally::default();
            let mut rows = connection.prepare_cached(
                "SELECT subject, count, CASE WHEN leaves THEN count ELSE maybe END, since FROM held
                 WHERE channel = ?1 AND (holder = ?2 OR due <= ?3) ORDER BY subject = '', subject",
            )?;
            let mut rows = rows.query(mine)?;
            while let Some(row) = rows.next()? {
                let count = Count { count: positive(row.get(1)?), maybe: positive(row.get(2)?) };
                tally.add(row.get_ref(0)?.as_str()?, count, instant(row.get(3)?));
            }
            connection
                .prepare_cached("DELETE FROM held WHERE channel = ?1 AND (holder = ?2 OR due <= ?3)")?
                .execute(mine)?;
            insert(connection, channel, &sum, &tally, until)?;
            connection.prepare_cached("UPDATE held SET leaves = 1 WHERE holder = ?1")?.execute([&sum])?;
            Ok(tally)
        })?;
        Ok(Taken { sum, tally })
    }

    /// A sum has arrived.
    pub(super) fn told(&self, taken: &Taken) -> Result<(), Fault> {
        self.write(|connection| {
            connection.prepare_cached("DELETE FROM held WHERE holder = ?1")?.execute([&taken.sum]).map(|_| ())
        })
    }

    /// A sum has not arrived, or, if it was `lost`, nobody knows: it is told of by a later one.
    pub(super) fn put_back(&self, channel: &str, taken: &Taken, was_lost: bool, due: Timestamp) -> Result<(), Fault> {
        let mut tally = taken.tally.clone();
        if was_lost {
            tally.subjects.values_mut().for_each(|count| count.maybe = count.count);
        }
        self.write(|connection| {
            connection.prepare_cached("DELETE FROM held WHERE holder = ?1")?.execute([&taken.sum])?;
            insert(connection, channel, &self.me, &tally, due)
        })
    }

    /// Writes in one commit that a process which dies does not lose.
    fn write<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Fault> {
        (self.open)()?.transaction_in_passing(|transaction| work(transaction)).map_err(unusable)
    }
}

fn insert(connection: &Connection, channel: &str, holder: &str, tally: &Tally, due: Timestamp) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO held (channel, holder, subject, count, maybe, since, due) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (channel, holder, subject) DO UPDATE
            SET count = count + excluded.count, maybe = maybe + excluded.maybe, since = min(since, excluded.since),
                due = max(due, excluded.due)",
    )?;
    let since = tally.since.unwrap_or(due).as_microsecond();
    tally.subjects.iter().try_for_each(|(subject, Count { count, maybe })| {
        let numbers = [*count, *maybe].map(|number| i64::try_from(number).unwrap_or(i64::MAX));
        statement
            .execute(params![channel, holder, subject, numbers[0], numbers[1], since, due.as_microsecond()])
            .map(|_| ())
    })
}

fn positive(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

fn instant(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MIN)
}

fn unusable(error: StateError) -> Fault {
    Fault::new(crate::fault::FaultKind::File, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn held(state: &Arc<State>) -> Held {
        let state = Arc::clone(state);
        Held::new(Arc::new(move || Ok(Arc::clone(&state))))
    }

    fn counts(taken: &Taken) -> Vec<(&str, u64, u64)> {
        taken.tally.subjects.iter().map(|(subject, count)| (subject.as_str(), count.count, count.maybe)).collect()
    }

    #[test]
    fn what_a_process_held_back_is_its_own_until_its_time_has_come_and_is_taken_once() {
        let folder = tempfile::tempdir().unwrap();
        let state = Arc::new(State::open(folder.path()).unwrap());
        let (dead, next, other) = (held(&state), held(&state), held(&state));
        for subject in ["a", "b", "a"] {
            dead.add("team", subject, at(100), at(160)).unwrap();
        }
        assert_eq!(dead.waits("team", at(101)).unwrap(), Some(at(101)), "its own are told of at any time");
        assert_eq!(next.waits("team", at(101)).unwrap(), Some(at(160)));
        assert!(next.take("team", at(101), at(200)).unwrap().tally.is_empty());
        assert_eq!(next.waits("boss", at(200)).unwrap(), None);
        let taken = next.take("team", at(160), at(200)).unwrap();
        assert_eq!(counts(&taken), [("a", 2, 0), ("b", 1, 0)]);
        assert_eq!(taken.tally.since, Some(at(100)));
        assert!(other.take("team", at(170), at(210)).unwrap().tally.is_empty(), "somebody tells of it");
        assert!(dead.take("team", at(170), at(210)).unwrap().tally.is_empty());
        next.told(&taken).unwrap();
        assert_eq!(other.waits("team", at(999)).unwrap(), None);
    }

    #[test]
    fn a_sum_whose_process_died_on_its_way_is_told_again_as_maybe_told_before() {
        let folder = tempfile::tempdir().unwrap();
        let state = Arc::new(State::open(folder.path()).unwrap());
        let (dead, next) = (held(&state), held(&state));
        dead.add("team", "a", at(100), at(160)).unwrap();
        dead.take("team", at(110), at(150)).unwrap();
        dead.add("team", "a", at(120), at(180)).unwrap();
        let taken = next.take("team", at(150), at(200)).unwrap();
        assert_eq!(counts(&taken), [("a", 1, 1)]);
        // It did not arrive for certain, and then nobody knows.
        next.put_back("team", &taken, false, at(160)).unwrap();
        let taken = next.take("team", at(180), at(250)).unwrap();
        assert_eq!(counts(&taken), [("a", 2, 1)]);
        next.put_back("team", &taken, true, at(260)).unwrap();
        next.add("team", "a", at(200), at(260)).unwrap();
        assert_eq!(counts(&next.take("team", at(201), at(300)).unwrap()), [("a", 3, 2)]);
    }

    #[test]
    fn subjects_are_bounded_and_nothing_is_lost_in_the_count() {
        let folder = tempfile::tempdir().unwrap();
        let state = Arc::new(State::open(folder.path()).unwrap());
        let held = held(&state);
        for n in 0..50 {
            held.add("team", &format!("m{n:02}"), at(n), at(100)).unwrap();
            held.add("team", "m03", at(n), at(100)).unwrap();
        }
        let rows: i64 = state.with(|c| c.query_row("SELECT count(*) FROM held", [], |row| row.get(0))).unwrap();
        assert_eq!(rows, 11);
        let taken = held.take("team", at(60), at(100)).unwrap();
        assert_eq!(counts(&taken).iter().map(|(_, count, _)| count).sum::<u64>(), 100);
        assert_eq!(taken.tally.subjects["m03"].count, 51);
    }
}
