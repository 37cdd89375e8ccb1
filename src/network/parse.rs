//! From text to a network, with an exact word on what is wrong.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::error::NetworkError;
use super::interval::Interval;
use super::span::Network;

/// What a text says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// The network.
    pub network: Network,
    /// Whether bits behind the prefix were set, as in `192.0.2.7/24`, and have been cleared.
    pub host_bits: bool,
}

impl Network {
    /// Reads an address, a network in CIDR notation, or a range `first-last`.
    ///
    /// White space around it and around the dash is ignored. Bits behind the prefix are cleared,
    /// and [`Parsed::host_bits`] says so.
    ///
    /// # Errors
    /// Anything else, leading zeros, IPv4 in IPv6 notation and zones among it.
    pub fn parse(text: &str) -> Result<Parsed, NetworkError> {
        if let Some(parsed) = plain_v4(text.as_bytes()) {
            return Ok(parsed);
        }
        let text = text.trim();
        if text.is_empty() {
            return Err(NetworkError::Empty);
        }
        if let Some((first, last)) = text.split_once('-') {
            return parse_range(text, first.trim(), last.trim());
        }
        match text.split_once('/') {
            Some((address, prefix)) => parse_net(text, address, prefix),
            None => Ok(Parsed { network: Network::from(parse_address(text)?), host_bits: false }),
        }
    }

    /// The network that the first word of a text is, if it is IPv4 in its usual spelling and behind a space
    /// another one follows; and the text behind that space. The rest of a text takes the thorough way.
    pub fn plain_word(text: &str) -> Option<(Self, &str)> {
        let plain = plain_v4_before(text.as_bytes())?;
        Some((plain.parsed().network, text.get(plain.length..)?.strip_prefix(' ')?))
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        Self::parse(text).map(|parsed| parsed.network)
    }
}

/// An IPv4 address or network in its one usual spelling, which nearly every line of a long list
/// is; `None` for everything else, which the thorough way then reads or explains.
fn plain_v4(text: &[u8]) -> Option<Parsed> {
    plain_v4_before(text).filter(|plain| plain.length == text.len()).map(Plain::parsed)
}

/// An IPv4 address or network in its usual spelling, at the beginning of a text.
#[derive(Clone, Copy)]
pub(super) struct Plain {
    interval: Interval<u32>,
    host_bits: bool,
    /// How many bytes it takes.
    pub(super) length: usize,
}

impl Plain {
    /// What it says.
    #[inline]
    pub(super) fn parsed(self) -> Parsed {
        Parsed { network: Network::from_v4_interval(self.interval), host_bits: self.host_bits }
    }
}

/// The one that a text begins with, whatever comes behind it.
#[inline]
pub(super) fn plain_v4_before(text: &[u8]) -> Option<Plain> {
    // A hundred thousand are read here: of so many bytes none has to be asked for.
    let mut padded = [0; LONGEST];
    let head = text.first_chunk().unwrap_or_else(|| {
        padded.iter_mut().zip(text).for_each(|(place, byte)| *place = *byte);
        &padded
    });
    let (high, middle) = pair(head, 0)?;
    if byte(head, middle) != b'.' {
        return None;
    }
    let (low, end) = pair(head, middle + 1)?;
    let bits = high << 16 | low;
    if byte(head, end) != b'/' {
        return Some(Plain { interval: Interval { first: bits, last: bits }, host_bits: false, length: end });
    }
    let (prefix, digits) = number(u32::from_le_bytes(*head.get(end + 1..)?.first_chunk()?), 32)?;
    let length = end + 1 + digits as usize;
    let hosts = u32::MAX.checked_shr(prefix).unwrap_or(0);
    let interval = Interval { first: bits & !hosts, last: bits | hosts };
    Some(Plain { interval, host_bits: bits & hosts != 0, length })
}

/// The longest network of IPv4, and as much as is looked at together behind its last slash.
const LONGEST: usize = "255.255.255.255/".len() + 4;

#[inline(always)]
fn byte(head: &[u8; LONGEST], at: usize) -> u8 {
    head.get(at).copied().unwrap_or_default()
}

/// Two numbers of up to 255 with a dot between them, as one; and the place behind them. Both and their dot are seven
/// bytes at most.
#[inline(always)]
fn pair(head: &[u8; LONGEST], at: usize) -> Option<(u32, usize)> {
    let bytes = u64::from_le_bytes(*head.get(at..)?.first_chunk()?);
    let (first, digits) = number(bytes as u32, 255)?;
    let rest = bytes >> (8 * digits);
    if rest as u8 != b'.' {
        return None;
    }
    let (second, more) = number((rest >> 8) as u32, 255)?;
    Some((first << 8 | second, at + (digits + 1 + more) as usize))
}

/// A decimal number of at most three digits, and of at most `most`, without leading zeros; and how many digits it has.
#[inline(always)]
fn number(bytes: u32, most: u32) -> Option<(u32, u32)> {
    // Four bytes are looked at together: a digit is at most nine when the bits of '0' are taken out, and what is none
    // shows in the highest bit of its byte.
    let four = bytes ^ 0x3030_3030;
    let others = (four.wrapping_add(0x7676_7676) | four) & 0x8080_8080;
    let digits = others.trailing_zeros() / 8;
    // However many they are, they are moved to the same three bytes: to branch on their number would be guessing.
    let [hundreds, tens, ones, _] = four.wrapping_shl(24_u32.wrapping_sub(8 * digits)).to_le_bytes().map(u32::from);
    let number = hundreds * 100 + tens * 10 + ones;
    let leading_zero = (four & 0xff == 0) & (digits > 1);
    let fits = (digits > 0) & (digits < 4) & !leading_zero & (number <= most);
    fits.then_some((number, digits))
}

fn parse_range(text: &str, first: &str, last: &str) -> Result<Parsed, NetworkError> {
    let looks_like_name = || first.contains(|c: char| c.is_ascii_alphabetic()) && !first.contains(':');
    if looks_like_name() {
        return Err(diagnose(text));
    }
    if first.contains('/') || last.contains('/') || !last.contains(['.', ':']) {
        return Err(NetworkError::BadRange(NetworkError::quote(text)));
    }
    let network = Network::range(parse_address(first)?, parse_address(last)?)?;
    Ok(Parsed { network, host_bits: false })
}

fn parse_net(text: &str, address: &str, prefix: &str) -> Result<Parsed, NetworkError> {
    if address.is_empty() || address.ends_with(':') && !address.ends_with("::") {
        return Err(diagnose(text));
    }
    let address = parse_address(address)?;
    let (family, max) = if address.is_ipv6() { ("IPv6", 128) } else { ("IPv4", 32) };
    if prefix.is_empty() || !prefix.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(bad_prefix(prefix));
    }
    if prefix.len() > 1 && prefix.starts_with('0') {
        return Err(NetworkError::LeadingZero(format!("/{}", NetworkError::quote(prefix))));
    }
    let too_long = || NetworkError::PrefixTooLong { prefix: NetworkError::quote(prefix), family, max };
    let bits: u8 = prefix.parse().map_err(|_| too_long())?;
    if bits > max {
        return Err(too_long());
    }
    let network = Network::of(address, bits)?;
    Ok(Parsed { network, host_bits: network.first() != address })
}

fn parse_address(text: &str) -> Result<IpAddr, NetworkError> {
    match text.parse::<IpAddr>() {
        Ok(IpAddr::V6(address)) => match address.to_ipv4_mapped() {
            Some(plain) => Err(NetworkError::Mapped { text: NetworkError::quote(text), plain: plain.to_string() }),
            None => Ok(IpAddr::V6(address)),
        },
        Ok(address) => Ok(address),
        Err(_) => Err(diagnose(text)),
    }
}

fn bad_prefix(prefix: &str) -> NetworkError {
    if let Ok(mask) = prefix.parse::<Ipv4Addr>() {
        let bits = mask.to_bits();
        if bits.leading_ones() + bits.trailing_zeros() == 32 {
            return NetworkError::Netmask {
                mask: prefix.to_owned(),
                prefix: u8::try_from(bits.leading_ones()).unwrap_or(32),
            };
        }
    }
    NetworkError::BadPrefix(NetworkError::quote(prefix))
}

/// Says what is wrong with a text that is no address; only reached on errors, so it may be slow.
fn diagnose(text: &str) -> NetworkError {
    let quoted = NetworkError::quote(text);
    if text.contains("[.]") || text.contains("(.)") || text.contains("[:]") || text.starts_with("hxxp") {
        return NetworkError::Defanged(quoted);
    }
    if text.split_whitespace().count() > 1 {
        return NetworkError::Words(quoted);
    }
    if let Some((address, _)) = text.split_once('%')
        && address.parse::<IpAddr>().is_ok()
    {
        return NetworkError::Zone(quoted);
    }
    if text.starts_with('[') || text.parse::<std::net::SocketAddr>().is_ok() {
        return NetworkError::Port(quoted);
    }
    if text.contains('*') {
        return NetworkError::Wildcard(quoted);
    }
    let numbers_and_dots = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if numbers_and_dots && text.contains('.') {
        let leading_zero = text.split('.').any(|number| number.len() > 1 && number.starts_with('0'));
        return if leading_zero { NetworkError::LeadingZero(quoted) } else { NetworkError::NotIpv4(quoted) };
    }
    let is_name = text.contains(|c: char| c.is_alphabetic()) && (text.contains('.') || text.contains("://"));
    if is_name && text.parse::<Ipv6Addr>().is_err() && !text.starts_with("::") {
        return NetworkError::Name(quoted);
    }
    NetworkError::NotAnAddress(quoted)
}
