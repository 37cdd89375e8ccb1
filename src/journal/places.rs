//! Where the entries of a former execution stand: what a script that goes on, or is replayed, asks for by its place.
//!
//! They are kept in memory while that lasts, and not in an index of the database, which every change would write to
//! the disk with its intent.

use std::collections::HashMap;

use rusqlite::Connection;

use super::keys::OF_RUN;

/// The numbers of entries, by branch and position. Those that no longer answer are not among them.
#[derive(Debug, Default)]
pub struct Places(HashMap<String, Vec<(u64, u64)>>);

impl Places {
    /// Those of a run, as the database has them now.
    ///
    /// # Errors
    /// What the database refuses.
    pub fn of(connection: &Connection, run: &str) -> rusqlite::Result<Self> {
        let look = format!("SELECT path, position, number FROM entry WHERE {OF_RUN} AND void = 0");
        let mut look = connection.prepare_cached(&look)?;
        let mut rows = look.query([run])?;
        let mut places: HashMap<String, Vec<(u64, u64)>> = HashMap::new();
        while let Some(row) = rows.next()? {
            let place = (row.get::<_, i64>(1)? as u64, row.get::<_, i64>(2)? as u64);
            // One text for all entries of a branch.
            let path = row.get_ref(0)?.as_str()?;
            match places.get_mut(path) {
                Some(branch) => branch.push(place),
                None => {
                    places.insert(path.to_owned(), vec![place]);
                }
            }
        }
        places.values_mut().for_each(|branch| branch.sort_unstable());
        Ok(Self(places))
    }

    /// The number of the entry at a place.
    pub fn at(&self, path: &str, position: u64) -> Option<u64> {
        let branch = self.0.get(path)?;
        let found = branch.binary_search_by_key(&position, |(position, _)| *position).ok()?;
        branch.get(found).map(|(_, number)| *number)
    }
}
