//! Teaching the masker the secrets of a run that is about to be shown.
//!
//! Nothing has signed in, so that nothing is known yet. Variables and files are read for every target and
//! secret of the configuration; a command is run only where the run itself has used what it gives.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::config::{Config, SecretSource, secrets};
use crate::run::history::document::RunHistory;
use crate::run::project::Project;

/// Learns what can be had, and gives a sentence for each secret that the run used and that cannot be had:
/// its value is not masked.
pub fn learn_secrets(project: &Arc<Project>, run: &RunHistory) -> Vec<String> {
    let mut used = Used::default();
    used.add(run);
    let mut lost = BTreeSet::new();
    for (source, is_used) in sources(&project.config, &used) {
        if !is_used && matches!(source, SecretSource::Command(_)) {
            continue;
        }
        if project.secrets.fetch(source).is_err() && is_used {
            lost.insert(secrets::reference(source));
        }
    }
    for reference in used.references {
        // A secret from an answer, or written in a script, has no source.
        let has_source = reference.starts_with("env:") || reference.starts_with("file:");
        if has_source && project.secret_supply()(&reference).expose().is_empty() {
            lost.insert(reference);
        }
    }
    lost.into_iter()
        .map(|reference| format!("{reference} cannot be had now: where its value stands by chance, it is not masked"))
        .collect()
}

/// What a run has used.
#[derive(Default)]
struct Used {
    targets: BTreeSet<String>,
    secrets: BTreeSet<String>,
    references: BTreeSet<String>,
}

impl Used {
    fn add(&mut self, run: &RunHistory) {
        for entry in &run.entries {
            self.targets.extend(entry.target.clone());
            if entry.kind == "secret" {
                self.secrets.extend(entry.operation.strip_prefix("secret ").map(str::to_owned));
            }
        }
        for json in [&run.params, &run.event] {
            self.add_references(json);
        }
        run.children.iter().for_each(|child| self.add(child));
    }

    fn add_references(&mut self, json: &Json) {
        match json {
            Json::Array(items) => items.iter().for_each(|item| self.add_references(item)),
            Json::Object(map) => {
                self.references.extend(map.get("$secret").and_then(Json::as_str).map(str::to_owned));
                map.values().for_each(|value| self.add_references(value));
            }
            _ => {}
        }
    }
}

/// Every source of the configuration, and whether the run has used it.
fn sources<'a>(config: &'a Config, used: &'a Used) -> impl Iterator<Item = (&'a SecretSource, bool)> {
    let of_targets = config.targets.values().flat_map(|target| {
        let is_used = used.targets.contains(&target.name);
        let auth = &target.auth;
        [&auth.username, &auth.password, &auth.token].into_iter().flatten().map(move |source| (source, is_used))
    });
    let named = config.secrets.iter().map(|(name, source)| {
        let is_used = used.secrets.contains(name) || used.references.contains(&secrets::reference(source));
        (source, is_used)
    });
    of_targets.chain(named)
}
