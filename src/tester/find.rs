//! Where tests are found: files that end in `.test.rhai`, and those of the standard library.

use std::path::{Path, PathBuf};

use crate::engine::STDLIB_TESTS;
use crate::run::is_test;

/// A file of tests.
#[derive(Clone, Debug)]
pub struct TestFile {
    /// How messages name it.
    pub name: String,
    /// Its text.
    pub text: String,
    /// Where it is; none for one that is built in.
    pub path: Option<PathBuf>,
}

/// A file by its path, named as people see it from `here`.
///
/// # Errors
/// It cannot be read.
pub fn of_file(path: &Path, here: &Path) -> Result<TestFile, String> {
    let name = path.strip_prefix(here).unwrap_or(path).display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| format!("{name}: {error}"))?;
    Ok(TestFile { name, text, path: Some(path.to_owned()) })
}

/// Every file of tests below a folder, in order of names. Folders that begin with a dot are left out.
///
/// # Errors
/// A folder or file cannot be read.
pub fn in_folder(folder: &Path, here: &Path) -> Result<Vec<TestFile>, String> {
    let wrong = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(wrong)? {
        paths.push(entry.map_err(wrong)?.path());
    }
    paths.sort();
    let mut found = Vec::new();
    for path in paths {
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if path.is_dir() && !path.is_symlink() && !hidden {
            found.extend(in_folder(&path, here)?);
        } else if is_test(&path) {
            found.push(of_file(&path, here)?);
        }
    }
    Ok(found)
}

/// The built-in tests of a part of the standard library: `std`, `std/seg`, `std/seg/bulk_ip_block`.
pub fn built_in(name: &str) -> Vec<TestFile> {
    let name = name.trim_end_matches('/');
    let is_below = |known: &str| known.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let found = STDLIB_TESTS.iter().filter(|(known, _)| is_below(known));
    found
        .map(|(known, text)| TestFile {
            name: (*known).to_owned() + ".test.rhai",
            text: (*text).to_owned(),
            path: None,
        })
        .collect()
}
