//! What reaches out: calls, raw requests and fetches, layer by layer.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use futures_util::future::BoxFuture;

use crate::catalog::{Bound, Effect, Kind, LostAnswer, Row, Type, Vendor, WireRequest, raw_wire, read_about, wire};
use crate::config::{Target, Tls};
use crate::door::door::{Door, Passing};
use crate::door::event::{DoorEvent, insecure};
use crate::door::mode::{Approval, Verdict};
use crate::door::policy::{Admission, Classified, Request, TargetLock, classify};
use crate::door::recorder::{Intent, OpenEntry};
use crate::door::resilience::{Answered, Exchange, Left, Line};
use crate::door::settle::{self, Shown};
use crate::door::transaction::COMMITTING;
use crate::door::transport::SendProgress;
use crate::door::{Action, HttpAnswer, Reply};
use crate::failpoint;
use crate::fault::{Failure, Fault, FaultKind, Stop};
use crate::value::Map;

/// A call or raw request, seen alike.
struct Errand<'a> {
    target: &'a Target,
    vendor: &'static Vendor,
    request: Request<'a>,
    row: Option<&'static Row>,
    effect: Effect,
    /// Whether it takes effect at a later commit.
    staged: bool,
    /// Whether it stands in the open transaction of its target.
    inside: bool,
    /// The planned change that it is, where a plan is applied.
    approval: OnceLock<Approval>,
    name: String,
}

/// A call as the row of one spelling writes it.
fn spelled(call: &Bound, row: &'static Row, vendor: &Vendor) -> WireRequest {
    if row == call.row { wire(call, vendor) } else { wire(&Bound { row, ..call.clone() }, vendor) }
}

impl Door {
    /// What an action does to the world, as far as the journal has to know.
    pub(super) fn effect_of(&self, action: &Action) -> Effect {
        match action {
            Action::Call { call, .. } => call.effect,
            Action::Raw { target, request } => {
                classify(request, self.row_of(target, &request.method, &request.path)).effect
            }
            Action::Fetch { method: "POST", .. } | Action::Commit { .. } => Effect::Change,
            _ => Effect::Read,
        }
    }

    fn row_of(&self, target: &str, method: &str, path: &str) -> Option<&'static Row> {
        let target = self.parts.fleet.target(target).ok()?;
        self.parts.catalog.match_raw(&target.vendor, method, path)
    }

    /// Calls, raw requests and fetches.
    pub(super) fn reach_out(&self, passing: Passing<'_>) -> Result<Reply, Failure> {
        let branch = passing.branch;
        match passing.action {
            Action::Call { target, call } => {
                let target = self.parts.fleet.target(target)?;
                let vendor = self.parts.catalog.vendor(&target.vendor).ok_or_else(|| unknown_vendor(target))?;
                check_generation(target, call.row)?;
                for notice in &call.notices {
                    self.parts.watcher.on(DoorEvent::Notice(notice.clone()));
                }
                let errand = Errand {
                    target,
                    vendor,
                    request: Request::Call(call),
                    row: Some(call.row),
                    effect: call.effect,
                    staged: call.row.kind == Kind::Staged,
                    inside: branch.transaction() == Some(target.name.as_str()),
                    approval: OnceLock::new(),
                    name: call.row.name.to_owned(),
                };
                self.errand(passing, &errand, || {
                    let chosen = target.spellings.get(call.row.name);
                    let row = chosen.and_then(|name| self.parts.catalog.row(&target.vendor, name)).unwrap_or(call.row);
                    let other = call.row.alternate.filter(|_| chosen.is_none() && call.effect == Effect::Read);
                    let other = other.and_then(|name| self.parts.catalog.row(&target.vendor, name));
                    (spelled(call, row, vendor), other.map(|row| spelled(call, row, vendor)))
                })
            }
            Action::Raw { target, request } => {
                let target = self.parts.fleet.target(target)?;
                let vendor = self.parts.catalog.vendor(&target.vendor).ok_or_else(|| unknown_vendor(target))?;
                let row = self.row_of(&target.name, &request.method, &request.path);
                let classified: Classified<'_> = classify(request, row);
                let method = method_of(&request.method)?;
                let errand = Errand {
                    target,
                    vendor,
                    request: Request::Raw(&classified),
                    row,
                    effect: classified.effect,
                    staged: is_staged(vendor, row, classified.effect, &request.path),
                    inside: branch.transaction() == Some(target.name.as_str()),
                    approval: OnceLock::new(),
                    name: format!("{method} {}", request.path),
                };
                self.errand(passing, &errand, || {
                    let body = request.body.as_ref();
                    (raw_wire(vendor, method, &request.path, &request.query, &request.headers, body), None)
                })
            }
            Action::Fetch { method, url, options } => self.fetch(passing, method, url, options),
            _ => Err(Fault::new(FaultKind::Invalid, "this action reaches nobody").into()),
        }
    }

    fn errand(
        &self,
        passing: Passing<'_>,
        errand: &Errand<'_>,
        request: impl FnOnce() -> (WireRequest, Option<WireRequest>),
    ) -> Result<Reply, Failure> {
        let name = |fault: Fault| fault.on(&errand.target.name).during(&errand.name);
        let inside = errand.inside;
        if let Some(target) = passing.branch.transaction()
            && errand.effect != Effect::Read
            && !(inside && errand.staged)
        {
            let message = format!("inside the transaction of '{target}' only its staged changes are possible");
            return Err(name(Fault::new(FaultKind::Refused, message).with_detail("rule", "transaction")).into());
        }
        // What was begun and never sent is as good as new: a staged change counts from its commit on.
        let staged_alone = errand.staged && !inside;
        let left = passing.left.filter(|left| {
            errand.effect != Effect::Read && !inside && (!staged_alone || left.note.as_deref() == Some(COMMITTING))
        });
        let admitted = self.parts.policy.admit(errand.target, errand.request).map_err(name);
        let mut admission = match (admitted, left) {
            (Ok(admission), _) => admission,
            // What was sent is not undone by a refusal of today: it stays open until somebody settles it.
            (Err(fault), Some(_)) => return Err(Stop::Uncertain(Box::new(fault)).into()),
            (Err(fault), None) => return Err(fault.into()),
        };
        let files = self.files_of(errand).map_err(name)?;
        match self.decide(passing.branch, passing.action, errand.effect, errand.row).map_err(name)? {
            Verdict::Perform => {}
            Verdict::Approved(approval) => {
                // An errand is decided on once.
                let _first = errand.approval.set(approval);
            }
            Verdict::Answer(reply) => return Ok(reply),
            Verdict::Withhold(mut withheld, reply) => {
                admission.sent();
                withheld.needs = admission.right_was_asked_for().then(|| "--allow destroy".to_owned());
                self.look(errand.target, passing.action, &mut withheld, &files).map_err(name)?;
                self.withhold(*withheld);
                return Ok(reply);
            }
        }
        if !staged_alone {
            return self.send_errand(passing, left, errand, &mut admission, &files, request);
        }
        if let Some(left) = left
            && self.was_committed(errand, left)?
        {
            admission.sent();
            return Ok(Reply::Http(HttpAnswer::unseen(errand.row)));
        }
        // A staged call outside of a transaction gets one of its own.
        self.begin(&errand.target.name)?;
        let sent = self.send_errand(passing, None, errand, &mut admission, &files, request);
        if sent.is_err() {
            self.roll_back(&errand.target.name);
            return sent;
        }
        self.commit(passing, &errand.target.name, &format!("Beadle: {}", errand.name))?;
        sent
    }

    /// Whether a change that was staged alone took effect, although nobody saw the answer to its commit.
    fn was_committed(&self, errand: &Errand<'_>, left: &OpenEntry) -> Result<bool, Failure> {
        let read = self.showing(errand);
        let made = self.made_since(errand, left, read.as_ref())?;
        made.or(left.assume).ok_or_else(|| {
            let message = "the process ended while this was committed, and no read tells what became of it";
            let fault = Fault::new(FaultKind::Timeout, message).on(&errand.target.name).during(&errand.name);
            Stop::Uncertain(Box::new(fault)).into()
        })
    }

    /// Whether a change that a former execution has sent was made, by what was there before and what is
    /// there now.
    fn made_since(&self, errand: &Errand<'_>, left: &OpenEntry, read: Option<&Bound>) -> Result<Option<bool>, Failure> {
        let (Some(row), Some(read), Some(before)) = (errand.row, read, left.before.as_ref().and_then(Shown::of_json))
        else {
            return Ok(None);
        };
        let line = self.parts.fleet.line(&errand.target.name)?;
        let now = self.parts.host.runtime.block_on(self.shown(errand.target, read, &line));
        Ok(settle::made(row, args_of(errand), &before, &now))
    }

    /// The files that a call sends, each looked at before anything is done.
    fn files_of(&self, errand: &Errand<'_>) -> Result<Vec<PathBuf>, Fault> {
        let Request::Call(call) = errand.request else { return Ok(Vec::new()) };
        let files = call.row.params.iter().filter(|param| param.ty == Type::File);
        let given = files.filter_map(|param| call.args.get(param.name)?.as_text());
        let host = &self.parts.host;
        let written = |path: &Path| self.parts.mode.overlay().is_some_and(|overlay| overlay.read(path).is_some());
        let placed = given.map(|path| (path, host.files.place(Path::new(path))));
        placed
            .map(|(path, place)| if written(&place) { Ok(place) } else { host.files.readable(Path::new(path)) })
            .collect()
    }

    /// The lock of a target for this run.
    pub(super) fn lock(&self, target: &Target) -> Result<TargetLock, Failure> {
        let name = &target.name;
        let waiting = |who: &str| {
            let text = format!("waiting for {who}, which changes '{name}': one run at a time does");
            self.parts.watcher.on(DoorEvent::Notice(text));
        };
        let halt = &self.parts.host.halt;
        let cancelled = halt.cancelled();
        let taking = self.parts.locks.take(name, &cancelled, halt.deadline, &waiting);
        let taken = self.parts.host.runtime.block_on(taking);
        // Whoever waited until the run's end was not refused: the time was up.
        halt.check()?;
        taken
    }

    fn send_errand(
        &self,
        passing: Passing<'_>,
        left: Option<&OpenEntry>,
        errand: &Errand<'_>,
        admission: &mut Admission,
        files: &[PathBuf],
        request: impl FnOnce() -> (WireRequest, Option<WireRequest>),
    ) -> Result<Reply, Failure> {
        let name = |fault: Fault| fault.on(&errand.target.name).during(&errand.name);
        let save_to = match passing.action {
            Action::Call { call, .. } => call.save_to.as_deref(),
            _ => None,
        };
        let save_to = save_to.map(|path| self.parts.host.files.writable(path)).transpose().map_err(name)?;
        if errand.target.tls == Tls::Insecure {
            self.parts.watcher.on(DoorEvent::Notice(insecure(&errand.target.name)));
        }
        let changes = errand.effect != Effect::Read;
        let runtime = &self.parts.host.runtime;
        let halt = &self.parts.host.halt;
        // Whoever stands in a transaction has the lock and the turn already.
        let open = self.transactions.of(&errand.target.name).filter(|_| errand.staged || errand.inside);
        let (_turn, _lock) = match &open {
            None if changes => {
                let gate = self.transactions.gate(&errand.target.name);
                let turn = match errand.vendor.has_transactions() {
                    true => Some(runtime.block_on(async { halt.or(gate.lock_owned()).await })?),
                    false => None,
                };
                (turn, Some(self.lock(errand.target)?))
            }
            _ => (None, None),
        };
        let line = match &open {
            Some(open) => Arc::clone(&open.line),
            None => self.parts.fleet.line(&errand.target.name)?,
        };
        if left.is_none() {
            self.unmoved(errand.target, errand.approval.get(), files)?;
        }
        let read = if changes { self.showing(errand) } else { None };
        // What was there before tells what became of a change whose answer is lost, and what an undo
        // brings back. A former execution may have seen it already.
        let before = match (left, &read) {
            (Some(left), _) => left.before.as_ref().and_then(Shown::of_json),
            (None, Some(read)) => Some(runtime.block_on(self.shown(errand.target, read, &line))),
            (None, None) => None,
        };
        if changes {
            let shown = before.as_ref().and_then(Shown::to_json).map(|shown| shown.to_string().into_bytes());
            // Of a transaction the commit is the durable change.
            let intent = Intent {
                effect: errand.effect,
                items: admission.items(),
                durable: open.is_none(),
                before: shown,
                note: None,
            };
            self.parts.recorder.intend(passing.key, passing.action, &intent)?;
            admission.sent();
        }
        let begun = Instant::now();
        let (mut request, other_spelling) = request();
        for (file, path) in request.body.files_mut().into_iter().zip(files) {
            file.path.clone_from(path);
        }
        if let Some(path) = &save_to {
            self.parts.host.authorship.begin(path).map_err(name)?;
        }
        let answered = runtime.block_on(async {
            let verify = || -> BoxFuture<'_, Option<bool>> {
                Box::pin(async {
                    let now = self.shown(errand.target, read.as_ref()?, &line).await;
                    settle::made(errand.row?, args_of(errand), before.as_ref()?, &now)
                })
            };
            let notice = |text| self.parts.watcher.on(DoorEvent::Notice(text));
            let exchange = Exchange {
                request,
                row: errand.row,
                effect: errand.effect,
                accept: errand.vendor.accept,
                save_to: save_to.as_deref(),
                progress: (!files.is_empty()).then(|| self.watching(errand)),
                other_spelling,
                void: open.is_some(),
                left: left.map(|left| Left { since: left.since, assume: left.assume }),
                halt,
                notice: &notice,
                verify: &verify,
            };
            line.exchange(exchange).await
        });
        if let Some(path) = &save_to {
            self.parts.host.authorship.end(path).map_err(name)?;
        }
        failpoint::reach("answered");
        self.tell(errand, &answered, begun);
        if answered.sent {
            let counter = if changes { &self.changes } else { &self.reads };
            counter.fetch_add(1, Ordering::Relaxed);
        }
        answered.result.map(Reply::Http).map_err(|failure| failure.naming(name))
    }

    /// Tells the watcher how far an upload has come.
    fn watching(&self, errand: &Errand<'_>) -> SendProgress {
        let watcher = Arc::clone(&self.parts.watcher);
        let (target, operation) = (errand.target.name.clone(), errand.name.clone());
        Arc::new(move |done, total| {
            watcher.on(DoorEvent::Sending { target: target.clone(), operation: operation.clone(), done, total });
        })
    }

    fn tell(&self, errand: &Errand<'_>, answered: &Answered, begun: Instant) {
        let fault = match &answered.result {
            Ok(_) => None,
            Err(Failure::Fault(fault)) => Some(fault.clone()),
            Err(Failure::Stop(stop)) => Some(Box::new(Fault::new(FaultKind::Timeout, stop.to_string()))),
        };
        self.parts.watcher.on(DoorEvent::Called {
            target: errand.target.name.clone(),
            operation: errand.name.clone(),
            effect: errand.effect,
            status: answered.status.or_else(|| answered.result.as_ref().ok().map(|answer| answer.status)),
            fault,
            attempts: answered.attempts,
            elapsed: begun.elapsed(),
        });
    }

    /// The read that shows the object of a change: before and after, and what became of it when its answer
    /// is lost.
    fn showing(&self, errand: &Errand<'_>) -> Option<Bound> {
        let row = errand.row?;
        let settles = match row.lost_answer {
            LostAnswer::Verify(read) => Some(read),
            _ => None,
        };
        let read = row.before.as_ref().map(|before| before.call).or(settles)?;
        read_about(&self.parts.catalog, row, read, args_of(errand))
    }

    /// What a read shows, without what changes by itself.
    pub(super) async fn shown(&self, target: &Target, read: &Bound, line: &Line) -> Shown {
        match self.quiet_read(target, read, line).await {
            Ok(answer) => serde_json::from_slice(&answer.body)
                .map_or(Shown::Unknown, |json| Shown::State(settle::steady(json, read.row.answer.fields))),
            Err(Failure::Fault(fault)) if fault.kind == FaultKind::NotFound => Shown::Gone,
            Err(_) => Shown::Unknown,
        }
    }

    pub(super) async fn quiet_read(&self, target: &Target, bound: &Bound, line: &Line) -> Result<HttpAnswer, Failure> {
        let vendor = self.parts.catalog.vendor(&target.vendor).ok_or_else(|| unknown_vendor(target))?;
        let verify = || -> BoxFuture<'_, Option<bool>> { Box::pin(async { None }) };
        let exchange = Exchange {
            request: wire(bound, vendor),
            row: Some(bound.row),
            effect: Effect::Read,
            accept: vendor.accept,
            save_to: None,
            progress: None,
            other_spelling: None,
            void: false,
            left: None,
            halt: &self.parts.host.halt,
            notice: &|_| {},
            verify: &verify,
        };
        line.exchange(exchange).await.result
    }

    fn fetch(&self, passing: Passing<'_>, method: &'static str, url: &str, options: &Map) -> Result<Reply, Failure> {
        let operation = format!("http_{}", method.to_lowercase());
        let effect = self.effect_of(passing.action);
        let name = |fault: Fault| fault.during(&operation);
        self.parts.hosts.admit(url).map_err(name)?;
        if let Some(reply) = self.instead_of_fetching(passing.branch, passing.action, effect).map_err(name)? {
            return Ok(reply);
        }
        if effect != Effect::Read {
            match passing.left.map(|left| left.assume) {
                Some(Some(true)) => return Ok(Reply::Http(HttpAnswer::unseen(None))),
                // Whoever takes the post has no rule by which it could be settled.
                Some(None) => {
                    let fault = Fault::new(FaultKind::Timeout, "the process ended before the answer came");
                    return Err(Stop::Uncertain(Box::new(name(fault))).into());
                }
                Some(Some(false)) | None => {}
            }
            let intent = Intent { effect, items: 1, durable: true, ..Intent::default() };
            self.parts.recorder.intend(passing.key, passing.action, &intent)?;
        }
        let begun = Instant::now();
        let halt = &self.parts.host.halt;
        let result = self.parts.host.runtime.block_on(self.parts.hosts.fetch(method, url, options, halt));
        let host = url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        self.parts.watcher.on(DoorEvent::Called {
            target: host,
            operation: operation.clone(),
            effect,
            status: result.as_ref().ok().map(|answer| answer.status),
            fault: match &result {
                Err(Failure::Fault(fault)) => Some(fault.clone()),
                _ => None,
            },
            attempts: 1,
            elapsed: begun.elapsed(),
        });
        result.map(Reply::Http).map_err(|failure| failure.naming(name))
    }
}

/// The arguments of a call. A raw request has none under the row's names, so that no read can be
/// made about it.
fn args_of<'a>(errand: &Errand<'a>) -> &'a Map {
    static NONE: Map = Map::new();
    match errand.request {
        Request::Call(call) => &call.args,
        Request::Raw(_) => &NONE,
    }
}

/// Whether a raw request takes effect at a later commit. One that no row describes is staged like its
/// neighbours: sent by itself it would leave a transaction open, which locks everybody else out.
fn is_staged(vendor: &Vendor, row: Option<&Row>, effect: Effect, path: &str) -> bool {
    match row {
        Some(row) => row.kind == Kind::Staged,
        None => {
            let below = path.strip_prefix(vendor.base).unwrap_or(path);
            vendor.has_transactions()
                && effect != Effect::Read
                && below.trim_start_matches('/').starts_with("configuration/")
        }
    }
}

/// A call that the target's generation does not have would be a 404 without a reason.
fn check_generation(target: &Target, row: &Row) -> Result<(), Fault> {
    match row.lacking(target.version.as_deref(), target.product.as_deref()) {
        None => Ok(()),
        Some(message) => Err(Fault::new(FaultKind::Invalid, message).on(&target.name).during(row.name)),
    }
}

fn method_of(text: &str) -> Result<&'static str, Fault> {
    let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
    methods.into_iter().find(|method| method.eq_ignore_ascii_case(text)).ok_or_else(|| {
        Fault::new(FaultKind::Invalid, format!("'{text}' is not a method: {}", methods.join(", "))).during("request")
    })
}

fn unknown_vendor(target: &Target) -> Fault {
    Fault::new(FaultKind::Invalid, format!("there is no catalog for vendor '{}'", target.vendor)).on(&target.name)
}
