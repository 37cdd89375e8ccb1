//! What an interpreter is told of the script that it is to interpret.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::engine::ScriptRun;
use crate::engine::check::Appliance;
use crate::journal::code_map;
use crate::run::apart::vault::Vault;

/// A script, and all that is known of its run.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Brief {
    /// How messages name the script.
    pub name: String,
    /// Its text.
    pub text: String,
    /// The configured targets that it is checked against; nothing of a script that is not checked again.
    pub targets: Option<BTreeMap<String, Appliance>>,
    /// The names of the configured channels, likewise.
    pub channels: BTreeSet<String>,
    /// `params`, with handles for secrets.
    pub params: Json,
    /// `event`.
    pub event: Json,
    /// `run`.
    pub run: Json,
    /// The most steps; 0 means no limit.
    pub max_steps: u64,
    /// The most bytes.
    pub max_memory: u64,
    /// How much of the run's time is left.
    pub left: Option<Duration>,
    /// Whether its functions are to be kept when it has ended, and called on demand.
    pub stays: bool,
    /// The user's catalogs: their shown names and texts.
    pub catalogs: Vec<(String, String)>,
}

impl Brief {
    /// Of a script.
    pub fn of(script: &ScriptRun, vault: &Vault, stays: bool) -> Self {
        let context = &script.context;
        let facts = &context.facts;
        let deadline = context.halt.deadline;
        Self {
            name: script.name.clone(),
            text: script.text.clone(),
            targets: script.premises.as_ref().map(|premises| premises.targets.clone()),
            channels: script.premises.as_ref().map(|premises| premises.channels.clone()).unwrap_or_default(),
            params: code_map(&vault.map(&facts.params)),
            event: code_map(&vault.map(&facts.event)),
            run: code_map(&vault.map(&facts.run)),
            max_steps: context.max_steps,
            max_memory: context.max_memory,
            left: deadline.map(|deadline| deadline.saturating_duration_since(tokio::time::Instant::now())),
            stays,
            catalogs: context.catalog.user_texts().to_vec(),
        }
    }
}
