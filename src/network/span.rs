//! The network as a value: an unbroken run of addresses of one family.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::error::NetworkError;
use super::interval::{self, Interval};

/// An address, a network or a range: all addresses from a first to a last one.
///
/// Equality is that of the addresses, not of the spelling: `192.0.2.0-192.0.2.255` is
/// `192.0.2.0/24`. The order is IPv4 first, then by first address, the wider one first. It prints
/// as an address, a network in CIDR notation or a range, the first that fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(Run);

/// Addresses of one family. Nearly all of a block list is IPv4, whose numbers fit a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Run {
    V4(Interval<u32>),
    /// Both ends as bytes, which need no alignment.
    V6 {
        first: [u8; 16],
        last: [u8; 16],
    },
}

impl Network {
    /// The addresses from `first` to `last`, both included.
    ///
    /// # Errors
    /// The two are of different families, or `last` comes before `first`.
    pub fn range(first: IpAddr, last: IpAddr) -> Result<Self, NetworkError> {
        let (start, end) = (Self::from(first), Self::from(last));
        if start.is_ipv6() != end.is_ipv6() {
            return Err(NetworkError::MixedRange(format!("{first}-{last}")));
        }
        let interval = Interval { first: start.interval().first, last: end.interval().last };
        if interval.first > interval.last {
            return Err(NetworkError::Backwards(format!("{first}-{last}")));
        }
        Ok(Self::from_interval(start.is_ipv6(), interval))
    }

    /// The network of `prefix` bits in which `address` lies.
    ///
    /// # Errors
    /// The prefix is longer than the address.
    pub fn of(address: IpAddr, prefix: u8) -> Result<Self, NetworkError> {
        IpNet::new(address, prefix).map(Self::from).map_err(|_| {
            let (family, max) = if address.is_ipv6() { ("IPv6", 128) } else { ("IPv4", 32) };
            NetworkError::PrefixTooLong { prefix: prefix.to_string(), family, max }
        })
    }

    pub(super) fn from_interval(v6: bool, interval: Interval) -> Self {
        if v6 {
            return Self(Run::V6 { first: interval.first.to_ne_bytes(), last: interval.last.to_ne_bytes() });
        }
        Self::from_v4_interval(Interval { first: v4_number(interval.first), last: v4_number(interval.last) })
    }

    pub(super) const fn interval(&self) -> Interval {
        match self.0 {
            Run::V4(Interval { first, last }) => Interval { first: first as u128, last: last as u128 },
            Run::V6 { first, last } => Interval { first: u128::from_ne_bytes(first), last: u128::from_ne_bytes(last) },
        }
    }

    pub(super) const fn from_v4_interval(interval: Interval<u32>) -> Self {
        Self(Run::V4(interval))
    }

    /// The interval, if this is of IPv4.
    pub(super) const fn v4_interval(&self) -> Option<Interval<u32>> {
        match self.0 {
            Run::V4(interval) => Some(interval),
            Run::V6 { .. } => None,
        }
    }

    /// Whether this is of IPv6.
    pub const fn is_ipv6(&self) -> bool {
        matches!(self.0, Run::V6 { .. })
    }

    /// The first address.
    pub fn first(&self) -> IpAddr {
        to_address(self.is_ipv6(), self.interval().first)
    }

    /// The last address.
    pub fn last(&self) -> IpAddr {
        to_address(self.is_ipv6(), self.interval().last)
    }

    /// The prefix length, if this is one network (an address is one of /32 or /128).
    pub fn prefix(&self) -> Option<u8> {
        if let Some(Interval { first, last }) = self.v4_interval() {
            let hosts = first ^ last;
            let one_network = hosts & hosts.wrapping_add(1) == 0 && first & hosts == 0;
            return one_network.then_some(hosts.leading_zeros() as u8);
        }
        let hosts = interval::network_bits(self.interval())?;
        Some(family_bits(self.is_ipv6()) - hosts)
    }

    /// As a network in CIDR notation, if it is one.
    pub fn to_net(&self) -> Option<IpNet> {
        self.prefix().and_then(|prefix| IpNet::new(self.first(), prefix).ok())
    }

    /// The fewest networks that hold exactly these addresses, in order.
    pub fn nets(&self) -> Vec<IpNet> {
        let mut nets = Vec::new();
        push_nets(self.is_ipv6(), self.interval(), &mut nets);
        nets
    }

    /// Whether this is a single address.
    pub fn is_address(&self) -> bool {
        match self.0 {
            Run::V4(Interval { first, last }) => first == last,
            Run::V6 { first, last } => first == last,
        }
    }

    /// Whether every address of `other` is in this.
    pub fn contains(&self, other: &Self) -> bool {
        self.is_ipv6() == other.is_ipv6() && self.interval().contains(other.interval())
    }

    /// Whether some address is in both.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.is_ipv6() == other.is_ipv6() && self.interval().overlaps(other.interval())
    }

    /// Whether there are more addresses than in a network of that prefix length.
    pub fn is_wider_than(&self, prefix: u8) -> bool {
        match self.0 {
            Run::V4(Interval { first, last }) => u64::from(last - first) >> 32_u8.saturating_sub(prefix) != 0,
            Run::V6 { .. } => {
                let hosts = u32::from(128_u8.saturating_sub(prefix));
                self.size_less_one().checked_shr(hosts).is_some_and(|rest| rest != 0)
            }
        }
    }

    /// How many addresses these are, less one (all of IPv6 would not fit otherwise).
    pub const fn size_less_one(&self) -> u128 {
        let Interval { first, last } = self.interval();
        last - first
    }
}

/// The length of an address in bits.
pub(super) const fn family_bits(v6: bool) -> u8 {
    if v6 { 128 } else { 32 }
}

/// Appends the fewest networks that hold exactly the interval's addresses.
pub(super) fn push_nets(v6: bool, interval: Interval, nets: &mut Vec<IpNet>) {
    interval::cover(interval, |first, hosts| {
        let prefix = family_bits(v6).saturating_sub(hosts);
        // The prefix comes from a number of host bits within the family, so that it always fits.
        nets.extend(IpNet::new(to_address(v6, first), prefix));
    });
}

fn to_address(v6: bool, bits: u128) -> IpAddr {
    if v6 { IpAddr::V6(Ipv6Addr::from_bits(bits)) } else { IpAddr::V4(Ipv4Addr::from_bits(v4_number(bits))) }
}

/// An address of IPv4 never holds more than 32 bits.
fn v4_number(bits: u128) -> u32 {
    u32::try_from(bits).unwrap_or(u32::MAX)
}

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        let bits = match address {
            IpAddr::V4(address) => u128::from(address.to_bits()),
            IpAddr::V6(address) => address.to_bits(),
        };
        Self::from_interval(address.is_ipv6(), Interval { first: bits, last: bits })
    }
}

impl From<Ipv4Net> for Network {
    fn from(net: Ipv4Net) -> Self {
        Self::from(IpNet::V4(net))
    }
}

impl From<Ipv6Net> for Network {
    fn from(net: Ipv6Net) -> Self {
        Self::from(IpNet::V6(net))
    }
}

impl From<IpNet> for Network {
    fn from(net: IpNet) -> Self {
        let (first, last) = (Self::from(net.network()), Self::from(net.broadcast()));
        Self::from_interval(first.is_ipv6(), Interval { first: first.interval().first, last: last.interval().last })
    }
}

impl Hash for Network {
    /// A network of IPv4 is hashed as the one number that it fits into: the lines of long lists are compared
    /// by their hashes.
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self.v4_interval() {
            Some(Interval { first, last }) => (u64::from(first) << 32 | u64::from(last)).hash(state),
            None => {
                let Interval { first, last } = self.interval();
                (first, last).hash(state);
            }
        }
    }
}

impl Ord for Network {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        if let (Run::V4(one), Run::V4(other)) = (self.0, other.0) {
            return one.first.cmp(&other.first).then(other.last.cmp(&one.last));
        }
        let key = |network: &Self| {
            let Interval { first, last } = network.interval();
            (network.is_ipv6(), first, std::cmp::Reverse(last))
        };
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for Network {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
