//! IP groups: entries with unique names and ranges, changed by atomic deltas.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use serde_json::{Map, Value as Json, json};

use super::RefusalStyle;
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
pub fn delta(group: &mut IpGroup, body: &Map<String, Json>, style: RefusalStyle, names_offender: bool) -> Tell {
    let mut complaints = Vec::new();
    if let Err(tell) = strict::fields(body, &[("add", Is::Any), ("remove", Is::Any)], &mut complaints) {
        return *tell;
    }
    let list = |name: &str| body.get(name).and_then(Json::as_array);
    let (Some(add), Some(remove)) = (list("add"), list("remove")) else {
        return Tell { complaints, ..Tell::text(400, "add and remove must both be arrays") };
    };
    let refuse = |what: &str, entry: &Json, complaints: Vec<String>| {
        let offender = entry.get("ipAddressStart").and_then(Json::as_str).unwrap_or_default();
        let cidr = entry.get("cidr").map(Json::to_string).unwrap_or_default();
        let named = if names_offender { format!(": {offender}/{cidr}") } else { String::new() };
        Tell {
            complaints,
            ..Tell::json(style.status(), &json!({ "reason": format!("IP group not updated. {what}{named}") }))
        }
    };
    let known_add = [
        ("ipAddressStart", Is::Text),
        ("cidr", Is::Int),
        ("ipAddressEnd", Is::Text),
        ("name", Is::Text),
        ("description", Is::Text),
    ];
    let mut gone = Vec::with_capacity(remove.len());
    for entry in remove {
        let Some(map) = entry.as_object() else { return Tell::text(400, "bad data: remove") };
        if let Err(tell) = strict::fields(map, known_add.get(..3).unwrap_or_default(), &mut complaints) {
            return *tell;
        }
        match range_of(map) {
            Ok((range, ..)) if group.by_range.contains_key(&range) && !gone.contains(&range) => gone.push(range),
            Ok(_) => return refuse("Member to remove is missing", entry, complaints),
            Err(why) => return Tell { complaints, ..Tell::text(400, &why) },
        }
    }
    let going: std::collections::HashSet<Range> = gone.iter().copied().collect();
    let mut coming: HashMap<Range, (String, i64, String)> = HashMap::with_capacity(add.len());
    let mut names: std::collections::HashSet<String> = std::collections::HashSet::new();
    for entry in add {
        let Some(map) = entry.as_object() else { return Tell::text(400, "bad data: add") };
        if let Err(tell) = strict::fields(map, &known_add, &mut complaints) {
            return *tell;
        }
        let (range, start, cidr) = match range_of(map) {
            Ok(read) => read,
            Err(why) => return Tell { complaints, ..Tell::text(400, &why) },
        };
        let name = map.get("name").and_then(Json::as_str).unwrap_or_default().to_owned();
        if let Some(bad) = name.chars().find(|c| "()/\\;.".contains(*c)) {
            complaints.push(format!("the name '{name}' has '{bad}', which the Configurator cannot edit"));
        }
        let there = group.by_range.contains_key(&range) && !going.contains(&range);
        let name_there = !name.is_empty() && group.names.get(&name).is_some_and(|range| !going.contains(range));
        if there || name_there || coming.contains_key(&range) || (!name.is_empty() && !names.insert(name.clone())) {
            return refuse("Member to add exists", entry, complaints);
        }
        coming.insert(range, (start, cidr, name));
    }
    for range in gone {
        group.remove(range);
    }
    for (range, (start, cidr, name)) in coming {
        group.insert(range, start, cidr, name);
    }
    Tell { applied: true, complaints, ..Tell::json(200, &json!({ "reason": "IP group updated." })) }
}
