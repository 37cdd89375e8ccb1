//! Transactions of appliances that have them: staged changes take effect together or not at all.
//!
//! A transaction belongs to a session of the appliance, so that it gets one of its own: what other
//! branches and runs read is never what it has staged, and its session is never renewed.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::OwnedMutexGuard;

use crate::catalog::{Bound, Effect, LostAnswer, Row, bind, wire};
use crate::config::Target;
use crate::door::door::{Door, Passing};
use crate::door::event::DoorEvent;
use crate::door::halt::Halt;
use crate::door::policy::TargetLock;
use crate::door::recorder::Intent;
use crate::door::resilience::{Exchange, Line};
use crate::door::{Action, Branch, Reply};
use crate::failpoint;
use crate::fault::{Failure, Fault, FaultKind};
use crate::value::{Map, Value};

/// How long a transaction of somebody else is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long the one that a dead process has left open is waited for: the appliance forgets it together
/// with its session, whose time-out an administrator sets.
const LEFT_OPEN: Duration = Duration::from_secs(900);

/// The note of an entry whose commit is about to leave.
pub(super) const COMMITTING: &str = "committing";

/// How often it is looked whether it has ended.
const EVERY: Duration = Duration::from_secs(2);

/// How long rolling back may take.
const ROLLING_BACK: Duration = Duration::from_secs(10);

/// The open transactions of a run, and the turns at each target.
#[derive(Default)]
pub struct Transactions {
    open: Mutex<HashMap<String, Arc<Open>>>,
    /// The targets that this execution of the run has opened one at.
    begun: Mutex<HashSet<String>>,
    gates: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

/// One open transaction.
pub(super) struct Open {
    /// The line with its own session.
    pub(super) line: Arc<Line>,
    _lock: TargetLock,
    _turn: OwnedMutexGuard<()>,
}

impl Transactions {
    /// The turn at a target: one transaction, or one change outside of one, at a time.
    pub(super) fn gate(&self, target: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(gates.entry(target.to_owned()).or_default())
    }

    /// The open transaction of a target.
    pub(super) fn of(&self, target: &str) -> Option<Arc<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).get(target).cloned()
    }

    /// Whether none was opened at a target yet.
    fn is_first(&self, target: &str) -> bool {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).insert(target.to_owned())
    }

    /// Whether any is open.
    pub(super) fn is_any_open(&self) -> bool {
        !self.open.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    fn add(&self, target: &str, open: Open) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).insert(target.to_owned(), Arc::new(open));
    }

    fn take(&self, target: &str) -> Option<Arc<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(target)
    }
}

/// What cannot be taken back with a transaction is not done inside one.
///
/// # Errors
/// `refused`, naming it.
pub fn refuse_inside(target: &str, action: &Action) -> Result<(), Fault> {
    let what = match action {
        Action::WriteFile { .. } => "write_file",
        Action::StoreSet(_) | Action::StoreRestore { .. } => "store.set",
        Action::Fetch { method: "POST", .. } => "http_post",
        Action::Notify { .. } => "notify",
        Action::RunPlaybook { .. } => "run_playbook",
        Action::Begin { .. } => "another transaction",
        _ => return Ok(()),
    };
    let message = format!("inside the transaction of '{target}' {what} is refused: a rollback could not take it back");
    Err(Fault::new(FaultKind::Refused, message).with_detail("rule", "transaction"))
}

impl Door {
    /// What a dry run answers instead of opening a transaction, which has to be possible there as well.
    pub(super) fn instead_of_beginning(
        &self,
        branch: &Branch,
        action: &Action,
        name: &str,
    ) -> Result<Option<Reply>, Fault> {
        self.transaction_row(self.parts.fleet.target(name)?, "transaction_open")?;
        self.instead(branch, action)
    }

    /// Opens a transaction: waits for this run's turn and for the lock of the target, signs in anew
    /// and opens. Somebody else's transaction is waited for, and named in the end; so is the one that a
    /// former execution of the run may have left open, and much longer.
    pub(super) fn begin(&self, name: &str) -> Result<(), Failure> {
        let target = self.parts.fleet.target(name)?;
        let row = self.transaction_row(target, "transaction_open")?;
        let again = self.transactions.is_first(name) && self.parts.recorder.is_resumed();
        let halt = &self.parts.host.halt;
        let runtime = &self.parts.host.runtime;
        let turn = runtime.block_on(async { halt.or(self.transactions.gate(name).lock_owned()).await })?;
        let lock = self.lock(target)?;
        let line = Arc::new(self.parts.fleet.line(name)?.private());
        // Whoever finds the appliance held finds the run that holds it.
        self.parts.recorder.settle()?;
        let begun = std::time::Instant::now();
        let patience = if again { LEFT_OPEN } else { PATIENCE };
        let mut told = false;
        loop {
            let call = bind(row, Vec::new(), Map::new())?;
            let fault = match runtime.block_on(self.send_on(&line, target, &call, Effect::Change, true, halt)) {
                Ok(_) => break,
                Err(Failure::Fault(fault)) => fault,
                Err(stop) => {
                    runtime.block_on(line.sign_out());
                    return Err(stop);
                }
            };
            let held =
                fault.status.is_some_and(|status| (400..500).contains(&status) && !matches!(status, 401 | 403 | 404));
            if !held || begun.elapsed() >= patience {
                runtime.block_on(line.sign_out());
                let said = &fault.message;
                let message = if held {
                    format!(
                        "the configuration of '{name}' is held by somebody else, and stayed so for {patience:?}: {said}"
                    )
                } else {
                    format!("the transaction could not be opened: {said}")
                };
                let fault = Fault { message, ..*fault };
                return Err(Fault { kind: if held { FaultKind::Conflict } else { fault.kind }, ..fault }
                    .on(name)
                    .into());
            }
            if !std::mem::replace(&mut told, true) {
                let who = if again { "this run's dead session, or somebody else," } else { "somebody else" };
                let text = format!("waiting for '{name}': {who} is changing its configuration ({})", fault.message);
                self.parts.watcher.on(DoorEvent::Notice(text));
            }
            if let Err(stop) = runtime.block_on(async { halt.or(tokio::time::sleep(EVERY)).await }) {
                runtime.block_on(line.sign_out());
                return Err(stop.into());
            }
        }
        self.transactions.add(name, Open { line, _lock: lock, _turn: turn });
        self.parts.mode.begun(name);
        failpoint::reach("opened");
        Ok(())
    }

    /// Commits: the one durable change of a transaction. Where the answer is lost, the state of the
    /// transaction tells what became of it.
    pub(super) fn commit(&self, passing: Passing<'_>, name: &str, message: &str) -> Result<(), Failure> {
        let target = self.parts.fleet.target(name)?;
        let row = self.transaction_row(target, "transaction_commit")?;
        let Some(open) = self.transactions.of(name) else {
            return Err(Fault::new(FaultKind::Invalid, "there is no transaction to commit").on(name).into());
        };
        let mut args = Map::from([("status".to_owned(), Value::from("commit"))]);
        if !message.is_empty() {
            args.insert("commit_message".into(), message.into());
        }
        if matches!(passing.action, Action::Commit { .. }) {
            let intent = Intent { effect: Effect::Change, durable: true, ..Intent::default() };
            self.parts.recorder.intend(passing.key, passing.action, &intent)?;
        } else {
            self.parts.recorder.mark(passing.key, COMMITTING)?;
        }
        failpoint::reach("committing");
        let call = bind(row, Vec::new(), args)?;
        let halt = &self.parts.host.halt;
        let sent = self.send_on(&open.line, target, &call, Effect::Change, false, halt);
        let sent = self.parts.host.runtime.block_on(sent);
        failpoint::reach("committed");
        match sent {
            Ok(_) => {
                self.parts.mode.committed(name);
                self.transactions.take(name);
                self.parts.host.runtime.block_on(open.line.sign_out());
                Ok(())
            }
            Err(failure) => {
                self.roll_back(name);
                Err(failure)
            }
        }
    }

    /// Throws away what a transaction has staged, with time of its own, and ends its session.
    pub(super) fn roll_back(&self, name: &str) {
        let Some(open) = self.transactions.take(name) else { return };
        self.parts.mode.rolled_back(name);
        let Ok(target) = self.parts.fleet.target(name) else { return };
        let halt = Halt::default();
        self.parts.host.runtime.block_on(async {
            let rolling = async {
                if let Ok(row) = self.transaction_row(target, "transaction_rollback")
                    && let Ok(call) = bind(row, Vec::new(), Map::new())
                {
                    let _best_effort = self.send_on(&open.line, target, &call, Effect::Change, true, &halt).await;
                }
                open.line.sign_out().await;
            };
            // The appliance forgets a transaction together with its session; there is no more to do.
            let _in_time = tokio::time::timeout(ROLLING_BACK, rolling).await;
        });
        self.parts.watcher.on(DoorEvent::Notice(format!("the transaction of '{name}' was rolled back")));
    }

    fn transaction_row(&self, target: &Target, name: &str) -> Result<&'static Row, Fault> {
        self.parts.catalog.row(&target.vendor, name).ok_or_else(|| {
            let message = format!("'{}' is of vendor {}, which has no transactions", target.name, target.vendor);
            Fault::new(FaultKind::Invalid, message).on(&target.name).during("transaction")
        })
    }

    async fn send_on(
        &self,
        line: &Line,
        target: &Target,
        call: &Bound,
        effect: Effect,
        void: bool,
        halt: &Halt,
    ) -> Result<(), Failure> {
        let Some(vendor) = self.parts.catalog.vendor(&target.vendor) else { return Ok(()) };
        let verify = || -> BoxFuture<'_, Option<bool>> {
            Box::pin(async move {
                let LostAnswer::Verify(read) = call.row.lost_answer else { return None };
                self.is_closed(line, target, read, halt).await
            })
        };
        let exchange = Exchange {
            request: wire(call, vendor),
            row: Some(call.row),
            effect,
            accept: vendor.accept,
            save_to: None,
            progress: None,
            other_spelling: None,
            void,
            left: None,
            halt,
            notice: &|_| {},
            verify: &verify,
        };
        let answered = line.exchange(exchange).await;
        let name = |fault: Fault| fault.on(&target.name).during(call.row.name);
        answered.result.map(|_| ()).map_err(|failure| failure.naming(name))
    }

    /// After a lost commit: the transaction of the same session is closed if it went through.
    async fn is_closed(&self, line: &Line, target: &Target, read: &'static str, halt: &Halt) -> Option<bool> {
        let vendor = self.parts.catalog.vendor(&target.vendor)?;
        let call = bind(self.parts.catalog.row(&target.vendor, read)?, Vec::new(), Map::new()).ok()?;
        let verify = || -> BoxFuture<'_, Option<bool>> { Box::pin(async { None }) };
        let exchange = Exchange {
            request: wire(&call, vendor),
            row: Some(call.row),
            effect: Effect::Read,
            accept: vendor.accept,
            save_to: None,
            progress: None,
            other_spelling: None,
            void: false,
            left: None,
            halt,
            notice: &|_| {},
            verify: &verify,
        };
        let answer = line.exchange(exchange).await.result.ok()?;
        let json: serde_json::Value = serde_json::from_slice(&answer.body).ok()?;
        let status = json.pointer("/body/status").or_else(|| json.pointer("/transaction/status"))?.as_str()?;
        match status {
            "closed" => Some(true),
            "open" => Some(false),
            _ => None,
        }
    }
}
