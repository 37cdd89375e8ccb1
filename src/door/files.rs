//! Files as scripts may touch them: read below some folders, written below others, whole or not at all.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::fault::{Fault, FaultKind};

/// Where scripts may read and write.
#[derive(Clone, Debug, Default)]
pub struct FileRules {
    /// Relative paths are relative to this folder: the project's.
    pub folder: PathBuf,
    /// Folders and files that may be read.
    pub read: Vec<PathBuf>,
    /// Folders that may be written to.
    pub write: Vec<PathBuf>,
    /// The largest file that is read, in bytes.
    pub max_read: u64,
}

impl FileRules {
    /// The same rules, with some more files that may be read: those a parameter or an event names.
    #[must_use]
    pub fn and_read(&self, files: impl IntoIterator<Item = PathBuf>) -> Self {
        let mut rules = self.clone();
        rules.read.extend(files);
        rules
    }

    /// The whole path of a file, by its text alone.
    pub fn place(&self, path: &Path) -> PathBuf {
        clean(&self.folder.join(path))
    }

    /// A file's name that holds in another folder too: within the project's, or else the whole path.
    pub fn name_of(&self, path: &Path) -> PathBuf {
        let place = self.place(path);
        place.strip_prefix(clean(&self.folder)).map_or_else(|_| place.clone(), Path::to_owned)
    }

    /// The path that a script may read.
    ///
    /// # Errors
    /// `refused` outside the readable folders, `file` or `not-found` if it cannot be resolved.
    pub fn readable(&self, path: &Path) -> Result<PathBuf, Fault> {
        let full = self.folder.join(path);
        if self.read.contains(&full) {
            return Ok(full);
        }
        let real = full.canonicalize().map_err(|error| file_fault("read", &full, &error))?;
        if within(&self.read, &real) {
            return Ok(real);
        }
        Err(Fault::new(
            FaultKind::Refused,
            format!(
                "{} may not be read: it is in none of {}. Add its folder to [files] read, or name it by a path parameter",
                full.display(),
                listed(&self.read)
            ),
        ))
    }

    /// The path that a script may write; missing folders below a writable one are made.
    ///
    /// # Errors
    /// `refused` outside the writable folders, `file` if its folder cannot be made.
    pub fn writable(&self, path: &Path) -> Result<PathBuf, Fault> {
        let full = clean(&self.folder.join(path));
        let allowed = self.write.iter().find(|allowed| full.starts_with(clean(allowed)));
        let (Some(allowed), Some(parent), Some(name)) = (allowed, full.parent(), full.file_name()) else {
            return Err(self.not_writable(&full));
        };
        let make = |folder: &Path| {
            std::fs::create_dir_all(folder).map_err(|error| file_fault("make the folder of", &full, &error))
        };
        make(allowed)?;
        let root = allowed.canonicalize().map_err(|error| file_fault("write", &full, &error))?;
        // The nearest folder that exists is looked at before any is made: a link must not lead out.
        let existing = parent.ancestors().find(|folder| folder.exists()).unwrap_or(parent);
        let outside = |folder: &Path| folder.canonicalize().is_ok_and(|real| !real.starts_with(&root));
        if !outside(existing) {
            make(parent)?;
        }
        let real = parent.canonicalize().unwrap_or_else(|_| parent.to_owned());
        if outside(existing) || outside(parent) {
            return Err(Fault::new(
                FaultKind::Refused,
                format!("{} may not be written: a link leads out of {}", full.display(), allowed.display()),
            ));
        }
        Ok(real.join(name))
    }

    /// Whether a script may write there, as far as the path's text tells; nothing is made.
    ///
    /// # Errors
    /// `refused` outside the writable folders.
    pub fn may_write(&self, path: &Path) -> Result<(), Fault> {
        let full = clean(&self.folder.join(path));
        if self.write.iter().any(|allowed| full.starts_with(clean(allowed))) {
            return Ok(());
        }
        Err(self.not_writable(&full))
    }

    fn not_writable(&self, full: &Path) -> Fault {
        Fault::new(
            FaultKind::Refused,
            format!(
                "{} may not be written: it is in none of {}. Add its folder to [files] write",
                full.display(),
                listed(&self.write)
            ),
        )
    }

    /// Reads a whole file that may be read.
    ///
    /// # Errors
    /// As [`FileRules::readable`], and `limit` for a file that is too large.
    pub fn read(&self, path: &Path) -> Result<Bytes, Fault> {
        let path = self.readable(path)?;
        let file = File::open(&path).map_err(|error| file_fault("read", &path, &error))?;
        // Room for all of it at once, and for the read that finds its end; nothing of a size is believed beyond that.
        let size = file.metadata().map_or(0, |metadata| metadata.len()).min(self.max_read);
        let mut contents = Vec::with_capacity(usize::try_from(size).unwrap_or(0).saturating_add(1));
        file.take(self.max_read.saturating_add(1))
            .read_to_end(&mut contents)
            .map_err(|error| file_fault("read", &path, &error))?;
        if contents.len() as u64 > self.max_read {
            return Err(Fault::new(
                FaultKind::Limit,
                format!("{} is larger than {} bytes; see [limits] max_file", path.display(), self.max_read),
            ));
        }
        Ok(contents.into())
    }

    /// Writes a whole file: what stood there stays until the new one is complete and on the disk.
    ///
    /// # Errors
    /// As [`FileRules::writable`], and `file` when the disk refuses.
    pub fn write(&self, path: &Path, contents: &[u8]) -> Result<(), Fault> {
        let path = self.writable(path)?;
        let fault = |error: std::io::Error| file_fault("write", &path, &error);
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(fault)?;
        file.write_all(contents).map_err(fault)?;
        file.as_file().sync_all().map_err(fault)?;
        file.persist(&path).map_err(|error| file_fault("write", &path, &error.error))?;
        Ok(())
    }
}

fn within(allowed: &[PathBuf], real: &Path) -> bool {
    allowed.iter().any(|folder| folder.canonicalize().is_ok_and(|folder| real.starts_with(folder)))
}

/// The path without `.` and `..`, by its text alone: what does not exist yet cannot be resolved.
fn clean(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => {
                clean.pop();
            }
            std::path::Component::CurDir => {}
            other => clean.push(other),
        }
    }
    clean
}

fn listed(folders: &[PathBuf]) -> String {
    if folders.is_empty() {
        return "no folder at all".into();
    }
    // Without the dot of a folder that is this one.
    let shown = |folder: &PathBuf| folder.components().collect::<PathBuf>().display().to_string();
    folders.iter().map(shown).collect::<Vec<_>>().join(", ")
}

fn file_fault(verb: &str, path: &Path, error: &std::io::Error) -> Fault {
    let kind = if error.kind() == ErrorKind::NotFound { FaultKind::NotFound } else { FaultKind::File };
    let cause = match error.kind() {
        ErrorKind::NotFound => "there is no such file".to_owned(),
        ErrorKind::PermissionDenied => "the permission is missing".to_owned(),
        ErrorKind::StorageFull => "the disk is full".to_owned(),
        ErrorKind::IsADirectory => "it is a folder".to_owned(),
        _ => error.to_string(),
    };
    Fault::new(kind, format!("cannot {verb} {}: {cause}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(folder: &Path) -> FileRules {
        FileRules {
            folder: folder.to_owned(),
            read: vec![folder.to_owned()],
            write: vec![folder.join("out")],
            max_read: 100,
        }
    }

    #[test]
    fn a_file_outside_the_project_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let other = tempfile::NamedTempFile::new().unwrap();
        let fault = rules(folder.path()).read(other.path()).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Refused);
        let rules = rules(folder.path()).and_read([other.path().to_owned()]);
        assert!(rules.read(other.path()).is_ok());
    }

    #[test]
    fn a_written_path_cannot_leave_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let rules = rules(folder.path());
        assert_eq!(rules.write(Path::new("out/../x"), b"").unwrap_err().kind, FaultKind::Refused);
        std::fs::create_dir(folder.path().join("out")).unwrap();
        std::os::unix::fs::symlink("/tmp", folder.path().join("out/link")).unwrap();
        assert_eq!(rules.write(Path::new("out/link/x"), b"").unwrap_err().kind, FaultKind::Refused);
        rules.write(Path::new("out/deep/er"), b"text").unwrap();
        assert_eq!(rules.read(Path::new("out/deep/er")).unwrap(), "text");
    }

    #[test]
    fn a_file_over_the_limit_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("large"), vec![b'x'; 101]).unwrap();
        assert_eq!(rules(folder.path()).read(Path::new("large")).unwrap_err().kind, FaultKind::Limit);
    }
}
