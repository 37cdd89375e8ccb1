//! The stage of one test: its labs, its own project, and the runs that it carries out.

use std::collections::BTreeMap;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tempfile::TempDir;
use tokio::runtime::Handle;

use crate::clock::FixedClock;
use crate::config::{Config, Environment};
use crate::door::Halt;
use crate::door::policy::NoTerminal;
use crate::engine::testing::Stage;
use crate::lab::AnyLab;
use crate::run::params::{Given, resolve};
use crate::run::{Cause, Ending, Intent, Listener, Order, Outcome, Playbook, Project, Within, execute};
use crate::tester::appliance;
use crate::tester::shown::{self, Options, Shown};
use crate::tester::snapshot::Snapshots;
use crate::value::{Map, Value};

/// What a stage stands on.
pub(super) struct Ground {
    /// Runs what waits.
    pub(super) runtime: Handle,
    /// The folder of the project whose playbooks are tested.
    pub(super) project: PathBuf,
    /// The instant at which the clock stands.
    pub(super) now: Timestamp,
    /// What ends the test.
    pub(super) halt: Halt,
    /// The kept values; none for a test that is built in.
    pub(super) snapshots: Option<Snapshots>,
}

/// The stage of one test.
pub(super) struct LabStage {
    ground: Ground,
    /// The test's own project: configuration, files and state. It goes with the stage.
    folder: TempDir,
    set: Mutex<Set>,
}

/// What the test has set up.
#[derive(Default)]
struct Set {
    config: String,
    labs: BTreeMap<String, Arc<AnyLab>>,
}

impl LabStage {
    /// An empty one.
    pub(super) fn new(ground: Ground) -> std::io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("beadle-test-").tempdir()?;
        Ok(Self { ground, folder, set: Mutex::default() })
    }

    fn set(&self) -> MutexGuard<'_, Set> {
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was wrong with requests although the true appliances would not have said so.
    pub(super) fn complaints(&self) -> Vec<String> {
        self.set().labs.values().flat_map(|lab| lab.complaints()).collect()
    }

    fn found(&self, target: &str) -> Result<Arc<AnyLab>, String> {
        let set = self.set();
        set.labs.get(target).cloned().ok_or_else(|| {
            let hint = crate::nearest::did_you_mean(target, set.labs.keys().map(String::as_str));
            format!("no lab of this test is the target '{target}'.{hint} lab(vendor) gives the name of one")
        })
    }

    /// Writes a file of the test's project that only its owner may read: configurations are refused else.
    fn write(&self, name: &str, text: &str) -> Result<(), String> {
        use std::io::Write;
        let path = self.folder.path().join(name);
        let wrong = |error: std::io::Error| format!("{name}: {error}");
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(wrong)?;
        }
        let mut options = std::fs::OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(&path);
        file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(wrong)
    }

    /// The test's project as it is now: a new one for each run, as for each start of the program.
    fn project(&self) -> Result<Arc<Project>, String> {
        let config = self.set().config.clone();
        self.write("beadle.toml", &config)?;
        let file = self.folder.path().join("beadle.toml");
        let (config, catalog) =
            Config::load(&file, &Environment::default()).map_err(|error| error.mistakes.join("\n"))?;
        let clock = Arc::new(FixedClock::new(self.ground.now));
        Project::at(config, catalog, self.ground.runtime.clone(), clock)
    }

    fn execute(&self, name: &str, params: &Map, options: &Map, intent: Intent) -> Result<(Ending, String), String> {
        let options = Options::new(options, "run", &["yes", "allow"])?;
        let allow_destroy = match options.text("allow")? {
            None => false,
            Some("destroy") => true,
            Some(other) => return Err(format!("option 'allow' of run is \"destroy\", not \"{other}\"")),
        };
        let yes = options.flag("yes")?;
        let project = self.project()?;
        let own = &self.ground.project;
        let playbook = Playbook::find(name, own, own).map_err(|error| error.to_string())?;
        let given = params.iter().map(|(name, value)| (name.clone(), vec![Given::Typed(value.clone())])).collect();
        let within = Within { project: &project, folder: self.folder.path() };
        let params = resolve(&playbook.header, &given, &within).map_err(|mistakes| mistakes.join("\n"))?;
        let order = Order {
            playbook,
            params,
            event: Map::new(),
            event_files: Vec::new(),
            cause: Cause::Command,
            intent,
            allow_destroy,
            yes,
            ask: Arc::new(NoTerminal),
            timeout: None,
            halt: self.ground.halt.clone(),
        };
        let shown = Arc::new(Shown::default());
        let ending = execute(&project, order, &(Arc::clone(&shown) as Arc<dyn Listener>));
        self.ground.runtime.block_on(project.close());
        Ok((ending, shown.text()))
    }
}

impl Stage for LabStage {
    fn lab(&self, vendor: &str, options: &Map) -> Result<String, String> {
        let started = appliance::start(vendor, options, &self.ground.runtime)?;
        let mut set = self.set();
        let name = match started.name {
            Some(name)
                if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') =>
            {
                return Err(format!("'{name}' is no name of a target: letters, digits, - and _ are"));
            }
            Some(name) if set.labs.contains_key(&name) => return Err(format!("there is a lab '{name}' already")),
            Some(name) => name,
            None => {
                let mut names = std::iter::once(vendor.to_owned()).chain((2..).map(|n: u64| format!("{vendor}-{n}")));
                names.find(|name| !set.labs.contains_key(name)).unwrap_or_default()
            }
        };
        let worker = format!("{name}-worker");
        let mut tables = started.lab.tables(&name, &worker);
        for (variable, value) in started.lab.environment() {
            // A file, since the environment of a test is that of whoever starts it.
            let file = format!("{name}.{variable}");
            self.write(&file, value)?;
            tables = tables.replace(&format!("{{ env = \"{variable}\" }}"), &format!("{{ file = \"{file}\" }}"));
        }
        set.config.push_str(&tables);
        set.config.push('\n');
        let lab = Arc::new(started.lab);
        if matches!(*lab, AnyLab::Spectra(_)) {
            set.labs.insert(worker, Arc::clone(&lab));
        }
        set.labs.insert(name.clone(), lab);
        Ok(name)
    }

    fn file(&self, name: &str, text: &str) -> Result<String, String> {
        let path = Path::new(name);
        let inside = path.components().all(|part| matches!(part, Component::Normal(_)));
        if name.is_empty() || !inside || name == "beadle.toml" || path.starts_with(".beadle") {
            return Err(format!(
                "'{name}' is no name for a file of a test: it is relative, and stays below its folder"
            ));
        }
        self.write(name, text).map(|()| name.to_owned())
    }

    fn settings(&self, toml: &str) -> Result<(), String> {
        {
            let mut set = self.set();
            set.config.push_str(toml);
            set.config.push('\n');
        }
        // A mistake is told where it was made, and not at the next run.
        self.project().map(|_| ())
    }

    fn run(&self, playbook: &str, params: &Map, options: &Map) -> Result<Value, String> {
        let (ending, out) = self.execute(playbook, params, options, Intent::Live)?;
        Ok(shown::ending(&ending, out))
    }

    fn plan(&self, playbook: &str, params: &Map) -> Result<Value, String> {
        let (ending, _) = self.execute(playbook, params, &Map::new(), Intent::Dry)?;
        let failed = || ending.error.as_ref().map_or_else(|| ending.outcome.to_string(), |error| error.message.clone());
        match &ending.plan {
            Some(plan) if ending.outcome == Outcome::Succeeded && plan.partial.is_none() => {
                Ok(Value::List(plan.changes.iter().map(|change| shown::withheld(change)).collect()))
            }
            Some(plan) if plan.partial.is_some() => Err(format!("the plan of {playbook} is partial: {}", failed())),
            _ => Err(format!("{playbook} has no plan: {}", failed())),
        }
    }

    fn requests(&self, target: &str) -> Result<Value, String> {
        Ok(Value::List(self.found(target)?.requests().iter().map(shown::request).collect()))
    }

    fn state(&self, target: &str) -> Result<Value, String> {
        Ok(Value::from(self.found(target)?.contents()))
    }

    fn snapshot(&self, name: &str, value: &Value) -> Result<(), String> {
        match &self.ground.snapshots {
            Some(snapshots) => snapshots.compare(name, value),
            None => Err("a built-in test has no folder to keep snapshots in".into()),
        }
    }
}
