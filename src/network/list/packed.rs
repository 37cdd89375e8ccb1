//! Lists as short texts: what a playbook puts by, and reads again at its next run.
//!
//! A network takes two bytes where it follows the one before, and four in a sorted list of scattered addresses; as text
//! it takes sixteen. First comes a byte: the prefix length of a network of IPv4, or one of the marks below. Then, for a
//! network of IPv4, how far it lies behind the one before, counted in networks of its size: a number that may be
//! negative, its sign in the lowest bit, seven bits a byte, the lowest first, and the highest bit set where more
//! follow. A range counts in addresses, and says how many more than one it has. IPv6 is written out.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::listed::{Listed, NetworkList};
use crate::network::interval::Interval;
use crate::network::{Network, NetworkError};

/// What a packed list begins with.
const BEGIN: &str = "packed:";

/// A range of IPv4 follows.
const RANGE_V4: u8 = 64;
/// A network of IPv6 follows: its prefix length, and its address.
const NET_V6: u8 = 65;
/// A range of IPv6 follows: both ends.
const RANGE_V6: u8 = 66;

impl NetworkList {
    /// The list without its lines, packed.
    pub fn packed(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.len() * 2);
        let mut next = 0;
        for network in self.networks() {
            match (network.v4_interval(), network.prefix()) {
                (Some(interval), Some(prefix)) => {
                    bytes.push(prefix);
                    let hosts = u32::from(32 - prefix);
                    write(&mut bytes, signed(part(interval.first, hosts).wrapping_sub(part(next, hosts))));
                    next = interval.last.wrapping_add(1);
                }
                (Some(interval), None) => {
                    bytes.push(RANGE_V4);
                    write(&mut bytes, signed(interval.first.wrapping_sub(next)));
                    write(&mut bytes, interval.last - interval.first);
                    next = interval.last.wrapping_add(1);
                }
                (None, Some(prefix)) => {
                    bytes.extend([NET_V6, prefix]);
                    bytes.extend(network.interval().first.to_be_bytes());
                }
                (None, None) => {
                    bytes.push(RANGE_V6);
                    bytes.extend(network.interval().first.to_be_bytes());
                    bytes.extend(network.interval().last.to_be_bytes());
                }
            }
        }
        bytes
    }

    /// Takes the networks of a packed list in; whether the text is one.
    ///
    /// # Errors
    /// It was one before it was cut or changed.
    pub fn extend_packed(&mut self, text: &str) -> Result<bool, NetworkError> {
        each_packed(text, |network| self.push(Listed { network, line: 0 }))
    }
}

/// The same as a text, which [`each_packed`] reads.
pub(super) fn text(list: &NetworkList) -> String {
    let mut text = BEGIN.to_owned();
    URL_SAFE_NO_PAD.encode_string(list.packed(), &mut text);
    text
}

/// Shows the networks of a packed list; whether the text is one.
///
/// # Errors
/// It was one before it was cut or changed.
pub fn each_packed(text: &str, show: impl FnMut(Network)) -> Result<bool, NetworkError> {
    let Some(code) = text.strip_prefix(BEGIN) else { return Ok(false) };
    let read = URL_SAFE_NO_PAD.decode(code).ok().and_then(|bytes| each(&bytes, show));
    read.map(|()| true).ok_or_else(|| NetworkError::Packed(NetworkError::quote(text)))
}

/// Whether a text could be one packed list: it begins like one, and is one word.
pub fn is_packed(text: &str) -> bool {
    text.starts_with(BEGIN) && memchr::memchr3(b' ', b'\n', b'\t', text.as_bytes()).is_none()
}

fn each(bytes: &[u8], mut show: impl FnMut(Network)) -> Option<()> {
    let (mut rest, mut next) = (bytes, 0);
    while let [kind, behind @ ..] = rest {
        rest = behind;
        show(match *kind {
            prefix @ 0..=32 => {
                let hosts = u32::from(32 - prefix);
                let at = part(next, hosts).wrapping_add(unsigned(read(&mut rest)?));
                // Numbers that no network of this size has are none of ours.
                let first =
                    at.checked_shl(hosts).filter(|first| part(*first, hosts) == at).or((at == 0).then_some(0))?;
                let last = first | u32::MAX.checked_shr(u32::from(prefix)).unwrap_or(0);
                next = last.wrapping_add(1);
                Network::from_v4_interval(Interval { first, last })
            }
            RANGE_V4 => {
                let first = next.wrapping_add(unsigned(read(&mut rest)?));
                let last = first.checked_add(read(&mut rest)?)?;
                next = last.wrapping_add(1);
                Network::from_v4_interval(Interval { first, last })
            }
            NET_V6 => {
                let (prefix, behind) = rest.split_first()?;
                rest = behind;
                Network::of(address(&mut rest)?.into(), *prefix).ok()?
            }
            RANGE_V6 => Network::range(address(&mut rest)?.into(), address(&mut rest)?.into()).ok()?,
            _ => return None,
        });
    }
    Some(())
}

fn address(rest: &mut &[u8]) -> Option<std::net::Ipv6Addr> {
    let (bytes, behind) = rest.split_first_chunk::<16>()?;
    *rest = behind;
    Some((*bytes).into())
}

/// The number without its lowest bits.
fn part(number: u32, bits: u32) -> u32 {
    number.checked_shr(bits).unwrap_or(0)
}

/// A difference with its sign in the lowest bit.
fn signed(difference: u32) -> u32 {
    difference << 1 ^ if difference >> 31 == 1 { u32::MAX } else { 0 }
}

fn unsigned(number: u32) -> u32 {
    number >> 1 ^ if number & 1 == 1 { u32::MAX } else { 0 }
}

fn write(bytes: &mut Vec<u8>, mut number: u32) {
    while number > 0x7f {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn read(rest: &mut &[u8]) -> Option<u32> {
    let mut number = 0;
    for place in 0..5 {
        let (byte, behind) = rest.split_first()?;
        *rest = behind;
        number |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return u32::try_from(number).ok();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn list(texts: &[&str]) -> NetworkList {
        texts.iter().map(|text| text.parse::<Network>().unwrap()).collect()
    }

    fn unpacked(text: &str) -> Result<NetworkList, NetworkError> {
        let mut list = NetworkList::default();
        assert!(list.extend_packed(text)?, "{text}");
        Ok(list)
    }

    #[test]
    fn a_list_comes_back_in_its_order() {
        let all = list(&[
            "192.0.2.0/24",
            "0.0.0.0/0",
            "255.255.255.255",
            "0.0.0.0",
            "10.0.0.1-10.0.0.9",
            "10.0.0.0/8",
            "192.0.2.0/24",
            "2001:db8::/32",
            "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            "::1",
            "2001:db8::1-2001:db8::9",
            "128.0.0.0/1",
        ]);
        assert_eq!(unpacked(all.packed_text()), Ok(all));
        assert_eq!(unpacked(NetworkList::default().packed_text()), Ok(NetworkList::default()));
        assert_eq!(NetworkList::default().extend_packed("192.0.2.1"), Ok(false));
    }

    #[test]
    fn what_follows_takes_two_bytes() {
        let all = list(&["100.64.0.0/28", "100.64.0.16/28", "100.64.0.32/28"]);
        assert_eq!(all.packed().len(), 1 + 4 + 2 + 2);
    }

    #[test]
    fn what_was_changed_is_an_error() {
        let all = list(&["192.0.2.0/24", "2001:db8::/32"]);
        let text = all.packed_text();
        // A cut behind a whole network leaves a shorter list.
        for cut in (BEGIN.len() + 1..text.len()).filter(|cut| *cut != BEGIN.len() + 7) {
            let error = unpacked(&text[..cut]).unwrap_err().to_string();
            assert!(error.contains("packed:"), "{cut}: {error}");
        }
        for wrong in ["packed:!", "packed:_w", "packed:GP____8f", "packed:QYE", "packed:GIGBgYGBAQ"] {
            assert!(unpacked(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_list_comes_back(ends in prop::collection::vec((any::<u128>(), any::<u128>(), 0_u8..=128, 0..4), 0..40)) {
            let network = |(a, b, prefix, kind): (u128, u128, u8, i32)| match kind {
                0 => Network::of(std::net::Ipv4Addr::from(a as u32).into(), prefix % 33).unwrap(),
                1 => Network::from_interval(false, Interval {
                    first: u128::from((a as u32).min(b as u32)), last: u128::from((a as u32).max(b as u32)),
                }),
                2 => Network::of(std::net::Ipv6Addr::from(a).into(), prefix).unwrap(),
                _ => Network::from_interval(true, Interval { first: a.min(b), last: a.max(b) }),
            };
            let all: NetworkList = ends.into_iter().map(network).collect();
            prop_assert_eq!(unpacked(all.packed_text()), Ok(all));
        }

        #[test]
        fn any_bytes_are_a_list_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let mut found = NetworkList::default();
            if each(&bytes, |network| found.push(Listed { network, line: 0 })).is_some() {
                prop_assert_eq!(unpacked(found.packed_text()), Ok(found));
            }
        }
    }
}
