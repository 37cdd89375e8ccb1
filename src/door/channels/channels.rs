//! All channels of a project: a message goes out masked, in time, and not too often.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value as Json};
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::email::{self, Account};
use super::file;
use super::held::{Held, OpenState};
use super::message::Message;
use super::storm::Storm;
use super::undelivered::Undelivered;
use super::webhook::{Hook, Opened};
use crate::clock::Clock;
use crate::config::{Channel, ChannelKind, Email, Secrets};
use crate::fault::{Fault, FaultKind};
use crate::nearest::did_you_mean;

/// How often a message is tried.
const ATTEMPTS: u32 = 3;

/// The pause before a second attempt; it is doubled before a third.
const PAUSE: Duration = Duration::from_millis(500);

/// What channels are made of.
pub struct ChannelsParts {
    /// As they are configured, by name.
    pub channels: BTreeMap<String, Channel>,
    /// Where their secrets come from, and what masks.
    pub secrets: Arc<Secrets>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The name of this machine.
    pub host: String,
    /// Where it stands what they hold back.
    pub state: OpenState,
}

/// All channels of a project.
pub struct Channels {
    lines: BTreeMap<String, Arc<Line>>,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It has arrived.
    Delivered,
    /// It is held back, and will be part of a sum.
    Held,
}

/// One channel.
pub(super) struct Line {
    pub(super) name: String,
    carrier: Carrier,
    pub(super) timeout: Duration,
    storm: Mutex<Storm>,
    pub(super) held: Held,
    pub(super) secrets: Arc<Secrets>,
    pub(super) clock: Arc<dyn Clock>,
    host: String,
}

enum Carrier {
    Webhook(Box<Hook>),
    Email(Email),
    File(PathBuf),
}

/// A carrier with its secrets at hand.
enum Ready<'a> {
    Webhook(&'a Hook, Opened),
    Email(&'a Email, Account),
    File(&'a PathBuf),
}

impl Channels {
    /// Channels that have carried nothing yet.
    pub fn new(parts: ChannelsParts) -> Self {
        let ChannelsParts { channels, secrets, clock, host, state } = parts;
        let held = Held::new(state);
        let line = |(name, channel): (String, Channel)| {
            let carrier = match channel.kind {
                ChannelKind::Webhook(webhook) => Carrier::Webhook(Box::new(Hook::new(&name, *webhook))),
                ChannelKind::Email(email) => Carrier::Email(*email),
                ChannelKind::File(path) => Carrier::File(path),
            };
            let line = Line {
                name: name.clone(),
                carrier,
                timeout: channel.timeout,
                storm: Mutex::new(Storm::new(channel.limit)),
                held: held.clone(),
                secrets: Arc::clone(&secrets),
                clock: Arc::clone(&clock),
                host: host.clone(),
            };
            (name, Arc::new(line))
        };
        Self { lines: channels.into_iter().map(line).collect() }
    }

    /// Whether there is a channel of this name.
    ///
    /// # Errors
    /// `invalid`, with the nearest name.
    pub fn check(&self, name: &str) -> Result<(), Fault> {
        self.line(name).map(|_| ())
    }

    fn line(&self, name: &str) -> Result<&Arc<Line>, Fault> {
        self.lines.get(name).ok_or_else(|| {
            let hint = did_you_mean(name, self.lines.keys().map(String::as_str));
            let message =
                format!("there is no channel '{name}'.{hint} Channels are named by [channels.NAME] in beadle.toml");
            Fault::new(FaultKind::Invalid, message)
        })
    }

    /// Sends a message, or holds it back where there are too many.
    ///
    /// # Errors
    /// `invalid` for an unknown name, and why the message did not arrive: that is no reason for a
    /// run to fail.
    pub async fn send(&self, name: &str, message: &Message) -> Result<Sent, Fault> {
        let line = self.line(name)?;
        if !line.storm().may_go(Instant::now()) {
            line.hold(&message.subject).await;
            return Ok(Sent::Held);
        }
        let arrived = line.carry(message).await;
        arrived.map(|()| Sent::Delivered).map_err(|undelivered| {
            let why = undelivered.why;
            Fault::new(FaultKind::Connect, format!("the message did not reach channel '{name}': {why}"))
        })
    }

    /// Has told what processes held back that did not live to tell it.
    pub fn take_up(&self, runtime: &Handle) {
        self.lines.values().for_each(|line| drop(runtime.spawn(Arc::clone(line).take_up())));
    }

    /// Sends the sums of what is still held back: the process ends.
    pub async fn flush(&self) {
        let used = self.lines.values().filter(|line| line.storm().used);
        futures_util::future::join_all(used.map(|line| line.tell())).await;
    }
}

impl Line {
    pub(super) fn storm(&self) -> MutexGuard<'_, Storm> {
        self.storm.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries a message, within the channel's time, all attempts together.
    pub(super) async fn carry(&self, message: &Message) -> Result<(), Undelivered> {
        let at = self.clock.now();
        let mut document = Json::Object(message.document(&self.name, &self.host, at));
        let ready = self.ready().await.map_err(Undelivered::for_good)?;
        // Masked after the secrets were fetched: only then they are known.
        self.secrets.masker().mask_json(&mut document);
        let Json::Object(document) = document else { return Ok(()) };
        let deadline = Instant::now() + self.timeout;
        let mut pause = PAUSE;
        let mut attempt = 1;
        let mut was_lost = false;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let tried = tokio::time::timeout(left, self.carry_once(&ready, &document, at)).await;
            let undelivered = match tried {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(undelivered)) => undelivered,
                Err(_) => Undelivered::for_good(format!("nothing was answered within {:?}", self.timeout)).lost(true),
            };
            was_lost |= undelivered.was_lost;
            let pauses = undelivered.after.unwrap_or(pause);
            if !undelivered.again || attempt == ATTEMPTS || Instant::now() + pauses >= deadline {
                let tries = if attempt > 1 { format!(" (after {attempt} attempts)") } else { String::new() };
                let why = format!("{}{tries}", undelivered.why);
                return Err(Undelivered { why, was_lost, ..undelivered });
            }
            tokio::time::sleep(pauses).await;
            pause *= 2;
            attempt += 1;
        }
    }

    /// Fetches the secrets that are needed: a command that prints one may take its time.
    async fn ready(self: &Line) -> Result<Ready<'_>, String> {
        let sources = match &self.carrier {
            Carrier::Webhook(hook) => hook.sources(),
            Carrier::Email(config) => config.username.iter().chain(&config.password).cloned().collect(),
            Carrier::File(path) => return Ok(Ready::File(path)),
        };
        let secrets = Arc::clone(&self.secrets);
        let fetching = tokio::task::spawn_blocking(move || {
            sources.iter().try_for_each(|source| secrets.fetch(source).map(|_| ()))
        });
        fetching.await.map_err(|error| error.to_string())??;
        // Now they are known, and nothing blocks any more.
        let fetch = |source: &_| self.secrets.fetch(source).map(|secret| secret.expose().to_owned());
        match &self.carrier {
            Carrier::Webhook(hook) => Ok(Ready::Webhook(hook, hook.open(&fetch)?)),
            Carrier::Email(config) => Ok(Ready::Email(config, email::account(config, &fetch)?)),
            Carrier::File(path) => Ok(Ready::File(path)),
        }
    }

    async fn carry_once(
        &self,
        ready: &Ready<'_>,
        document: &Map<String, Json>,
        at: jiff::Timestamp,
    ) -> Result<(), Undelivered> {
        // What ends an attempt is the time for all of them; this is for what it leaves behind.
        let timeout = self.timeout * 2;
        match ready {
            Ready::Webhook(hook, opened) => hook.post(opened, document, timeout).await,
            Ready::Email(config, account) => {
                let text = |name: &str| document.get(name).and_then(Json::as_str).unwrap_or_default();
                email::send(config, account, text("subject"), text("text"), at, timeout).await
            }
            Ready::File(path) => file::append(path, document).await,
        }
    }
}
