//! ReversingLabs Spectra Detect, Manager and Worker, written from its fact sheet.

mod jobs;
mod routes;
mod state;
mod worker;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value as Json, json};

use super::fault::Faults;
use super::log::Seen;
use super::server::{Identity, Server, Shared};
use state::State;

/// The token that the lab's Worker wants.
pub const WORKER_TOKEN: &str = "labworkertoken0123456789labworkertoken01";

/// How simulated appliances are set up.
#[derive(Clone, Debug)]
pub struct SpectraOptions {
    /// The Manager's port; 0 is any free one.
    pub port: u16,
    /// The Worker's port; 0 is any free one.
    pub worker_port: u16,
    /// Whether they speak TLS.
    pub tls: bool,
    /// The account.
    pub username: String,
    /// Its password.
    pub password: String,
    /// Whether the Manager knows the spellings of the guide's text, or else those of its examples.
    pub text_spellings: bool,
    /// How many looks a backup, an upgrade or a configuration takes.
    pub looks: u64,
    /// For how many looks the end of earlier work is still shown after new work has begun.
    pub stale: u64,
    /// How many appliances more there are, before the others in every list.
    pub more: u64,
    /// Whether backups fail.
    pub backup_fails: bool,
    /// Whether a page for people comes in place of the backup, with status 200.
    pub backup_is_a_page: bool,
    /// The appliance whose upgrade fails.
    pub upgrade_fails: Option<String>,
    /// How many bytes a backup has.
    pub backup_size: u64,
    /// What goes wrong.
    pub faults: Faults,
}

impl Default for SpectraOptions {
    fn default() -> Self {
        Self {
            port: 0,
            worker_port: 0,
            tls: false,
            username: "admin".into(),
            password: "lab-password".into(),
            text_spellings: true,
            looks: 2,
            stale: 1,
            more: 0,
            backup_fails: false,
            backup_is_a_page: false,
            upgrade_fails: None,
            backup_size: 100_000,
            faults: Faults::default(),
        }
    }
}

struct Spectra {
    options: SpectraOptions,
    state: Mutex<State>,
}

/// A running Manager and Worker. They end when dropped.
pub struct SpectraLab {
    spectra: Arc<Spectra>,
    shared: Arc<Shared>,
    manager: Server,
    worker: Server,
    identity: Option<Identity>,
}

impl SpectraLab {
    /// Starts them on loopback. A runtime must be entered.
    ///
    /// # Errors
    /// A port is taken.
    pub async fn start(options: SpectraOptions) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        *shared.faults.lock().unwrap_or_else(PoisonError::into_inner) = (options.faults.clone(), Vec::new());
        let identity = options.tls.then(Identity::self_signed).transpose()?;
        let spectra = Arc::new(Spectra { state: Mutex::new(State::new(options.more)), options: options.clone() });
        let manager = Arc::new(routes::Manager(Arc::clone(&spectra)));
        let manager = Server::start(options.port, identity.as_ref(), manager, Arc::clone(&shared)).await?;
        let worker = Arc::new(worker::Worker(Arc::clone(&spectra)));
        let worker = Server::start(options.worker_port, identity.as_ref(), worker, Arc::clone(&shared)).await?;
        Ok(Self { spectra, shared, manager, worker, identity })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.spectra.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The Manager's `url`.
    pub fn url(&self) -> String {
        self.manager.url()
    }

    /// The Worker's `url`.
    pub fn worker_url(&self) -> String {
        self.worker.url()
    }

    /// The Worker's token.
    pub fn worker_token(&self) -> &'static str {
        WORKER_TOKEN
    }

    /// The certificate of both.
    pub fn certificate_pem(&self) -> Option<&str> {
        self.identity.as_ref().map(Identity::pem)
    }

    /// What they saw.
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

    /// Makes every token of the Manager invalid.
    pub fn revoke_tokens(&self) {
        self.state().tokens.clear();
    }

    /// The release of an appliance.
    pub fn release(&self, name: &str) -> Option<String> {
        self.state().appliances.iter().find(|one| one.name == name).map(|one| one.release.clone())
    }

    /// What was uploaded: place, size and SHA-256 of each file.
    pub fn uploads(&self) -> Vec<(String, u64, String)> {
        self.state().uploads.clone()
    }

    /// Lets somebody else's upgrade of an appliance be under way.
    pub fn upgrade_elsewhere(&self, name: &str) {
        self.state().upgrade(name, u64::MAX);
    }

    /// What they hold: the `version`, the `releases` of appliances by name, `authorized` ones, `groups` by name, `backups`
    /// made, `settings` by path and `uploads`.
    pub fn contents(&self) -> Json {
        let state = self.state();
        let releases = state.appliances.iter().map(|one| (one.name.clone(), json!(one.release)));
        json!({
            "version": state.version,
            "releases": Json::Object(releases.collect()),
            "authorized": state.appliances.iter().filter(|one| one.authorized).map(|one| one.name.as_str()).collect::<Vec<_>>(),
            "groups": state.groups.get("config-group"),
            "backups": state.backups,
            "settings": state.settings,
            "uploads": state.uploads.iter().map(|(place, size, digest)| json!({ "place": place, "bytes": size, "sha256": digest })).collect::<Json>(),
        })
    }
}
