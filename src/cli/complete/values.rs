//! What arguments can be: playbooks and their parameters, targets, calls, triggers, files.
//!
//! An argument tells what it is by its `value_name`; a new command is completed without a line here.

use std::path::Path;
use std::sync::Arc;

use clap::{Arg, Command, ValueHint};

use crate::catalog::{Catalog, explain};
use crate::cli::complete::words::Offer;
use crate::cli::program::Program;
use crate::cli::triggers::FILE;
use crate::config::Config;
use crate::fault::{Fault, FaultKind};
use crate::journal::Log;
use crate::listing;
use crate::run::header::{ParamSpec, ParamType};
use crate::run::{Playbook, explain as playbooks};
use crate::state::{State, StateError};

/// How many runs are offered.
const RUNS: usize = 40;

/// What there is right now.
pub struct Known {
    config: Config,
    catalog: Catalog,
    here: std::path::PathBuf,
}

impl Known {
    /// Of the project that this folder belongs to. A configuration with mistakes is none: a line that
    /// is being typed is no place to tell them.
    pub fn of(program: &Program) -> Self {
        let (config, catalog) = program
            .config()
            .unwrap_or_else(|_| (Config::none(&program.here, &program.environment), Catalog::builtin()));
        Self { config, catalog, here: program.here.clone() }
    }

    /// What the argument of a command could be, behind the positional arguments that are given already.
    pub fn values(&self, command: &Command, arg: &Arg, given: &[&str], current: &str) -> Vec<Offer> {
        let choices = arg.get_possible_values();
        if !choices.is_empty() {
            let shown = choices.iter().filter(|choice| !choice.is_hide_set());
            let help =
                |choice: &clap::builder::PossibleValue| choice.get_help().map(ToString::to_string).unwrap_or_default();
            return shown.map(|choice| Offer::new(choice.get_name(), help(choice))).collect();
        }
        let names = arg.get_value_names().unwrap_or_default();
        let mut offers: Vec<Offer> = names
            .iter()
            .flat_map(|name| name.as_str().split('|'))
            .flat_map(|kind| self.of_kind(command, kind.trim_end_matches('…'), given, current))
            .collect();
        if matches!(arg.get_value_hint(), ValueHint::AnyPath | ValueHint::FilePath | ValueHint::DirPath)
            && offers.is_empty()
        {
            offers = files(&self.here, current);
        }
        offers
    }

    fn of_kind(&self, command: &Command, kind: &str, given: &[&str], current: &str) -> Vec<Offer> {
        match kind {
            "PLAYBOOK" => self.playbooks(),
            "FILE" | "DIR" => files(&self.here, current),
            "NAME=VALUE" => self.params(command, given, current),
            "TARGET" => self.targets(None),
            "VENDOR" => self.catalog.vendors().iter().map(|vendor| Offer::new(vendor.id, vendor.title)).collect(),
            "CALL" => self.calls(current),
            "TRIGGER" => {
                let schedules = self.config.schedules.keys().map(|name| Offer::new(name, "a schedule"));
                schedules.chain(self.config.watches.keys().map(|name| Offer::new(name, "a watch"))).collect()
            }
            "RUN" => self.runs(),
            // What no one lists: words, numbers, lengths of time.
            _ => Vec::new(),
        }
    }

    /// The latest runs. Where nothing has run yet no state folder is made for it.
    fn runs(&self) -> Vec<Offer> {
        let folder = self.config.state_dir.clone();
        if !folder.join("state.db").exists() {
            return Vec::new();
        }
        let unusable = |error: StateError| Fault::new(FaultKind::File, error.to_string());
        let log = Log::new(Box::new(move || State::open(&folder).map(Arc::new).map_err(unusable)));
        let runs = log.runs().unwrap_or_default().into_iter().filter(|run| run.parent.is_none()).take(RUNS);
        let offers = runs.map(|run| {
            let outcome = run.state();
            Offer::new(&run.id, format!("{} {} {outcome}", run.started.strftime("%Y-%m-%d %H:%M"), run.name))
        });
        std::iter::once(Offer::new("latest", "the run that began last")).chain(offers).collect()
    }

    fn playbooks(&self) -> Vec<Offer> {
        let found = Playbook::all(&self.config.folder).into_iter().filter_map(Result::ok);
        found.map(|playbook| Offer::new(playbook.name, playbook.header.summary)).collect()
    }

    fn targets(&self, vendor: Option<&str>) -> Vec<Offer> {
        let fitting = self.config.targets.values().filter(|target| vendor.is_none_or(|vendor| vendor == target.vendor));
        fitting.map(|target| Offer::new(&target.name, format!("{} at {}", target.vendor, target.url))).collect()
    }

    fn calls(&self, current: &str) -> Vec<Offer> {
        let qualified = current.contains('.');
        let rows = self.catalog.rows().map(|row| {
            let name = if qualified { format!("{}.{}", row.vendor, row.name) } else { row.name.to_owned() };
            Offer::new(name, explain::brief(row))
        });
        let mut offers: Vec<Offer> = rows.filter(|offer| offer.text.starts_with(current)).collect();
        offers.sort_by(|a, b| a.text.cmp(&b.text));
        offers.dedup_by(|a, b| a.text == b.text);
        offers
    }

    /// The playbook that the first word names, or that the trigger of that name runs; and whether the latter is a
    /// watch, which takes a file as well.
    fn playbook(&self, command: &Command, named: &str) -> Option<(Playbook, bool)> {
        let config = &self.config;
        let mut first = command.get_positionals().next()?.get_value_names()?.iter();
        if !first.any(|kind| kind.as_str() == "TRIGGER") {
            return Some((Playbook::find(named, &self.here, &config.folder).ok()?, false));
        }
        let schedule = config.schedules.get(named).map(|schedule| &schedule.playbook);
        let name = schedule.or_else(|| config.watches.get(named).map(|watch| &watch.playbook))?;
        Some((Playbook::find(name, &config.folder, &config.folder).ok()?, schedule.is_none()))
    }

    /// The parameters of a playbook, or the values of one.
    fn params(&self, command: &Command, given: &[&str], current: &str) -> Vec<Offer> {
        let playbook = given.first().and_then(|named| self.playbook(command, named));
        let Some((playbook, takes_file)) = playbook else { return Vec::new() };
        let is_given = |name: &str| given.iter().any(|word| word.split('=').next() == Some(name));
        // To a watch this one is the file that it is handed, whatever the playbook calls so.
        let is_file = |name: &str| takes_file && name == FILE;
        let specs: Vec<&ParamSpec> = playbook.header.params.iter().filter(|spec| !is_file(&spec.name)).collect();
        let Some((name, value)) = current.split_once('=') else {
            let file = (takes_file && !is_given(FILE))
                .then(|| Offer::new(format!("{FILE}="), "the file that it is handed a copy of"));
            let free = specs.iter().filter(|spec| spec.list || !is_given(&spec.name));
            let help = |spec: &ParamSpec| format!("{} ({})", spec.doc, playbooks::facts(spec).join(", "));
            let free = free.map(|spec| Offer::new(format!("{}=", spec.name), help(spec)));
            return file.into_iter().chain(free).collect();
        };
        if is_file(name) {
            let found = files(&self.here, value).into_iter();
            return found.map(|offer| Offer::new(format!("{name}={}", offer.text), offer.help)).collect();
        }
        let Some(spec) = specs.iter().find(|spec| spec.name == name) else { return Vec::new() };
        // Of a list the last entry is being typed.
        let done = if spec.list { value.rfind(',').map_or(0, |at| at + 1) } else { 0 };
        let (before, begun) = value.split_at(done);
        let values = self.values_of(spec, begun).into_iter();
        values.map(|offer| Offer::new(format!("{name}={before}{}", offer.text), offer.help)).collect()
    }

    fn values_of(&self, spec: &ParamSpec, begun: &str) -> Vec<Offer> {
        if !spec.choices.is_empty() {
            let text = |choice: &toml::Value| choice.as_str().map_or_else(|| choice.to_string(), str::to_owned);
            return spec.choices.iter().map(|choice| Offer::new(text(choice), "")).collect();
        }
        match spec.ty {
            ParamType::Target => self.targets(spec.vendor.as_deref()),
            ParamType::Bool => vec![Offer::new("true", ""), Offer::new("false", "")],
            ParamType::Path => files(&self.here, begun),
            ParamType::Secret => {
                let named = self.config.secrets.keys().map(|name| Offer::new(name, "a secret of beadle.toml"));
                named.chain([Offer::new("env:", "an environment variable")]).collect()
            }
            _ => Vec::new(),
        }
    }
}

fn files(folder: &Path, begun: &str) -> Vec<Offer> {
    listing::beginning(folder, begun).into_iter().map(|path| Offer::new(path, "")).collect()
}
