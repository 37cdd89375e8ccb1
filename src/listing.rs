//! The files whose path begins with what has been typed, for completion.

use std::path::Path;

/// Paths that begin with `begun`, relative to a folder; a folder's ends with `/`. What is hidden is
/// listed only for whoever types its dot.
pub fn beginning(folder: &Path, begun: &str) -> Vec<String> {
    let (parent, name) = begun.rsplit_once('/').map_or(("", begun), |(parent, name)| (parent, name));
    let inside = if begun.starts_with('/') && parent.is_empty() { "/".into() } else { folder.join(parent) };
    let Ok(entries) = std::fs::read_dir(inside) else { return Vec::new() };
    let path = begun.get(..begun.len() - name.len()).unwrap_or_default();
    let mut found: Vec<String> = entries
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let file = entry.file_name().into_string().ok().filter(|file| file.starts_with(name))?;
            let is_hidden = file.starts_with('.') && !name.starts_with('.');
            let end = if entry.path().is_dir() { "/" } else { "" };
            (!is_hidden).then(|| format!("{path}{file}{end}"))
        })
        .collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_folders_are_listed_where_they_are() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("inbox")).unwrap();
        for name in ["inbox/a.txt", "index.md", ".hidden"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        assert_eq!(beginning(folder.path(), "in"), ["inbox/", "index.md"]);
        assert_eq!(beginning(folder.path(), "inbox/"), ["inbox/a.txt"]);
        assert_eq!(beginning(folder.path(), "."), [".hidden"]);
        assert!(beginning(folder.path(), "nowhere/x").is_empty());
    }
}
