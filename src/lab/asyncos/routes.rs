//! What holds for every request, and the way to the areas.

use std::sync::{Arc, PoisonError};

use serde_json::{Value as Json, json};

use super::rules::{self, Verdict};
use super::state::State;
use super::{Asyncos, Product, auth, objects, quarantine, reports};
use crate::lab::server::{Appliance, Ask, Tell};
use crate::lab::{swagger, web};

/// The API.
pub struct Api(pub Arc<Asyncos>);

/// An error in the appliance's form.
pub fn error(status: u16, message: &str) -> Tell {
    let explanation = match status {
        401 => "401 = No permission -- see authorization schemes.",
        404 => "404 = Nothing matches the given URI.",
        _ => "Bad request.",
    };
    Tell::json(
        status,
        &json!({ "error": { "message": message, "code": status.to_string(), "explanation": explanation } }),
    )
}

/// There is no such path.
pub fn missing() -> Tell {
    error(404, "Not Found.")
}

/// A list in its envelope.
pub fn list(total: usize, rows: Vec<Json>) -> Tell {
    Tell::json(200, &json!({ "meta": { "totalCount": total }, "data": rows }))
}

/// An object in its envelope.
pub fn data(value: Json) -> Tell {
    Tell::json(200, &json!({ "data": value }))
}

/// A request on its way through the simulated appliance.
pub struct Call<'a> {
    /// The request.
    pub ask: &'a Ask,
    /// The decoded parts of the path below the base.
    pub parts: Vec<String>,
    /// The query.
    pub query: Vec<(String, String)>,
    /// Which appliance it is.
    pub product: Product,
}

impl Call<'_> {
    /// The parts as texts.
    pub fn path(&self) -> Vec<&str> {
        self.parts.iter().map(String::as_str).collect()
    }

    /// A page of rows by `offset` and `limit`.
    pub fn page(&self, rows: &[Json]) -> Vec<Json> {
        let limit = web::number(&self.query, "limit").unwrap_or(25);
        rows.iter().skip(web::number(&self.query, "offset").unwrap_or(0)).take(limit).cloned().collect()
    }

    /// 404, if the query does not name the kind of appliance.
    pub fn without_device(&self) -> Option<Tell> {
        web::get(&self.query, "device_type").is_none().then(|| error(404, "Missing attribute - device_type."))
    }
}

impl Appliance for Api {
    fn answer(&self, ask: &Ask) -> Tell {
        let options = &self.0.options;
        let base = format!("/{}/api/v2.0", options.product.word());
        if ask.path == "/swagger.json" {
            return Tell::json(200, &swagger::document("asyncos", &base, "/config/periodic_reports"));
        }
        let Some(below) = ask.path.strip_prefix(&base) else { return missing() };
        let writes = !matches!(ask.method.as_str(), "GET" | "HEAD");
        if !ask.body.is_empty() && !web::says_json(ask) {
            return error(400, "Content-Type must be application/json.");
        }
        if ask.method == "POST" && !web::says_json(ask) {
            return error(400, "A POST needs Content-Type: application/json.");
        }
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut complaints = if writes { Vec::new() } else { rules::writing(ask) };
        if ask.headers.contains_key("cookie") {
            complaints.push("a cookie is kept".into());
        }
        if !web::header(ask, "accept")
            .is_some_and(|accept| accept.contains("application/json") || accept.contains("*/*"))
        {
            complaints.push("Accept does not ask for JSON".into());
        }
        let mut tell = match (ask.method.as_str(), below) {
            ("POST", "/login") => auth::login(ask, options, &mut state),
            ("POST", "/login/two_factor") => error(401, "Unauthorized."),
            _ => match auth::check(ask, options, &mut state) {
                Err(denied) => *denied,
                Ok(renewed) => {
                    let call = Call {
                        ask,
                        parts: below.split('/').skip(1).map(web::decode).collect(),
                        query: web::query(ask),
                        product: options.product,
                    };
                    let mut tell = route(&call, &mut state);
                    if let Some(token) = renewed {
                        tell = tell.with("jwttoken", token);
                    }
                    tell
                }
            },
        };
        tell.complaints.extend(complaints);
        tell
    }

    fn writes(&self, ask: &Ask) -> bool {
        !matches!(ask.method.as_str(), "GET" | "HEAD") && !ask.path.contains("/login")
    }
}

fn route(call: &Call<'_>, state: &mut State) -> Tell {
    let esa = call.product == Product::Esa;
    match (call.ask.method.as_str(), call.path().as_slice()) {
        ("GET", ["login", "privileges"]) => Tell::json(200, &auth::privileges()),
        ("GET", ["config", "periodic_reports"]) => list(0, Vec::new()),
        ("GET", ["health"]) if esa => data(json!({ "percentage_cpu_load": 3 })),
        ("GET", ["message-tracking", ..] | ["web-tracking", ..]) => tracking(call, state),
        ("GET", ["reporting", rest @ ..]) => reports::route(call, rest),
        (_, ["quarantine", ..]) => quarantine::route(call, state),
        ("GET", ["logs", name @ "mail_logs"]) => list(
            1,
            vec![
                json!({ "name": "mail.current", "size": 24, "modificationDate": 1_700_000_000, "downloadUrl": format!("logs/{name}/mail.current") }),
            ],
        ),
        ("GET", ["logs", "mail_logs", "mail.current"]) => Tell::text(200, "Info: New SMTP ICID 1 interface\n"),
        (_, ["config", ..]) => objects::route(call, state),
        ("POST", ["remediation"]) if !esa => {
            let body = web::json(call.ask).unwrap_or_default();
            if body.pointer("/data/message_details").is_none() {
                return error(400, "message_details is missing.");
            }
            data(json!({ "batch_id": "lab-1" })).done()
        }
        _ => missing(),
    }
}

fn tracking(call: &Call<'_>, state: &mut State) -> Tell {
    let required = call.path().last().is_some_and(|last| *last == "messages" || *last == "web_transaction");
    let path = call.path();
    if path.last() != Some(&"remediation-details")
        && let Verdict::Wrong(message) = rules::dates(&call.query, false, required)
    {
        return error(404, message);
    }
    // Measurements set rows of their own, and ask for more than a page.
    if let Verdict::Half(complaint) = rules::pairs(&call.query)
        && state.tracking.len() < 1000
    {
        return list(0, Vec::new()).complain(complaint);
    }
    match path.as_slice() {
        ["message-tracking", "messages"] => {
            if web::get(&call.query, "searchOption").is_none() {
                return error(404, "Missing attribute - searchOption.");
            }
            // Measurements set rows of their own, and want them all at once.
            let all = state.tracking.len() >= 1000 && web::get(&call.query, "limit").is_none();
            let slots = if all { state.tracking.clone() } else { call.page(&state.tracking) };
            let bad = slots.iter().filter(|row| row.is_null()).count();
            let rows: Vec<Json> = slots.into_iter().filter(|row| !row.is_null()).collect();
            Tell::json(200, &json!({ "meta": { "num_bad_records": bad, "totalCount": rows.len() }, "data": rows }))
        }
        ["message-tracking", what @ ("details" | "amp-details" | "dlp-details" | "url-details")] => {
            let host = web::get(&call.query, "serialNumber").or(web::get(&call.query, "hostName"));
            if web::get(&call.query, "mid").is_none() || host.is_none() {
                return error(404, "Missing attribute - mid or serialNumber.");
            }
            data(json!({ "messages": { "mid": [1], "subject": "Message 1", "isCompleteData": *what == "details" } }))
        }
        ["message-tracking", "connection-details"] => {
            if web::get(&call.query, "icid").is_none() {
                return error(404, "Missing attribute - icid.");
            }
            Tell::json(200, &json!({ "messages": { "summary": [] }, "sbrs": "None" }))
        }
        ["message-tracking", "remediation-details"] if call.product == Product::Esa => {
            Tell::json(200, &json!({ "batch_details": {}, "message_details": [] }))
        }
        ["web-tracking", "web_transaction"] if call.product == Product::Sma => {
            match web::get(&call.query, "device_type") {
                Some("wsa") => {
                    list(1, vec![json!({ "attributes": { "timestamp": 1_700_000_000, "url": "http://example.org/" } })])
                }
                _ => error(404, "Missing attribute - device_type."),
            }
        }
        _ => missing(),
    }
}
