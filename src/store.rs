//! The small key/value stores of playbooks. Values are JSON texts.

use std::sync::Arc;

use rusqlite::{OptionalExtension, params};

use crate::state::{State, StateError};

/// All stores of a project.
#[derive(Clone, Debug)]
pub struct Store {
    state: Arc<State>,
}

impl Store {
    /// The stores in a state database.
    pub fn new(state: Arc<State>) -> Self {
        Self { state }
    }

    /// The value of a key, if it is set.
    ///
    /// # Errors
    /// What the database refuses.
    pub fn get(&self, name: &str, key: &str) -> Result<Option<String>, StateError> {
        self.state.with(|connection| {
            connection
                .prepare_cached("SELECT value FROM store WHERE name = ?1 AND key = ?2")?
                .query_row(params![name, key], |row| row.get(0))
                .optional()
        })
    }

    /// Sets keys, and removes those without a value, in one commit. Whatever changes the world afterwards waits for the
    /// disk, and for this with it.
    ///
    /// # Errors
    /// What the database refuses; nothing is set then.
    pub fn set_all<K: AsRef<str>>(&self, name: &str, entries: &[(K, Option<String>)]) -> Result<(), StateError> {
        self.state.transaction_in_passing(|transaction| {
            let mut set =
                transaction.prepare_cached("INSERT OR REPLACE INTO store (name, key, value) VALUES (?1, ?2, ?3)")?;
            let mut remove = transaction.prepare_cached("DELETE FROM store WHERE name = ?1 AND key = ?2")?;
            for (key, value) in entries {
                match value {
                    Some(value) => set.execute(params![name, key.as_ref(), value])?,
                    None => remove.execute(params![name, key.as_ref()])?,
                };
            }
            Ok(())
        })
    }

    /// Shows the keys that begin with `prefix` and their values, in the order of the keys.
    ///
    /// # Errors
    /// What the database refuses.
    pub fn each(&self, name: &str, prefix: &str, mut show: impl FnMut(&str, &str)) -> Result<(), StateError> {
        self.state.with(|connection| {
            let mut look = connection.prepare_cached(
                "SELECT key, value FROM store
                 WHERE name = ?1 AND key >= ?2 AND substr(key, 1, length(?2)) = ?2 ORDER BY key",
            )?;
            let mut rows = look.query(params![name, prefix])?;
            while let Some(row) = rows.next()? {
                show(row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?);
            }
            Ok(())
        })
    }

    /// The keys that begin with `prefix` and their values, in the order of the keys.
    ///
    /// # Errors
    /// What the database refuses.
    pub fn list(&self, name: &str, prefix: &str) -> Result<Vec<(String, String)>, StateError> {
        let mut entries = Vec::new();
        self.each(name, prefix, |key, value| entries.push((key.to_owned(), value.to_owned())))?;
        Ok(entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_listed_by_prefix_and_store() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(Arc::new(State::open(folder.path()).unwrap()));
        let set = |name: &str, key: &str, value: Option<&str>| {
            store.set_all(name, &[(key, value.map(str::to_owned))]).unwrap();
        };
        set("a", "g/1", Some("1"));
        set("a", "g/2", Some("2"));
        set("a", "h/1", Some("3"));
        set("b", "g/3", Some("4"));
        set("a", "g/2", None);
        assert_eq!(store.list("a", "g/").unwrap(), [("g/1".to_owned(), "1".to_owned())]);
        assert_eq!(store.get("a", "h/1").unwrap().as_deref(), Some("3"));
        assert_eq!(store.get("a", "g/2").unwrap(), None);
    }

    #[test]
    fn two_processes_see_the_same_store() {
        let folder = tempfile::tempdir().unwrap();
        let one = Store::new(Arc::new(State::open(folder.path()).unwrap()));
        let two = Store::new(Arc::new(State::open(folder.path()).unwrap()));
        one.set_all("a", &[("k", Some("1".into()))]).unwrap();
        assert_eq!(two.get("a", "k").unwrap().as_deref(), Some("1"));
    }
}
