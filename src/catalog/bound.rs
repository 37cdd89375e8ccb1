//! A row with its arguments: what a script asked for, checked against the row.

use std::path::PathBuf;

use crate::catalog::{Effect, Row};
use crate::value::Map;

/// A call with arguments that satisfy its row.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    /// The row.
    pub row: &'static Row,
    /// The arguments under their script names, nested ones too; path parameters included.
    pub args: Map,
    /// The effect, raised by content where the row says so.
    pub effect: Effect,
    /// What it counts as against `max_items`.
    pub items: u64,
    /// The file that a download is written to.
    pub save_to: Option<PathBuf>,
}

/// A request as it goes out, but for the host and what signing in adds.
///
/// It may hold exposed secrets; it is made in the moment of sending and never recorded.
#[derive(Clone, PartialEq)]
pub struct WireRequest {
    /// The HTTP method.
    pub method: &'static str,
    /// Base and path, percent-encoded, beginning with a slash.
    pub path: String,
    /// The query without its question mark, percent-encoded; empty if there is none.
    pub query: String,
    /// Headers that parameters give.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: WireBody,
}

/// A request's body as it goes out.
#[derive(Clone, PartialEq)]
pub enum WireBody {
    /// None, and no content type.
    None,
    /// `application/json`.
    Json(bytes::Bytes),
    /// `application/x-www-form-urlencoded`.
    Form(String),
    /// `text/plain` in UTF-8.
    Text(String),
}
