//! The statements that write records.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, Result, params};
use sha2::{Digest, Sha256};

use super::chain::{BEGIN, Chain};
use super::keys::KEY;
use super::packed::{PackedRow, link};
use super::record::{BeginRecord, EndRecord, EntryRecord, OutcomeRecord, Record};

/// An entry that has begun and not ended.
pub const OPEN: i64 = 0;

/// An entry that ended well.
pub const DONE: i64 = 1;

/// An entry that ended with a fault.
pub const FAILED: i64 = 2;

/// Writes records that share a commit, each with its packed parts.
pub fn records<'a>(
    transaction: &Connection,
    chains: &mut HashMap<Arc<str>, Chain>,
    records: impl Iterator<Item = (&'a Record, &'a PackedRow)>,
) -> Result<()> {
    let mut grown: Vec<&Arc<str>> = Vec::new();
    for (record, row) in records {
        let chained = match record {
            Record::Begin(begin) => Some(&begin.run),
            Record::Entry(entry) => Some(&entry.run).filter(|_| entry.chained),
            Record::Outcome(outcome) => Some(&outcome.run).filter(|_| outcome.chained),
            Record::Text { .. } | Record::Note { .. } | Record::Wait { .. } | Record::End(_) => None,
        };
        grown.extend(chained.filter(|run| !grown.contains(run)));
        write(transaction, chains, record, row)?;
    }
    grown.into_iter().try_for_each(|run| keep_chain(transaction, chains, run))
}

fn write(
    transaction: &Connection,
    chains: &mut HashMap<Arc<str>, Chain>,
    record: &Record,
    row: &PackedRow,
) -> Result<()> {
    let (link, end_link) = link(chains, record, row);
    match record {
        Record::Begin(begin) => begin_run(transaction, begin, row),
        Record::Note { run, number, note } => {
            let mut noted =
                transaction.prepare_cached(&format!("UPDATE entry SET note = ?3 WHERE entry.id = {KEY}"))?;
            noted.execute(params![&**run, *number as i64, note]).map(|_| ())
        }
        Record::Text { run, name, text } => {
            let sha256: [u8; 32] = Sha256::digest(text).into();
            let mut body = transaction.prepare_cached("INSERT OR IGNORE INTO text (sha256, body) VALUES (?1, ?2)")?;
            body.execute(params![sha256, row.main])?;
            let mut named = transaction
                .prepare_cached("INSERT OR REPLACE INTO run_text (run, name, sha256) VALUES (?1, ?2, ?3)")?;
            named.execute(params![&**run, name, sha256]).map(|_| ())
        }
        Record::Entry(entry) => write_entry(transaction, entry, row, link, end_link),
        Record::Outcome(outcome) => write_outcome(transaction, outcome, row, end_link),
        Record::Wait { run, until, now, ran } => {
            let mut waits =
                transaction.prepare_cached("UPDATE run SET wake = ?2, began = ?3, ran = ?4 WHERE id = ?1")?;
            waits.execute(params![&**run, until, now, ran]).map(|_| ())
        }
        Record::End(end) => end_run(transaction, chains, end, row),
    }
}

fn begin_run(transaction: &Connection, begin: &BeginRecord, row: &PackedRow) -> Result<()> {
    transaction
        .prepare_cached(
            // Behind every run, and behind every entry whose run has vanished.
            "INSERT INTO run (id, parent, name, mode, cause, started, began, script, pinned, head, serial)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, ?8, ?9,
                1 + max(coalesce((SELECT max(serial) FROM run), 0), coalesce((SELECT max(id) >> 32 FROM entry), 0)))",
        )?
        .execute(params![
            &*begin.run,
            begin.parent,
            begin.name,
            begin.mode,
            begin.cause,
            begin.started,
            begin.script,
            row.main,
            BEGIN
        ])
        .map(|_| ())
}

type Link = Option<(u64, [u8; 32])>;

fn split(link: Link) -> (Option<i64>, Option<[u8; 32]>) {
    link.map_or((None, None), |(number, hash)| (Some(number as i64), Some(hash)))
}

fn write_entry(
    transaction: &Connection,
    entry: &EntryRecord,
    row: &PackedRow,
    link: Link,
    end_link: Link,
) -> Result<()> {
    let state = entry.outcome.as_ref().map_or(OPEN, |(recorded, _)| state_of(recorded.is_ok()));
    let ((link, hash), (end_link, end_hash)) = (split(link), split(end_link));
    transaction
        .prepare_cached(&format!(
            "INSERT INTO entry (id, run, number, path, position, inside, kind, target, operation, effect, items, digest,
                action, before, note, state, outcome, begun, ended, link, hash, end_link, end_hash)
             VALUES ({KEY}, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,
                ?21, ?22)"
        ))?
        .execute(params![
            &*entry.run,
            entry.number as i64,
            entry.path,
            entry.position as i64,
            entry.inside,
            entry.kind,
            entry.target,
            entry.operation,
            entry.effect,
            entry.items as i64,
            entry.digest,
            row.main,
            row.before,
            entry.note,
            state,
            row.outcome,
            entry.begun,
            entry.outcome.as_ref().map(|(_, ended)| *ended),
            link,
            hash,
            end_link,
            end_hash
        ])
        .map(|_| ())
}

fn write_outcome(transaction: &Connection, outcome: &OutcomeRecord, row: &PackedRow, link: Link) -> Result<()> {
    let (link, hash) = split(link);
    transaction
        .prepare_cached(&format!(
            "UPDATE entry SET state = ?3, outcome = ?4, ended = ?5, end_link = ?6, end_hash = ?7
             WHERE entry.id = {KEY}"
        ))?
        .execute(params![
            &*outcome.run,
            outcome.number as i64,
            state_of(outcome.recorded.is_ok()),
            row.main,
            outcome.ended,
            link,
            hash
        ])
        .map(|_| ())
}

/// The head stands in the run's row in the same commit: a resume goes on from there.
fn keep_chain(transaction: &Connection, chains: &HashMap<Arc<str>, Chain>, run: &Arc<str>) -> Result<()> {
    let Some(chain) = chains.get(run) else { return Ok(()) };
    transaction
        .prepare_cached("UPDATE run SET links = ?2, head = ?3 WHERE id = ?1")?
        .execute(params![&**run, chain.links as i64, chain.head])
        .map(|_| ())
}

fn end_run(
    transaction: &Connection,
    chains: &HashMap<Arc<str>, Chain>,
    end: &EndRecord,
    row: &PackedRow,
) -> Result<()> {
    transaction
        .prepare_cached("UPDATE run SET outcome = ?2, ended = ?3, ending = ?4, ran = ?5, wake = NULL WHERE id = ?1")?
        .execute(params![&*end.run, end.outcome, end.ended, row.main, end.ran])?;
    // The heads of all runs are a chain of their own, so that a whole run cannot vanish.
    let Some(chain) = chains.get(&end.run) else { return Ok(()) };
    let before: Option<[u8; 32]> = {
        let mut last = transaction.prepare_cached("SELECT hash FROM head ORDER BY sequence DESC LIMIT 1")?;
        rusqlite::OptionalExtension::optional(last.query_row([], |row| row.get(0)))?
    };
    let hash = head_hash(&before.unwrap_or(BEGIN), &end.run, chain.links, &chain.head);
    transaction
        .prepare_cached("INSERT INTO head (run, links, head, hash) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![&*end.run, chain.links as i64, chain.head, hash])
        .map(|_| ())
}

/// The hash of one row of the chain of heads.
pub fn head_hash(before: &[u8; 32], run: &str, links: u64, head: &[u8; 32]) -> [u8; 32] {
    let mut chain = Chain { links: 0, head: *before };
    chain.add(&[run.as_bytes(), &links.to_be_bytes(), head]).1
}

const fn state_of(ok: bool) -> i64 {
    if ok { DONE } else { FAILED }
}
