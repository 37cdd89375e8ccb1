//! Signing in at AsyncOS by JWT. Basic is every vendor's.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::config::{Secrets, Target};
use crate::fault::{Fault, FaultKind};
use crate::secret::Secret;
use crate::vendors::sign_in::{Login, LoginBody, LoginRequest, Seen, Session, SignIn, below, fetch, rejected};

/// The header that carries the token, both ways.
const HEADER: &str = "jwttoken";

/// A login with user name and passphrase, each in Base64 by itself, gives a token.
///
/// How long it holds is a setting of the appliance, so that no timer can know it: a token that is
/// near its end is renewed by a header of any answer, and a rejected one by one new login. Cookies
/// are not kept: an old one spoils the next login (public client code).
#[derive(Debug)]
pub struct Jwt {
    target: Target,
}

impl Jwt {
    /// The scheme for a target.
    pub fn new(target: &Target) -> Self {
        Self { target: target.clone() }
    }

    fn fault(&self, message: impl Into<String>) -> Fault {
        Fault::new(FaultKind::Auth, message).on(&self.target.name).during("login")
    }

    fn session(token: &str, secrets: &Secrets) -> Session {
        let token = Secret::new("asyncos token", token);
        secrets.masker().learn(&token);
        Session { headers: vec![(HEADER, token)], lasts: None }
    }
}

/// `error.message` of the appliance's error form.
fn message(answer: &Seen<'_>) -> String {
    let json = answer.json();
    json.pointer("/error/message").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
}

impl SignIn for Jwt {
    fn begin(&self, secrets: &Secrets) -> Result<Login, Fault> {
        let user = fetch(&self.target, "username", self.target.auth.username.as_ref(), secrets)?;
        let password = fetch(&self.target, "password", self.target.auth.password.as_ref(), secrets)?;
        let encoded = Secret::new(password.reference(), STANDARD.encode(password.expose()));
        secrets.masker().learn(&encoded);
        let body = serde_json::json!({
            "data": { "userName": STANDARD.encode(user.expose()), "passphrase": encoded.expose() },
        });
        let product = self.target.product.as_deref().unwrap_or("esa");
        Ok(Login::Ask(LoginRequest {
            method: "POST",
            url: below(&self.target, &format!("/{product}/api/v2.0/login")),
            headers: vec![("accept", Secret::new("literal", "application/json, text/plain, */*"))],
            body: LoginBody::Json(Secret::new(password.reference(), body.to_string())),
        }))
    }

    fn read(&self, answer: &Seen<'_>, secrets: &Secrets) -> Result<Session, Fault> {
        let json = answer.json();
        let said = message(answer);
        match answer.status {
            200..=299 => {}
            401 => {
                let why = if said.is_empty() { String::new() } else { format!(": {said}") };
                return Err(self
                    .fault(format!("user name or passphrase were rejected (status 401){why}"))
                    .with_status(401));
            }
            404 => {
                return Err(self
                    .fault("there is no login at this address (status 404): is the port that of the API (6443), and product right?")
                    .with_status(404));
            }
            status => {
                return Err(self
                    .fault(format!("the login was answered with status {status}: {said}"))
                    .with_status(status));
            }
        }
        let second = json.pointer("/data/is2FactorRedirectRequired");
        if second.is_some_and(|value| value == "true" || value == true) {
            return Err(self
                .fault(
                    "the account needs a second factor, which a script cannot give: use an account without one for the API",
                )
                .with_status(answer.status));
        }
        match json.pointer("/data/jwtToken").and_then(serde_json::Value::as_str).filter(|token| !token.is_empty()) {
            Some(token) => Ok(Self::session(token, secrets)),
            None => Err(self.fault("the login was answered without a token: is this port the API's?")),
        }
    }

    fn rejected(&self, answer: &Seen<'_>) -> Fault {
        let said = message(answer);
        let what = if self.expired(answer) {
            "the appliance rejected the token, a new one as well"
        } else {
            "the account has no right to this call"
        };
        let what = if said.is_empty() { what.to_owned() } else { format!("{what}: {said}") };
        rejected(&self.target, answer, &what)
    }

    fn renews(&self) -> bool {
        true
    }

    fn expired(&self, answer: &Seen<'_>) -> bool {
        let said = message(answer);
        said.starts_with("ExpiredSignatureError") || said.starts_with("InvalidTokenError")
    }

    fn renewed(&self, answer: &Seen<'_>, secrets: &Secrets) -> Option<Session> {
        let token = answer.headers.get(HEADER)?.to_str().ok().filter(|token| !token.is_empty())?;
        Some(Self::session(token, secrets))
    }
}
