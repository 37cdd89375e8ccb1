//! A download: streamed to a file that appears when it is whole, with its size and digest.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde_json::json;
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use crate::fault::{Fault, FaultKind};

/// A file that is being written, beside its final place.
pub struct Download {
    file: NamedTempFile,
    path: PathBuf,
    digest: Sha256,
    size: u64,
}

impl Download {
    /// Begins beside `path`; what stands there stays until the new file is whole.
    ///
    /// # Errors
    /// `file`, when nothing can be written there.
    pub fn begin(path: &Path) -> Result<Self, Fault> {
        let folder = path.parent().unwrap_or(Path::new("."));
        let file = NamedTempFile::new_in(folder).map_err(|error| wrong(path, &error))?;
        Ok(Self { file, path: path.to_owned(), digest: Sha256::new(), size: 0 })
    }

    /// Adds a piece.
    ///
    /// # Errors
    /// `file`, when the disk refuses.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), Fault> {
        self.digest.update(chunk);
        self.size += chunk.len() as u64;
        self.file.write_all(chunk).map_err(|error| wrong(&self.path, &error))
    }

    /// Puts the whole file in its place, and describes it as JSON.
    ///
    /// # Errors
    /// `file`, when the disk refuses.
    pub fn finish(self) -> Result<Bytes, Fault> {
        self.file.as_file().sync_all().map_err(|error| wrong(&self.path, &error))?;
        self.file.persist(&self.path).map_err(|error| wrong(&self.path, &error.error))?;
        let mut sha256 = String::with_capacity(64);
        for byte in self.digest.finalize() {
            let _infallible = write!(sha256, "{byte:02x}");
        }
        let path = self.path.to_string_lossy();
        Ok(Bytes::from(json!({ "path": path, "size": self.size, "sha256": sha256 }).to_string()))
    }
}

fn wrong(path: &Path, error: &std::io::Error) -> Fault {
    Fault::new(FaultKind::File, format!("the download cannot be written to {}: {error}", path.display()))
}
