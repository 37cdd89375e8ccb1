//! The door itself: it joins the layers, and does nothing that a layer could do.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::catalog::{Catalog, Effect};
use crate::door::event::{Watcher, Withheld};
use crate::door::host::Host;
use crate::door::mode::{self, Mode, Verdict};
use crate::door::policy::{Consent, Policy, RunLocks};
use crate::door::recorder::{Key, Recorded, Recorder};
use crate::door::resilience::{Fleet, Hosts};
use crate::door::transaction::{Transactions, refuse_inside};
use crate::door::{Action, Branch, Passage, Reply};
use crate::fault::{Failure, Fault, FaultKind};
use crate::network::Network;
use crate::secret::Secret;
use crate::value::{Map, Value};

/// Runs other playbooks within a run.
pub trait Children: Send + Sync {
    /// Runs a playbook as a child of this run, with its locks, budgets and rights.
    ///
    /// # Errors
    /// What the child ended with.
    fn run(&self, door: &Door, name: &str, params: &Map) -> Result<Value, Failure>;
}

/// Gives a configured secret by its name.
pub type SecretSupply = Box<dyn Fn(&str) -> Result<Secret, Fault> + Send + Sync>;

/// What a door is made of.
pub struct DoorParts {
    /// Records what passes, and answers what is known.
    pub recorder: Arc<dyn Recorder>,
    /// What the run may do.
    pub policy: Policy,
    /// Live or dry.
    pub mode: Arc<Mode>,
    /// The lines to the targets.
    pub fleet: Arc<Fleet>,
    /// The hosts for `http_get` and `http_post`.
    pub hosts: Arc<Hosts>,
    /// The calls.
    pub catalog: Arc<Catalog>,
    /// Clock, files, store, waits.
    pub host: Host,
    /// The locks of the run.
    pub locks: Arc<RunLocks>,
    /// Whoever watches the run.
    pub watcher: Arc<dyn Watcher>,
    /// Fetches a configured secret by name.
    pub secret: SecretSupply,
    /// Runs other playbooks.
    pub children: Arc<dyn Children>,
}

/// The door of one run.
pub struct Door {
    pub(super) parts: DoorParts,
    pub(super) reads: AtomicU64,
    pub(super) changes: AtomicU64,
    pub(super) withheld: AtomicU64,
    pub(super) transactions: Transactions,
}

impl Door {
    /// A door that nothing has passed yet.
    pub fn new(parts: DoorParts) -> Self {
        Self {
            parts,
            reads: AtomicU64::new(0),
            changes: AtomicU64::new(0),
            withheld: AtomicU64::new(0),
            transactions: Transactions::default(),
        }
    }

    /// What it is made of.
    pub fn parts(&self) -> &DoorParts {
        &self.parts
    }

    /// How many reads were answered, changes sent and changes withheld.
    pub fn counts(&self) -> (u64, u64, u64) {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (count(&self.reads), count(&self.changes), count(&self.withheld))
    }

    /// Counts what a child of the run did.
    pub fn add_counts(&self, (reads, changes, withheld): (u64, u64, u64)) {
        self.reads.fetch_add(reads, Ordering::Relaxed);
        self.changes.fetch_add(changes, Ordering::Relaxed);
        self.withheld.fetch_add(withheld, Ordering::Relaxed);
    }

    fn carry_out(&self, branch: &Branch, key: &Key, action: &Action) -> Result<Reply, Failure> {
        if let Some(inside) = branch.transaction() {
            refuse_inside(inside, action)?;
        }
        match action {
            Action::Call { .. } | Action::Raw { .. } | Action::Fetch { .. } => self.reach_out(branch, key, action),
            Action::Begin { target, message } => self.begin(target, message).map(|()| Reply::Value(Value::Null)),
            Action::Commit { target, message } => {
                self.commit(key, action, target, message).map(|()| Reply::Value(Value::Null))
            }
            Action::Clock => Ok(Reply::Value(Value::Time(self.parts.host.clock.now()))),
            Action::Random { low, high } => {
                if low > high {
                    let message = format!("{low} is greater than {high}");
                    return Err(Fault::new(FaultKind::Invalid, message).into());
                }
                Ok(Reply::Value(Value::Int(fastrand::i64(*low..=*high))))
            }
            Action::Sleep(duration) => match self.decide(action, Effect::Read) {
                Some(reply) => Ok(reply),
                None => self.parts.host.sleep(*duration).map(|()| Reply::Value(Value::Null)),
            },
            Action::ReadFile(path) => Ok(Reply::Bytes(self.parts.host.read_file(path, &self.parts.mode)?)),
            Action::WriteFile { path, contents } => {
                self.parts.host.write_file(path, contents.clone(), &self.parts.mode)?;
                Ok(Reply::Value(Value::Null))
            }
            Action::Confirm(question) => match self.decide(action, Effect::Read) {
                Some(reply) => Ok(reply),
                None => self.confirm(question),
            },
            Action::Target(name) => Ok(Reply::Value(self.describe(name)?)),
            Action::Targets(filter) => self.targets(filter).map(Reply::Value),
            Action::Secret(name) => Ok(Reply::Value(Value::Secret((self.parts.secret)(name)?))),
            Action::StoreGet(key) => Ok(Reply::Value(self.parts.host.store_get(key, &self.parts.mode)?)),
            Action::StoreSet(entries) => {
                self.parts.host.store_set(entries.clone(), &self.parts.mode)?;
                Ok(Reply::Value(Value::Null))
            }
            Action::StoreList(prefix) => {
                Ok(Reply::Value(Value::Map(self.parts.host.store_list(prefix, &self.parts.mode)?)))
            }
            Action::RunPlaybook { name, params } => self.parts.children.run(self, name, params).map(Reply::Value),
        }
    }

    /// The mode's word on a host effect: an answer, or nothing if it is to be carried out.
    fn decide(&self, action: &Action, effect: Effect) -> Option<Reply> {
        let Mode::Dry(dry) = &*self.parts.mode else { return None };
        match dry.decide(action, effect, None) {
            Verdict::Perform => None,
            Verdict::Answer(reply) => Some(reply),
            Verdict::Withhold(withheld, reply) => {
                self.withhold(*withheld);
                Some(reply)
            }
        }
    }

    /// Puts a change into the plan.
    pub(super) fn withhold(&self, withheld: Withheld) {
        let Mode::Dry(dry) = &*self.parts.mode else { return };
        if withheld.effect != Effect::Read {
            self.withheld.fetch_add(1, Ordering::Relaxed);
        }
        self.parts.watcher.on(crate::door::DoorEvent::Withheld(withheld.clone()));
        dry.list(withheld);
    }

    fn confirm(&self, question: &str) -> Result<Reply, Failure> {
        match self.parts.policy.confirm(question) {
            Consent::Yes | Consent::All => Ok(Reply::Value(Value::Bool(true))),
            Consent::No => Ok(Reply::Value(Value::Bool(false))),
            Consent::Nobody => {
                let message = format!("there is no terminal to ask at: '{question}'. Use --yes to answer it");
                Err(Fault::new(FaultKind::Refused, message).during("confirm").into())
            }
        }
    }

    fn describe(&self, name: &str) -> Result<Value, Fault> {
        let target = self.parts.fleet.target(name)?;
        let tags = target.tags.iter().map(|tag| Value::from(tag.as_str())).collect();
        Ok(Value::Map(Map::from([
            ("name".into(), target.name.as_str().into()),
            ("vendor".into(), target.vendor.as_str().into()),
            ("tags".into(), Value::List(tags)),
        ])))
    }

    fn targets(&self, filter: &Map) -> Result<Value, Failure> {
        let text = |name: &str| filter.get(name).and_then(Value::as_text);
        if let Some(unknown) = filter.keys().find(|key| !["vendor", "tag"].contains(&key.as_str())) {
            let message = format!("targets: '{unknown}' is not a filter. There are: vendor, tag");
            return Err(Fault::new(FaultKind::Invalid, message).into());
        }
        let mut found = Vec::new();
        for target in self.parts.fleet.targets().values() {
            let vendor = text("vendor").is_none_or(|vendor| vendor == target.vendor);
            let tag = text("tag").is_none_or(|tag| target.tags.iter().any(|have| have == tag));
            if vendor && tag {
                found.push(self.describe(&target.name)?);
            }
        }
        Ok(Value::List(found))
    }
}

impl Passage for Door {
    fn pass(&self, branch: &Branch, action: Action) -> Result<Reply, Failure> {
        self.parts.host.halt.check()?;
        let key = Key::next(branch);
        if let Some(recorded) = self.parts.recorder.recall(&key, &action)? {
            return recorded.map_err(Failure::from);
        }
        let outcome: Recorded = match self.carry_out(branch, &key, &action) {
            Ok(reply) => Ok(reply),
            Err(Failure::Fault(fault)) => Err(*fault),
            // The end of the run is not an answer to this action: it stays open.
            Err(stop @ Failure::Stop(_)) => return Err(stop),
        };
        let entry = self.parts.recorder.record(&key, &action, self.effect_of(&action), &outcome)?;
        outcome.map_err(|mut fault| {
            fault.entry = Some(entry);
            Failure::from(fault)
        })
    }

    fn file_size(&self, path: &std::path::Path) -> Result<u64, Fault> {
        let path = self.parts.host.files.readable(path)?;
        let wrong = |error: std::io::Error| Fault::new(FaultKind::File, format!("{}: {error}", path.display()));
        std::fs::metadata(&path).map(|metadata| metadata.len()).map_err(wrong)
    }

    fn abandon(&self, target: &str) {
        self.roll_back(target);
    }

    fn is_assumed(&self, value: &Value) -> bool {
        mode::is_assumed(value)
    }

    fn is_assumed_target(&self, target: &str) -> bool {
        matches!(&*self.parts.mode, Mode::Dry(dry) if dry.is_changed(target))
    }

    fn protected(&self, networks: &[Network]) -> Vec<Option<String>> {
        let never = self.parts.policy.never();
        networks.iter().map(|network| never.objection(network).map(|objection| objection.to_string())).collect()
    }
}
