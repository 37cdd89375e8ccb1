//! The arithmetic against naive sets on small spaces, and the words of every parse error.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use proptest::prelude::*;

use super::{Network, NetworkSet, aggregate, subtract};

fn network(text: &str) -> Network {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn texts(nets: &[IpNet]) -> Vec<String> {
    nets.iter().map(ToString::to_string).collect()
}

/// The family's last 64 addresses, so that the end of the space is part of the test.
fn address(v6: bool, offset: u8) -> IpAddr {
    if v6 {
        IpAddr::V6(Ipv6Addr::from_bits(u128::MAX - 63 + u128::from(offset)))
    } else {
        IpAddr::V4(Ipv4Addr::from_bits(u32::MAX - 63 + u32::from(offset)))
    }
}

fn small_network() -> impl Strategy<Value = Network> {
    (any::<bool>(), 0_u8..64, 0_u8..64).prop_map(|(v6, a, b)| {
        Network::range(address(v6, a.min(b)), address(v6, a.max(b))).expect("in order and of one family")
    })
}

fn small_networks() -> impl Strategy<Value = Vec<Network>> {
    prop::collection::vec(small_network(), 0..8)
}

fn addresses(networks: &[Network]) -> BTreeSet<IpAddr> {
    let all = [false, true].into_iter().flat_map(|v6| (0..64).map(move |offset| address(v6, offset)));
    all.filter(|address| networks.iter().any(|network| network.contains(&Network::from(*address)))).collect()
}

fn addresses_of_nets(nets: &[IpNet]) -> BTreeSet<IpAddr> {
    addresses(&nets.iter().copied().map(Network::from).collect::<Vec<_>>())
}

/// No two networks could be written as one, and none overlap: then there are no fewer.
fn is_minimal(nets: &[IpNet]) -> bool {
    nets.windows(2).all(|pair| {
        let apart = !pair[0].contains(&pair[1]) && !pair[1].contains(&pair[0]);
        let siblings = pair[0].prefix_len() == pair[1].prefix_len()
            && pair[0].supernet().is_some()
            && pair[0].supernet() == pair[1].supernet();
        pair[0] < pair[1] && apart && !siblings
    })
}

proptest! {
    #[test]
    fn aggregate_keeps_every_address_in_the_fewest_networks(networks in small_networks()) {
        let nets = aggregate(networks.clone());
        prop_assert_eq!(addresses_of_nets(&nets), addresses(&networks));
        prop_assert!(is_minimal(&nets), "{:?}", nets);
    }

    #[test]
    fn subtract_leaves_exactly_the_rest(from in small_networks(), less in small_networks()) {
        let nets = subtract(from.clone(), less.clone());
        let wanted: BTreeSet<IpAddr> = addresses(&from).difference(&addresses(&less)).copied().collect();
        prop_assert_eq!(addresses_of_nets(&nets), wanted);
        prop_assert!(is_minimal(&nets), "{:?}", nets);
    }

    #[test]
    fn a_set_agrees_with_the_naive_set(networks in small_networks(), others in small_networks(), asked in small_network()) {
        let set: NetworkSet = networks.iter().copied().collect();
        let other: NetworkSet = others.iter().copied().collect();
        let (have, want) = (addresses(&networks), addresses(&[asked]));
        prop_assert_eq!(set.overlaps(&asked), !have.is_disjoint(&want));
        prop_assert_eq!(set.contains(&asked), have.is_superset(&want));
        let both: Vec<Network> = networks.iter().chain(&others).copied().collect();
        prop_assert_eq!(set.union(&other), both.into_iter().collect::<NetworkSet>());
        prop_assert_eq!(set.overlapping(&asked).is_some(), set.overlaps(&asked));
    }

    #[test]
    fn two_networks_agree_with_the_naive_sets(a in small_network(), b in small_network()) {
        let (in_a, in_b) = (addresses(&[a]), addresses(&[b]));
        prop_assert_eq!(a.overlaps(&b), !in_a.is_disjoint(&in_b));
        prop_assert_eq!(a.contains(&b), in_a.is_superset(&in_b));
        prop_assert_eq!(a.size_less_one() + 1, u128::try_from(in_a.len()).expect("at most 64"));
        prop_assert_eq!(addresses_of_nets(&a.nets()), in_a);
    }

    #[test]
    fn what_is_printed_is_read_back(a in small_network()) {
        prop_assert_eq!(network(&a.to_string()), a);
    }

    #[test]
    fn short_texts_agree_with_the_standard_reader(text in "[0-9]{1,4}(\\.[0-9]{1,4}){2,4}(/[0-9]{0,3})?") {
        let wanted = match text.split_once('/') {
            None => text.parse::<IpAddr>().ok().map(Network::from),
            Some((address, prefix)) => {
                let plain = prefix == "0" || !prefix.starts_with('0');
                let prefix = prefix.parse().ok().filter(|_| plain);
                address.parse().ok().zip(prefix).and_then(|(address, prefix)| Network::of(address, prefix).ok())
            }
        };
        prop_assert_eq!(Network::parse(&text).ok().map(|parsed| parsed.network), wanted);
    }

    #[test]
    fn any_text_is_read_or_refused_without_a_panic(text in "[0-9a-f:./%*\\- \\[\\]x]{0,40}|.{0,40}") {
        if let Ok(parsed) = Network::parse(&text) {
            prop_assert_eq!(network(&parsed.network.to_string()), parsed.network);
        }
    }
}

#[test]
fn every_spelling_prints_in_the_shortest_form() {
    let cases = [
        ("192.0.2.7", "192.0.2.7"),
        ("192.0.2.7/32", "192.0.2.7"),
        (" 192.0.2.0 - 192.0.2.255 ", "192.0.2.0/24"),
        ("192.0.2.1-192.0.2.9", "192.0.2.1-192.0.2.9"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("::/0", "::/0"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("2001:db8::1-2001:db8::ffff", "2001:db8::1-2001:db8::ffff"),
    ];
    for (text, shown) in cases {
        assert_eq!(network(text).to_string(), shown, "{text}");
    }
}

#[test]
fn bits_behind_the_prefix_are_cleared_and_reported() {
    let parsed = Network::parse("192.0.2.7/24").expect("a network");
    assert_eq!((parsed.network, parsed.host_bits), (network("192.0.2.0/24"), true));
    assert!(!Network::parse("192.0.2.0/24").expect("a network").host_bits);
}

#[test]
fn the_whole_of_a_family_is_one_network() {
    assert_eq!(texts(&aggregate([network("::/1"), network("8000::/1")])), ["::/0"]);
    assert_eq!(texts(&aggregate([network("0.0.0.0-255.255.255.255")])), ["0.0.0.0/0"]);
    assert_eq!(texts(&subtract([network("0.0.0.0/0")], [network("128.0.0.0/1")])), ["0.0.0.0/1"]);
    assert_eq!(subtract([network("::/0")], [network("::/0")]), []);
}

#[test]
fn wider_is_what_has_more_addresses() {
    for (text, prefix, wider) in [
        ("10.0.0.0/8", 8, false),
        ("10.0.0.0/7", 8, true),
        ("10.0.0.0-11.0.0.0", 8, true),
        ("10.0.0.0-10.255.255.254", 8, false),
        ("0.0.0.0/0", 1, true),
        ("0.0.0.0/0", 0, false),
        ("192.0.2.1", 32, false),
        ("2001::/19", 19, false),
        ("2000::/18", 19, true),
        ("::/0", 0, false),
        ("::/0", 1, true),
        ("::1", 128, false),
    ] {
        assert_eq!(network(text).is_wider_than(prefix), wider, "{text} /{prefix}");
    }
}

#[test]
fn order_is_family_then_start_then_the_wider_first() {
    let mut networks = ["::1", "10.0.0.0", "10.0.0.0/8", "9.0.0.0/8"].map(network);
    networks.sort();
    assert_eq!(networks.map(|network| network.to_string()), ["9.0.0.0/8", "10.0.0.0/8", "10.0.0.0", "::1"]);
}

#[test]
fn private_is_what_lies_wholly_within_a_private_network() {
    for text in
        ["10.1.2.3", "172.31.255.255", "192.168.0.0/16", "127.0.0.1", "169.254.1.1", "fd00::/8", "fe80::1", "::1"]
    {
        assert!(network(text).is_private(), "{text}");
    }
    for text in ["11.0.0.0", "172.32.0.0", "192.0.2.1", "8.0.0.0/6", "2001:db8::1", "::2"] {
        assert!(!network(text).is_private(), "{text}");
    }
}

#[test]
fn every_error_names_the_text_and_the_cure() {
    let cases = [
        ("", "empty"),
        ("192.0.2.01", "leading zero"),
        ("192.0.2.0/024", "leading zero"),
        ("192.0.2.256", "four numbers from 0 to 255"),
        ("192.0.2", "four numbers from 0 to 255"),
        ("192.0.2.0/33", "'/33' is longer than an IPv4 address: /32"),
        ("2001:db8::/129", "/128 is the longest"),
        ("192.0.2.0/4294967320", "longer than an IPv4 address"),
        ("192.0.2.0/", "not a prefix length"),
        ("192.0.2.0/+8", "not a prefix length"),
        ("192.0.2.0/255.255.255.0", "write /24"),
        ("192.0.2.0/0.0.0.255", "not a prefix length"),
        ("::ffff:192.0.2.1", "write 192.0.2.1"),
        ("fe80::1%eth0", "zone"),
        ("192.0.2.9-192.0.2.1", "write the lower address first"),
        ("192.0.2.1-2001:db8::1", "joins an IPv4 and an IPv6"),
        ("192.0.2.1-20", "two whole addresses"),
        ("192.0.2.0/24-192.0.3.0/24", "two whole addresses"),
        ("192.0.2.1:443", "port or brackets"),
        ("[2001:db8::1]", "port or brackets"),
        ("192[.]0[.]2[.]1", "plain dots"),
        ("192.0.2.*", "wildcard"),
        ("my-host.example.com", "is a name"),
        ("https://example.com/x", "is a name"),
        ("192.0.2.1 bad guy", "more than one word"),
        ("hello", "not an IP address"),
    ];
    for (text, part) in cases {
        let message = Network::parse(text).expect_err(text).to_string();
        assert!(message.contains(part), "{text}: {message}");
    }
}
