//! Sets of addresses: sorted runs without overlap, each family by itself.

use ipnet::IpNet;

use super::interval::{self, Interval, Number};
use super::span::{Network, push_nets};

/// A set of addresses of both families.
///
/// It keeps the fewest unbroken runs, sorted: a look-up takes a binary search, a union or
/// difference one pass over both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkSet {
    v4: Vec<Interval<u32>>,
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
        match network.v4_interval() {
            Some(wanted) => interval::overlapping(&self.v4, wanted).map(Network::from_v4_interval),
            None => {
                interval::overlapping(&self.v6, network.interval()).map(|found| Network::from_interval(true, found))
            }
        }
    }

    /// Whether every address of `network` is in the set.
    pub fn contains(&self, network: &Network) -> bool {
        self.overlapping(network).is_some_and(|found| found.contains(network))
    }

    /// The addresses that are in either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        fn join<N: Number>(a: &[Interval<N>], b: &[Interval<N>]) -> Vec<Interval<N>> {
            let mut all = [a, b].concat();
            interval::merge(&mut all);
            all
        }
        Self { v4: join(&self.v4, &other.v4), v6: join(&self.v6, &other.v6) }
    }

    /// The addresses that are in this set and not in the other.
    #[must_use]
    pub fn subtract(&self, other: &Self) -> Self {
        Self { v4: interval::difference(&self.v4, &other.v4), v6: interval::difference(&self.v6, &other.v6) }
    }

    /// The unbroken runs, in order.
    pub fn runs(&self) -> impl Iterator<Item = Network> + '_ {
        let v4 = self.v4.iter().map(|interval| Network::from_v4_interval(*interval));
        v4.chain(self.v6.iter().map(|interval| Network::from_interval(true, *interval)))
    }

    /// How many unbroken runs there are: no fewer networks hold these addresses.
    pub fn len(&self) -> usize {
        self.v4.len() + self.v6.len()
    }

    /// Shows the fewest networks that hold exactly these addresses, in order.
    pub fn cover(&self, mut show: impl FnMut(Network)) {
        for run in self.runs() {
            if run.prefix().is_some() {
                show(run);
                continue;
            }
            interval::cover(run.interval(), |first, hosts| {
                show(Network::from_interval(run.is_ipv6(), Interval { first, last: interval::last_of(first, hosts) }));
            });
        }
    }

    /// The fewest networks that hold exactly these addresses, in order.
    pub fn nets(&self) -> Vec<IpNet> {
        let mut nets = Vec::with_capacity(self.len());
        for network in self.runs() {
            push_nets(network.is_ipv6(), network.interval(), &mut nets);
        }
        nets
    }
}

impl FromIterator<Network> for NetworkSet {
    fn from_iter<I: IntoIterator<Item = Network>>(networks: I) -> Self {
        let mut set = Self::new();
        let networks = networks.into_iter();
        set.v4.reserve(networks.size_hint().0);
        for network in networks {
            match network.v4_interval() {
                Some(interval) => set.v4.push(interval),
                None => set.v6.push(network.interval()),
            }
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
