//! The way to standard output and standard error.
//!
//! A reader that has gone away ends the output, and nothing else: no run fails for it. Data that is lost for another
//! reason, as on a full disk, is told of when the command ends.

use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write};
use std::sync::{Mutex, PoisonError};

/// The first reason for which data was lost.
static LOST: Mutex<Option<io::Error>> = Mutex::new(None);

/// Writes data to standard output.
pub fn out(text: Arguments<'_>) {
    noted(io::stdout().lock().write_fmt(text));
}

/// Writes to standard error, what people should know besides.
pub fn beside(text: Arguments<'_>) {
    let _closed = io::stderr().lock().write_fmt(text);
}

/// Whether all data has been written.
///
/// # Errors
/// Why some was lost.
pub fn finish() -> io::Result<()> {
    noted(io::stdout().lock().flush());
    LOST.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), Err)
}

fn noted(written: io::Result<()>) {
    if let Err(error) = written
        && error.kind() != ErrorKind::BrokenPipe
    {
        LOST.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }
}
