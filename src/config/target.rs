//! A target: one configured appliance.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::catalog::Effect;

/// One configured appliance: vendor, URL, credentials, TLS and rights, with all defaults filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// The name in configuration and scripts.
    pub name: String,
    /// The vendor's id.
    pub vendor: String,
    /// Scheme, host and port (and a path prefix, if a gateway adds one); no credentials.
    pub url: Url,
    /// The generation, where a vendor has several (`8` or `10` for SEG).
    pub version: Option<String>,
    /// The product or role, where a vendor has several (`esa` or `sma`; `manager`, `hub`, `worker`).
    pub product: Option<String>,
    /// For calls that the vendor's documents spell in two ways: the one that this appliance knows.
    pub spellings: BTreeMap<String, String>,
    /// How to sign in.
    pub auth: Auth,
    /// How the connection is trusted.
    pub tls: Tls,
    /// The proxy, if one is configured for this target.
    pub proxy: Option<Url>,
    /// Free words for `targets(#{ tag })`.
    pub tags: Vec<String>,
    /// How long a request may take where its row does not allow more.
    pub timeout: Duration,
    /// How many requests may be under way at once.
    pub max_in_flight: usize,
    /// How many requests may start in a period.
    pub rate: Option<Rate>,
    /// The greatest answer that is read into memory, in bytes.
    pub max_answer: u64,
    /// The effects that scripts may have here.
    pub allow: BTreeSet<Effect>,
    /// Whether calls marked experimental may change something here.
    pub experimental: bool,
}

/// `20/s`: so many requests in a period.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// How many.
    pub count: u32,
    /// In how long.
    pub per: Duration,
}

/// How to sign in at a target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Auth {
    /// The method, one of those that the vendor knows; `none` without sign-in.
    pub method: String,
    /// The user name.
    pub username: Option<SecretSource>,
    /// The password.
    pub password: Option<SecretSource>,
    /// A ready token.
    pub token: Option<SecretSource>,
    /// The URL of the token service, where it is not the default one.
    pub token_url: Option<Url>,
    /// The login method, where a vendor has several.
    pub login_method: Option<String>,
    /// The header that carries the token, where the vendor's catalog names one.
    pub header: &'static str,
    /// The client certificate (PEM).
    pub cert: Option<PathBuf>,
    /// The client certificate's key (PEM).
    pub key: Option<PathBuf>,
}

/// Where a secret comes from. It is fetched only when used.
#[derive(Clone, Debug, PartialEq)]
pub enum SecretSource {
    /// A text in the configuration; accepted for user names only.
    Literal(String),
    /// An environment variable.
    Env(String),
    /// A file; one trailing line break is not part of the secret.
    File(PathBuf),
    /// A command with its arguments, run without a shell; its output is the secret.
    Command(Vec<String>),
}

/// How a target's certificate is trusted.
#[derive(Clone, Debug, PartialEq)]
pub enum Tls {
    /// By the roots of the operating system.
    System,
    /// By the certificates of a PEM file, and by nothing else.
    CaFile(PathBuf),
    /// By the SHA-256 of the certificate (DER), in lower-case hex.
    Pin(String),
    /// Not at all: every run that uses the target says so.
    Insecure,
    /// No TLS: `http://` to a host that is not loopback.
    Plain,
}
