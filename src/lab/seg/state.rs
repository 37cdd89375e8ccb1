//! What the appliance holds.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::groups::IpGroup;
use super::messages;

/// Everything that can be read or changed.
pub struct State {
    /// The version that it tells.
    pub version: String,
    /// User groups by number.
    pub groups: BTreeMap<i64, String>,
    /// Their members: type and data.
    pub members: BTreeMap<i64, Vec<(i64, String)>>,
    /// IP groups by number.
    pub ip_groups: BTreeMap<i64, IpGroup>,
    /// Messages in quarantine and history.
    pub messages: Vec<Json>,
    /// Queued outbound messages: sender, recipient, subject.
    pub queue: Vec<(String, String, String)>,
    /// Stored backups.
    pub backups: Vec<Json>,
    /// How many backups were made.
    pub backups_made: u64,
}

impl State {
    /// An appliance as it comes.
    pub fn new(version: &str) -> Self {
        let groups = BTreeMap::from([(3, "Blocked senders".to_owned()), (4, "Allowed senders".to_owned())]);
        let members = BTreeMap::from([
            (3, vec![(1, "spam@example.net".to_owned()), (2, "*@spam.example".to_owned())]),
            (4, vec![(1, "ann@example.com".to_owned())]),
        ]);
        let queue = (0..40)
            .map(|n| (format!("user{n}@example.com"), format!("peer{}@example.org", n % 7), format!("Report {n}")))
            .collect();
        Self {
            version: version.to_owned(),
            groups,
            members,
            ip_groups: [15, 16, 17].into_iter().map(|group| (group, IpGroup::default())).collect(),
            messages: messages::some(300),
            queue,
            backups: vec![backup("auto-20210520-0200.zip", 1_621_476_000)],
            backups_made: 0,
        }
    }
}

/// A backup's row.
pub fn backup(name: &str, time: i64) -> Json {
    json!({
        "filename": name, "fileSize": 181_204, "lastModified": time,
        "info": {
            "backupTime": time, "backupTimeStr": "2021-05-20T02:00:00Z", "backupType": "full", "backupUser": "admin",
            "commitDescription": "", "commitSetId": 72, "commitUser": "admin", "configVersion": 72,
            "containsDkimKeys": false, "productVersion": "10.0.1.2030"
        }
    })
}

/// A processing server's row.
pub fn server(id: i64) -> Json {
    let service = |id: i64, name: &str| json!({ "serviceId": id, "name": name, "description": format!("The {name}\r\nservice"), "state": 4, "lastError": null });
    json!({
        "serverId": id, "serverName": format!("NODE{id}"), "serverDescription": "", "serverLocation": "lab",
        "productVersion": "10.0.1.2030", "osVersion": "Windows Server 2019 ", "isActive": true,
        "isConfigDeferred": false, "lastConnected": 1_621_500_000, "disconnectedReason": "",
        "configCommitSetId": 72, "configTimeStamp": 1_621_400_000, "timeZoneName": "Pacific Standard Time",
        "timeZoneOffset": 480,
        "pServiceStatus": [service(0, "Receiver"), service(1, "Engine"), service(2, "Sender")]
    })
}
