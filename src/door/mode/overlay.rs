//! What a dry run has written: files and store keys that later reads of the run see.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use crate::value::Value;

/// Files and store keys as a dry run left them; nothing of it reaches the disk.
#[derive(Debug, Default)]
pub struct Overlay {
    files: Mutex<BTreeMap<PathBuf, Bytes>>,
    assumed: Mutex<BTreeMap<PathBuf, Bytes>>,
    store: Mutex<BTreeMap<String, Option<Value>>>,
}

impl Overlay {
    /// Remembers a written file.
    pub fn write(&self, path: &Path, contents: Bytes) {
        self.assumed.lock().unwrap_or_else(PoisonError::into_inner).remove(path);
        self.files.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), contents);
    }

    /// Remembers a file that would have been downloaded: there is one, and nobody knows what is in it.
    pub fn assume(&self, path: &Path, contents: Bytes) {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).remove(path);
        self.assumed.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), contents);
    }

    /// The file's contents, if the dry run wrote it or would have downloaded it.
    pub fn read(&self, path: &Path) -> Option<Bytes> {
        let of = |files: &Mutex<BTreeMap<PathBuf, Bytes>>| {
            files.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned()
        };
        of(&self.files).or_else(|| of(&self.assumed))
    }

    /// Every file that was written, with its size.
    pub fn files(&self) -> Vec<(PathBuf, usize)> {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.iter().map(|(path, contents)| (path.clone(), contents.len())).collect()
    }

    /// Remembers set and removed store keys.
    pub fn set(&self, entries: Vec<(String, Option<Value>)>) {
        self.store.lock().unwrap_or_else(PoisonError::into_inner).extend(entries);
    }

    /// What the dry run knows of a store key: `None`, nothing; `Some(None)`, that it is removed.
    pub fn get(&self, key: &str) -> Option<Option<Value>> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    /// Lays the set and removed keys that begin with `prefix` over those of the real store.
    pub fn over(&self, prefix: &str, real: &mut BTreeMap<String, Value>) {
        let store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, value) in store.range(prefix.to_owned()..).take_while(|(key, _)| key.starts_with(prefix)) {
            match value {
                Some(value) => real.insert(key.clone(), value.clone()),
                None => real.remove(key),
            };
        }
    }
}
