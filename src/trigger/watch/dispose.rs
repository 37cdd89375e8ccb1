//! Moving files: into the work folder before a run, and out of it afterwards. Each step may be
//! repeated after a crash.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::config::After;
use crate::trigger::watch::Identity;
use crate::trigger::watch::scan::marker_of;

/// What became of a claimed file.
pub(super) enum Brought {
    /// It is in the work folder.
    Taken,
    /// It is not there any more, and why.
    Gone(&'static str),
}

/// Brings a claimed file into the work folder: a copy where files are kept, else the file itself.
pub(super) fn bring(source: &Path, work: &Path, identity: &str, after: After) -> io::Result<Brought> {
    let present = match fs::symlink_metadata(source) {
        Ok(metadata) => Some(Identity::from(&metadata).to_string()),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let same = present.as_deref() == Some(identity);
    if !work.try_exists()? {
        match present {
            None => return Ok(Brought::Gone("it was taken away before")),
            Some(_) if !same => {
                return Ok(Brought::Gone("it was replaced or changed before; what is there now counts anew"));
            }
            Some(_) => {}
        }
        if let Some(folder) = work.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        match after {
            // A copy: writers that append to the kept file must not change what the run reads.
            After::Keep => copy(source, work)?,
            After::Archive | After::Delete => relocate(source, work)?,
        }
    } else if same && after != After::Keep {
        // A copy across devices was finished, but its source not yet removed.
        remove(source)?;
    }
    if after != After::Keep {
        remove(&marker_of(source))?;
    }
    Ok(Brought::Taken)
}

/// Puts the file of a succeeded run where `after` says.
pub(super) fn dispose(source: &Path, work: &Path, after: After) -> io::Result<()> {
    if work.try_exists()? {
        match after {
            After::Archive => archive(source, work)?,
            After::Delete | After::Keep => remove(work)?,
        }
    }
    match work.parent().map(fs::remove_dir_all) {
        Some(Err(error)) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn archive(source: &Path, work: &Path) -> io::Result<()> {
    let folder = source.parent().unwrap_or(Path::new(".")).join("archive");
    fs::create_dir_all(&folder)?;
    let mut number = 1;
    loop {
        let target = folder.join(archived_name(source, number));
        match fs::symlink_metadata(&target) {
            Err(error) if error.kind() == ErrorKind::NotFound => return relocate(work, &target),
            Err(error) => return Err(error),
            Ok(_) => number += 1,
        }
    }
}

/// `list.txt`, then `list-2.txt`, `list-3.txt`.
fn archived_name(source: &Path, number: u32) -> PathBuf {
    let part = |part: Option<&std::ffi::OsStr>| part.map(|part| part.to_string_lossy().into_owned());
    let stem = part(source.file_stem()).unwrap_or_default();
    let ending = part(source.extension()).map_or_else(String::new, |ending| format!(".{ending}"));
    PathBuf::from(if number == 1 { format!("{stem}{ending}") } else { format!("{stem}-{number}{ending}") })
}

/// Renames, or, to another file system, copies and then removes.
fn relocate(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == ErrorKind::CrossesDevices => {
            copy(from, to)?;
            remove(from)
        }
        done => done,
    }
}

/// Copies so that `to` is either whole and on the disk, or not there.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut name = to.file_name().unwrap_or_default().to_owned();
    // A name as long as a name may be leaves no room for an ending.
    if name.len() > 200 {
        name = "copy".into();
    }
    name.push(".part");
    let part = to.with_file_name(name);
    let before = fs::metadata(from)?;
    let copied = fs::copy(from, &part)?;
    if copied != before.size() {
        remove(&part)?;
        return Err(io::Error::other("it changed while it was copied"));
    }
    File::open(&part)?.sync_all()?;
    fs::rename(&part, to)?;
    to.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        done => done,
    }
}
