//! Transactions in the journal: what stands in one, and what becomes of one whose commit was broken off.

use rusqlite::params;
use serde_json::Value as Json;

use super::codec::{self, SecretOf};
use super::entries::{EntryRow, Part};
use super::keys::OF_RUN;
use super::log::Log;
use super::write::OPEN;
use crate::door::Staged;

impl Log {
    /// The entry of the commit of the transaction that was opened at a place, if it was about to leave and
    /// nobody saw its answer.
    pub(super) fn open_commit(&self, run: &str, path: &str, position: u64) -> Result<Option<u64>, String> {
        let (state, _) = self.open()?;
        let found = state.with(|connection| {
            let look = format!(
                "SELECT number, kind = 'commit' AND state = ?4 FROM entry
                 WHERE {OF_RUN} AND path = ?2 AND position > ?3 AND inside IS NULL AND void = 0
                 ORDER BY position LIMIT 1"
            );
            let mut next = connection.prepare_cached(&look)?;
            let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)? as u64, row.get::<_, bool>(1)?));
            rusqlite::OptionalExtension::optional(next.query_row(params![run, path, position as i64, OPEN], row))
        });
        let found = found.map_err(|error| error.to_string())?;
        Ok(found.filter(|(_, open)| *open).map(|(number, _)| number))
    }

    /// The changes that were staged in a transaction, in order.
    pub(super) fn staged(&self, run: &str, place: &str, secret: SecretOf<'_>) -> Result<Vec<Staged>, String> {
        let inside = |entry: &EntryRow| entry.inside.as_deref() == Some(place) && entry.kind == "call";
        let entries = self.entries(run, false)?.into_iter();
        let mut staged = Vec::new();
        for entry in entries.filter(|entry| inside(entry) && entry.is_change() && !entry.has_failed()) {
            let part = |part| self.part(run, entry.number, part);
            let json = |bytes: Option<Vec<u8>>| bytes.and_then(|bytes| serde_json::from_slice::<Json>(&bytes).ok());
            let Some(call) = part(Part::Action)?.and_then(|bytes| codec::read_call(&bytes, secret)) else { continue };
            staged.push(Staged {
                vendor: call.vendor,
                call: call.call,
                args: call.args,
                before: json(part(Part::Before)?),
                answer: part(Part::Outcome)?.and_then(|bytes| codec::body_of(&bytes)),
            });
        }
        Ok(staged)
    }

    /// Nothing of a transaction answers any more: it was never committed.
    pub(super) fn void_transaction(&self, run: &str, begin: u64, place: &str, commit: u64) -> Result<(), String> {
        let (state, _) = self.open()?;
        let written = state.transaction(|transaction| {
            let void = format!("UPDATE entry SET void = 1 WHERE {OF_RUN} AND (number IN (?2, ?3) OR inside = ?4)");
            transaction.execute(&void, params![run, begin as i64, commit as i64, place])
        });
        written.map(|_| ()).map_err(|error| error.to_string())
    }
}
