//! What reaches out: calls, raw requests and fetches, layer by layer.

use std::sync::atomic::Ordering;
use std::time::Instant;

use futures_util::future::BoxFuture;

use crate::catalog::{Bound, Effect, Row, WireRequest, bind, raw_wire, wire};
use crate::config::{Target, Tls};
use crate::door::door::Door;
use crate::door::event::{DoorEvent, Withheld};
use crate::door::mode::{Mode, Verdict};
use crate::door::policy::{Classified, Request, classify};
use crate::door::recorder::Key;
use crate::door::resilience::{Answered, Exchange};
use crate::door::{Action, HttpAnswer, Reply};
use crate::fault::{Failure, Fault, FaultKind};
use crate::value::Map;

/// A call or raw request, seen alike.
struct Errand<'a> {
    target: &'a Target,
    request: Request<'a>,
    row: Option<&'static Row>,
    effect: Effect,
    name: String,
}

impl Door {
    /// What an action does to the world, as far as the journal has to know.
    pub(super) fn effect_of(&self, action: &Action) -> Effect {
        match action {
            Action::Call { call, .. } => call.effect,
            Action::Raw { target, request } => {
                classify(request, self.row_of(target, &request.method, &request.path)).effect
            }
            Action::Fetch { method: "POST", .. } => Effect::Change,
            _ => Effect::Read,
        }
    }

    fn row_of(&self, target: &str, method: &str, path: &str) -> Option<&'static Row> {
        let target = self.parts.fleet.target(target).ok()?;
        self.parts.catalog.match_raw(&target.vendor, method, path)
    }

    /// Calls, raw requests and fetches.
    pub(super) fn reach_out(&self, key: &Key, action: &Action) -> Result<Reply, Failure> {
        match action {
            Action::Call { target, call } => {
                let target = self.parts.fleet.target(target)?;
                let vendor = self.parts.catalog.vendor(&target.vendor).ok_or_else(|| unknown_vendor(target))?;
                check_generation(target, call.row)?;
                let errand = Errand {
                    target,
                    request: Request::Call(call),
                    row: Some(call.row),
                    effect: call.effect,
                    name: call.row.name.to_owned(),
                };
                self.errand(key, action, &errand, || wire(call, vendor))
            }
            Action::Raw { target, request } => {
                let target = self.parts.fleet.target(target)?;
                let vendor = self.parts.catalog.vendor(&target.vendor).ok_or_else(|| unknown_vendor(target))?;
                let row = self.row_of(&target.name, &request.method, &request.path);
                let classified: Classified<'_> = classify(request, row);
                let method = method_of(&request.method)?;
                let errand = Errand {
                    target,
                    request: Request::Raw(&classified),
                    row,
                    effect: classified.effect,
                    name: format!("{method} {}", request.path),
                };
                self.errand(key, action, &errand, || {
                    let body = request.body.as_ref();
                    raw_wire(vendor, method, &request.path, &request.query, &request.headers, body)
                })
            }
            Action::Fetch { method, url, options } => self.fetch(key, action, method, url, options),
            _ => Err(Fault::new(FaultKind::Invalid, "this action reaches nobody").into()),
        }
    }

    fn errand(
        &self,
        key: &Key,
        action: &Action,
        errand: &Errand<'_>,
        request: impl FnOnce() -> WireRequest,
    ) -> Result<Reply, Failure> {
        let name = |fault: Fault| fault.on(&errand.target.name).during(&errand.name);
        let mut admission = self.parts.policy.admit(errand.target, errand.request).map_err(name)?;
        if let Mode::Dry(dry) = &*self.parts.mode {
            match dry.decide(action, errand.effect, errand.row) {
                Verdict::Perform => {}
                Verdict::Answer(reply) => return Ok(reply),
                Verdict::Withhold(mut withheld, reply) => {
                    admission.sent();
                    withheld.before = self.before(errand, &withheld);
                    self.withhold(*withheld);
                    return Ok(reply);
                }
            }
        }
        let save_to = match action {
            Action::Call { call, .. } => call.save_to.as_deref(),
            _ => None,
        };
        let save_to = save_to.map(|path| self.parts.host.files.writable(path)).transpose().map_err(name)?;
        let line = self.parts.fleet.line(&errand.target.name)?;
        if errand.target.tls == Tls::Insecure {
            self.parts.watcher.on(DoorEvent::Notice(format!(
                "the connection to '{}' is not protected: tls = {{ insecure = true }} trusts anyone",
                errand.target.name
            )));
        }
        let changes = errand.effect != Effect::Read;
        let runtime = &self.parts.host.runtime;
        let halt = &self.parts.host.halt;
        let _lock = if changes {
            let name = &errand.target.name;
            let waiting = |who: &str| {
                let text = format!("waiting for {who}, which changes '{name}': one run at a time does");
                self.parts.watcher.on(DoorEvent::Notice(text));
            };
            let cancelled = halt.cancelled();
            let taking = self.parts.locks.take(&errand.target.name, &cancelled, halt.deadline, &waiting);
            let taken = runtime.block_on(taking);
            // Whoever waited until the run's end was not refused: the time was up.
            halt.check()?;
            Some(taken?)
        } else {
            None
        };
        if changes {
            self.parts.recorder.intend(key, action, errand.effect)?;
            admission.sent();
        }
        let begun = Instant::now();
        let request = request();
        let answered = runtime.block_on(async {
            let verify = |read: &'static str| self.verify(errand, read);
            let save_to = save_to.as_deref();
            line.exchange(Exchange { request, row: errand.row, effect: errand.effect, save_to, halt, verify: &verify })
                .await
        });
        self.tell(errand, &answered, begun);
        let counter = if changes { &self.changes } else { &self.reads };
        counter.fetch_add(1, Ordering::Relaxed);
        match answered.result {
            Ok(answer) => Ok(Reply::Http(answer)),
            Err(Failure::Fault(fault)) => Err(name(*fault).into()),
            Err(stop) => Err(stop),
        }
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

    /// The state that a change would touch, by the read that its row names. A dry run shows it;
    /// where it cannot be had, the plan goes without it.
    fn before(&self, errand: &Errand<'_>, withheld: &Withheld) -> Option<serde_json::Value> {
        let before = errand.row?.before.as_ref()?;
        let row = self.parts.catalog.row(errand.row?.vendor, before.call)?;
        let mut positional = Vec::new();
        let mut map = Map::new();
        for (name, from) in before.args {
            let value = withheld.args.get(*from)?.clone();
            if row.path_params().any(|param| param.name == *name) {
                positional.push(value);
            } else {
                map.insert((*name).to_owned(), value);
            }
        }
        let bound = bind(row, positional, map).ok()?;
        let answer = self.parts.host.runtime.block_on(self.quiet_read(errand.target, &bound)).ok()?;
        serde_json::from_slice(&answer.body).ok()
    }

    async fn quiet_read(&self, target: &Target, bound: &Bound) -> Result<HttpAnswer, Failure> {
        let vendor = self.parts.catalog.vendor(&target.vendor).ok_or_else(|| unknown_vendor(target))?;
        let line = self.parts.fleet.line(&target.name)?;
        let verify = |_: &'static str| -> BoxFuture<'_, Option<bool>> { Box::pin(async { None }) };
        let exchange = Exchange {
            request: wire(bound, vendor),
            row: Some(bound.row),
            effect: Effect::Read,
            save_to: None,
            halt: &self.parts.host.halt,
            verify: &verify,
        };
        line.exchange(exchange).await.result
    }

    /// Whether a change whose answer was lost has been made. The built-in rows settle theirs by
    /// sending again; a row that names a read stays uncertain until it says what to look for.
    fn verify<'a>(&'a self, _errand: &'a Errand<'_>, _read: &'static str) -> BoxFuture<'a, Option<bool>> {
        Box::pin(async { None })
    }

    fn fetch(
        &self,
        key: &Key,
        action: &Action,
        method: &'static str,
        url: &str,
        options: &Map,
    ) -> Result<Reply, Failure> {
        let operation = format!("http_{}", method.to_lowercase());
        let effect = self.effect_of(action);
        let name = |fault: Fault| fault.during(&operation);
        self.parts.hosts.admit(url).map_err(name)?;
        if let Mode::Dry(dry) = &*self.parts.mode {
            match dry.decide(action, effect, None) {
                Verdict::Perform => {}
                Verdict::Answer(reply) => return Ok(reply),
                Verdict::Withhold(withheld, reply) => {
                    self.withhold(*withheld);
                    return Ok(reply);
                }
            }
        }
        if effect != Effect::Read {
            self.parts.recorder.intend(key, action, effect)?;
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
        match result {
            Ok(answer) => Ok(Reply::Http(answer)),
            Err(Failure::Fault(fault)) => Err(name(*fault).into()),
            Err(stop) => Err(stop),
        }
    }
}

/// A call that the target's generation does not have would be a 404 without a reason.
fn check_generation(target: &Target, row: &Row) -> Result<(), Fault> {
    let generation = |text: &str| text.split('.').next().and_then(|major| major.parse::<u32>().ok());
    let Some(version) = target.version.as_deref().and_then(generation) else { return Ok(()) };
    let too_old = row.since.and_then(generation).is_some_and(|since| version < since);
    let too_new = row.until.and_then(generation).is_some_and(|until| version > until);
    if !too_old && !too_new {
        return Ok(());
    }
    let (word, bound) = if too_old { ("since", row.since) } else { ("until", row.until) };
    Err(Fault::new(
        FaultKind::Invalid,
        format!("the call exists {word} version {}, and the target is of version {version}", bound.unwrap_or_default()),
    )
    .on(&target.name)
    .during(row.name))
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
