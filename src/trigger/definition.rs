//! A trigger as it is configured, made ready for use.

use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

use crate::config::{After, Missed, Overlap, ScheduleConfig, WatchConfig};
use crate::trigger::cron::{CronError, Schedule};
use crate::trigger::watch::Pattern;

/// A trigger's configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DefinitionError {
    /// The cron expression is wrong.
    #[error("schedules.{name}: {cause}")]
    Cron {
        /// The schedule.
        name: String,
        /// What is wrong.
        cause: CronError,
    },
    /// The zone is not known.
    #[error("schedules.{name}: timezone '{zone}' is not known: use an IANA name, such as Europe/Berlin")]
    Zone {
        /// The schedule.
        name: String,
        /// The zone.
        zone: String,
    },
    /// A watched path cannot be a pattern of files.
    #[error("watches.{name}: {cause}")]
    Path {
        /// The watch.
        name: String,
        /// What is wrong.
        cause: String,
    },
}

/// A schedule, ready for use.
#[derive(Clone, Debug)]
pub struct ScheduleDefinition {
    /// Its name in the configuration.
    pub name: String,
    /// What is configured: playbook, parameters, rules.
    pub config: ScheduleConfig,
    /// When it is due.
    pub schedule: Schedule,
}

impl ScheduleDefinition {
    /// Reads the expression and the zone.
    ///
    /// # Errors
    /// Either is wrong.
    pub fn new(name: &str, config: &ScheduleConfig) -> Result<Self, DefinitionError> {
        let zone = TimeZone::get(&config.timezone)
            .map_err(|_| DefinitionError::Zone { name: name.to_owned(), zone: config.timezone.clone() })?;
        let schedule = Schedule::parse(&config.cron, zone)
            .map_err(|cause| DefinitionError::Cron { name: name.to_owned(), cause })?;
        Ok(Self { name: name.to_owned(), config: config.clone(), schedule })
    }

    /// What tells this definition of due instants from another. Parameters and rights are left
    /// out: changing them must not forgive what is owed.
    pub(super) fn digest(&self) -> String {
        digest(&[&self.config.cron, &self.config.timezone])
    }

    /// How much later than due the firing of `due` starts: the same each time it is asked.
    pub fn jitter(&self, due: jiff::Timestamp) -> SignedDuration {
        let most = self.config.jitter.as_millis().min(u128::from(u64::MAX)) as u64;
        if most == 0 {
            return SignedDuration::ZERO;
        }
        let hash = Sha256::new().chain_update(&self.name).chain_update(due.as_second().to_be_bytes()).finalize();
        let number = hash.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        SignedDuration::from_millis(i64::try_from(number % most).unwrap_or(0))
    }
}

/// A watch, ready for use.
#[derive(Clone, Debug)]
pub struct WatchDefinition {
    /// Its name in the configuration.
    pub name: String,
    /// What is configured: playbook, parameters, rules.
    pub config: WatchConfig,
    /// The files that it takes.
    pub patterns: Vec<Pattern>,
}

impl WatchDefinition {
    /// Reads the patterns.
    ///
    /// # Errors
    /// A path cannot be a pattern of files.
    pub fn new(name: &str, config: &WatchConfig, project: &Path) -> Result<Self, DefinitionError> {
        let wrong = |cause| DefinitionError::Path { name: name.to_owned(), cause };
        let patterns: Vec<Pattern> = config
            .paths
            .iter()
            .map(|path| Pattern::parse(&project.join(path), path, config.recursive))
            .collect::<Result<_, _>>()
            .map_err(wrong)?;
        let mut config = config.clone();
        // A folder outside the project belongs to someone else: its files stay where they are.
        let inside = patterns.iter().all(|pattern| pattern.root.starts_with(project));
        config.after.get_or_insert(if inside { After::Archive } else { After::Keep });
        Ok(Self { name: name.to_owned(), config, patterns })
    }

    /// What becomes of its files.
    pub fn after(&self) -> After {
        self.config.after.unwrap_or(After::Keep)
    }

    /// The names that its events have.
    pub fn event_names(&self) -> &'static [&'static str] {
        match self.config.collect {
            Some(_) => &["kind", "trigger", "firing", "files", "paths"],
            None => &["kind", "trigger", "firing", "path", "name", "original", "size", "mtime"],
        }
    }

    /// Whether its files stay where they are.
    pub(super) fn keeps(&self) -> bool {
        self.after() == After::Keep
    }

    /// The folders that its files are in, or below.
    pub fn folders(&self) -> Vec<PathBuf> {
        self.patterns.iter().map(|pattern| pattern.root.clone()).collect()
    }

    /// As [`ScheduleDefinition::digest`].
    pub(super) fn digest(&self) -> String {
        let paths: Vec<_> = self.patterns.iter().map(|pattern| pattern.root.to_string_lossy()).collect();
        digest(&paths.iter().map(AsRef::as_ref).collect::<Vec<&str>>())
    }
}

fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What `decide` must know of a schedule's rules.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// On overlap.
    pub overlap: Overlap,
    /// On missed firings.
    pub missed: Missed,
    /// How late a firing may start.
    pub window: SignedDuration,
}

impl From<&ScheduleConfig> for Rules {
    fn from(config: &ScheduleConfig) -> Self {
        let window = SignedDuration::try_from(config.window).unwrap_or(SignedDuration::MAX);
        Self { overlap: config.overlap, missed: config.missed, window }
    }
}
