//! A channel to a webhook: a JSON document, posted.

use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Map, Value as Json};

use super::message::members;
use super::undelivered::Undelivered;
use crate::catalog::WireBody;
use crate::config::channels::usable_url;
use crate::config::{SecretSource, Tls, Webhook};
use crate::door::transport::{HttpTransport, Incoming, Origin, Outgoing, SendError, Transport};

/// How much of an answer is read: what a webhook says is for nobody.
const ANSWER: u64 = 1 << 20;

/// A webhook and the line to it.
pub(super) struct Hook {
    name: String,
    config: Webhook,
    line: OnceLock<HttpTransport>,
}

/// A webhook's secrets, fetched.
pub(super) struct Opened {
    url: String,
    headers: Vec<(String, String)>,
}

impl Hook {
    pub(super) fn new(name: &str, config: Webhook) -> Self {
        Self { name: name.to_owned(), config, line: OnceLock::new() }
    }

    /// Where its secrets come from.
    pub(super) fn sources(&self) -> Vec<SecretSource> {
        let config = &self.config;
        config.headers.values().chain(&config.token).chain([&config.url]).cloned().collect()
    }

    /// Fetches what its URL and headers are made of.
    pub(super) fn open(&self, fetch: &dyn Fn(&SecretSource) -> Result<String, String>) -> Result<Opened, String> {
        let config = &self.config;
        let mut headers = Vec::new();
        for (name, source) in &config.headers {
            headers.push((name.clone(), fetch(source)?));
        }
        if let Some(token) = &config.token {
            headers.push(("Authorization".into(), format!("Bearer {}", fetch(token)?)));
        }
        Ok(Opened { url: fetch(&config.url)?, headers })
    }

    /// Posts a document.
    pub(super) async fn post(
        &self,
        opened: &Opened,
        document: &Map<String, Json>,
        timeout: Duration,
    ) -> Result<(), Undelivered> {
        let plain = self.config.tls == Tls::Plain;
        let url = usable_url(&opened.url, plain).map_err(|why| Undelivered::for_good(format!("its url {why}")))?;
        let body = match &self.config.body {
            Some(template) => template.fill(&members(document)),
            None => Json::Object(document.clone()),
        };
        let outgoing = Outgoing {
            method: "POST",
            url,
            headers: opened.headers.clone(),
            body: WireBody::Json(body.to_string().into()),
            timeout,
            max_answer: ANSWER,
            accepts: &[],
            progress: None,
            save_to: None,
        };
        match self.line(timeout)?.send(outgoing).await {
            Ok(answer) => judge(&answer),
            Err(SendError::NotSent(fault)) => {
                Err(Undelivered { again: fault.retryable, ..Undelivered::for_good(fault.message) })
            }
            Err(SendError::Lost(fault)) => {
                Err(Undelivered { again: fault.retryable, ..Undelivered::for_good(fault.message).lost(true) })
            }
            Err(SendError::Unusable(fault)) => Err(Undelivered::for_good(fault.message).lost(true)),
        }
    }

    fn line(&self, timeout: Duration) -> Result<&HttpTransport, Undelivered> {
        if let Some(line) = self.line.get() {
            return Ok(line);
        }
        let opened = HttpTransport::open(Origin {
            name: self.name.clone(),
            tls: self.config.tls.clone(),
            identity: None,
            proxy: self.config.proxy.clone(),
            connect: timeout.mul_f64(0.4),
        });
        let opened = opened.map_err(|fault| Undelivered::for_good(fault.message))?;
        Ok(self.line.get_or_init(|| opened))
    }
}

fn judge(answer: &Incoming) -> Result<(), Undelivered> {
    let status = answer.status;
    let why = || format!("the webhook answered with status {status}");
    match status {
        200..=299 => Ok(()),
        408 | 425 | 429 | 500..=599 => {
            let after = answer.retry_after.as_deref().and_then(|text| text.trim().parse().ok());
            Err(Undelivered { after: after.map(Duration::from_secs), ..Undelivered::for_now(why()) })
        }
        _ => Err(Undelivered::for_good(why())),
    }
}
