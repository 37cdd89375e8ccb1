//! What goes into the history: lines as they were typed, but for secrets.

use crate::engine::Session;

/// A line for the history: literals that are secrets by their place, and secrets that are known by
/// their value, are replaced. What is left is worth recalling.
pub fn without_secrets(session: &Session, line: &str, mask: impl Fn(&str) -> String) -> String {
    let mut kept = line.to_owned();
    if !line.trim_start().starts_with([':', '?']) {
        for literal in session.literals(line).into_iter().rev().filter(|literal| literal.secret) {
            kept.replace_range(literal.span, "\"***\"");
        }
    }
    mask(&kept)
}

/// Makes the file of the history with no rights for others, if it is not there, and takes such
/// rights away, if it is.
pub fn keep_private(file: &std::path::Path) -> std::io::Result<()> {
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    let made = std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(file)?;
    made.set_permissions(std::fs::Permissions::from_mode(0o600))
}
