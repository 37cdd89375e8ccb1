//! The rules of the fact sheet for queries.

use crate::lab::server::Ask;
use crate::lab::web;

/// What becomes of a query.
pub enum Verdict {
    /// It is answered.
    Fine,
    /// It is answered with 404 and this message.
    Wrong(&'static str),
    /// It is answered without data, and complained of.
    Half(String),
}

/// Complaints about how the query is written.
pub fn writing(ask: &Ask) -> Vec<String> {
    let query = ask.query.as_deref().unwrap_or_default();
    let mut complaints = Vec::new();
    for part in query.split('&').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let lower = value.to_lowercase();
        if lower.contains("%3a") || lower.contains("%2c") {
            complaints.push(format!("{name}: a colon or comma is encoded"));
        }
        if value.contains('+') && name != "quarantines" {
            complaints.push(format!("{name}: a space is written as +"));
        }
        if name == "quarantines" && lower.contains("%20") {
            complaints.push("quarantines: a space is not written as +".into());
        }
        if let Some(bad) = value.chars().find(|c| !(c.is_ascii_alphanumeric() || "-._~%:,+".contains(*c))) {
            complaints.push(format!("{name}: '{bad}' stands bare"));
        }
    }
    complaints
}

/// The span that a call wants, in whole minutes or hours.
pub fn dates(query: &[(String, String)], hours: bool, required: bool) -> Verdict {
    let (start, end) = (web::get(query, "startDate"), web::get(query, "endDate"));
    if start.is_none() && end.is_none() && !required {
        return Verdict::Fine;
    }
    let (Some(start), Some(end)) = (start, end) else {
        return Verdict::Wrong("Missing attribute - startDate or endDate.");
    };
    let tail = if hours { ":00:00.000Z" } else { ":00.000Z" };
    let shaped = |text: &str| text.len() == 24 && text.as_bytes().get(10) == Some(&b'T') && text.ends_with(tail);
    if shaped(start) && shaped(end) && start <= end {
        return Verdict::Fine;
    }
    Verdict::Wrong("startDate and endDate attribute supports only 00 seconds and 000 microseconds.")
}

/// Pairs that belong together.
pub fn pairs(query: &[(String, String)]) -> Verdict {
    let has = |name: &str| web::get(query, name).is_some();
    for (one, other) in [
        ("offset", "limit"),
        ("orderBy", "orderDir"),
        ("filterBy", "filterValue"),
        ("envelopeSenderfilterOperator", "envelopeSenderfilterValue"),
        ("envelopeRecipientfilterOperator", "envelopeRecipientfilterValue"),
        ("subjectfilterOperator", "subjectfilterValue"),
        ("domainNameOperator", "domainNameValue"),
        ("subjectFilterBy", "subjectFilterValue"),
    ] {
        // Web tracking compares by an operator alone.
        if one == "filterBy" && web::get(query, "device_type") == Some("wsa") {
            continue;
        }
        if has(one) != has(other) {
            return Verdict::Half(format!("half a pair: {one} and {other}"));
        }
    }
    if web::number(query, "limit").is_some_and(|limit| limit > 100) {
        return Verdict::Half("a limit over 100".into());
    }
    Verdict::Fine
}
