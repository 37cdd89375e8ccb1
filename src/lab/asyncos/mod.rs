//! Cisco Secure Email, gateway and manager, written from its fact sheet.

mod auth;
mod objects;
mod quarantine;
mod reports;
mod routes;
mod rules;
mod state;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::fault::Faults;
use super::log::Seen;
use super::server::{Identity, Server, Shared};
use state::State;

/// Which of the two it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// The gateway.
    Esa,
    /// The manager.
    Sma,
}

impl Product {
    /// Its word in paths.
    pub fn word(self) -> &'static str {
        match self {
            Self::Esa => "esa",
            Self::Sma => "sma",
        }
    }
}

/// How a simulated appliance is set up.
#[derive(Clone, Debug)]
pub struct AsyncosOptions {
    /// Gateway or manager.
    pub product: Product,
    /// The port; 0 is any free one.
    pub port: u16,
    /// Whether it speaks TLS.
    pub tls: bool,
    /// The account.
    pub username: String,
    /// Its passphrase.
    pub password: String,
    /// How long a token holds.
    pub token_life: Duration,
    /// Whether the account needs a second factor.
    pub two_factor: bool,
    /// What goes wrong.
    pub faults: Faults,
}

impl Default for AsyncosOptions {
    fn default() -> Self {
        Self {
            product: Product::Esa,
            port: 0,
            tls: false,
            username: "admin".into(),
            password: "lab-password".into(),
            token_life: Duration::from_secs(1800),
            two_factor: false,
            faults: Faults::default(),
        }
    }
}

struct Asyncos {
    options: AsyncosOptions,
    state: Mutex<State>,
}

/// A running appliance. It ends when dropped.
pub struct AsyncosLab {
    asyncos: Arc<Asyncos>,
    shared: Arc<Shared>,
    server: Server,
    identity: Option<Identity>,
}

impl AsyncosLab {
    /// Starts it on loopback. A runtime must be entered.
    ///
    /// # Errors
    /// The port is taken.
    pub async fn start(options: AsyncosOptions) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        *shared.faults.lock().unwrap_or_else(PoisonError::into_inner) = (options.faults.clone(), Vec::new());
        let identity = options.tls.then(Identity::self_signed).transpose()?;
        let asyncos = Arc::new(Asyncos { state: Mutex::new(State::new()), options: options.clone() });
        let api = Arc::new(routes::Api(Arc::clone(&asyncos)));
        let server = Server::start(options.port, identity.as_ref(), api, Arc::clone(&shared)).await?;
        Ok(Self { asyncos, shared, server, identity })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.asyncos.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The target's `url`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The certificate.
    pub fn certificate_pem(&self) -> Option<&str> {
        self.identity.as_ref().map(Identity::pem)
    }

    /// What it saw.
    pub fn requests(&self) -> Vec<Seen> {
        self.shared.log.requests()
    }

    /// What was wrong although the true appliance would not have said so.
    pub fn complaints(&self) -> Vec<String> {
        self.shared.log.complaints()
    }

    /// How many requests could not change anything, could, and did.
    pub fn counts(&self) -> (u64, u64, u64) {
        self.shared.log.counts()
    }

    /// Sets what goes wrong from now on.
    pub fn set_faults(&self, faults: Faults) {
        *self.shared.faults.lock().unwrap_or_else(PoisonError::into_inner) = (faults, Vec::new());
    }

    /// Makes every token invalid.
    pub fn revoke_tokens(&self) {
        self.state().tokens.clear();
    }

    /// The numbers of the messages in the spam quarantine.
    pub fn spam(&self) -> Vec<i64> {
        self.state().spam.iter().filter_map(|row| row.get("mid")?.as_i64()).collect()
    }

    /// A policy object, such as `url_lists` and a name.
    pub fn object(&self, kind: &str, name: &str) -> Option<Json> {
        self.state().objects.get(kind)?.get(name).cloned()
    }

    /// Replaces the rows of message tracking, for measurements.
    pub fn set_messages(&self, rows: Vec<Json>) {
        self.state().tracking = rows;
    }

    /// What it holds: the numbers of the messages in the `spam` quarantine, `lists` by recipient, `objects` by kind
    /// and name.
    pub fn contents(&self) -> Json {
        let state = self.state();
        let spam: Json = state.spam.iter().filter_map(|row| row.get("mid").cloned()).collect();
        json!({ "spam": spam, "lists": state.lists, "objects": state.objects })
    }
}
