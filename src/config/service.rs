//! `[service]`, and what triggers tell to channels and heartbeats.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use crate::config::SecretSource;
use crate::config::channels::outside_url;
use crate::config::file::{ChannelTable, Names, ScheduleTable, SecretTable, ServiceTable, WatchTable};
use crate::config::targets::{Surroundings, length, secret_of};
use crate::config::triggers::Taken;
use crate::nearest::did_you_mean;

/// `[service]`, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceConfig {
    /// Where health and metrics can be asked for; nowhere by default.
    pub endpoint: Option<EndpointConfig>,
    /// The URL that is told that the service lives.
    pub heartbeat: Option<SecretSource>,
    /// How often.
    pub heartbeat_every: Duration,
    /// How long running runs may go on once the service is told to end.
    pub drain: Duration,
}

/// Where health and metrics can be asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct EndpointConfig {
    /// A loopback address with its port.
    pub address: SocketAddr,
    /// What a question has to bring along.
    pub token: SecretSource,
}

/// Whom a trigger tells how its runs go.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tells {
    /// The channels for a run that succeeded.
    pub on_success: Vec<String>,
    /// The channels for one that did not.
    pub on_failure: Vec<String>,
    /// The channels for what fell due and was not started.
    pub on_missed: Vec<String>,
    /// The URL of a healthchecks-style check.
    pub heartbeat: Option<SecretSource>,
}

impl Default for ServiceConfig {
    fn default() -> Self {
        Self { endpoint: None, heartbeat: None, heartbeat_every: EVERY, drain: DRAIN }
    }
}

/// How often the service's own heartbeat beats.
const EVERY: Duration = Duration::from_secs(60);

/// How long runs may go on at the end.
const DRAIN: Duration = Duration::from_secs(30);

/// The shortest pause between two beats.
const SHORTEST: Duration = Duration::from_secs(1);

/// A checked `[service]`.
///
/// # Errors
/// Every mistake.
pub fn service(table: &ServiceTable, around: &Surroundings<'_>) -> Result<ServiceConfig, Vec<String>> {
    let mut taken = Taken::default();
    let address = taken.take(table.http.as_deref().map(loopback).transpose()).flatten();
    let token = table.token.as_ref().map(|token| secret_of(token, false, around));
    let token = taken.take(token.transpose().map_err(|mistake| format!("token: {mistake}"))).flatten();
    let endpoint = match (address, token) {
        (Some(address), Some(token)) => Some(EndpointConfig { address, token }),
        (Some(_), None) if table.token.is_none() => {
            taken.note("http needs a token: token = { env = \"BEADLE_METRICS_TOKEN\" }".into());
            None
        }
        (None, Some(_)) if table.http.is_none() => {
            taken.note("token is for http, which is not given: http = \"127.0.0.1:9464\"".into());
            None
        }
        _ => None,
    };
    let heartbeat = table.heartbeat.as_ref().map(|url| outside_url("heartbeat", url, false, around));
    let heartbeat = taken.take(heartbeat.transpose()).flatten();
    let every = taken.take(length(table.heartbeat_every.as_deref(), "heartbeat_every", EVERY)).unwrap_or(EVERY);
    let drain = taken.take(length(table.drain.as_deref(), "drain", DRAIN)).unwrap_or(DRAIN);
    if every < SHORTEST {
        taken.note("heartbeat_every must be at least 1s".into());
    }
    match taken.is_clean() {
        true => Ok(ServiceConfig { endpoint, heartbeat, heartbeat_every: every, drain }),
        false => Err(taken.mistakes()),
    }
}

fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr =
        text.parse().map_err(|_| format!("http '{text}' is not an address with a port, such as 127.0.0.1:9464"))?;
    if address.ip().is_loopback() {
        return Ok(address);
    }
    Err(format!("http '{text}' is not a loopback address: put a reverse proxy with TLS before 127.0.0.1"))
}

/// The keys of a trigger that say whom it tells.
pub struct TellKeys<'a> {
    /// `on_success`.
    pub on_success: &'a Names,
    /// `on_failure`.
    pub on_failure: &'a Names,
    /// `on_missed`.
    pub on_missed: &'a Names,
    /// `heartbeat`.
    pub heartbeat: Option<&'a SecretTable>,
}

impl<'a> From<&'a ScheduleTable> for TellKeys<'a> {
    fn from(table: &'a ScheduleTable) -> Self {
        let ScheduleTable { on_success, on_failure, on_missed, heartbeat, .. } = table;
        Self { on_success, on_failure, on_missed, heartbeat: heartbeat.as_ref() }
    }
}

impl<'a> From<&'a WatchTable> for TellKeys<'a> {
    fn from(table: &'a WatchTable) -> Self {
        let WatchTable { on_success, on_failure, on_missed, heartbeat, .. } = table;
        Self { on_success, on_failure, on_missed, heartbeat: heartbeat.as_ref() }
    }
}

/// Whom a trigger tells, checked against the channels there are.
///
/// # Errors
/// Every mistake.
pub fn tells(
    keys: &TellKeys<'_>,
    channels: &BTreeMap<String, ChannelTable>,
    around: &Surroundings<'_>,
) -> Result<Tells, Vec<String>> {
    let mut taken = Taken::default();
    let mut known = |key: &str, names: &Names| {
        for name in names.0.iter().filter(|name| !channels.contains_key(*name)) {
            let hint = did_you_mean(name, channels.keys().map(String::as_str));
            taken.note(format!("{key}: there is no channel '{name}'.{hint} Channels are named by [channels.NAME]"));
        }
        names.0.clone()
    };
    let on_success = known("on_success", keys.on_success);
    let on_failure = known("on_failure", keys.on_failure);
    let on_missed = known("on_missed", keys.on_missed);
    let heartbeat = keys.heartbeat.map(|url| outside_url("heartbeat", url, false, around));
    let heartbeat = taken.take(heartbeat.transpose()).flatten();
    match taken.is_clean() {
        true => Ok(Tells { on_success, on_failure, on_missed, heartbeat }),
        false => Err(taken.mistakes()),
    }
}
