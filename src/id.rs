//! Ids of runs.

const LETTERS: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";

/// A new id of a run: random, so that it says nothing and clashes with none.
pub fn new_run() -> String {
    (0..12).map(|_| char::from(LETTERS.get(fastrand::usize(..LETTERS.len())).copied().unwrap_or(b'x'))).collect()
}
