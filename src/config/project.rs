//! A project's whole configuration, checked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::{Channel, Environment, ScheduleConfig, SecretSource, ServiceConfig, Target, Tells, WatchConfig};

/// Everything that `beadle.toml` says, with defaults filled in and paths made absolute.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file, if there is one.
    pub file: Option<PathBuf>,
    /// Every file that the configuration was read from, for whoever wants to know when it changes.
    pub sources: Vec<PathBuf>,
    /// The project's folder: relative paths are relative to it.
    pub folder: PathBuf,
    /// The appliances.
    pub targets: BTreeMap<String, Target>,
    /// The schedules.
    pub schedules: BTreeMap<String, ScheduleConfig>,
    /// The watched files.
    pub watches: BTreeMap<String, WatchConfig>,
    /// What every run may do.
    pub policy: PolicyConfig,
    /// What is never cut off.
    pub never: NeverConfig,
    /// What a script may use up.
    pub limits: Limits,
    /// Where scripts read and write files.
    pub files: FileLimits,
    /// Hosts that `http_get` and `http_post` may reach.
    pub http_allow: Vec<String>,
    /// Folders and files with catalogs of the user's own.
    pub catalog_paths: Vec<PathBuf>,
    /// Where state lives.
    pub state_dir: PathBuf,
    /// How long what ended runs answered is kept.
    pub keep: Duration,
    /// Named secrets.
    pub secrets: BTreeMap<String, SecretSource>,
    /// Named channels for notifications.
    pub channels: BTreeMap<String, Channel>,
    /// Whom triggers tell how their runs go, by the trigger's name.
    pub tells: BTreeMap<String, Tells>,
    /// What the service tells of itself.
    pub service: ServiceConfig,
}

/// `[policy]`.
#[derive(Clone, Debug, Default)]
pub struct PolicyConfig {
    /// From which effect on a person is asked.
    pub confirm: Option<String>,
    /// The most changes of a run.
    pub max_changes: Option<u64>,
    /// The most items of a run.
    pub max_items: Option<u64>,
    /// The most destroying changes of a run.
    pub max_destroys: Option<u64>,
    /// The most changed targets of a run.
    pub max_targets: Option<u64>,
    /// Whether networks wider than /8 (IPv6: /19) may be blocked.
    pub allow_wide_networks: bool,
}

/// `[never]`, as written.
#[derive(Clone, Debug, Default)]
pub struct NeverConfig {
    /// Addresses, networks and ranges.
    pub networks: Vec<String>,
    /// Domains.
    pub domains: Vec<String>,
    /// E-mail addresses.
    pub addresses: Vec<String>,
    /// Accounts.
    pub accounts: Vec<String>,
}

/// `[limits]`.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Steps of one run; 0 means no limit.
    pub steps: u64,
    /// Bytes of memory that one run's values may take.
    pub memory: u64,
    /// How long a run may take, where nothing nearer says so.
    pub timeout: Option<Duration>,
    /// How many runs `serve` has going at once.
    pub max_runs: usize,
    /// The largest file that a script reads, in bytes.
    pub max_file: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { steps: 0, memory: 1 << 30, timeout: None, max_runs: 8, max_file: 256 << 20 }
    }
}

/// `[files]`.
#[derive(Clone, Debug, Default)]
pub struct FileLimits {
    /// Folders that may be read.
    pub read: Vec<PathBuf>,
    /// Folders that may be written to.
    pub write: Vec<PathBuf>,
}

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}", mistakes.join("\n"))]
pub struct ConfigError {
    /// `file:line: message` each.
    pub mistakes: Vec<String>,
}

impl Config {
    /// No configuration at all: no targets; files are read in `here`, state lives in the user's folder.
    pub fn none(here: &Path, environment: &Environment) -> Self {
        let state_dir = environment
            .state_directory
            .clone()
            .or_else(|| environment.state_home.as_ref().map(|home| home.join("beadle")))
            .unwrap_or_else(|| here.join(".beadle"));
        Self {
            file: None,
            sources: Vec::new(),
            folder: here.to_owned(),
            targets: BTreeMap::new(),
            schedules: BTreeMap::new(),
            watches: BTreeMap::new(),
            policy: PolicyConfig::default(),
            never: NeverConfig::default(),
            limits: Limits::default(),
            files: FileLimits { read: vec![here.to_owned()], write: vec![here.join("out")] },
            http_allow: Vec::new(),
            catalog_paths: Vec::new(),
            state_dir,
            keep: Duration::from_secs(90 * 86_400),
            secrets: BTreeMap::new(),
            channels: BTreeMap::new(),
            tells: BTreeMap::new(),
            service: ServiceConfig::default(),
        }
    }
}
