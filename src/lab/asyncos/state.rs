//! What the simulated appliance remembers.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::{Value as Json, json};

/// Everything.
#[derive(Debug)]
pub struct State {
    /// Tokens and when they end.
    pub tokens: BTreeMap<String, Instant>,
    /// How many tokens were given.
    pub given: u64,
    /// The rows of message tracking; `null` is a record that cannot be read.
    pub tracking: Vec<Json>,
    /// The spam quarantine.
    pub spam: Vec<Json>,
    /// The other quarantines: rows with the name of theirs.
    pub pvo: Vec<(String, Json)>,
    /// Safelist and blocklist: by recipient.
    pub lists: BTreeMap<&'static str, BTreeMap<String, Vec<String>>>,
    /// Policy objects by kind and name.
    pub objects: BTreeMap<&'static str, BTreeMap<String, Json>>,
    /// Entries of mail policies.
    pub policies: BTreeMap<String, Vec<Json>>,
    /// Archived reports.
    pub reports: BTreeMap<String, Json>,
}

impl State {
    /// A fresh appliance.
    pub fn new() -> Self {
        // Every fifth record cannot be read, and uses up a place of its page.
        let tracking = (1..=45).map(|n| {
            if n % 5 == 0 {
                return Json::Null;
            }
            json!({ "attributes": {
                "mid": [n], "icid": n, "serialNumber": "LAB-0001", "hostName": "esa1.example.com", "direction": "incoming",
                "sender": "a@example.org", "recipient": ["b@example.net"], "subject": format!("Message {n}"),
                "messageStatus": { n.to_string(): "Delivered" }, "isCompleteData": "N/A",
                "timestamp": "03 Feb 2024 08:05:06 (GMT +00:00)",
            } })
        });
        let spam = (201..=245).map(|n| {
            json!({ "mid": n, "attributes": {
                "envelopeRecipient": ["user@example.net"], "toAddress": ["user@example.net"],
                "fromAddress": ["offers@example.org"], "subject": format!("Offer {n}"),
                "date": "03 Feb 2024 08:05 (GMT +00:00)", "size": "12.50K",
            } })
        });
        let pvo = (301..=310).map(|n| {
            let quarantine = if n % 2 == 0 { "Policy" } else { "File Analysis" };
            (
                quarantine.to_owned(),
                json!({ "mid": n, "attributes": {
                    "sender": "a@example.org", "recipient": ["b@example.net"], "subject": format!("Held {n}"),
                    "inQuarantines": quarantine, "esaHostName": "esa1.example.com", "esaMid": n,
                } }),
            )
        });
        let mut objects: BTreeMap<&'static str, BTreeMap<String, Json>> = BTreeMap::new();
        let named = |name: &str, value: Json| BTreeMap::from([(name.to_owned(), value)]);
        objects.insert(
            "dictionaries",
            named(
                "names",
                json!({ "name": "names", "encoding": "utf-8", "ignorecase": 1, "wholewords": 1,
                "words": [["secret", 1], ["*credit", 2, "prefix"]] }),
            ),
        );
        objects.insert(
            "url_lists",
            named("bad", json!({ "name": "bad", "urls": ["example.org/bad"], "urls_count": 1, "used_by": "" })),
        );
        objects.insert(
            "file_hash_lists",
            named(
                "known",
                json!({ "name": "known", "description": "", "list_type": "md5",
                "filehashes": ["d41d8cd98f00b204e9800998ecf8427e"], "filehashes_count": 1 }),
            ),
        );
        objects.insert(
            "message_filters",
            named("drop_bad", json!({ "name": "drop_bad", "rules_and_actions": "if (true) { log(1); }", "active": "true", "valid": "true", "order": 1 })),
        );
        objects.insert(
            "local_quarantines",
            named("Policy", json!({ "quarantine_name": "Policy", "quarantine_type": "pvo", "quarantine_retention_period": 10,
                "quarantine_retention_units": "days", "quarantine_size_used": "0K", "quarantine_created_by": "system" })),
        );
        Self {
            tokens: BTreeMap::new(),
            given: 0,
            tracking: tracking.collect(),
            spam: spam.collect(),
            pvo: pvo.collect(),
            lists: BTreeMap::from([
                ("safelist", BTreeMap::new()),
                ("blocklist", BTreeMap::from([("old@example.net".to_owned(), vec!["bad@example.org".to_owned()])])),
            ]),
            objects,
            policies: BTreeMap::from([(
                "DEFAULT".to_owned(),
                vec![json!({
                    "sender_config": { "sender": { "domain_entries": ["ANY"] } },
                    "receiver_config": { "operation": "or", "receiver": { "domain_entries": ["ANY"] } },
                })],
            )]),
            reports: BTreeMap::from([("1".to_owned(), json!({ "periodic_report_title": "Daily" }))]),
        }
    }
}
