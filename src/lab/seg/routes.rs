//! From path and method to what the appliance does.

use std::sync::{Arc, PoisonError};

use serde_json::{Value as Json, json};

use super::state::{self, State};
use super::strict::{self, Is};
use super::{Generation, Seg, auth, groups, handlers, messages};
use crate::lab::server::{Appliance, Ask, Tell};

/// The API, on its port.
pub struct Api(pub Arc<Seg>);

/// Paths of generation 10 only, by their beginnings below the base.
const ONLY_TEN: &[&str] = &[
    "version",
    "console/array",
    "console/alerts",
    "quarantine/classifications",
    "quarantine/folders",
    "quarantine/forwardspam",
    "services/config",
];

impl Appliance for Api {
    fn answer(&self, ask: &Ask) -> Tell {
        if let Some(denied) = auth::check(&self.0, ask) {
            return denied;
        }
        let Some(path) = ask.path.strip_prefix("/seg/api/") else { return Tell::text(404, "No such handler") };
        let one_server = path.strip_prefix("services/servers/").is_some_and(|rest| !rest.is_empty());
        let only_ten = one_server || ONLY_TEN.iter().any(|begin| path.starts_with(begin));
        if self.0.options.generation == Generation::Eight && only_ten {
            return Tell::text(404, "No such handler");
        }
        let query = match strict::query(ask) {
            Ok(query) => query,
            Err(complaint) => return Tell { complaints: vec![complaint], ..Tell::text(400, "bad query") },
        };
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.route(ask, path, &query, &mut state)
    }

    fn writes(&self, ask: &Ask) -> bool {
        let reads = ask.method == "GET" || ask.method == "HEAD" || ask.path.contains("/findmessage");
        !reads
    }
}

type Query = [(String, String)];

impl Api {
    fn route(&self, ask: &Ask, path: &str, query: &Query, state: &mut State) -> Tell {
        let parts: Vec<&str> = path.split('/').collect();
        let number = |text: &str| text.parse::<i64>().ok();
        let options = &self.0.options;
        match (ask.method.as_str(), parts.as_slice()) {
            ("GET", ["version"]) => no_query(
                query,
                json!({ "configVersion": 72, "productVersion": state.version, "rpcInterfaceVersion": 14 }),
            ),
            ("GET", ["debug", "handlers", ""]) => no_query(query, handlers::list()),
            ("GET", ["services", "servers"] | ["services", "servers", ""]) => {
                no_query(query, json!([state::server(1), state::server(2)]))
            }
            ("GET", ["services", "servers", id]) => match number(id) {
                Some(id @ (1 | 2)) => no_query(query, state::server(id)),
                _ => Tell::text(404, "No such server"),
            },
            ("GET", ["console", "overview", id, "receiver"]) if number(id).is_some() => {
                no_query(query, json!({ "connections": 3, "messagesToday": 1200 }))
            }
            ("GET", ["console", "array", "stats"]) => stats(query),
            ("GET", ["console", "alerts"]) => alerts(query),
            ("POST", ["console", "sender", "message", "killex", id, ""]) if number(id).is_some() => {
                kill(ask, number(id).unwrap_or(0), state)
            }
            ("POST", ["quarantine", "findmessage", ""]) => find(ask, query, state),
            ("POST", ["quarantine", "forwardspam", ""]) => forward_spam(ask),
            ("GET", ["quarantine", "folders", ""]) => no_query(query, folders(false)),
            ("GET", ["quarantine", "folderswithdayinfo", ""]) => no_query(query, folders(true)),
            ("GET", ["quarantine", "folders", id, "dayinfo"]) if number(id).is_some() => no_query(query, days()),
            ("GET", ["quarantine", "classifications"]) => no_query(
                query,
                json!([{ "id": 1, "code": 1, "name": "Delivered", "type": 0 }, { "id": 37, "code": 1006, "name": "Archive In", "type": 1 }]),
            ),
            ("GET", ["groups"]) => {
                let rows = state.groups.iter().map(|(id, name)| json!({ "groupId": id, "name": name }));
                no_query(query, rows.collect())
            }
            ("GET", ["groups", id, "members"] | ["groups", id, "members", ""]) => {
                match number(id).and_then(|id| state.members.get(&id)) {
                    Some(members) => {
                        let rows = members.iter().map(|(kind, data)| json!({ "memberType": kind, "memberData": data }));
                        no_query(query, rows.collect())
                    }
                    None => Tell::text(404, "No such group"),
                }
            }
            ("POST", ["groups", "usermaintained", id, "members"] | ["groups", "usermaintained", id, "members", ""]) => {
                self.add_member(ask, number(id).unwrap_or(-1), state)
            }
            ("GET", ["ipgroups", id, ""]) => match number(id).and_then(|id| state.ip_groups.get(&id)) {
                Some(group) => no_query(query, group.list()),
                None => Tell::text(404, "No such group"),
            },
            ("PATCH", ["ipgroups", id, "delta"] | ["ipgroups", id, "delta", ""]) => {
                let body = match strict::object(ask) {
                    Ok(body) => body,
                    Err(tell) => return *tell,
                };
                match number(id).and_then(|id| state.ip_groups.get_mut(&id)) {
                    Some(group) => groups::delta(group, &body, options),
                    None => Tell::text(404, "No such group"),
                }
            }
            ("GET", ["services", "config", "autobackups"]) => no_query(query, Json::Array(state.backups.clone())),
            ("PUT", ["services", "config", "autobackups", "backup"]) => backup(ask, state),
            ("PUT", ["services", "config", "autobackups", "restore"]) => restore(ask, state),
            // Handlers that no document prints, for what imports them.
            ("GET", ["console", "overview", id, "sender"]) if number(id).is_some() => {
                no_query(query, json!({ "queued": 7, "server": number(id) }))
            }
            ("GET", ["ipgroups", ""]) => {
                no_query(query, state.ip_groups.keys().map(|id| json!({ "ipGroupId": id })).collect())
            }
            ("GET", ["sqm", "users", name, ""]) => no_query(query, json!({ "name": name })),
            _ => Tell::text(404, "No such handler"),
        }
    }

    fn add_member(&self, ask: &Ask, group: i64, state: &mut State) -> Tell {
        let body = match strict::object(ask) {
            Ok(body) => body,
            Err(tell) => return *tell,
        };
        let mut complaints = Vec::new();
        let known =
            [("memberType", Is::Int), ("memberData", Is::Text), ("memberGroupId", Is::Int), ("touchDate", Is::Int)];
        if let Err(tell) = strict::fields(&body, &known, &mut complaints) {
            return *tell;
        }
        let Some(members) = state.members.get_mut(&group) else { return Tell::text(404, "No such group") };
        let kind = body.get("memberType").and_then(Json::as_i64);
        let data = body.get("memberData").and_then(Json::as_str);
        let (Some(kind @ 0..=2), Some(data)) = (kind, data.or((kind == Some(0)).then_some(""))) else {
            return Tell { complaints, ..Tell::text(400, "bad data: memberType, memberData") };
        };
        if members.iter().any(|(_, have)| have == data) {
            let status = self.0.options.refusals.status();
            return Tell { complaints, ..Tell::json(status, &json!({ "reason": "Member already exists." })) };
        }
        members.push((kind, data.to_owned()));
        Tell { applied: true, complaints, ..Tell::json(200, &json!({ "reason": "Member added." })) }
    }
}

fn no_query(query: &Query, json: Json) -> Tell {
    let complaints = query.iter().map(|(name, _)| format!("the query has an unknown parameter '{name}'")).collect();
    Tell { complaints, ..Tell::json(200, &json) }
}

fn stats(query: &Query) -> Tell {
    let time = |name: &str| {
        let (_, value) = query.iter().find(|(have, _)| have == name)?;
        value.parse::<i64>().ok().filter(|time| (0..=2_147_483_647).contains(time))
    };
    let (Some(_), Some(_)) = (time("fromtime"), time("totime")) else {
        return Tell::text(400, "fromtime and totime are required");
    };
    let unknown = query.iter().filter(|(name, _)| name != "fromtime" && name != "totime");
    let complaints = unknown.map(|(name, _)| format!("the query has an unknown parameter '{name}'")).collect();
    let stats = json!({
        "msgsIn": 1200, "msgsOut": 340, "msgsInternal": 12, "msgsSpam": 410, "msgsVirus": 2, "msgsBlendedThreats": 1,
        "numQuarantined": 420, "numQuarantinesPerMsg": 1, "virusDetected": 2, "virusScanned": 1540, "urlsFound": 900,
        "urlsRewritten": 850, "safeClicks": 30, "unsafeClicks": 1, "unsafeUrls": 4, "maliciousUrls": 2,
        "pFolders": null, "pThreats": null
    });
    Tell { complaints, ..Tell::json(200, &stats) }
}

fn alerts(query: &Query) -> Tell {
    let mut complaints = Vec::new();
    for (name, value) in query {
        match (name.as_str(), value.as_str()) {
            ("activeonly", "true" | "false" | "True" | "False") => {}
            ("activeonly", other) => return Tell::text(400, &format!("activeonly is not {other}")),
            (other, _) => complaints.push(format!("the query has an unknown parameter '{other}'")),
        }
    }
    let alert = json!({ "active": true, "description": "The Sender is running.", "node": 1, "source": "Sender", "triggered": 1_621_500_000, "type": 0 });
    Tell { complaints, ..Tell::json(200, &json!([alert])) }
}

fn kill(ask: &Ask, server: i64, state: &mut State) -> Tell {
    let body = match strict::object(ask) {
        Ok(body) => body,
        Err(tell) => return *tell,
    };
    let mut complaints = Vec::new();
    let known = [
        ("sender", Is::Text),
        ("recipient", Is::Text),
        ("subject", Is::Text),
        ("speCustomerId", Is::Int),
        ("bNotify", Is::Bool),
    ];
    if let Err(tell) = strict::fields(&body, &known, &mut complaints) {
        return *tell;
    }
    if !["sender", "recipient", "subject", "speCustomerId"].iter().any(|name| body.contains_key(*name)) {
        return Tell { complaints, ..Tell::text(400, "at least one filter is required") };
    }
    match messages::kill(&mut state.queue, &body) {
        Ok(count) => {
            Tell { applied: count > 0, complaints, ..Tell::json(200, &json!({ "count": count, "serverId": server })) }
        }
        Err(why) => Tell { complaints, ..Tell::text(400, &why) },
    }
}

fn find(ask: &Ask, query: &Query, state: &State) -> Tell {
    let body = match strict::object(ask) {
        Ok(body) => body,
        Err(tell) => return *tell,
    };
    let mut complaints = Vec::new();
    let known = [
        ("startTime", Is::Time),
        ("endTime", Is::Time),
        ("folderId", Is::Int),
        ("messageName", Is::Text),
        ("actionType", Is::Int),
        ("classification", Is::Int),
        ("fromUser", Is::Text),
        ("fromDomain", Is::Text),
        ("toOrFrom", Is::Bool),
        ("toUser", Is::Text),
        ("toDomain", Is::Text),
        ("minSize", Is::Int),
        ("maxSize", Is::Int),
        ("subject", Is::Text),
        ("searchHistory", Is::Bool),
        ("forwards", Is::Bool),
        ("blockNumber", Is::Int),
        ("searchBlankSubject", Is::Bool),
        ("direction", Is::Int),
    ];
    if let Err(tell) = strict::fields(&body, &known, &mut complaints) {
        return *tell;
    }
    for (name, _) in query.iter().filter(|(name, _)| name != "maxRows") {
        complaints.push(format!("the query has an unknown parameter '{name}'"));
    }
    let rows = query.iter().find(|(name, _)| name == "maxRows").and_then(|(_, value)| value.parse::<usize>().ok());
    // Without any of the three there are no rows and no error: so it is with the true one.
    let found = rows.map(|rows| messages::find(&state.messages, &body, rows)).unwrap_or_default();
    if rows.is_none() || !body.contains_key("startTime") || !body.contains_key("endTime") {
        complaints.push("a search without startTime, endTime or maxRows finds nothing".into());
    }
    Tell { complaints, ..Tell::json(200, &Json::Array(found)) }
}

fn forward_spam(ask: &Ask) -> Tell {
    let body = match strict::object(ask) {
        Ok(body) => body,
        Err(tell) => return *tell,
    };
    let mut complaints = Vec::new();
    let known = [("messages", Is::Any), ("isSpam", Is::Bool), ("spamReportNotificationFromAddress", Is::Text)];
    if let Err(tell) = strict::fields(&body, &known, &mut complaints) {
        return *tell;
    }
    let keys = [
        ("blockNumber", Is::Int),
        ("edition", Is::Text),
        ("folderId", Is::Int),
        ("messageName", Is::Text),
        ("recipient", Is::Text),
        ("serverId", Is::Int),
        ("timeLogged", Is::Int),
    ];
    let Some(list) = body.get("messages").and_then(Json::as_array).filter(|list| !list.is_empty()) else {
        return Tell { complaints, ..Tell::text(400, "messages is required") };
    };
    if !body.contains_key("isSpam") {
        return Tell { complaints, ..Tell::text(400, "isSpam is required") };
    }
    for message in list {
        let Some(map) = message.as_object() else { return Tell::text(400, "bad data: messages") };
        if let Err(tell) = strict::fields(map, &keys, &mut complaints) {
            return *tell;
        }
        if keys.iter().any(|(name, _)| !map.contains_key(*name)) {
            return Tell { complaints, ..Tell::text(400, "a message key has seven members") };
        }
    }
    Tell { applied: true, complaints, ..Tell::text(200, "") }
}

fn backup(ask: &Ask, state: &mut State) -> Tell {
    let body = match strict::object(ask) {
        Ok(body) => body,
        Err(tell) => return *tell,
    };
    let mut complaints = Vec::new();
    if let Err(tell) = strict::fields(&body, &[("includeDkim", Is::Bool), ("dkimPassword", Is::Text)], &mut complaints)
    {
        return *tell;
    }
    state.backups_made += 1;
    let name = format!("manual-{:04}.zip", state.backups_made);
    state.backups.push(state::backup(&name, 1_621_600_000));
    Tell { applied: true, complaints, ..Tell::json(200, &json!({ "backupName": name, "reason": "" })) }
}

fn restore(ask: &Ask, state: &mut State) -> Tell {
    let body = match strict::object(ask) {
        Ok(body) => body,
        Err(tell) => return *tell,
    };
    let mut complaints = Vec::new();
    let known = [("name", Is::Text), ("includeDkim", Is::Bool), ("dkimPassword", Is::Text)];
    if let Err(tell) = strict::fields(&body, &known, &mut complaints) {
        return *tell;
    }
    let name = body.get("name").and_then(Json::as_str).unwrap_or_default();
    if !state.backups.iter().any(|backup| backup.get("filename").and_then(Json::as_str) == Some(name)) {
        let answer = json!({ "reason": "Restore failed", "errors": format!("no backup {name}"), "warnings": "" });
        return Tell { complaints, ..Tell::json(200, &answer) };
    }
    let answer = json!({ "reason": "", "errors": "", "warnings": "" });
    Tell { applied: true, complaints, ..Tell::json(200, &answer) }
}

fn folders(with_days: bool) -> Json {
    let folder = |id: i64, name: &str, parent: i64, kind: i64, files: i64| {
        let mut folder = json!({
            "folderId": id, "name": name, "description": "", "parentId": parent, "folderType": kind, "path": name,
            "retention": 14, "numFiles": files, "isReadOnly": false, "isDeleted": false, "isPassThru": false,
            "isFingerprintingEnabled": true, "isPublishedInbound": true, "isPublishedOutbound": false, "iconIndex": 2,
            "securityDescription": ""
        });
        if with_days && let Some(map) = folder.as_object_mut() {
            map.insert("dayItems".into(), if files == 0 { Json::Null } else { days() });
        }
        folder
    };
    json!([folder(1, "Folders", 0, 4, 0), folder(9, "Virus", 1, 1, 100), folder(10, "Spam", 1, 1, 100)])
}

fn days() -> Json {
    json!([{ "startTime": 1_621_468_800, "endTime": 1_621_555_200, "numFiles": 100 }])
}
