//! Signing in, as the vendors want it: what to ask, what to read from the answer, what to send then.
//!
//! A scheme does no HTTP of its own; the door drives it.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use url::Url;

use crate::config::{SecretSource, Secrets, Target};
use crate::fault::{Fault, FaultKind};
use crate::secret::Secret;

/// A request that signs in, or out.
#[derive(Clone, Debug)]
pub struct LoginRequest {
    /// The HTTP method.
    pub method: &'static str,
    /// The whole URL; its host may differ from the API's in its port only.
    pub url: Url,
    /// Headers by name.
    pub headers: Vec<(&'static str, Secret)>,
    /// The body.
    pub body: LoginBody,
}

/// The body of a request that signs in.
#[derive(Clone, Debug)]
pub enum LoginBody {
    /// None.
    None,
    /// The fields of an `application/x-www-form-urlencoded` body; values are secrets.
    Form(Vec<(&'static str, Secret)>),
    /// The fields of a `multipart/form-data` body.
    Multipart(Vec<(&'static str, Secret)>),
    /// A JSON text.
    Json(Secret),
}

/// What an API request carries.
#[derive(Clone, Debug)]
pub struct Session {
    /// Headers by name.
    pub headers: Vec<(&'static str, Secret)>,
    /// How long it holds, less a margin; `None` for as long as nothing says otherwise.
    pub lasts: Option<Duration>,
}

/// How to begin.
#[derive(Clone, Debug)]
pub enum Login {
    /// Nothing needs to be asked.
    Ready(Session),
    /// Ask this first.
    Ask(LoginRequest),
}

/// An answer's outside, as schemes look at it.
#[derive(Clone, Debug)]
pub struct Seen<'a> {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: &'a [u8],
    /// Every `WWW-Authenticate` header.
    pub challenges: &'a [String],
    /// Every header.
    pub headers: &'a http::HeaderMap,
}

impl Seen<'_> {
    /// The body as JSON; `null` if it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(self.body).unwrap_or_default()
    }
}

/// A way of signing in at one target.
pub trait SignIn: Send + Sync {
    /// Begins.
    ///
    /// # Errors
    /// `auth`, when a secret cannot be had.
    fn begin(&self, secrets: &Secrets) -> Result<Login, Fault>;

    /// Reads the answer to a login request.
    ///
    /// # Errors
    /// `auth`, naming the step that failed and the cure.
    fn read(&self, answer: &Seen<'_>, secrets: &Secrets) -> Result<Session, Fault>;

    /// What a rejected API request means once the session is as new as can be.
    fn rejected(&self, answer: &Seen<'_>) -> Fault;

    /// Whether a new login may cure a rejected request.
    fn renews(&self) -> bool {
        false
    }

    /// Whether a 401 says that the session has ended, rather than that the account has no right.
    fn expired(&self, _answer: &Seen<'_>) -> bool {
        self.renews()
    }

    /// Whether a request that may change something is sent again after a new login. Where a vendor
    /// does not say that a rejected request has done nothing, it is not.
    fn repeats_changes(&self) -> bool {
        true
    }

    /// The session that an ordinary answer brings: some appliances renew a token so.
    fn renewed(&self, _answer: &Seen<'_>, _secrets: &Secrets) -> Option<Session> {
        None
    }

    /// The request that ends the session, where there is one.
    fn sign_out(&self, _session: &Session) -> Option<LoginRequest> {
        None
    }

    /// The path below the host that tells the version, if there is one to compare.
    fn version_path(&self) -> Option<&'static str> {
        None
    }

    /// Compares the version that the appliance tells with the configured one.
    ///
    /// # Errors
    /// `auth`, naming both.
    fn check_version(&self, _body: &[u8]) -> Result<(), Fault> {
        Ok(())
    }
}

/// The scheme that a target's configuration asks for.
pub fn scheme(target: &Target) -> Box<dyn SignIn> {
    match (target.vendor.as_str(), target.auth.method.as_str()) {
        ("seg", "token") => Box::new(super::seg::Token::new(target)),
        ("seg", _) => Box::new(super::seg::Windows::new(target)),
        ("asyncos", "jwt") => Box::new(super::asyncos::Jwt::new(target)),
        ("sps", "session" | "certificate") => Box::new(super::sps::Cookie::new(target)),
        ("spectra", "token") => Box::new(super::spectra::Token::new(target)),
        (_, "basic") => Box::new(Basic { target: target.clone() }),
        (_, "bearer") => Box::new(Bearer { target: target.clone() }),
        (_, "header") => Box::new(Header { target: target.clone() }),
        (_, "none") => Box::new(NoSignIn),
        // What is not known must not go out without credentials.
        _ => Box::new(Unknown { target: target.clone() }),
    }
}

/// The text of a secret that the configuration names under `key`.
///
/// # Errors
/// `auth`, naming the key and the source.
pub fn fetch(target: &Target, key: &str, source: Option<&SecretSource>, secrets: &Secrets) -> Result<Secret, Fault> {
    let wrong = |why: String| {
        Fault::new(FaultKind::Auth, format!("auth.{key} of [targets.{}] cannot be had: {why}", target.name))
            .on(&target.name)
    };
    let source = source.ok_or_else(|| wrong("it is not configured".into()))?;
    secrets.fetch(source).map_err(wrong)
}

/// The target's URL with another path below its prefix.
pub fn below(target: &Target, path: &str) -> Url {
    let mut url = target.url.clone();
    url.set_path(&format!("{}{path}", target.url.path().trim_end_matches('/')));
    url.set_query(None);
    url
}

/// The session of HTTP Basic.
///
/// # Errors
/// `auth`, when user name or password cannot be had.
pub fn basic_session(target: &Target, secrets: &Secrets) -> Result<Session, Fault> {
    let user = fetch(target, "username", target.auth.username.as_ref(), secrets)?;
    let password = fetch(target, "password", target.auth.password.as_ref(), secrets)?;
    let text = format!("Basic {}", STANDARD.encode(format!("{}:{}", user.expose(), password.expose())));
    let value = Secret::new(password.reference(), text);
    secrets.masker().learn(&value);
    if let Some(encoded) = value.expose().strip_prefix("Basic ") {
        secrets.masker().learn(&Secret::new(password.reference(), encoded));
    }
    Ok(Session { headers: vec![("authorization", value)], lasts: None })
}

/// A plain `auth` fault for a request that was rejected.
pub fn rejected(target: &Target, answer: &Seen<'_>, what: &str) -> Fault {
    Fault::new(FaultKind::Auth, format!("{what} (status {})", answer.status))
        .on(&target.name)
        .with_status(answer.status)
}

struct NoSignIn;

impl SignIn for NoSignIn {
    fn begin(&self, _secrets: &Secrets) -> Result<Login, Fault> {
        Ok(Login::Ready(Session { headers: Vec::new(), lasts: None }))
    }

    fn read(&self, _answer: &Seen<'_>, _secrets: &Secrets) -> Result<Session, Fault> {
        Ok(Session { headers: Vec::new(), lasts: None })
    }

    fn rejected(&self, answer: &Seen<'_>) -> Fault {
        Fault::new(FaultKind::Auth, "the appliance wants a sign-in, and the target has none").with_status(answer.status)
    }
}

struct Unknown {
    target: Target,
}

impl Unknown {
    fn fault(&self) -> Fault {
        let message = format!("Beadle cannot sign in by '{}' yet", self.target.auth.method);
        Fault::new(FaultKind::Auth, message).on(&self.target.name)
    }
}

impl SignIn for Unknown {
    fn begin(&self, _secrets: &Secrets) -> Result<Login, Fault> {
        Err(self.fault())
    }

    fn read(&self, _answer: &Seen<'_>, _secrets: &Secrets) -> Result<Session, Fault> {
        Err(self.fault())
    }

    fn rejected(&self, _answer: &Seen<'_>) -> Fault {
        self.fault()
    }
}

struct Basic {
    target: Target,
}

impl SignIn for Basic {
    fn begin(&self, secrets: &Secrets) -> Result<Login, Fault> {
        basic_session(&self.target, secrets).map(Login::Ready)
    }

    fn read(&self, _answer: &Seen<'_>, secrets: &Secrets) -> Result<Session, Fault> {
        basic_session(&self.target, secrets)
    }

    fn rejected(&self, answer: &Seen<'_>) -> Fault {
        rejected(&self.target, answer, "user name or password were rejected")
    }
}

/// A token in a header of the vendor's own.
struct Header {
    target: Target,
}

impl Header {
    fn session(&self, secrets: &Secrets) -> Result<Session, Fault> {
        let token = fetch(&self.target, "token", self.target.auth.token.as_ref(), secrets)?;
        Ok(Session { headers: vec![(self.target.auth.header, token)], lasts: None })
    }
}

impl SignIn for Header {
    fn begin(&self, secrets: &Secrets) -> Result<Login, Fault> {
        self.session(secrets).map(Login::Ready)
    }

    fn read(&self, _answer: &Seen<'_>, secrets: &Secrets) -> Result<Session, Fault> {
        self.session(secrets)
    }

    fn rejected(&self, answer: &Seen<'_>) -> Fault {
        rejected(&self.target, answer, &format!("the token in {} was rejected", self.target.auth.header))
    }
}

struct Bearer {
    target: Target,
}

impl Bearer {
    fn session(&self, secrets: &Secrets) -> Result<Session, Fault> {
        let token = fetch(&self.target, "token", self.target.auth.token.as_ref(), secrets)?;
        let value = Secret::new(token.reference(), format!("Bearer {}", token.expose()));
        Ok(Session { headers: vec![("authorization", value)], lasts: None })
    }
}

impl SignIn for Bearer {
    fn begin(&self, secrets: &Secrets) -> Result<Login, Fault> {
        self.session(secrets).map(Login::Ready)
    }

    fn read(&self, _answer: &Seen<'_>, secrets: &Secrets) -> Result<Session, Fault> {
        self.session(secrets)
    }

    fn rejected(&self, answer: &Seen<'_>) -> Fault {
        rejected(&self.target, answer, "the token was rejected")
    }
}
