//! What the journal tells of entries: their rows, and the parts that are read when they are wanted.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, params};
use serde_json::Value as Json;

use super::codec;
use super::keys::{KEY, OF_RUN};
use super::log::Log;
use super::places::Places;
use super::write::{FAILED, OPEN};

/// An entry, as its row says. The packed parts are read when they are wanted.
#[derive(Clone, Debug, Default)]
pub struct EntryRow {
    /// The run.
    pub run: String,
    /// The number within the run.
    pub number: u64,
    /// The branch.
    pub path: String,
    /// The position in it.
    pub position: u64,
    /// The transaction that it stands in.
    pub inside: Option<String>,
    /// Whether it no longer answers.
    pub void: bool,
    /// Whether it no longer answers although it took effect: a resumed script went another way.
    pub passed: bool,
    /// The kind of action.
    pub kind: String,
    /// The target.
    pub target: Option<String>,
    /// In words.
    pub operation: String,
    /// `read`, `change` or `destroy`.
    pub effect: String,
    /// How many items it touched.
    pub items: u64,
    /// What it is compared by.
    pub digest: Vec<u8>,
    /// A deadline, or the id of a child run.
    pub note: Option<String>,
    /// Open, done or failed.
    pub state: i64,
    /// When it began.
    pub begun: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Its link in the chain, and the hash.
    pub link: Option<(u64, Vec<u8>)>,
    /// The link of its outcome, and the hash.
    pub end_link: Option<(u64, Vec<u8>)>,
}

impl EntryRow {
    /// Whether it has begun and not ended.
    pub fn is_open(&self) -> bool {
        self.state == OPEN
    }

    /// Whether it ended with a fault; of a `parallel`, whether an item did.
    pub fn has_failed(&self) -> bool {
        self.state == FAILED
    }

    /// Whether it changed something.
    pub fn is_change(&self) -> bool {
        self.effect != "read"
    }
}

/// A part of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The action.
    Action,
    /// The state before.
    Before,
    /// The outcome.
    Outcome,
}

const ENTRY: &str = "run, number, path, position, inside, void, kind, target, operation, effect, items, digest, note, \
                     state, begun, ended, link, hash, end_link, end_hash";

/// An instant, of microseconds since 1970.
pub(super) fn time(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or_default()
}

fn entry(row: &Row<'_>) -> rusqlite::Result<EntryRow> {
    let number = |at: usize| row.get::<_, i64>(at).map(|number| number as u64);
    let link = |at: usize| -> rusqlite::Result<Option<(u64, Vec<u8>)>> {
        let (number, hash): (Option<i64>, Option<Vec<u8>>) = (row.get(at)?, row.get(at + 1)?);
        Ok(number.zip(hash).map(|(number, hash)| (number as u64, hash)))
    };
    Ok(EntryRow {
        run: row.get(0)?,
        number: number(1)?,
        path: row.get(2)?,
        position: number(3)?,
        inside: row.get(4)?,
        void: row.get::<_, i64>(5)? != 0,
        passed: row.get::<_, i64>(5)? == 2,
        kind: row.get(6)?,
        target: row.get(7)?,
        operation: row.get(8)?,
        effect: row.get(9)?,
        items: number(10)?,
        digest: row.get(11)?,
        note: row.get(12)?,
        state: row.get(13)?,
        begun: time(row.get(14)?),
        ended: row.get::<_, Option<i64>>(15)?.map(time),
        link: link(16)?,
        end_link: link(18)?,
    })
}

impl Log {
    /// The entries of a run in order; those that a resume has done again only if asked for.
    ///
    /// # Errors
    /// What the database refuses.
    pub fn entries(&self, run: &str, with_void: bool) -> Result<Vec<EntryRow>, String> {
        let (state, _) = self.open()?;
        let found = state.with(|connection| {
            connection
                .prepare_cached(&format!("SELECT {ENTRY} FROM entry WHERE {OF_RUN} AND (void = 0 OR ?2) ORDER BY id"))?
                .query_map(params![run, with_void], entry)?
                .collect()
        });
        found.map_err(|error| error.to_string())
    }

    /// Where the entries of a run stand that still answer.
    pub(super) fn places(&self, run: &str) -> Result<Places, String> {
        let (state, _) = self.open()?;
        state.with(|connection| Places::of(connection, run)).map_err(|error| error.to_string())
    }

    /// The entry of that number.
    pub(super) fn entry(&self, run: &str, number: u64) -> Result<Option<EntryRow>, String> {
        let (state, _) = self.open()?;
        let found = state.with(|connection| {
            connection
                .prepare_cached(&format!("SELECT {ENTRY} FROM entry WHERE entry.id = {KEY}"))?
                .query_row(params![run, number as i64], entry)
                .optional()
        });
        found.map_err(|error| error.to_string())
    }

    /// A part of an entry, unpacked; nothing if it has none.
    ///
    /// # Errors
    /// What is damaged, or was dropped.
    pub fn part(&self, run: &str, number: u64, part: Part) -> Result<Option<Vec<u8>>, String> {
        let (_, packer) = self.open()?;
        self.packed_part(run, number, part)?.map(|packed| packer.unpack(&packed, run)).transpose()
    }

    /// What an appliance answered, as JSON; nothing where it was not JSON, or is no longer kept.
    ///
    /// # Errors
    /// What is damaged.
    pub fn answer(&self, run: &str, number: u64) -> Result<Option<Json>, String> {
        Ok(self.part(run, number, Part::Outcome)?.and_then(|bytes| codec::body_of(&bytes)))
    }

    /// What the door answered with a value, as JSON.
    ///
    /// # Errors
    /// What is damaged.
    pub fn value(&self, run: &str, number: u64) -> Result<Option<Json>, String> {
        Ok(self.part(run, number, Part::Outcome)?.and_then(|bytes| codec::value_of(&bytes)))
    }

    /// The same as it is kept.
    pub(super) fn packed_part(&self, run: &str, number: u64, part: Part) -> Result<Option<Vec<u8>>, String> {
        let (state, _) = self.open()?;
        let column = match part {
            Part::Action => "action",
            Part::Before => "before",
            Part::Outcome => "outcome",
        };
        let packed = state.with(|connection| {
            connection
                .prepare_cached(&format!("SELECT {column} FROM entry WHERE entry.id = {KEY}"))?
                .query_row(params![run, number as i64], |row| row.get::<_, Option<Vec<u8>>>(0))
                .optional()
        });
        packed.map(Option::flatten).map_err(|error| error.to_string())
    }
}
