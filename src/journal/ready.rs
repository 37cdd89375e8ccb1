//! Making a run ready to go on: what was decided over its entries is written in one commit.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::chain::{Chain, of_intent};
use super::codec;
use super::entries::{EntryRow, Part};
use super::keys::{KEY, OF_RUN, OF_TREE, TREE};
use super::log::Log;
use super::packed::in_words;
use super::resume::decide;
use super::runs::RunRow;
use super::write::OPEN;
use crate::catalog::Effect;
use crate::failpoint;

/// A run that is ready to go on.
#[derive(Debug)]
pub struct Ready {
    /// The number of its last entry.
    pub last: u64,
    /// How many of its entries were shown to the script before those that are done again.
    pub known: u64,
    /// For how long it has run, in microseconds.
    pub ran: i64,
}

/// What one change has spent.
#[derive(Debug)]
pub struct SpentRow {
    /// The target.
    pub target: String,
    /// What it did to the world.
    pub effect: Effect,
    /// How many items it touched.
    pub items: u64,
}

impl Log {
    /// Makes a run ready to go on, together with the children that it resumes.
    ///
    /// # Errors
    /// What the database refuses; nothing is changed then.
    pub fn make_ready(&self, run: &RunRow, culprit: Option<u64>, now: Timestamp) -> Result<Ready, String> {
        self.ready(run, culprit, now, true)
    }

    /// The same after a wait, which is no interruption: it does not count as a resume.
    ///
    /// # Errors
    /// As [`Log::make_ready`].
    pub fn wake(&self, run: &RunRow, now: Timestamp) -> Result<Ready, String> {
        self.ready(run, None, now, false)
    }

    fn ready(&self, run: &RunRow, culprit: Option<u64>, now: Timestamp, counts: bool) -> Result<Ready, String> {
        let entries = self.entries(&run.id, false)?;
        let ended = matches!(run.outcome.as_deref(), Some("failed" | "refused"));
        let changes = decide(&entries, culprit, ended);
        for child in &changes.children {
            // A child without a row was announced and never began.
            let Ok(child) = self.find_run(child) else { continue };
            let culprit = self.culprit(&child.id)?;
            self.ready(&child, culprit, now, counts)?;
        }
        let ran = run.ran + self.ran_since(run, &entries, now);
        let resent = self.resent(run, entries.iter().filter(|entry| changes.void.contains_key(&entry.number)))?;
        let mut chain = Chain { links: run.links, head: run.head };
        failpoint::reach("readying");
        let (state, _) = self.open()?;
        let written = state.transaction(|transaction| {
            let mut void = transaction.prepare(&format!("UPDATE entry SET void = ?3 WHERE entry.id = {KEY}"))?;
            for (number, how) in &changes.void {
                void.execute(params![run.id, *number as i64, *how as i64])?;
            }
            let mut reopen = transaction
                // Which items of a `parallel` fail shows anew.
                .prepare(&format!(
                    "UPDATE entry SET state = ?3, outcome = NULL, ended = NULL,
                        note = CASE kind WHEN 'parallel' THEN NULL ELSE note END
                     WHERE entry.id = {KEY}"
                ))?;
            for number in &changes.reopened {
                reopen.execute(params![run.id, *number as i64, OPEN])?;
            }
            for resent in &resent {
                resent.open_again(transaction, &run.id, &mut chain)?;
            }
            transaction.execute(
                "UPDATE run SET outcome = NULL, ended = NULL, ending = NULL, resumed = resumed + ?6, ran = ?2, began = ?3,
                    links = ?4, head = ?5, wake = NULL
                 WHERE id = ?1",
                params![run.id, ran, now.as_microsecond(), chain.links as i64, chain.head, counts],
            )
        });
        written.map_err(|error| error.to_string())?;
        failpoint::reach("ready");
        self.set_chain(&run.id.as_str().into(), chain);
        let standing = self.standing(&run.id)?;
        standing.ok_or_else(|| format!("run {} is gone", run.id))
    }

    /// Of the entries that are done again those whose answer was lost, and whose resend was refused: what
    /// became of the first sending is as open as before.
    fn resent<'a>(&self, run: &RunRow, again: impl Iterator<Item = &'a EntryRow>) -> Result<Vec<Resent<'a>>, String> {
        let mut resent = Vec::new();
        for entry in again.filter(|entry| entry.has_failed() && entry.is_change() && entry.inside.is_none()) {
            let outcome = self.part(&run.id, entry.number, Part::Outcome)?.unwrap_or_default();
            if codec::was_resent(&outcome) {
                let part = |part| self.packed_part(&run.id, entry.number, part).map(Option::unwrap_or_default);
                resent.push(Resent { entry, action: part(Part::Action)?, before: part(Part::Before)? });
            }
        }
        Ok(resent)
    }

    /// Where a run stands that goes on; nothing if there is none.
    ///
    /// # Errors
    /// What the database refuses.
    pub fn standing(&self, id: &str) -> Result<Option<Ready>, String> {
        let (state, _) = self.open()?;
        let found = state.with(|connection| {
            // What was shown after the last entry that ended was shown if another one had begun.
            let look = format!(
                "SELECT ran, (SELECT coalesce(max(entry.id) & 4294967295, 0) FROM entry WHERE {OF_RUN}),
                        (SELECT count(*) FROM entry WHERE {OF_RUN} AND void = 0 AND state <> ?2)
                        + EXISTS (SELECT 1 FROM entry WHERE {OF_RUN} AND (void = 1 OR
                            state = ?2 AND kind NOT IN ('step', 'parallel')))
                 FROM run WHERE id = ?1"
            );
            let ready = |row: &rusqlite::Row<'_>| {
                Ok(Ready { ran: row.get(0)?, last: row.get::<_, i64>(1)? as u64, known: row.get::<_, i64>(2)? as u64 })
            };
            connection.query_row(&look, params![id, OPEN], ready).optional()
        });
        found.map_err(|error| error.to_string())
    }

    /// What a run and its children have spent of their budgets: every change that was sent. What is still
    /// open is counted when it is settled.
    ///
    /// # Errors
    /// What the database refuses.
    pub fn spent(&self, id: &str) -> Result<Vec<SpentRow>, String> {
        let (state, _) = self.open()?;
        let found = state.with(|connection| {
            let look = format!(
                "{TREE} SELECT target, effect, items FROM tree JOIN entry ON {OF_TREE}
                 WHERE effect <> 'read' AND target IS NOT NULL AND kind IN ('call', 'raw')
                   AND (state <> ?2 OR void <> 0)"
            );
            let row = |row: &rusqlite::Row<'_>| {
                let effect: String = row.get(1)?;
                let effect = Effect::from_name(&effect).unwrap_or(Effect::Change);
                Ok(SpentRow { target: row.get(0)?, effect, items: row.get::<_, i64>(2)? as u64 })
            };
            connection.prepare(&look)?.query_map(params![id, OPEN], row)?.collect()
        });
        found.map_err(|error| error.to_string())
    }

    /// For how long the last execution has run: a process that was killed left only its entries. A wait counts, and
    /// not what may have come between its end and this.
    fn ran_since(&self, run: &RunRow, entries: &[EntryRow], now: Timestamp) -> i64 {
        if run.ended.is_some() {
            return 0;
        }
        if let Some(wake) = run.wake {
            return (wake.min(now).as_microsecond() - run.began.as_microsecond()).max(0);
        }
        let last = entries.iter().map(|entry| entry.ended.unwrap_or(entry.begun)).max();
        last.map_or(0, |last| (last.as_microsecond() - run.began.as_microsecond()).max(0))
    }

    /// The entry whose error ended a run.
    ///
    /// # Errors
    /// What is damaged.
    pub fn culprit(&self, run: &str) -> Result<Option<u64>, String> {
        let ending = self.ending(run)?;
        Ok(ending.and_then(|ending| ending.pointer("/error/fault/entry")?.as_u64()))
    }
}

/// A change that a former execution has sent twice, and that was refused the second time.
struct Resent<'a> {
    entry: &'a EntryRow,
    action: Vec<u8>,
    before: Vec<u8>,
}

impl Resent<'_> {
    /// Takes the place of the refused entry as one that is open: it is settled as any other whose answer was
    /// lost.
    fn open_again(&self, transaction: &Connection, run: &str, chain: &mut Chain) -> rusqlite::Result<()> {
        let entry = self.entry;
        let last = format!("SELECT max(entry.id) & 4294967295 FROM entry WHERE {OF_RUN}");
        let number = transaction.query_row(&last, [run], |row| row.get::<_, i64>(0))? + 1;
        let key = format!("{}#{}", entry.path, entry.position);
        let words = in_words(&entry.effect, &entry.operation, entry.begun.as_microsecond());
        let digits = number.to_be_bytes();
        let link = chain.add(&of_intent(&digits, &key, &words, &entry.digest, &self.action, &self.before));
        let copy = format!(
            "INSERT INTO entry (id, run, number, path, position, kind, target, operation, effect, items, digest,
                 action, before, state, begun, link, hash)
             SELECT id - number + ?3, run, ?3, path, position, kind, target, operation, effect, items, digest,
                 action, before, ?4, begun, ?5, ?6 FROM entry WHERE entry.id = {KEY}"
        );
        let values = params![run, entry.number as i64, number, OPEN, link.0 as i64, link.1];
        transaction.execute(&copy, values).map(|_| ())
    }
}
