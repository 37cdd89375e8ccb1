//! Dropping what old runs were answered.
//!
//! Only runs that succeeded as a whole are pruned: any other may be gone on with. Changes stay with what
//! was there before and what was answered, so that the chains are whole and an undo has its inverses.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, Result as SqlResult, params};

use super::keys::{OF_RUN, OF_TREE, TREE};
use super::log::Log;
use super::write::DONE;

/// How many runs share a commit: nobody else can write during one.
const AT_ONCE: usize = 50;

/// What was dropped, or would be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// From how many runs, children not counted.
    pub runs: u64,
    /// How many answers.
    pub answers: u64,
    /// How many files beside the database.
    pub files: u64,
    /// How many bytes, in the database and beside it.
    pub bytes: u64,
}

/// A run with its children.
struct Tree {
    runs: Vec<String>,
    /// Whether one of them changed something, or withheld a change.
    changes: bool,
}

/// Of a run's entries those that are dropped with its changes staying.
const ANSWERED: &str = "effect = 'read' AND state = ?2 AND outcome IS NOT NULL";

impl Log {
    /// Drops the answers of runs that succeeded and ended before `before`; where a run changed nothing, its
    /// entries go as a whole, and the run itself stays. With `dry` it is only counted.
    ///
    /// # Errors
    /// What the database or the file system refuses. What was dropped until then stays dropped.
    pub fn prune(&self, before: Timestamp, now: Timestamp, dry: bool) -> Result<Pruned, String> {
        let (state, packer) = self.open()?;
        let trees = state.with(|connection| trees(connection, before)).map_err(|error| error.to_string())?;
        let mut pruned = Pruned::default();
        for batch in trees.chunks(AT_ONCE) {
            let mut files = Vec::new();
            for tree in batch {
                pruned.runs += 1;
                for run in &tree.runs {
                    let found = state.with(|connection| Held::of(connection, run, tree.changes));
                    let held = found.map_err(|error| error.to_string())?;
                    pruned.answers += held.answers;
                    pruned.bytes += held.bytes;
                    files.extend(held.files(&packer.run_folder(run))?);
                }
            }
            pruned.files += files.len() as u64;
            pruned.bytes += files.iter().map(|(_, size)| size).sum::<u64>();
            if dry {
                continue;
            }
            let dropped = state.transaction(|transaction| {
                for (run, changes) in batch.iter().flat_map(|tree| tree.runs.iter().map(|run| (run, tree.changes))) {
                    drop_answers(transaction, run, changes)?;
                }
                Ok(())
            });
            dropped.map_err(|error| error.to_string())?;
            for (path, _) in &files {
                fs::remove_file(path).map_err(|error| format!("{}: {error}", path.display()))?;
            }
            // Only now: whoever dies before it finds the files again.
            let marked = state.transaction(|transaction| {
                let mut mark = transaction.prepare("UPDATE run SET pruned = ?2 WHERE id = ?1")?;
                for run in batch.iter().flat_map(|tree| &tree.runs) {
                    mark.execute(params![run, now.as_microsecond()])?;
                    let _not_empty = fs::remove_dir(packer.run_folder(run));
                }
                Ok(())
            });
            marked.map_err(|error| error.to_string())?;
        }
        Ok(pruned)
    }
}

fn trees(connection: &Connection, before: Timestamp) -> SqlResult<Vec<Tree>> {
    let roots: Vec<String> = connection
        .prepare(
            "SELECT id FROM run WHERE parent IS NULL AND pruned IS NULL AND ended < ?1 AND outcome = 'succeeded'
             ORDER BY ended",
        )?
        .query_map([before.as_microsecond()], |row| row.get(0))?
        .collect::<SqlResult<_>>()?;
    let mut below = connection.prepare(&format!(
        "{TREE} SELECT id, EXISTS (SELECT 1 FROM entry WHERE {OF_TREE} AND effect <> 'read') FROM tree"
    ))?;
    let tree = |root: String| {
        let rows: Vec<(String, bool)> =
            below.query_map([root], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<SqlResult<_>>()?;
        let changes = rows.iter().any(|(_, changes)| *changes);
        Ok(Tree { runs: rows.into_iter().map(|(run, _)| run).collect(), changes })
    };
    roots.into_iter().map(tree).collect()
}

fn drop_answers(connection: &Connection, run: &str, changes: bool) -> SqlResult<()> {
    if changes {
        let drop = format!("UPDATE entry SET outcome = NULL WHERE {OF_RUN} AND {ANSWERED}");
        connection.prepare_cached(&drop)?.execute(params![run, DONE])?;
    } else {
        connection.prepare_cached(&format!("DELETE FROM entry WHERE {OF_RUN}"))?.execute([run])?;
    }
    Ok(())
}

/// What a run holds that is to be dropped.
struct Held {
    answers: u64,
    bytes: u64,
    /// The entries whose files go; all where nothing is said.
    numbers: Option<BTreeSet<u64>>,
}

impl Held {
    fn of(connection: &Connection, run: &str, changes: bool) -> SqlResult<Self> {
        let count = |what: &str, which: &str| {
            let look = format!("SELECT count(*), coalesce(sum({what}), 0) FROM entry WHERE {OF_RUN} AND {which}");
            connection.prepare_cached(&look)?.query_row(params![run, DONE], |row| Ok((row.get(0)?, row.get(1)?)))
        };
        let (answers, bytes): (i64, i64) = if changes {
            count("length(outcome)", ANSWERED)?
        } else {
            count("length(action) + coalesce(length(outcome), 0)", "?2 <> 0")?
        };
        let numbers = if changes {
            let look = format!("SELECT number FROM entry WHERE {OF_RUN} AND effect = 'read' AND state = ?2");
            let mut reads = connection.prepare_cached(&look)?;
            let numbers =
                reads.query_map(params![run, DONE], |row| row.get::<_, i64>(0).map(|number| number as u64))?;
            Some(numbers.collect::<SqlResult<_>>()?)
        } else {
            None
        };
        Ok(Self { answers: answers as u64, bytes: bytes as u64, numbers })
    }

    /// The files of a run that go, with their sizes.
    fn files(&self, folder: &Path) -> Result<Vec<(std::path::PathBuf, u64)>, String> {
        // Most runs have none.
        let Ok(entries) = fs::read_dir(folder) else { return Ok(Vec::new()) };
        let mut files = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| format!("{}: {error}", folder.display()))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let goes = match (&self.numbers, name.split_once('-')) {
                (None, _) => true,
                (Some(numbers), Some((number, "outcome"))) => {
                    number.parse().is_ok_and(|number| numbers.contains(&number))
                }
                (Some(_), _) => false,
            };
            if goes {
                let size = entry.metadata().map(|facts| facts.len()).unwrap_or_default();
                files.push((entry.path(), size));
            }
        }
        Ok(files)
    }
}
