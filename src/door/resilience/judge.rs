//! What an answer means: the status, the refusal inside a success, and what is no answer at all.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use regex::Regex;
use serde_json::Value as Json;

use crate::catalog::{Effect, Refusal, Row, Shape};
use crate::door::transport::Incoming;
use crate::fault::{Fault, FaultKind};
use crate::value::Value;

/// The fault that an answer is, or nothing if it is a success.
pub fn judge(row: Option<&'static Row>, effect: Effect, answer: &Incoming) -> Option<Fault> {
    let accepted = row.is_some_and(|row| row.answer.accepts.contains(&answer.status));
    if !(200..300).contains(&answer.status) && !accepted {
        return Some(failure(row, answer));
    }
    let row = row?;
    let first = answer.body.iter().copied().find(|byte| !byte.is_ascii_whitespace());
    let wants_json = matches!(row.answer.shape, Shape::Object | Shape::List);
    match first {
        None if wants_json && !row.answer.may_be_empty => return Some(unreadable(effect, "an empty answer", answer)),
        None => return None,
        Some(byte) => {
            let fits = match row.answer.shape {
                Shape::Object => byte == b'{',
                // Lists may come as `null` when they are empty.
                Shape::List => byte == b'[' || byte == b'n',
                _ => byte != b'<',
            };
            if !fits && !matches!(row.answer.shape, Shape::Text | Shape::Download | Shape::None) {
                // A bare text may say no where an object would have said yes.
                let bare = if byte == b'"' { serde_json::from_slice(&answer.body).ok() } else { None };
                if let Some((refusal, json)) = row.answer.refusal.as_ref().zip(bare)
                    && let Some(reason) = refused(refusal, &json)
                {
                    return Some(conflict(answer, &reason, json));
                }
                return Some(unreadable(effect, &format!("'{}'", excerpt(&answer.body)), answer));
            }
        }
    }
    let refusal = row.answer.refusal.as_ref()?;
    let json: Json = match serde_json::from_slice(&answer.body) {
        Ok(json) => json,
        // A bare text may refuse as well as an object.
        Err(_) if matches!(row.answer.shape, Shape::Any | Shape::Text | Shape::None) => {
            Json::String(String::from_utf8_lossy(&answer.body).into_owned())
        }
        Err(error) => return Some(unreadable(effect, &format!("broken JSON ({error})"), answer)),
    };
    let reason = refused(refusal, &json)?;
    Some(conflict(answer, &reason, json))
}

/// Makes ready what the answers of a row are judged by, which takes as long as a short answer is on its way.
pub fn make_ready(row: Option<&'static Row>) {
    if let Some(refusal) = row.and_then(|row| row.answer.refusal.as_ref()) {
        compiled(refusal.pattern);
    }
}

/// The fault of an answer of success that says no.
fn conflict(answer: &Incoming, reason: &str, json: Json) -> Fault {
    Fault::new(FaultKind::Conflict, format!("the appliance did not do it: {reason}"))
        .with_status(answer.status)
        .with_detail("reason", reason)
        .with_detail("answer", Value::from(json))
}

/// The reason, if an answer of success says no.
fn refused(refusal: &Refusal, json: &Json) -> Option<String> {
    let pattern = compiled(refusal.pattern)?;
    if let Json::Object(map) = json {
        for name in refusal.fields {
            let said = match member(map, name) {
                Some(Json::String(text)) if !text.trim().is_empty() => text.clone(),
                Some(Json::Array(list)) if !list.is_empty() => Json::Array(list.clone()).to_string(),
                Some(object @ Json::Object(inner)) if !inner.is_empty() => {
                    reason_in(object).unwrap_or_else(|| object.to_string())
                }
                _ => continue,
            };
            return Some(said);
        }
        let is_false = |said: &Json| *said == Json::Bool(false) || said.as_str().is_some_and(|text| text == "false");
        if ["success", "ok"].iter().any(|name| member(map, name).is_some_and(is_false)) {
            return Some(reason_in(json).unwrap_or_else(|| json.to_string()));
        }
    }
    let mut texts = Vec::new();
    said(json, &mut texts);
    texts.into_iter().find(|text| refuses(text, &pattern)).map(str::to_owned)
}

/// A member by its name, in whatever case an appliance writes it.
fn member<'a>(map: &'a serde_json::Map<String, Json>, name: &str) -> Option<&'a Json> {
    map.get(name).or_else(|| map.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

/// Where an answer says what became of it. Only an answer that has none of these members is
/// searched whole: names, warnings and what was sent may hold any word.
const MESSAGES: [&str; 6] = ["reason", "message", "result", "status", "detail", "error_description"];

fn said<'a>(json: &'a Json, texts: &mut Vec<&'a str>) {
    let Json::Object(map) = json else { return leaves(json, texts) };
    let messages: Vec<&Json> = MESSAGES.iter().filter_map(|name| member(map, name)).collect();
    if messages.is_empty() {
        return leaves(json, texts);
    }
    messages.into_iter().for_each(|message| leaves(message, texts));
}

/// Words of a success.
const DONE: &str =
    r"(?i-u)\b(added|applied|changed|completed?|created|deleted|done|ok|removed|saved|success(ful|fully)?|updated)\b";

/// Whether a message says no. What says that it is done may still have a refusing word in a name, or count nothing with
/// it.
fn refuses(text: &str, pattern: &Pattern) -> bool {
    let without_addresses = || text.split_whitespace().filter(|word| !word.contains('@')).collect::<Vec<_>>().join(" ");
    let refused = pattern.is_match(&without_addresses());
    refused && {
        let telling = telling(text, pattern);
        pattern.is_match(&telling) || !compiled(DONE).is_some_and(|done| done.is_match(&telling))
    }
}

/// What turns the word behind it into its contrary.
const NO: [&str; 6] = ["0", "no", "none", "not", "nothing", "without"];

/// A message without mail addresses (`error@not.example`), names in quotes and brackets (`'do not block'`), refusing words
/// that are denied or counted as none (`0 failed`, `no errors`, `Failed: 0`), and what is `not yet` so.
fn telling(text: &str, pattern: &Pattern) -> String {
    const PUNCTUATION: [char; 9] = ['.', ',', ';', ':', ')', '!', '(', '=', '0'];
    let mut telling: Vec<&str> = Vec::new();
    let mut words = text.split_whitespace().filter(|word| !word.contains('@')).peekable();
    while let Some(word) = words.next() {
        let bare = word.trim_start_matches(['(', ':']);
        let quote = match bare.chars().next() {
            Some('[') => Some(']'),
            first => first.filter(|c| matches!(c, '\'' | '"' | '`')),
        };
        if let Some(quote) = quote {
            let closes = |word: &str| word.trim_end_matches(['.', ',', ';', ':', ')', '!']).ends_with(quote);
            if closes(bare.get(1..).unwrap_or_default()) {
                continue;
            }
            // One that is not closed quotes nothing.
            if let Some(end) = words.clone().position(closes) {
                words.nth(end);
                continue;
            }
        }
        let next = words.peek().copied().unwrap_or_default();
        let refuses = |word: &str| pattern.is_match(word.trim_matches(PUNCTUATION));
        let denied = NO.iter().any(|no| bare.eq_ignore_ascii_case(no)) && (next.starts_with("yet") || refuses(next));
        let none = next.trim_end_matches(PUNCTUATION).is_empty() && next.starts_with('0');
        if denied || (word.ends_with([':', '=']) && none && refuses(word)) {
            words.next();
            continue;
        }
        if word.trim_end_matches(['.', ',', ';', ')']).ends_with("=0") && refuses(word) {
            continue;
        }
        telling.push(word);
    }
    telling.join(" ")
}

/// The expression of a refusal, compiled once: thousands of answers are judged by the same one. It is
/// shared, for a copy of an expression begins with nothing of what the searches before it have learned.
/// Catalogs with a broken one are refused when they are read.
fn compiled(pattern: &'static str) -> Option<Arc<Pattern>> {
    static KNOWN: LazyLock<Mutex<HashMap<&'static str, Arc<Pattern>>>> = LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(compiled) = known.get(pattern) {
        return Some(Arc::clone(compiled));
    }
    let compiled = Arc::new(Pattern::new(pattern)?);
    known.insert(pattern, Arc::clone(&compiled));
    Some(compiled)
}

/// A compiled expression.
struct Pattern {
    expression: Regex,
    /// Whether it is looked for in the text in lower case.
    lower: bool,
}

impl Pattern {
    fn new(pattern: &str) -> Option<Self> {
        // To compile words for each of their spellings takes twenty times as long as for one.
        let lower = pattern.strip_prefix("(?i-u)").filter(|words| !words.bytes().any(|c| c.is_ascii_uppercase()));
        let expression = match lower {
            Some(words) => Regex::new(&format!("(?-u){words}")),
            None => Regex::new(pattern),
        };
        Some(Self { expression: expression.ok()?, lower: lower.is_some() })
    }

    fn is_match(&self, text: &str) -> bool {
        if self.lower { self.expression.is_match(&text.to_ascii_lowercase()) } else { self.expression.is_match(text) }
    }
}

fn leaves<'a>(json: &'a Json, texts: &mut Vec<&'a str>) {
    match json {
        Json::String(text) => texts.push(text),
        Json::Array(items) => items.iter().for_each(|item| leaves(item, texts)),
        Json::Object(map) => map.values().for_each(|value| leaves(value, texts)),
        _ => {}
    }
}

fn failure(row: Option<&'static Row>, answer: &Incoming) -> Fault {
    let status = answer.status;
    let json: Option<Json> = serde_json::from_slice(&answer.body).ok();
    let reason = json.as_ref().and_then(reason_in).unwrap_or_else(|| excerpt(&answer.body));
    // Some appliances answer 404 to wrong parameters as well; the reason tells which it was.
    let misses = row.and_then(|row| row.missing).and_then(compiled);
    let wrong_parameters =
        status == 404 && !reason.is_empty() && misses.is_some_and(|pattern| !pattern.is_match(&reason));
    let (kind, what, retryable) = match status {
        404 if wrong_parameters => (FaultKind::Invalid, "the appliance rejects the parameters", false),
        400 | 405 | 406 | 411 | 413 | 414 | 415 | 422 => {
            (FaultKind::Invalid, "the appliance rejects the request", false)
        }
        401 | 403 => (FaultKind::Auth, "the appliance denies access", false),
        404 | 410 => (FaultKind::NotFound, "there is no such object or call", false),
        409 | 412 | 423 => (FaultKind::Conflict, "the appliance did not do it", false),
        408 | 504 => (FaultKind::Timeout, "the appliance was too slow", true),
        429 => (FaultKind::Limit, "the appliance wants fewer requests", true),
        300..=399 => (FaultKind::Http, "the answer is a redirect without a place", false),
        500..=599 => (FaultKind::Http, "the appliance failed", true),
        _ => (FaultKind::Http, "the answer has an unknown status", false),
    };
    let said = if reason.is_empty() { String::new() } else { format!(": {reason}") };
    let after = answer.retry_after.as_deref().filter(|_| retryable);
    let patience = after.map(|after| format!(" (Retry-After: {})", after.trim())).unwrap_or_default();
    let mut fault = Fault::new(kind, format!("{what} (status {status}){said}{patience}")).with_status(status);
    fault.retryable = retryable;
    if let Some(after) = after {
        fault = fault.with_detail("retry_after", after);
    }
    if !reason.is_empty() {
        fault = fault.with_detail("reason", reason);
    }
    if let Some(json) = json {
        fault.code = ["/code", "/errorCode", "/error_code", "/error/type", "/error/code"].iter().find_map(|place| {
            match json.pointer(place)? {
                Json::String(text) => Some(text.clone()),
                Json::Number(number) => Some(number.to_string()),
                _ => None,
            }
        });
        fault = fault.with_detail("answer", Value::from(json));
    }
    fault
}

/// The vendor's reason in an answer, wherever it stands.
pub fn reason_in(json: &Json) -> Option<String> {
    match json {
        Json::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Json::Object(map) => {
            ["reason", "message", "error_description", "Message", "detail", "error", "errors", "title"]
                .iter()
                .find_map(|name| map.get(*name).and_then(reason_in))
        }
        Json::Array(items) => items.iter().find_map(reason_in),
        _ => None,
    }
}

fn unreadable(effect: Effect, what: &str, answer: &Incoming) -> Fault {
    let applied = if effect == Effect::Read {
        ""
    } else {
        ". The status says success, so the change was probably made: look before you send it again"
    };
    let kind = answer.content_type.as_deref().map(|kind| format!(" of type {kind}")).unwrap_or_default();
    Fault::new(FaultKind::Decode, format!("the answer{kind} is not what this call gives: {what}{applied}"))
        .with_status(answer.status)
}

/// The beginning of a body in one line; of an HTML page, its title.
fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body.get(..body.len().min(4096)).unwrap_or(body));
    let lower = text.to_lowercase();
    let title = lower.find("<title>").and_then(|from| {
        let to = lower.get(from..)?.find("</title>")? + from;
        text.get(from + 7..to).map(|title| format!("an HTML page '{}'", title.trim()))
    });
    let text = title.unwrap_or_else(|| text.split_whitespace().collect::<Vec<_>>().join(" "));
    if text.chars().count() > 160 { format!("{}…", text.chars().take(160).collect::<String>()) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;

    fn answer(status: u16, body: &str) -> Incoming {
        Incoming {
            status,
            content_type: None,
            retry_after: None,
            challenges: Vec::new(),
            headers: http::HeaderMap::new(),
            body: bytes::Bytes::copy_from_slice(body.as_bytes()),
        }
    }

    fn of(name: &str, status: u16, body: &str) -> Option<Fault> {
        let row = Catalog::builtin().row("seg", name).unwrap();
        judge(Some(row), row.effect, &answer(status, body))
    }

    #[test]
    fn a_success_that_refuses_is_a_conflict_with_the_reason() {
        for body in [
            r#"{"reason": "IP group not updated: member to add exists: 192.0.2.0/24"}"#,
            r#"{"message": "Member to remove is missing"}"#,
            r#""The entry already exists""#,
            r#"{"errors": ["192.0.2.0"]}"#,
            r#"{"success": false, "reason": "no"}"#,
            r#"{"reason": "Unable to update the group."}"#,
            r#"{"reason": "The update was cancelled."}"#,
            r#"{"reason": "The request was rejected."}"#,
            r#"{"reason": "Insufficient rights."}"#,
            r#"{"reason": "Group is locked by another user."}"#,
            r#"{"reason": "Nothing was changed"}"#,
            r#"{"reason": "No members were added."}"#,
            r#"{"reason": "updated 3, skipped 1"}"#,
            r#"{"reason": "Updated. Failed: 10"}"#,
            r#"{"reason": "Too many members"}"#,
            r#"{"reason": "License expired"}"#,
            r#"{"reason": "Overlapping range"}"#,
            r#"{"reason": "Service unavailable"}"#,
            r#"{"reason": "Name in use"}"#,
            r#"{"success": "false"}"#,
            r#"{"reason": "'Member already exists'"}"#,
            r#"{"Reason": "2 added, 1 failed"}"#,
            r#"{"Errors": "x"}"#,
            r#"{"ErrorMessage": "x"}"#,
        ] {
            assert_eq!(of("ip_group_delta", 200, body).unwrap().kind, FaultKind::Conflict, "{body}");
        }
        for body in [
            r#"{"reason": "IP group updated."}"#,
            r#"{"reason": "", "errors": ""}"#,
            "",
            r#""Updated successfully""#,
            r#"{"reason": "IP group updated. 0 errors, 0 failed"}"#,
            r#"{"reason": "IP group updated (1 added, 0 already existed)"}"#,
            r#"{"reason": "Group updated but not yet committed"}"#,
            r#"{"reason": "Group 'do not block' updated."}"#,
            r#"{"reason": "IP group 'blocked by locked' updated"}"#,
            r#"{"reason": "Group [Do Not Block] updated."}"#,
            r#"{"reason": "Updated, no errors"}"#,
            r#"{"reason": "IP group updated without errors."}"#,
            r#"{"reason": "Successfully updated; nothing rejected"}"#,
            r#"{"reason": "IP group updated. Failed: 0"}"#,
            r#"{"reason": "Updated. Errors=0"}"#,
            r#"{"reason": "Update successful (none failed)"}"#,
        ] {
            assert_eq!(of("ip_group_delta", 200, body), None, "{body}");
        }
        assert_eq!(
            of("config_backup_run", 200, r#"{"backupName": "a.zip", "reason": "DKIM keys not included"}"#),
            None
        );
        assert_eq!(of("config_backup_run", 200, r#"{"backupName": "error-7.zip", "reason": ""}"#), None);
        // A warning is no refusal: the configuration has been replaced.
        let restored = r#"{"reason": "", "errors": "", "warnings": "A certificate could not be restored"}"#;
        assert_eq!(of("config_backup_restore", 200, restored), None);
        assert_eq!(of("group_member_add", 200, r#"{"reason": "Member \"error@not.example\" added"}"#), None);
        assert_eq!(of("config_backup_run", 200, r#""Access is denied""#).unwrap().kind, FaultKind::Conflict);
        assert!(of("group_member_add", 200, r#"{"code": 5, "text": "exists already"}"#).is_some());
    }

    #[test]
    fn html_where_json_belongs_is_named() {
        let fault = of("groups", 200, "<html><title>Sign in</title></html>").unwrap();
        assert_eq!(fault.kind, FaultKind::Decode);
        assert!(fault.message.contains("an HTML page 'Sign in'"), "{}", fault.message);
    }

    #[test]
    fn statuses_have_kinds_and_carry_the_reason() {
        for (status, kind) in [
            (400, FaultKind::Invalid),
            (403, FaultKind::Auth),
            (404, FaultKind::NotFound),
            (409, FaultKind::Conflict),
            (429, FaultKind::Limit),
            (500, FaultKind::Http),
        ] {
            let fault = of("groups", status, r#"{"reason": "because"}"#).unwrap();
            assert_eq!((fault.kind, fault.status), (kind, Some(status)));
            assert!(fault.message.contains("because"));
        }
    }
}
