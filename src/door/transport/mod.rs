//! The transport layer: one request over HTTP, and one answer. It knows neither rows nor rules.

mod cause;
mod download;
mod http;
mod probe;
mod tls;
mod upload;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use url::Url;

use crate::catalog::WireBody;
use crate::fault::Fault;

pub use http::{CONNECT, HttpTransport, Origin};
pub use probe::{Certificate, probe};

/// Takes how many bytes of how many have gone.
pub type SendProgress = Arc<dyn Fn(u64, u64) + Send + Sync>;

/// A request, ready to be sent.
#[derive(Clone)]
pub struct Outgoing {
    /// Watches a long body on its way.
    pub progress: Option<SendProgress>,
    /// The HTTP method.
    pub method: &'static str,
    /// The whole URL.
    pub url: Url,
    /// Headers; values may be secrets.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: WireBody,
    /// How long it may take as a whole.
    pub timeout: Duration,
    /// The greatest answer, in bytes after decompression.
    pub max_answer: u64,
    /// Redirects that are an answer, and followed by nobody.
    pub accepts: &'static [u16],
    /// A file that an answer of success is streamed to, whatever its size; the answer's body then
    /// is `{"path", "size", "sha256"}`.
    pub save_to: Option<PathBuf>,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// The HTTP status.
    pub status: u16,
    /// The content type, lower case, without parameters.
    pub content_type: Option<String>,
    /// `Retry-After`, as it stands.
    pub retry_after: Option<String>,
    /// Every `WWW-Authenticate` header.
    pub challenges: Vec<String>,
    /// Every header.
    pub headers: ::http::HeaderMap,
    /// The body, whole.
    pub body: Bytes,
}

/// A request without an answer. Which of the two it was decides whether it may be sent again.
#[derive(Clone, Debug)]
pub enum SendError {
    /// Nothing of it has left: the connection was never made.
    NotSent(Fault),
    /// It may have reached the appliance.
    Lost(Fault),
    /// The appliance has answered, but the answer cannot be taken: too large, or a redirect.
    Unusable(Fault),
}

impl SendError {
    /// The fault, whichever it was.
    pub fn fault(self) -> Fault {
        match self {
            Self::NotSent(fault) | Self::Lost(fault) | Self::Unusable(fault) => fault,
        }
    }
}

/// Sends requests.
pub trait Transport: Send + Sync {
    /// Sends one request and reads its whole answer.
    fn send(&self, request: Outgoing) -> BoxFuture<'_, Result<Incoming, SendError>>;
}
