//! The door itself: it joins the layers, and does nothing that a layer could do.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::catalog::{Catalog, Effect};
use crate::door::event::Watcher;
use crate::door::host::Host;
use crate::door::mode::{self, Mode};
use crate::door::notify::Notices;
use crate::door::policy::{Consent, Policy, RunLocks};
use crate::door::position::{Place, Step};
use crate::door::recorder::{Intent, Key, KnownEntry, OpenEntry, Passed, Recall, Recorded, Recorder};
use crate::door::resilience::{Fleet, Hosts};
use crate::door::transaction::{Transactions, refuse_inside};
use crate::door::{Action, Branch, Composite, Passage, Reply, Waits};
use crate::failpoint;
use crate::fault::{Failure, Fault, FaultKind};
use crate::network::list::NetworkList;
use crate::secret::Secret;
use crate::value::{Map, Value};

/// Runs other playbooks within a run.
pub trait Children: Send + Sync {
    /// An id for a child that is about to begin.
    fn new_id(&self) -> String;

    /// Runs a playbook as the child `id` of this run, with its locks, budgets and rights; `scope` is where
    /// it stands in the run. One that a former execution began goes on.
    ///
    /// # Errors
    /// What the child ended with.
    fn run(&self, door: &Door, id: &str, scope: Place, name: &str, params: &Map) -> Result<Value, Failure>;
}

/// An action on its way through the door.
#[derive(Clone, Copy)]
pub(super) struct Passing<'a> {
    /// The branch that it stands in.
    pub(super) branch: &'a Branch,
    /// Its place in the journal.
    pub(super) key: &'a Key,
    /// The action.
    pub(super) action: &'a Action,
    /// What a former execution has left of it.
    pub(super) left: Option<&'a OpenEntry>,
}

/// From this length on the end of a wait is noted before it begins.
const NOTED: Duration = Duration::from_secs(1);

/// Gives a configured secret by its name.
pub type SecretSupply = Box<dyn Fn(&str) -> Result<Secret, Fault> + Send + Sync>;

/// What a door is made of.
pub struct DoorParts {
    /// Records what passes, and answers what is known.
    pub recorder: Arc<dyn Recorder>,
    /// What the run may do.
    pub policy: Policy,
    /// Live, dry, or by a plan.
    pub mode: Arc<Mode>,
    /// Where the door's main line stands in the run: a playbook that another one runs has its own door.
    pub scope: Place,
    /// The lines to the targets.
    pub fleet: Arc<Fleet>,
    /// The hosts for `http_get` and `http_post`.
    pub hosts: Arc<Hosts>,
    /// The channels for `notify`, and what their messages say of the run.
    pub notices: Notices,
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

    fn carry_out(&self, passing: Passing<'_>) -> Result<Reply, Failure> {
        let nothing = Reply::Value(Value::Null);
        if let Some(inside) = passing.branch.transaction() {
            refuse_inside(inside, passing.action)?;
        }
        let (host, mode) = (&self.parts.host, &*self.parts.mode);
        let Passing { branch, action, .. } = passing;
        match action {
            Action::Call { .. } | Action::Raw { .. } | Action::Fetch { .. } => self.reach_out(passing),
            Action::Begin { target, .. } => match self.instead_of_beginning(branch, action, target)? {
                Some(reply) => Ok(reply),
                None => self.begin(target).map(|()| nothing),
            },
            Action::Commit { target, message } => match self.instead(branch, action)? {
                Some(reply) => Ok(reply),
                None => self.commit(passing, target, message).map(|()| nothing),
            },
            Action::RollBack { target } => {
                self.roll_back(target);
                Ok(nothing)
            }
            Action::Clock => Ok(Reply::Value(Value::Time(host.now(&self.place(branch))))),
            Action::Elapsed => Ok(Reply::Value(Value::Duration(host.elapsed()))),
            Action::Random { low, high } => {
                Ok(Reply::Value(Value::Int(host.draw(&self.place(branch), *low, *high)?)))
            }
            Action::Sleep(duration) => match self.instead(branch, action)? {
                Some(reply) => Ok(reply),
                None => self.sleep(passing, *duration).map(|()| nothing),
            },
            Action::ReadFile(path) => Ok(Reply::Bytes(host.read_file(path, mode)?)),
            Action::FileSize(path) => {
                let size = host.file_size(path, mode)?;
                Ok(Reply::Value(Value::Int(i64::try_from(size).unwrap_or(i64::MAX))))
            }
            Action::WriteFile { path, contents } => {
                self.parts.recorder.settle()?;
                host.write_file(path, contents.clone(), mode)?;
                failpoint::reach("written");
                Ok(nothing)
            }
            Action::Confirm(question) => match self.instead(branch, action)? {
                Some(reply) => Ok(reply),
                None => self.confirm(question),
            },
            Action::Notify { channel, message } => self.notify(passing, channel, message),
            Action::Target(name) => Ok(Reply::Value(self.describe(name)?)),
            Action::Targets(filter) => self.targets(filter).map(Reply::Value),
            Action::Secret(name) => Ok(Reply::Value(Value::Secret((self.parts.secret)(name)?))),
            Action::StoreGet(key) => Ok(host.store_get(key, mode)?),
            Action::StoreSet(entries) => {
                // What was there before is what an undo brings back.
                if mode.overlay().is_none() && passing.left.is_none() {
                    let before = host.store_before(entries)?;
                    let intent = Intent { before: Some(before), ..Intent::default() };
                    self.parts.recorder.intend(passing.key, passing.action, &intent)?;
                }
                self.parts.recorder.settle()?;
                host.store_set(entries, mode)?;
                failpoint::reach("stored");
                Ok(nothing)
            }
            Action::StoreLook { store, key } => Ok(Reply::Value(host.store_look(store, key)?)),
            Action::StoreRestore { store, entries } => {
                self.parts.recorder.settle()?;
                host.store_restore(store, entries, mode)?;
                Ok(nothing)
            }
            Action::StoreList(prefix) => Ok(host.store_list(prefix, mode)?),
            Action::RunPlaybook { name, params } => self.run_child(passing, name, params),
            Action::Protected(networks) => Ok(Reply::Value(self.protected(networks))),
            Action::Step { .. } | Action::Parallel(_) => {
                Err(Fault::new(FaultKind::Invalid, "a composite has no answer of its own").into())
            }
        }
    }

    /// Waits until an instant that stays the same when the run is resumed.
    fn sleep(&self, passing: Passing<'_>, duration: Duration) -> Result<(), Failure> {
        let host = &self.parts.host;
        let place = self.place(passing.branch);
        let now = host.clock.now();
        let kept = passing.left.and_then(|left| left.note.as_deref()?.parse::<Timestamp>().ok());
        let until = kept.or_else(|| now.checked_add(SignedDuration::try_from(duration).ok()?).ok());
        let Some(until) = until else { return host.sleep(&place, duration) };
        if kept.is_none() && duration >= NOTED {
            let intent = Intent { note: Some(until.to_string()), ..Intent::default() };
            self.parts.recorder.intend(passing.key, passing.action, &intent)?;
        }
        let left = Duration::try_from(until.duration_since(now)).unwrap_or_default();
        // A clock that was set back must not make it longer.
        host.sleep(&place, left.min(duration))
    }

    fn run_child(&self, passing: Passing<'_>, name: &str, params: &Map) -> Result<Reply, Failure> {
        let mut scope = self.place(passing.branch);
        scope.push(Step::Playbook(self.parts.host.pins.next_playbook(&scope)));
        let id = match passing.left.and_then(|left| left.note.clone()) {
            Some(id) => id,
            None => {
                let id = self.parts.children.new_id();
                let intent = Intent { note: Some(id.clone()), ..Intent::default() };
                self.parts.recorder.intend(passing.key, passing.action, &intent)?;
                id
            }
        };
        failpoint::reach("announced");
        self.parts.children.run(self, &id, scope, name, params).map(Reply::Value)
    }

    fn protected(&self, networks: &NetworkList) -> Value {
        let never = self.parts.policy.never();
        let objections = networks.networks().enumerate().filter_map(|(index, network)| {
            let objection = never.objection(&network)?.to_string();
            Some(Value::List(vec![Value::Int(i64::try_from(index).ok()?), Value::Text(objection)]))
        });
        Value::List(objections.collect())
    }

    /// An action that a former execution of the run has carried out.
    fn answer_from_journal(&self, branch: &Branch, action: &Action, known: KnownEntry) -> Result<Reply, Failure> {
        let changed = known.effect != Effect::Read;
        let mode = &*self.parts.mode;
        mode.recalled(&self.place(branch), action, known.effect, &known.recorded);
        if matches!(action, Action::Call { .. } | Action::Raw { .. } | Action::Fetch { .. }) {
            let counter = match (changed, mode.dry()) {
                (false, _) => &self.reads,
                (true, None) => &self.changes,
                (true, Some(_)) => &self.withheld,
            };
            counter.fetch_add(1, Ordering::Relaxed);
        }
        known.recorded.map_err(Failure::from)
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
}

impl Passage for Door {
    fn pass(&self, branch: &Branch, action: Action) -> Result<Reply, Failure> {
        self.parts.host.halt.check()?;
        let key = Key::next(branch);
        let left = match self.parts.recorder.recall(&key, &action)? {
            Recall::New => None,
            Recall::Known(known) => return self.answer_from_journal(branch, &action, *known),
            Recall::Open(open) => Some(open),
            Recall::Committing(open) => {
                if self.settle_commit(&key, &action, &open)? {
                    return Ok(Reply::Value(Value::Null));
                }
                None
            }
        };
        let passing = Passing { branch, key: &key, action: &action, left: left.as_deref() };
        let begun = self.parts.host.clock.now();
        let outcome: Recorded = match self.carry_out(passing) {
            Ok(reply) => Ok(reply),
            Err(Failure::Fault(fault)) => Err(*fault),
            // The end of the run is not an answer to this action: it stays open.
            Err(stop @ Failure::Stop(_)) => return Err(stop),
        };
        self.ended(branch, &outcome);
        let (effect, items) = (self.effect_of(&action), items_of(&action));
        let entry = self.parts.recorder.record(&key, &action, Passed { effect, items, begun }, &outcome)?;
        outcome.map_err(|mut fault| {
            fault.entry = Some(entry);
            Failure::from(fault)
        })
    }

    fn open(&self, branch: &Branch, action: Action) -> Result<Composite, Failure> {
        self.parts.host.halt.check()?;
        let key = Key::next(branch);
        let (known, ended) = match self.parts.recorder.recall(&key, &action)? {
            Recall::New => {
                self.parts.recorder.intend(&key, &action, &Intent::default())?;
                (None, false)
            }
            Recall::Known(known) => match known.recorded {
                Ok(Reply::Value(value)) => (Some(value), true),
                Err(mut fault) => (fault.details.remove("value"), true),
                Ok(_) => (None, true),
            },
            Recall::Open(_) | Recall::Committing(_) => (None, false),
        };
        Ok(Composite { key, action, known, ended })
    }

    fn close(&self, composite: Composite, outcome: Result<Value, Fault>) -> Result<(), Failure> {
        if composite.ended {
            return Ok(());
        }
        let outcome = outcome.map(Reply::Value);
        let Composite { key, action, .. } = composite;
        // It began with its intent.
        let passed = Passed { effect: Effect::Read, items: 0, begun: self.parts.host.clock.now() };
        self.parts.recorder.record(&key, &action, passed, &outcome).map(|_| ())
    }

    fn item_failed(&self, composite: &Composite, item: u64) -> Result<(), Failure> {
        if composite.ended {
            return Ok(());
        }
        self.parts.recorder.item_failed(&composite.key, item)
    }

    fn abandon(&self, branch: &Branch, target: &Arc<str>, caught: bool) {
        if caught {
            // Recorded: a resume must know that the script has gone on without the transaction.
            let action = Action::RollBack { target: Arc::clone(target) };
            if self.pass(branch, action).is_ok() {
                return;
            }
        }
        self.roll_back(target);
    }

    fn is_replaying(&self) -> bool {
        self.parts.recorder.is_replaying()
    }

    fn is_assumed(&self, value: &Value) -> bool {
        mode::is_assumed(value)
    }

    fn is_assumed_target(&self, target: &str) -> bool {
        self.parts.mode.is_changed(target)
    }

    fn instead_of_waiting(&self) -> Option<Value> {
        self.parts.mode.instead_of_waiting()
    }

    fn waits(&self) -> Waits {
        let (under_way, until) = self.parts.host.sleepers.under_way();
        Waits { under_way, until, in_transaction: self.transactions.is_any_open() }
    }

    fn put_off(&self) {
        self.parts.host.sleepers.put_off();
    }
}

fn items_of(action: &Action) -> u64 {
    match action {
        Action::Call { call, .. } => call.items,
        Action::Raw { .. } => 1,
        _ => 0,
    }
}
