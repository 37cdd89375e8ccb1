//! What really went wrong: the end of an error's chain of causes, as a fault with its cure.

use std::error::Error;
use std::io::ErrorKind;

use url::Url;

use super::SendError;
use super::http::Origin;
use super::tls::Mistrust;
use crate::config::Tls;
use crate::fault::{Fault, FaultKind};

/// The innermost cause's message.
pub fn root(error: &dyn Error) -> String {
    let mut at = error;
    while let Some(source) = at.source() {
        at = source;
    }
    at.to_string()
}

/// Host and port of a URL.
pub fn place(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap_or("?"), url.port_or_known_default().unwrap_or(0))
}

/// A request that got no answer at all.
pub fn send_error(error: &reqwest::Error, origin: &Origin, url: &Url) -> SendError {
    let place = place(url);
    if let Some(cause) = find::<rustls::Error>(error) {
        let fault = tls_fault(cause, origin, &place);
        // A handshake that fails has sent nothing; a connection that breaks later may have.
        return if error.is_connect() { SendError::NotSent(fault) } else { SendError::Lost(fault) };
    }
    if error.is_builder() {
        return SendError::NotSent(Fault::new(FaultKind::Invalid, root(error)).on(&origin.name));
    }
    let message = if error.is_timeout() {
        "it did not answer in time".to_owned()
    } else {
        find::<std::io::Error>(error).map_or_else(|| root(error), io_message)
    };
    if error.is_connect() {
        let via = origin.proxy.as_ref().map(|proxy| format!(" by way of the proxy {proxy}")).unwrap_or_default();
        let kind = if error.is_timeout() { FaultKind::Timeout } else { FaultKind::Connect };
        let fault = Fault::new(
            kind,
            format!(
                "{place} cannot be reached{via}: {message}. Is the url right, and does the firewall let it through?"
            ),
        );
        return SendError::NotSent(fault.on(&origin.name).retryable());
    }
    let kind = if error.is_timeout() { FaultKind::Timeout } else { FaultKind::Connect };
    let plain = if url.scheme() == "http" { ". Should the url begin with https://?" } else { "" };
    let fault = Fault::new(kind, format!("{place} closed the line before it answered: {message}{plain}"));
    SendError::Lost(fault.on(&origin.name).retryable())
}

/// An answer that broke off.
pub fn body_error(error: &reqwest::Error, origin: &Origin) -> SendError {
    let message = if error.is_timeout() {
        "the answer broke off: the time was up".to_owned()
    } else if error.is_decode() {
        format!("the answer broke off, or cannot be unpacked: {}", root(error))
    } else {
        format!("the answer broke off: {}", root(error))
    };
    SendError::Lost(Fault::new(FaultKind::Connect, message).on(&origin.name).retryable())
}

/// A TLS error as a fault that says how to trust the appliance.
pub fn tls_fault(error: &rustls::Error, origin: &Origin, place: &str) -> Fault {
    use rustls::CertificateError as Certificate;
    let name = &origin.name;
    let trust =
        format!("`beadle targets trust {name}` shows the certificate and writes its pin, once you have compared it");
    let message = match error {
        rustls::Error::InvalidCertificate(Certificate::Other(other))
            if other.0.downcast_ref::<Mistrust>().is_some() =>
        {
            format!(
                "{place}: {other}. If the certificate was replaced on purpose, `beadle targets trust {name}` writes the \
                 new pin; where a service on another port has a certificate of its own, name an issuer of both by \
                 tls.ca_file"
            )
        }
        rustls::Error::InvalidCertificate(Certificate::UnknownIssuer) => match &origin.tls {
            Tls::CaFile(file) => format!(
                "no certificate in {} has issued the one of {place}: is it the right file? Otherwise {trust}",
                file.display()
            ),
            _ => format!(
                "the certificate of {place} comes from an unknown issuer (self-signed, perhaps): set tls.ca_file, or a pin: {trust}"
            ),
        },
        rustls::Error::InvalidCertificate(Certificate::Expired | Certificate::ExpiredContext { .. }) => {
            format!("the certificate of {place} has expired: renew it, or set a pin: {trust}")
        }
        rustls::Error::InvalidCertificate(
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. },
        ) => {
            format!("the certificate of {place} is for another name: use that name in the url, or set a pin: {trust}")
        }
        // A certificate that signs itself as a CA, as `openssl req -x509` makes it. The library's own
        // type for this is not public.
        rustls::Error::InvalidCertificate(Certificate::Other(other))
            if format!("{other:?}").contains("CaUsedAsEndEntity") =>
        {
            format!("the certificate of {place} is self-signed: set tls.ca_file, or a pin: {trust}")
        }
        rustls::Error::InvalidCertificate(other) => {
            format!("the certificate of {place} cannot be trusted: {other}. {trust}")
        }
        rustls::Error::InvalidMessage(_) => {
            format!("{place} does not speak TLS: is it the right port, or should the url begin with http://?")
        }
        other => format!("no TLS connection to {place}: {other}"),
    };
    Fault::new(FaultKind::Tls, message).on(name)
}

/// A system error in words; the numbers of errors help nobody at three in the morning.
pub fn io_message(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::ConnectionRefused => "nothing listens there (connection refused)".into(),
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted => "the line was reset".into(),
        ErrorKind::TimedOut => "it did not answer in time".into(),
        ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe => "the line was closed".into(),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => "there is no route to it".into(),
        _ => {
            let text = error.to_string();
            if text.contains("failed to lookup address") { "its name cannot be resolved".into() } else { text }
        }
    }
}

/// The first cause of a type, also where it hides in a system error.
fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut at = Some(error);
    while let Some(error) = at {
        if let Some(found) = error.downcast_ref::<T>() {
            // A system error may only be the wrapping of what is looked for deeper down.
            if error.source().and_then(|source| find::<T>(source)).is_none() {
                return Some(found);
            }
        }
        if let Some(inner) = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            let inner: &(dyn Error + 'static) = inner;
            if let Some(found) = find::<T>(inner) {
                return Some(found);
            }
        }
        at = error.source();
    }
    None
}
