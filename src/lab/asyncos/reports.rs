//! Reports: groups and their counters.

use serde_json::{Value as Json, json};

use super::Product;
use super::routes::{Call, data, error, missing};
use super::rules::{self, Verdict};
use crate::catalog::Catalog;
use crate::lab::server::Tell;

/// A day's counters of a summary.
const SUMMARY: [(&str, u64); 8] = [
    ("detected_spam", 31_204),
    ("total_recipients", 141_390),
    ("stopped_by_reputation_filter", 84_310),
    ("total_clean_recipients", 18_552),
    ("marketing_mail", 6_118),
    ("social_mail", 1_144),
    ("detected_virus", 54),
    ("detected_amp", 8),
];

/// A day's counter by sender domain.
const DOMAINS: [(&str, u64); 5] = [
    ("DEFAULT", 1_200),
    ("example.com", 9_640),
    ("example.net", 5_310),
    ("newsletter.example", 2_870),
    ("example.org", 460),
];

/// `/reporting/GROUP` and `/reporting/GROUP/COUNTER`.
pub fn route(call: &Call<'_>, rest: &[&str]) -> Tell {
    let path = format!("/reporting/{}", rest.join("/"));
    let catalog = Catalog::builtin();
    let rows = catalog.vendor("asyncos").map(|vendor| vendor.rows).unwrap_or_default();
    let Some(row) = rows.iter().find(|row| row.path == path) else { return missing() };
    if !row.on.is_empty() && !row.on.contains(&call.product.word()) {
        return missing();
    }
    if let Some(tell) = call.without_device() {
        return tell;
    }
    let lenient = path.starts_with("/reporting/reporting_system");
    match (rules::dates(&call.query, true, !lenient), rules::pairs(&call.query)) {
        (Verdict::Wrong(message), _) => return error(404, message),
        (_, Verdict::Half(complaint)) => return data(json!({})).complain(complaint),
        _ => {}
    }
    let (group, counter) = (rest.first().copied().unwrap_or_default(), rest.get(1));
    // A manager reports on several gateways, and mail that goes out is less of a mixture.
    let share = |number: u64| {
        let number = if call.product == Product::Sma { number * 3 } else { number };
        if group.contains("outgoing") { number / 6 } else { number }
    };
    let mut tell = data(json!({ "type": group, "resultSet": match counter {
        Some(counter) => {
            let rows: Vec<Json> = DOMAINS.iter().map(|(name, number)| json!({ *name: share(*number) })).collect();
            json!({ *counter: rows })
        }
        None => {
            let number = |(name, number): &(&str, u64)| match *name {
                // Some numbers come as texts.
                "total_recipients" => json!({ *name: share(*number).to_string() }),
                name => json!({ name: share(*number) }),
            };
            SUMMARY.iter().map(number).collect()
        }
    } }));
    if call.product == Product::Sma && call.query.iter().all(|(name, _)| name != "device_type") {
        tell = tell.complain("device_type is missing");
    }
    tell
}
