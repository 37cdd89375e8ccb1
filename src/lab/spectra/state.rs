//! What the simulated Manager and Worker remember.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json, json};

/// A connected appliance.
#[derive(Clone, Debug)]
pub struct Connected {
    /// Its number.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// Its release.
    pub release: String,
    /// Looks left until its upgrade is done, while there is one.
    pub upgrading: Option<u64>,
    /// Whether its upgrade has failed.
    pub failed: bool,
    /// Looks left until its configuration is applied, while it is.
    pub applying: Option<u64>,
    /// When a configuration was applied last.
    pub applied_at: String,
    /// Whether the Manager may tell it what to do.
    pub authorized: bool,
    /// Its configuration group; empty for none.
    pub group: String,
}

impl Connected {
    /// An appliance that has just been registered.
    pub fn new(id: u64, name: &str, kind: &str) -> Self {
        Self {
            id,
            name: name.to_owned(),
            kind: kind.to_owned(),
            release: "5.3.0".to_owned(),
            upgrading: None,
            failed: false,
            applying: None,
            applied_at: "2026-01-01T00:00:00.000000Z".to_owned(),
            authorized: false,
            group: String::new(),
        }
    }
}

/// A task of the Worker.
#[derive(Clone, Debug)]
pub struct Task {
    /// Its number.
    pub id: u64,
    /// Looks left until it is processed.
    pub left: u64,
}

/// Everything.
#[derive(Debug)]
pub struct State {
    /// Valid tokens of the Manager.
    pub tokens: BTreeSet<String>,
    /// How many tokens were given.
    pub given: u64,
    /// Accounts by number.
    pub users: BTreeMap<u64, Json>,
    /// Looks left until the backup is ready; nothing before the first.
    pub backup: Option<u64>,
    /// How many backups were made.
    pub backups: u64,
    /// Settings by path.
    pub settings: BTreeMap<String, Map<String, Json>>,
    /// The Manager's version, and requests that fail while it restarts.
    pub version: String,
    /// Requests left that fail because the Manager restarts.
    pub restarting: u64,
    /// Connected appliances.
    pub appliances: Vec<Connected>,
    /// Worker groups and Hub groups: name to content.
    pub groups: BTreeMap<&'static str, BTreeMap<String, Json>>,
    /// Packages, with looks left until they are there.
    pub packages: Vec<(String, String, u64)>,
    /// Files that came in.
    pub uploads: Vec<(String, u64, String)>,
    /// Chunked uploads: identifier to the next number.
    pub chunks: BTreeMap<String, (u64, u64)>,
    /// Tasks of the Worker.
    pub tasks: Vec<Task>,
    /// The next number of anything.
    pub next: u64,
}

impl State {
    /// Fresh appliances, and `more` before them.
    pub fn new(more: u64) -> Self {
        let appliance = |id: u64, name: &str, kind: &str| Connected {
            authorized: true,
            group: "workers".to_owned(),
            ..Connected::new(id, name, kind)
        };
        let group = || json!({ "appliances": ["worker-1"], "content": { "cloud__enabled": false, "snmp__community": "lab-snmp-community" } });
        Self {
            tokens: BTreeSet::new(),
            given: 0,
            users: BTreeMap::from([(
                1,
                json!({ "id": 1, "username": "admin", "is_superuser": true, "is_active": true }),
            )]),
            backup: None,
            backups: 0,
            settings: BTreeMap::new(),
            version: "5.3.0".into(),
            restarting: 0,
            appliances: (1..=more)
                .map(|n| appliance(1000 + n, &format!("analyze-{}", 1000 + n), "a1000"))
                .chain([
                    appliance(1, "hub-1", "tiscale-hub"),
                    appliance(2, "worker-1", "tiscale-worker"),
                    appliance(3, "analyze-1", "a1000"),
                ])
                .collect(),
            groups: BTreeMap::from([
                ("config-group", BTreeMap::from([("workers".to_owned(), group())])),
                ("tiscale-hub-group", BTreeMap::from([("hubs".to_owned(), group())])),
            ]),
            packages: vec![("tiscale-hub".into(), "5.3.1".into(), 0)],
            uploads: Vec::new(),
            chunks: BTreeMap::new(),
            tasks: (1..=3).map(|id| Task { id, left: 0 }).collect(),
            next: 100,
        }
    }

    /// A number that nothing has.
    pub fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Begins an upgrade.
    pub fn upgrade(&mut self, name: &str, looks: u64) {
        if let Some(one) = self.appliances.iter_mut().find(|one| one.name == name) {
            one.upgrading = Some(looks);
            one.failed = false;
        }
    }
}
