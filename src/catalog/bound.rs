//! A row with its arguments: what a script asked for, checked against the row.

use std::path::PathBuf;

use crate::catalog::{Args, Effect, Row};

/// A call with arguments that satisfy its row.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    /// The row.
    pub row: &'static Row,
    /// The arguments under their script names, nested ones too; path parameters included.
    pub args: Args,
    /// The effect, raised by content where the row says so.
    pub effect: Effect,
    /// What it counts as against `max_items`.
    pub items: u64,
    /// The file that a download is written to.
    pub save_to: Option<PathBuf>,
    /// The part of the file that is sent, where a long one goes in pieces: offset and length.
    pub piece: Option<(u64, u64)>,
    /// What was changed so that the appliance can take it, for people.
    pub notices: Vec<String>,
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
    /// `multipart/form-data`.
    Multipart(Vec<WirePart>),
    /// A file as it is, with its content type.
    File(WireFile, &'static str),
}

/// A part of a multipart body.
#[derive(Clone, PartialEq)]
pub struct WirePart {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub content: PartContent,
}

/// What a part holds.
#[derive(Clone, PartialEq)]
pub enum PartContent {
    /// A text.
    Text(String),
    /// A file, with the name that it goes by.
    File(WireFile, String),
}

/// A file, or a piece of one, that is read while it is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct WireFile {
    /// Where it is.
    pub path: PathBuf,
    /// Offset and length of the piece; `None` for all of it.
    pub piece: Option<(u64, u64)>,
}

impl WireBody {
    /// The files that it is made of, to be checked and resolved before it is sent.
    pub fn files_mut(&mut self) -> Vec<&mut WireFile> {
        match self {
            Self::File(file, _) => vec![file],
            Self::Multipart(parts) => parts
                .iter_mut()
                .filter_map(|part| match &mut part.content {
                    PartContent::File(file, _) => Some(file),
                    PartContent::Text(_) => None,
                })
                .collect(),
            _ => Vec::new(),
        }
    }
}
