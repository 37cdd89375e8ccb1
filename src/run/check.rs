//! What can be known of a playbook before it runs: its header, and its script against header and
//! configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::config::Config;
use crate::engine::check::{self, Appliance, Code, Finding, Param, Premises};
use crate::engine::{Imports, Index, Kind, Library, Place, RunContext, ScriptRun, Shelf, Sources};
use crate::run::header::{Header, HeaderError, ParamSpec, ParamType};
use crate::run::playbook::Playbook;
use crate::run::project::Project;

/// What a check found in a script, and the texts that its findings point into.
pub struct Checked {
    /// The script's name in messages.
    pub name: String,
    /// What was found.
    pub findings: Vec<Finding>,
    /// The texts of the script and its modules.
    pub sources: Sources,
}

/// Checks a playbook; messages call it `name`. `broken` is what is wrong with its header, if that
/// cannot be read: the script is checked all the same, as far as it does not depend on it.
pub fn check(
    config: &Config,
    index: &Arc<Index>,
    playbook: &Playbook,
    name: &str,
    broken: Option<&HeaderError>,
) -> Checked {
    let sources = Sources::default();
    let mut premises = premises(config, index, playbook);
    if broken.is_some() {
        premises.params = None;
    }
    let mut findings = check::check(name, &playbook.text, &premises, &sources).findings;
    if let Some(error) = broken {
        sources.add(name, &playbook.text);
        let place = Place { file: name.to_owned(), line: error.line.max(1), column: 1 };
        findings.insert(0, Finding::new(Code::Header, place, error.message.clone()));
    }
    Checked { name: name.to_owned(), findings, sources }
}

/// What is known before a playbook's script is read.
pub fn premises(config: &Config, index: &Arc<Index>, playbook: &Playbook) -> Premises {
    let appliance = |target: &crate::config::Target| Appliance {
        vendor: target.vendor.clone(),
        version: target.version.clone(),
        product: target.product.clone(),
        tags: target.tags.clone(),
    };
    let targets = config.targets.iter().map(|(name, target)| (name.clone(), appliance(target))).collect();
    let channels = config.channels.keys().cloned().collect();
    premises_of(targets, channels, index, &playbook.header, Arc::new(Shelf::of(playbook.folder.clone())))
}

/// A playbook as a script that is about to be run.
pub(super) fn script_of(
    project: &Project,
    playbook: &Playbook,
    imports: Imports,
    context: Arc<RunContext>,
) -> ScriptRun {
    // What has run before is not refused for what others have edited since.
    let is_new = !imports.is_pinned() && context.texts.pinned(&playbook.name).is_none();
    let premises = || premises(&project.config, &Arc::new(Index::new(&project.catalog)), playbook);
    ScriptRun {
        name: playbook.name.clone(),
        text: playbook.text.clone(),
        library: Arc::new(Shelf::new(playbook.folder.clone(), imports, Arc::clone(&context.texts))),
        premises: is_new.then(premises),
        context,
    }
}

/// The same where the configuration is somewhere else.
pub(super) fn premises_of(
    targets: BTreeMap<String, Appliance>,
    channels: BTreeSet<String>,
    index: &Arc<Index>,
    header: &Header,
    library: Arc<dyn Library>,
) -> Premises {
    Premises {
        index: Arc::clone(index),
        targets,
        channels,
        params: Some(header.params.iter().map(|spec| param(spec, header)).collect()),
        effects: header.policy.effects.clone(),
        library,
    }
}

fn param(spec: &ParamSpec, header: &Header) -> Param {
    let kind = match spec.ty {
        ParamType::Int => Kind::Int,
        ParamType::Float => Kind::Float,
        ParamType::Bool => Kind::Bool,
        ParamType::Duration => Kind::Duration,
        ParamType::Time => Kind::Time,
        ParamType::Secret => Kind::Secret,
        ParamType::String
        | ParamType::Path
        | ParamType::Target
        | ParamType::Network
        | ParamType::Domain
        | ParamType::Email
        | ParamType::Regex => Kind::Text,
    };
    Param {
        name: spec.name.clone(),
        kind,
        list: spec.list,
        optional: spec.optional && spec.default.is_none(),
        target: spec.ty == ParamType::Target,
        vendor: spec.vendor.clone().or_else(|| header.vendor.clone()),
    }
}
