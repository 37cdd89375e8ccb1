//! HTTP by `reqwest`, one client for each origin of trust.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use url::Url;

use super::cause;
use super::download::Download;
use super::tls;
use super::upload;
use super::{Incoming, Outgoing, SendError, Transport};
use crate::catalog::WireBody;
use crate::config::{Target, Tls};
use crate::fault::{Fault, FaultKind};

/// How many redirects of a read are followed, all to the same origin.
const REDIRECTS: usize = 5;

/// How long the words of an appliance in the place of a file may be.
const WORDS: usize = 64 << 10;

/// How long connecting may take, handshake included.
pub const CONNECT: Duration = Duration::from_secs(10);

/// Where requests go, and how far the other side is trusted.
#[derive(Clone, Debug)]
pub struct Origin {
    /// How messages name it: the target's name, or the host.
    pub name: String,
    /// How its certificate is trusted.
    pub tls: Tls,
    /// The client certificate and its key, two PEM files, where one is shown.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// The proxy, for every request alike.
    pub proxy: Option<Url>,
    /// How long connecting may take, handshake included. It is shorter than a request may take, so
    /// that a connection that is never made is told from an answer that never comes.
    pub connect: Duration,
}

impl From<&Target> for Origin {
    fn from(target: &Target) -> Self {
        Self {
            name: target.name.clone(),
            tls: target.tls.clone(),
            identity: target.auth.cert.clone().zip(target.auth.key.clone()),
            proxy: target.proxy.clone(),
            connect: target.timeout.mul_f64(0.8).min(CONNECT),
        }
    }
}

/// Sends over HTTP. Connections are kept alive.
///
/// Proxies are taken from the configuration only: a proxy that an environment variable brings in
/// must not see an appliance's credentials by accident.
pub struct HttpTransport {
    client: reqwest::Client,
    origin: Origin,
}

impl HttpTransport {
    /// A client; it connects when it is first used.
    ///
    /// # Errors
    /// `tls` or `file`, when certificates cannot be read.
    pub fn open(origin: Origin) -> Result<Self, Fault> {
        let client = Self::client(&origin)?;
        Ok(Self { client, origin })
    }

    /// A transport for another origin of the same trust: it shares connections' upkeep, and five
    /// hundred gateways cost one client.
    #[must_use]
    pub fn sibling(&self, origin: Origin) -> Self {
        Self { client: self.client.clone(), origin }
    }

    fn client(origin: &Origin) -> Result<reqwest::Client, Fault> {
        let wrong = |error: reqwest::Error| {
            Fault::new(FaultKind::Connect, format!("no HTTP client can be made: {}", cause::root(&error)))
                .on(&origin.name)
        };
        let mut builder = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            // Whether a request may be sent again is decided by its row, and not here. What
            // `hyper-util` sends again on its own is only what never began to be written.
            .retry(reqwest::retry::never())
            .connect_timeout(origin.connect)
            .tcp_nodelay(true)
            .user_agent(concat!("beadle/", env!("CARGO_PKG_VERSION")))
            .tls_backend_preconfigured(tls::client_config(origin)?);
        if let Some(proxy) = &origin.proxy {
            builder = builder.proxy(reqwest::Proxy::all(proxy.clone()).map_err(wrong)?);
        }
        builder.build().map_err(wrong)
    }

    /// Whether both origins are trusted, reached and waited for alike.
    pub fn suits(&self, origin: &Origin) -> bool {
        let mine = &self.origin;
        mine.tls == origin.tls
            && mine.identity == origin.identity
            && mine.proxy == origin.proxy
            && mine.connect == origin.connect
    }

    async fn exchange(&self, request: Outgoing) -> Result<Incoming, SendError> {
        let deadline = tokio::time::Instant::now() + request.timeout;
        let mut url = request.url.clone();
        for _ in 0..=REDIRECTS {
            let sent = tokio::time::timeout_at(deadline, self.once(&request, &url)).await;
            let answer = sent.unwrap_or_else(|_| Err(SendError::Lost(self.too_late(&request))))?;
            let Answered::Redirect(status, location) = answer else {
                let Answered::Whole(incoming) = answer else { break };
                return Ok(incoming);
            };
            url = self.follow(&request, &url, status, &location)?;
        }
        Err(SendError::Unusable(
            Fault::new(FaultKind::Http, format!("more than {REDIRECTS} redirects in a row")).on(&self.origin.name),
        ))
    }

    async fn once(&self, request: &Outgoing, url: &Url) -> Result<Answered, SendError> {
        let method = reqwest::Method::from_bytes(request.method.as_bytes()).unwrap_or(reqwest::Method::GET);
        let mut builder = self.client.request(method, url.clone());
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        builder = match &request.body {
            // Some appliances answer 411 to a change that does not say that it has no body.
            WireBody::None if matches!(request.method, "POST" | "PUT" | "PATCH") => builder.header(CONTENT_LENGTH, 0),
            WireBody::None => builder,
            WireBody::Json(bytes) => builder.header(CONTENT_TYPE, "application/json").body(bytes.clone()),
            WireBody::Text(text) => builder.header(CONTENT_TYPE, "text/plain; charset=utf-8").body(text.clone()),
            WireBody::Form(text) => {
                builder.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(text.clone())
            }
            WireBody::Multipart(parts) => builder.multipart(
                upload::multipart(parts, request.progress.as_ref()).await.map_err(|fault| self.unsent(fault))?,
            ),
            WireBody::File(file, content_type) => {
                let (body, length) =
                    upload::body(file, request.progress.as_ref()).await.map_err(|fault| self.unsent(fault))?;
                builder.header(CONTENT_TYPE, *content_type).header(CONTENT_LENGTH, length).body(body)
            }
        };
        let mut response = builder.send().await.map_err(|error| cause::send_error(&error, &self.origin, url))?;
        let status = response.status().as_u16();
        if response.status().is_redirection()
            && !request.accepts.contains(&status)
            && let Some(location) = response.headers().get(LOCATION)
        {
            return Ok(Answered::Redirect(status, String::from_utf8_lossy(location.as_bytes()).into_owned()));
        }
        let headers = response.headers();
        let text = |name| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let mut incoming = Incoming {
            status,
            content_type: content_type(headers),
            retry_after: text(RETRY_AFTER),
            challenges: headers
                .get_all(WWW_AUTHENTICATE)
                .iter()
                .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
                .collect(),
            headers: headers.clone(),
            body: Bytes::new(),
        };
        if let Some(path) = request.save_to.as_deref().filter(|_| response.status().is_success()) {
            incoming.body = self.save(&mut response, path).await?;
            incoming.content_type = Some("application/json".into());
            return Ok(Answered::Whole(incoming));
        }
        let expected = response.content_length().unwrap_or(0).min(request.max_answer).min(64 << 20);
        let mut body = BytesMut::with_capacity(usize::try_from(expected).unwrap_or(0));
        while let Some(chunk) = response.chunk().await.map_err(|error| cause::body_error(&error, &self.origin))? {
            if body.len() as u64 + chunk.len() as u64 > request.max_answer {
                return Err(SendError::Unusable(
                    Fault::new(
                        FaultKind::Limit,
                        format!(
                            "the answer is larger than {} MB, and was not read to its end: ask for less, or raise \
                             max_answer of the target",
                            request.max_answer >> 20
                        ),
                    )
                    .on(&self.origin.name)
                    .with_status(status),
                ));
            }
            body.extend_from_slice(&chunk);
        }
        incoming.body = body.freeze();
        Ok(Answered::Whole(incoming))
    }

    /// Streams an answer to a file. A line that breaks leaves no file behind, and neither does an
    /// answer that is no file: some appliances say what is wrong with status 200.
    async fn save(&self, response: &mut reqwest::Response, path: &Path) -> Result<Bytes, SendError> {
        let unusable = |fault: Fault| SendError::Unusable(fault.on(&self.origin.name));
        let kind = content_type(response.headers()).unwrap_or_default();
        let mut beginning = Vec::new();
        if is_words(&kind) {
            while beginning.len() < WORDS
                && let Some(chunk) = response.chunk().await.map_err(|error| cause::body_error(&error, &self.origin))?
            {
                beginning.extend_from_slice(&chunk);
            }
            if let Some(said) = said(&kind, &beginning) {
                let message = format!("the answer is no file but {kind}: {said}");
                return Err(unusable(Fault::new(FaultKind::Decode, message).with_status(response.status().as_u16())));
            }
        }
        let mut download = Download::begin(path).map_err(unusable)?;
        download.push(&beginning).map_err(unusable)?;
        while let Some(chunk) = response.chunk().await.map_err(|error| cause::body_error(&error, &self.origin))? {
            download.push(&chunk).map_err(unusable)?;
        }
        download.finish().map_err(unusable)
    }

    fn follow(&self, request: &Outgoing, from: &Url, status: u16, location: &str) -> Result<Url, SendError> {
        let refuse = |why: &str| {
            let message = format!("the answer is a redirect (status {status}) to {location}, which {why}");
            SendError::Unusable(Fault::new(FaultKind::Http, message).on(&self.origin.name).with_status(status))
        };
        if !matches!(request.method, "GET" | "HEAD") {
            return Err(refuse("is not followed for a request that may change something"));
        }
        let to = from.join(location).map_err(|_| refuse("is no URL"))?;
        if to.origin() != from.origin() {
            return Err(refuse("leads to another host: credentials do not go there. Is the target's url right?"));
        }
        Ok(to)
    }

    /// A request whose file cannot be read never left.
    fn unsent(&self, fault: Fault) -> SendError {
        SendError::NotSent(fault.on(&self.origin.name))
    }

    fn too_late(&self, request: &Outgoing) -> Fault {
        let place = cause::place(&request.url);
        Fault::new(FaultKind::Timeout, format!("no answer from {place} within {:?}", request.timeout))
            .on(&self.origin.name)
            .retryable()
    }
}

enum Answered {
    Whole(Incoming),
    Redirect(u16, String),
}

impl Transport for HttpTransport {
    fn send(&self, request: Outgoing) -> BoxFuture<'_, Result<Incoming, SendError>> {
        Box::pin(self.exchange(request))
    }
}

/// Whether an answer of a type may be an appliance's words rather than a file.
fn is_words(kind: &str) -> bool {
    matches!(kind, "text/html" | "application/xhtml+xml" | "application/json" | "application/problem+json")
}

/// What an appliance says in the place of a file: a page for people, or an object with a reason. Other
/// JSON is a file like any other.
fn said(kind: &str, body: &[u8]) -> Option<String> {
    let text = if kind.ends_with("json") {
        let object: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(body).ok()?;
        let reasons = ["detail", "error", "errors", "message", "reason"];
        object
            .keys()
            .any(|name| reasons.contains(&name.as_str()))
            .then(|| serde_json::Value::from(object).to_string())?
    } else {
        String::from_utf8_lossy(body).into_owned()
    };
    Some(text.chars().take(160).collect())
}

fn content_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    value.split(';').next().map(|value| value.trim().to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::{is_words, said};

    #[test]
    fn an_object_with_a_reason_is_no_file_and_other_json_is() {
        let json = |body: &str| said("application/json", body.as_bytes());
        assert_eq!(json(r#"{"detail":"not ready"}"#).as_deref(), Some(r#"{"detail":"not ready"}"#));
        for file in [r#"[{"error": 1}]"#, r#"{"rows": [{"error": 1}]}"#, r#"{"error": "cut o"#, "", "17"] {
            assert_eq!(json(file), None, "{file}");
        }
        assert!(said("text/html", b"<html>Sign in</html>").unwrap().contains("Sign in"));
        assert!(!is_words("application/octet-stream") && !is_words("text/plain") && !is_words(""));
    }
}
