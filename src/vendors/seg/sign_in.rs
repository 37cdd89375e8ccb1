//! Signing in at SEG: the token service of generation 10, Basic with a Windows account on 8.

use std::fmt::Write;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::config::{Secrets, Target};
use crate::fault::{Fault, FaultKind};
use crate::secret::Secret;
use crate::vendors::sign_in::{Login, LoginBody, LoginRequest, Seen, Session, SignIn, basic_session, fetch, rejected};

/// Generation 10: a form to the token service on its own port gives a token for the API.
///
/// The password travels as the lower-case hex SHA-256 of its UTF-8 bytes (public client code; a
/// partner's page asks for a "hash password" as well). The hash is as good as the password.
#[derive(Debug)]
pub struct Token {
    target: Target,
}

impl Token {
    /// The scheme for a target.
    pub fn new(target: &Target) -> Self {
        Self { target: target.clone() }
    }

    fn fault(&self, message: String) -> Fault {
        Fault::new(FaultKind::Auth, message).on(&self.target.name).during("token")
    }

    fn service(&self) -> String {
        self.target.auth.token_url.as_ref().map_or_else(|| "(none)".into(), ToString::to_string)
    }
}

impl SignIn for Token {
    fn begin(&self, secrets: &Secrets) -> Result<Login, Fault> {
        let user = fetch(&self.target, "username", self.target.auth.username.as_ref(), secrets)?;
        let password = fetch(&self.target, "password", self.target.auth.password.as_ref(), secrets)?;
        let mut hash = String::with_capacity(64);
        for byte in Sha256::digest(password.expose()) {
            let _infallible = write!(hash, "{byte:02x}");
        }
        let hash = Secret::new(password.reference(), hash);
        secrets.masker().learn(&hash);
        let url = self.target.auth.token_url.clone();
        let url = url.ok_or_else(|| self.fault("auth.token_url is missing".into()))?;
        let form = vec![("grant_type", Secret::new("literal", "password")), ("username", user), ("password", hash)];
        Ok(Login::Ask(LoginRequest { method: "POST", url, headers: Vec::new(), body: LoginBody::Form(form) }))
    }

    fn read(&self, answer: &Seen<'_>, secrets: &Secrets) -> Result<Session, Fault> {
        let service = self.service();
        let json: Option<serde_json::Value> = serde_json::from_slice(answer.body).ok();
        let error = json.as_ref().and_then(|json| json.get("error")).and_then(serde_json::Value::as_str);
        match (answer.status, error) {
            (200..=299, None) => {}
            (400 | 401 | 403, Some("invalid_grant")) | (401 | 403, _) => {
                return Err(self
                    .fault(format!(
                        "the token service at {service} rejected user name or password (status {}). It wants a local \
                         MailMarshal account; Windows accounts do not work",
                        answer.status
                    ))
                    .with_status(answer.status));
            }
            (404, _) => {
                return Err(self
                    .fault(format!(
                        "there is no token service at {service} (status 404): it is on the configuration port, 19007 by \
                         default; set auth.token_url if yours differs"
                    ))
                    .with_status(404));
            }
            (status, error) => {
                let error = error.map(|error| format!(": {error}")).unwrap_or_default();
                return Err(self
                    .fault(format!("the token service at {service} answered with status {status}{error}"))
                    .with_status(status));
            }
        }
        let Some(json) = json else {
            return Err(self.fault(format!(
                "the token service at {service} did not answer with JSON: is it the right port? The API's port is another"
            )));
        };
        let token = json.get("access_token").and_then(serde_json::Value::as_str).filter(|token| !token.is_empty());
        let Some(token) = token else {
            return Err(self.fault(format!("the token service at {service} answered without an access_token")));
        };
        let token = Secret::new("seg token", token);
        secrets.masker().learn(&token);
        let seconds = json.get("expires_in").and_then(|value| match value {
            serde_json::Value::Number(number) => number.as_f64(),
            serde_json::Value::String(text) => text.trim().parse::<f64>().ok(),
            _ => None,
        });
        // What is no number of seconds says nothing: the token is used until it is rejected.
        let seconds = seconds.filter(|seconds: &f64| seconds.is_finite());
        Ok(Session {
            headers: vec![("authorization", Secret::new("seg token", format!("Bearer {}", token.expose())))],
            lasts: seconds.map(|seconds| {
                // A tenth of its life, at most a minute, is kept as a margin for clocks and slow lines.
                let seconds = seconds.clamp(0.0, 31_536_000.0);
                Duration::from_secs_f64(seconds - (seconds / 10.0).min(60.0))
            }),
        })
    }

    fn rejected(&self, answer: &Seen<'_>) -> Fault {
        let what = if answer.status == 403 {
            "the account has no right to this call"
        } else {
            "the appliance rejected the token, a new one as well"
        };
        rejected(&self.target, answer, what)
    }

    fn renews(&self) -> bool {
        true
    }

    fn version_path(&self) -> Option<&'static str> {
        Some("/seg/api/version")
    }

    fn check_version(&self, body: &[u8]) -> Result<(), Fault> {
        let json: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
        let Some(version) = json.get("productVersion").and_then(serde_json::Value::as_str) else { return Ok(()) };
        let configured = self.target.version.as_deref().unwrap_or("10");
        if version.split('.').next() == Some(configured) {
            return Ok(());
        }
        Err(Fault::new(
            FaultKind::Auth,
            format!(
                "the appliance says that it is version {version}, and [targets.{}] says version = \"{configured}\": correct it",
                self.target.name
            ),
        )
        .on(&self.target.name)
        .with_detail("version", version))
    }
}

/// Generation 8: HTTP Basic with a Windows account, for a batch logon on the server needs the
/// clear password. Which scheme the product offers is not published.
#[derive(Debug)]
pub struct Windows {
    target: Target,
}

impl Windows {
    /// The scheme for a target.
    pub fn new(target: &Target) -> Self {
        Self { target: target.clone() }
    }
}

impl SignIn for Windows {
    fn begin(&self, secrets: &Secrets) -> Result<Login, Fault> {
        basic_session(&self.target, secrets).map(Login::Ready)
    }

    fn read(&self, _answer: &Seen<'_>, secrets: &Secrets) -> Result<Session, Fault> {
        basic_session(&self.target, secrets)
    }

    fn rejected(&self, answer: &Seen<'_>) -> Fault {
        let schemes: Vec<String> = answer
            .challenges
            .iter()
            .flat_map(|header| header.split(','))
            .filter_map(|challenge| challenge.split_whitespace().next().map(str::to_lowercase))
            .collect();
        let offers = |scheme: &str| schemes.iter().any(|offered| offered == scheme);
        if !offers("basic") && (offers("ntlm") || offers("negotiate")) {
            return rejected(
                &self.target,
                answer,
                "the appliance offers Windows authentication (NTLM or Negotiate) only, which Beadle does not speak: \
                 switch on Basic for its HTTPS interface, or put a gateway before it that signs in",
            );
        }
        if answer.status == 401 && !offers("basic") {
            return rejected(
                &self.target,
                answer,
                "the appliance offers no Basic: if it is of generation 10, set version = \"10\" and auth.method = \"token\"",
            );
        }
        let what = if answer.status == 403 {
            "the account has no right to this call"
        } else {
            "user name or password were rejected: write the user as DOMAIN\\user, and give the account the right to log \
             on as a batch job"
        };
        rejected(&self.target, answer, what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Auth, Tls};
    use crate::secret::Masker;

    fn token() -> Token {
        Token::new(&Target {
            name: "seg".into(),
            vendor: "seg".into(),
            url: "https://seg.example.com:19006".parse().unwrap(),
            version: Some("10".into()),
            product: None,
            spellings: std::collections::BTreeMap::new(),
            auth: Auth { method: "token".into(), ..Auth::default() },
            tls: Tls::System,
            proxy: None,
            tags: Vec::new(),
            timeout: Duration::from_secs(30),
            max_in_flight: 4,
            rate: None,
            max_answer: 1 << 20,
            allow: std::collections::BTreeSet::new(),
            experimental: false,
        })
    }

    fn lasts(expires_in: &str) -> Option<Duration> {
        let body = format!("{{\"access_token\": \"abcdefgh\", \"expires_in\": {expires_in}}}");
        let seen = Seen { status: 200, body: body.as_bytes(), challenges: &[], headers: &http::HeaderMap::new() };
        token().read(&seen, &Secrets::new(Masker::new())).unwrap().lasts
    }

    #[test]
    fn a_tokens_life_has_a_margin_and_survives_nonsense() {
        assert_eq!(lasts("3600"), Some(Duration::from_secs(3540)));
        assert_eq!(lasts("\"100\""), Some(Duration::from_secs(90)));
        assert_eq!(lasts("-5"), Some(Duration::ZERO));
        for nonsense in ["\"NaN\"", "\"inf\"", "null", "[]", "\"soon\""] {
            assert_eq!(lasts(nonsense), None, "{nonsense}");
        }
    }
}
