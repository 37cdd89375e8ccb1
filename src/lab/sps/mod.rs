//! One Identity SPS, written from its fact sheet.

mod audit;
mod configuration;
mod routes;
mod state;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value as Json, json};

use super::fault::Faults;
use super::log::Seen;
use super::server::{Identity, Server, Shared};
use state::State;

/// How a simulated SPS is set up.
#[derive(Clone, Debug)]
pub struct SpsOptions {
    /// The port; 0 is any free one.
    pub port: u16,
    /// Whether it speaks TLS.
    pub tls: bool,
    /// The account.
    pub username: String,
    /// Its password.
    pub password: String,
    /// The login method of who names none.
    pub default_login_method: String,
    /// Whether a commit needs a message.
    pub commit_log_required: bool,
    /// How many requests a session lasts.
    pub session_life: u64,
    /// What goes wrong.
    pub faults: Faults,
}

impl Default for SpsOptions {
    fn default() -> Self {
        Self {
            port: 0,
            tls: false,
            username: "admin".into(),
            password: "lab-password".into(),
            default_login_method: "local".into(),
            commit_log_required: false,
            session_life: u64::MAX,
            faults: Faults::default(),
        }
    }
}

struct Sps {
    options: SpsOptions,
    state: Mutex<State>,
}

/// A running SPS. It ends when dropped.
pub struct SpsLab {
    sps: Arc<Sps>,
    shared: Arc<Shared>,
    server: Server,
    identity: Option<Identity>,
}

impl SpsLab {
    /// Starts it on loopback. A runtime must be entered.
    ///
    /// # Errors
    /// The port is taken.
    pub async fn start(options: SpsOptions) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        *shared.faults.lock().unwrap_or_else(PoisonError::into_inner) = (options.faults.clone(), Vec::new());
        let identity = options.tls.then(Identity::self_signed).transpose()?;
        let sps = Arc::new(Sps { state: Mutex::new(State::new()), options: options.clone() });
        let api = Arc::new(routes::Api(Arc::clone(&sps)));
        let server = Server::start(options.port, identity.as_ref(), api, Arc::clone(&shared)).await?;
        Ok(Self { sps, shared, server, identity })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.sps.state.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// A live object, by its path below `/api`.
    pub fn object(&self, path: &str) -> Option<Json> {
        self.state().tree.get(path).cloned()
    }

    /// The live objects below a path, with their paths.
    pub fn objects(&self, below: &str) -> Vec<(String, Json)> {
        let state = self.state();
        let found = state.tree.iter().filter(|(path, _)| path.starts_with(below));
        found.map(|(path, body)| (path.clone(), body.clone())).collect()
    }

    /// How many commits there were.
    pub fn commits(&self) -> u64 {
        self.state().commits
    }

    /// Whether a transaction is open.
    pub fn is_open(&self) -> bool {
        self.state().sessions.values().any(|session| session.staged.is_some())
    }

    /// How many sessions are open.
    pub fn sessions(&self) -> usize {
        self.state().sessions.len()
    }

    /// Ends every session, and their transactions.
    pub fn expire_sessions(&self) {
        self.state().sessions.clear();
    }

    /// Ends the sessions that hold a transaction, as an appliance does with those that stand still.
    pub fn expire_transactions(&self) {
        self.state().sessions.retain(|_, session| session.staged.is_none());
    }

    /// Lets another administrator hold the configuration, or let go.
    pub fn hold(&self, held: bool) {
        self.state().foreign = held;
    }

    /// What it holds: the live `objects` by path, how many `commits` there were, and open `sessions`.
    pub fn contents(&self) -> Json {
        let state = self.state();
        json!({ "objects": state.tree, "commits": state.commits, "sessions": state.sessions.len() })
    }
}
