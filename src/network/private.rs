//! Which addresses are nobody's on the public Internet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use super::set::NetworkSet;
use super::span::Network;

/// First address and prefix of each IPv4 network that [`Network::is_private`] knows.
const IPV4: [(Ipv4Addr, u8); 7] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),      // this network (RFC 791)
    (Ipv4Addr::new(10, 0, 0, 0), 8),     // private (RFC 1918)
    (Ipv4Addr::new(100, 64, 0, 0), 10),  // shared by a provider's customers (RFC 6598)
    (Ipv4Addr::new(127, 0, 0, 0), 8),    // loopback
    (Ipv4Addr::new(169, 254, 0, 0), 16), // link-local (RFC 3927)
    (Ipv4Addr::new(172, 16, 0, 0), 12),  // private (RFC 1918)
    (Ipv4Addr::new(192, 168, 0, 0), 16), // private (RFC 1918)
];

/// First address and prefix of each IPv6 network that [`Network::is_private`] knows.
const IPV6: [(Ipv6Addr, u8); 4] = [
    (Ipv6Addr::UNSPECIFIED, 128),
    (Ipv6Addr::LOCALHOST, 128),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7), // unique local (RFC 4193)
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10), // link-local
];

static PRIVATE: LazyLock<NetworkSet> = LazyLock::new(|| {
    let v4 = IPV4.into_iter().map(|(first, prefix)| (IpAddr::V4(first), prefix));
    let v6 = IPV6.into_iter().map(|(first, prefix)| (IpAddr::V6(first), prefix));
    v4.chain(v6).filter_map(|(first, prefix)| Network::of(first, prefix).ok()).collect()
});

impl Network {
    /// Whether every address of it is private, so that blocking it blocks one's own.
    ///
    /// Private are 0.0.0.0/8, 10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16,
    /// 172.16.0.0/12, 192.168.0.0/16, ::, ::1, `fc00::/7` and `fe80::/10`. Documentation networks
    /// (192.0.2.0/24 and the like) and multicast are not.
    pub fn is_private(&self) -> bool {
        PRIVATE.contains(self)
    }
}
