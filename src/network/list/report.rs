//! What came out of reading a list: every line is an entry, a duplicate, invalid, or empty.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use ipnet::IpNet;

use super::{Listed, NetworkList};
use crate::network::{Network, NetworkSet, Parsed};

/// How a list is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// One address, network or range a line.
    #[default]
    Text,
    /// Fields under a header.
    Table,
}

/// A list that was read. Line numbers begin at 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListReport {
    /// How the list is written.
    pub format: Format,
    /// How many lines there are, empty ones and remarks too.
    pub lines: usize,
    /// The distinct networks, in the order of the list, each with the first line that has it.
    pub entries: NetworkList,
    /// What a table says of its entries beside the network, in their order.
    pub words: Vec<EntryWords>,
    /// Lines that repeat an earlier line's network, whatever its spelling.
    pub duplicates: Vec<Duplicate>,
    /// Lines that were changed by clearing the bits behind the prefix.
    pub normalised: Vec<Normalised>,
    /// Lines that hold no network.
    pub invalid: Vec<Invalid>,
}

/// What a table says of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryWords {
    /// The entry's place among the entries.
    pub entry: usize,
    /// The table's column `name`, if there is one and it is not empty.
    pub name: Option<Box<str>>,
    /// The table's column `description` or `comment`, if there is one and it is not empty.
    pub description: Option<Box<str>>,
}

/// A line that repeats an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Duplicate {
    /// The line.
    pub line: usize,
    /// The line that had the network first.
    pub first_line: usize,
}

/// A line whose network had bits set behind the prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Normalised {
    /// The line.
    pub line: usize,
    /// The network as it was written.
    pub text: Box<str>,
    /// The network as it was taken.
    pub network: Network,
}

/// A line that holds no network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// The line.
    pub line: usize,
    /// The text at fault, shortened to 80 characters.
    pub text: Box<str>,
    /// What is wrong with it, and the cure.
    pub reason: Box<str>,
}

/// A network of the minimal cover, and what it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cover {
    /// The network.
    pub net: IpNet,
    /// How many entries of the list have addresses in it.
    pub entries: usize,
}

impl ListReport {
    /// The fewest networks that hold exactly the addresses of all entries, in order.
    pub fn aggregate(&self) -> Vec<Cover> {
        Cover::of(self.entries.networks())
    }
}

impl Cover {
    /// The fewest networks that hold exactly the addresses of `networks`, in order, each with the
    /// number of `networks` that have addresses in it.
    pub fn of(networks: impl IntoIterator<Item = Network>) -> Vec<Self> {
        let networks: Vec<Network> = networks.into_iter().collect();
        let mut firsts: Vec<_> = networks.iter().map(Network::first).collect();
        let mut lasts: Vec<_> = networks.iter().map(Network::last).collect();
        firsts.sort_unstable();
        lasts.sort_unstable();
        let nets = NetworkSet::from_iter(networks).nets();
        // Both counts only grow along the cover, so that one pass over each list is enough.
        let (mut begun, mut ended) = (0, 0);
        nets.into_iter()
            .map(|net| {
                while firsts.get(begun).is_some_and(|first| *first <= net.broadcast()) {
                    begun += 1;
                }
                while lasts.get(ended).is_some_and(|last| *last < net.network()) {
                    ended += 1;
                }
                Self { net, entries: begun - ended }
            })
            .collect()
    }
}

/// Gathers lines into a report and finds the duplicates.
#[derive(Default)]
pub(super) struct Gatherer {
    pub(super) report: ListReport,
    /// The first line of each network; nothing as long as the list is in order.
    lines_of: Option<HashMap<Network, u32>>,
    /// The network that was taken last.
    last: Option<Network>,
}

impl Gatherer {
    /// Makes room for the networks of so many lines; of a file of empty lines not for all of them.
    pub(super) fn expect_lines(&mut self, lines: usize) {
        let room = lines.min(1 << 17);
        self.report.lines = lines;
        self.report.entries = NetworkList::with_capacity(room);
    }

    /// The line that had a network first, if another one than this had it.
    #[inline]
    fn first_line(&mut self, network: Network, line: u32) -> Option<usize> {
        // In a list in order every network is a new one, and most long lists are.
        if self.lines_of.is_none() && self.last.is_none_or(|last| last < network) {
            return None;
        }
        self.look_up(network, line)
    }

    fn look_up(&mut self, network: Network, line: u32) -> Option<usize> {
        let entries = &self.report.entries;
        let former = || entries.iter().map(|entry| (entry.network, entry.line)).collect();
        match self.lines_of.get_or_insert_with(former).entry(network) {
            Entry::Occupied(first) => Some(*first.get()),
            Entry::Vacant(vacant) => {
                vacant.insert(line);
                None
            }
        }
        .and_then(|line| usize::try_from(line).ok())
    }

    /// Takes a line's network, and gives its place if it is a new one; `text` is only asked for when the line
    /// was changed.
    #[inline]
    pub(super) fn take(&mut self, line: usize, parsed: Parsed, text: impl FnOnce() -> Box<str>) -> Option<usize> {
        let network = parsed.network;
        let at = u32::try_from(line).unwrap_or(u32::MAX);
        if parsed.host_bits {
            self.report.normalised.push(Normalised { line, text: text(), network });
        }
        if let Some(first_line) = self.first_line(network, at) {
            self.report.duplicates.push(Duplicate { line, first_line });
            return None;
        }
        self.report.entries.push(Listed { network, line: at });
        self.last = Some(network);
        Some(self.report.entries.len() - 1)
    }

    /// Takes a line that holds no network.
    pub(super) fn refuse(&mut self, line: usize, text: &[u8], reason: impl ToString) {
        self.report.invalid.push(Invalid { line, text: shorten(text), reason: reason.to_string().into() });
    }
}

/// The text in at most 80 characters, control characters escaped, what is not UTF-8 replaced.
pub(super) fn shorten(text: &[u8]) -> Box<str> {
    const SHOWN: usize = 80;
    // Four bytes are the longest character, so that this many bytes are always enough.
    let head = text.get(..text.len().min(SHOWN * 4 + 4)).unwrap_or(text);
    let head = String::from_utf8_lossy(head);
    let mut short: String = head.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    if head.chars().nth(SHOWN).is_some() {
        short.push('…');
    }
    short.into()
}
