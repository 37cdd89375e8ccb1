//! Files on their way out: read while they are sent, so that gigabytes need no memory.

use std::io::SeekFrom;

use futures_util::StreamExt;
use reqwest::Body;
use reqwest::multipart::{Form, Part};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use super::SendProgress;
use crate::catalog::{PartContent, WireFile, WirePart};
use crate::fault::{Fault, FaultKind};

/// How much of a file is read at once.
const CHUNK: usize = 256 * 1024;

/// From this size on, people want to see how far it has come.
const LONG: u64 = 16 << 20;

/// A file, or its piece, as a body with its length.
///
/// # Errors
/// `file`, naming it.
pub async fn body(file: &WireFile, progress: Option<&SendProgress>) -> Result<(Body, u64), Fault> {
    let wrong =
        |error: std::io::Error| Fault::new(FaultKind::File, format!("{} cannot be read: {error}", file.path.display()));
    let mut opened = File::open(&file.path).await.map_err(wrong)?;
    let whole = opened.metadata().await.map_err(wrong)?.len();
    let (offset, length) = file.piece.unwrap_or((0, whole));
    opened.seek(SeekFrom::Start(offset)).await.map_err(wrong)?;
    let stream = ReaderStream::with_capacity(opened.take(length), CHUNK);
    let Some(progress) = progress.filter(|_| length >= LONG).cloned() else {
        return Ok((Body::wrap_stream(stream), length));
    };
    let (mut done, mut told) = (0, 0);
    let watched = stream.inspect(move |chunk| {
        done += chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
        // A hundred times is often enough for people.
        if done == length || done >= told + length / 100 {
            told = done;
            progress(done, length);
        }
    });
    Ok((Body::wrap_stream(watched), length))
}

/// A multipart body.
///
/// # Errors
/// `file`, for a file that cannot be read.
pub async fn multipart(parts: &[WirePart], progress: Option<&SendProgress>) -> Result<Form, Fault> {
    let mut form = Form::new();
    for part in parts {
        let made = match &part.content {
            PartContent::Text(text) => Part::text(text.clone()),
            PartContent::File(file, name) => {
                let (body, length) = body(file, progress).await?;
                let part = Part::stream_with_length(body, length).file_name(name.clone());
                part.mime_str("application/octet-stream")
                    .map_err(|error| Fault::new(FaultKind::Invalid, error.to_string()))?
            }
        };
        form = form.part(part.name.clone(), made);
    }
    Ok(form)
}
