//! Reports: groups and their counters.

use serde_json::json;

use super::Product;
use super::routes::{Call, data, error, missing};
use super::rules::{self, Verdict};
use crate::catalog::Catalog;
use crate::lab::server::Tell;

/// `/reporting/GROUP` and `/reporting/GROUP/COUNTER`.
pub fn route(call: &Call<'_>, rest: &[&str]) -> Tell {
    let path = format!("/reporting/{}", rest.join("/"));
    let catalog = Catalog::builtin();
    let rows = catalog.vendor("asyncos").map_or(&[][..], |vendor| vendor.rows);
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
    let mut tell = data(json!({ "type": group, "resultSet": match counter {
        Some(counter) => json!({ *counter: [{ "DEFAULT": 120 }] }),
        None => json!([{ "detected_spam": 5 }, { "total_recipients": "100" }]),
    } }));
    if call.product == Product::Sma && call.query.iter().all(|(name, _)| name != "device_type") {
        tell = tell.complain("device_type is missing");
    }
    tell
}
