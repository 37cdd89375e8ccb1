//! Requests to hosts that are no targets: `http_get` and `http_post`, to allowed hosts only.

use std::sync::OnceLock;
use std::time::Duration;

use url::Url;

use super::judge::judge;
use crate::catalog::{Effect, WireBody, json_body};
use crate::config::Tls;
use crate::door::HttpAnswer;
use crate::door::halt::Halt;
use crate::door::transport::{CONNECT, HttpTransport, Origin, Outgoing, SendError, Transport};
use crate::fault::{Failure, Fault, FaultKind, Stop};
use crate::value::{Map, Value};

/// The hosts that scripts may reach, and the client for them.
pub struct Hosts {
    allow: Vec<String>,
    client: OnceLock<HttpTransport>,
}

impl Hosts {
    /// Hosts as `[http] allow` lists them: `feeds.example.net`, `*.example.net`, with `:port` if it
    /// is not the scheme's own.
    pub fn new(allow: Vec<String>) -> Self {
        Self { allow, client: OnceLock::new() }
    }

    /// The URL, if its host is allowed.
    ///
    /// # Errors
    /// `invalid` for what is no URL, `refused` for another host.
    pub fn admit(&self, text: &str) -> Result<Url, Fault> {
        let url =
            Url::parse(text).map_err(|error| Fault::new(FaultKind::Invalid, format!("'{text}' is no URL: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") || !url.username().is_empty() || url.password().is_some() {
            return Err(Fault::new(
                FaultKind::Invalid,
                format!("'{text}' must be http:// or https://, without a user name"),
            ));
        }
        let host = url.host_str().unwrap_or_default().to_lowercase();
        let port = url.port_or_known_default();
        let allowed = self.allow.iter().any(|entry| {
            let (name, wanted) = match entry.rsplit_once(':') {
                Some((name, digits)) if digits.bytes().all(|byte| byte.is_ascii_digit()) => (name, digits.parse().ok()),
                _ => (entry.as_str(), None),
            };
            let name = name.to_lowercase();
            let fits = match name.strip_prefix("*.") {
                Some(suffix) => host.strip_suffix(suffix).is_some_and(|rest| rest.ends_with('.')),
                None => host == name,
            };
            fits && wanted.map_or(url.port().is_none(), |wanted| port == Some(wanted))
        });
        if allowed {
            return Ok(url);
        }
        let place = url.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}"));
        Err(Fault::new(
            FaultKind::Refused,
            format!("{place} may not be reached: add \"{place}\" to [http] allow in beadle.toml"),
        ))
    }

    /// Sends one request. Nothing is sent again: what a host outside does with it is not known.
    ///
    /// # Errors
    /// As [`Hosts::admit`], and what the line or the host came to.
    pub async fn fetch(
        &self,
        method: &'static str,
        url: &str,
        options: &Map,
        halt: &Halt,
    ) -> Result<HttpAnswer, Failure> {
        let url = self.admit(url)?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let client = match self.client.get() {
            Some(client) => client,
            None => {
                let opened = HttpTransport::open(Origin {
                    name: "http".into(),
                    tls: Tls::System,
                    identity: None,
                    proxy: None,
                    connect: CONNECT,
                })?;
                self.client.get_or_init(|| opened)
            }
        };
        let outgoing = outgoing(method, url, options)?;
        let effect = if method == "GET" { Effect::Read } else { Effect::Change };
        let sent = if effect == Effect::Read {
            halt.or(client.send(outgoing)).await?
        } else {
            halt.check()?;
            let ended = || Err(SendError::Lost(Fault::new(FaultKind::Timeout, "the run ended before the answer came")));
            halt.or_grace(client.send(outgoing)).await.unwrap_or_else(ended)
        };
        let answer = match sent {
            Ok(answer) => answer,
            Err(SendError::Lost(fault)) if effect != Effect::Read => {
                return Err(Stop::Uncertain(Box::new(fault.on(&host))).into());
            }
            Err(error) => return Err(error.fault().on(&host).into()),
        };
        match judge(None, effect, &answer) {
            Some(fault) => Err(fault.on(&host).into()),
            None => Ok(HttpAnswer {
                status: answer.status,
                content_type: answer.content_type,
                body: answer.body,
                row: None,
                assumed: false,
                handles: false,
            }),
        }
    }
}

fn outgoing(method: &'static str, url: Url, options: &Map) -> Result<Outgoing, Fault> {
    let invalid = |message: String| Fault::new(FaultKind::Invalid, message);
    let mut headers = Vec::new();
    let mut body = WireBody::None;
    let mut timeout = Duration::from_secs(30);
    for (name, value) in options {
        match (name.as_str(), value) {
            ("headers", Value::Map(map)) => {
                for (name, value) in map {
                    let text = match value {
                        Value::Text(text) => text.clone(),
                        Value::Secret(secret) => secret.expose().to_owned(),
                        other => other.to_json().to_string(),
                    };
                    headers.push((name.clone(), text));
                }
            }
            ("timeout", Value::Text(text)) => timeout = crate::duration::parse_std(text).map_err(invalid)?,
            ("timeout", Value::Duration(length)) => timeout = crate::duration::to_std(*length),
            ("json", value) if method == "POST" => body = json_body(value),
            ("body", Value::Text(text)) if method == "POST" => {
                body = WireBody::Text(text.clone());
            }
            (other, _) => {
                let known = ["headers", "timeout", "json", "body"];
                let hint = crate::nearest::did_you_mean(other, known);
                return Err(invalid(format!(
                    "'{other}' is not an option here.{hint} Options: headers, timeout; for http_post json or body"
                )));
            }
        }
    }
    Ok(Outgoing {
        method,
        url,
        headers,
        body,
        timeout,
        max_answer: 256 << 20,
        accepts: &[],
        progress: None,
        save_to: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_hosts_are_reached() {
        let hosts = Hosts::new(vec!["feeds.example.net".into(), "*.example.org".into(), "127.0.0.1:8080".into()]);
        for url in ["https://feeds.example.net/x", "http://a.example.org/", "http://127.0.0.1:8080/list"] {
            assert!(hosts.admit(url).is_ok(), "{url}");
        }
        for url in [
            "https://example.org/",
            "https://feeds.example.net:444/",
            "https://evilexample.org/",
            "http://127.0.0.1/",
            "file:///etc/passwd",
        ] {
            assert!(hosts.admit(url).is_err(), "{url}");
        }
    }
}
