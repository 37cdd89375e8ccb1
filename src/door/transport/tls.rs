//! TLS: whom to trust, by the system's roots, a file, a pin, or not at all.

use std::fmt::{self, Write};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
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
    let verifier: Arc<dyn ServerCertVerifier> = match &origin.tls {
        Tls::System | Tls::Plain => system(&provider)
            .map_err(|error| wrong(origin, format!("the system's certificates cannot be read: {error}")))?,
        Tls::CaFile(path) => Arc::new(FileTrust::read(path, Arc::clone(&provider)).map_err(|why| wrong(origin, why))?),
        Tls::Pin(pin) => Arc::new(Pinned { pin: pin.clone(), provider: Arc::clone(&provider) }),
        Tls::Insecure => Arc::new(Anyone { provider: Arc::clone(&provider) }),
    };
    config_with(verifier, provider).map_err(|error| wrong(origin, error.to_string()))
}

/// The system's roots, read once: a fleet of five hundred gateways has one system.
fn system(provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, Error> {
    static SYSTEM: OnceLock<Arc<rustls_platform_verifier::Verifier>> = OnceLock::new();
    if let Some(verifier) = SYSTEM.get() {
        return Ok(Arc::clone(verifier) as Arc<dyn ServerCertVerifier>);
    }
    let verifier = Arc::new(rustls_platform_verifier::Verifier::new(Arc::clone(provider))?);
    Ok(Arc::clone(SYSTEM.get_or_init(|| verifier)) as Arc<dyn ServerCertVerifier>)
}

/// TLS settings with a verifier of one's own.
///
/// # Errors
/// When the provider knows none of the versions.
pub fn config_with(
    verifier: Arc<dyn ServerCertVerifier>,
    provider: Arc<CryptoProvider>,
) -> Result<ClientConfig, Error> {
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth())
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

/// Trusts one certificate, by its fingerprint. Names, issuers and dates do not matter then; that
/// the other side holds the key is still checked.
#[derive(Debug)]
struct Pinned {
    pin: String,
    provider: Arc<CryptoProvider>,
}

/// Trusts the issuers in a file, and certificates that stand in it themselves.
#[derive(Debug)]
struct FileTrust {
    leaves: Vec<CertificateDer<'static>>,
    issuers: Arc<WebPkiServerVerifier>,
    provider: Arc<CryptoProvider>,
}

/// Trusts anyone.
#[derive(Debug)]
struct Anyone {
    provider: Arc<CryptoProvider>,
}

impl FileTrust {
    fn read(path: &Path, provider: Arc<CryptoProvider>) -> Result<Self, String> {
        let wrong = |why: String| format!("tls.ca_file {} cannot be used: {why}", path.display());
        let pem = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
        let leaves: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        let leaves = leaves.map_err(|error| wrong(error.to_string()))?;
        if leaves.is_empty() {
            return Err(wrong("it holds no PEM certificate".into()));
        }
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(leaves.iter().cloned());
        let issuers = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .map_err(|error| wrong(error.to_string()))?;
        Ok(Self { leaves, issuers, provider })
    }
}

impl ServerCertVerifier for FileTrust {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.leaves.iter().any(|leaf| leaf == end_entity) {
            // Appliances come with self-signed certificates, which are no issuers: one that stands
            // in the file itself is trusted for its own name.
            verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
            return Ok(ServerCertVerified::assertion());
        }
        self.issuers.verify_server_cert(end_entity, intermediates, server_name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        signature12(&self.provider, message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        signature13(&self.provider, message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        schemes(&self.provider)
    }
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let found = fingerprint(end_entity);
        if found == self.pin {
            return Ok(ServerCertVerified::assertion());
        }
        let mistrust = Mistrust(format!("the certificate's fingerprint is {found}, and the pin is {}", self.pin));
        Err(Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(mistrust)))))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        signature12(&self.provider, message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        signature13(&self.provider, message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        schemes(&self.provider)
    }
}

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        signature12(&self.provider, message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        signature13(&self.provider, message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        schemes(&self.provider)
    }
}

/// Checks that the other side holds the key of its certificate, in a handshake of TLS 1.2.
pub fn signature12(
    provider: &CryptoProvider,
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signature: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, Error> {
    let algorithms = &provider.signature_verification_algorithms;
    rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
}

/// The same, in a handshake of TLS 1.3.
pub fn signature13(
    provider: &CryptoProvider,
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signature: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, Error> {
    let algorithms = &provider.signature_verification_algorithms;
    rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
}

fn schemes(provider: &CryptoProvider) -> Vec<SignatureScheme> {
    provider.signature_verification_algorithms.supported_schemes()
}
