//! What every run of a process shares: configuration, catalog, lines to the targets, state.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::runtime::Handle;

use crate::catalog::Catalog;
use crate::clock::{Clock, SystemClock};
use crate::config::{Caller, Config, SecretSource, Secrets, secrets};
use crate::confine::Confinement;
use crate::door::policy::{Never, NeverLists};
use crate::door::{Channels, ChannelsParts, FileRules, Fleet, FleetParts, Hosts};
use crate::fault::{Fault, FaultKind};
use crate::journal::{Log, SecretSupply};
use crate::network::Network;
use crate::run::apart::Launcher;
use crate::run::interpreter::Interpreter;
use crate::run::params::Surroundings;
use crate::secret::{Masker, Secret};
use crate::state::State;
use crate::store::Store;

/// A project, ready to run scripts.
pub struct Project {
    /// The configuration.
    pub config: Config,
    /// The calls.
    pub catalog: Arc<Catalog>,
    /// The lines to the targets.
    pub fleet: Arc<Fleet>,
    /// Hosts that scripts may reach.
    pub hosts: Arc<Hosts>,
    /// The channels for notifications.
    pub channels: Arc<Channels>,
    /// What is never cut off.
    pub never: Arc<Never>,
    /// Secrets, fetched when used.
    pub secrets: Arc<Secrets>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Runs what waits.
    pub runtime: Handle,
    state: Arc<StateFolder>,
    journal: OnceLock<Arc<Log>>,
    /// Who interprets scripts.
    pub interpreter: Arc<Interpreter>,
}

/// The state folder, opened when it is first needed.
struct StateFolder {
    folder: PathBuf,
    state: OnceLock<Arc<State>>,
    opening: Mutex<()>,
}

impl StateFolder {
    fn open(&self) -> Result<Arc<State>, Fault> {
        let _one_at_a_time = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(state) = self.state.get() {
            return Ok(Arc::clone(state));
        }
        let opened = State::open(&self.folder).map_err(|error| Fault::new(FaultKind::File, error.to_string()))?;
        Ok(Arc::clone(self.state.get_or_init(|| Arc::new(opened))))
    }
}

impl std::fmt::Debug for Project {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Project").field("folder", &self.config.folder).finish_non_exhaustive()
    }
}

fn channels_of(
    config: &Config,
    secrets: &Arc<Secrets>,
    clock: &Arc<dyn Clock>,
    state: &Arc<StateFolder>,
) -> Arc<Channels> {
    let state = Arc::clone(state);
    Arc::new(Channels::new(ChannelsParts {
        channels: config.channels.clone(),
        secrets: Arc::clone(secrets),
        clock: Arc::clone(clock),
        host: Caller::of_process().host.clone(),
        state: Arc::new(move || state.open()),
    }))
}

impl Project {
    /// A project of a configuration. Nothing is connected or opened yet.
    ///
    /// # Errors
    /// A never-touch entry that cannot be read.
    pub fn new(config: Config, catalog: Catalog, runtime: Handle) -> Result<Arc<Self>, String> {
        Self::at(config, catalog, runtime, Arc::new(SystemClock))
    }

    /// The same with a clock of one's own.
    ///
    /// # Errors
    /// As [`Project::new`].
    pub fn at(config: Config, catalog: Catalog, runtime: Handle, clock: Arc<dyn Clock>) -> Result<Arc<Self>, String> {
        let secrets = Arc::new(Secrets::new(Masker::new()));
        let fleet = Fleet::new(FleetParts {
            targets: config.targets.clone(),
            secrets: Arc::clone(&secrets),
            clock: Arc::clone(&clock),
        });
        let never = never_of(&config)?;
        let state =
            Arc::new(StateFolder { folder: config.state_dir.clone(), state: OnceLock::new(), opening: Mutex::new(()) });
        Ok(Arc::new(Self {
            channels: channels_of(&config, &secrets, &clock, &state),
            hosts: Arc::new(Hosts::new(config.http_allow.clone())),
            catalog: Arc::new(catalog),
            fleet: Arc::new(fleet),
            never: Arc::new(never),
            state,
            journal: OnceLock::new(),
            interpreter: Arc::new(Interpreter::new(&clock, &runtime)),
            config,
            secrets,
            clock,
            runtime,
        }))
    }

    /// Ends what lasts longer than a run: what channels hold back is told, and sessions are ended.
    pub async fn close(&self) {
        self.channels.flush().await;
        self.fleet.sign_out().await;
    }

    /// The project of a changed configuration, for a process that has been working with this one: it shares
    /// state, journal, clock and the lines to targets that stay as they are. Secrets are fetched anew.
    ///
    /// # Errors
    /// A never-touch entry that cannot be read, or a change that takes a new process.
    pub fn renewed(&self, config: Config, catalog: Catalog) -> Result<Arc<Self>, String> {
        if config.state_dir != self.config.state_dir {
            let (old, new) = (self.config.state_dir.display(), config.state_dir.display());
            return Err(format!("[state] dir changed from {old} to {new}: that takes a restart"));
        }
        let never = never_of(&config)?;
        self.secrets.forget();
        // What they hold back is not forgotten by a change of something else.
        let channels = match config.channels == self.config.channels {
            true => Arc::clone(&self.channels),
            false => channels_of(&config, &self.secrets, &self.clock, &self.state),
        };
        Ok(Arc::new(Self {
            channels,
            hosts: Arc::new(Hosts::new(config.http_allow.clone())),
            catalog: Arc::new(catalog),
            fleet: Arc::new(self.fleet.renewed(config.targets.clone())),
            never: Arc::new(never),
            state: Arc::clone(&self.state),
            journal: OnceLock::from(self.journal()),
            interpreter: Arc::clone(&self.interpreter),
            config,
            secrets: Arc::clone(&self.secrets),
            clock: Arc::clone(&self.clock),
            runtime: self.runtime.clone(),
        }))
    }

    /// From now on each script is interpreted by a process of its own.
    ///
    /// # Errors
    /// Why that cannot be.
    pub fn interpret_apart(&self) -> Result<Confinement, String> {
        self.interpreter.set_apart(Launcher::new(Arc::clone(&self.clock), self.runtime.clone()))
    }

    /// Masks secrets in what people see.
    pub fn masker(&self) -> &Masker {
        self.secrets.masker()
    }

    /// The state database, opened when it is first needed.
    ///
    /// # Errors
    /// `file`, when it cannot be opened.
    pub fn state(&self) -> Result<Arc<State>, Fault> {
        self.state.open()
    }

    /// The journal; its database is opened when something is written or read first.
    pub fn journal(&self) -> Arc<Log> {
        let state = Arc::clone(&self.state);
        Arc::clone(self.journal.get_or_init(|| Log::new(Box::new(move || state.open()))))
    }

    /// Gives the secrets that journal entries name by their references. One that cannot be had any more is
    /// empty, and whoever is given it says no.
    pub fn secret_supply(self: &Arc<Self>) -> SecretSupply {
        let project = Arc::clone(self);
        Arc::new(move |reference| {
            let configured = project.config.secrets.values().find(|source| secrets::reference(source) == reference);
            let source = configured.cloned().or_else(|| match reference.split_once(':')? {
                ("env", name) => Some(SecretSource::Env(name.to_owned())),
                ("file", path) => Some(SecretSource::File(path.into())),
                _ => None,
            });
            let fetched = source.and_then(|source| project.secrets.fetch(&source).ok());
            fetched.unwrap_or_else(|| Secret::new(reference, ""))
        })
    }

    /// The stores of playbooks.
    ///
    /// # Errors
    /// As [`Project::state`].
    pub fn stores(&self) -> Result<Arc<Store>, Fault> {
        self.state().map(|state| Arc::new(Store::new(state)))
    }

    /// Where scripts may read and write, with some more files that may be read.
    pub fn files(&self, more: impl IntoIterator<Item = PathBuf>) -> FileRules {
        FileRules {
            folder: self.config.folder.clone(),
            read: self.config.files.read.clone(),
            write: self.config.files.write.clone(),
            max_read: self.config.limits.max_file,
        }
        .and_read(more)
    }

    /// A secret of the configuration, by name.
    ///
    /// # Errors
    /// `not-found` for an unknown name, `auth` when it cannot be had.
    pub fn secret(&self, name: &str) -> Result<Secret, Fault> {
        let known = &self.config.secrets;
        let source = known.get(name).ok_or_else(|| {
            let hint = crate::nearest::did_you_mean(name, known.keys().map(String::as_str));
            let message =
                format!("there is no secret '{name}'.{hint} Secrets are named by [secrets.NAME] in beadle.toml");
            Fault::new(FaultKind::NotFound, message)
        })?;
        self.secrets.fetch(source).map_err(|message| Fault::new(FaultKind::Auth, message))
    }
}

fn never_of(config: &Config) -> Result<Never, String> {
    let networks = config.never.networks.iter().map(|text| {
        let parsed = Network::parse(text);
        parsed.map(|parsed| parsed.network).map_err(|error| format!("[never] networks '{text}': {error}"))
    });
    Never::new(NeverLists {
        networks: networks.collect::<Result<_, _>>()?,
        domains: config.never.domains.clone(),
        addresses: config.never.addresses.clone(),
        accounts: config.never.accounts.clone(),
        allow_wide_networks: config.policy.allow_wide_networks,
    })
}

/// What parameters are checked against: a project, and the folder that relative paths start from.
pub struct Within<'a> {
    /// The project.
    pub project: &'a Project,
    /// The folder.
    pub folder: &'a Path,
}

impl Surroundings for Within<'_> {
    fn vendor_of(&self, target: &str) -> Result<String, Vec<String>> {
        let targets = &self.project.config.targets;
        targets.get(target).map(|target| target.vendor.clone()).ok_or_else(|| targets.keys().cloned().collect())
    }

    fn secret(&self, reference: &str) -> Result<Secret, String> {
        match reference.split_once(':') {
            Some(("env", name)) => self.project.secrets.fetch(&SecretSource::Env(name.to_owned())),
            _ if self.project.config.secrets.contains_key(reference) => {
                self.project.secret(reference).map_err(|fault| fault.message)
            }
            _ => Err("a secret is given as a reference: env:NAME, or the name of a [secrets.NAME]".into()),
        }
    }

    fn folder(&self) -> &Path {
        self.folder
    }

    fn text_of(&self, file: &str) -> Result<String, String> {
        if file == "-" {
            return std::io::read_to_string(std::io::stdin()).map_err(|error| format!("standard input: {error}"));
        }
        std::fs::read_to_string(self.folder.join(file)).map_err(|error| format!("{file}: {error}"))
    }
}
