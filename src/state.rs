//! The state database: one SQLite file in the state folder, shared by every process of a project.
//!
//! What stands in it is the business of the modules that use it; this one opens it, keeps its
//! format, and turns what can go wrong into messages.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};

/// The steps from an empty database to the present format. Steps are only ever added.
const MIGRATIONS: &[&str] = &[
    // 1: the stores of playbooks.
    "CREATE TABLE store (
        name  TEXT NOT NULL,
        key   TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (name, key)
    ) WITHOUT ROWID;",
    // 2: triggers, their firings, what became of each due instant and file, and the claims of files.
    // Times are microseconds since 1970; a ledger row counts a stretch of instants.
    "CREATE TABLE trigger_standing (
        name   TEXT PRIMARY KEY,
        digest TEXT NOT NULL,
        since  INTEGER NOT NULL,
        latest INTEGER NOT NULL,
        due    INTEGER NOT NULL DEFAULT 0,
        paused INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID;
    CREATE TABLE firing (
        sequence   INTEGER PRIMARY KEY AUTOINCREMENT,
        id         TEXT NOT NULL UNIQUE,
        name       TEXT NOT NULL,
        kind       TEXT NOT NULL,
        due        INTEGER,
        not_before INTEGER NOT NULL,
        expires    INTEGER,
        event      TEXT NOT NULL,
        state      TEXT NOT NULL,
        run        TEXT,
        started    INTEGER,
        ended      INTEGER,
        outcome    TEXT
    );
    CREATE INDEX firing_state ON firing (state, not_before, name, sequence);
    CREATE INDEX firing_name ON firing (name, state);
    CREATE TABLE ledger (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        name     TEXT NOT NULL,
        first    INTEGER NOT NULL,
        last     INTEGER NOT NULL,
        count    INTEGER NOT NULL,
        state    TEXT NOT NULL,
        reason   TEXT,
        late     INTEGER,
        firing   TEXT
    );
    CREATE INDEX ledger_first ON ledger (name, first);
    CREATE INDEX ledger_order ON ledger (name, sequence);
    CREATE INDEX ledger_firing ON ledger (firing);
    CREATE TABLE claim (
        firing   TEXT PRIMARY KEY,
        name     TEXT NOT NULL,
        source   BLOB NOT NULL,
        work     BLOB NOT NULL,
        identity TEXT NOT NULL,
        after    TEXT NOT NULL,
        state    TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX claim_source ON claim (state, source);
    CREATE TABLE known_file (
        name     TEXT NOT NULL,
        path     BLOB NOT NULL,
        identity TEXT NOT NULL,
        PRIMARY KEY (name, path)
    ) WITHOUT ROWID;",
];

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
    #[error("{} has format {found}, and this Beadle knows up to {known}: use the newer Beadle", path.display())]
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

/// An open state database.
#[derive(Debug)]
pub struct State {
    folder: PathBuf,
    path: PathBuf,
    connection: Mutex<Connection>,
}

impl State {
    /// Opens the database in `folder`, and makes both if they are not there yet.
    ///
    /// # Errors
    /// The folder cannot be made, the database is damaged, locked for too long, or newer.
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
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            connection.pragma_update(None, "foreign_keys", true)?;
            Ok(connection)
        };
        let connection = open().map_err(|error| database_error(&path, &error))?;
        let state = Self { folder: folder.to_owned(), path, connection: Mutex::new(connection) };
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
        work(&connection).map_err(|error| database_error(&self.path, &error))
    }

    /// Writes in one commit: all of it, or nothing. The commit is on the disk when this returns.
    ///
    /// # Errors
    /// What the database refuses; nothing is written then.
    pub fn transaction<T>(&self, work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T, StateError> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let commit = || {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        };
        commit().map_err(|error| database_error(&self.path, &error))
    }

    fn migrate(&self) -> Result<(), StateError> {
        let format = |connection: &Connection| -> rusqlite::Result<usize> {
            connection.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0)).map(|found| found as usize)
        };
        let found = self.with(format)?;
        if found > MIGRATIONS.len() {
            return Err(StateError::Newer { path: self.path.clone(), found, known: MIGRATIONS.len() });
        }
        if found == MIGRATIONS.len() {
            return Ok(());
        }
        self.transaction(|transaction| {
            // Another process may have migrated while this one waited.
            for step in MIGRATIONS.iter().skip(format(transaction)?) {
                transaction.execute_batch(step)?;
            }
            transaction.pragma_update(None, "user_version", MIGRATIONS.len() as i64)
        })
    }
}

fn database_error(path: &Path, error: &rusqlite::Error) -> StateError {
    let cause = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "the disk is full; nothing was written".to_owned(),
        Some(ErrorCode::ReadOnly) => "it is read-only: give this user the right to write it".to_owned(),
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
    fn a_newer_format_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(folder.path()).unwrap();
        state.with(|connection| connection.pragma_update(None, "user_version", 999)).unwrap();
        drop(state);
        let error = State::open(folder.path()).unwrap_err();
        assert!(error.to_string().contains("format 999"), "{error}");
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
