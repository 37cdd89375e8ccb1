//! TLS: whom to trust, by the system's roots, a file, a pin, or not at all.

use std::fmt::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustls::client::WantsClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, ConfigBuilder, DigitallySignedStruct, Error, OtherError, RootCertStore,
    SignatureScheme,
};
use sha2::{Digest, Sha256};

use super::http::Origin;
use crate::config::Tls;
use crate::fault::{Fault, FaultKind};

/// The TLS settings for an origin.
///
/// # Errors
/// `file` or `tls`, when certificates cannot be read.
pub fn client_config(origin: &Origin) -> Result<ClientConfig, Fault> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let own = |trust: Trust| -> Arc<dyn ServerCertVerifier> { Arc::new(Verifier::new(trust, Arc::clone(&provider))) };
    let verifier: Arc<dyn ServerCertVerifier> = match &origin.tls {
        Tls::System | Tls::Plain => own(Trust::System),
        Tls::CaFile(path) => own(file_trust(path, &provider).map_err(|why| wrong(origin, why))?),
        Tls::Pin(pin) => own(Trust::Pinned(pin.clone())),
        Tls::Insecure => own(Trust::Anyone),
    };
    let config = config_for(verifier, provider).map_err(|error| wrong(origin, error.to_string()))?;
    let Some((cert, key)) = &origin.identity else { return Ok(config.with_no_client_auth()) };
    let unusable = |path: &Path, why: String| {
        wrong(origin, format!("the client certificate cannot be used: {}: {why}", path.display()))
    };
    let chain = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unusable(cert, error.to_string()))?;
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(key, error.to_string()))?;
    config.with_client_auth_cert(chain, secret).map_err(|error| unusable(key, error.to_string()))
}

/// The system's roots, read once: a fleet of five hundred gateways has one system.
fn system(provider: &Arc<CryptoProvider>) -> Result<&'static rustls_platform_verifier::Verifier, Error> {
    static SYSTEM: OnceLock<rustls_platform_verifier::Verifier> = OnceLock::new();
    if let Some(verifier) = SYSTEM.get() {
        return Ok(verifier);
    }
    let verifier = rustls_platform_verifier::Verifier::new(Arc::clone(provider))
        .map_err(|error| Error::General(format!("the system's certificates cannot be read: {error}")))?;
    Ok(SYSTEM.get_or_init(|| verifier))
}

/// TLS settings with a verifier of one's own.
///
/// # Errors
/// When the provider knows none of the versions.
pub fn config_with(
    verifier: Arc<dyn ServerCertVerifier>,
    provider: Arc<CryptoProvider>,
) -> Result<ClientConfig, Error> {
    Ok(config_for(verifier, provider)?.with_no_client_auth())
}

fn config_for(
    verifier: Arc<dyn ServerCertVerifier>,
    provider: Arc<CryptoProvider>,
) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, Error> {
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier))
}

/// The SHA-256 of a certificate, in lower-case hex.
pub fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(certificate) {
        let _infallible = write!(text, "{byte:02x}");
    }
    text
}

fn wrong(origin: &Origin, why: String) -> Fault {
    Fault::new(FaultKind::Tls, why).on(&origin.name)
}

/// A certificate that is not the pinned one.
#[derive(Debug)]
pub struct Mistrust(String);

impl fmt::Display for Mistrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Mistrust {}

/// How far a certificate is trusted. That the other side holds its key is checked in any case.
pub enum Trust {
    /// The issuers that the system trusts. They are read when the first certificate is to be checked, which takes
    /// as long as starting Beadle does: plain HTTP needs none of them.
    System,
    /// One certificate, by its fingerprint. Names, issuers and dates do not matter then.
    Pinned(String),
    /// The issuers in a file, and certificates that stand in it themselves.
    File(Vec<CertificateDer<'static>>, Arc<WebPkiServerVerifier>),
    /// Anyone.
    Anyone,
    /// Anyone, for a look: the certificate is noted, and nothing is sent.
    Noted(Mutex<Option<CertificateDer<'static>>>),
}

/// Checks certificates by a trust of our own.
pub struct Verifier {
    trust: Trust,
    provider: Arc<CryptoProvider>,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.trust {
            Trust::System => "Verifier(system)",
            Trust::Pinned(_) => "Verifier(pin)",
            Trust::File(..) => "Verifier(file)",
            Trust::Anyone => "Verifier(anyone)",
            Trust::Noted(_) => "Verifier(noted)",
        })
    }
}

impl Verifier {
    /// A verifier by that trust.
    pub fn new(trust: Trust, provider: Arc<CryptoProvider>) -> Self {
        Self { trust, provider }
    }

    /// The certificate that was noted, if one was shown.
    pub fn noted(&self) -> Option<CertificateDer<'static>> {
        match &self.trust {
            Trust::Noted(slot) => slot.lock().unwrap_or_else(PoisonError::into_inner).take(),
            _ => None,
        }
    }
}

/// The trust in a file's certificates.
fn file_trust(path: &Path, provider: &Arc<CryptoProvider>) -> Result<Trust, String> {
    let wrong = |why: String| format!("tls.ca_file {} cannot be used: {why}", path.display());
    let pem = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let leaves: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let leaves = leaves.map_err(|error| wrong(error.to_string()))?;
    if leaves.is_empty() {
        return Err(wrong("it holds no PEM certificate".into()));
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(leaves.iter().cloned());
    let issuers = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map_err(|error| wrong(error.to_string()))?;
    Ok(Trust::File(leaves, issuers))
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match &self.trust {
            Trust::Pinned(pin) => {
                let found = fingerprint(end_entity);
                if found != *pin {
                    let mistrust = Mistrust(format!("the certificate's fingerprint is {found}, and the pin is {pin}"));
                    return Err(Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(mistrust)))));
                }
            }
            Trust::File(leaves, _) if leaves.iter().any(|leaf| leaf == end_entity) => {
                // Appliances come with self-signed certificates, which are no issuers: one that
                // stands in the file itself is trusted for its own name.
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
            }
            Trust::System => {
                let system = system(&self.provider)?;
                return system.verify_server_cert(end_entity, intermediates, server_name, ocsp, now);
            }
            Trust::File(_, issuers) => {
                return issuers.verify_server_cert(end_entity, intermediates, server_name, ocsp, now);
            }
            Trust::Anyone => {}
            Trust::Noted(slot) => {
                *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(end_entity.clone().into_owned());
            }
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
