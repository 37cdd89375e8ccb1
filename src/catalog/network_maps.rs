//! Maps that are made of networks: the entries of a block list, thousands in one call. They stay networks
//! until somebody writes them, or wants to look at them as values.

use std::net::IpAddr;
use std::sync::Arc;

use crate::network::list::NetworkList;
use crate::network::{Gathered, Network, Spelling};
use crate::value::{Map, Value};

/// A map for each network of a list, as a call wants them.
#[derive(Clone, Debug)]
pub struct NetworkMaps {
    /// The networks; none of them is a range.
    pub list: Arc<NetworkList>,
    /// What the member with the first address is called.
    pub first: Option<String>,
    /// What the member with the prefix length is called.
    pub prefix: Option<String>,
    /// What the member with the name is called.
    pub name: Option<String>,
    /// How names begin.
    pub label: String,
}

/// What a member of such a map says of its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkPart {
    /// The first address.
    First,
    /// The prefix length.
    Prefix,
    /// A name that is unique for its range.
    Name,
}

impl NetworkMaps {
    /// The members that each map has, in the order of their names.
    pub fn members(&self) -> Vec<(&str, NetworkPart)> {
        let mut members: Vec<_> = self.named().collect();
        members.sort_unstable_by_key(|(name, _)| *name);
        members
    }

    fn named(&self) -> impl Iterator<Item = (&str, NetworkPart)> {
        let members =
            [(&self.first, NetworkPart::First), (&self.prefix, NetworkPart::Prefix), (&self.name, NetworkPart::Name)];
        members.into_iter().filter_map(|(name, part)| Some((name.as_deref()?, part)))
    }

    /// All maps as values.
    pub fn to_value(&self) -> Value {
        Value::List(self.list.networks().map(|network| self.map(&network)).collect())
    }

    /// One map as a value.
    pub fn entry(&self, index: usize) -> Option<Value> {
        self.list.get(index).map(|listed| self.map(&listed.network))
    }

    fn map(&self, network: &Network) -> Value {
        let (first, prefix) = parts_of(network);
        let mut bytes = Vec::new();
        let mut value = |part| {
            match part {
                NetworkPart::Prefix => return Value::Int(i64::from(prefix)),
                NetworkPart::First => Gathered::behind(&mut bytes).address(first, Spelling::Usual),
                NetworkPart::Name => {
                    if !self.label.is_empty() {
                        bytes.extend_from_slice(self.label.as_bytes());
                        bytes.push(b' ');
                    }
                    Gathered::behind(&mut bytes).net(first, prefix, Spelling::InNames);
                }
            }
            Value::Text(String::from_utf8(std::mem::take(&mut bytes)).unwrap_or_default())
        };
        Value::Map(self.named().map(|(name, part)| (name.to_owned(), value(part))).collect::<Map>())
    }

    /// Appends all maps as a JSON array; `members` are those of each, in order and by the names that they are
    /// to have.
    pub fn write_json(&self, bytes: &mut Vec<u8>, members: &[(&str, NetworkPart)]) {
        let quoted = serde_json::to_string(&self.label).unwrap_or_default();
        let label = quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or_default();
        // What stands before the part of each member, and behind the last one, is the same in all maps.
        let mut before = String::from("{");
        let mut pieces = Vec::with_capacity(members.len());
        for (name, part) in members {
            before.push_str(&format!("{}:", serde_json::to_string(name).unwrap_or_default()));
            before.push_str(if *part == NetworkPart::Prefix { "" } else { "\"" });
            if *part == NetworkPart::Name && !label.is_empty() {
                before.push_str(label);
                before.push(' ');
            }
            pieces.push((*part, Fixed::of(&before)));
            before = String::from(if *part == NetworkPart::Prefix { "," } else { "\"," });
        }
        let behind = Fixed::of(&format!("{}}},", before.trim_end_matches(',')));
        let width: usize = pieces.iter().map(|(_, fixed)| fixed.length + VARIES).sum();
        bytes.reserve(self.list.len() * (width + behind.length));
        bytes.push(b'[');
        let mut gathered = Gathered::behind(bytes);
        for network in self.list.networks() {
            let (first, prefix) = parts_of(&network);
            for (part, fixed) in &pieces {
                fixed.write_to(&mut gathered);
                match part {
                    NetworkPart::Prefix => gathered.number(prefix),
                    NetworkPart::First => gathered.address(first, Spelling::Usual),
                    NetworkPart::Name => gathered.net(first, prefix, Spelling::InNames),
                }
            }
            behind.write_to(&mut gathered);
        }
        drop(gathered);
        if !self.list.is_empty() {
            bytes.pop();
        }
        bytes.push(b']');
    }
}

/// Text that is written again and again, in pieces of one length: such a piece is copied without a call.
struct Fixed {
    pieces: Vec<([u8; PIECE], usize)>,
    length: usize,
}

/// How long these pieces are.
const PIECE: usize = 32;

/// As much as most parts of networks have.
const VARIES: usize = 18;

impl Fixed {
    fn of(text: &str) -> Self {
        let piece = |bytes: &[u8]| {
            let mut piece = [0; PIECE];
            piece.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
            (piece, bytes.len())
        };
        Self { pieces: text.as_bytes().chunks(PIECE).map(piece).collect(), length: text.len() }
    }

    #[inline]
    fn write_to(&self, gathered: &mut Gathered<'_>) {
        for (piece, length) in &self.pieces {
            gathered.append(piece, *length);
        }
    }
}

/// First address and prefix length; none of the networks is a range.
fn parts_of(network: &Network) -> (IpAddr, u8) {
    (network.first(), network.prefix().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn maps(first: &str, name: Option<&str>, label: &str) -> NetworkMaps {
        let networks =
            [("192.0.2.0", 24), ("0.0.0.0", 0), ("255.10.9.100", 32), ("2001:db8::", 32), ("::ffff:0:0", 96)];
        let network = |(address, prefix): (&str, u8)| Network::of(address.parse().unwrap(), prefix).unwrap();
        NetworkMaps {
            list: Arc::new(networks.map(network).into_iter().collect()),
            first: Some(first.to_owned()),
            prefix: Some("cidr".to_owned()),
            name: name.map(str::to_owned),
            label: label.to_owned(),
        }
    }

    #[test]
    fn what_is_written_is_what_the_values_say() {
        for maps in [maps("start", Some("name"), "ü \"b\""), maps("a\"b", Some("x"), ""), maps("start", None, "")] {
            let mut bytes = Vec::new();
            maps.write_json(&mut bytes, &maps.members());
            assert_eq!(String::from_utf8(bytes).unwrap(), maps.to_value().to_json().to_string());
            assert_eq!(maps.entry(1), maps.to_value().as_list().unwrap().get(1).cloned());
        }
    }

    #[test]
    fn names_have_neither_dots_nor_slashes() {
        let Value::List(entries) = maps("start", Some("name"), "feed").to_value() else { panic!() };
        let names: Vec<&str> = entries.iter().map(|entry| entry.as_map().unwrap()["name"].as_text().unwrap()).collect();
        assert_eq!(
            names,
            [
                "feed 192-0-2-0_24",
                "feed 0-0-0-0_0",
                "feed 255-10-9-100_32",
                "feed 2001:db8::_32",
                "feed ::ffff:0-0-0-0_96"
            ]
        );
    }
}
