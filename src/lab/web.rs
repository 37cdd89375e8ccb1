//! What the simulated appliances share: queries, JSON bodies, credentials. None of it is the client's.

use serde_json::{Map, Value as Json};

use super::server::{Ask, Tell};

/// The query's names and values, decoded.
pub fn query(ask: &Ask) -> Vec<(String, String)> {
    let parts = ask.query.as_deref().unwrap_or_default().split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (decode(name), decode(value))
        })
        .collect()
}

/// A value of the query.
pub fn get<'a>(query: &'a [(String, String)], name: &str) -> Option<&'a str> {
    query.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str())
}

/// A number of the query.
pub fn number(query: &[(String, String)], name: &str) -> Option<usize> {
    get(query, name)?.parse().ok()
}

/// A text without its percent-encoding.
pub fn decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// A header as text.
pub fn header<'a>(ask: &'a Ask, name: &str) -> Option<&'a str> {
    ask.headers.get(name)?.to_str().ok()
}

/// User name and password of HTTP Basic.
pub fn basic(ask: &Ask) -> Option<(String, String)> {
    use base64::Engine;
    let encoded = header(ask, "authorization")?.strip_prefix("Basic ")?;
    let text = base64::engine::general_purpose::STANDARD.decode(encoded).ok()?;
    let text = String::from_utf8(text).ok()?;
    text.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
}

/// Whether the body says that it is JSON.
pub fn says_json(ask: &Ask) -> bool {
    header(ask, "content-type").is_some_and(|kind| kind.split(';').next().map(str::trim) == Some("application/json"))
}

/// The body as JSON.
pub fn json(ask: &Ask) -> Option<Json> {
    serde_json::from_slice(&ask.body).ok()
}

/// The body as an object.
pub fn object(ask: &Ask) -> Option<Map<String, Json>> {
    match json(ask)? {
        Json::Object(map) => Some(map),
        _ => None,
    }
}

/// A text of an object.
pub fn text<'a>(map: &'a Map<String, Json>, name: &str) -> Option<&'a str> {
    map.get(name)?.as_str()
}

/// The whole numbers of a list.
pub fn numbers(map: &Map<String, Json>, name: &str) -> Vec<i64> {
    map.get(name).and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_i64).collect()
}

/// The texts of a list.
pub fn texts(map: &Map<String, Json>, name: &str) -> Vec<String> {
    let items = map.get(name).and_then(Json::as_array).into_iter().flatten();
    items.filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

impl Tell {
    /// The same answer, of something that was changed.
    #[must_use]
    pub fn done(mut self) -> Self {
        self.applied = true;
        self
    }

    /// The same answer with a complaint.
    #[must_use]
    pub fn complain(mut self, complaint: impl Into<String>) -> Self {
        self.complaints.push(complaint.into());
        self
    }

    /// The same answer with another header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}
