//! How networks are written. Lists of a hundred thousand are written often, and the general way of
//! formatting costs several times as much.

use std::fmt;
use std::net::IpAddr;

use super::span::Network;

impl Network {
    /// Appends the network as it prints.
    pub fn push_to(&self, text: &mut String) {
        push_address(text, self.first(), '.');
        if self.is_address() {
            return;
        }
        match self.prefix() {
            Some(prefix) => {
                text.push('/');
                push_number(text, prefix);
            }
            None => {
                text.push('-');
                push_address(text, self.last(), '.');
            }
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(48);
        self.push_to(&mut text);
        f.write_str(&text)
    }
}

/// Appends an address, IPv4 with a dot of one's own.
pub fn push_address(text: &mut String, address: IpAddr, dot: char) {
    match address {
        IpAddr::V4(address) => {
            for (index, byte) in address.octets().into_iter().enumerate() {
                if index > 0 {
                    text.push(dot);
                }
                push_number(text, byte);
            }
        }
        IpAddr::V6(address) => {
            // An address of IPv6 that ends in IPv4 has dots as well.
            let written = address.to_string();
            text.extend(written.chars().map(|c| if c == '.' { dot } else { c }));
        }
    }
}

/// Appends a number in decimal.
pub fn push_number(text: &mut String, number: u8) {
    if number >= 100 {
        text.push(char::from(b'0' + number / 100));
    }
    if number >= 10 {
        text.push(char::from(b'0' + number / 10 % 10));
    }
    text.push(char::from(b'0' + number % 10));
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
