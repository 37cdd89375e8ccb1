//! What a run and its children did, counted in the database.

use rusqlite::params;

use super::codec::{self, SecretOf};
use super::entries::Part;
use super::keys::{OF_TREE, TREE};
use super::log::Log;
use super::write::FAILED;
use crate::door::{Action, Recorded};
use crate::secret::Secret;

/// Requests of a run and its children.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Reads of appliances and hosts.
    pub reads: u64,
    /// Changes that were made, or may have been: not those that were refused, here or there. In a dry run those that it
    /// withheld.
    pub changes: u64,
    /// The targets that they went to.
    pub targets: Vec<String>,
}

impl Log {
    /// Counts the requests of a run and its children. What a resume has done again counts once.
    ///
    /// # Errors
    /// What the database refuses.
    pub fn tally(&self, id: &str) -> Result<Tally, String> {
        let (state, _) = self.open()?;
        let found = state.with(|connection| {
            let look = format!(
                "{TREE} SELECT target, sum(effect = 'read'), sum(effect <> 'read' AND state <> {FAILED})
                 FROM tree JOIN entry ON {OF_TREE}
                 WHERE kind IN ('call', 'raw', 'fetch') AND void <> 1 GROUP BY target ORDER BY target"
            );
            let row = |row: &rusqlite::Row<'_>| {
                Ok((row.get::<_, Option<String>>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
            };
            connection.prepare_cached(&look)?.query_map(params![id], row)?.collect::<rusqlite::Result<Vec<_>>>()
        });
        let mut tally = Tally::default();
        for (target, reads, changes) in found.map_err(|error| error.to_string())? {
            tally.reads += reads as u64;
            tally.changes += changes as u64;
            tally.targets.extend(target);
        }
        Ok(tally)
    }

    /// How an entry ended, as it was recorded: an answer without its row, secrets without their texts;
    /// nothing if it is open, or was dropped.
    ///
    /// # Errors
    /// What is damaged.
    pub fn outcome(&self, run: &str, number: u64) -> Result<Option<Recorded>, String> {
        let secret: SecretOf<'_> = &|reference| Secret::new(reference, "");
        let bytes = self.part(run, number, Part::Outcome)?;
        // Only calls have rows, and whoever shows an answer looks for the row itself.
        bytes.map(|bytes| codec::read_recorded(&bytes, &Action::Clock, secret)).transpose()
    }
}
