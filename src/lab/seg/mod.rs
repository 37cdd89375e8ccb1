//! Trustwave SEG, generations 8 and 10, written from its fact sheet alone.

mod auth;
mod groups;
mod handlers;
mod messages;
mod routes;
mod state;
mod strict;

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::fault::Faults;
use super::log::Seen;
use super::server::{Identity, Server, Shared};
use state::State;

/// The appliance's generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// 8.x: Basic with a Windows account.
    Eight,
    /// 10.x: a token from a service on its own port.
    Ten,
}

/// How a change that is not done is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalStyle {
    /// Status 200 with a reason.
    Ok,
    /// Status 400 with a reason.
    BadRequest,
    /// Status 500 with a reason.
    Failure,
}

impl RefusalStyle {
    /// The status of a refusal.
    const fn status(self) -> u16 {
        match self {
            Self::Ok => 200,
            Self::BadRequest => 400,
            Self::Failure => 500,
        }
    }
}

/// How a lab is set up.
#[derive(Clone, Debug)]
pub struct SegOptions {
    /// The generation.
    pub generation: Generation,
    /// The API's port; 0 is any free one.
    pub port: u16,
    /// The token service's port; 0 is any free one.
    pub token_port: u16,
    /// Whether it speaks TLS, with a self-signed certificate for localhost.
    pub tls: bool,
    /// Whether that certificate calls itself an authority.
    pub authority: bool,
    /// The account.
    pub username: String,
    /// Its password, in clear.
    pub password: String,
    /// How long a token holds.
    pub token_life: Duration,
    /// Whether `expires_in` comes as a text.
    pub life_as_text: bool,
    /// What goes wrong.
    pub faults: Faults,
    /// How refusals come.
    pub refusals: RefusalStyle,
    /// Whether a refusal names the entry that is in the way.
    pub names_offender: bool,
    /// Whether what a delta adds is looked at before what it removes: no document says which is first.
    pub additions_first: bool,
    /// Whether it offers NTLM only (generation 8).
    pub ntlm_only: bool,
    /// The version that it tells.
    pub version: String,
}

impl Default for SegOptions {
    fn default() -> Self {
        Self {
            generation: Generation::Ten,
            port: 0,
            token_port: 0,
            tls: false,
            authority: false,
            username: "api".into(),
            password: "lab-password".into(),
            token_life: Duration::from_secs(3600),
            life_as_text: false,
            faults: Faults::default(),
            refusals: RefusalStyle::Ok,
            names_offender: true,
            additions_first: false,
            ntlm_only: false,
            version: "10.0.1.2030".into(),
        }
    }
}

/// The simulated SEG without its listeners.
struct Seg {
    options: SegOptions,
    state: Mutex<State>,
    tokens: Mutex<auth::Tokens>,
}

/// A running SEG. It ends when dropped.
pub struct SegLab {
    seg: Arc<Seg>,
    shared: Arc<Shared>,
    api: Server,
    token: Option<Server>,
    identity: Option<Identity>,
}

impl SegLab {
    /// Starts it on loopback. A runtime must be entered.
    ///
    /// # Errors
    /// A port is taken.
    pub async fn start(options: SegOptions) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        *shared.faults.lock().unwrap_or_else(PoisonError::into_inner) = (options.faults.clone(), Vec::new());
        let seg = Arc::new(Seg {
            state: Mutex::new(State::new(&options.version)),
            tokens: Mutex::default(),
            options: options.clone(),
        });
        let identity = options
            .tls
            .then(|| if options.authority { Identity::authority() } else { Identity::self_signed() })
            .transpose()?;
        let api = Server::start(
            options.port,
            identity.as_ref(),
            Arc::new(routes::Api(Arc::clone(&seg))),
            Arc::clone(&shared),
        )
        .await?;
        let token = match options.generation {
            Generation::Eight => None,
            Generation::Ten => {
                let service = Arc::new(auth::TokenService(Arc::clone(&seg)));
                Some(Server::start(options.token_port, identity.as_ref(), service, Arc::clone(&shared)).await?)
            }
        };
        Ok(Self { seg, shared, api, token, identity })
    }

    /// The target's `url`.
    pub fn api_url(&self) -> String {
        self.api.url()
    }

    /// The target's `auth.token_url`.
    pub fn token_url(&self) -> Option<String> {
        self.token.as_ref().map(|token| format!("{}/token", token.url()))
    }

    /// The certificate of both ports.
    pub fn certificate_pem(&self) -> Option<&str> {
        self.identity.as_ref().map(Identity::pem)
    }

    /// The SHA-256 of the certificate, in lower-case hex.
    pub fn fingerprint(&self) -> Option<String> {
        use sha2::{Digest, Sha256};
        let der = self.identity.as_ref()?.der();
        Some(Sha256::digest(der).iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// What it saw.
    pub fn requests(&self) -> Vec<Seen> {
        self.shared.log.requests()
    }

    /// What was wrong with requests although the true appliance would not have said so.
    pub fn complaints(&self) -> Vec<String> {
        self.shared.log.complaints()
    }

    /// How many requests could not change anything, could, and did. Sign-ins are reads.
    pub fn counts(&self) -> (u64, u64, u64) {
        self.shared.log.counts()
    }

    /// Sets what goes wrong from now on; counting begins anew.
    pub fn set_faults(&self, faults: Faults) {
        *self.shared.faults.lock().unwrap_or_else(PoisonError::into_inner) = (faults, Vec::new());
    }

    /// Makes every token invalid.
    pub fn revoke_tokens(&self) {
        *self.seg.tokens.lock().unwrap_or_else(PoisonError::into_inner) = auth::Tokens::default();
    }

    /// The entries of an IP group, as texts such as `192.0.2.0/24`, in order.
    pub fn ip_group(&self, group: i64) -> Vec<String> {
        let state = self.seg.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.ip_groups.get(&group).map(groups::IpGroup::entries).unwrap_or_default()
    }

    /// Adds an entry to an IP group behind the client's back.
    pub fn put_ip(&self, group: i64, network: &str, name: &str) {
        let mut state = self.seg.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(group) = state.ip_groups.get_mut(&group) {
            group.put(network, name);
        }
    }

    /// Takes every entry out of an IP group behind the client's back.
    pub fn empty_ip_group(&self, group: i64) {
        let mut state = self.seg.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(group) = state.ip_groups.get_mut(&group) {
            *group = groups::IpGroup::default();
        }
    }

    /// The members of a user group.
    pub fn members(&self, group: i64) -> Vec<String> {
        let state = self.seg.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.members.get(&group).cloned().unwrap_or_default().into_iter().map(|(_, data)| data).collect()
    }

    /// Replaces the list of messages, for measurements.
    pub fn set_messages(&self, messages: Vec<Json>) {
        self.seg.state.lock().unwrap_or_else(PoisonError::into_inner).messages = messages;
    }

    /// What it holds: `ip_groups` and `members` by number, and how many messages, queued mails and backups.
    pub fn contents(&self) -> Json {
        let state = self.seg.state.lock().unwrap_or_else(PoisonError::into_inner);
        let ip_groups = state.ip_groups.iter().map(|(number, group)| (number.to_string(), json!(group.entries())));
        let data = |members: &[(i64, String)]| members.iter().map(|(_, data)| json!(data)).collect::<Json>();
        let members = state.members.iter().map(|(number, members)| (number.to_string(), data(members)));
        json!({
            "ip_groups": Json::Object(ip_groups.collect()),
            "members": Json::Object(members.collect()),
            "messages": state.messages.len(),
            "queue": state.queue.len(),
            "backups": state.backups.len(),
        })
    }
}
