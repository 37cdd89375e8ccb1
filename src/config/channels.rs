//! `[channels.NAME]`, checked: where notifications go, and how many of them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::config::file::{ChannelTable, SecretTable};
use crate::config::message::MessageTemplate;
use crate::config::targets::{Surroundings, is_loopback_host, length, rate_of, secret_of, tls_of};
use crate::config::triggers::{Taken, word};
use crate::config::{Rate, SecretSource, Tls};

/// One channel, with all defaults filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct Channel {
    /// Where it leads.
    pub kind: ChannelKind,
    /// How many messages it carries in a period; what comes beyond is summed up in one.
    pub limit: Rate,
    /// How long one message may take, with all attempts.
    pub timeout: Duration,
}

impl Channel {
    /// Where its secrets come from, and what is written out in their places.
    pub fn secrets(&self) -> Vec<&SecretSource> {
        match &self.kind {
            ChannelKind::Webhook(webhook) => {
                webhook.headers.values().chain(&webhook.token).chain([&webhook.url]).collect()
            }
            ChannelKind::Email(email) => email.username.iter().chain(&email.password).collect(),
            ChannelKind::File(_) => Vec::new(),
        }
    }
}

/// Where a channel leads.
#[derive(Clone, Debug, PartialEq)]
pub enum ChannelKind {
    /// A JSON document, posted.
    Webhook(Box<Webhook>),
    /// A mail.
    Email(Box<Email>),
    /// A line of JSON at the end of a file.
    File(PathBuf),
}

/// A webhook.
#[derive(Clone, Debug, PartialEq)]
pub struct Webhook {
    /// The URL; a reference where the URL itself is the secret.
    pub url: SecretSource,
    /// More headers.
    pub headers: BTreeMap<String, SecretSource>,
    /// Goes as `Authorization: Bearer …`.
    pub token: Option<SecretSource>,
    /// What is posted instead of the message's own document.
    pub body: Option<MessageTemplate>,
    /// How the other side is trusted.
    pub tls: Tls,
    /// The proxy, if one is configured.
    pub proxy: Option<Url>,
}

/// Mail by a relay.
#[derive(Clone, Debug, PartialEq)]
pub struct Email {
    /// The relay.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the line is protected.
    pub security: Security,
    /// The only certificates that are trusted, instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// The user name, where the relay wants one.
    pub username: Option<SecretSource>,
    /// Its password.
    pub password: Option<SecretSource>,
    /// The sender.
    pub from: String,
    /// The recipients.
    pub to: Vec<String>,
    /// What each subject begins with.
    pub subject_prefix: String,
}

/// How the line to a relay is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// In plain text up to `STARTTLS`, without which nothing is sent.
    Starttls,
    /// By TLS from the first byte.
    Tls,
    /// Not at all; loopback only.
    Plain,
}

impl Security {
    /// The port of a relay that says nothing else.
    const fn port(self) -> u16 {
        match self {
            Self::Starttls => 587,
            Self::Tls => 465,
            Self::Plain => 25,
        }
    }
}

const KINDS: &[(&str, Kind)] = &[("webhook", Kind::Webhook), ("email", Kind::Email), ("file", Kind::File)];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Webhook,
    Email,
    File,
}

/// A checked channel.
///
/// # Errors
/// Every mistake.
pub fn channel(table: &ChannelTable, around: &Surroundings<'_>) -> Result<Channel, Vec<String>> {
    let mut taken = Taken::default();
    let kind = match &table.kind {
        None => Err("kind is missing: webhook, email or file".to_owned()),
        given => word("kind", given.as_deref(), KINDS, Kind::File),
    };
    let kind = taken.take(kind).map(|kind| {
        foreign_keys(table, kind).into_iter().for_each(|mistake| taken.note(mistake));
        match kind {
            Kind::Webhook => ChannelKind::Webhook(Box::new(webhook(table, around, &mut taken))),
            Kind::Email => ChannelKind::Email(Box::new(email(table, around, &mut taken))),
            Kind::File => {
                let path =
                    table.path.as_ref().ok_or_else(|| "path is missing, such as path = \"out/notices.jsonl\"".into());
                ChannelKind::File(around.folder.join(taken.take(path).map(PathBuf::as_path).unwrap_or(around.folder)))
            }
        }
    });
    let limit = taken.take(rate_of(table.limit.as_deref().unwrap_or("30/h"), "limit"));
    let timeout = taken.take(length(table.timeout.as_deref(), "timeout", Duration::from_secs(10)));
    match (kind, limit, timeout) {
        (Some(kind), Some(limit), Some(timeout)) if taken.is_clean() => Ok(Channel { kind, limit, timeout }),
        _ => Err(taken.mistakes()),
    }
}

/// A key of another kind of channel would be read by nobody.
fn foreign_keys(table: &ChannelTable, kind: Kind) -> Vec<String> {
    let keys = [
        ("url", table.url.is_some(), Kind::Webhook),
        ("headers", table.headers.is_some(), Kind::Webhook),
        ("token", table.token.is_some(), Kind::Webhook),
        ("body", table.body.is_some(), Kind::Webhook),
        ("tls", table.tls.is_some(), Kind::Webhook),
        ("proxy", table.proxy.is_some(), Kind::Webhook),
        ("host", table.host.is_some(), Kind::Email),
        ("port", table.port.is_some(), Kind::Email),
        ("security", table.security.is_some(), Kind::Email),
        ("ca_file", table.ca_file.is_some(), Kind::Email),
        ("username", table.username.is_some(), Kind::Email),
        ("password", table.password.is_some(), Kind::Email),
        ("from", table.from.is_some(), Kind::Email),
        ("to", table.to.is_some(), Kind::Email),
        ("subject_prefix", table.subject_prefix.is_some(), Kind::Email),
        ("path", table.path.is_some(), Kind::File),
    ];
    let name = |kind| KINDS.iter().find(|(_, other)| *other == kind).map_or("", |(name, _)| *name);
    let foreign = keys.into_iter().filter(|(_, given, of)| *given && *of != kind);
    foreign
        .map(|(key, _, of)| format!("{key} is a key of kind = \"{}\", and not of \"{}\"", name(of), name(kind)))
        .collect()
}

fn webhook(table: &ChannelTable, around: &Surroundings<'_>, taken: &mut Taken) -> Webhook {
    let tls = taken.take(table.tls.as_ref().map_or(Ok(Tls::System), |tls| tls_of(tls, around.folder)));
    let tls = tls.unwrap_or(Tls::System);
    let url = match &table.url {
        None => Err("url is missing, such as url = { env = \"TEAM_WEBHOOK\" }".into()),
        Some(url) => outside_url("url", url, tls == Tls::Plain, around),
    };
    let mut secret = |key: &str, table: &SecretTable, literal| {
        taken.take(secret_of(table, literal, around).map_err(|mistake| format!("{key}: {mistake}")))
    };
    let headers = table.headers.iter().flatten();
    let headers =
        headers.filter_map(|(name, value)| Some((name.clone(), secret(&format!("headers.{name}"), value, true)?)));
    let headers: BTreeMap<_, _> = headers.collect();
    let token = table.token.as_ref().and_then(|token| secret("token", token, false));
    let proxy = table.proxy.as_deref().map(Url::parse).transpose();
    Webhook {
        url: taken.take(url).unwrap_or(SecretSource::Literal(String::new())),
        headers,
        token,
        body: taken.take(table.body.as_deref().map(MessageTemplate::parse).transpose()).flatten(),
        tls,
        proxy: taken.take(proxy.map_err(|error| format!("proxy is not a URL: {error}"))).flatten(),
    }
}

fn email(table: &ChannelTable, around: &Surroundings<'_>, taken: &mut Taken) -> Email {
    let words = [("starttls", Security::Starttls), ("tls", Security::Tls), ("plain", Security::Plain)];
    let security = taken.take(word("security", table.security.as_deref(), &words, Security::Starttls));
    let security = security.unwrap_or(Security::Starttls);
    let missing = |key: &str, example: &str| format!("{key} is missing, such as {key} = {example}");
    let host = taken.take(table.host.clone().ok_or_else(|| missing("host", "\"mail.example.com\"")));
    let host = host.unwrap_or_default();
    if security == Security::Plain && !host.is_empty() && !is_loopback_host(&host) {
        taken.note(format!("security = \"plain\" would send mail to {host} unprotected: it is for loopback only"));
    }
    let from = taken.take(table.from.clone().ok_or_else(|| missing("from", "\"beadle@example.com\"")));
    let to = table.to.as_ref().map(|names| names.0.clone()).unwrap_or_default();
    if to.is_empty() {
        taken.note(missing("to", "[\"team@example.com\"]"));
    }
    for address in from.iter().chain(&to).filter(|address| !is_mailbox(address)) {
        taken.note(format!("'{address}' is not an address, such as team@example.com or Team <team@example.com>"));
    }
    if table.username.is_some() != table.password.is_some() {
        taken.note("username and password go together".into());
    }
    let mut secret = |key: &str, table: &SecretTable, literal| {
        taken.take(secret_of(table, literal, around).map_err(|mistake| format!("{key}: {mistake}")))
    };
    Email {
        username: table.username.as_ref().and_then(|name| secret("username", name, true)),
        password: table.password.as_ref().and_then(|password| secret("password", password, false)),
        port: table.port.unwrap_or(security.port()),
        ca_file: table.ca_file.as_ref().map(|path| around.folder.join(path)),
        from: from.unwrap_or_default(),
        subject_prefix: table.subject_prefix.clone().unwrap_or_else(|| "[beadle] ".into()),
        host,
        security,
        to,
    }
}

/// Whether a text can be a mailbox: `name@host`, or a name with that in angle brackets. The relay
/// has the last word.
fn is_mailbox(text: &str) -> bool {
    let inner = match text.split_once('<') {
        Some((_, rest)) => rest.strip_suffix('>').unwrap_or_default(),
        None => text,
    };
    !text.chars().any(char::is_control)
        && !inner.contains(char::is_whitespace)
        && inner.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'))
}

/// A URL outside that something is sent to, written out or by reference. `plain` accepts `http://`
/// to any host; a reference is looked at when it is used.
///
/// # Errors
/// What is wrong with one that is written out.
pub fn outside_url(
    key: &str,
    table: &SecretTable,
    plain: bool,
    around: &Surroundings<'_>,
) -> Result<SecretSource, String> {
    let source = secret_of(table, true, around).map_err(|mistake| format!("{key}: {mistake}"))?;
    if let SecretSource::Literal(text) = &source {
        usable_url(text, plain).map_err(|mistake| format!("{key} {mistake}"))?;
    }
    Ok(source)
}

/// The URL of a text, if something may be sent there. What is said of another one holds nothing of
/// it: such URLs are secrets more often than not.
///
/// # Errors
/// A sentence that goes on after the key's name.
pub fn usable_url(text: &str, plain: bool) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("is not a URL: {error}"))?;
    match url.scheme() {
        "https" => Ok(url),
        "http" if plain || url.host_str().is_some_and(is_loopback_host) => Ok(url),
        "http" => Err("would send messages unprotected: use https://, or say tls = { plain = true }".into()),
        _ => Err("must begin with https://".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mailboxes_are_told_from_other_texts() {
        for text in ["team@example.com", "Team <team@example.com>", "a@localhost"] {
            assert!(is_mailbox(text), "{text}");
        }
        for text in ["team", "@example.com", "a@b@c", "Team <team@example.com", "a b@c", "a@b\r\nBcc: x@y"] {
            assert!(!is_mailbox(text), "{text:?}");
        }
    }

    #[test]
    fn messages_go_out_unprotected_to_loopback_only() {
        assert!(usable_url("http://127.0.0.1:8080/hook", false).is_ok());
        assert!(usable_url("https://hooks.example.com/T0/B0", false).is_ok());
        assert!(usable_url("http://hooks.example.com/T0", true).is_ok());
        let mistake = usable_url("http://hooks.example.com/T0secret", false).unwrap_err();
        assert!(mistake.contains("unprotected") && !mistake.contains("T0secret"), "{mistake}");
    }
}
