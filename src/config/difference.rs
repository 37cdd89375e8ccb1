//! What is different between two configurations, by the names that the file has.

use std::collections::BTreeMap;
use std::fmt::Debug;

use crate::config::Config;

/// One line for each table that was added (`+`), removed (`-`) or changed (`~`).
pub fn difference(old: &Config, new: &Config) -> Vec<String> {
    let mut lines = Vec::new();
    entries("targets", &old.targets, &new.targets, &mut lines);
    entries("schedules", &old.schedules, &new.schedules, &mut lines);
    entries("watches", &old.watches, &new.watches, &mut lines);
    entries("secrets", &old.secrets, &new.secrets, &mut lines);
    entries("channels", &old.channels, &new.channels, &mut lines);
    tells(old, new, &mut lines);
    table("service", &old.service, &new.service, &mut lines);
    table("policy", &old.policy, &new.policy, &mut lines);
    table("never", &old.never, &new.never, &mut lines);
    table("limits", &old.limits, &new.limits, &mut lines);
    table("files", &old.files, &new.files, &mut lines);
    table("http", &old.http_allow, &new.http_allow, &mut lines);
    table("catalog", &old.catalog_paths, &new.catalog_paths, &mut lines);
    table("state", &old.keep, &new.keep, &mut lines);
    lines
}

/// Tables that have names.
fn entries<T: Debug>(kind: &str, old: &BTreeMap<String, T>, new: &BTreeMap<String, T>, lines: &mut Vec<String>) {
    let names = old.keys().chain(new.keys().filter(|name| !old.contains_key(*name)));
    for name in names {
        let sign = match (old.get(name), new.get(name)) {
            (None, _) => '+',
            (_, None) => '-',
            (Some(old), Some(new)) if is_other(old, new) => '~',
            _ => continue,
        };
        lines.push(format!("{sign} {kind}.{name}"));
    }
}

/// Whom a trigger tells stands in the trigger's own table.
fn tells(old: &Config, new: &Config, lines: &mut Vec<String>) {
    let kind = |name: &String| if new.schedules.contains_key(name) { "schedules" } else { "watches" };
    let named = |name: &String| new.schedules.contains_key(name) || new.watches.contains_key(name);
    let names = old.tells.keys().chain(new.tells.keys().filter(|name| !old.tells.contains_key(*name)));
    for name in names.filter(|name| named(name) && old.tells.get(*name) != new.tells.get(*name)) {
        let table = format!("{}.{name}", kind(name));
        if !lines.iter().any(|line| line.get(2..) == Some(&table)) {
            lines.push(format!("~ {table}"));
        }
    }
}

/// A table that is there once.
fn table<T: Debug>(name: &str, old: &T, new: &T, lines: &mut Vec<String>) {
    if is_other(old, new) {
        lines.push(format!("~ {name}"));
    }
}

/// What a configuration holds is told apart by what is written of it; none of it holds a secret itself.
fn is_other<T: Debug>(old: &T, new: &T) -> bool {
    format!("{old:?}") != format!("{new:?}")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Environment;

    fn config(text: &str) -> Config {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("beadle.toml");
        std::fs::write(&path, text).unwrap();
        let (config, _) = Config::load(&path, &Environment::default()).unwrap();
        // Both have the same folder then.
        let here = Path::new("/project");
        Config { files: Default::default(), folder: here.into(), ..config }
    }

    #[test]
    fn every_changed_table_is_named() {
        let old = config(
            "[schedules.a]\nplaybook = 'x'\ncron = '0 1 * * *'\n[schedules.b]\nplaybook = 'x'\ncron = '0 2 * * *'\n",
        );
        let new = config(
            "[schedules.b]\nplaybook = 'x'\ncron = '0 3 * * *'\n[schedules.c]\nplaybook = 'x'\ncron = '0 2 * * *'\n\
             [limits]\nmax_runs = 3\n",
        );
        assert_eq!(difference(&old, &new), ["- schedules.a", "~ schedules.b", "+ schedules.c", "~ limits"]);
        assert!(difference(&old, &old).is_empty());
        let tells = config(
            "[schedules.a]\nplaybook = 'x'\ncron = '0 1 * * *'\nheartbeat = 'https://hc.example/x'\n\
             [schedules.b]\nplaybook = 'x'\ncron = '0 2 * * *'\n",
        );
        assert_eq!(difference(&old, &tells), ["~ schedules.a"]);
    }
}
