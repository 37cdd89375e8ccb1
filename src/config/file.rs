//! The file as it is written: every table and key, before any check across them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::{Deserializer, Visitor};

/// `beadle.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct File {
    pub vendors: BTreeMap<String, TargetTable>,
    pub targets: BTreeMap<String, TargetTable>,
    pub targets_file: Option<PathBuf>,
    pub schedules: BTreeMap<String, ScheduleTable>,
    pub watches: BTreeMap<String, WatchTable>,
    pub policy: PolicyTable,
    pub never: NeverTable,
    pub limits: LimitsTable,
    pub files: FilesTable,
    pub http: HttpTable,
    pub catalog: CatalogTable,
    pub state: StateTable,
    pub secrets: BTreeMap<String, SecretTable>,
    pub channels: BTreeMap<String, ChannelTable>,
    pub service: ServiceTable,
}

/// `[targets.NAME]`, and `[vendors.NAME]` for the defaults of a vendor's targets.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TargetTable {
    pub vendor: Option<String>,
    pub url: Option<String>,
    pub version: Option<Word>,
    pub product: Option<String>,
    pub role: Option<String>,
    pub spellings: Option<BTreeMap<String, String>>,
    pub auth: Option<AuthTable>,
    pub tls: Option<TlsTable>,
    pub proxy: Option<String>,
    pub tags: Option<Vec<String>>,
    pub timeout: Option<String>,
    pub max_in_flight: Option<usize>,
    pub rate: Option<String>,
    pub max_answer: Option<String>,
    pub allow: Option<Vec<String>>,
    pub experimental: Option<bool>,
}

/// `auth = { … }`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuthTable {
    pub method: Option<String>,
    pub username: Option<SecretTable>,
    pub password: Option<SecretTable>,
    pub token: Option<SecretTable>,
    pub token_url: Option<String>,
    pub login_method: Option<String>,
    pub cert: Option<PathBuf>,
    pub key: Option<PathBuf>,
}

/// `tls = { … }`: one of them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsTable {
    pub ca_file: Option<PathBuf>,
    pub pin_sha256: Option<String>,
    pub insecure: bool,
    pub plain: bool,
}

/// A reference to a secret: one of its members, or a text where a literal is accepted.
#[derive(Clone, Debug, Default)]
pub struct SecretTable {
    pub literal: Option<String>,
    pub env: Option<String>,
    pub file: Option<PathBuf>,
    pub command: Option<Vec<String>>,
    pub secret: Option<String>,
}

/// A text, or a whole number written without quotes.
#[derive(Clone, Debug)]
pub struct Word(pub String);

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScheduleTable {
    pub playbook: Option<String>,
    pub cron: Option<String>,
    pub timezone: Option<String>,
    pub params: toml::Table,
    pub allow: Vec<String>,
    pub overlap: Option<String>,
    pub missed: Option<String>,
    pub window: Option<String>,
    pub jitter: Option<String>,
    pub timeout: Option<String>,
    pub retry: Option<RetryTable>,
    pub pause_after: Option<u32>,
    pub max_runs: Option<usize>,
    pub on_success: Names,
    pub on_failure: Names,
    pub on_missed: Names,
    pub heartbeat: Option<SecretTable>,
}

/// `retry = { … }` of a trigger.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetryTable {
    pub attempts: Option<u32>,
    pub backoff: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WatchTable {
    pub playbook: Option<String>,
    pub paths: Vec<String>,
    pub recursive: bool,
    pub ready: Option<String>,
    pub settle: Option<String>,
    pub poll: Option<String>,
    pub order: Option<String>,
    pub collect: Option<CollectTable>,
    pub dedupe: Option<String>,
    pub dedupe_for: Option<String>,
    pub chain: bool,
    pub params: toml::Table,
    pub allow: Vec<String>,
    pub overlap: Option<String>,
    pub after: Option<String>,
    pub timeout: Option<String>,
    pub on_success: Names,
    pub on_failure: Names,
    pub on_missed: Names,
    pub heartbeat: Option<SecretTable>,
    pub retry: Option<RetryTable>,
    pub pause_after: Option<u32>,
    pub max_runs: Option<usize>,
}

/// `collect = { … }`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CollectTable {
    pub max: Option<usize>,
    pub window: Option<String>,
}

/// `[channels.NAME]`: which keys there are depends on the kind.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ChannelTable {
    pub kind: Option<String>,
    pub limit: Option<String>,
    pub timeout: Option<String>,
    pub url: Option<SecretTable>,
    pub headers: Option<BTreeMap<String, SecretTable>>,
    pub token: Option<SecretTable>,
    pub body: Option<String>,
    pub tls: Option<TlsTable>,
    pub proxy: Option<String>,
    pub host: Option<String>,
    pub port: Option<u16>,
    pub security: Option<String>,
    pub ca_file: Option<PathBuf>,
    pub username: Option<SecretTable>,
    pub password: Option<SecretTable>,
    pub from: Option<String>,
    pub to: Option<Names>,
    pub subject_prefix: Option<String>,
    pub path: Option<PathBuf>,
}

/// `[service]`: what `beadle serve` tells of itself.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServiceTable {
    pub http: Option<String>,
    pub token: Option<SecretTable>,
    pub heartbeat: Option<SecretTable>,
    pub heartbeat_every: Option<String>,
    pub drain: Option<String>,
}

/// One name, or a list of names.
#[derive(Clone, Debug, Default)]
pub struct Names(pub Vec<String>);

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyTable {
    pub confirm: Option<String>,
    pub max_changes: Option<u64>,
    pub max_items: Option<u64>,
    pub max_destroys: Option<u64>,
    pub max_targets: Option<u64>,
    pub allow_wide_networks: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NeverTable {
    pub networks: Vec<String>,
    pub domains: Vec<String>,
    pub addresses: Vec<String>,
    pub accounts: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsTable {
    pub steps: Option<u64>,
    pub memory: Option<String>,
    pub timeout: Option<String>,
    pub max_runs: Option<usize>,
    pub max_file: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FilesTable {
    pub read: Option<Vec<PathBuf>>,
    pub write: Option<Vec<PathBuf>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpTable {
    pub allow: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CatalogTable {
    pub paths: Vec<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StateTable {
    pub dir: Option<PathBuf>,
    pub keep: Option<String>,
    pub ledger: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretMembers {
    env: Option<String>,
    file: Option<PathBuf>,
    command: Option<Command>,
    secret: Option<String>,
}

struct Command(Vec<String>);

impl<'de> Deserialize<'de> for Command {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parts;
        impl<'de> Visitor<'de> for Parts {
            type Value = Command;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a command with its arguments: [\"op\", \"read\", \"op://vault/seg/password\"]")
            }
            fn visit_str<E>(self, text: &str) -> Result<Command, E> {
                Ok(Command(text.split_whitespace().map(str::to_owned).collect()))
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut items: A) -> Result<Command, A::Error> {
                let mut parts = Vec::new();
                while let Some(part) = items.next_element()? {
                    parts.push(part);
                }
                Ok(Command(parts))
            }
        }
        deserializer.deserialize_any(Parts)
    }
}

impl<'de> Deserialize<'de> for SecretTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reference;
        impl<'de> Visitor<'de> for Reference {
            type Value = SecretTable;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a reference: { env = \"NAME\" }, { file = \"path\" }, { command = […] } or { secret = \"NAME\" }",
                )
            }
            fn visit_str<E>(self, text: &str) -> Result<SecretTable, E> {
                Ok(SecretTable { literal: Some(text.to_owned()), ..SecretTable::default() })
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<SecretTable, A::Error> {
                let members = SecretMembers::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                Ok(SecretTable {
                    literal: None,
                    env: members.env,
                    file: members.file,
                    command: members.command.map(|command| command.0),
                    secret: members.secret,
                })
            }
        }
        deserializer.deserialize_any(Reference)
    }
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMore;
        impl<'de> Visitor<'de> for OneOrMore {
            type Value = Names;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name, or a list of names: [\"team\", \"mail\"]")
            }
            fn visit_str<E>(self, text: &str) -> Result<Names, E> {
                Ok(Names(vec![text.to_owned()]))
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut items: A) -> Result<Names, A::Error> {
                let mut names = Vec::new();
                while let Some(name) = items.next_element()? {
                    names.push(name);
                }
                Ok(Names(names))
            }
        }
        deserializer.deserialize_any(OneOrMore)
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl Visitor<'_> for Any {
            type Value = Word;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, such as \"10\"")
            }
            fn visit_str<E>(self, text: &str) -> Result<Word, E> {
                Ok(Word(text.to_owned()))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Word, E> {
                Ok(Word(number.to_string()))
            }
        }
        deserializer.deserialize_any(Any)
    }
}
