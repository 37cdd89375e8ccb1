//! Patterns of files: a folder that is written out, and below it parts in which `*` and `?` stand for
//! any characters, and `**` for any number of folders.

use std::path::{Component, Path, PathBuf};

/// The endings of files that are still being written, by the habits of those who write them.
const UNFINISHED: &[&str] = &[".tmp", ".part", "~"];

/// The name of the file that vim makes and removes to learn whether it may write in a folder.
const PROBE: &str = "4913";

/// Folders beside the files, for those that have been dealt with. No wildcard means them: what was put away
/// would start runs for ever.
pub const PUT_AWAY: &[&str] = &["archive", "failed"];

/// A folder, and the names below it that are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// The folder that every file it means is in, or below. The link that it may be is followed; none below is.
    pub root: PathBuf,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// Any number of folders, none included.
    Folders,
    /// One name.
    Name(Vec<char>),
}

/// How far a path has come in a pattern: the parts that may stand for its next name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place(Vec<usize>);

impl Pattern {
    /// Reads a path; `written` is what messages show. With `recursive`, folders below the last one are meant
    /// as well.
    ///
    /// # Errors
    /// It has no last part, or one that cannot be a pattern.
    pub fn parse(path: &Path, written: &Path, recursive: bool) -> Result<Self, String> {
        let shown = written.display();
        let text = path.to_str().ok_or_else(|| format!("paths '{shown}' is not UTF-8: rename the folder"))?;
        let is_file = !text.ends_with('/') && matches!(path.components().next_back(), Some(Component::Normal(_)));
        let mut root = PathBuf::new();
        let mut names = Vec::new();
        for part in path.components() {
            match part {
                Component::Normal(name) => names.push(name.to_string_lossy().into_owned()),
                Component::CurDir => {}
                // Without `**` before it the name that it takes back is known.
                Component::ParentDir if !names.iter().any(|name| is_wild(name)) => {
                    names.pop();
                }
                Component::ParentDir => return Err(format!("paths '{shown}': .. cannot stand after * or ?")),
                other => root.push(other),
            }
        }
        let Some(last) = names.pop().filter(|_| is_file) else {
            return Err(format!("paths '{shown}' names no files: write it as inbox/*.txt"));
        };
        let fixed = names.iter().take_while(|name| !is_wild(name)).count();
        root.extend(names.drain(..fixed));
        if last == "**" {
            return Err(format!("paths '{shown}': ** stands for folders: write {shown}/* for all files below"));
        }
        if let Some(part) = names.iter().chain([&last]).find(|part| part.contains("**") && *part != "**") {
            return Err(format!("paths '{shown}': ** stands for folders and must be a part of its own, not '{part}'"));
        }
        if recursive {
            names.push("**".to_owned());
        }
        let mut parts: Vec<Part> = names.iter().map(|name| part_of(name)).collect();
        parts.dedup_by(|one, other| *one == Part::Folders && *other == Part::Folders);
        parts.push(part_of(&last));
        Ok(Self { root, parts })
    }

    /// The place of the root.
    pub(super) fn start(&self) -> Place {
        self.reaching(vec![0])
    }

    /// Whether a file of this name is meant there. Hidden and unfinished files never are.
    pub(super) fn is_meant(&self, place: &Place, name: &str) -> bool {
        let last = self.parts.len().saturating_sub(1);
        place.0.contains(&last) && !is_ignored(name) && self.parts.last().is_some_and(|part| part.stands_for(name))
    }

    /// The place of a folder of this name there; none if nothing below it is meant.
    pub(super) fn enter(&self, place: &Place, name: &str) -> Option<Place> {
        let open = !name.starts_with('.') && !PUT_AWAY.contains(&name);
        let last = self.parts.len().saturating_sub(1);
        let mut next = Vec::new();
        for &at in place.0.iter().filter(|at| **at < last) {
            match self.parts.get(at) {
                Some(Part::Folders) if open => next.push(at),
                Some(part @ Part::Name(_)) if part.stands_for(name) && (open || part.is_written_out()) => {
                    next.push(at + 1);
                }
                _ => {}
            }
        }
        (!next.is_empty()).then(|| self.reaching(next))
    }

    /// `**` may stand for nothing: the part after it may come at once.
    fn reaching(&self, mut places: Vec<usize>) -> Place {
        let mut seen = 0;
        while let Some(&at) = places.get(seen) {
            if self.parts.get(at) == Some(&Part::Folders) && !places.contains(&(at + 1)) {
                places.push(at + 1);
            }
            seen += 1;
        }
        places.sort_unstable();
        places.dedup();
        Place(places)
    }
}

impl Part {
    fn stands_for(&self, name: &str) -> bool {
        match self {
            Self::Folders => true,
            Self::Name(pattern) => wildcard(pattern, &name.chars().collect::<Vec<_>>()),
        }
    }

    fn is_written_out(&self) -> bool {
        matches!(self, Self::Name(name) if !name.iter().any(|c| "*?".contains(*c)))
    }
}

fn part_of(name: &str) -> Part {
    if name == "**" { Part::Folders } else { Part::Name(name.chars().collect()) }
}

fn is_wild(name: &str) -> bool {
    name.contains(['*', '?'])
}

fn is_ignored(name: &str) -> bool {
    let saved_by_emacs = name.len() > 1 && name.starts_with('#') && name.ends_with('#');
    name.starts_with('.') || name == PROBE || saved_by_emacs || UNFINISHED.iter().any(|ending| name.ends_with(ending))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pattern: &str, recursive: bool) -> Result<Pattern, String> {
        Pattern::parse(&Path::new("/in").join(pattern), Path::new(pattern), recursive)
    }

    fn is_meant(pattern: &Pattern, path: &str) -> bool {
        let mut place = pattern.start();
        let Some(below) = path.strip_prefix(pattern.root.to_str().unwrap()) else { return false };
        let mut parts: Vec<&str> = below.trim_start_matches('/').split('/').collect();
        let name = parts.pop().unwrap();
        for part in parts {
            let Some(next) = pattern.enter(&place, part) else { return false };
            place = next;
        }
        pattern.is_meant(&place, name)
    }

    #[track_caller]
    fn means(pattern: &str, yes: &[&str], no: &[&str]) {
        let parsed = parse(pattern, false).unwrap();
        let wrong: Vec<_> = yes.iter().filter(|path| !is_meant(&parsed, path)).collect();
        assert!(wrong.is_empty(), "{pattern} must mean {wrong:?}");
        let wrong: Vec<_> = no.iter().filter(|path| is_meant(&parsed, path)).collect();
        assert!(wrong.is_empty(), "{pattern} must not mean {wrong:?}");
    }

    #[test]
    fn names_are_meant_and_unfinished_ones_never() {
        means("*.txt", &["/in/a b\n.txt"], &["/in/x/a.txt", "/in/a.txt2"]);
        means("l?st*.t*t", &["/in/list-1.tt"], &["/in/lst.txt"]);
        means("*a*b", &["/in/xaxaxb"], &["/in/xaxaxc"]);
        means("*", &["/in/4914", "/in/#", "/in/a#"], &["/in/.hidden", "/in/x.tmp", "/in/x.part", "/in/x~"]);
        means("*", &[], &["/in/4913", "/in/#list.txt#", "/in/.list.txt.swp", "/in/.#list.txt"]);
    }

    #[test]
    fn wildcards_stand_in_any_part() {
        means("*/new/*.csv", &["/in/a/new/1.csv"], &["/in/new/1.csv", "/in/a/b/new/1.csv", "/in/a/old/1.csv"]);
        means("**/*.csv", &["/in/1.csv", "/in/a/1.csv", "/in/a/b/c/1.csv"], &["/in/a/1.txt"]);
        means("**/new/**/*", &["/in/new/1", "/in/a/new/b/1", "/in/new/new/new/1"], &["/in/a/1"]);
        means("a/../b/*", &["/in/b/1"], &["/in/a/1"]);
        assert_eq!(parse("a/b*/c/*", false).unwrap().root, Path::new("/in/a"));
        assert_eq!(parse("a/*.txt", true).unwrap(), parse("a/**/*.txt", false).unwrap());
        assert_eq!(parse("a/**/**/*.txt", true).unwrap(), parse("a/**/*.txt", false).unwrap());
    }

    #[test]
    fn what_was_put_away_is_meant_only_where_it_is_written_out() {
        means("**/*", &[], &["/in/archive/1", "/in/a/failed/1", "/in/.git/1"]);
        means("*/*", &["/in/archived/1"], &["/in/archive/1", "/in/failed/1", "/in/.hidden/1"]);
        means("*/archive/*", &["/in/a/archive/1"], &[]);
    }

    #[test]
    fn what_names_no_files_is_told_with_its_cure() {
        for (pattern, cure) in [
            ("inbox/", "inbox/*.txt"),
            ("inbox/..", "inbox/*.txt"),
            ("inbox/**", "inbox/**/*"),
            ("in**/*.txt", "a part of its own"),
            ("a*/../x", "after * or ?"),
        ] {
            let error = parse(pattern, false).unwrap_err();
            assert!(error.contains(cure), "{error}");
        }
    }
}
