//! Records as they go into the database: their parts packed, and their links in the chain of changes.

use std::collections::HashMap;
use std::sync::Arc;

use super::chain::{Chain, Hash, of_intent, of_outcome, of_run};
use super::codec;
use super::pack::{COMPRESSED, COMPRESSED_AT_ONCE, Packer};
use super::record::Record;
use crate::door::Recorded;

/// The packed parts of a record: action, state before, outcome, or the text or JSON that it is.
pub struct PackedRow {
    /// The main part.
    pub main: Vec<u8>,
    /// The state before.
    pub before: Option<Vec<u8>>,
    /// The outcome.
    pub outcome: Option<Vec<u8>>,
}

/// A record in packed parts.
///
/// # Errors
/// What cannot be packed.
pub fn packed(packer: &Packer, record: &Record) -> Result<PackedRow, String> {
    let main = |main: Vec<u8>| PackedRow { main, before: None, outcome: None };
    let outcome = |run: &str, number: u64, recorded: &Recorded, sealed: bool| {
        let (head, body) = codec::recorded_bytes(recorded);
        packer.pack(&[&head, &body], COMPRESSED, sealed, Some((run, &format!("{number}-outcome"))))
    };
    Ok(match record {
        Record::Begin(begin) => main(packer.pack(&[&begin.pinned], COMPRESSED, false, None)?),
        Record::Text { text, .. } => main(packer.pack(&[text.as_bytes()], COMPRESSED, false, None)?),
        Record::Entry(entry) => {
            // The script waits for what is about to change something; the rest is written behind its back.
            let compressed = if entry.chained { COMPRESSED_AT_ONCE } else { COMPRESSED };
            let pack = |bytes: &[u8], sealed: bool, part: &str| {
                packer.pack(&[bytes], compressed, sealed, Some((&entry.run, &format!("{}-{part}", entry.number))))
            };
            PackedRow {
                main: pack(&entry.action, entry.sealed, "action")?,
                // A read may show secrets, whatever the call itself says of them.
                before: entry.before.as_ref().map(|before| pack(before, true, "before")).transpose()?,
                outcome: match &entry.outcome {
                    Some((recorded, _)) => Some(outcome(&entry.run, entry.number, recorded, entry.sealed)?),
                    None => None,
                },
            }
        }
        Record::Note { .. } | Record::Wait { .. } => main(Vec::new()),
        Record::Outcome(end) => main(outcome(&end.run, end.number, &end.recorded, end.sealed)?),
        Record::End(end) => main(packer.pack(&[&end.ending], COMPRESSED, true, None)?),
    })
}

/// The links that a record adds to its run's chain: of its intent, and of its outcome.
pub type Links = (Option<(u64, Hash)>, Option<(u64, Hash)>);

/// Adds a record to its run's chain, if it is one of those that stand in it.
pub fn link(chains: &mut HashMap<Arc<str>, Chain>, record: &Record, row: &PackedRow) -> Links {
    match record {
        Record::Begin(begin) => {
            let chain = chains.entry(Arc::clone(&begin.run)).or_default();
            (Some(chain.add(&of_run(&begin.run, &row.main))), None)
        }
        Record::Entry(entry) if entry.chained => {
            let chain = chains.entry(Arc::clone(&entry.run)).or_default();
            let number = entry.number.to_be_bytes();
            let key = format!("{}#{}", entry.path, entry.position);
            let words = in_words(entry.effect, &entry.operation, entry.begun);
            let before = row.before.as_deref().unwrap_or_default();
            let intent = chain.add(&of_intent(&number, &key, &words, &entry.digest, &row.main, before));
            let outcome = row.outcome.as_deref().map(|outcome| chain.add(&of_outcome(&number, outcome)));
            (Some(intent), outcome)
        }
        Record::Outcome(end) if end.chained => {
            let chain = chains.entry(Arc::clone(&end.run)).or_default();
            (None, Some(chain.add(&of_outcome(&end.number.to_be_bytes(), &row.main))))
        }
        _ => (None, None),
    }
}

/// What the chain holds of an entry's words.
pub fn in_words(effect: &str, operation: &str, begun: i64) -> String {
    format!("{effect} {operation} {begun}")
}
