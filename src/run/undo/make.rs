//! An undo from order to ending.

use std::sync::Arc;
use std::time::Instant;

use serde_json::json;

use super::compare::{Comparer, Decision};
use super::made::{Made, collect};
use crate::door::policy::{Budget, Confirm, Declared, NoTerminal, Policy, PolicySettings, Rights, RunLocks};
use crate::door::{Action, Branch, Door, DoorParts, Passage, Pins, path_text};
use crate::engine::{Level, OutputEvent, RunFacts, ScriptError};
use crate::fault::{Failure, Fault, FaultKind};
use crate::id;
use crate::journal::{Log, Owner, RunRow};
use crate::run::authorship::RunAuthorship;
use crate::run::children::ChildRuns;
use crate::run::execute::{Judged, Listener, Order, Pulse, RunEvent, of_failure};
use crate::run::functions::Functions;
use crate::run::intent::Intent;
use crate::run::outcome::Ending;
use crate::run::pins::Now;
use crate::run::prepare::{Ears, Prepared, context, declared, host, notices, store_name};
use crate::run::project::Project;
use crate::run::record::{Beginning, Former, RunRecord, unusable};
use crate::run::resume::replayed;
use crate::value::{Map, Value};

/// How a run is to be taken back.
pub struct UndoOrder {
    /// What is decided anew.
    pub now: Now,
    /// Whether it is only shown what would be done.
    pub dry: bool,
    /// Of a session, the entry that is taken back alone.
    pub only: Option<u64>,
}

fn refused(message: String) -> Fault {
    Fault::new(FaultKind::Invalid, message)
}

/// Takes a run back.
///
/// # Errors
/// Why it cannot be: it is running, it changed nothing, it has been taken back already.
pub fn undo(project: &Arc<Project>, id: &str, order: UndoOrder, listener: &Arc<dyn Listener>) -> Result<Ending, Fault> {
    let log = project.journal();
    let run = match id {
        // Not the look at an undo, and not the undo itself.
        "latest" => log.latest_run(|run| matches!(run.mode.as_str(), "live" | "apply" | "session")),
        id => log.find_run(id),
    };
    let run = run.map_err(refused)?;
    may_undo(&log, &run, &order)?;
    let folder = &project.config.state_dir;
    let _owner = match order.only {
        // A session takes its own changes back.
        Some(_) => None,
        None => Some(
            Owner::take(folder, &run.id)
                .map_err(|error| unusable(error.to_string()))?
                .ok_or_else(|| refused(format!("run {} is being executed by another process", run.id)))?,
        ),
    };
    undo_from(project, &log, &run, order, None, listener)
}

/// The same, going on with an undo whose process ended.
pub(in crate::run) fn undo_from(
    project: &Arc<Project>,
    log: &Arc<Log>,
    run: &RunRow,
    order: UndoOrder,
    former: Option<Former>,
    listener: &Arc<dyn Listener>,
) -> Result<Ending, Fault> {
    let begun = Instant::now();
    let replay = match (order.only, run.mode.as_str()) {
        (Some(_), _) | (_, "session" | "undo") => None,
        _ => {
            let now = Now {
                ask: Arc::new(NoTerminal),
                yes: false,
                allow_destroy: order.now.allow_destroy,
                timeout: None,
                halt: order.now.halt.clone(),
            };
            Some(replayed(project, log, run, now)?)
        }
    };
    let making = Making::new(project, run, &order, replay.as_ref().map(|(order, _)| order), former, listener)?;
    // Another process may want it cancelled.
    let pulse = Pulse::begin(&project.runtime, &making.prepared);
    let result = match replay {
        None => making.carry_out(log, None),
        Some((order, former)) => making.after_replay(log, order, former),
    };
    drop(pulse);
    Ok(making.prepared.ending(result, begun))
}

fn may_undo(log: &Log, run: &RunRow, order: &UndoOrder) -> Result<(), Fault> {
    let id = &run.id;
    if let Some(parent) = &run.parent {
        return Err(refused(format!("run {id} is a part of run {parent}: take that one back")));
    }
    if run.outcome.is_none() && order.only.is_none() {
        return Err(refused(format!("run {id} is running: `beadle runs cancel {id}` ends it")));
    }
    if run.mode == "dry" {
        return Err(refused(format!("run {id} was a dry run: it changed nothing")));
    }
    if order.only.is_some() {
        return Ok(());
    }
    for other in log.runs().map_err(unusable)? {
        // Of a dry one the mode is `dry`.
        let done = other.mode == "undo" && other.cause == cause_of(id) && other.outcome.as_deref() == Some("succeeded");
        if done && is_whole(log, &other)? {
            return Err(refused(format!("run {id} has been taken back already, by run {}", other.id)));
        }
    }
    Ok(())
}

/// Whether an undo has left nothing alone.
fn is_whole(log: &Log, undo: &RunRow) -> Result<bool, Fault> {
    let ending = log.ending(&undo.id).map_err(unusable)?;
    let left = ending.and_then(|ending| ending.pointer("/value/left_alone")?.as_i64());
    Ok(left == Some(0))
}

/// What sets an undo off, in words.
pub(in crate::run) fn cause_of(id: &str) -> String {
    format!("undo of {id}")
}

/// An undo under way.
pub(super) struct Making {
    pub(super) project: Arc<Project>,
    pub(super) run: RunRow,
    only: Option<u64>,
    listener: Arc<dyn Listener>,
    pub(super) prepared: Prepared,
    /// The door of the script's own functions: they have the rights that the script had.
    pub(super) scripts: Arc<Door>,
    branch: Branch,
}

impl Making {
    fn new(
        project: &Arc<Project>,
        run: &RunRow,
        order: &UndoOrder,
        script: Option<&Order>,
        former: Option<Former>,
        listener: &Arc<dyn Listener>,
    ) -> Result<Self, Fault> {
        let record = match former {
            Some(former) => RunRecord::of(project, former),
            None => RunRecord::begin(
                project,
                &id::new_run(),
                Beginning {
                    parent: None,
                    name: &run.name,
                    mode: if order.dry { "dry" } else { "undo" },
                    cause: cause_of(&run.id),
                    text: "",
                    pinned: json!({
                        "version": env!("CARGO_PKG_VERSION"), "playbook": run.name, "undo": run.id, "dry": order.dry,
                        "only": order.only,
                    }),
                },
            )?,
        };
        let record = Arc::new(record);
        let ears = Arc::new(Ears::new(listener));
        let mut halt = order.now.halt.clone();
        let timeout = order.now.timeout.or(project.config.limits.timeout);
        halt.deadline = timeout.map(|timeout| tokio::time::Instant::now() + timeout);
        let mode = Arc::new(Intent::dry(order.dry).mode(record.id()));
        // What takes an allowed change back is allowed.
        let inverses = Policy::new(PolicySettings {
            rights: Rights { declared: vec![Declared::NoHeader], destroy: true, trigger: None },
            confirm: Confirm::Never,
            yes: true,
            budget: Arc::new(Budget::default()),
            never: Arc::clone(&project.never),
            ask: Arc::clone(&order.now.ask),
        });
        let own = script.map_or(Declared::NoHeader, |script| declared(&script.playbook));
        let destroy = order.now.allow_destroy || script.is_some_and(|script| script.allow_destroy);
        let scripts = Policy::new(PolicySettings {
            rights: Rights { declared: vec![own], destroy, trigger: None },
            confirm: Confirm::Destroy,
            yes: order.now.yes && !order.dry,
            budget: Arc::new(Budget::default()),
            never: Arc::clone(&project.never),
            ask: Arc::clone(&order.now.ask),
        });
        let pins = Arc::new(Pins::default());
        let authorship = RunAuthorship::of(project, record.id(), &Map::new());
        let locks = Arc::new(RunLocks::new(&project.config.state_dir, record.id()));
        let store = script.map_or_else(|| run.name.clone(), |script| store_name(&script.playbook));
        let parts = |policy: Policy| DoorParts {
            recorder: record.recorder(),
            policy,
            mode: Arc::clone(&mode),
            scope: Vec::new(),
            fleet: Arc::clone(&project.fleet),
            hosts: Arc::clone(&project.hosts),
            notices: notices(project, record.id(), &run.name, "undo".into()),
            catalog: Arc::clone(&project.catalog),
            host: host(project, project.files([]), store.clone(), &halt, &pins, &record, Arc::clone(&authorship)),
            locks: Arc::clone(&locks),
            watcher: Arc::clone(&ears) as Arc<dyn crate::door::Watcher>,
            secret: {
                let project = Arc::clone(project);
                Box::new(move |name| project.secret(name))
            },
            children: Arc::new(ChildRuns {
                project: Arc::clone(project),
                ears: Arc::clone(&ears),
                scripts: Arc::default(),
                parent: Arc::clone(&record),
                may_wait: false,
                depth: 0,
            }),
        };
        let (door, scripts) = (Arc::new(Door::new(parts(inverses))), Arc::new(Door::new(parts(scripts))));
        let facts = RunFacts::default();
        let context = context(project, door.clone(), ears.clone(), facts, halt, record.clone());
        listener.on(RunEvent::Started {
            id: record.id().to_owned(),
            playbook: run.name.clone(),
            dry: order.dry,
            cause: cause_of(&run.id),
        });
        Ok(Self {
            project: Arc::clone(project),
            run: run.clone(),
            only: order.only,
            listener: Arc::clone(listener),
            prepared: Prepared::of(project, context, door, record, mode),
            scripts,
            branch: Branch::main(),
        })
    }

    pub(super) fn say(&self, level: Level, text: String) {
        self.listener.on(RunEvent::Output(OutputEvent::Log(level, text)));
    }

    /// Takes back what the run has made; with the functions of its steps, where they are there.
    pub(super) fn carry_out(&self, log: &Log, functions: Option<&dyn Functions>) -> Result<Value, Judged> {
        let secret = self.project.secret_supply();
        let has =
            |path: &str, place: u64| functions.is_some_and(|functions| number_of(functions, path, place).is_some());
        let made = collect(log, &self.run, &self.project.catalog, &*secret, &has);
        let mut made = made.map_err(|message| failed(unusable(message).into()))?;
        if let Some(only) = self.only {
            made.retain(|made| made.number == only);
        }
        let door: &dyn Passage = &*self.prepared.door;
        let mut comparer = Comparer::new(&self.project.catalog, door, &self.branch);
        let mut decided = Vec::with_capacity(made.len());
        for made in &made {
            decided.push((made, comparer.decide(made).map_err(failed)?));
        }
        self.list(&decided);
        let mut taken = 0_i64;
        let mut index = 0;
        while let Some((made, decision)) = decided.get(index) {
            // What was committed together is taken back together.
            let together = decided
                .iter()
                .skip(index)
                .take_while(|(other, _)| made.inside.is_some() && other.inside == made.inside && other.run == made.run);
            let together = together.count().max(1);
            let target = match decision {
                Decision::Call(bound, _) if made.inside.is_some() && bound.row.kind == crate::catalog::Kind::Staged => {
                    made.target()
                }
                _ => None,
            };
            let Some(target) = target else {
                taken += self.take_back(made, decision, &self.branch, functions)?;
                index += 1;
                continue;
            };
            taken += self.in_transaction(&target, decided.get(index..index + together).unwrap_or_default())?;
            index += together;
        }
        let count =
            |wanted: fn(&Decision) -> bool| decided.iter().filter(|(_, decision)| wanted(decision)).count() as i64;
        let left = count(|decision| matches!(decision, Decision::Leave(_)));
        let cannot = count(|decision| matches!(decision, Decision::Cannot(_)));
        Ok(Value::Map(Map::from([
            ("undone".to_owned(), Value::Int(taken)),
            ("left_alone".to_owned(), Value::Int(left)),
            ("not_undoable".to_owned(), Value::Int(cannot)),
        ])))
    }

    /// Tells, before anything is done, what is done and what is not.
    fn list(&self, decided: &[(&Made, Decision)]) {
        if decided.is_empty() {
            self.say(Level::Info, format!("run {} has made nothing that could be taken back", self.run.id));
        }
        for (made, decision) in decided {
            let what = format!("entry {}, {}", made.number, made.operation);
            let text = match decision {
                Decision::Call(bound, caveats) => {
                    let caveats: String = caveats.iter().map(|caveat| format!("\n    {caveat}")).collect();
                    format!("takes back {what}: by {}{caveats}", bound.row.name)
                }
                Decision::Store(_, keys) => format!("takes back {what}: {} as before", crate::door::keys(keys.len())),
                Decision::Step(name) => format!("takes back {what}: by the function of step '{name}'"),
                Decision::Leave(why) => format!("leaves alone {what}: {why}"),
                Decision::Cannot(why) => format!("cannot take back {what}: {why}"),
            };
            self.listener.on(RunEvent::Output(OutputEvent::Print(text)));
        }
    }

    fn in_transaction(&self, target: &Arc<str>, together: &[(&Made, Decision)]) -> Result<i64, Judged> {
        let door = &self.prepared.door;
        let message = format!("Beadle: undo of {}", self.run.id);
        let pass = |branch: &Branch, action: Action| door.pass(branch, action).map_err(failed);
        pass(&self.branch, Action::Begin { target: Arc::clone(target), message: message.clone() })?;
        let inner = self.branch.within(Arc::clone(target));
        let mut taken = 0;
        for (made, decision) in together {
            let done = self.take_back(made, decision, &inner, None);
            taken += done.inspect_err(|_| door.abandon(&self.branch, target, true))?;
        }
        pass(&self.branch, Action::Commit { target: Arc::clone(target), message })?;
        Ok(taken)
    }

    fn take_back(
        &self,
        made: &Made,
        decision: &Decision,
        branch: &Branch,
        functions: Option<&dyn Functions>,
    ) -> Result<i64, Judged> {
        let pass = |action: Action| self.prepared.door.pass(branch, action).map_err(failed);
        match decision {
            Decision::Leave(_) | Decision::Cannot(_) => Ok(0),
            Decision::Call(bound, _) => {
                let Some(target) = made.target() else { return Ok(0) };
                match self.prepared.door.pass(branch, Action::Call { target, call: bound.clone() }) {
                    // The answer to the first sending was lost, and there was nothing left for the second.
                    Err(Failure::Fault(fault)) if fault.was_resent() => Ok(1),
                    answered => answered.map(|_| 1).map_err(failed),
                }
            }
            Decision::Store(store, entries) => {
                pass(Action::StoreRestore { store: store.clone(), entries: entries.clone() }).map(|_| 1)
            }
            Decision::Step(name) => {
                let found = functions.and_then(|functions| {
                    number_of(functions, &made.path, made.position).map(|number| (functions, number))
                });
                let Some((functions, step)) = found else { return Ok(0) };
                let text = format!("undo of step '{name}'");
                self.listener.on(RunEvent::Output(OutputEvent::Step(text.clone(), None)));
                let called = functions.call(step, branch);
                self.listener.on(RunEvent::Output(OutputEvent::Step(text, Some(called.is_ok()))));
                called.map(|()| 1).map_err(|error| match error {
                    ScriptError::Stopped(stop, _) => failed(Failure::Stop(stop)),
                    ScriptError::Unreadable(diagnostic) | ScriptError::Failed(diagnostic) => {
                        let fault = diagnostic.fault.clone();
                        failed(
                            fault.unwrap_or_else(|| Fault::new(FaultKind::Invalid, diagnostic.message.clone())).into(),
                        )
                    }
                })
            }
        }
    }
}

/// The number of the function of a step, by the step's place.
fn number_of(functions: &dyn Functions, path: &str, place: u64) -> Option<usize> {
    functions.kept().iter().position(|step| step.place == place && path_text(&step.path) == path)
}

pub(super) fn failed(failure: Failure) -> Judged {
    of_failure(failure)
}
