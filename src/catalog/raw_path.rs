//! The path of a raw request, seen as the appliance will see it.
//!
//! A path can be written in many ways: percent-encoded, with dot segments, doubled or backward
//! slashes. If a row were looked for in the path as written, a script could disguise a call that
//! destroys as one that nobody knows. So the path is resolved by the parser that sends it.

use percent_encoding::percent_decode_str;
use url::Url;

use crate::catalog::{Row, Type, Vendor};
use crate::value::{Map, Value};

/// The path of a raw request from the host's root: below the vendor's base, unless it begins with
/// the base already. Not resolved, and without the query.
pub fn from_root(vendor: &Vendor, path: &str) -> String {
    let path = path.split('?').next().unwrap_or(path);
    let begins_with = |base: &str| {
        path.strip_prefix(base).is_some_and(|rest| rest.starts_with('/') || rest.is_empty() && !path.is_empty())
    };
    let products = vendor.products.iter().map(|product| with_product(vendor.base, product));
    let has_base = begins_with(vendor.base) || products.into_iter().any(|base| begins_with(&base));
    let slash = if path.starts_with('/') { "" } else { "/" };
    if has_base { path.to_owned() } else { format!("{}{slash}{path}", vendor.base) }
}

/// A path with the target's product in its place.
pub fn with_product(path: &str, product: &str) -> String {
    path.replacen("{product}", product, 1)
}

/// The path parameters of a raw request that is the row, under their script names.
pub fn path_args(vendor: &Vendor, row: &Row, path: &str) -> Map {
    let Some(resolved) = Resolved::new(&from_root(vendor, path)) else { return Map::new() };
    let template = row.base.split('/').chain(row.path.split('/')).filter(|part| !part.is_empty());
    let pairs = template.zip(resolved.segments).filter_map(|(part, segment)| {
        let wire = part.strip_prefix('{')?.strip_suffix('}')?;
        let param = row.path_params().find(|param| param.wire == wire)?;
        let number = || segment.parse().ok().filter(|_| param.ty == Type::Int).map(Value::Int);
        Some((param.name.to_owned(), number().unwrap_or_else(|| segment.clone().into())))
    });
    pairs.collect()
}

/// A resolved path, to compare with the templates of rows.
#[derive(Debug)]
pub struct Resolved {
    segments: Vec<String>,
}

impl Resolved {
    /// Resolves a path from the host's root; `None` if it cannot be sent at all.
    pub fn new(path: &str) -> Option<Self> {
        let mut url = Url::parse("http://localhost/").ok()?;
        // A product has no say in which call a path is.
        url.set_path(&with_product(path, "product"));
        let decoded = |segment: &str| percent_decode_str(segment).decode_utf8_lossy().into_owned();
        let segments = url.path_segments()?.filter(|segment| !segment.is_empty()).map(decoded).collect();
        Some(Self { segments })
    }

    /// Whether the row's path, its base included, can be this one. Slashes at the end do not count,
    /// nor do capitals: some appliances do not tell them apart.
    pub fn fits(&self, row: &Row) -> bool {
        let mut given = self.segments.iter();
        let template = row.base.split('/').chain(row.path.split('/')).filter(|part| !part.is_empty());
        for part in template {
            match given.next() {
                Some(segment) if part.eq_ignore_ascii_case(segment) || part.starts_with('{') => {}
                _ => return false,
            }
        }
        given.next().is_none()
    }
}

#[cfg(test)]
mod tests {
    use crate::catalog::Catalog;

    fn matched(method: &str, path: &str) -> Option<&'static str> {
        Catalog::builtin().match_raw("seg", method, path).map(|row| row.name)
    }

    #[test]
    fn a_row_is_found_however_its_path_is_written() {
        for path in [
            "/console/sender/message/killex/1/",
            "console/sender/message/killex/1",
            "/seg/api/console/sender/message/killex/1/?x=1",
            "/console/sender/message/kill%65x/1/",
            "/console/sender/message/%6b%69llex/1",
            "/console//sender/message/killex/1/",
            "/console/./sender/message/killex/1/",
            "/groups/../console/sender/message/killex/1/",
            "/groups/%2e%2e/console/sender/message/killex/1/",
            "/console\\sender/message/killex/1/",
            "/con\tsole/sender/message/killex/1/",
            "/Console/Sender/Message/KILLEX/1/",
        ] {
            assert_eq!(matched("POST", path), Some("sender_kill_messages"), "{path:?}");
        }
    }

    #[test]
    fn the_parameters_of_a_raw_path_are_those_of_its_row() {
        let catalog = Catalog::builtin();
        let (vendor, row) = (catalog.vendor("seg").unwrap(), catalog.row("seg", "group_members").unwrap());
        let args = super::path_args(vendor, row, "/groups/12/members");
        assert_eq!(args.into_values().collect::<Vec<_>>(), [crate::value::Value::Int(12)]);
    }

    #[test]
    fn a_path_is_only_what_is_below_the_base() {
        assert_eq!(matched("GET", "/seg/api/groups"), Some("groups"));
        assert_eq!(matched("GET", "/seg/apigroups"), None);
        assert_eq!(matched("POST", "/token"), None, "the token service is not below the base");
        assert_eq!(matched("POST", "/../../token"), Some("token"));
    }
}
