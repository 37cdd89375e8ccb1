//! How networks are written. Lists of a hundred thousand are written often, and the general way of
//! formatting costs several times as much.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use super::span::Network;

impl Network {
    /// Appends the network as it prints.
    pub fn write_to(&self, bytes: &mut Vec<u8>) {
        if self.is_address() {
            return write_address(bytes, self.first(), b'.');
        }
        match self.prefix() {
            Some(prefix) => write_net(bytes, self.first(), prefix, [b'.', b'/']),
            None => {
                write_address(bytes, self.first(), b'.');
                bytes.push(b'-');
                write_address(bytes, self.last(), b'.');
            }
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = Vec::with_capacity(48);
        self.write_to(&mut bytes);
        f.write_str(std::str::from_utf8(&bytes).unwrap_or_default())
    }
}

/// The networks with a space between them.
pub fn joined(networks: impl ExactSizeIterator<Item = Network>) -> String {
    let mut bytes = Vec::with_capacity(networks.len() * 18);
    for network in networks {
        if !bytes.is_empty() {
            bytes.push(b' ');
        }
        network.write_to(&mut bytes);
    }
    String::from_utf8(bytes).unwrap_or_default()
}

/// Appends an address, with a dot of one's own.
pub fn write_address(bytes: &mut Vec<u8>, address: IpAddr, dot: u8) {
    match address {
        IpAddr::V4(address) => {
            let mut short = Short::of(address, dot, 0);
            // Nothing stands behind it.
            short.length -= 1;
            short.append_to(bytes);
        }
        IpAddr::V6(address) => {
            // An address of IPv6 that ends in IPv4 has dots as well.
            let written = address.to_string();
            bytes.extend(written.bytes().map(|byte| if byte == b'.' { dot } else { byte }));
        }
    }
}

/// Appends a network, with a dot and a slash of one's own.
pub fn write_net(bytes: &mut Vec<u8>, first: IpAddr, prefix: u8, [dot, slash]: [u8; 2]) {
    match first {
        IpAddr::V4(address) => {
            let mut short = Short::of(address, dot, slash);
            short.put(prefix, 0);
            short.length -= 1;
            short.append_to(bytes);
        }
        IpAddr::V6(_) => {
            write_address(bytes, first, dot);
            bytes.push(slash);
            write_number(bytes, prefix);
        }
    }
}

/// Appends a number in decimal.
pub fn write_number(bytes: &mut Vec<u8>, number: u8) {
    let (digits, length) = DIGITS[usize::from(number)];
    append(bytes, &digits, usize::from(length));
}

/// Appends the first `length` bytes of an array: the whole of it is copied, which takes no call, and what is too much
/// is cut off.
#[inline]
pub fn append<const N: usize>(bytes: &mut Vec<u8>, array: &[u8; N], length: usize) {
    let end = bytes.len() + length;
    bytes.extend_from_slice(array);
    bytes.truncate(end);
}

/// An address or network of IPv4, which is put together first and appended as a whole.
struct Short {
    bytes: [u8; 24],
    length: usize,
}

impl Short {
    /// The address, and a byte behind it.
    #[inline]
    fn of(address: Ipv4Addr, dot: u8, behind: u8) -> Self {
        let mut short = Self { bytes: [0; 24], length: 0 };
        let [a, b, c, d] = address.octets();
        for (octet, behind) in [(a, dot), (b, dot), (c, dot), (d, behind)] {
            short.put(octet, behind);
        }
        short
    }

    /// Puts a number, and a byte behind it. What lies behind a shorter number is written over by that and by the
    /// next one.
    #[inline]
    fn put(&mut self, number: u8, behind: u8) {
        let (digits, length) = DIGITS[usize::from(number)];
        if let Some(place) = self.bytes.get_mut(self.length..).and_then(<[u8]>::first_chunk_mut) {
            *place = digits;
        }
        self.length += usize::from(length);
        if let Some(place) = self.bytes.get_mut(self.length) {
            *place = behind;
        }
        self.length += 1;
    }

    #[inline]
    fn append_to(&self, bytes: &mut Vec<u8>) {
        append(bytes, &self.bytes, self.length);
    }
}

/// The digits of each number, and how many there are.
static DIGITS: [([u8; 3], u8); 256] = digits();

const fn digits() -> [([u8; 3], u8); 256] {
    let mut table = [([b'0'; 3], 1); 256];
    let mut number = 0_u8;
    loop {
        let (hundreds, tens, ones) = (b'0' + number / 100, b'0' + number / 10 % 10, b'0' + number % 10);
        table[number as usize] = match number {
            0..=9 => ([ones, b'0', b'0'], 1),
            10..=99 => ([tens, ones, b'0'], 2),
            _ => ([hundreds, tens, ones], 3),
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
