//! Whether the journal is what was written: every chain is computed again.

use std::collections::HashMap;

use super::chain::{BEGIN, Chain, of_intent, of_outcome, of_run};
use super::entries::{EntryRow, Part};
use super::hash::{hex, sha256};
use super::log::Log;
use super::packed::in_words;
use super::runs::RunRow;
use super::write::head_hash;

/// Where the journal is not what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The run.
    pub run: String,
    /// What is wrong, and at which entry.
    pub what: String,
}

/// A link as it stands in the database: what it is of, and its hash.
enum Link<'a> {
    Intent(&'a EntryRow, &'a [u8]),
    Outcome(&'a EntryRow, &'a [u8]),
}

impl Log {
    /// Computes the chains of runs again, and that of their heads.
    ///
    /// # Errors
    /// What the database refuses. What is broken is no error.
    pub fn verify(&self, runs: &[RunRow]) -> Result<Vec<Broken>, String> {
        let mut broken = Vec::new();
        for run in runs {
            let whole = match self.verify_run(run)? {
                Ok(()) => self.verify_texts(run)?,
                broken => broken,
            };
            if let Err(what) = whole {
                broken.push(Broken { run: run.id.clone(), what });
            }
        }
        broken.extend(self.verify_heads()?);
        Ok(broken)
    }

    fn verify_run(&self, run: &RunRow) -> Result<Result<(), String>, String> {
        let entries = self.entries(&run.id, true)?;
        let mut links: HashMap<u64, Link<'_>> = HashMap::new();
        for entry in &entries {
            if let Some((number, hash)) = &entry.link {
                links.insert(*number, Link::Intent(entry, hash));
            }
            if let Some((number, hash)) = &entry.end_link {
                links.insert(*number, Link::Outcome(entry, hash));
            }
        }
        let mut chain = Chain::default();
        chain.add(&of_run(&run.id, &self.packed_pins(&run.id)?));
        while chain.links < run.links {
            let Some(link) = links.remove(&(chain.links + 1)) else {
                return Ok(Err(format!("link {} of {} is missing", chain.links + 1, run.links)));
            };
            let part = |entry: &EntryRow, part| self.packed_part(&run.id, entry.number, part);
            let (entry, stored, computed) = match link {
                Link::Intent(entry, hash) => {
                    let (action, before) = (part(entry, Part::Action)?, part(entry, Part::Before)?);
                    let (number, key) = (entry.number.to_be_bytes(), format!("{}#{}", entry.path, entry.position));
                    let words = in_words(&entry.effect, &entry.operation, entry.begun.as_microsecond());
                    let (action, before) = (action.unwrap_or_default(), before.unwrap_or_default());
                    (entry, hash, chain.add(&of_intent(&number, &key, &words, &entry.digest, &action, &before)).1)
                }
                Link::Outcome(entry, hash) => {
                    let outcome = part(entry, Part::Outcome)?.unwrap_or_default();
                    (entry, hash, chain.add(&of_outcome(&entry.number.to_be_bytes(), &outcome)).1)
                }
            };
            if stored != computed {
                return Ok(Err(format!("entry {} ('{}') was changed", entry.number, entry.operation)));
            }
            // The chain covers what stands in the database; a large part stands in a file, by its hash.
            for kind in [Part::Action, Part::Before, Part::Outcome] {
                if let Err(what) = self.part(&run.id, entry.number, kind) {
                    return Ok(Err(format!("entry {} ('{}'): {what}", entry.number, entry.operation)));
                }
            }
        }
        // A run that is being executed has gone on since it was looked up.
        if let Some(number) = links.keys().min().filter(|_| run.outcome.is_some()) {
            return Ok(Err(format!("link {number} stands after the end of the chain")));
        }
        if chain.head != run.head {
            return Ok(Err("what the run is pinned to, or the end of its chain, was changed".into()));
        }
        Ok(Ok(()))
    }

    /// The texts that a run is made of stand under their hashes, and the script's is pinned.
    fn verify_texts(&self, run: &RunRow) -> Result<Result<(), String>, String> {
        let pinned = match self.pinned(&run.id) {
            Ok(pinned) => pinned,
            Err(what) => return Ok(Err(what)),
        };
        let script = pinned.get("script").and_then(serde_json::Value::as_str);
        if script.is_some_and(|script| script != hex(&run.script)) {
            return Ok(Err("the hash of its script was changed".into()));
        }
        let (state, packer) = self.open()?;
        let look = "SELECT run_text.name, sha256, body FROM run_text LEFT JOIN text USING (sha256) WHERE run = ?1";
        type Text = (String, Vec<u8>, Option<Vec<u8>>);
        let texts: Vec<Text> = state
            .with(|connection| {
                let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
                connection.prepare_cached(look)?.query_map([&run.id], row)?.collect()
            })
            .map_err(|error| error.to_string())?;
        for (name, hash, body) in texts {
            let Some(body) = body else { return Ok(Err(format!("the text of {name} is missing"))) };
            let text = packer.unpack(&body, &run.id);
            if text.is_err() || text.is_ok_and(|text| sha256(&text)[..] != hash[..]) {
                return Ok(Err(format!("the text of {name} was changed")));
            }
        }
        Ok(Ok(()))
    }

    fn verify_heads(&self) -> Result<Vec<Broken>, String> {
        let (state, _) = self.open()?;
        type Head = (String, i64, Vec<u8>, Vec<u8>);
        let heads: Vec<Head> = state
            .with(|connection| {
                connection
                    .prepare("SELECT run, links, head, hash FROM head ORDER BY sequence")?
                    .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
                    .collect()
            })
            .map_err(|error| error.to_string())?;
        let present: HashMap<String, RunRow> = self.runs()?.into_iter().map(|run| (run.id.clone(), run)).collect();
        let mut before = BEGIN;
        let mut broken = Vec::new();
        for (run, links, head, hash) in heads {
            let mut whole = BEGIN;
            if head.len() == whole.len() {
                whole.copy_from_slice(&head);
            }
            let computed = head_hash(&before, &run, links as u64, &whole);
            if hash != computed {
                broken.push(Broken { run, what: "the chain of all runs is broken here".into() });
                return Ok(broken);
            }
            before = computed;
            match present.get(&run) {
                None => broken.push(Broken { run, what: "the run is missing".into() }),
                Some(row) if row.links < links as u64 => {
                    broken.push(Broken { run, what: "the end of the run's chain is missing".into() });
                }
                Some(row) if row.links == links as u64 && row.head[..] != head[..] => {
                    broken.push(Broken { run, what: "the end of the run's chain was changed".into() });
                }
                Some(_) => {}
            }
        }
        Ok(broken)
    }
}
