//! The session with one target: one login at a time, shared by every branch of every run.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::catalog::{PartContent, WireBody, WirePart};
use crate::config::{Secrets, Target};
use crate::door::transport::{Incoming, Outgoing, Transport};
use crate::fault::{Fault, FaultKind};
use crate::secret::Secret;
use crate::vendors::sign_in::{Login, LoginBody, LoginRequest, Seen, Session, SignIn, scheme};

/// Signs in when needed, and keeps what came of it.
pub struct SessionKeeper {
    target: Target,
    scheme: Box<dyn SignIn>,
    secrets: Arc<Secrets>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The session, when it ends, and its number: a rejected request asks for a later one.
    session: Option<(Session, Option<Instant>)>,
    number: u64,
    version_checked: bool,
    /// A sign-in that was rejected, and until when it is not tried again: many branches with one
    /// wrong password must not lock the account.
    rejected: Option<(Fault, Instant)>,
}

/// How long a rejected sign-in is not tried again.
const REST: Duration = Duration::from_secs(30);

impl SessionKeeper {
    /// A keeper without a session.
    pub fn new(target: &Target, secrets: Arc<Secrets>) -> Self {
        Self { target: target.clone(), scheme: scheme(target), secrets, state: Mutex::default() }
    }

    /// The scheme's view of a rejected request.
    pub fn scheme(&self) -> &dyn SignIn {
        &*self.scheme
    }

    /// A session that holds, with its number; a new one if `rejected` is the number of the present.
    ///
    /// # Errors
    /// What signing in came to.
    pub async fn session(&self, transport: &dyn Transport, rejected: Option<u64>) -> Result<(Session, u64), Fault> {
        let mut state = self.state.lock().await;
        let number = state.number;
        if let Some((session, ends)) = &state.session
            && ends.is_none_or(|ends| Instant::now() < ends)
            && rejected != Some(number)
        {
            return Ok((session.clone(), number));
        }
        if let Some((fault, until)) = &state.rejected
            && Instant::now() < *until
        {
            return Err(fault.clone());
        }
        let session = match self.sign_in(transport).await {
            Ok(session) => session,
            Err(fault) => {
                if fault.kind == FaultKind::Auth && fault.status.is_some() && !fault.retryable {
                    state.rejected = Some((fault.clone(), Instant::now() + REST));
                }
                return Err(fault);
            }
        };
        if !state.version_checked
            && let Some(path) = self.scheme.version_path()
        {
            self.compare_version(transport, &session, path).await?;
            state.version_checked = true;
        }
        let ends = session.lasts.map(|lasts| Instant::now() + lasts);
        state.session = Some((session.clone(), ends));
        state.number += 1;
        Ok((session, state.number))
    }

    async fn sign_in(&self, transport: &dyn Transport) -> Result<Session, Fault> {
        let request = match self.scheme.begin(&self.secrets)? {
            Login::Ready(session) => return Ok(session),
            Login::Ask(request) => request,
        };
        let outgoing = self.outgoing(request, self.target.timeout);
        let answer = transport.send(outgoing).await.map_err(|error| {
            let mut fault = error.fault();
            if fault.kind == FaultKind::Limit {
                // The target's own limit is another one.
                fault.message = "the answer is larger than a megabyte: is this the address of the service?".into();
            }
            fault.message = format!("signing in failed: {}", fault.message);
            fault.on(&self.target.name)
        })?;
        let session = self.scheme.read(&seen(&answer), &self.secrets);
        // A service that is busy has rejected nobody: what it asks for is waited out, as for a call.
        session.map_err(|fault| match (answer.status, &answer.retry_after) {
            (429 | 502..=504, None) => fault.retryable(),
            (429 | 502..=504, Some(after)) => fault.retryable().with_detail("retry_after", after.as_str()),
            _ => fault,
        })
    }

    /// A request of the scheme, as it goes out.
    fn outgoing(&self, request: LoginRequest, timeout: Duration) -> Outgoing {
        let text = |(name, value): &(&'static str, Secret)| ((*name).to_owned(), value.expose().to_owned());
        Outgoing {
            method: request.method,
            url: request.url,
            headers: request.headers.iter().map(text).collect(),
            body: match request.body {
                LoginBody::None => WireBody::None,
                LoginBody::Json(json) => WireBody::Json(json.expose().to_owned().into()),
                LoginBody::Form(fields) => {
                    let pairs = fields.iter().map(|(name, value)| (*name, value.expose()));
                    WireBody::Form(url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish())
                }
                LoginBody::Multipart(fields) => WireBody::Multipart(
                    fields
                        .iter()
                        .map(text)
                        .map(|(name, value)| WirePart { name, content: PartContent::Text(value) })
                        .collect(),
                ),
            },
            timeout,
            max_answer: 1 << 20,
            accepts: &[],
            progress: None,
            save_to: None,
        }
    }

    /// Takes over the session that an answer brings, if it brings one.
    pub async fn take_over(&self, answer: &Incoming) {
        let Some(session) = self.scheme.renewed(&seen(answer), &self.secrets) else { return };
        let mut state = self.state.lock().await;
        let ends = session.lasts.map(|lasts| Instant::now() + lasts);
        state.session = Some((session, ends));
        state.number += 1;
    }

    /// Forgets a session that was rejected, so that the next request signs in anew.
    pub async fn forget(&self, number: u64) {
        let mut state = self.state.lock().await;
        if state.number == number {
            state.session = None;
        }
    }

    /// Ends the session, where the vendor has a way to. What becomes of it does no harm: the
    /// appliance forgets an idle session by itself.
    pub async fn sign_out(&self, transport: &dyn Transport) {
        let session = self.state.lock().await.session.take();
        let Some(request) = session.and_then(|(session, _)| self.scheme.sign_out(&session)) else { return };
        let outgoing = self.outgoing(request, self.target.timeout.min(Duration::from_secs(3)));
        let _harmless = transport.send(outgoing).await;
    }

    async fn compare_version(&self, transport: &dyn Transport, session: &Session, path: &str) -> Result<(), Fault> {
        let mut url = self.target.url.clone();
        url.set_path(&format!("{}{path}", self.target.url.path().trim_end_matches('/')));
        let outgoing = Outgoing {
            method: "GET",
            url,
            headers: headers(session),
            body: WireBody::None,
            timeout: self.target.timeout.min(Duration::from_secs(30)),
            max_answer: 1 << 20,
            accepts: &[],
            progress: None,
            save_to: None,
        };
        match transport.send(outgoing).await {
            Ok(answer) if (200..300).contains(&answer.status) => self.scheme.check_version(&answer.body),
            Ok(answer) if answer.status == 401 => Err(self.scheme.rejected(&seen(&answer))),
            // An appliance that does not tell its version is not thereby a wrong one.
            Ok(_) => Ok(()),
            Err(error) => Err(error.fault()),
        }
    }
}

/// The headers that a session adds.
pub fn headers(session: &Session) -> Vec<(String, String)> {
    session.headers.iter().map(|(name, value)| ((*name).to_owned(), value.expose().to_owned())).collect()
}

/// An answer's outside, as schemes look at it.
pub fn seen(answer: &Incoming) -> Seen<'_> {
    Seen { status: answer.status, body: &answer.body, challenges: &answer.challenges, headers: &answer.headers }
}
