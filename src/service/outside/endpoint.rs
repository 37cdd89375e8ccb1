//! The local endpoint: `/healthz` for whoever asks, `/metrics` for whoever has the token.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::{TokioIo, TokioTimer};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::secret::Secret;

/// How many ask at once.
const AT_ONCE: usize = 16;

/// How long a question may take to arrive.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a connection may last: whoever asks every few seconds comes anew.
const LONGEST: Duration = Duration::from_secs(60);

/// What is asked for.
pub(super) struct Answers {
    /// Whether the service works.
    pub(super) healthy: Box<dyn Fn() -> bool + Send + Sync>,
    /// The metrics as text. It may read the state database.
    pub(super) metrics: Box<dyn Fn() -> String + Send + Sync>,
    /// What a question for metrics has to bring along.
    pub(super) token: Secret,
}

/// Listens until it is dropped.
pub(super) struct Endpoint {
    task: JoinHandle<()>,
    /// Where it listens.
    pub(super) address: SocketAddr,
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Endpoint {
    /// Begins to listen.
    ///
    /// # Errors
    /// The address cannot be had.
    pub(super) async fn open(address: SocketAddr, answers: Answers) -> Result<Self, String> {
        let cannot = |error| format!("[service] http: {address} cannot be listened at: {error}");
        let listener = TcpListener::bind(address).await.map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        let task = tokio::spawn(listen(listener, Arc::new(answers)));
        Ok(Self { task, address })
    }

    /// Ends, and lets go of the address.
    pub(super) async fn close(mut self) {
        self.task.abort();
        let _aborted = (&mut self.task).await;
    }
}

async fn listen(listener: TcpListener, answers: Arc<Answers>) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    // Whoever holds connections open without asking keeps the others waiting for a while, and the
    // service never.
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        let Ok((stream, _)) = listener.accept().await else {
            // No descriptor may be free just now.
            tokio::time::sleep(Duration::from_millis(200)).await;
            continue;
        };
        let answers = Arc::clone(&answers);
        tokio::spawn(async move {
            let _place = place;
            let service = service_fn(|request| {
                let answers = Arc::clone(&answers);
                async move { Ok::<_, Infallible>(answer(&request, answers).await) }
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(PATIENCE)
                .serve_connection(TokioIo::new(stream), service);
            let _ended_or_too_long = tokio::time::timeout(LONGEST, connection).await;
        });
    }
}

async fn answer(request: &Request<Incoming>, answers: Arc<Answers>) -> Response<Full<Bytes>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "only GET is answered\n");
    }
    match request.uri().path() {
        // Whether it works is no secret; it says nothing else.
        "/healthz" if (answers.healthy)() => plain(StatusCode::OK, "ok\n"),
        "/healthz" => plain(StatusCode::SERVICE_UNAVAILABLE, "not ok\n"),
        "/metrics" if !is_allowed(request, &answers.token) => {
            let mut response = plain(StatusCode::UNAUTHORIZED, "the token is missing or wrong\n");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
            response
        }
        "/metrics" => {
            let text = tokio::task::spawn_blocking(move || (answers.metrics)()).await;
            let mut response = plain(StatusCode::OK, &text.unwrap_or_default());
            let kind = header::HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            response
        }
        _ => plain(StatusCode::NOT_FOUND, "there are /healthz and /metrics\n"),
    }
}

fn plain(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::copy_from_slice(text.as_bytes())));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// Compared by their digests, so that the time it takes tells nothing of the token.
fn is_allowed(request: &Request<Incoming>, token: &Secret) -> bool {
    let digest = |text: &str| Sha256::digest(text.as_bytes());
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.strip_prefix("Bearer "));
    given.is_some_and(|given| digest(given.trim()) == digest(token.expose()))
}
