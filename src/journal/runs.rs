//! What the journal tells of runs: their rows, what they are pinned to, how they ended, and their texts.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row};
use serde_json::Value as Json;

use super::entries::time;
use super::log::Log;
use super::owner::is_owned;

/// A run, as its row says.
#[derive(Clone, Debug)]
pub struct RunRow {
    /// The id.
    pub id: String,
    /// The run that it is a child of.
    pub parent: Option<String>,
    /// The script's name.
    pub name: String,
    /// `live`, `dry`, `apply`, `undo` or `session`.
    pub mode: String,
    /// What set it off.
    pub cause: String,
    /// When it began.
    pub started: Timestamp,
    /// When its latest execution began.
    pub began: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// How it ended; `interrupted` when its process is gone, nothing while it runs.
    pub outcome: Option<String>,
    /// For how long it has run, in microseconds.
    pub ran: i64,
    /// How often it was resumed.
    pub resumed: u64,
    /// How many links its chain has.
    pub links: u64,
    /// The last link.
    pub head: [u8; 32],
    /// The SHA-256 of its script.
    pub script: [u8; 32],
    /// When its answers were dropped.
    pub pruned: Option<Timestamp>,
    /// Until when it waits, with nobody interpreting its script meanwhile.
    pub wake: Option<Timestamp>,
}

impl RunRow {
    /// How it ended, or what it does.
    pub fn state(&self) -> &str {
        self.outcome.as_deref().unwrap_or(if self.wake.is_some() { "waiting" } else { "running" })
    }
}

const RUN: &str = "id, parent, name, mode, cause, started, ended, outcome, ran, resumed, links, head, began, \
                   script, pruned, wake";

fn run(row: &Row<'_>) -> rusqlite::Result<RunRow> {
    Ok(RunRow {
        id: row.get(0)?,
        parent: row.get(1)?,
        name: row.get(2)?,
        mode: row.get(3)?,
        cause: row.get(4)?,
        started: time(row.get(5)?),
        ended: row.get::<_, Option<i64>>(6)?.map(time),
        outcome: row.get(7)?,
        ran: row.get(8)?,
        resumed: row.get::<_, i64>(9)? as u64,
        links: row.get::<_, i64>(10)? as u64,
        head: row.get(11)?,
        began: time(row.get(12)?),
        script: row.get(13)?,
        pruned: row.get::<_, Option<i64>>(14)?.map(time),
        wake: row.get::<_, Option<i64>>(15)?.map(time),
    })
}

impl Log {
    /// Every run, the latest first; those without an owner are `interrupted`.
    ///
    /// # Errors
    /// What the database refuses.
    pub fn runs(&self) -> Result<Vec<RunRow>, String> {
        let (state, _) = self.open()?;
        let found = state.with(|connection| {
            connection
                .prepare_cached(&format!("SELECT {RUN} FROM run ORDER BY started DESC, id"))?
                .query_map([], run)?
                .collect::<rusqlite::Result<Vec<_>>>()
        });
        let mut found = found.map_err(|error| error.to_string())?;
        for run in found.iter_mut().filter(|run| run.outcome.is_none()) {
            self.judge_owner(run)?;
        }
        Ok(found)
    }

    /// The runs that have ended since an instant, in order.
    ///
    /// # Errors
    /// What the database refuses.
    pub fn ended_since(&self, since: Timestamp) -> Result<Vec<RunRow>, String> {
        let (state, _) = self.open()?;
        let found = state.with(|connection| {
            connection
                .prepare_cached(&format!("SELECT {RUN} FROM run WHERE ended > ?1 AND parent IS NULL ORDER BY ended"))?
                .query_map([since.as_microsecond()], run)?
                .collect()
        });
        found.map_err(|error| error.to_string())
    }

    /// A run that nobody executes and that has no outcome was interrupted, or waits. A child is executed by whoever
    /// executes its parent.
    fn judge_owner(&self, run: &mut RunRow) -> Result<(), String> {
        let (state, _) = self.open()?;
        let mut id = run.id.clone();
        for _ in 0..16 {
            if is_owned(state.folder(), &id) {
                return Ok(());
            }
            let above: Option<Option<String>> = state
                .with(|c| c.query_row("SELECT parent FROM run WHERE id = ?1", [&id], |row| row.get(0)).optional())
                .map_err(|error| error.to_string())?;
            match above.flatten() {
                Some(parent) => id = parent,
                None => break,
            }
        }
        // It may have ended between the two looks.
        let again: Option<(Option<String>, Option<i64>)> = state
            .with(|connection| {
                let look = "SELECT outcome, ended FROM run WHERE id = ?1";
                connection.query_row(look, [&run.id], |row| Ok((row.get(0)?, row.get(1)?))).optional()
            })
            .map_err(|error| error.to_string())?;
        match again {
            Some((Some(outcome), ended)) => {
                run.outcome = Some(outcome);
                run.ended = ended.map(time);
            }
            // Whoever serves takes it up again when its time has come.
            _ if run.wake.is_some() => run.outcome = Some("waiting".into()),
            _ => run.outcome = Some("interrupted".into()),
        }
        Ok(())
    }

    /// The run of that id.
    fn run(&self, id: &str) -> Result<Option<RunRow>, String> {
        let (state, _) = self.open()?;
        let found = state.with(|connection| {
            let look = format!("SELECT {RUN} FROM run WHERE id = ?1");
            connection.prepare_cached(&look)?.query_row([id], run).optional()
        });
        let mut found = found.map_err(|error| error.to_string())?;
        if let Some(run) = found.as_mut().filter(|run| run.outcome.is_none()) {
            self.judge_owner(run)?;
        }
        Ok(found)
    }

    /// The run that `name` means: an id, the beginning of one, or `latest`.
    ///
    /// # Errors
    /// When there is none, or several.
    pub fn find_run(&self, name: &str) -> Result<RunRow, String> {
        if name == "latest" {
            return self.latest_run(|_| true);
        }
        if let Some(exact) = self.run(name)? {
            return Ok(exact);
        }
        let runs = self.runs()?;
        let mut matching: Vec<RunRow> =
            runs.into_iter().filter(|run| !name.is_empty() && run.id.starts_with(name)).collect();
        match (matching.pop(), matching.pop()) {
            (Some(one), None) => Ok(one),
            (Some(one), Some(other)) => {
                Err(format!("'{name}' begins several ids: {}, {}, …: write more of it", one.id, other.id))
            }
            _ => Err(format!("there is no run '{name}': `beadle runs list` shows them")),
        }
    }

    /// The latest outermost run of a kind.
    ///
    /// # Errors
    /// When there is none, or the database refuses.
    pub fn latest_run(&self, is_meant: impl Fn(&RunRow) -> bool) -> Result<RunRow, String> {
        let mut runs = self.runs()?;
        runs.retain(|run| run.parent.is_none() && is_meant(run));
        runs.into_iter().next().ok_or_else(|| "there is no run yet".into())
    }

    /// What the run is pinned to.
    ///
    /// # Errors
    /// What is damaged.
    pub fn pinned(&self, run: &str) -> Result<Json, String> {
        self.run_json(run, "pinned").map(Option::unwrap_or_default)
    }

    /// Value, error and counts of a run that has ended.
    ///
    /// # Errors
    /// What is damaged.
    pub fn ending(&self, run: &str) -> Result<Option<Json>, String> {
        self.run_json(run, "ending")
    }

    /// What the run is pinned to, as it is kept.
    pub(super) fn packed_pins(&self, run: &str) -> Result<Vec<u8>, String> {
        let (state, _) = self.open()?;
        let packed =
            state.with(|c| c.query_row("SELECT pinned FROM run WHERE id = ?1", [run], |row| row.get::<_, Vec<u8>>(0)));
        packed.map_err(|error| error.to_string())
    }

    fn run_json(&self, run: &str, column: &str) -> Result<Option<Json>, String> {
        let (state, packer) = self.open()?;
        let packed: Option<Vec<u8>> = state
            .with(|connection| {
                connection.query_row(&format!("SELECT {column} FROM run WHERE id = ?1"), [run], |row| row.get(0))
            })
            .map_err(|error| error.to_string())?;
        let Some(packed) = packed else { return Ok(None) };
        let bytes = packer.unpack(&packed, run)?;
        serde_json::from_slice(&bytes).map(Some).map_err(|error| format!("the run's record is damaged: {error}"))
    }

    /// The texts that a run is made of, by name.
    ///
    /// # Errors
    /// What is damaged.
    pub fn texts(&self, run: &str) -> Result<Vec<(String, String)>, String> {
        let (state, packer) = self.open()?;
        let packed: Vec<(String, Vec<u8>)> = state
            .with(|connection| {
                connection
                    .prepare_cached(
                        "SELECT run_text.name, text.body FROM run_text JOIN text USING (sha256) WHERE run = ?1",
                    )?
                    .query_map([run], |row| Ok((row.get(0)?, row.get(1)?)))?
                    .collect()
            })
            .map_err(|error| error.to_string())?;
        packed
            .into_iter()
            .map(|(name, body)| {
                let text = String::from_utf8(packer.unpack(&body, run)?).map_err(|_| "a pinned text is damaged")?;
                Ok((name, text))
            })
            .collect()
    }
}
