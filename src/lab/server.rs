//! HTTP on loopback for any appliance: listeners, TLS, and the faults of the line.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::delay;
use super::fault::Faults;
use super::log::{Log, Seen};
use super::upload;

/// A request as an appliance sees it.
#[derive(Debug)]
pub struct Ask {
    /// The method.
    pub method: String,
    /// The path as it came, still encoded.
    pub path: String,
    /// The query as it came, without its question mark.
    pub query: Option<String>,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; of a long one, its beginning.
    pub body: Bytes,
    /// What a long body was, which is never held in memory.
    pub large: Option<Large>,
}

/// A long body: what it was, without what it held.
#[derive(Clone, Debug)]
pub struct Large {
    /// How many bytes its file has: of a multipart body the last part's, else all of them.
    pub file_size: u64,
    /// The SHA-256 of the file, in lower-case hex.
    pub file_sha256: String,
}

/// An appliance's answer.
#[derive(Debug)]
pub struct Tell {
    /// The status.
    pub status: u16,
    /// The content type.
    pub content_type: &'static str,
    /// More headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Bytes,
    /// Instead of the body: so many bytes, made while they are sent.
    pub generated: Option<u64>,
    /// Whether it changed something.
    pub applied: bool,
    /// What was wrong with the request although the true appliance would not say so.
    pub complaints: Vec<String>,
}

impl Tell {
    /// A JSON answer.
    pub fn json(status: u16, json: &serde_json::Value) -> Self {
        Self {
            status,
            content_type: "application/json; charset=utf-8",
            headers: Vec::new(),
            body: Bytes::from(json.to_string()),
            generated: None,
            applied: false,
            complaints: Vec::new(),
        }
    }

    /// A plain text.
    pub fn text(status: u16, text: &str) -> Self {
        Self {
            content_type: "text/plain",
            body: Bytes::copy_from_slice(text.as_bytes()),
            ..Self::json(status, &serde_json::Value::Null)
        }
    }
}

/// A simulated appliance.
pub trait Appliance: Send + Sync + 'static {
    /// Answers a request.
    fn answer(&self, ask: &Ask) -> Tell;

    /// Whether a request may change something, by the documents.
    fn writes(&self, ask: &Ask) -> bool;
}

/// A listener with its appliance.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    tls: bool,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// What all listeners of an appliance share.
#[derive(Debug, Default)]
pub struct Shared {
    /// What was seen.
    pub log: Log,
    /// What goes wrong, and how often each was met.
    pub faults: Mutex<(Faults, Vec<u64>)>,
}

impl Server {
    /// Listens on a port of loopback (0 is any free one).
    ///
    /// # Errors
    /// The port is taken, or no certificate can be made.
    pub async fn start(
        port: u16,
        identity: Option<&Identity>,
        appliance: Arc<dyn Appliance>,
        shared: Arc<Shared>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let address = listener.local_addr()?;
        let acceptor = identity.map(|identity| identity.acceptor.clone());
        let tls = acceptor.is_some();
        let stop = CancellationToken::new();
        let task = tokio::spawn(listen(listener, acceptor, appliance, shared, stop.clone()));
        Ok(Self { address, tls, stop, task })
    }

    /// `http://127.0.0.1:PORT`, or `https://localhost:PORT`.
    pub fn url(&self) -> String {
        if self.tls { format!("https://localhost:{}", self.address.port()) } else { format!("http://{}", self.address) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
        self.task.abort();
    }
}

/// A certificate with its key: both ports of an appliance show the same one.
#[derive(Clone)]
pub struct Identity {
    acceptor: TlsAcceptor,
    pem: String,
    der: Vec<u8>,
}

impl Identity {
    /// A new self-signed one, for `localhost` and 127.0.0.1.
    ///
    /// # Errors
    /// When none can be made.
    pub fn self_signed() -> io::Result<Self> {
        Self::signed(rcgen::IsCa::NoCa)
    }

    /// A new one that calls itself an authority, as `openssl req -x509` makes them.
    ///
    /// # Errors
    /// When none can be made.
    pub fn authority() -> io::Result<Self> {
        Self::signed(rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained))
    }

    fn signed(is_ca: rcgen::IsCa) -> io::Result<Self> {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut params = rcgen::CertificateParams::new(names).map_err(io::Error::other)?;
        params.is_ca = is_ca;
        let key = rcgen::KeyPair::generate().map_err(io::Error::other)?;
        let cert = params.self_signed(&key).map_err(io::Error::other)?;
        let der = cert.der().to_vec();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(vec![CertificateDer::from(der.clone())], key)
            .map_err(io::Error::other)?;
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), pem: cert.pem(), der })
    }

    /// The certificate in PEM.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// The certificate in DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }
}

async fn listen(
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    appliance: Arc<dyn Appliance>,
    shared: Arc<Shared>,
    stop: CancellationToken,
) {
    loop {
        let stream = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(_) => continue,
            },
        };
        let (acceptor, appliance, shared, stop) =
            (acceptor.clone(), Arc::clone(&appliance), Arc::clone(&shared), stop.clone());
        tokio::spawn(async move {
            let _latency_matters_more = stream.set_nodelay(true);
            let cut = CancellationToken::new();
            let service = {
                let cut = cut.clone();
                service_fn(move |request: Request<Incoming>| {
                    serve(request, Arc::clone(&appliance), Arc::clone(&shared), cut.clone())
                })
            };
            let builder = http1::Builder::new();
            // Cutting means dropping the connection, whatever was on its way.
            let ended = async {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = cut.cancelled() => {}
                }
            };
            match acceptor {
                None => {
                    let connection = builder.serve_connection(TokioIo::new(stream), service);
                    tokio::select! { _ = connection => {} () = ended => {} }
                }
                Some(acceptor) => {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let connection = builder.serve_connection(TokioIo::new(stream), service);
                    tokio::select! { _ = connection => {} () = ended => {} }
                }
            }
        });
    }
}

type Body = BoxBody<Bytes, io::Error>;

async fn serve(
    request: Request<Incoming>,
    appliance: Arc<dyn Appliance>,
    shared: Arc<Shared>,
    cut: CancellationToken,
) -> Result<Response<Body>, Infallible> {
    let (parts, body) = request.into_parts();
    let (body, large) = upload::receive(&parts.headers, body).await;
    let ask = Ask {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().map(str::to_owned),
        headers: parts.headers,
        body,
        large,
    };
    let effects = {
        let mut faults = shared.faults.lock().unwrap_or_else(PoisonError::into_inner);
        let (faults, counts) = &mut *faults;
        let (_, _, applied) = shared.log.counts();
        faults.on(&format!("{} {}", ask.method, ask.path), applied > 0, counts)
    };
    if !effects.latency.is_zero() {
        delay::pass(effects.latency).await;
    }
    let mut tell = match effects.status {
        Some((status, retry_after)) => {
            let mut tell = Tell::text(status, "the lab was told to fail here");
            tell.headers.extend(retry_after.map(|seconds| ("retry-after", seconds.to_string())));
            tell
        }
        None if effects.lost_before || effects.hang => Tell::text(500, ""),
        None => appliance.answer(&ask),
    };
    if effects.html {
        tell.content_type = "text/html";
        tell.body = Bytes::from_static(b"<html><head><title>Please sign in</title></head><body>portal</body></html>");
    }
    let answered = !(effects.lost || effects.lost_before || effects.hang);
    shared.log.add(Seen { writes: appliance.writes(&ask), ..seen(&ask, &tell, answered) });
    if effects.hang {
        std::future::pending::<()>().await;
    }
    if !answered {
        cut.cancel();
        // The connection goes before this future would be asked again.
        std::future::pending::<()>().await;
    }
    Ok(response(tell, effects.cut, effects.huge, &cut))
}

fn response(tell: Tell, cut_answer: bool, huge: Option<u64>, cut: &CancellationToken) -> Response<Body> {
    let length = tell.generated;
    let body: Body = if let Some(length) = tell.generated {
        let chunks = (0..length.div_ceil(upload::CHUNK)).map(move |n| Ok(Frame::data(upload::generated(n, length))));
        BodyExt::boxed(StreamBody::new(futures_util::stream::iter(chunks)))
    } else if let Some(bytes) = huge {
        let chunk = Bytes::from(vec![b' '; 1 << 20]);
        let chunks = (0..bytes >> 20).map(move |_| Ok(Frame::data(chunk.clone())));
        BodyExt::boxed(StreamBody::new(futures_util::stream::iter(chunks)))
    } else if cut_answer {
        let half = tell.body.slice(..tell.body.len() / 2);
        let cut = cut.clone();
        let frames = futures_util::stream::once(async move { Ok(Frame::data(half)) });
        let frames = futures_util::StreamExt::chain(
            frames,
            futures_util::stream::once(async move {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                cut.cancel();
                Err(io::Error::other("cut"))
            }),
        );
        BodyExt::boxed(StreamBody::new(Box::pin(frames).into_sync()))
    } else {
        Full::new(tell.body).map_err(|never| match never {}).boxed()
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(tell.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = value.parse() {
            headers.append(name, value);
        }
    };
    if let Some(length) = length {
        set("content-length", &length.to_string());
    }
    set("content-type", tell.content_type);
    for (name, value) in &tell.headers {
        set(name, value);
    }
    response
}

/// Streams that are asked by one thread only may pass for shared ones.
trait IntoSync: Sized {
    fn into_sync(self) -> sync_stream::SyncStream<Self>;
}

impl<S> IntoSync for S {
    fn into_sync(self) -> sync_stream::SyncStream<Self> {
        sync_stream::SyncStream::new(self)
    }
}

mod sync_stream {
    //! A stream behind a lock, for bodies that must be shareable between threads.

    use std::pin::Pin;
    use std::sync::{Mutex, PoisonError};
    use std::task::{Context, Poll};

    use futures_util::Stream;

    pub(super) struct SyncStream<S>(Mutex<S>);

    impl<S> SyncStream<S> {
        pub(super) fn new(stream: S) -> Self {
            Self(Mutex::new(stream))
        }
    }

    impl<S: Stream + Unpin> Stream for SyncStream<S> {
        type Item = S::Item;

        fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<S::Item>> {
            let mut stream = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Pin::new(&mut *stream).poll_next(context)
        }
    }
}

fn seen(ask: &Ask, tell: &Tell, answered: bool) -> Seen {
    let target = match &ask.query {
        Some(query) => format!("{}?{query}", ask.path),
        None => ask.path.clone(),
    };
    let headers = ask.headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes());
        let shown = if name == "authorization" {
            value.split(' ').next().unwrap_or_default().to_owned()
        } else {
            value.into_owned()
        };
        (name.to_string(), shown)
    });
    Seen {
        method: ask.method.clone(),
        target,
        headers: headers.collect(),
        body: ask.body.to_vec(),
        status: answered.then_some(tell.status),
        writes: false,
        applied: tell.applied,
        complaints: tell.complaints.clone(),
    }
}
