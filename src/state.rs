//! The state database: one SQLite file in the state folder, shared by every process of a project.
//!
//! What stands in it is the business of the modules that use it; this one opens it, keeps its
//! format, and turns what can go wrong into messages.

mod migrations;

use std::fs;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use self::migrations::{MIGRATIONS, SCHEMA};

/// The state database cannot be used, and why.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The folder or file cannot be made or opened.
    #[error("the state folder {} cannot be used: {cause}", path.display())]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// A newer Beadle has written it.
    #[error(
        "{} has format {found}, and this Beadle writes up to {known}: it is only read; use the newer Beadle",
        path.display()
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its format.
        found: usize,
        /// The newest format that is known here.
        known: usize,
    },
    /// The database refuses.
    #[error("the state database {} cannot be used: {cause}", path.display())]
    Database {
        /// The database.
        path: PathBuf,
        /// Why, and what cures it.
        cause: String,
    },
}

/// How many prepared statements are kept: as many as the journal and the triggers take turns with.
const STATEMENTS: usize = 64;

/// An open state database.
#[derive(Debug)]
pub struct State {
    folder: PathBuf,
    path: PathBuf,
    connection: Mutex<Connection>,
    /// The format, where it is newer than this Beadle knows: such a database is only read.
    newer: Option<usize>,
}

impl State {
    /// Opens the database in `folder`, and makes both if they are not there yet. One that a newer Beadle
    /// has written is opened for reading only.
    ///
    /// # Errors
    /// The folder cannot be made, the database is damaged, or locked for too long.
    pub fn open(folder: &Path) -> Result<Self, StateError> {
        let unusable = |path: &Path, error: &std::io::Error| StateError::Folder {
            path: path.to_owned(),
            cause: error.to_string(),
        };
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700).create(folder).map_err(|error| unusable(folder, &error))?;
        let path = folder.join("state.db");
        // SQLite would make the file with the process's own mode: it holds what only its owner may read.
        let mut options = fs::OpenOptions::new();
        options.create(true).append(true).mode(0o600).open(&path).map_err(|error| unusable(&path, &error))?;
        let open = || -> rusqlite::Result<Connection> {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(&path, flags)?;
            connection.busy_timeout(Duration::from_secs(10))?;
            connection.set_prepared_statement_cache_capacity(STATEMENTS);
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            connection.pragma_update(None, "foreign_keys", true)?;
            Ok(connection)
        };
        let connection = open().map_err(|error| database_error(&path, &error))?;
        let mut state = Self { folder: folder.to_owned(), path, connection: Mutex::new(connection), newer: None };
        state.migrate()?;
        Ok(state)
    }

    /// The folder that the database stands in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Reads, or writes single statements.
    ///
    /// # Errors
    /// What the database refuses.
    pub fn with<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StateError> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        work(&connection).map_err(|error| match (self.newer, error.sqlite_error_code()) {
            // Of a format that is not known, what is looked for may be somewhere else.
            (Some(found), Some(ErrorCode::ReadOnly | ErrorCode::Unknown)) => self.too_new(found),
            _ => database_error(&self.path, &error),
        })
    }

    /// What people should know of a database that a newer Beadle has written; nothing of any other.
    pub fn caveat(&self) -> Option<String> {
        self.newer.map(|found| self.too_new(found).to_string())
    }

    fn too_new(&self, found: usize) -> StateError {
        StateError::Newer { path: self.path.clone(), found, known: MIGRATIONS.len() }
    }

    /// Writes in one commit: all of it, or nothing. The commit is on the disk when this returns.
    ///
    /// # Errors
    /// What the database refuses; nothing is written then.
    pub fn transaction<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StateError> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        self.commit(&connection, work)
    }

    /// The same without waiting for the disk: a later [`State::transaction`] makes it durable as well. A
    /// process that dies loses nothing of it; a machine that does may.
    ///
    /// # Errors
    /// What the database refuses; nothing is written then.
    pub fn transaction_in_passing<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StateError> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let set = |connection: &Connection, to: &str| {
            let set = connection.pragma_update(None, "synchronous", to);
            set.map_err(|error| database_error(&self.path, &error))
        };
        set(&connection, "NORMAL")?;
        let done = self.commit(&connection, work);
        set(&connection, "FULL")?;
        done
    }

    fn commit<T>(
        &self,
        connection: &Connection,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StateError> {
        if let Some(found) = self.newer {
            return Err(self.too_new(found));
        }
        let commit = || {
            let transaction = Open::begin(connection)?;
            let value = work(connection)?;
            transaction.commit()?;
            Ok(value)
        };
        commit().map_err(|error| database_error(&self.path, &error))
    }

    fn migrate(&mut self) -> Result<(), StateError> {
        let format = |connection: &Connection| -> rusqlite::Result<usize> {
            connection.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0)).map(|found| found as usize)
        };
        let found = self.with(format)?;
        if found > MIGRATIONS.len() {
            self.newer = Some(found);
            return self.with(|connection| connection.pragma_update(None, "query_only", true));
        }
        if found == MIGRATIONS.len() {
            return Ok(());
        }
        self.transaction(|transaction| {
            // Another process may have migrated while this one waited.
            match format(transaction)? {
                0 => transaction.execute_batch(SCHEMA)?,
                found => MIGRATIONS.iter().skip(found).try_for_each(|step| transaction.execute_batch(step))?,
            }
            transaction.pragma_update(None, "user_version", MIGRATIONS.len() as i64)
        })
    }
}

/// A transaction that writes, and is rolled back unless it is committed. Its statements are prepared once for
/// all transactions of the connection: every change of a run waits for one.
struct Open<'c>(&'c Connection);

impl<'c> Open<'c> {
    fn begin(connection: &'c Connection) -> rusqlite::Result<Self> {
        execute(connection, "BEGIN IMMEDIATE")?;
        Ok(Self(connection))
    }

    fn commit(self) -> rusqlite::Result<()> {
        // Where the commit fails, what is dropped takes all of it back.
        execute(self.0, "COMMIT")
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        // After some errors SQLite has rolled back by itself.
        if !self.0.is_autocommit() {
            let _told_before = execute(self.0, "ROLLBACK");
        }
    }
}

fn execute(connection: &Connection, statement: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(statement)?.execute([]).map(|_| ())
}

fn database_error(path: &Path, error: &rusqlite::Error) -> StateError {
    let cause = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "the disk is full, and nothing was written: make room on it".to_owned(),
        Some(ErrorCode::ReadOnly) => "it is read-only: give this user the right to write it".to_owned(),
        Some(ErrorCode::SystemIoFailure) => {
            format!("the disk does not take it ({error}): look for a full quota, a limit of file sizes, or a bad disk")
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another process has held it for more than ten seconds".to_owned()
        }
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            "it is damaged: move it away, and restore it from a backup if you have one".to_owned()
        }
        _ => error.to_string(),
    };
    StateError::Database { path: path.to_owned(), cause }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_database_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(&folder.path().join("state")).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(state.folder()), 0o700);
        assert_eq!(mode(&state.folder().join("state.db")), 0o600);
    }

    #[test]
    fn a_newer_format_is_read_and_never_written() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(folder.path()).unwrap();
        state.with(|connection| connection.execute("INSERT INTO store VALUES ('a', 'b', '1')", [])).unwrap();
        state.with(|connection| connection.pragma_update(None, "user_version", 999)).unwrap();
        drop(state);
        let newer = State::open(folder.path()).unwrap();
        let count: i64 = newer.with(|c| c.query_row("SELECT count(*) FROM store", [], |row| row.get(0))).unwrap();
        assert_eq!(count, 1);
        let written = newer.transaction(|transaction| transaction.execute("DELETE FROM store", []));
        assert!(written.unwrap_err().to_string().contains("format 999"));
        let written = newer.with(|connection| connection.execute("DELETE FROM store", []));
        assert!(written.unwrap_err().to_string().contains("format 999"));
    }

    /// What a database consists of: its tables with their columns, and its indexes.
    fn parts(database: &Connection) -> Vec<String> {
        let columns = "SELECT t.name || ' ' || t.wr || ' ' || c.cid || ' ' || c.name || ' ' || c.type || ' ' || \"notnull\" || ' '
                           || coalesce(dflt_value, '') || ' ' || pk
                       FROM pragma_table_list t JOIN pragma_table_xinfo(t.name) c WHERE t.schema = 'main' ORDER BY 1";
        let indexes = "SELECT coalesce(sql, name) FROM sqlite_schema WHERE type = 'index' ORDER BY 1";
        let read = |question: &str| -> rusqlite::Result<Vec<String>> {
            database.prepare(question)?.query_map([], |row| row.get(0))?.collect()
        };
        [read(columns).unwrap(), read(indexes).unwrap()].concat()
    }

    #[test]
    fn a_new_database_is_what_all_steps_lead_to() {
        let (stepped, new) = (Connection::open_in_memory().unwrap(), Connection::open_in_memory().unwrap());
        MIGRATIONS.iter().for_each(|step| stepped.execute_batch(step).unwrap());
        new.execute_batch(SCHEMA).unwrap();
        let parts = parts(&new);
        assert!(parts.len() > 100, "{parts:?}");
        assert_eq!(parts, self::parts(&stepped));
    }

    #[test]
    fn entries_of_a_former_format_get_keys_in_the_order_of_their_runs() {
        let folder = tempfile::tempdir().unwrap();
        let former = Connection::open(folder.path().join("state.db")).unwrap();
        MIGRATIONS.iter().take(11).for_each(|step| former.execute_batch(step).unwrap());
        former.pragma_update(None, "user_version", 11).unwrap();
        for (run, numbers) in [("b", 1..=3), ("a", 1..=2)] {
            let begin = "INSERT INTO run (id, name, mode, cause, started, began, script, pinned, head)
                         VALUES (?1, 'n', 'live', 'c', 0, 0, x'', x'', x'')";
            former.execute(begin, [run]).unwrap();
            for number in numbers.rev() {
                let entry = "INSERT INTO entry (run, number, path, position, kind, operation, effect, items, digest,
                                 action, note, state, begun)
                             VALUES (?1, ?2, '', ?2, 'call', 'o', 'read', 0, x'', x'', ?1 || ?2, 1, 0)";
                former.execute(entry, rusqlite::params![run, number]).unwrap();
            }
        }
        drop(former);
        let state = State::open(folder.path()).unwrap();
        let found: Vec<(i64, String)> = state
            .with(|connection| {
                let mut all = connection.prepare("SELECT id, note FROM entry ORDER BY id")?;
                all.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
            })
            .unwrap();
        let key = |serial: i64, number: i64, note: &str| ((serial << 32) + number, note.to_owned());
        assert_eq!(found, [key(1, 1, "b1"), key(1, 2, "b2"), key(1, 3, "b3"), key(2, 1, "a1"), key(2, 2, "a2")]);
    }

    #[test]
    fn a_file_that_is_no_database_is_named_as_damaged() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("state.db"), "this is not a database, not at all, by no means").unwrap();
        let error = State::open(folder.path()).unwrap_err();
        assert!(error.to_string().contains("damaged"), "{error}");
    }

    #[test]
    fn a_failed_transaction_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(folder.path()).unwrap();
        let failed = state.transaction(|transaction| {
            transaction.execute("INSERT INTO store VALUES ('a', 'b', '1')", [])?;
            transaction.execute("INSERT INTO nowhere VALUES (1)", [])
        });
        assert!(failed.is_err());
        let count: i64 = state.with(|c| c.query_row("SELECT count(*) FROM store", [], |row| row.get(0))).unwrap();
        assert_eq!(count, 0);
    }
}
