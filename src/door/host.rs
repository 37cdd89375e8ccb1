//! Host effects: clock, chance, waits, files, and the store. None of them reaches an appliance.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::SignedDuration;
use tokio::runtime::Handle;

use crate::clock::Clock;
use crate::door::files::FileRules;
use crate::door::halt::Halt;
use crate::door::mode::Mode;
use crate::fault::{Failure, Fault, FaultKind};
use crate::store::Store;
use crate::value::Value;

/// The key/value store that a run's script uses.
#[derive(Clone)]
pub struct NamedStore {
    /// Where all stores live.
    pub store: Arc<Store>,
    /// The name of the script's own.
    pub name: String,
}

/// What host effects need.
pub struct Host {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where files may be read and written.
    pub files: FileRules,
    /// The script's store; opened when it is first used.
    pub store: Box<dyn Fn() -> Result<NamedStore, Fault> + Send + Sync>,
    /// Runs waits.
    pub runtime: Handle,
    /// Ends waits.
    pub halt: Halt,
    /// For how long earlier executions of the run have run.
    pub ran: Duration,
    /// When this one began.
    pub begun: Instant,
}

impl Host {
    /// For how long the run has run, earlier executions included.
    pub fn elapsed(&self) -> SignedDuration {
        SignedDuration::try_from(self.ran + self.begun.elapsed()).unwrap_or(SignedDuration::MAX)
    }

    /// The size of a file that may be read, or of what a dry run wrote in its place.
    pub fn file_size(&self, path: &Path, mode: &Mode) -> Result<u64, Fault> {
        if let Mode::Dry(dry) = mode
            && let Some(contents) = dry.overlay().read(&self.files.folder.join(path))
        {
            return Ok(contents.len() as u64);
        }
        let path = self.files.readable(path)?;
        let wrong = |error: std::io::Error| Fault::new(FaultKind::File, format!("{}: {error}", path.display()));
        std::fs::metadata(&path).map(|metadata| metadata.len()).map_err(wrong)
    }

    /// Waits, until the run is cancelled or its time is up.
    ///
    /// # Errors
    /// Why the run ended first.
    pub fn sleep(&self, duration: Duration) -> Result<(), Failure> {
        let slept = self.runtime.block_on(async { self.halt.or(tokio::time::sleep(duration)).await });
        slept.map_err(Failure::from)
    }

    /// Reads a file, or what a dry run wrote in its place.
    pub fn read_file(&self, path: &Path, mode: &Mode) -> Result<Bytes, Fault> {
        if let Mode::Dry(dry) = mode
            && let Some(contents) = dry.overlay().read(&self.files.folder.join(path))
        {
            return Ok(contents);
        }
        self.files.read(path)
    }

    /// Writes a file, or remembers it in a dry run.
    pub fn write_file(&self, path: &Path, contents: Bytes, mode: &Mode) -> Result<(), Fault> {
        match mode {
            Mode::Live => self.files.write(path, &contents),
            Mode::Dry(dry) => {
                self.files.may_write(path)?;
                dry.overlay().write(&self.files.folder.join(path), contents);
                Ok(())
            }
        }
    }

    /// The value of a key of the store.
    pub fn store_get(&self, key: &str, mode: &Mode) -> Result<Value, Fault> {
        if let Mode::Dry(dry) = mode
            && let Some(known) = dry.overlay().get(key)
        {
            return Ok(known.unwrap_or(Value::Null));
        }
        let named = (self.store)()?;
        let text = named.store.get(&named.name, key).map_err(store_fault)?;
        text.map_or(Ok(Value::Null), |text| decode(key, &text))
    }

    /// Sets keys in one commit, or remembers them in a dry run.
    pub fn store_set(&self, entries: Vec<(String, Option<Value>)>, mode: &Mode) -> Result<(), Fault> {
        if let Mode::Dry(dry) = mode {
            dry.overlay().set(entries);
            return Ok(());
        }
        let named = (self.store)()?;
        let texts: Vec<(String, Option<String>)> =
            entries.into_iter().map(|(key, value)| (key, value.map(|value| value.to_json().to_string()))).collect();
        named.store.set_all(&named.name, &texts).map_err(store_fault)
    }

    /// All keys that begin with `prefix`, with their values.
    pub fn store_list(&self, prefix: &str, mode: &Mode) -> Result<BTreeMap<String, Value>, Fault> {
        let named = (self.store)()?;
        let mut entries = BTreeMap::new();
        for (key, text) in named.store.list(&named.name, prefix).map_err(store_fault)? {
            let value = decode(&key, &text)?;
            entries.insert(key, value);
        }
        if let Mode::Dry(dry) = mode {
            dry.overlay().over(prefix, &mut entries);
        }
        Ok(entries)
    }
}

fn decode(key: &str, text: &str) -> Result<Value, Fault> {
    serde_json::from_str::<serde_json::Value>(text).map(Value::from).map_err(|error| {
        Fault::new(
            FaultKind::Decode,
            format!("the store's value of '{key}' is damaged: {error}. Remove it with store.remove(\"{key}\")"),
        )
    })
}

fn store_fault(error: impl std::fmt::Display) -> Fault {
    Fault::new(FaultKind::File, format!("the store cannot be used: {error}"))
}
