//! Looking at an appliance's certificate without trusting it, and without sending anything.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::Error;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::Url;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::cause;
use super::http::Origin;
use super::tls::{self, Trust, Verifier};
use crate::fault::{Fault, FaultKind};

/// What a person compares before trusting a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// SHA-256 of the certificate, lower-case hex.
    pub fingerprint: String,
    /// Whom it is for.
    pub subject: String,
    /// Who issued it.
    pub issuer: String,
    /// The names it holds for.
    pub names: Vec<String>,
    /// The first and the last moment at which it holds.
    pub valid: (String, String),
}

/// Connects, looks at the certificate, and hangs up.
///
/// # Errors
/// `connect`, `timeout` or `tls`.
pub async fn probe(name: &str, url: &Url) -> Result<Certificate, Fault> {
    let host = url.host_str().unwrap_or_default().to_owned();
    let port = url.port_or_known_default().unwrap_or(443);
    let place = format!("{host}:{port}");
    let fault = |kind: FaultKind, why: String| Fault::new(kind, format!("{place} cannot be reached: {why}")).on(name);
    let look = async {
        let stream = TcpStream::connect((host.trim_matches(['[', ']']), port))
            .await
            .map_err(|error| fault(FaultKind::Connect, cause::io_message(&error)))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let seen = Arc::new(Verifier::new(Trust::Noted(Mutex::default()), Arc::clone(&provider)));
        let config = tls::config_with(Arc::clone(&seen) as Arc<dyn ServerCertVerifier>, provider)
            .map_err(|error| fault(FaultKind::Tls, error.to_string()))?;
        let server = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())
            .map_err(|error| fault(FaultKind::Tls, error.to_string()))?;
        let shaken = TlsConnector::from(Arc::new(config)).connect(server, stream).await;
        let certificate = seen.noted();
        match (certificate, shaken) {
            (Some(certificate), _) => Ok(describe(&certificate)),
            (None, Err(error)) => {
                let origin = Origin {
                    name: name.to_owned(),
                    tls: crate::config::Tls::System,
                    identity: None,
                    proxy: None,
                    connect: super::CONNECT,
                };
                let cause = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
                Err(cause.map_or_else(
                    || fault(FaultKind::Tls, cause::io_message(&error)),
                    |error| cause::tls_fault(error, &origin, &place),
                ))
            }
            (None, Ok(_)) => Err(fault(FaultKind::Tls, "it showed no certificate".into())),
        }
    };
    tokio::time::timeout(Duration::from_secs(10), look)
        .await
        .unwrap_or_else(|_| Err(fault(FaultKind::Timeout, "it did not answer within 10 s".into())))
}

fn describe(certificate: &CertificateDer<'_>) -> Certificate {
    let fingerprint = tls::fingerprint(certificate);
    let unknown = || "(cannot be read)".to_owned();
    let Ok((_, parsed)) = X509Certificate::from_der(certificate) else {
        return Certificate {
            fingerprint,
            subject: unknown(),
            issuer: unknown(),
            names: Vec::new(),
            valid: (unknown(), unknown()),
        };
    };
    let names = parsed.subject_alternative_name().ok().flatten().map_or_else(Vec::new, |names| {
        names
            .value
            .general_names
            .iter()
            .filter_map(|name| match name {
                GeneralName::DNSName(name) => Some((*name).to_owned()),
                GeneralName::IPAddress([a, b, c, d]) => Some(format!("{a}.{b}.{c}.{d}")),
                _ => None,
            })
            .collect()
    });
    let instant =
        |seconds: i64| jiff::Timestamp::from_second(seconds).map_or_else(|_| unknown(), |time| time.to_string());
    Certificate {
        fingerprint,
        subject: parsed.subject().to_string(),
        issuer: parsed.issuer().to_string(),
        names,
        valid: (instant(parsed.validity().not_before.timestamp()), instant(parsed.validity().not_after.timestamp())),
    }
}
