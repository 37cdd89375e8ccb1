//! What files hold: one with the content of another that was taken not long ago is not taken again.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::claims::Claim;

/// The SHA-256 of a file in the work folder, where nobody changes it any more.
pub(super) fn digest(work: &Path) -> io::Result<[u8; 32]> {
    let (mut file, mut hash) = (File::open(work)?, Sha256::new());
    let mut piece = vec![0; 1 << 16];
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok(hash.finalize().into()),
            Ok(length) => hash.update(piece.get(..length).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Remembers the content of a claimed file; if another had the same, it says which.
pub(super) fn remember(
    connection: &Connection,
    claim: &Claim,
    content: [u8; 32],
    length: i64,
) -> rusqlite::Result<Option<String>> {
    let now: i64 = connection
        .prepare_cached("SELECT max(first) FROM ledger WHERE firing = ?1")?
        .query_row([&claim.firing], |row| row.get::<_, Option<i64>>(0).map(Option::unwrap_or_default))?;
    connection
        .prepare_cached("DELETE FROM content WHERE name = ?1 AND at < ?2")?
        .execute(params![claim.name, now.saturating_sub(length)])?;
    let former: Option<(String, i64)> = connection
        .prepare_cached("SELECT file, at FROM content WHERE name = ?1 AND sha256 = ?2")?
        .query_row(params![claim.name, content], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let shown = claim.source.display().to_string();
    if let Some((file, at)) = former {
        let at = Timestamp::from_microsecond(at).unwrap_or_default();
        return Ok(Some(format!("{shown}: same content as {file}, which came at {at}")));
    }
    connection
        .prepare_cached("INSERT INTO content (name, sha256, at, file, firing) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![claim.name, content, now, shown, claim.firing])?;
    Ok(None)
}
