//! Patterns of files: a folder, and a file name in which `*` and `?` stand for any characters.

use std::path::{Path, PathBuf};

/// The endings of files that are still being written, by the habits of those who write them.
const UNFINISHED: &[&str] = &[".tmp", ".part", "~"];

/// A folder, and the names in it that are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// The folder.
    pub folder: PathBuf,
    name: Vec<char>,
}

impl Pattern {
    /// Reads a path whose last part may be a pattern; `written` is what messages show.
    ///
    /// # Errors
    /// It has no last part, or a pattern in another part.
    pub fn parse(path: &Path, written: &Path) -> Result<Self, String> {
        let shown = written.display();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .ok_or_else(|| format!("paths '{shown}' names no files: write it as inbox/*.txt"))?;
        let folder = path.parent().unwrap_or(Path::new("/")).to_owned();
        let wild = |text: &str| text.contains(['*', '?']);
        if wild(&written.parent().unwrap_or(Path::new("")).to_string_lossy()) {
            return Err(format!("paths '{shown}': only the last part may have * or ?: list the folders one by one"));
        }
        Ok(Self { folder, name: name.chars().collect() })
    }

    /// Whether a file of this name is meant. Hidden and unfinished files never are.
    pub fn matches(&self, name: &str) -> bool {
        let ignored = name.starts_with('.') || UNFINISHED.iter().any(|ending| name.ends_with(ending));
        !ignored && wildcard(&self.name, &name.chars().collect::<Vec<_>>())
    }
}

/// Matches from the left, and returns to the last `*` when that fails: never worse than the
/// product of the lengths.
fn wildcard(pattern: &[char], name: &[char]) -> bool {
    let (mut at, mut seen) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while seen < name.len() {
        match pattern.get(at) {
            Some('*') => {
                retry = Some((at, seen));
                at += 1;
            }
            Some(wanted) if *wanted == '?' || *wanted == name[seen] => {
                at += 1;
                seen += 1;
            }
            _ => match retry {
                Some((star, from)) => {
                    retry = Some((star, from + 1));
                    at = star + 1;
                    seen = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|left| *left == '*')
}
