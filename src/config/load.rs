//! Loading: from the file to checked types, with every mistake in one answer.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::catalog::Catalog;
use crate::config::file::{File, TargetTable, Word};
use crate::config::service::{self, TellKeys};
use crate::config::targets::{self, Surroundings, size_of};
use crate::config::{
    Channel, Config, ConfigError, Environment, FileLimits, Limits, NeverConfig, PolicyConfig, ServiceConfig, Tells,
    channels, triggers,
};
use crate::nearest::did_you_mean;
use crate::toml_words;

impl Config {
    /// Loads and checks a configuration file, and the user catalogs that it names.
    ///
    /// # Errors
    /// Every mistake with its place, or why the file cannot be read at all.
    pub fn load(path: &Path, environment: &Environment) -> Result<(Self, Catalog), ConfigError> {
        let shown = path.display().to_string();
        let fatal = |message: String| ConfigError { mistakes: vec![format!("{shown}: {message}")] };
        let path = path.canonicalize().map_err(|error| fatal(error.to_string()))?;
        check_owner(&path, environment).map_err(fatal)?;
        let text = std::fs::read_to_string(&path).map_err(|error| fatal(error.to_string()))?;
        let folder = path.parent().unwrap_or(Path::new("/")).to_owned();
        let file: File = toml::from_str(&text).map_err(|error| parse_error(&shown, &text, &error))?;
        let mut paths: Vec<PathBuf> = file.catalog.paths.iter().map(|path| folder.join(path)).collect();
        // Where an import puts its catalogs, they are found without being named.
        let usual = folder.join("catalogs");
        if paths.is_empty() && usual.is_dir() {
            paths.push(usual);
        }
        let catalog = Catalog::with_user(&paths).map_err(|error| ConfigError { mistakes: error.mistakes })?;
        let mut checker = Checker { shown: &shown, text: &text, mistakes: Vec::new() };
        let config = checker.config(&file, &path, folder, &catalog, environment);
        if checker.mistakes.is_empty() {
            let sources = config.sources.iter().chain(&paths).cloned().collect();
            Ok((Config { catalog_paths: paths, sources, ..config }, catalog))
        } else {
            checker.mistakes.truncate(20);
            Err(ConfigError { mistakes: checker.mistakes })
        }
    }
}

/// The line of a table's head in a configuration file, from 1.
pub fn line_of(text: &str, table: &str) -> Option<usize> {
    text.lines().position(|line| line.trim_start().starts_with(&format!("[{table}]"))).map(|line| line + 1)
}

struct Checker<'a> {
    shown: &'a str,
    text: &'a str,
    mistakes: Vec<String>,
}

impl Checker<'_> {
    fn note(&mut self, table: &str, mistake: &str) {
        let line = line_of(self.text, table);
        let place = line.map_or_else(|| self.shown.to_owned(), |line| format!("{}:{line}", self.shown));
        self.mistakes.push(format!("{place}: [{table}] {mistake}"));
    }

    fn or_note<T>(&mut self, table: &str, result: Result<T, String>) -> Option<T> {
        result.map_err(|mistake| self.note(table, &mistake)).ok()
    }

    fn config(
        &mut self,
        file: &File,
        path: &Path,
        folder: PathBuf,
        catalog: &Catalog,
        environment: &Environment,
    ) -> Config {
        for name in file.vendors.keys().filter(|name| catalog.vendor(name).is_none()) {
            let ids = catalog.vendors().iter().map(|vendor| vendor.id);
            self.note(&format!("vendors.{name}"), &format!("there is no vendor '{name}'.{}", did_you_mean(name, ids)));
        }
        let none = BTreeMap::new();
        let bare = Surroundings { folder: &folder, catalog, defaults: &file.vendors, secrets: &none };
        let mut secrets = BTreeMap::new();
        for (name, table) in &file.secrets {
            if let Some(source) = self.or_note(&format!("secrets.{name}"), targets::secret_of(table, false, &bare)) {
                secrets.insert(name.clone(), source);
            }
        }
        let around = Surroundings { secrets: &secrets, ..bare };
        let mut tables = file.targets.clone();
        if let Some(list) = &file.targets_file {
            match read_targets(&folder.join(list)) {
                Ok(more) => tables.extend(more),
                Err(mistake) => self.mistakes.push(mistake),
            }
        }
        let mut targets = BTreeMap::new();
        for (name, table) in &tables {
            match targets::target(name, table, &around) {
                Ok(target) => {
                    targets.insert(name.clone(), target);
                }
                Err(mistakes) => mistakes.iter().for_each(|mistake| self.note(&format!("targets.{name}"), mistake)),
            }
        }
        let mut schedules = BTreeMap::new();
        for (name, table) in &file.schedules {
            match triggers::schedule(table) {
                Ok(schedule) => {
                    schedules.insert(name.clone(), schedule);
                }
                Err(mistakes) => mistakes.iter().for_each(|mistake| self.note(&format!("schedules.{name}"), mistake)),
            }
        }
        let mut watches = BTreeMap::new();
        for (name, table) in &file.watches {
            match triggers::watch(table, &folder) {
                Ok(watch) => {
                    watches.insert(name.clone(), watch);
                }
                Err(mistakes) => mistakes.iter().for_each(|mistake| self.note(&format!("watches.{name}"), mistake)),
            }
        }
        // `triggers` names either by its name alone.
        for name in schedules.keys().filter(|name| watches.contains_key(*name)) {
            self.note(&format!("watches.{name}"), "a schedule has the same name: call one of them otherwise");
        }
        let channels = self.channels(file, &around);
        let tells = self.tells(file, &around);
        let service = service::service(&file.service, &around).unwrap_or_else(|mistakes| {
            mistakes.iter().for_each(|mistake| self.note("service", mistake));
            ServiceConfig::default()
        });
        if let Some(word) = file.policy.confirm.as_deref().filter(|word| !["destroy", "change", "never"].contains(word))
        {
            self.note("policy", &format!("confirm '{word}' is not one of destroy, change, never"));
        }
        let limits = self.limits(file);
        let keep = targets::length(file.state.keep.as_deref(), "keep", Duration::from_secs(90 * 86_400));
        let keep = self.or_note("state", keep).unwrap_or_default();
        let ledger = targets::length(file.state.ledger.as_deref(), "ledger", Duration::from_secs(90 * 86_400));
        let keep_ledger = self.or_note("state", ledger).unwrap_or_default();
        let state_dir = match (&environment.state_directory, &file.state.dir) {
            (_, Some(dir)) => folder.join(dir),
            (Some(dir), None) => dir.clone(),
            (None, None) => folder.join(".beadle"),
        };
        let paths = |given: &Option<Vec<PathBuf>>, default: &str| match given {
            Some(paths) => paths.iter().map(|path| folder.join(path)).collect(),
            None => vec![folder.join(default)],
        };
        Config {
            catalog_paths: Vec::new(),
            files: FileLimits { read: paths(&file.files.read, ""), write: paths(&file.files.write, "out") },
            file: Some(path.to_owned()),
            sources: std::iter::once(path.to_owned())
                .chain(file.targets_file.iter().map(|list| folder.join(list)))
                .collect(),
            folder,
            targets,
            schedules,
            watches,
            policy: PolicyConfig {
                confirm: file.policy.confirm.clone(),
                max_changes: file.policy.max_changes,
                max_items: file.policy.max_items,
                max_destroys: file.policy.max_destroys,
                max_targets: file.policy.max_targets,
                allow_wide_networks: file.policy.allow_wide_networks,
            },
            never: NeverConfig {
                networks: file.never.networks.clone(),
                domains: file.never.domains.clone(),
                addresses: file.never.addresses.clone(),
                accounts: file.never.accounts.clone(),
            },
            limits,
            http_allow: file.http.allow.clone(),
            state_dir,
            keep,
            keep_ledger,
            secrets,
            channels,
            tells,
            service,
        }
    }

    fn channels(&mut self, file: &File, around: &Surroundings<'_>) -> BTreeMap<String, Channel> {
        let mut channels = BTreeMap::new();
        for (name, table) in &file.channels {
            match channels::channel(table, around) {
                Ok(channel) => {
                    channels.insert(name.clone(), channel);
                }
                Err(mistakes) => mistakes.iter().for_each(|mistake| self.note(&format!("channels.{name}"), mistake)),
            }
        }
        channels
    }

    fn tells(&mut self, file: &File, around: &Surroundings<'_>) -> BTreeMap<String, Tells> {
        let schedules = file.schedules.iter().map(|(name, table)| ("schedules", name, TellKeys::from(table)));
        let watches = file.watches.iter().map(|(name, table)| ("watches", name, TellKeys::from(table)));
        let mut all = BTreeMap::new();
        for (kind, name, keys) in schedules.chain(watches) {
            match service::tells(&keys, &file.channels, around) {
                Ok(tells) if tells == Tells::default() => {}
                Ok(tells) => {
                    all.insert(name.clone(), tells);
                }
                Err(mistakes) => mistakes.iter().for_each(|mistake| self.note(&format!("{kind}.{name}"), mistake)),
            }
        }
        all
    }

    fn limits(&mut self, file: &File) -> Limits {
        let mut limits = Limits::default();
        let table = &file.limits;
        if let Some(steps) = table.steps {
            limits.steps = steps;
        }
        for (text, slot, key) in
            [(&table.memory, &mut limits.memory, "memory"), (&table.max_file, &mut limits.max_file, "max_file")]
        {
            if let Some(text) = text {
                match size_of(text) {
                    Ok(size) => *slot = size,
                    Err(mistake) => self.note("limits", &format!("{key}: {mistake}")),
                }
            }
        }
        if let Some(text) = &table.timeout {
            limits.timeout = self.or_note("limits", targets::length(Some(text), "timeout", Duration::ZERO));
        }
        match table.max_runs {
            Some(0) => self.note("limits", "max_runs must be at least 1"),
            Some(runs) => limits.max_runs = runs,
            None => {}
        }
        limits
    }
}

/// A message with the line, and the nearest right name for an unknown key.
fn parse_error(shown: &str, text: &str, error: &toml::de::Error) -> ConfigError {
    let line =
        error.span().map_or(1, |span| text.get(..span.start).map_or(1, |before| before.matches('\n').count() + 1));
    let table = text.lines().take(line).filter(|line| line.trim_start().starts_with('[')).last().unwrap_or("").trim();
    let place = if table.is_empty() { String::new() } else { format!(" in {table}") };
    let message = match error.message() {
        unknown if unknown.starts_with("unknown field") => toml_words::unknown(unknown, &place),
        _ => toml_words::of(error, text),
    };
    ConfigError { mistakes: vec![format!("{shown}:{line}: {message}")] }
}

/// A configuration can name commands that get run: only its owner may be able to write it.
fn check_owner(path: &Path, environment: &Environment) -> Result<(), String> {
    let facts = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if !facts.is_file() {
        return Err("it is not a file".into());
    }
    if facts.uid() != 0 && environment.user.is_some_and(|user| user != facts.uid()) {
        return Err("it belongs to another user, who could change it: make it your own (chown)".into());
    }
    if facts.mode() & 0o022 != 0 {
        return Err("others may write it: take that right away (chmod go-w)".into());
    }
    Ok(())
}

/// Many targets from a CSV file: a header of target keys, `auth.…` and `tls.…` with a dot, lists by `;`.
fn read_targets(path: &Path) -> Result<BTreeMap<String, TargetTable>, String> {
    let shown = path.display();
    let mut reader =
        csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(path).map_err(|error| format!("{shown}: {error}"))?;
    let header = reader.headers().map_err(|error| format!("{shown}: {error}"))?.clone();
    let mut targets = BTreeMap::new();
    for (index, record) in reader.records().enumerate() {
        let line = index + 2;
        let record = record.map_err(|error| format!("{shown}:{line}: {error}"))?;
        let mut table = toml::Table::new();
        let mut name = String::new();
        for (key, text) in header.iter().zip(record.iter()).filter(|(_, text)| !text.is_empty()) {
            match key {
                "name" => name = text.to_owned(),
                "tags" | "allow" => {
                    let list = text.split(';').map(|part| toml::Value::from(part.trim())).collect();
                    table.insert(key.into(), toml::Value::Array(list));
                }
                "max_in_flight" | "experimental" => {
                    let value = text.parse::<i64>().map(toml::Value::from);
                    let value = value.or_else(|_| text.parse::<bool>().map(toml::Value::from));
                    table.insert(
                        key.into(),
                        value.map_err(|_| format!("{shown}:{line}: {key} '{text}' is not a value"))?,
                    );
                }
                _ => match key.split_once('.') {
                    Some((outer, inner)) => {
                        let slot = table.entry(outer).or_insert_with(|| toml::Value::Table(toml::Table::new()));
                        let value = match text.split_once(':') {
                            Some((kind @ ("env" | "file" | "secret"), reference)) => toml::Value::Table(
                                toml::Table::from_iter([(kind.to_owned(), toml::Value::from(reference))]),
                            ),
                            _ if matches!(text, "true" | "false") => toml::Value::Boolean(text == "true"),
                            _ => toml::Value::from(text),
                        };
                        if let Some(inside) = slot.as_table_mut() {
                            inside.insert(inner.into(), value);
                        }
                    }
                    None => {
                        table.insert(key.into(), toml::Value::from(text));
                    }
                },
            }
        }
        let target: TargetTable = toml::Value::Table(table)
            .try_into()
            .map_err(|error: toml::de::Error| format!("{shown}:{line}: {}", toml_words::of_message(error.message())))?;
        if name.is_empty() {
            return Err(format!("{shown}:{line}: the name is missing"));
        }
        if targets.insert(name.clone(), target).is_some() {
            return Err(format!("{shown}:{line}: there is a target '{name}' already"));
        }
    }
    Ok(targets)
}

impl From<&str> for Word {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}
