//! The standard library's files as a table of names and texts.

use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Every `.rhai` file below `folder`, as `(name, text)` pairs: `std/seg/x` for `stdlib/seg/x.rhai`.
pub fn table(folder: &Path) -> std::io::Result<String> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    files.sort();
    let mut out = String::from("&[");
    for file in files {
        let name = file.strip_prefix(folder).unwrap_or(&file).with_extension("");
        let name = format!("std/{}", name.to_string_lossy());
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
