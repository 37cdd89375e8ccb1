//! Signing in at SPS: a login opens a session, which a cookie carries.

use crate::config::{Secrets, Target};
use crate::fault::{Fault, FaultKind};
use crate::secret::Secret;
use crate::vendors::sign_in::{Login, LoginBody, LoginRequest, Seen, Session, SignIn, basic_session, below, rejected};

/// The cookie that carries the session; others are not kept.
const COOKIE: &str = "session_id=";

/// A GET with HTTP Basic, or with a client certificate, opens the session.
#[derive(Debug)]
pub struct Cookie {
    target: Target,
}

impl Cookie {
    /// The scheme for a target.
    pub fn new(target: &Target) -> Self {
        Self { target: target.clone() }
    }

    fn fault(&self, message: impl Into<String>) -> Fault {
        Fault::new(FaultKind::Auth, message).on(&self.target.name).during("login")
    }

    fn by_certificate(&self) -> bool {
        self.target.auth.method == "certificate"
    }
}

/// The appliance's own words: `error.type` and `error.message`.
fn said(answer: &Seen<'_>) -> String {
    let json = answer.json();
    let text = |path: &str| json.pointer(path).and_then(serde_json::Value::as_str).map(str::to_owned);
    [text("/error/type"), text("/error/message")].into_iter().flatten().collect::<Vec<_>>().join(": ")
}

impl SignIn for Cookie {
    fn begin(&self, secrets: &Secrets) -> Result<Login, Fault> {
        let mut url = below(&self.target, "/api/authentication");
        let mut headers = vec![("accept", Secret::new("literal", "application/json"))];
        if self.by_certificate() {
            url.query_pairs_mut().append_pair("type", "x509");
        } else {
            headers.extend(basic_session(&self.target, secrets)?.headers);
        }
        if let Some(method) = &self.target.auth.login_method {
            url.query_pairs_mut().append_pair("login_method", method);
        }
        Ok(Login::Ask(LoginRequest { method: "GET", url, headers, body: LoginBody::None }))
    }

    fn read(&self, answer: &Seen<'_>, secrets: &Secrets) -> Result<Session, Fault> {
        let said = said(answer);
        let said = if said.is_empty() { String::new() } else { format!(" ({said})") };
        match answer.status {
            200..=299 => {}
            401 if self.by_certificate() => {
                return Err(self
                    .fault(format!("the client certificate was rejected (status 401){said}"))
                    .with_status(401));
            }
            401 => {
                let hint = if self.target.auth.login_method.is_none() {
                    ". Where LDAP is the default, a local account needs login_method = \"local\""
                } else {
                    ""
                };
                return Err(self
                    .fault(format!("user name or password were rejected (status 401){said}{hint}"))
                    .with_status(401));
            }
            403 => {
                return Err(self
                    .fault(format!(
                        "the account may not use the REST server: it needs that privilege (status 403){said}"
                    ))
                    .with_status(403));
            }
            status => {
                return Err(self
                    .fault(format!("the login was answered with status {status}{said}"))
                    .with_status(status));
            }
        }
        let cookies = answer.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
        let mut values = cookies.filter_map(|cookie| cookie.split(';').next()?.trim().strip_prefix(COOKIE));
        let Some(value) = values.find(|value| !value.is_empty()) else {
            return Err(self.fault(
                "the login was answered without the cookie session_id. A login by SAML2 or with a one-time password needs a browser: choose another login_method",
            ));
        };
        let value = Secret::new("sps session", value);
        secrets.masker().learn(&value);
        let cookie = Secret::new("sps session", format!("{COOKIE}{}", value.expose()));
        Ok(Session { headers: vec![("cookie", cookie)], lasts: None })
    }

    fn rejected(&self, answer: &Seen<'_>) -> Fault {
        let said = said(answer);
        let said = if said.is_empty() { String::new() } else { format!(" ({said})") };
        let what = if answer.status == 403 {
            format!("the account has no right to this call{said}")
        } else {
            format!("the appliance rejected the session, a new one as well: do the clocks agree?{said}")
        };
        rejected(&self.target, answer, &what)
    }

    fn renews(&self) -> bool {
        true
    }

    fn sign_out(&self, session: &Session) -> Option<LoginRequest> {
        let mut headers = session.headers.clone();
        headers.push(("accept", Secret::new("literal", "application/json")));
        Some(LoginRequest {
            method: "DELETE",
            url: below(&self.target, "/api/authentication"),
            headers,
            body: LoginBody::None,
        })
    }
}
