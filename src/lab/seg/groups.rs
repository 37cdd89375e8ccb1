//! IP groups: entries with unique names and ranges, changed by atomic deltas.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;

use serde_json::{Map, Value as Json, json};

use super::SegOptions;
use super::strict::{self, Is};
use crate::lab::server::Tell;

/// A range of addresses, as numbers of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Range {
    v6: bool,
    first: u128,
    last: u128,
}

/// One IP group.
#[derive(Debug, Default)]
pub struct IpGroup {
    by_range: BTreeMap<Range, String>,
    names: HashMap<String, Range>,
    /// How entries were written, for those who list them.
    shown: HashMap<Range, (String, i64)>,
}

impl IpGroup {
    /// The entries, in order of addresses.
    pub fn entries(&self) -> Vec<String> {
        self.by_range
            .keys()
            .filter_map(|range| self.shown.get(range))
            .map(|(start, cidr)| format!("{start}/{cidr}"))
            .collect()
    }

    /// The entries as the listing handler shows them.
    pub fn list(&self) -> Json {
        let entries = self.by_range.iter().filter_map(|(range, name)| {
            let (start, cidr) = self.shown.get(range)?;
            Some(json!({ "ipAddressStart": start, "cidr": cidr, "name": name }))
        });
        entries.collect()
    }

    /// Adds an entry, whatever the rules.
    pub fn put(&mut self, network: &str, name: &str) {
        let (start, cidr) = network.split_once('/').unwrap_or((network, "32"));
        let entry = json!({ "ipAddressStart": start, "cidr": cidr.parse::<i64>().unwrap_or(32) });
        if let Some((range, start, cidr)) = entry.as_object().and_then(|entry| range_of(entry).ok()) {
            self.insert(range, start, cidr, name.to_owned());
        }
    }

    fn insert(&mut self, range: Range, start: String, cidr: i64, name: String) {
        if !name.is_empty() {
            self.names.insert(name.clone(), range);
        }
        self.by_range.insert(range, name);
        self.shown.insert(range, (start, cidr));
    }

    fn remove(&mut self, range: Range) {
        if let Some(name) = self.by_range.remove(&range) {
            self.names.remove(&name);
        }
        self.shown.remove(&range);
    }
}

/// An entry, read: its range, and how it was written.
type Read = (Range, String, i64);

fn range_of(entry: &Map<String, Json>) -> Result<Read, String> {
    let text = entry.get("ipAddressStart").and_then(Json::as_str).ok_or("ipAddressStart is missing")?;
    let start: IpAddr = text.parse().map_err(|_| format!("bad address {text}"))?;
    let cidr = entry.get("cidr").and_then(Json::as_i64).ok_or("cidr is missing")?;
    let number = |address: IpAddr| match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    };
    let bits = if start.is_ipv6() { 128 } else { 32 };
    let first = number(start);
    let last = match cidr {
        0 => {
            let end =
                entry.get("ipAddressEnd").and_then(Json::as_str).ok_or("ipAddressEnd is missing and cidr is 0")?;
            let end: IpAddr = end.parse().map_err(|_| format!("bad address {end}"))?;
            if end.is_ipv6() != start.is_ipv6() || number(end) < first {
                return Err(format!("bad range {text}"));
            }
            number(end)
        }
        1.. if cidr <= bits => {
            let hosts = u32::try_from(bits - cidr).unwrap_or(0);
            let span = 1_u128.checked_shl(hosts).map_or(u128::MAX, |span| span - 1);
            if first & span != 0 {
                return Err(format!("{text} is not the first address of a network of {cidr} bits"));
            }
            first | span
        }
        _ => return Err(format!("bad cidr {cidr}")),
    };
    Ok((Range { v6: start.is_ipv6(), first, last }, text.to_owned(), cidr))
}

/// One atomic delta: all of it, or nothing.
pub fn delta(group: &mut IpGroup, body: &Map<String, Json>, options: &SegOptions) -> Tell {
    let mut complaints = Vec::new();
    let checked = check_delta(group, body, options, &mut complaints);
    let mut tell = match checked {
        Ok((gone, coming)) => {
            for range in gone {
                group.remove(range);
            }
            for (range, (start, cidr, name)) in coming {
                group.insert(range, start, cidr, name);
            }
            Tell { applied: true, ..Tell::json(200, &json!({ "reason": "IP group updated." })) }
        }
        Err(tell) => *tell,
    };
    tell.complaints.extend(complaints);
    tell
}

/// What comes: start, prefix length and name of each range.
type Coming = HashMap<Range, (String, i64, String)>;

fn check_delta(
    group: &IpGroup,
    body: &Map<String, Json>,
    options: &SegOptions,
    complaints: &mut Vec<String>,
) -> Result<(HashSet<Range>, Coming), Box<Tell>> {
    strict::fields(body, &[("add", Is::Any), ("remove", Is::Any)], complaints)?;
    let list = |name: &str| body.get(name).and_then(Json::as_array);
    let (Some(add), Some(remove)) = (list("add"), list("remove")) else {
        return Err(Box::new(Tell::text(400, "add and remove must both be arrays")));
    };
    if options.additions_first {
        let coming = additions(group, add, &HashSet::new(), options, complaints)?;
        return Ok((removals(group, remove, options, complaints)?, coming));
    }
    let gone = removals(group, remove, options, complaints)?;
    let coming = additions(group, add, &gone, options, complaints)?;
    Ok((gone, coming))
}

fn refuse(what: &str, offender: &str, options: &SegOptions) -> Box<Tell> {
    let named = if options.names_offender { format!(": {offender}") } else { String::new() };
    let reason = format!("IP group not updated. {what}{named}");
    Box::new(Tell::json(options.refusals.status(), &json!({ "reason": reason })))
}

fn in_words(entry: &Map<String, Json>) -> String {
    let start = entry.get("ipAddressStart").and_then(Json::as_str).unwrap_or_default();
    format!("{start}/{}", entry.get("cidr").map(Json::to_string).unwrap_or_default())
}

const ENTRY: [(&str, Is); 5] = [
    ("ipAddressStart", Is::Text),
    ("cidr", Is::Int),
    ("ipAddressEnd", Is::Text),
    ("name", Is::Text),
    ("description", Is::Text),
];

fn removals(
    group: &IpGroup,
    remove: &[Json],
    options: &SegOptions,
    complaints: &mut Vec<String>,
) -> Result<HashSet<Range>, Box<Tell>> {
    let bad = |why: &str| Box::new(Tell::text(400, why));
    let mut gone = HashSet::with_capacity(remove.len());
    for entry in remove {
        let map = entry.as_object().ok_or_else(|| bad("bad data: remove"))?;
        strict::fields(map, ENTRY.get(..3).unwrap_or_default(), complaints)?;
        let (range, ..) = range_of(map).map_err(|why| bad(&why))?;
        if !group.by_range.contains_key(&range) || !gone.insert(range) {
            return Err(refuse("Member to remove is missing", &in_words(map), options));
        }
    }
    Ok(gone)
}

fn additions(
    group: &IpGroup,
    add: &[Json],
    gone: &HashSet<Range>,
    options: &SegOptions,
    complaints: &mut Vec<String>,
) -> Result<Coming, Box<Tell>> {
    let bad = |why: &str| Box::new(Tell::text(400, why));
    let mut coming = HashMap::with_capacity(add.len());
    let mut names = HashSet::new();
    for entry in add {
        let map = entry.as_object().ok_or_else(|| bad("bad data: add"))?;
        strict::fields(map, &ENTRY, complaints)?;
        let (range, start, cidr) = range_of(map).map_err(|why| bad(&why))?;
        let name = map.get("name").and_then(Json::as_str).unwrap_or_default().to_owned();
        if let Some(wrong) = name.chars().find(|c| "()/\\;.".contains(*c)) {
            complaints.push(format!("the name '{name}' has '{wrong}', which the Configurator cannot edit"));
        }
        if group.by_range.contains_key(&range) && !gone.contains(&range) || coming.contains_key(&range) {
            return Err(refuse("Member to add exists", &in_words(map), options));
        }
        let name_there = group.names.get(&name).is_some_and(|range| !gone.contains(range));
        if !name.is_empty() && (name_there || !names.insert(name.clone())) {
            return Err(refuse("Name of member exists", &name, options));
        }
        coming.insert(range, (start, cidr, name));
    }
    Ok(coming)
}
