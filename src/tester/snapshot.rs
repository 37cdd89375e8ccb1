//! Values that are kept beside a test, to be compared with.

use std::path::{Path, PathBuf};

use crate::value::Value;

/// The kept values of one test: `x.test.snapshots/TEST.NAME.json` beside `x.test.rhai`.
#[derive(Clone, Debug)]
pub(super) struct Snapshots {
    folder: PathBuf,
    test: String,
    update: bool,
}

impl Snapshots {
    /// Those of the test `test` in the file `file`; `update` keeps what differs.
    pub(super) fn of(file: &Path, test: &str, update: bool) -> Self {
        Self { folder: file.with_extension("snapshots"), test: test.to_owned(), update }
    }

    /// Compares, or keeps.
    pub(super) fn compare(&self, name: &str, value: &Value) -> Result<(), String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if name.is_empty() || !name.chars().all(plain) {
            return Err(format!("'{name}' is no name for a snapshot: letters, digits, _ and - are"));
        }
        let file = self.folder.join(format!("{}.{name}.json", self.test));
        let wrong = |error: std::io::Error| format!("{}: {error}", file.display());
        let text = format!("{:#}\n", value.to_json());
        let kept = match std::fs::read_to_string(&file) {
            Ok(kept) => Some(kept),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(wrong(error)),
        };
        if kept.as_ref() == Some(&text) {
            return Ok(());
        }
        if self.update {
            std::fs::create_dir_all(&self.folder).map_err(wrong)?;
            return std::fs::write(&file, text).map_err(wrong);
        }
        Err(match kept {
            None => format!("there is no snapshot '{name}' yet: look at the value, then --update keeps it\n{text}"),
            Some(kept) => format!(
                "it is not what the snapshot '{name}' has; --update keeps the new value\n{}",
                difference(&kept, &text)
            ),
        })
    }
}

/// The lines around the first that differs; a snapshot may be long.
fn difference(kept: &str, now: &str) -> String {
    const SHOWN: usize = 5;
    let same = kept.lines().zip(now.lines()).take_while(|(kept, now)| kept == now).count();
    let part = |mark: char, text: &str| -> String {
        text.lines().skip(same).take(SHOWN).map(|line| format!("  {mark} {line}\n")).collect()
    };
    format!("from line {} on:\n{}{}", same + 1, part('-', kept), part('+', now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_kept_by_update_and_compared_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.test.rhai");
        let (compare, update) = (Snapshots::of(&file, "test_a", false), Snapshots::of(&file, "test_a", true));
        let missing = compare.compare("plan", &Value::Int(1)).unwrap_err();
        assert!(missing.contains("--update"), "{missing}");
        update.compare("plan", &Value::Int(1)).unwrap();
        assert!(folder.path().join("x.test.snapshots/test_a.plan.json").is_file());
        compare.compare("plan", &Value::Int(1)).unwrap();
        let differs = compare.compare("plan", &Value::Int(2)).unwrap_err();
        assert!(differs.contains("- 1") && differs.contains("+ 2"), "{differs}");
        assert!(update.compare("../plan", &Value::Int(1)).is_err());
    }
}
