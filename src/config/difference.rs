//! What is different between two configurations, by the names that the file has.

use std::collections::BTreeMap;
use std::fmt::Debug;

use crate::config::{Config, Tells};

/// One line for each table that was added (`+`), removed (`-`) or changed (`~`).
pub fn difference(old: &Config, new: &Config) -> Vec<String> {
    let mut lines = Vec::new();
    entries("targets", &old.targets, &new.targets, &mut lines);
    entries("schedules", &told(&old.schedules, old), &told(&new.schedules, new), &mut lines);
    entries("watches", &told(&old.watches, old), &told(&new.watches, new), &mut lines);
    entries("secrets", &old.secrets, &new.secrets, &mut lines);
    entries("channels", &old.channels, &new.channels, &mut lines);
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

/// Triggers with whom they tell how their runs go: the file has both in one table.
fn told<'a, T>(triggers: &'a BTreeMap<String, T>, config: &'a Config) -> BTreeMap<String, (&'a T, Option<&'a Tells>)> {
    triggers.iter().map(|(name, trigger)| (name.clone(), (trigger, config.tells.get(name)))).collect()
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
