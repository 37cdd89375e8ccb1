//! From what an appliance says of itself to a catalog of the user's.
//!
//! Two sources: the listing of handlers that SEG gives, and OpenAPI or Swagger documents. Pure
//! functions: somebody else fetches the text and writes the file.

mod drift;
mod handlers;
mod name;
mod openapi;
mod schema;
mod write;

#[cfg(test)]
mod tests;

use serde_json::Value as Json;

use crate::catalog::{Row, Vendor, with_product};

pub use drift::{Drift, compare};

/// The largest document that is read.
const LARGEST: usize = 20 << 20;

/// What is to be made.
#[derive(Clone, Debug)]
pub struct Order<'a> {
    /// The vendor's id.
    pub id: &'a str,
    /// Where the text came from, for the file's head.
    pub source: &'a str,
    /// The vendors there are: what their catalogs have is left out.
    pub present: &'a [&'static Vendor],
}

/// A catalog that was made.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The file's text.
    pub toml: String,
    /// How many calls it has.
    pub calls: usize,
    /// What was left out, and why.
    pub left_out: Vec<String>,
    /// What the person should look at.
    pub warnings: Vec<String>,
}

/// A call as a source tells it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FoundCall {
    /// The function's name, once it is decided.
    pub name: String,
    /// The HTTP method.
    pub method: String,
    /// The path template below the base.
    pub path: String,
    /// `read`, `change` or `destroy`, by heuristic.
    pub effect: &'static str,
    /// One line.
    pub summary: String,
    /// The area, such as a tag.
    pub area: String,
    /// The parameters.
    pub params: Vec<FoundParam>,
    /// `json`, `free`, `form`, `multipart`, or nothing.
    pub body: Option<&'static str>,
    /// `list`, `object`, `download` or `any`.
    pub shape: &'static str,
}

/// A parameter as a source tells it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FoundParam {
    /// The name on the wire.
    pub wire: String,
    /// `path`, `query`, `header`, `body`, `form` or `part`.
    pub place: &'static str,
    /// The type in the catalog's words.
    pub ty: String,
    /// Whether it must be given.
    pub required: bool,
    /// The only values allowed.
    pub choices: Vec<Json>,
    /// The least and the greatest number.
    pub limits: (Option<i64>, Option<i64>),
    /// Whether its name says that it is a secret.
    pub secret: bool,
    /// Whether it is the whole body.
    pub root: bool,
    /// What stands between the entries of a list; nothing where each entry has the name again.
    pub join: &'static str,
    /// Members of an object.
    pub fields: Vec<FoundParam>,
    /// One or two sentences.
    pub doc: String,
}

/// All that a source tells.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The product's name.
    pub title: String,
    /// The path before every call's.
    pub base: String,
    /// The methods of sign-in, in the catalog's words.
    pub auth: Vec<&'static str>,
    /// The header of a token of its own.
    pub auth_header: String,
    /// The calls.
    pub calls: Vec<FoundCall>,
    /// What could not be taken, and why.
    pub left_out: Vec<String>,
    /// What the person should look at.
    pub warnings: Vec<String>,
}

/// Reads a text of either kind and makes a catalog of it.
///
/// # Errors
/// A text that is neither, or is broken: with the place and the cure.
pub fn import(text: &str, order: &Order<'_>) -> Result<Imported, String> {
    let mut found = read(text)?;
    let present = order.present.iter().copied().find(|vendor| vendor.id == order.id);
    if let Some(vendor) = present {
        put_below(&mut found, vendor);
        let (there, new): (Vec<_>, Vec<_>) =
            found.calls.into_iter().partition(|call| vendor.rows.iter().any(|row| is_same(row, call, vendor.id)));
        found.left_out.extend(there.iter().map(|call| format!("{} {}: the catalog has it", call.method, call.path)));
        found.calls = new;
    }
    name::decide(&mut found.calls, present);
    let toml = write::catalog(&found, order, present.is_some());
    // What this makes has to pass the same checks as every catalog.
    crate::catalog::check_text(&toml, order.present).map_err(|mistakes| {
        format!("the catalog that was made of it has mistakes, which is a fault of Beadle: {}", mistakes.join("; "))
    })?;
    Ok(Imported { toml, calls: found.calls.len(), left_out: found.left_out, warnings: found.warnings })
}

/// What a text tells of a vendor that is known, with paths below its base.
///
/// # Errors
/// A text that is neither kind.
pub fn read_of(text: &str, vendor: &Vendor) -> Result<Found, String> {
    let mut found = read(text)?;
    put_below(&mut found, vendor);
    Ok(found)
}

/// Writes paths as they stand below the vendor's base: a document may write them whole, or below a
/// base of its own.
fn put_below(found: &mut Found, vendor: &Vendor) {
    let mut bases: Vec<String> = vendor.products.iter().map(|product| with_product(vendor.base, product)).collect();
    bases.push(vendor.base.to_owned());
    let (own, left_out) = (std::mem::take(&mut found.base), &mut found.left_out);
    found.calls.retain_mut(|call| {
        let whole = format!("{own}{}", call.path);
        let below = bases.iter().find_map(|base| whole.strip_prefix(base).filter(|rest| rest.starts_with('/')));
        match below {
            Some(below) => call.path = below.to_owned(),
            // A document without a base of its own may leave out the vendor's as well.
            None if own.is_empty() => {}
            None => left_out.push(format!("{} {whole}: it is not below {}", call.method, vendor.base)),
        }
        below.is_some() || own.is_empty()
    });
}

/// What a text tells, whichever kind it is.
///
/// # Errors
/// A text that is neither kind.
pub fn read(text: &str) -> Result<Found, String> {
    if text.len() > LARGEST {
        return Err(format!("the document has {} MB, and {} MB are the most", text.len() >> 20, LARGEST >> 20));
    }
    let json: Json = match serde_json::from_str(text) {
        Ok(json) => json,
        Err(json_error) if text.trim_start().starts_with(['{', '[']) => {
            return Err(format!("the document is not JSON: {json_error}"));
        }
        Err(_) => serde_saphyr::from_str(text).map_err(|error| {
            let first = error.to_string().lines().next().unwrap_or_default().to_owned();
            format!("the document is neither JSON nor YAML: {first}")
        })?,
    };
    match &json {
        Json::Array(items) if items.iter().all(|item| item.get("url").is_some() && item.get("method").is_some()) => {
            Ok(handlers::read(items))
        }
        Json::Object(map) if map.contains_key("openapi") || map.contains_key("swagger") => openapi::read(&json),
        _ => Err("the document is neither a listing of handlers (a JSON array of description, method and url) nor an \
                  OpenAPI or Swagger document (a member openapi or swagger)"
            .into()),
    }
}

/// Whether a row is a found call: same method, same path whatever its placeholders are called.
fn is_same(row: &Row, call: &FoundCall, vendor: &str) -> bool {
    let shape = |path: &str| -> String {
        let parts = path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part });
        let path = parts.collect::<Vec<_>>().join("/").to_lowercase();
        // SEG's published paths differ in their trailing slash.
        if vendor == "seg" { path.trim_end_matches('/').to_owned() } else { path }
    };
    row.method == call.method && shape(row.path) == shape(&call.path)
}

/// The effect by heuristic: what the method, the path and what is `said` of the call tell. It is to
/// be reviewed.
///
/// That a POST only reads follows from its path alone: "release what a search has found" is no read.
fn effect_of(method: &str, path: &str, said: &str) -> &'static str {
    let has = |text: &str, list: &[&str]| {
        name::snake(text).split('_').any(|word| list.iter().any(|wanted| word.starts_with(wanted)))
    };
    let destroys = ["kill", "delete", "remove", "purge", "empty", "restore", "wipe", "reboot", "upgrade", "reset"];
    if matches!(method, "GET" | "HEAD") {
        "read"
    } else if method == "DELETE" || has(path, &destroys) || has(said, &destroys) {
        "destroy"
    } else if method == "POST" && has(path, &["find", "search", "query", "stats"]) {
        "read"
    } else {
        "change"
    }
}

/// Whether a name is that of a secret.
fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    ["password", "passwd", "passphrase", "secret", "token", "api_key", "apikey", "private_key", "community"]
        .iter()
        .any(|word| name.contains(word))
}
