//! How networks are written. Lists of a hundred thousand are written often, and the general way of
//! formatting costs several times as much.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use super::span::Network;

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = Vec::with_capacity(48);
        Gathered::behind(&mut bytes).network(self);
        f.write_str(std::str::from_utf8(&bytes).unwrap_or_default())
    }
}

/// The networks with a space between them.
pub fn joined(networks: impl ExactSizeIterator<Item = Network>) -> String {
    let mut bytes = Vec::with_capacity(networks.len() * 18);
    let mut gathered = Gathered::behind(&mut bytes);
    for (at, network) in networks.enumerate() {
        gathered.append(b" ", usize::from(at > 0));
        gathered.network(&network);
    }
    drop(gathered);
    String::from_utf8(bytes).unwrap_or_default()
}

/// Appends small things to bytes. They are gathered first in a place of a fixed size, where each is copied whole with
/// what is too much behind it, which takes no call and asks for no room.
pub struct Gathered<'b> {
    bytes: &'b mut Vec<u8>,
    place: [u8; PLACE],
    length: usize,
}

/// How much is gathered.
const PLACE: usize = 512;

impl<'b> Gathered<'b> {
    /// Begins behind what the bytes hold. All is there when this is dropped.
    pub fn behind(bytes: &'b mut Vec<u8>) -> Self {
        Self { bytes, place: [0; PLACE], length: 0 }
    }

    /// Appends the first `length` bytes of an array.
    #[inline(always)]
    pub fn append<const N: usize>(&mut self, array: &[u8; N], length: usize) {
        if self.length + N > PLACE {
            self.flush();
        }
        if let Some(place) = self.place.get_mut(self.length..).and_then(<[u8]>::first_chunk_mut) {
            *place = *array;
        }
        self.length += length;
    }

    /// Appends an address.
    #[inline]
    pub fn address(&mut self, address: IpAddr, spelling: Spelling) {
        match address {
            IpAddr::V4(address) => {
                let short = Short::of(address, spelling);
                // Without what stands behind it.
                self.append(&short.bytes, short.length - 1);
            }
            IpAddr::V6(address) => {
                // An address of IPv6 that ends in IPv4 has dots as well.
                let (written, dot) = (address.to_string(), spelling.dot());
                self.flush();
                self.bytes.extend(written.bytes().map(|byte| if byte == b'.' { dot } else { byte }));
            }
        }
    }

    /// Appends a network in CIDR notation.
    #[inline]
    pub fn net(&mut self, first: IpAddr, prefix: u8, spelling: Spelling) {
        match first {
            IpAddr::V4(address) => {
                let mut short = Short::of(address, spelling);
                short.end_with(spelling.slash());
                short.put(prefix, spelling);
                self.append(&short.bytes, short.length - 1);
            }
            IpAddr::V6(_) => {
                self.address(first, spelling);
                self.append(&[spelling.slash()], 1);
                self.number(prefix);
            }
        }
    }

    /// Appends a network as it prints.
    pub fn network(&mut self, network: &Network) {
        if network.is_address() {
            return self.address(network.first(), Spelling::Usual);
        }
        match network.prefix() {
            Some(prefix) => self.net(network.first(), prefix, Spelling::Usual),
            None => {
                self.address(network.first(), Spelling::Usual);
                self.append(b"-", 1);
                self.address(network.last(), Spelling::Usual);
            }
        }
    }

    /// Appends a number in decimal.
    #[inline]
    pub fn number(&mut self, number: u8) {
        let (digits, length) = DOTTED[usize::from(number)];
        self.append(&digits, usize::from(length));
    }

    fn flush(&mut self) {
        self.bytes.extend_from_slice(self.place.get(..self.length).unwrap_or_default());
        self.length = 0;
    }
}

impl Drop for Gathered<'_> {
    fn drop(&mut self) {
        self.flush();
    }
}

/// How networks are spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// With dots and a slash.
    Usual,
    /// With dashes and an underscore, where appliances refuse dots and slashes.
    InNames,
}

impl Spelling {
    const fn dot(self) -> u8 {
        match self {
            Self::Usual => b'.',
            Self::InNames => b'-',
        }
    }

    const fn slash(self) -> u8 {
        match self {
            Self::Usual => b'/',
            Self::InNames => b'_',
        }
    }

    const fn numbers(self) -> &'static Numbers {
        match self {
            Self::Usual => &DOTTED,
            Self::InNames => &DASHED,
        }
    }
}

/// An address or network of IPv4, which is put together first and appended as a whole.
struct Short {
    bytes: [u8; 24],
    length: usize,
}

impl Short {
    /// The address, and a dot behind it.
    #[inline(always)]
    fn of(address: Ipv4Addr, spelling: Spelling) -> Self {
        let mut short = Self { bytes: [0; 24], length: 0 };
        let [a, b, c, d] = address.octets();
        short.put(a, spelling);
        short.put(b, spelling);
        short.put(c, spelling);
        short.put(d, spelling);
        short
    }

    /// Puts a number, and a dot behind it. What lies behind a shorter number is written over by the next one.
    #[inline(always)]
    fn put(&mut self, number: u8, spelling: Spelling) {
        let (digits, length) = spelling.numbers()[usize::from(number)];
        if let Some(place) = self.bytes.get_mut(self.length..).and_then(<[u8]>::first_chunk_mut) {
            *place = digits;
        }
        self.length += usize::from(length) + 1;
    }

    /// Puts something else in the place of the last dot.
    #[inline(always)]
    fn end_with(&mut self, end: u8) {
        if let Some(place) = self.bytes.get_mut(self.length - 1) {
            *place = end;
        }
    }
}

/// The digits of each number with a dot behind them, and how many there are.
type Numbers = [([u8; 4], u8); 256];

static DOTTED: Numbers = numbers(Spelling::Usual.dot());
static DASHED: Numbers = numbers(Spelling::InNames.dot());

const fn numbers(dot: u8) -> Numbers {
    let mut table = [([dot; 4], 1); 256];
    let mut number = 0_u8;
    loop {
        let (hundreds, tens, ones) = (b'0' + number / 100, b'0' + number / 10 % 10, b'0' + number % 10);
        table[number as usize] = match number {
            0..=9 => ([ones, dot, dot, dot], 1),
            10..=99 => ([tens, ones, dot, dot], 2),
            _ => ([hundreds, tens, ones, dot], 3),
        };
        if number == u8::MAX {
            return table;
        }
        number += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn networks_are_written_as_the_general_way_writes_them(bits: u128, prefix in 0_u8..=128, v4: bool) {
            let address: IpAddr = if v4 { (bits as u32).to_be_bytes().into() } else { bits.to_be_bytes().into() };
            let network = Network::of(address, if v4 { prefix % 33 } else { prefix }).unwrap();
            let wanted = match network.to_net() {
                Some(net) if !network.is_address() => net.to_string(),
                _ => network.first().to_string(),
            };
            proptest::prop_assert_eq!(network.to_string(), wanted);
            let range = Network::range(network.first(), address).unwrap();
            if range.prefix().is_none() {
                proptest::prop_assert_eq!(range.to_string(), format!("{}-{address}", network.first()));
            }
        }
    }
}
