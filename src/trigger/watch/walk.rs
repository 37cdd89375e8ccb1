//! Walking the folders that a pattern means, each once, and never through a symbolic link.

use std::ffi::OsStr;
use std::io::{self, ErrorKind};
use std::path::PathBuf;

use super::folder::{FileType, Folder, FolderId};
use super::pattern::{Pattern, Place};

/// How many folders deep a walk goes: below that, something is mounted into itself.
const DEEPEST: usize = 100;

/// What a walk has met beside files.
#[derive(Debug, Default)]
pub(super) struct Walked {
    /// The folders that were looked into.
    pub(super) folders: Vec<(PathBuf, FolderId)>,
    /// Roots that are not there.
    pub(super) missing: Vec<PathBuf>,
    /// What could not be looked into, with the cure.
    pub(super) problems: Vec<String>,
}

/// Looks into every folder that a pattern means, but for the one with the id `avoid`, and hands over what
/// has a name that is meant.
pub(super) fn walk(
    pattern: &Pattern,
    avoid: Option<FolderId>,
    walked: &mut Walked,
    met: &mut dyn FnMut(&Folder, &OsStr),
) {
    // The root is what the configuration says, so that a link is followed there, and only there.
    let root = match pattern.root.canonicalize().and_then(|root| Folder::open(&root)) {
        Ok(root) => root,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            walked.missing.push(pattern.root.clone());
            return;
        }
        Err(error) => {
            let root = pattern.root.display();
            walked.problems.push(format!("{root} cannot be read: {error}{}", cure(&error)));
            return;
        }
    };
    Walk { pattern, avoid, walked, met }.look(&root, &pattern.start(), 0);
}

struct Walk<'a> {
    pattern: &'a Pattern,
    avoid: Option<FolderId>,
    walked: &'a mut Walked,
    met: &'a mut dyn FnMut(&Folder, &OsStr),
}

impl Walk<'_> {
    fn look(&mut self, folder: &Folder, place: &Place, depth: usize) {
        let shown = folder.path.display();
        if self.avoid == Some(folder.id) {
            return;
        }
        if depth > DEEPEST {
            self.walked.problems.push(format!("{shown} is not looked into: it is more than {DEEPEST} folders deep"));
            return;
        }
        self.walked.folders.push((folder.path.clone(), folder.id));
        let entries = match folder.entries() {
            Ok(entries) => entries,
            Err(error) => {
                self.walked.problems.push(format!("{shown} cannot be read: {error}{}", cure(&error)));
                return;
            }
        };
        for (name, kind) in entries {
            let text = name.to_string_lossy();
            let is_meant = self.pattern.is_meant(place, &text);
            let below = self.pattern.enter(place, &text);
            if !is_meant && below.is_none() {
                continue;
            }
            let kind = match kind {
                FileType::Unknown => folder.look(&name).map_or(kind, |stat| FileType::from_raw_mode(stat.st_mode)),
                known => known,
            };
            match (kind, below) {
                (FileType::Directory, Some(place)) => self.enter(folder, &name, &place, depth),
                (FileType::Directory, None) => {}
                (FileType::Symlink, Some(_)) if folder.path.join(&name).is_dir() => {
                    let link = folder.path.join(&name);
                    self.walked.problems.push(format!(
                        "{} is not looked into: it is a symbolic link. Move the folder there, or name its path in paths",
                        link.display()
                    ));
                }
                _ if is_meant => (self.met)(folder, &name),
                _ => {}
            }
        }
    }

    fn enter(&mut self, folder: &Folder, name: &OsStr, place: &Place, depth: usize) {
        match folder.enter(name) {
            Ok(below) => self.look(&below, place, depth + 1),
            // It may have gone away since it was listed, or have become something else.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
            Err(error) => {
                let path = folder.path.join(name);
                self.walked.problems.push(format!("{} cannot be read: {error}{}", path.display(), cure(&error)));
            }
        }
    }
}

fn cure(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::PermissionDenied => ": give the user of beadle the rights to read and enter it",
        ErrorKind::NotADirectory => ": name a folder",
        _ => "",
    }
}
