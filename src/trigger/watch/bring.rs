//! Bringing a claimed file into the work folder. Each step may be repeated after a crash.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use super::folder::{FileType, Folder};
use super::scan::marker_of;
use crate::config::After;
use crate::identity::Identity;

const TAKEN_AWAY: &str = "it was taken away before";
const REPLACED: &str = "it was replaced or changed before; what is there now counts anew";

/// What became of a claimed file.
pub(super) enum Brought {
    /// It is in the work folder.
    Taken,
    /// It is not there any more, and why.
    Gone(&'static str),
}

/// Brings a claimed file into the work folder: a copy where files are kept, else the file itself. `folder`
/// is the one that it stands in, if that is still there.
pub(super) fn bring(
    folder: Option<&Folder>,
    name: &OsStr,
    work: &Path,
    identity: &str,
    after: After,
) -> io::Result<Brought> {
    let present = folder.map_or(Ok(None), |folder| standing(folder, name))?;
    let same = present.as_deref() == Some(identity);
    if fs::symlink_metadata(work).is_err() {
        let (Some(folder), Some(_)) = (folder, present) else { return Ok(Brought::Gone(TAKEN_AWAY)) };
        if !same {
            return Ok(Brought::Gone(REPLACED));
        }
        if let Some(parent) = work.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
        }
        match after {
            // A copy: writers that append to the kept file must not change what the run reads.
            After::Keep => copy(folder, name, work, identity)?,
            After::Archive | After::Delete => match folder.rename_to(name, work) {
                Ok(()) if !is(work, identity) => return give_back(folder, name, work),
                Err(error) if error.kind() == ErrorKind::CrossesDevices => {
                    copy(folder, name, work, identity)?;
                    folder.remove(name)?;
                }
                done => done?,
            },
        }
    } else if let Some(folder) = folder
        && same
        && after != After::Keep
    {
        // A copy across devices was finished, but its source not yet removed.
        folder.remove(name)?;
    }
    if let Some(folder) = folder
        && after != After::Keep
    {
        folder.remove(&marker_of(name))?;
    }
    Ok(Brought::Taken)
}

/// What stands under a name, unless nothing does.
fn standing(folder: &Folder, name: &OsStr) -> io::Result<Option<String>> {
    match folder.look(name) {
        // Whatever has come in its place is not what was claimed.
        Ok(stat) if !FileType::from_raw_mode(stat.st_mode).is_file() => Ok(Some(String::new())),
        Ok(stat) => Ok(Some(Identity::from(&stat).to_string())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn is(path: &Path, identity: &str) -> bool {
    fs::symlink_metadata(path)
        .is_ok_and(|metadata| metadata.is_file() && Identity::from(&metadata).to_string() == identity)
}

/// The file was replaced in the instant between the look and the move: what was moved goes back, and counts
/// anew. If yet another has come by then, what was moved is the one that this run gets.
fn give_back(folder: &Folder, name: &OsStr, work: &Path) -> io::Result<Brought> {
    match folder.rename_from(work, name) {
        Ok(()) => Ok(Brought::Gone(REPLACED)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists && fs::symlink_metadata(work)?.is_file() => {
            Ok(Brought::Taken)
        }
        Err(error) => Err(error),
    }
}

/// Copies so that `to` is either whole and on the disk, or not there.
fn copy(folder: &Folder, name: &OsStr, to: &Path, identity: &str) -> io::Result<()> {
    // A name as long as a name may be leaves no room for an ending.
    let part = to.with_file_name(".part");
    let from = folder.read(name)?;
    write_copy(from, File::create(&part)?)?;
    if standing(folder, name)?.as_deref() != Some(identity) {
        fs::remove_file(&part)?;
        return Err(io::Error::other("it changed while it was copied"));
    }
    fs::rename(&part, to)?;
    to.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// The contents, rights and time of a file, on the disk.
pub(super) fn write_copy(mut from: File, mut to: File) -> io::Result<()> {
    let metadata = from.metadata()?;
    io::copy(&mut from, &mut to)?;
    to.set_permissions(metadata.permissions())?;
    to.set_modified(metadata.modified()?)?;
    to.sync_all()
}
