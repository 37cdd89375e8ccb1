//! Signing in at Spectra Detect: a token, given or asked for.

use crate::config::{Secrets, Target};
use crate::fault::{Fault, FaultKind};
use crate::secret::Secret;
use crate::vendors::sign_in::{Login, LoginBody, LoginRequest, Seen, Session, SignIn, below, fetch, rejected};

/// A token of the Manager comes from a login with a multipart form, or from the configuration; those
/// of Workers and Hubs are set in their own configuration, so that they can only be given.
#[derive(Debug)]
pub struct Token {
    target: Target,
}

impl Token {
    /// The scheme for a target.
    pub fn new(target: &Target) -> Self {
        Self { target: target.clone() }
    }

    fn fault(&self, message: impl Into<String>) -> Fault {
        Fault::new(FaultKind::Auth, message).on(&self.target.name).during("auth_token")
    }

    fn session(token: &Secret) -> Session {
        let value = Secret::new(token.reference(), format!("Token {}", token.expose()));
        Session { headers: vec![("authorization", value)], lasts: None }
    }

    fn given(&self) -> bool {
        self.target.auth.token.is_some()
    }
}

impl SignIn for Token {
    fn begin(&self, secrets: &Secrets) -> Result<Login, Fault> {
        if self.given() {
            let token = fetch(&self.target, "token", self.target.auth.token.as_ref(), secrets)?;
            return Ok(Login::Ready(Self::session(&token)));
        }
        let user = fetch(&self.target, "username", self.target.auth.username.as_ref(), secrets)?;
        let password = fetch(&self.target, "password", self.target.auth.password.as_ref(), secrets)?;
        Ok(Login::Ask(LoginRequest {
            method: "POST",
            url: below(&self.target, "/api/v1/auth/token/"),
            headers: Vec::new(),
            body: LoginBody::Multipart(vec![("username", user), ("password", password)]),
        }))
    }

    fn read(&self, answer: &Seen<'_>, secrets: &Secrets) -> Result<Session, Fault> {
        let json = answer.json();
        let said = json
            .pointer("/non_field_errors/0")
            .or_else(|| json.get("detail"))
            .and_then(serde_json::Value::as_str)
            .map(|text| format!(": {text}"))
            .unwrap_or_default();
        match answer.status {
            200..=299 => {}
            // The framework's stock answer to a wrong password is 400.
            status @ (400 | 401 | 403) => {
                return Err(self
                    .fault(format!("user name or password were rejected (status {status}){said}"))
                    .with_status(status));
            }
            404 => {
                return Err(self
                    .fault("there is no login at this address (status 404): only a Manager has one; a Worker or Hub needs auth.token")
                    .with_status(404));
            }
            status => {
                return Err(self
                    .fault(format!("the login was answered with status {status}{said}"))
                    .with_status(status));
            }
        }
        let token = json.get("token").and_then(serde_json::Value::as_str).filter(|token| !token.is_empty());
        let Some(token) = token else { return Err(self.fault("the login was answered without a token")) };
        let token = Secret::new("spectra token", token);
        secrets.masker().learn(&token);
        Ok(Self::session(&token))
    }

    fn rejected(&self, answer: &Seen<'_>) -> Fault {
        let json = answer.json();
        let said = json.get("detail").and_then(serde_json::Value::as_str).map(|text| format!(": {text}"));
        let what = match (answer.status, self.given()) {
            (403, _) => "the account has no right to this call",
            (_, true) => "the token was rejected",
            (_, false) => "the appliance rejected the token",
        };
        rejected(&self.target, answer, &format!("{what}{}", said.unwrap_or_default()))
    }

    fn renews(&self) -> bool {
        !self.given()
    }

    fn repeats_changes(&self) -> bool {
        false
    }
}
