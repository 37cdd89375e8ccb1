//! The standard library's files as a table of names and texts.

use std::fmt::Write;
use std::path::{Path, PathBuf};

/// What the names of test scripts end with.
const TESTS: &str = ".test.rhai";

/// Every `.rhai` file below `folder`, as `(name, text)` pairs: `std/seg/x` for `stdlib/seg/x.rhai`. The
/// second table has the tests: `std/seg/x` for `stdlib/seg/x.test.rhai`.
pub fn tables(folder: &Path) -> std::io::Result<(String, String)> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    files.sort();
    let (tests, files): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| file.to_string_lossy().ends_with(TESTS));
    Ok((table(folder, &files, ".rhai")?, table(folder, &tests, TESTS)?))
}

fn table(folder: &Path, files: &[PathBuf], ending: &str) -> std::io::Result<String> {
    let mut out = String::from("&[");
    for file in files {
        let name = file.strip_prefix(folder).unwrap_or(file).to_string_lossy();
        let name = format!("std/{}", name.trim_end_matches(ending));
        let _infallible = write!(out, "({name:?}, include_str!({:?})),", file.canonicalize()?);
    }
    out.push(']');
    Ok(out)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rhai") {
            files.push(path);
        }
    }
    Ok(())
}
