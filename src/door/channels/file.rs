//! A channel to a file: one line of JSON for each message.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde_json::{Map, Value as Json};

use super::undelivered::Undelivered;

/// Writes a document at the end of a file; it is on the disk when this returns.
pub(super) async fn append(path: &Path, document: &Map<String, Json>) -> Result<(), Undelivered> {
    let line = format!("{}\n", Json::Object(document.clone()));
    let path = path.to_owned();
    let written = tokio::task::spawn_blocking(move || {
        let appended = (|| {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path)?;
            // One write: lines of several processes do not get mixed up.
            file.write_all(line.as_bytes())?;
            file.sync_data()
        })();
        appended.map_err(|error: std::io::Error| Undelivered::for_good(format!("{}: {error}", path.display())))
    });
    written.await.unwrap_or_else(|error| Err(Undelivered::for_good(format!("the file could not be written: {error}"))))
}
