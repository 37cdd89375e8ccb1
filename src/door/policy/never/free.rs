//! Strings of which nothing is known: free-form bodies, raw requests, paths and queries.
//!
//! Such a string is taken for whatever it could be. Where that refuses too much, a catalog call
//! with marked parameters is the way.

use percent_encoding::percent_decode_str;

use crate::fault::Fault;
use crate::network::Network;
use crate::value::{Map, Value};

use super::lists::{Never, Objection};
use super::names;
use super::pattern::{Glob, Pattern};
use super::walk::{Hit, read_network};

/// The longest text without white space that is tried as a wildcard or a regular expression, in bytes.
const LONGEST_PATTERN: usize = 1000;

impl Never {
    pub(super) fn free_path(&self, path: &str) -> Result<(), Fault> {
        let parts: Vec<&str> = path.split(['/', '?', '&', '=']).filter(|part| !part.is_empty()).collect();
        let pairs = parts.windows(2).map(|pair| pair.join("/"));
        for part in parts.iter().map(|part| (*part).to_owned()).chain(pairs) {
            // Twice, because some appliances decode twice.
            let once = percent_decode_str(&part).decode_utf8_lossy();
            let twice = percent_decode_str(&once).decode_utf8_lossy();
            for text in [&once, &twice] {
                self.free_text(text).map_err(|hit| hit.into_fault("path"))?;
            }
        }
        Ok(())
    }

    pub(super) fn free_map(&self, map: &Map, path: &str) -> Result<(), Fault> {
        for network in networks_of_members(map) {
            if let Some(objection) = self.objection(&network) {
                return Err(Hit { value: network.to_string(), objection }.into_fault(path));
            }
        }
        for (name, value) in map {
            let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            self.free_text(name).map_err(|hit| hit.into_fault(&below))?;
            self.free_value(value, &below)?;
        }
        Ok(())
    }

    pub(super) fn free_value(&self, value: &Value, path: &str) -> Result<(), Fault> {
        match value {
            Value::Text(text) => self.free_text(text).map_err(|hit| hit.into_fault(path)),
            Value::Map(map) => self.free_map(map, path),
            Value::List(list) => {
                list.iter().enumerate().try_for_each(|(index, item)| self.free_value(item, &format!("{path}[{index}]")))
            }
            _ => Ok(()),
        }
    }

    fn free_text(&self, text: &str) -> Result<(), Hit> {
        let hit = |objection: Option<Objection>| {
            objection.map_or(Ok(()), |objection| Err(Hit { value: text.to_owned(), objection }))
        };
        if let Ok(network) = read_network(text) {
            return hit(self.objection(&network));
        }
        for network in networks_within(text) {
            hit(self.objection(&network))?;
        }
        // What stands before an `@` is as often a mailbox as an account.
        if !names::has_wildcard(text) && !text.contains('@') {
            hit(self.account(text))?;
        }
        if self.has_names() {
            hit(self.free_names(text))?;
        }
        Ok(())
    }

    fn free_names(&self, text: &str) -> Option<Objection> {
        let lower = text.trim().to_lowercase();
        // A whole value may be a domain above a protected one; a word of a sentence is not taken for that.
        let is_one = lower.len() <= LONGEST_PATTERN && !lower.contains(char::is_whitespace);
        if is_one
            && lower.contains(['.', '@'])
            && let Some(objection) = self.domain(&lower)
        {
            return Some(objection);
        }
        let mut found = words(text).filter(|word| word.contains('@')).find_map(|word| self.address(word));
        // Every run of labels within the text, whatever stands around it.
        let labels = |c: char| !(c.is_alphanumeric() || matches!(c, '-' | '.' | '\u{3002}' | '\u{ff0e}' | '\u{ff61}'));
        found = found.or_else(|| {
            lower
                .split(labels)
                .map(|name| name.trim_matches(['-', '.']))
                .filter(|name| !name.is_empty())
                .find_map(|name| self.at_or_below(&names::domain(name)))
        });
        found.or_else(|| self.free_pattern(text.trim()))
    }

    /// A text with the signs of a wildcard or a regular expression is tried as both.
    fn free_pattern(&self, text: &str) -> Option<Objection> {
        // Prose is no pattern, nor is what is longer than any that a person writes.
        if text.contains(char::is_whitespace) || text.len() > LONGEST_PATTERN {
            return None;
        }
        if names::has_wildcard(text)
            && let Some(objection) = self.address_glob(&Glob::new(&text.to_lowercase()))
        {
            return Some(objection);
        }
        let inner =
            text.contains(['[', '(', '|', '\\', '{']) || [".*", ".+", ".?"].iter().any(|sign| text.contains(sign));
        if !(inner || text.starts_with('^') || text.ends_with('$')) {
            return None;
        }
        // What does not compile is some other text: not every bracket begins an expression.
        Pattern::new(text).ok().and_then(|pattern| self.pattern(&pattern))
    }
}

/// The parts of a text that could be e-mail addresses by themselves.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let between = |c: char| {
        c.is_whitespace() || matches!(c, ',' | ';' | '"' | '\'' | '(' | ')' | '[' | ']' | '<' | '>' | '=' | '|')
    };
    text.split(between).filter(|word| !word.is_empty())
}

/// Addresses, networks and ranges anywhere in a text, as in `http://192.0.2.1:8080/`.
fn networks_within(text: &str) -> Vec<Network> {
    const JOINTS: [char; 2] = ['/', '-'];
    const ENDS: [char; 3] = ['.', '/', '-'];
    let v4 = text.split(|c: char| !(c.is_ascii_digit() || ENDS.contains(&c))).filter(|run| run.contains('.'));
    let v6 = text.split(|c: char| !(c.is_ascii_hexdigit() || c == ':' || ENDS.contains(&c)));
    let v6 = v6.filter(|run| run.matches(':').count() > 1);
    let mut networks = Vec::new();
    for run in v4.chain(v6).map(|run| run.trim_matches(ENDS)) {
        match read_network(run) {
            Ok(network) => networks.push(network),
            Err(_) => networks.extend(run.split(JOINTS).filter_map(|part| read_network(part).ok())),
        }
    }
    networks
}

/// Networks that an object spells out over several members: an address with a prefix length, or a
/// first and a last address.
fn networks_of_members(map: &Map) -> Vec<Network> {
    let named = |words: &'static [&'static str]| {
        move |name: &str| {
            let name = name.to_lowercase();
            words.iter().any(|word| name.contains(word))
        }
    };
    let is_prefix = named(&["cidr", "prefix", "mask", "bits", "length"]);
    let is_end = named(&["end", "last", "to", "high", "upper", "stop"]);
    let addresses: Vec<(&str, Network)> = map
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), read_network(value.as_text()?).ok()?)))
        .filter(|(_, network)| network.is_address())
        .collect();
    let mut networks = Vec::new();
    for (name, value) in map.iter().filter(|(name, _)| is_prefix(name)) {
        let text = match value {
            Value::Int(number) => number.to_string(),
            Value::Text(text) => text.trim().trim_start_matches('/').to_owned(),
            _ => continue,
        };
        // A prefix of 0 beside two addresses says that the second one is the end.
        let says_end = text == "0" && addresses.len() > 1;
        for (_, address) in addresses.iter().filter(|(of, _)| *of != name && !says_end) {
            let prefix = text.parse().ok().or_else(|| read_mask(&text));
            networks.extend(prefix.and_then(|prefix| Network::of(address.first(), prefix).ok()));
        }
    }
    for (end_name, end) in addresses.iter().filter(|(name, _)| is_end(name)) {
        for (_, start) in addresses.iter().filter(|(name, _)| name != end_name && !is_prefix(name)) {
            networks.extend(Network::range(start.first(), end.first()));
        }
    }
    networks
}

/// The prefix length of a netmask.
fn read_mask(text: &str) -> Option<u8> {
    let bits = text.parse::<std::net::Ipv4Addr>().ok()?.to_bits();
    let is_mask = bits.leading_ones() + bits.trailing_zeros() == 32;
    is_mask.then(|| u8::try_from(bits.leading_ones()).unwrap_or(32))
}
