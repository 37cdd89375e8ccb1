//! Messages in quarantine: made up, always the same, and found by every filter.

use regex::RegexBuilder;
use serde_json::{Map, Value as Json, json};

/// So many messages, a minute apart, the latest at 2021-05-20 11:00 UTC.
pub fn some(count: i64) -> Vec<Json> {
    (0..count)
        .map(|n| {
            let edition = match n % 3 {
                0 => "608249030012".to_owned(),
                1 => "608174e50003".to_owned(),
                _ => format!("6082{n:08x}"),
            };
            let folder = match n % 3 {
                0 => 10,
                1 => 9,
                _ => 1006,
            };
            let domain = if n % 2 == 0 { "example.net" } else { "spam.example" };
            json!({
                "blockNumber": 106_209_384_765_432_i64 + n, "edition": edition, "folderId": folder,
                "messageName": format!("B{edition}.000000000001.{n:04}.mml"), "recipient": format!("user{}@example.com", n % 5),
                "serverId": 1 + n % 2, "timeLogged": 1_621_508_400 - n * 60, "blockRecipientIndex": 0,
                "classification": 37, "actionType": 1, "deleted": 0, "description": "Spam : Block", "hasAttachments": n % 4 == 0,
                "messageBody": "Dear user,\r\nread this\r", "sender": format!("offer{}@{domain}", n % 9),
                "sessionNumber": -1203 - n, "size": 1_000 + n * 37, "subject": format!("Offer {n}"), "unicodeSubject": format!("Offer {n}"),
                "timeArrived": 1_621_508_390 - n * 60
            })
        })
        .collect()
}

/// The messages that a filter fits, the latest first.
pub fn find(messages: &[Json], filter: &Map<String, Json>, max: usize) -> Vec<Json> {
    let int = |name: &str| filter.get(name).and_then(Json::as_i64);
    let text = |name: &str| filter.get(name).and_then(Json::as_str).map(str::to_lowercase);
    let (Some(start), Some(end)) = (int("startTime"), int("endTime")) else { return Vec::new() };
    let history = filter.get("searchHistory").and_then(Json::as_bool).unwrap_or(false);
    let fits = |message: &&Json| {
        let number = |name: &str| message.get(name).and_then(Json::as_i64).unwrap_or(0);
        let has = |name: &str| message.get(name).and_then(Json::as_str).unwrap_or_default().to_lowercase();
        let part = |address: &str, domain: bool| {
            let (local, host) = address.split_once('@').unwrap_or((address, ""));
            if domain { host.to_owned() } else { local.to_owned() }
        };
        (start..=end).contains(&number("timeLogged"))
            && (history || number("folderId") < 1000)
            && int("folderId").is_none_or(|folder| number("folderId") == folder)
            && int("blockNumber").is_none_or(|block| number("blockNumber") >= block)
            && int("classification").is_none_or(|class| number("classification") == class)
            && int("actionType").is_none_or(|action| number("actionType") == action)
            && int("minSize").is_none_or(|size| number("size") >= size)
            && int("maxSize").is_none_or(|size| number("size") <= size)
            && text("messageName").is_none_or(|name| has("messageName") == name)
            && text("fromUser").is_none_or(|user| part(&has("sender"), false) == user)
            && text("fromDomain").is_none_or(|domain| part(&has("sender"), true) == domain)
            && text("toUser").is_none_or(|user| part(&has("recipient"), false) == user)
            && text("toDomain").is_none_or(|domain| part(&has("recipient"), true) == domain)
            && text("subject").is_none_or(|subject| has("subject").contains(&subject))
            && filter.get("searchBlankSubject").and_then(Json::as_bool) != Some(!has("subject").is_empty())
    };
    messages.iter().filter(fits).take(max).cloned().collect()
}

/// Deletes what matches: regular expressions that are not anchored.
///
/// # Errors
/// An expression that cannot be read.
pub fn kill(queue: &mut Vec<(String, String, String)>, filter: &Map<String, Json>) -> Result<usize, String> {
    let pattern = |name: &str| {
        filter.get(name).and_then(Json::as_str).map(|text| {
            RegexBuilder::new(text).case_insensitive(true).build().map_err(|_| format!("bad expression: {name}"))
        })
    };
    let (sender, recipient, subject) =
        (pattern("sender").transpose()?, pattern("recipient").transpose()?, pattern("subject").transpose()?);
    let before = queue.len();
    queue.retain(|(from, to, about)| {
        !(sender.as_ref().is_none_or(|pattern| pattern.is_match(from))
            && recipient.as_ref().is_none_or(|pattern| pattern.is_match(to))
            && subject.as_ref().is_none_or(|pattern| pattern.is_match(about)))
    });
    Ok(before - queue.len())
}
