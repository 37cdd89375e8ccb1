//! Folders held open: what is done in one is done there, whatever its path leads to by then. Nothing
//! here follows a symbolic link.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, RenameFlags, Stat};
use rustix::io::Errno;

pub(super) use rustix::fs::FileType;

/// What tells a folder from another that later has its path.
pub type FolderId = (u64, u64);

/// The id of what a path leads to.
pub fn folder_id(metadata: &Metadata) -> FolderId {
    (metadata.dev(), metadata.ino())
}

/// A folder that is held open.
#[derive(Debug)]
pub(super) struct Folder {
    handle: OwnedFd,
    /// Where it was when it was opened.
    pub(super) path: PathBuf,
    /// What tells it from others.
    pub(super) id: FolderId,
}

const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

impl Folder {
    /// Opens a folder by its path, no part of which may be a symbolic link.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut handle = rustix::fs::open("/", OFlags::PATH | FOLDER, Mode::empty())?;
        for part in path.components() {
            match part {
                Component::Normal(name) => {
                    handle = rustix::fs::openat(&handle, name, OFlags::PATH | FOLDER, Mode::empty())?;
                }
                Component::RootDir | Component::CurDir => {}
                Component::ParentDir | Component::Prefix(_) => return Err(ErrorKind::InvalidInput.into()),
            }
        }
        Self::reading(&handle, OsStr::new("."), path.to_owned())
    }

    /// Opens a folder in this one.
    pub(super) fn enter(&self, name: &OsStr) -> io::Result<Self> {
        Self::reading(&self.handle, name, self.path.join(name))
    }

    /// The same, and makes it first if it is not there.
    pub(super) fn make(&self, name: &OsStr) -> io::Result<Self> {
        match rustix::fs::mkdirat(&self.handle, name, Mode::from_raw_mode(0o777)) {
            Ok(()) | Err(Errno::EXIST) => self.enter(name),
            Err(error) => Err(error.into()),
        }
    }

    fn reading(handle: &OwnedFd, name: &OsStr, path: PathBuf) -> io::Result<Self> {
        let handle = rustix::fs::openat(handle, name, OFlags::RDONLY | FOLDER, Mode::empty())?;
        let stat = rustix::fs::fstat(&handle)?;
        Ok(Self { handle, path, id: (stat.st_dev, stat.st_ino) })
    }

    /// The names in it, each with its type where the file system tells it.
    pub(super) fn entries(&self) -> io::Result<Vec<(OsString, FileType)>> {
        let mut entries = Vec::new();
        for entry in Dir::read_from(&self.handle)? {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name != "." && name != ".." {
                entries.push((name.to_owned(), entry.file_type()));
            }
        }
        Ok(entries)
    }

    /// What stands under a name; a symbolic link is looked at itself.
    pub(super) fn look(&self, name: &OsStr) -> io::Result<Stat> {
        Ok(rustix::fs::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW)?)
    }

    /// Opens a file to be read; a pipe without a writer keeps nobody waiting.
    pub(super) fn read(&self, name: &OsStr) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        Ok(File::from(rustix::fs::openat(&self.handle, name, flags, Mode::empty())?))
    }

    /// Opens a file to be written that must not be there yet.
    pub(super) fn create(&self, name: &OsStr) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(File::from(rustix::fs::openat(&self.handle, name, flags, Mode::from_raw_mode(0o666))?))
    }

    /// Renames a file of this folder to a path.
    pub(super) fn rename_to(&self, name: &OsStr, to: &Path) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.handle, name, CWD, to)?)
    }

    /// Renames a path to a name in this folder that is free.
    pub(super) fn rename_from(&self, from: &Path, name: &OsStr) -> io::Result<()> {
        match rustix::fs::renameat_with(CWD, from, &self.handle, name, RenameFlags::NOREPLACE) {
            // File systems of the network know no such rename.
            Err(Errno::INVAL | Errno::NOSYS) if self.look(name).is_err() => {
                Ok(rustix::fs::renameat(CWD, from, &self.handle, name)?)
            }
            Err(Errno::INVAL | Errno::NOSYS) => Err(ErrorKind::AlreadyExists.into()),
            done => Ok(done?),
        }
    }

    /// Removes a file, if it is there.
    pub(super) fn remove(&self, name: &OsStr) -> io::Result<()> {
        match rustix::fs::unlinkat(&self.handle, name, AtFlags::empty()) {
            // Nor is one there whose name would be too long.
            Ok(()) | Err(Errno::NOENT | Errno::NAMETOOLONG) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Has what was renamed and removed in it survive a power loss.
    pub(super) fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(&self.handle)?)
    }
}
