//! Putting a file away after its run: archived, removed or left, or into `failed/` with the reason beside
//! it. Each step may be repeated after a crash.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use super::bring::write_copy;
use super::folder::Folder;
use crate::config::After;

/// The longest name that a file can have.
const LONGEST: usize = 255;

/// The ending of the file that says why its neighbour is in `failed/`.
const REASON: &str = ".error.txt";

/// Puts the file of a succeeded run where `after` says. One that an earlier end of the run brought to
/// `failed/` comes from there.
pub(super) fn dispose(source: &Path, work: &Path, after: After) -> io::Result<()> {
    let Some(present) = Present::find(work)? else { return tidy(work) };
    let put = match after {
        After::Archive => {
            let (parent, name) = split(source);
            place(&present.path, &Folder::open(parent)?.make(OsStr::new("archive"))?, name).map(|_| ())
        }
        After::Delete | After::Keep => remove(&present.path),
    };
    // Two processes may put it away at once: a service that starts, and one that has gone on with the run.
    let is_put = |error: &io::Error| error.kind() == ErrorKind::NotFound && !present.path.exists();
    put.or_else(|error| if is_put(&error) { Ok(()) } else { Err(error) })?;
    if present.has_failed {
        remove(&reason_beside(&present.path))?;
    }
    tidy(work)
}

/// Moves the file of a failed run into `failed/`, and writes the reason beside it. A link in the work folder
/// says where it is, for when the run is resumed.
pub(super) fn fail(source: &Path, work: &Path, after: After, reason: &str) -> io::Result<()> {
    // A folder whose files are kept is somebody else's: the copy stays in the work folder.
    if after == After::Keep {
        return Ok(());
    }
    let Some(present) = Present::find(work)? else { return Ok(()) };
    if present.has_failed {
        return fs::write(reason_beside(&present.path), reason);
    }
    let (parent, name) = split(source);
    let failed = Folder::open(parent)?.make(OsStr::new("failed"))?;
    let name = place(&present.path, &failed, name)?;
    let path = failed.path.join(&name);
    // A crash before this leaves the file where a person finds it, and the run without its file.
    std::os::unix::fs::symlink(&path, work)?;
    let beside = reason_name(&name);
    failed.remove(&beside)?;
    failed.create(&beside)?.write_all(reason.as_bytes())
}

/// Removes the place of a failed run's file in the work folder, if a person has taken the file out of
/// `failed/`; whether it did.
pub(super) fn forget(work: &Path) -> io::Result<bool> {
    let is_gone = Present::find(work)?.is_none();
    if is_gone {
        tidy(work)?;
    }
    Ok(is_gone)
}

/// A file that is still to be put away.
struct Present {
    path: PathBuf,
    /// Whether it is in `failed/` already.
    has_failed: bool,
}

impl Present {
    fn find(work: &Path) -> io::Result<Option<Self>> {
        // In one question: another process may put it away between two.
        match fs::read_link(work) {
            Ok(path) => {
                // Whoever took it out of `failed/` has dealt with it.
                let is_there = fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file());
                Ok(is_there.then_some(Self { path, has_failed: true }))
            }
            // It is no link, but the file itself.
            Err(error) if error.kind() == ErrorKind::InvalidInput => {
                Ok(Some(Self { path: work.to_owned(), has_failed: false }))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn split(source: &Path) -> (&Path, &OsStr) {
    (source.parent().unwrap_or(Path::new("/")), source.file_name().unwrap_or_default())
}

/// Moves a file into a folder under the first name that is free: `list.txt`, `list-2.txt`, `list-3.txt`.
fn place(from: &Path, folder: &Folder, name: &OsStr) -> io::Result<OsString> {
    let mut number = 1;
    let mut copied = false;
    let part = OsString::from(format!(".{:016x}.part", fastrand::u64(..)));
    loop {
        let free = numbered(name, number);
        let from_here = if copied { folder.path.join(&part) } else { from.to_owned() };
        match folder.rename_from(&from_here, &free) {
            Ok(()) => break,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
            Err(error) if error.kind() == ErrorKind::CrossesDevices && !copied => {
                write_copy(File::open(from)?, folder.create(&part)?)?;
                copied = true;
            }
            Err(error) => return Err(error),
        }
    }
    if copied {
        folder.sync()?;
        remove(from)?;
    }
    Ok(numbered(name, number))
}

fn numbered(name: &OsStr, number: u32) -> OsString {
    if number == 1 {
        return name.to_owned();
    }
    let name = Path::new(name);
    let mut ending = OsString::from(format!("-{number}"));
    if let Some(extension) = name.extension() {
        ending.push(".");
        ending.push(extension);
    }
    joined(name.file_stem().unwrap_or_default(), &ending)
}

/// A name with an ending; the name is cut where both together would be too long.
fn joined(name: &OsStr, ending: &OsStr) -> OsString {
    let mut room = LONGEST.saturating_sub(ending.len()).min(name.len());
    // Not within a character.
    while name.as_bytes().get(room).is_some_and(|byte| byte & 0xC0 == 0x80) {
        room -= 1;
    }
    let mut joined = OsString::from_vec(name.as_bytes().get(..room).unwrap_or_default().to_vec());
    joined.push(ending);
    joined
}

fn reason_name(name: &OsStr) -> OsString {
    joined(name, OsStr::new(REASON))
}

fn reason_beside(path: &Path) -> PathBuf {
    path.with_file_name(reason_name(path.file_name().unwrap_or_default()))
}

/// Removes what is left of a file's place in the work folder, and the folder of its firing once that is empty.
fn tidy(work: &Path) -> io::Result<()> {
    remove(work)?;
    for folder in work.ancestors().skip(1).take_while(|folder| !folder.ends_with("work")) {
        if fs::remove_dir(folder).is_err() {
            break;
        }
    }
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_taken_or_too_long_get_another() {
        assert_eq!(numbered(OsStr::new("a.b.txt"), 1), "a.b.txt");
        assert_eq!(numbered(OsStr::new("a.b.txt"), 12), "a.b-12.txt");
        assert_eq!(numbered(OsStr::new("list"), 2), "list-2");
        let long = format!("x{}.txt", "ü".repeat(125));
        assert_eq!(long.len(), 255);
        let other = numbered(OsStr::new(&long), 2);
        assert!(other.len() <= 255 && other.to_str().unwrap().ends_with("ü-2.txt"), "{other:?}");
        let reason = reason_name(OsStr::new(&long));
        assert!(reason.len() <= 255 && reason.to_str().unwrap().ends_with("ü.error.txt"), "{reason:?}");
    }
}
