//! A channel by mail, over a relay.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use lettre::message::header::{ContentType, HeaderName, HeaderValue, MIME_VERSION_1_0};
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message as Mail, Tokio1Executor};

use super::undelivered::Undelivered;
use crate::config::{Email, SecretSource, Security};

/// A relay's user and password, fetched.
pub(super) type Account = Option<(String, String)>;

/// Fetches the user and password for a relay.
pub(super) fn account(
    config: &Email,
    fetch: &dyn Fn(&SecretSource) -> Result<String, String>,
) -> Result<Account, String> {
    match (&config.username, &config.password) {
        (Some(username), Some(password)) => Ok(Some((fetch(username)?, fetch(password)?))),
        _ => Ok(None),
    }
}

/// Sends a mail, on a line of its own.
pub(super) async fn send(
    config: &Email,
    account: &Account,
    subject: &str,
    text: &str,
    at: Timestamp,
    timeout: Duration,
) -> Result<(), Undelivered> {
    let mail = mail(config, subject, text, at).map_err(Undelivered::for_good)?;
    let relay = relay(config, account, timeout).map_err(Undelivered::for_good)?;
    match relay.send(mail).await {
        Ok(_) => Ok(()),
        Err(error) => {
            let place = format!("{}:{}", config.host, config.port);
            let mut why = format!("the relay {place} did not take it: {error}");
            // What a client of SMTP says of the line alone is "Connection error".
            let mut cause = std::error::Error::source(&error);
            while let Some(inner) = cause {
                let said = inner.to_string();
                if !why.contains(&said) {
                    why = format!("{why}: {said}");
                }
                cause = inner.source();
            }
            // A wrong certificate or a relay without STARTTLS stays what it is.
            let again = !error.is_permanent() && !error.is_client() && !error.is_tls();
            Err(Undelivered { again, ..Undelivered::for_good(why).lost(error.is_timeout()) })
        }
    }
}

fn mail(config: &Email, subject: &str, text: &str, at: Timestamp) -> Result<Mail, String> {
    let mailbox =
        |text: &str| text.parse::<Mailbox>().map_err(|error| format!("'{text}' is not an address of a mail: {error}"));
    let mut builder: MessageBuilder = Mail::builder()
        .from(mailbox(&config.from)?)
        .subject(format!("{}{subject}", config.subject_prefix))
        .date(SystemTime::UNIX_EPOCH + Duration::from_secs(at.as_second().unsigned_abs()))
        .message_id(Some(message_id(&config.from)))
        .header(MIME_VERSION_1_0)
        // RFC 3834: nobody's absence note answers it.
        .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".into()))
        .header(ContentType::TEXT_PLAIN);
    for to in &config.to {
        builder = builder.to(mailbox(to)?);
    }
    builder.body(text.to_owned()).map_err(|error| format!("no mail can be made of it: {error}"))
}

/// An id of the sender's own domain: that of a machine is known to nobody outside.
fn message_id(from: &str) -> String {
    let domain = from.rsplit_once('@').map_or("localhost", |(_, domain)| domain.trim_end_matches('>'));
    format!("<{:032x}@{domain}>", fastrand::u128(..))
}

fn relay(config: &Email, account: &Account, timeout: Duration) -> Result<AsyncSmtpTransport<Tokio1Executor>, String> {
    let tls = match config.security {
        Security::Plain => Tls::None,
        Security::Starttls => Tls::Required(trust(config)?),
        Security::Tls => Tls::Wrapper(trust(config)?),
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&config.host)
        .port(config.port)
        .tls(tls)
        .timeout(Some(timeout));
    if let Some((username, password)) = account {
        builder = builder.credentials(Credentials::new(username.clone(), password.clone()));
    }
    Ok(builder.build())
}

/// Whom to trust: the system's certificates, or those of a file and nobody else.
fn trust(config: &Email) -> Result<TlsParameters, String> {
    let mut builder = TlsParameters::builder(config.host.clone());
    if let Some(path) = &config.ca_file {
        let unusable = |why: String| format!("the certificates of {} cannot be used: {why}", path.display());
        let pem = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
        builder = builder.certificate_store(CertificateStore::None);
        builder =
            builder.add_root_certificate(Certificate::from_pem(&pem).map_err(|error| unusable(error.to_string()))?);
    }
    builder.build().map_err(|error| format!("no protected line can be made: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Email {
        Email {
            host: "127.0.0.1".into(),
            port: 25,
            security: Security::Plain,
            ca_file: None,
            username: None,
            password: None,
            from: "Beadle <beadle@example.com>".into(),
            to: vec!["team@example.com".into(), "Läufer <other@example.com>".into()],
            subject_prefix: "[beadle] ".into(),
        }
    }

    #[test]
    fn a_mail_says_that_a_machine_has_written_it() {
        let mail = mail(&config(), "nightly failed: größer", "Zeile\n.\nend", Timestamp::UNIX_EPOCH).unwrap();
        let text = String::from_utf8(mail.formatted()).unwrap();
        for part in ["Auto-Submitted: auto-generated", "Date: Thu, 01 Jan 1970", "@example.com>", "MIME-Version: 1.0"] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
        assert!(text.is_ascii());
        assert_eq!(mail.envelope().to().len(), 2);
    }
}
