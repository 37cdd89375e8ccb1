//! Finding the configuration, and what the environment says.

use std::path::{Path, PathBuf};

/// What Beadle reads from the environment, read once.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// `$BEADLE_CONFIG`.
    pub config: Option<PathBuf>,
    /// `$XDG_CONFIG_HOME`, or `~/.config`.
    pub config_home: Option<PathBuf>,
    /// `$XDG_STATE_HOME`, or `~/.local/state`.
    pub state_home: Option<PathBuf>,
    /// `$STATE_DIRECTORY`, as systemd sets it.
    pub state_directory: Option<PathBuf>,
    /// Whether `$NO_COLOR` is set.
    pub no_color: bool,
    /// `$BEADLE_LOG`: which parts log, and how much.
    pub log: Option<String>,
    /// The effective user.
    pub user: Option<u32>,
}

impl Environment {
    /// Reads the process's environment.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    pub fn read() -> Self {
        let path = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let home = path("HOME");
        let below_home = |below: &str| home.as_ref().map(|home| home.join(below));
        Self {
            config: path("BEADLE_CONFIG"),
            config_home: path("XDG_CONFIG_HOME").or_else(|| below_home(".config")),
            state_home: path("XDG_STATE_HOME").or_else(|| below_home(".local/state")),
            state_directory: path("STATE_DIRECTORY"),
            no_color: path("NO_COLOR").is_some(),
            log: std::env::var("BEADLE_LOG").ok(),
            user: effective_user(),
        }
    }

    /// The value of a variable, for secrets that come from the environment.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    pub fn variable(name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}

/// The user as which the process acts: the owner of what it makes.
fn effective_user() -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").ok().map(|facts| facts.uid())
}

/// The configuration file: the one that was named, the nearest `beadle.toml` in this folder or
/// above, or the user's.
pub fn find(named: Option<&Path>, here: &Path, environment: &Environment) -> Option<PathBuf> {
    if let Some(named) = named {
        return Some(here.join(named));
    }
    if let Some(named) = &environment.config {
        return Some(here.join(named));
    }
    let near = here.ancestors().map(|folder| folder.join("beadle.toml")).find(|path| path.is_file());
    near.or_else(|| {
        environment.config_home.as_ref().map(|home| home.join("beadle/beadle.toml")).filter(|path| path.is_file())
    })
}
