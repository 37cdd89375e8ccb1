//! How networks are written. Lists of a hundred thousand are written often, and the general way of
//! formatting costs several times as much.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use super::span::Network;

impl Network {
    /// Appends the network as it prints.
    pub fn write_to(&self, bytes: &mut Vec<u8>) {
        write_address(bytes, self.first(), b'.');
        if self.is_address() {
            return;
        }
        match self.prefix() {
            Some(prefix) => {
                bytes.push(b'/');
                write_number(bytes, prefix);
            }
            None => {
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
        IpAddr::V4(address) => write_v4(bytes, address, dot),
        IpAddr::V6(address) => {
            // An address of IPv6 that ends in IPv4 has dots as well.
            let written = address.to_string();
            bytes.extend(written.bytes().map(|byte| if byte == b'.' { dot } else { byte }));
        }
    }
}

/// Appends a number in decimal.
pub fn write_number(bytes: &mut Vec<u8>, number: u8) {
    let ([a, b, c], length) = DIGITS[usize::from(number)];
    match length {
        1 => bytes.push(a),
        2 => bytes.extend_from_slice(&[a, b]),
        _ => bytes.extend_from_slice(&[a, b, c]),
    }
}

/// An address is put together first, and appended as a whole.
fn write_v4(bytes: &mut Vec<u8>, address: Ipv4Addr, dot: u8) {
    let mut written = [0; 16];
    let mut at = 0;
    for octet in address.octets() {
        let ([a, b, c], length) = DIGITS[usize::from(octet)];
        // What lies behind a shorter number is written over by its dot and the next one.
        if let Some(place) = written.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
            *place = [a, b, c];
        }
        at += usize::from(length);
        if let Some(byte) = written.get_mut(at) {
            *byte = dot;
        }
        at += 1;
    }
    bytes.extend_from_slice(written.get(..at - 1).unwrap_or_default());
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
