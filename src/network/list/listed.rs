//! Networks in an order of their own, packed: a block list has a hundred thousand, and a script holds several such
//! lists.

use std::ops::Range;
use std::sync::OnceLock;

use super::packed;
use crate::network::Network;
use crate::network::interval::Interval;

/// A network of a list that has been read or computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The network.
    pub network: Network,
    /// The line of the file that it came from (0 if it came from none).
    pub line: u32,
}

/// A list of networks, each with its line.
#[derive(Clone, Debug, Default)]
pub struct NetworkList {
    entries: Vec<Packed>,
    /// The networks of IPv6, in their order.
    v6: Vec<Network>,
    /// The packed text, once it was asked for: a piece of a long list is put by, sent, journaled, and put by again.
    text: OnceLock<Box<str>>,
}

impl PartialEq for NetworkList {
    fn eq(&self, other: &Self) -> bool {
        (&self.entries, &self.v6) == (&other.entries, &other.v6)
    }
}

impl Eq for NetworkList {}

/// A network of IPv4; or, as no such network ends before it begins, the place of one of IPv6: that is `last`, and
/// `first` is one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Packed {
    first: u32,
    last: u32,
    line: u32,
}

impl NetworkList {
    /// An empty list with room for so many networks.
    pub fn with_capacity(networks: usize) -> Self {
        Self { entries: Vec::with_capacity(networks), ..Self::default() }
    }

    /// Appends a network.
    #[inline]
    pub fn push(&mut self, Listed { network, line }: Listed) {
        let Interval { first, last } = network.v4_interval().unwrap_or_else(|| {
            self.v6.push(network);
            // Four thousand million networks of IPv6 do not fit the memory.
            let place = u32::try_from(self.v6.len()).unwrap_or(u32::MAX);
            Interval { first: place, last: place - 1 }
        });
        self.entries.push(Packed { first, last, line });
        self.text.take();
    }

    /// The list without its lines as a short text, which [`each_packed`](super::each_packed) reads.
    pub fn packed_text(&self) -> &str {
        self.text.get_or_init(|| packed::text(self).into())
    }

    /// How many networks there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The network at a place.
    pub fn get(&self, index: usize) -> Option<Listed> {
        self.entries.get(index).map(|entry| self.unpacked(*entry))
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Listed> + Clone {
        self.entries.iter().map(|entry| self.unpacked(*entry))
    }

    /// All of them without their lines.
    pub fn networks(&self) -> impl ExactSizeIterator<Item = Network> + Clone {
        self.iter().map(|listed| listed.network)
    }

    /// Those at some places; what lies behind the end is left out.
    #[must_use]
    pub fn part(&self, places: Range<usize>) -> Self {
        let end = places.end.min(self.len());
        let entries = self.entries.get(places.start.min(end)..end).unwrap_or_default();
        if self.v6.is_empty() {
            return Self { entries: entries.to_vec(), ..Self::default() };
        }
        entries.iter().map(|entry| self.unpacked(*entry)).collect()
    }

    #[inline]
    fn unpacked(&self, Packed { first, last, line }: Packed) -> Listed {
        if first <= last {
            return Listed { network: Network::from_v4_interval(Interval { first, last }), line };
        }
        let v6 = usize::try_from(last).ok().and_then(|place| self.v6.get(place));
        // Every place was given by `push`.
        let network = v6.copied().unwrap_or_else(|| Network::from_v4_interval(Interval { first: last, last: first }));
        Listed { network, line }
    }
}

impl Extend<Listed> for NetworkList {
    fn extend<I: IntoIterator<Item = Listed>>(&mut self, list: I) {
        let list = list.into_iter();
        self.entries.reserve(list.size_hint().0);
        list.for_each(|listed| self.push(listed));
    }
}

impl FromIterator<Listed> for NetworkList {
    fn from_iter<I: IntoIterator<Item = Listed>>(list: I) -> Self {
        let mut packed = Self::default();
        packed.extend(list);
        packed
    }
}

/// Networks that come from no file.
impl FromIterator<Network> for NetworkList {
    fn from_iter<I: IntoIterator<Item = Network>>(networks: I) -> Self {
        networks.into_iter().map(|network| Listed { network, line: 0 }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(texts: &[&str]) -> Vec<Listed> {
        let lines = texts.iter().zip(1..);
        lines.map(|(text, line)| Listed { network: text.parse().unwrap(), line }).collect()
    }

    #[test]
    fn networks_of_both_families_come_back_in_their_order() {
        let all = listed(&["192.0.2.0/24", "::/0", "0.0.0.0", "0.0.0.0/0", "2001:db8::-2001:db8::7", "::", "10.0.0.1"]);
        let list: NetworkList = all.iter().copied().collect();
        assert_eq!(list.iter().collect::<Vec<_>>(), all);
        assert_eq!((list.len(), list.get(4), list.get(7)), (7, Some(all[4]), None));
        for (from, to) in [(0, 7), (1, 2), (2, 5), (3, 3), (5, 99), (9, 99)] {
            let wanted = all.get(from..to.min(7)).unwrap_or_default();
            let part = list.part(from..to);
            assert_eq!(part.iter().collect::<Vec<_>>(), wanted, "{from}..{to}");
            assert_eq!(part, wanted.iter().copied().collect(), "{from}..{to}");
        }
    }

    #[test]
    fn the_packed_text_is_that_of_what_the_list_holds_now() {
        let all = listed(&["192.0.2.0/24", "::/0"]);
        let mut list: NetworkList = all.iter().take(1).copied().collect();
        let text = list.packed_text().to_owned();
        assert_eq!(list, list.part(0..1));
        list.push(all[1]);
        assert_ne!(list.packed_text(), text);
        assert_eq!(list.packed_text(), all.into_iter().collect::<NetworkList>().packed_text());
    }

    #[test]
    fn an_entry_takes_twelve_bytes() {
        assert_eq!(size_of::<Packed>(), 12);
    }
}
