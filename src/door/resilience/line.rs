//! The line to one target, shared by every run of the process.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use url::Url;

use super::breaker::Breaker;
use super::judge::{judge, make_ready};
use super::pace::Pace;
use super::retry::{self, ATTEMPTS, SETTLE};
use super::session::{SessionKeeper, headers, seen};
use crate::catalog::{Effect, LostAnswer, Row, WireRequest, with_product};
use crate::clock::Clock;
use crate::config::{Secrets, Target};
use crate::door::HttpAnswer;
use crate::door::halt::Halt;
use crate::door::transport::{Incoming, Outgoing, SendError, SendProgress, Transport};
use crate::fault::{Failure, Fault, FaultKind, Stop};
use crate::value::Value;
use crate::vendors::sign_in::Session;

/// One call on its way.
pub struct Exchange<'a> {
    /// The request.
    pub request: WireRequest,
    /// The row, if it has one.
    pub row: Option<&'static Row>,
    /// What it does to the world.
    pub effect: Effect,
    /// The vendor's `Accept` header; empty for the usual one.
    pub accept: &'static str,
    /// The file that a download is streamed to.
    pub save_to: Option<&'a Path>,
    /// Watches a long body on its way.
    pub progress: Option<SendProgress>,
    /// The same read as the vendor's documents spell it elsewhere, tried when there is no such call.
    pub other_spelling: Option<WireRequest>,
    /// Whether a change that is lost is void: it stands in a transaction that will not be committed.
    pub void: bool,
    /// What a former execution of the run has left of it: it was sent, and nobody saw the answer.
    pub left: Option<Left>,
    /// What ends its waits.
    pub halt: &'a Halt,
    /// Tells people of a wait that is long.
    pub notice: &'a (dyn Fn(String) + Send + Sync),
    /// Decides whether a change whose answer was lost has been made, by the read that the row
    /// names: `Some(true)` made, `Some(false)` not made, `None` cannot be told.
    pub verify: &'a (dyn Fn() -> BoxFuture<'a, Option<bool>> + Send + Sync),
}

/// A change that was sent before the process ended.
#[derive(Clone, Copy, Debug)]
pub struct Left {
    /// When it was sent.
    pub since: Timestamp,
    /// What a person says of it: that it was applied, or that it was not.
    pub assume: Option<bool>,
}

/// How a call was answered.
#[derive(Debug)]
pub struct Answered {
    /// The answer.
    pub result: Result<HttpAnswer, Failure>,
    /// How often it was tried.
    pub attempts: u32,
    /// Whether it may have reached the appliance: where nobody can sign in, nothing leaves.
    pub sent: bool,
    /// The status of the last answer.
    pub status: Option<u16>,
}

/// From this on people are told of a wait.
const LONG_WAIT: Duration = Duration::from_secs(3);

/// What most appliances are asked for.
const ACCEPT: &str = "application/json, */*;q=0.5";

/// The line to one target: its client, its session, its turn-taking.
pub struct Line {
    target: Target,
    transport: Arc<dyn Transport>,
    session: SessionKeeper,
    slots: Semaphore,
    pace: Pace,
    breaker: Breaker,
    clock: Arc<dyn Clock>,
    secrets: Arc<Secrets>,
    /// Whether the session must not be renewed: what is in it would be lost.
    pinned: bool,
}

/// Where the attempts at one call stand.
struct Progress {
    attempts: u32,
    sent: bool,
    status: Option<u16>,
    /// The first lost answer, and how old it was when the attempts began.
    lost: Option<Lost>,
}

/// A change whose answer is lost.
struct Lost {
    fault: Fault,
    since: Instant,
    /// Its age at that instant.
    age: Duration,
}

impl Lost {
    fn now(fault: Fault) -> Self {
        Self { fault, since: Instant::now(), age: Duration::ZERO }
    }

    /// Whether it may be sent again for no other reason than that it does no harm.
    fn is_fresh(&self) -> bool {
        self.age + self.since.elapsed() < SETTLE
    }
}

/// What one attempt came to.
enum Attempt {
    Answer(Incoming),
    NotSent(Fault),
    Lost(Fault),
    Final(Failure),
    /// It was sent, and the answer to it cannot be taken.
    Unusable(Failure),
}

impl Line {
    /// A line that has not connected yet.
    pub fn new(target: &Target, transport: Arc<dyn Transport>, secrets: Arc<Secrets>, clock: Arc<dyn Clock>) -> Self {
        Self {
            session: SessionKeeper::new(target, Arc::clone(&secrets)),
            secrets,
            pinned: false,
            slots: Semaphore::new(target.max_in_flight),
            pace: Pace::new(target.rate),
            breaker: Breaker::default(),
            target: target.clone(),
            transport,
            clock,
        }
    }

    /// The target.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// A line with a session of its own, which is never renewed, over the same connections.
    #[must_use]
    pub fn private(&self) -> Self {
        let (transport, secrets, clock) =
            (Arc::clone(&self.transport), Arc::clone(&self.secrets), Arc::clone(&self.clock));
        Self { pinned: true, ..Self::new(&self.target, transport, secrets, clock) }
    }

    /// Ends the session, where the vendor has a way to.
    pub async fn sign_out(&self) {
        self.session.sign_out(&*self.transport).await;
    }

    /// Carries one call through to its answer.
    pub async fn exchange(&self, exchange: Exchange<'_>) -> Answered {
        let mut progress = Progress { attempts: 0, sent: exchange.left.is_some(), status: None, lost: None };
        let result = self.attempts(&exchange, &mut progress).await;
        Answered { result, attempts: progress.attempts, sent: progress.sent, status: progress.status }
    }

    async fn attempts(&self, exchange: &Exchange<'_>, progress: &mut Progress) -> Result<HttpAnswer, Failure> {
        let rule = retry::rule(exchange.row, exchange.effect);
        if let Some(left) = &exchange.left {
            progress.lost = Some(self.left_behind(left));
            if !self.goes_on(exchange, progress, rule, true).await? {
                return Ok(HttpAnswer::unseen(exchange.row));
            }
        }
        loop {
            progress.attempts += 1;
            let more = progress.attempts < ATTEMPTS && progress.lost.as_ref().is_none_or(Lost::is_fresh);
            let attempt = match self.attempt(exchange).await {
                Ok(attempt) => attempt,
                Err(stop) => return Err(self.unsettled(exchange, progress).unwrap_or_else(|| stop.into())),
            };
            progress.sent |= matches!(attempt, Attempt::Answer(_) | Attempt::Lost(_) | Attempt::Unusable(_));
            let retry_after = match attempt {
                Attempt::Answer(answer) => {
                    progress.status = Some(answer.status);
                    // A 500 to a change is the appliance's word about that change, not about itself.
                    let own_word = answer.status == 500 && exchange.effect != Effect::Read;
                    if answer.status >= 500
                        && !own_word
                        && let Some(fault) = judge(exchange.row, exchange.effect, &answer)
                    {
                        self.breaker.failed(&fault);
                    }
                    // A gateway's error says nothing of what became of a change behind it.
                    let gateway = matches!(answer.status, 502 | 504) && exchange.effect != Effect::Read;
                    match judge(exchange.row, exchange.effect, &answer) {
                        None => return Ok(reply(answer, exchange.row)),
                        Some(fault) if gateway => {
                            progress.lost.get_or_insert_with(|| Lost::now(fault));
                            if !self.goes_on(exchange, progress, rule, more).await? {
                                return Ok(HttpAnswer::unseen(exchange.row));
                            }
                            None
                        }
                        Some(fault)
                            if more
                                && !retry::is_too_long(answer.retry_after.as_deref(), self.clock.now())
                                && retry::may_retry(
                                    answer.status,
                                    rule,
                                    exchange.effect,
                                    answer.retry_after.is_some(),
                                ) =>
                        {
                            drop(fault);
                            answer.retry_after
                        }
                        // What was to be removed is gone: the first attempt has removed it. Or the refusal
                        // agrees with a person who says that it was made.
                        Some(fault) if is_gone(exchange, progress, rule, &fault) || agrees(exchange, rule, &fault) => {
                            return Ok(HttpAnswer::unseen(exchange.row));
                        }
                        Some(fault) => return Err(self.refused(exchange, progress, rule, fault)),
                    }
                }
                Attempt::Final(failure) | Attempt::Unusable(failure) => {
                    return Err(self.unsettled(exchange, progress).unwrap_or(failure));
                }
                Attempt::NotSent(fault) => {
                    self.breaker.failed(&fault);
                    let retry_after = fault.details.get("retry_after").and_then(Value::as_text).map(str::to_owned);
                    if !more || !fault.retryable || retry::is_too_long(retry_after.as_deref(), self.clock.now()) {
                        return Err(self.unsettled(exchange, progress).unwrap_or_else(|| fault.into()));
                    }
                    retry_after
                }
                Attempt::Lost(fault) => {
                    self.breaker.failed(&fault);
                    if exchange.effect == Effect::Read {
                        if !more || exchange.halt.check().is_err() {
                            return Err(fault.into());
                        }
                    } else {
                        progress.lost.get_or_insert_with(|| Lost::now(fault));
                        if !self.goes_on(exchange, progress, rule, more).await? {
                            return Ok(HttpAnswer::unseen(exchange.row));
                        }
                    }
                    None
                }
            };
            let wait = retry::wait(progress.attempts, retry_after.as_deref(), self.clock.now());
            if wait >= LONG_WAIT {
                (exchange.notice)(format!(
                    "'{}' asks for patience: the next attempt is in {} s",
                    self.target.name,
                    wait.as_secs()
                ));
            }
            if let Err(stop) = exchange.halt.or(tokio::time::sleep(wait)).await {
                return Err(self.unsettled(exchange, progress).unwrap_or_else(|| stop.into()));
            }
        }
    }

    /// One attempt: turn, session, request, and one new login if the session is rejected.
    async fn attempt(&self, exchange: &Exchange<'_>) -> Result<Attempt, Stop> {
        if let Err(fault) = self.breaker.pass() {
            return Ok(Attempt::Final(fault.on(&self.target.name).into()));
        }
        if let Some(turn) = self.pace.turn() {
            exchange.halt.or(tokio::time::sleep_until(turn)).await?;
        }
        let Ok(_slot) = exchange.halt.or(self.slots.acquire()).await? else { return Err(Stop::Cancelled) };
        let mut rejected = None;
        loop {
            let signed = if exchange.row.is_some_and(|row| row.anonymous) {
                Ok((Session { headers: Vec::new(), lasts: None }, 0))
            } else {
                exchange.halt.or(self.session.session(&*self.transport, rejected)).await?
            };
            let (session, number) = match signed {
                Ok(signed) => signed,
                Err(fault) if fault.retryable && matches!(fault.kind, FaultKind::Connect | FaultKind::Auth) => {
                    return Ok(Attempt::NotSent(fault));
                }
                Err(fault) => return Ok(Attempt::Final(fault.into())),
            };
            let mut outgoing = self.outgoing(exchange);
            outgoing.headers.extend(headers(&session));
            let answer = match self.send(exchange, outgoing).await? {
                Ok(answer) => answer,
                Err(SendError::NotSent(fault)) => return Ok(Attempt::NotSent(fault)),
                Err(SendError::Lost(fault)) => return Ok(Attempt::Lost(fault)),
                Err(SendError::Unusable(fault)) => return Ok(unusable(exchange.effect, fault)),
            };
            if answer.status < 500 {
                self.breaker.succeeded();
            }
            let scheme = self.session.scheme();
            let mut remark = "";
            if answer.status == 401 && scheme.expired(&seen(&answer)) {
                if self.pinned && rejected.is_none() {
                    return Ok(Attempt::Final(self.session_lost(&answer).into()));
                }
                let repeats = exchange.effect == Effect::Read || scheme.repeats_changes();
                if repeats && rejected.is_none() {
                    // The request did nothing, so that it may be sent again after a new login; once.
                    rejected = Some(number);
                    continue;
                }
                if !repeats {
                    self.session.forget(number).await;
                    remark = ". A change is not sent again with a new session: look whether it was made";
                }
            }
            if matches!(answer.status, 401 | 403) {
                let mut fault = self.session.scheme().rejected(&seen(&answer));
                fault.message.push_str(remark);
                if let Some(judged) = judge(exchange.row, exchange.effect, &answer) {
                    fault.details.extend(judged.details);
                }
                return Ok(Attempt::Final(fault.into()));
            }
            self.session.take_over(&answer).await;
            return self.other_spelling(exchange, answer, &session).await;
        }
    }

    /// Where the vendor's documents spell a read in two ways, the other one is tried when the first
    /// is unknown; SEG's paths differ in their trailing slash.
    async fn other_spelling(
        &self,
        exchange: &Exchange<'_>,
        answer: Incoming,
        session: &Session,
    ) -> Result<Attempt, Stop> {
        if !matches!(answer.status, 404 | 405) || exchange.effect != Effect::Read {
            return Ok(Attempt::Answer(answer));
        }
        let mut outgoing = self.outgoing(exchange);
        if let Some(other) = &exchange.other_spelling {
            outgoing.method = other.method;
            outgoing.url = self.address(other);
            outgoing.body = other.body.clone();
        } else if self.target.vendor == "seg" && exchange.request.method == "GET" && exchange.row.is_some() {
            let path = outgoing.url.path().to_owned();
            let other = path.strip_suffix('/').map_or_else(|| format!("{path}/"), str::to_owned);
            outgoing.url.set_path(&other);
        } else {
            return Ok(Attempt::Answer(answer));
        }
        outgoing.headers.extend(headers(session));
        match self.send(exchange, outgoing).await? {
            Ok(other) if !matches!(other.status, 404 | 405) => Ok(Attempt::Answer(other)),
            _ => Ok(Attempt::Answer(answer)),
        }
    }

    /// A transaction belongs to its session: with the one the other is gone.
    fn session_lost(&self, answer: &Incoming) -> Fault {
        let fault = self.session.scheme().rejected(&seen(answer));
        let message = "the session has ended, and the transaction with it: nothing of it was committed";
        Fault::new(FaultKind::Auth, message).on(&self.target.name).with_status(401).with_detail("answer", fault.message)
    }

    /// Sends: a read gives way to a cancel at once, a change that has left gets its grace.
    async fn send(&self, exchange: &Exchange<'_>, outgoing: Outgoing) -> Result<Result<Incoming, SendError>, Stop> {
        // The request is handed over first; this thread would only wait then.
        let sending = async {
            let (answer, ()) = tokio::join!(biased; self.transport.send(outgoing), async { make_ready(exchange.row) });
            answer
        };
        if exchange.effect == Effect::Read {
            return exchange.halt.or(sending).await;
        }
        exchange.halt.check()?;
        let lost = || {
            let message = "the run ended before the answer came";
            Err(SendError::Lost(Fault::new(FaultKind::Timeout, message).on(&self.target.name)))
        };
        Ok(exchange.halt.or_grace(sending).await.unwrap_or_else(lost))
    }

    /// The whole URL of a request: the target's host, its path prefix if it has one, path and query.
    fn address(&self, request: &WireRequest) -> Url {
        let base = &self.target.url;
        let path = with_product(&request.path, self.target.product.as_deref().unwrap_or_default());
        let mut url = base.clone();
        url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
        url.set_query((!request.query.is_empty()).then_some(request.query.as_str()));
        url
    }

    /// The headers that the request gives, and the vendor's `Accept` unless it gives one.
    fn headers(&self, exchange: &Exchange<'_>) -> Vec<(String, String)> {
        let mut headers = exchange.request.headers.clone();
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("accept")) {
            // A file may be of any type, which not every vendor's own list says.
            let own =
                if exchange.save_to.is_some() && !exchange.accept.contains("*/*") { "*/*" } else { exchange.accept };
            let accept = if own.is_empty() { ACCEPT } else { own };
            headers.push(("accept".into(), accept.into()));
        }
        headers
    }

    fn outgoing(&self, exchange: &Exchange<'_>) -> Outgoing {
        let request = &exchange.request;
        let mut timeout = self.target.timeout;
        if let Some(seconds) = exchange.row.and_then(|row| row.slow) {
            timeout = timeout.max(Duration::from_secs(u64::from(seconds)));
        }
        Outgoing {
            method: request.method,
            url: self.address(request),
            headers: self.headers(exchange),
            body: request.body.clone(),
            timeout,
            max_answer: self.target.max_answer,
            progress: exchange.progress.clone(),
            accepts: exchange.row.map_or(&[], |row| row.answer.accepts),
            save_to: exchange.save_to.map(Path::to_owned),
        }
    }

    /// What a former execution has left, as if its answer had been lost just now.
    fn left_behind(&self, left: &Left) -> Lost {
        let message = "the process ended before the answer came";
        let fault = Fault::new(FaultKind::Timeout, message).on(&self.target.name);
        // A clock that was set back tells nothing of its age: it counts as old.
        let age = Duration::try_from(self.clock.now().duration_since(left.since)).unwrap_or(SETTLE);
        Lost { fault, since: Instant::now(), age }
    }

    /// After a lost answer: whether to send again. `false` means that the change counts as made: the row's
    /// read has shown it, or a person says so.
    async fn goes_on(
        &self,
        exchange: &Exchange<'_>,
        progress: &mut Progress,
        rule: LostAnswer,
        more: bool,
    ) -> Result<bool, Failure> {
        let uncertain = || self.unsettled(exchange, progress).unwrap_or(Failure::Stop(Stop::Cancelled));
        if exchange.halt.check().is_err() {
            return Err(uncertain());
        }
        let fresh = progress.lost.as_ref().is_none_or(Lost::is_fresh);
        let seen = match rule {
            LostAnswer::Idempotent if more && fresh => return Ok(true),
            LostAnswer::Detectable if more => return Ok(true),
            LostAnswer::Idempotent | LostAnswer::Verify(_) => (exchange.verify)().await,
            LostAnswer::Detectable | LostAnswer::Never => None,
        };
        // What a person says counts once: what is lost after that is lost anew.
        let said = exchange.left.and_then(|left| left.assume).filter(|_| progress.attempts == 0);
        match seen.or(said) {
            Some(true) => Ok(false),
            Some(false) if more => {
                progress.lost = None;
                Ok(true)
            }
            _ => Err(uncertain()),
        }
    }

    /// The failure that an answer is, after what went before.
    fn refused(&self, exchange: &Exchange<'_>, progress: &Progress, rule: LostAnswer, fault: Fault) -> Failure {
        if progress.lost.is_none() {
            return fault.into();
        }
        if rule == LostAnswer::Detectable && is_refusal(&fault) {
            // Whether the first attempt went through, or something else stands in the way, only
            // the script can tell.
            let mut fault = fault.with_detail("resent", true);
            fault.kind = FaultKind::Conflict;
            fault.message.push_str(". It was sent again, since the first answer was lost: the first may have done it");
            return fault.into();
        }
        self.unsettled(exchange, progress).unwrap_or_else(|| fault.into())
    }

    /// The end of a run whose change was sent and never settled; nothing if no answer was lost.
    fn unsettled(&self, exchange: &Exchange<'_>, progress: &Progress) -> Option<Failure> {
        let fault = &progress.lost.as_ref()?.fault;
        if exchange.void {
            return Some(fault.clone().into());
        }
        (exchange.effect != Effect::Read).then(|| Failure::Stop(Stop::Uncertain(Box::new(fault.clone()))))
    }
}

fn is_refusal(fault: &Fault) -> bool {
    matches!(fault.kind, FaultKind::Conflict | FaultKind::Invalid | FaultKind::NotFound)
}

/// Whether a person has said of what a former execution left that it was made, and the appliance refuses a
/// second one.
fn agrees(exchange: &Exchange<'_>, rule: LostAnswer, fault: &Fault) -> bool {
    let said = exchange.left.is_some_and(|left| left.assume == Some(true));
    said && rule == LostAnswer::Detectable && is_refusal(fault)
}

fn is_gone(exchange: &Exchange<'_>, progress: &Progress, rule: LostAnswer, fault: &Fault) -> bool {
    let removes = exchange.request.method == "DELETE" && rule == LostAnswer::Idempotent;
    removes && progress.lost.is_some() && fault.kind == FaultKind::NotFound
}

/// An answer that cannot be taken. Of a change it is a lost one where it was too large; a redirect
/// is an answer, and says so.
fn unusable(effect: Effect, mut fault: Fault) -> Attempt {
    if effect == Effect::Read {
        return Attempt::Unusable(fault.into());
    }
    if fault.kind == FaultKind::Limit {
        return Attempt::Lost(fault);
    }
    fault.message.push_str(". The request was sent: look whether the change was made before you send it again");
    Attempt::Unusable(fault.into())
}

fn reply(answer: Incoming, row: Option<&'static Row>) -> HttpAnswer {
    HttpAnswer {
        status: answer.status,
        content_type: answer.content_type,
        body: answer.body,
        row,
        assumed: false,
        handles: false,
    }
}
