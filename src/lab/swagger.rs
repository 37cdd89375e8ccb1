//! An appliance's description of itself, as OpenAPI: what the catalog knows, and one call more.

use serde_json::{Map, Value as Json, json};

use crate::catalog::Catalog;

/// The document of a vendor, with a call that no published page has.
pub fn document(vendor: &str, base: &str, extra: &str) -> Json {
    let catalog = Catalog::builtin();
    let rows = catalog.vendor(vendor).map(|vendor| vendor.rows).unwrap_or_default();
    let mut paths = Map::new();
    for (method, path, summary) in rows.iter().map(|row| (row.method.to_lowercase(), row.path, row.summary)).chain([(
        "get".to_owned(),
        extra,
        "Show what no published page has",
    )]) {
        let parameters: Vec<Json> = path
            .split('/')
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
            .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
            .collect();
        let operation =
            json!({ "summary": summary, "parameters": parameters, "responses": { "200": { "description": "ok" } } });
        let item = paths.entry(path.to_owned()).or_insert_with(|| json!({}));
        if let Some(item) = item.as_object_mut() {
            item.insert(method, operation);
        }
    }
    json!({
        "openapi": "3.0.3",
        "info": { "title": vendor, "version": "1" },
        "servers": [{ "url": base }],
        "paths": paths,
    })
}
