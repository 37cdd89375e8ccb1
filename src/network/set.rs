//! Sets of addresses: sorted runs without overlap, each family by itself.

use ipnet::IpNet;

use super::interval::{self, Interval};
use super::span::{Network, push_nets};

/// A set of addresses of both families.
///
/// It keeps the fewest unbroken runs, sorted: a look-up takes a binary search, a union or
/// difference one pass over both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkSet {
    v4: Vec<Interval>,
    v6: Vec<Interval>,
}

impl NetworkSet {
    /// The empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether no address is in the set.
    pub const fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// Whether some address of `network` is in the set.
    pub fn overlaps(&self, network: &Network) -> bool {
        self.overlapping(network).is_some()
    }

    /// The first unbroken run of the set that overlaps `network`.
    pub fn overlapping(&self, network: &Network) -> Option<Network> {
        interval::overlapping(self.family(network.is_ipv6()), network.interval())
            .map(|found| Network::from_interval(network.is_ipv6(), found))
    }

    /// Whether every address of `network` is in the set.
    pub fn contains(&self, network: &Network) -> bool {
        self.overlapping(network).is_some_and(|found| found.contains(network))
    }

    /// The addresses that are in either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let join = |a: &[Interval], b: &[Interval]| {
            let mut all = [a, b].concat();
            interval::merge(&mut all);
            all
        };
        Self { v4: join(&self.v4, &other.v4), v6: join(&self.v6, &other.v6) }
    }

    /// The addresses that are in this set and not in the other.
    #[must_use]
    pub fn subtract(&self, other: &Self) -> Self {
        Self { v4: interval::difference(&self.v4, &other.v4), v6: interval::difference(&self.v6, &other.v6) }
    }

    /// The unbroken runs, in order.
    pub fn runs(&self) -> impl Iterator<Item = Network> + '_ {
        let v4 = self.v4.iter().map(|interval| Network::from_interval(false, *interval));
        v4.chain(self.v6.iter().map(|interval| Network::from_interval(true, *interval)))
    }

    /// The fewest networks that hold exactly these addresses, in order.
    pub fn nets(&self) -> Vec<IpNet> {
        let mut nets = Vec::with_capacity(self.v4.len() + self.v6.len());
        for network in self.runs() {
            push_nets(network.is_ipv6(), network.interval(), &mut nets);
        }
        nets
    }

    fn family(&self, v6: bool) -> &[Interval] {
        if v6 { &self.v6 } else { &self.v4 }
    }
}

impl FromIterator<Network> for NetworkSet {
    fn from_iter<I: IntoIterator<Item = Network>>(networks: I) -> Self {
        let mut set = Self::new();
        let networks = networks.into_iter();
        set.v4.reserve(networks.size_hint().0);
        for network in networks {
            let family = if network.is_ipv6() { &mut set.v6 } else { &mut set.v4 };
            family.push(network.interval());
        }
        interval::merge(&mut set.v4);
        interval::merge(&mut set.v6);
        set
    }
}

/// The fewest networks that hold exactly the addresses of all `networks`, in order.
pub fn aggregate(networks: impl IntoIterator<Item = Network>) -> Vec<IpNet> {
    NetworkSet::from_iter(networks).nets()
}

/// The fewest networks that hold exactly the addresses of `from` that are not in `less`, in order.
pub fn subtract(from: impl IntoIterator<Item = Network>, less: impl IntoIterator<Item = Network>) -> Vec<IpNet> {
    NetworkSet::from_iter(from).subtract(&NetworkSet::from_iter(less)).nets()
}
