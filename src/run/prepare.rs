//! From an order to a door: what a run may do, where it is recorded, and the context of its script.

use std::sync::{Arc, Mutex, PoisonError};

use crate::door::policy::{
    Ask, Budget, Confirm, Declared, Limit, Limits, Policy, PolicySettings, Recording, Rights, RunLocks,
};
use crate::door::{
    About, Authorship, Door, DoorEvent, DoorParts, FileRules, Halt, Host, Mode, NamedStore, Notices, Passage, Pins,
    Sleepers, Watcher,
};
use crate::engine::{ContextParts, Imports, Output, OutputEvent, Reach, RunContext, RunFacts, Texts};
use crate::fault::Fault;
use crate::journal::Past;
use crate::run::authorship::RunAuthorship;
use crate::run::children::ChildRuns;
use crate::run::execute::{Cause, Listener, Order, RunEvent, Start};
use crate::run::header::HeaderPolicy;
use crate::run::intent::Intent;
use crate::run::pins;
use crate::run::playbook::Playbook;
use crate::run::project::Project;
use crate::run::record::{Beginning, RunRecord};
use crate::run::scripts::Scripts;
use crate::secret::Masker;
use crate::value::{Map, Value};

/// Passes on what happens in a run and its children.
pub(super) struct Ears(Arc<dyn Listener>, Mutex<std::collections::BTreeSet<String>>);

impl Ears {
    pub(super) fn new(listener: &Arc<dyn Listener>) -> Self {
        Self(Arc::clone(listener), Mutex::default())
    }
}

impl Output for Ears {
    fn show(&self, event: OutputEvent) {
        self.0.on(RunEvent::Output(event));
    }

    fn reach(&self) -> Option<Arc<dyn Reach>> {
        self.0.reach()
    }
}

impl Watcher for Ears {
    fn on(&self, event: DoorEvent) {
        if let DoorEvent::Notice(text) = &event {
            // A notice that a thousand requests give is told once.
            let mut told = self.1.lock().unwrap_or_else(PoisonError::into_inner);
            if !told.insert(text.clone()) {
                return;
            }
        }
        self.0.on(RunEvent::Door(event));
    }
}

/// A run's door with what is needed to tell how it went.
pub struct Prepared {
    /// What natives need.
    pub context: Arc<RunContext>,
    /// The door.
    pub door: Arc<Door>,
    pub(super) record: Arc<RunRecord>,
    pub(super) masker: Masker,
    pub(super) mode: Arc<Mode>,
    pub(super) scripts: Arc<Scripts>,
}

/// Makes the door and the context of a run that begins, or goes on.
///
/// # Errors
/// When the state folder cannot be used.
pub fn prepare(
    project: &Arc<Project>,
    order: &Order,
    start: Start,
    listener: &Arc<dyn Listener>,
) -> Result<Prepared, Fault> {
    let record = match start {
        Start::New(id) => RunRecord::begin(project, &id, beginning(order))?,
        Start::Former(former) => RunRecord::of(project, former),
    };
    Ok(prepare_as(project, order, record, listener))
}

/// The same with a record of one's own.
pub(super) fn prepare_as(
    project: &Arc<Project>,
    order: &Order,
    record: RunRecord,
    listener: &Arc<dyn Listener>,
) -> Prepared {
    let locks = Arc::new(RunLocks::new(&project.config.state_dir, record.id()));
    let prepared = Prepared::new(project, order, record, locks, listener);
    listener.on(RunEvent::Started {
        id: prepared.id().to_owned(),
        playbook: order.playbook.name.clone(),
        dry: order.intent.is_dry(),
        cause: order.cause.describe(),
    });
    prepared
}

pub(super) fn context(
    project: &Project,
    passage: Arc<dyn Passage>,
    output: Arc<dyn Output>,
    facts: RunFacts,
    halt: Halt,
    texts: Arc<dyn Texts>,
) -> Arc<RunContext> {
    RunContext::new(ContextParts {
        texts,
        passage,
        output,
        catalog: Arc::clone(&project.catalog),
        facts,
        halt,
        max_steps: project.config.limits.steps,
        max_memory: project.config.limits.memory,
    })
}

/// How the messages of a run leave.
pub(super) fn notices(project: &Project, run: &str, playbook: &str, cause: String) -> Notices {
    let about = About { run: run.to_owned(), playbook: playbook.to_owned(), cause };
    Notices { channels: Arc::clone(&project.channels), about }
}

pub(super) fn host(
    project: &Arc<Project>,
    files: FileRules,
    store: String,
    halt: &Halt,
    pins: &Arc<Pins>,
    record: &RunRecord,
    authorship: Arc<dyn Authorship>,
) -> Host {
    let stores = Arc::clone(project);
    Host {
        clock: Arc::clone(&project.clock),
        files,
        store: Box::new(move || Ok(NamedStore { store: stores.stores()?, name: store.clone() })),
        authorship,
        runtime: project.runtime.clone(),
        halt: halt.clone(),
        pins: Arc::clone(pins),
        ran: record.ran(),
        begun: record.begun(),
        sleepers: Sleepers::default(),
    }
}

/// What the journal is told of an order.
fn beginning(order: &Order) -> Beginning<'_> {
    Beginning {
        parent: None,
        name: &order.playbook.name,
        mode: match (&order.cause, &order.intent) {
            (Cause::Prompt, _) => "session",
            (_, Intent::Dry | Intent::Plan) => "dry",
            (_, Intent::Apply(_)) => "apply",
            (_, Intent::Live) => "live",
        },
        cause: order.cause.describe(),
        text: &order.playbook.text,
        pinned: pins::write(order),
    }
}

/// A resumed run counts its budgets from the journal, what its children spent included.
fn count_spent(project: &Project, id: &str, budget: &Budget) {
    // What cannot be read now cannot be replayed either.
    for spent in project.journal().spent(id).unwrap_or_default() {
        budget.count(&spent.target, spent.effect, spent.items);
    }
}

pub(super) fn declared(playbook: &Playbook) -> Declared {
    match &playbook.header.policy.effects {
        Some(effects) => Declared::Effects(effects.clone()),
        None if playbook.header.is_empty() => Declared::NoHeader,
        None => Declared::Silent,
    }
}

pub(super) fn store_name(playbook: &Playbook) -> String {
    playbook.header.store.clone().unwrap_or_else(|| playbook.name.clone())
}

fn project_limits(project: &Project) -> Limits {
    let policy = &project.config.policy;
    let limit = |value: Option<u64>| value.map(|value| Limit::new(value, "[policy] in beadle.toml"));
    Limits {
        max_changes: limit(policy.max_changes),
        max_items: limit(policy.max_items),
        max_destroys: limit(policy.max_destroys),
        max_targets: limit(policy.max_targets),
    }
}

pub(super) fn header_limits(policy: &HeaderPolicy) -> Limits {
    let limit = |value: Option<u64>| value.map(|value| Limit::new(value, "the playbook's header"));
    Limits {
        max_changes: limit(policy.max_changes),
        max_items: limit(policy.max_items),
        max_destroys: limit(policy.max_destroys),
        max_targets: limit(policy.max_targets),
    }
}

impl Prepared {
    /// The door and the context of a run that has a record.
    pub(super) fn new(
        project: &Arc<Project>,
        order: &Order,
        record: RunRecord,
        locks: Arc<RunLocks>,
        listener: &Arc<dyn Listener>,
    ) -> Self {
        let id = record.id().to_owned();
        let record = Arc::new(record);
        let ears = Arc::new(Ears::new(listener));
        let mut halt = order.halt.clone();
        // A session lasts as long as somebody types; its lines are cancelled by hand.
        let limit = project.config.limits.timeout.filter(|_| order.cause != Cause::Prompt);
        let timeout = order.timeout.or(limit);
        halt.deadline = timeout.map(|timeout| tokio::time::Instant::now() + timeout.saturating_sub(record.ran()));
        let dry = order.intent.is_dry();
        let mode = Arc::new(order.intent.mode(&id));
        let scripts = Arc::new(order.intent.scripts());
        let pins = Arc::new(order.intent.pins(project.clock.now()));
        let header = &order.playbook.header;
        let declared = declared(&order.playbook);
        let ask: Arc<dyn Ask> = if dry { Arc::new(Recording::default()) } else { Arc::clone(&order.ask) };
        let trigger = match &order.cause {
            Cause::Trigger(name) => Some(name.clone()),
            Cause::Command | Cause::Prompt => None,
        };
        let default_confirm = if order.cause == Cause::Prompt { Confirm::Change } else { Confirm::Destroy };
        let confirm = project.config.policy.confirm.as_deref().and_then(Confirm::from_name).unwrap_or(default_confirm);
        let budget = Budget::new(project_limits(project).narrowed_by(header_limits(&header.policy)));
        if record.past() != Past::None {
            count_spent(project, &id, &budget);
        }
        let policy = Policy::new(PolicySettings {
            rights: Rights { declared: vec![declared], destroy: order.allow_destroy, trigger },
            confirm,
            // A dry run asks nobody: what would be asked is listed in its plan.
            yes: order.yes && !dry,
            budget: Arc::new(budget),
            never: Arc::clone(&project.never),
            ask,
        });
        let authorship = RunAuthorship::of(project, &id, &order.event);
        let files = project.files(order.params.files.iter().chain(&order.event_files).cloned());
        let door = Arc::new(Door::new(DoorParts {
            recorder: record.recorder(),
            policy,
            mode: Arc::clone(&mode),
            scope: Vec::new(),
            fleet: Arc::clone(&project.fleet),
            hosts: Arc::clone(&project.hosts),
            notices: notices(project, &id, &order.playbook.name, order.cause.describe()),
            catalog: Arc::clone(&project.catalog),
            host: host(project, files, store_name(&order.playbook), &halt, &pins, &record, authorship),
            locks,
            watcher: Arc::clone(&ears) as Arc<dyn Watcher>,
            secret: {
                let project = Arc::clone(project);
                Box::new(move |name| project.secret(name))
            },
            children: Arc::new(ChildRuns {
                project: Arc::clone(project),
                ears: Arc::clone(&ears),
                scripts: Arc::clone(&scripts),
                parent: Arc::clone(&record),
                may_wait: order.may_wait(),
                depth: 0,
            }),
        }));
        let run = Map::from([
            ("id".to_owned(), Value::from(id.as_str())),
            ("playbook".to_owned(), Value::from(order.playbook.name.as_str())),
            ("mode".to_owned(), Value::from(mode.word())),
            ("cause".to_owned(), Value::from(order.cause.describe())),
        ]);
        let facts = RunFacts { params: order.params.values.clone(), event: order.event.clone(), run };
        let context = context(project, door.clone(), ears, facts, halt, record.clone());
        Self { context, door, record, masker: project.masker().clone(), mode, scripts }
    }

    pub(super) fn of(
        project: &Project,
        context: Arc<RunContext>,
        door: Arc<Door>,
        record: Arc<RunRecord>,
        mode: Arc<Mode>,
    ) -> Self {
        let masker = project.masker().clone();
        Self { context, door, record, masker, mode, scripts: Arc::default() }
    }

    /// The modules of its script.
    pub(super) fn imports(&self, playbook: &Playbook) -> Imports {
        self.scripts.imports(playbook)
    }
}
