//! What the simulated SPS remembers: its configuration, sessions, transactions and jobs.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::catalog::{Catalog, Kind};

/// The configuration: bodies by path. Members of lists are below the path of their list.
pub type Tree = BTreeMap<String, Json>;

/// One REST session.
#[derive(Debug, Default)]
pub struct Session {
    /// The configuration as this session has staged it, and what it has staged.
    pub staged: Option<(Tree, Vec<Json>)>,
    /// Requests left until it ends by itself.
    pub left: u64,
}

/// Everything.
#[derive(Debug)]
pub struct State {
    /// What is live.
    pub tree: Tree,
    /// The lists of objects.
    pub lists: Vec<String>,
    /// Open sessions by id.
    pub sessions: BTreeMap<String, Session>,
    /// Whether another administrator holds the configuration.
    pub foreign: bool,
    /// How many commits there were.
    pub commits: u64,
    /// How many snapshots are open.
    pub snapshots: u64,
    /// Support bundles, with how many looks are left until they are finished.
    pub bundles: BTreeMap<String, u64>,
    /// The version that `info` tells.
    pub version: String,
    /// The next key.
    pub next: u64,
}

impl State {
    /// A fresh appliance.
    pub fn new() -> Self {
        let catalog = Catalog::builtin();
        let rows = catalog.vendor("sps").map(|vendor| vendor.rows).unwrap_or_default();
        let mut lists = Vec::new();
        let mut tree = Tree::new();
        for row in rows.iter().filter(|row| row.path.starts_with("/configuration/")) {
            match (row.method, row.path.rsplit_once("/{")) {
                ("GET", Some((list, _))) if !list.contains('{') => lists.push(list.to_owned()),
                ("PUT", None) if row.kind == Kind::Staged => {
                    tree.insert(row.path.to_owned(), json!({ "enabled": false, "note": "lab" }));
                }
                _ => {}
            }
        }
        for list in &lists {
            tree.insert(format!("{list}/-100"), json!({ "name": "base", "note": "lab" }));
        }
        for kind in ["aa", "credentialstore"] {
            tree.insert(format!("/configuration/plugins/{kind}/-101"), json!({ "name": "other", "version": "1.0" }));
        }
        tree.remove("/configuration/passwords/-100");
        for nic in ["nic1", "nic2", "nic3"] {
            tree.insert(format!("/configuration/network/nics/{nic}"), json!({ "interfaces": { "@order": [] } }));
        }
        tree.remove("/configuration/network/nics/-100");
        for (path, body) in known() {
            tree.insert(path.to_owned(), body);
        }
        Self {
            tree,
            lists,
            sessions: BTreeMap::new(),
            foreign: false,
            commits: 0,
            snapshots: 0,
            bundles: BTreeMap::from([("9000".to_owned(), 0)]),
            version: "8.0.0".into(),
            next: 1000,
        }
    }

    /// A key that nothing has.
    pub fn key(&mut self) -> String {
        self.next += 1;
        format!("{:x}", self.next)
    }
}

/// Bodies in the shapes of the guide.
fn known() -> Vec<(&'static str, Json)> {
    let reference = json!({ "key": "77", "meta": { "href": "/api/configuration/x509/77" } });
    vec![
        (
            "/configuration/management/email",
            json!({
                "smtp_server": { "selection": "fqdn", "value": "mail.example.com" },
                "smtp_auth": { "enabled": false },
                "smtp_encryption": { "selection": "starttls", "client_authentication": { "enabled": false },
                    "server_certificate_check": { "enabled": true, "server_certificate_ca": reference } },
                "admin_address": "admin@example.com", "alerting_address": null, "reporting_address": null,
                "sender_address": "sps@example.com",
            }),
        ),
        (
            "/configuration/management/health_monitoring",
            json!({ "maximum_disk_utilization_ratio": 80, "maximum_load1": null, "maximum_load15": null,
                "maximum_load5": null, "maximum_swap_utilization_ratio": 70 }),
        ),
        (
            "/configuration/management/snmp/trap",
            json!({ "enabled": true, "version": { "selection": "2c", "value": { "community": "lab-community",
                "server": { "selection": "ip", "value": "192.0.2.50" } } } }),
        ),
        ("/configuration/management/webinterface", json!({ "timeout": 10 })),
        ("/configuration/datetime/timezone", json!("Europe/Budapest")),
        ("/configuration/datetime/ntp_servers", json!([{ "selection": "fqdn", "value": "ntp.example.com" }])),
        ("/configuration/network/ip_forwarding_rule_pairs", json!([])),
        ("/configuration/network/dns", json!({ "primary": "192.0.2.53", "secondary": null })),
        ("/configuration/network/routing", json!([{ "gateway": "192.0.2.1", "target_network": "198.51.100.0/24" }])),
    ]
}
