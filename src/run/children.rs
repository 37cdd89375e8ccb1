//! Playbooks that a run runs within itself: runs of their own in the journal, which share their parent's
//! locks, budgets and rights, and go on when it is resumed.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::door::{Children, Door, DoorParts, Mode, Place};
use crate::engine::{Ended, RunFacts, ScriptError, ScriptRun, Sources};
use crate::fault::{Failure, Fault, FaultKind, Stop};
use crate::id;
use crate::journal::{Past, code_map};
use crate::run::check::script_of;
use crate::run::execute::judged;
use crate::run::interpreter::Came;
use crate::run::outcome::{Counts, Outcome, RunError};
use crate::run::params::{Given, Params, resolve};
use crate::run::playbook::Playbook;
use crate::run::prepare::{Ears, context, declared, header_limits, host, notices, store_name};
use crate::run::project::{Project, Within};
use crate::run::record::{Beginning, RunRecord};
use crate::run::resume;
use crate::run::scripts::Scripts;
use crate::run::waiting::woken;
use crate::value::{Map, Value};

/// Runs playbooks within a run.
pub(super) struct ChildRuns {
    pub(super) project: Arc<Project>,
    pub(super) ears: Arc<Ears>,
    pub(super) scripts: Arc<Scripts>,
    pub(super) parent: Arc<RunRecord>,
    /// Whether the run may be taken up again after a long wait.
    pub(super) may_wait: bool,
    pub(super) depth: u32,
}

/// How deep playbooks may run each other.
const DEEPEST: u32 = 8;

fn invalid(message: String) -> Fault {
    Fault::new(FaultKind::Invalid, message).during("run_playbook")
}

impl ChildRuns {
    /// The playbook and its record: a new one, or that of a former execution with the text it had.
    fn record(&self, id: &str, name: &str, params: &Map, mode: &Mode) -> Result<(Playbook, RunRecord), Failure> {
        let assume = match self.parent.past() {
            Past::Resumed { assume, .. } => assume,
            Past::None | Past::Only => None,
        };
        let folder = &self.project.config.folder;
        let former = match self.parent.past() {
            Past::Resumed { .. } => resume::child(&self.project, id, assume)?,
            Past::None | Past::Only => None,
        };
        let found = self.scripts.playbook(name, || Playbook::find(name, folder, folder));
        let found = found.map_err(|error| invalid(error.to_string()));
        if let Some(former) = former {
            let text = former.texts.get(name).cloned();
            let playbook = match text {
                Some(text) => {
                    let folder = found.ok().and_then(|found| found.folder);
                    Playbook::of(name, text, folder).map_err(|error| invalid(error.to_string()))?
                }
                None => found?,
            };
            return Ok((playbook, RunRecord::of(&self.project, former)));
        }
        let playbook = found?;
        let record = RunRecord::begin(
            &self.project,
            id,
            Beginning {
                parent: Some(self.parent.id().to_owned()),
                name,
                mode: mode.word(),
                cause: "run_playbook".into(),
                text: &playbook.text,
                pinned: serde_json::json!({ "playbook": name, "params": code_map(params) }),
            },
        )?;
        Ok((playbook, record))
    }
}

impl Children for ChildRuns {
    fn new_id(&self) -> String {
        id::new_run()
    }

    fn run(&self, door: &Door, id: &str, scope: Place, name: &str, given: &Map) -> Result<Value, Failure> {
        if self.depth >= DEEPEST {
            // Two playbooks that run each other end with a message, not with the stack.
            let message = format!("playbooks run each other more than {DEEPEST} deep");
            return Err(Fault::new(FaultKind::Limit, message).during("run_playbook").into());
        }
        let parts = door.parts();
        let (playbook, record) = self.record(id, name, given, &parts.mode)?;
        let folder = &self.project.config.folder;
        let typed: BTreeMap<String, Vec<Given>> =
            given.iter().map(|(name, value)| (name.clone(), vec![Given::Typed(value.clone())])).collect();
        let within = Within { project: &self.project, folder };
        let params = resolve(&playbook.header, &typed, &within).map_err(|mistakes| invalid(mistakes.join("; ")));
        let params = params.inspect_err(|_| {
            let _recorded_with_the_parent = record.end(Outcome::Failed, None, None, Counts::default(), str::to_owned);
        })?;
        let mut record = Arc::new(record);
        loop {
            let (child, script) = self.prepared(door, &playbook, &params, scope.clone(), &record);
            match self.project.interpreter.run(script, self.may_wait) {
                Came::Ended(ended) => return self.ended(door, &child, &record, name, ended),
                Came::PutOff(until) => {
                    record.wait(until)?;
                    match parts.host.wait_until(until) {
                        Ok(()) => {}
                        // All of the run waits: it is put off as a whole, and wakes this one with itself.
                        Err(stop @ Stop::PutOff) => return Err(stop.into()),
                        Err(stop) => {
                            let result = Err(ScriptError::stopped(stop));
                            return self.ended(
                                door,
                                &child,
                                &record,
                                name,
                                Ended { result, sources: Sources::default() },
                            );
                        }
                    }
                    record = Arc::new(RunRecord::of(&self.project, woken(&self.project, &record)?));
                }
            }
        }
    }
}

impl ChildRuns {
    /// The child's door, and its script.
    fn prepared(
        &self,
        door: &Door,
        playbook: &Playbook,
        params: &Params,
        scope: Place,
        record: &Arc<RunRecord>,
    ) -> (Arc<Door>, ScriptRun) {
        let parts = door.parts();
        let (id, halt) = (record.id(), parts.host.halt.clone());
        let files = parts.host.files.and_read(params.files.clone());
        let child = Arc::new(Door::new(DoorParts {
            recorder: record.recorder(),
            policy: parts.policy.child(declared(playbook), header_limits(&playbook.header.policy)),
            mode: Arc::clone(&parts.mode),
            scope,
            fleet: Arc::clone(&parts.fleet),
            hosts: Arc::clone(&parts.hosts),
            notices: notices(&self.project, id, &playbook.name, parts.notices.about.cause.clone()),
            catalog: Arc::clone(&parts.catalog),
            host: host(
                &self.project,
                files,
                store_name(playbook),
                &halt,
                &parts.host.pins,
                record,
                Arc::clone(&parts.host.authorship),
            ),
            locks: Arc::clone(&parts.locks),
            watcher: Arc::clone(&parts.watcher),
            secret: {
                let project = Arc::clone(&self.project);
                Box::new(move |name| project.secret(name))
            },
            children: Arc::new(Self {
                project: Arc::clone(&self.project),
                ears: Arc::clone(&self.ears),
                scripts: Arc::clone(&self.scripts),
                parent: Arc::clone(record),
                may_wait: self.may_wait,
                depth: self.depth + 1,
            }),
        }));
        let run = Map::from([
            ("playbook".to_owned(), Value::from(playbook.name.as_str())),
            ("cause".to_owned(), Value::from("run_playbook")),
            ("mode".to_owned(), Value::from(parts.mode.word())),
            ("id".to_owned(), Value::from(id)),
        ]);
        let facts = RunFacts { params: params.values.clone(), event: Map::new(), run };
        let context = context(&self.project, child.clone(), self.ears.clone(), facts, halt, record.clone());
        let script = script_of(&self.project, playbook, self.scripts.imports(playbook), context);
        (child, script)
    }

    /// Records how the child ended, and gives what its parent gets.
    fn ended(&self, door: &Door, child: &Door, record: &RunRecord, name: &str, ended: Ended) -> Result<Value, Failure> {
        let (reads, changes, withheld) = child.counts();
        door.add_counts((reads, changes, withheld));
        let counts = Counts { reads, changes, withheld };
        let masked = |text: &str| self.project.masker().mask(text).into_owned();
        let recorded = |outcome, value: Option<&Value>, error: Option<&RunError>| {
            // The parent's own end tells of a journal that cannot be written.
            let _told_by_the_parent = record.end(outcome, value, error, counts, masked);
        };
        match ended.result {
            Ok(value) => {
                recorded(Outcome::Succeeded, Some(&value), None);
                Ok(value)
            }
            Err(error) => {
                let failure = match &error {
                    ScriptError::Stopped(stop, _) => Failure::from(stop.clone()),
                    ScriptError::Unreadable(diagnostic) | ScriptError::Failed(diagnostic) => {
                        let fault = diagnostic.fault.clone();
                        fault.unwrap_or_else(|| invalid(format!("{name}: {}", diagnostic.message))).into()
                    }
                };
                let (outcome, error) = judged(error, &ended.sources);
                recorded(outcome, None, Some(&error));
                Err(failure)
            }
        }
    }
}
