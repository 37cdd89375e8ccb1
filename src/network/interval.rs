//! Runs of numbers: the arithmetic below networks, the same for both families.

/// All numbers from `first` to `last`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Interval<N = u128> {
    pub(super) first: N,
    pub(super) last: N,
}

/// The numbers of one family: those of IPv4 are a quarter as long, and lists are nearly all of it.
pub(super) trait Number: Copy + Ord {
    /// The number behind this one, if there is one.
    fn next(self) -> Option<Self>;

    /// The number before this one; the first one itself.
    fn before(self) -> Self;
}

impl Number for u32 {
    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }

    fn before(self) -> Self {
        self.saturating_sub(1)
    }
}

impl Number for u128 {
    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }

    fn before(self) -> Self {
        self.saturating_sub(1)
    }
}

impl<N: Number> Interval<N> {
    pub(super) fn contains(self, other: Self) -> bool {
        self.first <= other.first && other.last <= self.last
    }

    pub(super) fn overlaps(self, other: Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

/// The number of host bits, if the interval is exactly one network.
pub(super) fn network_bits(interval: Interval) -> Option<u8> {
    let hosts = interval.first ^ interval.last;
    let one_network = hosts & hosts.wrapping_add(1) == 0 && interval.first & hosts == 0;
    one_network.then(|| bits(128 - hosts.leading_zeros()))
}

/// Names the fewest networks that make up the interval, as first number and host bits.
pub(super) fn cover(interval: Interval, mut take: impl FnMut(u128, u8)) {
    let mut first = interval.first;
    loop {
        // The widest network that starts here and does not reach beyond the end.
        let mut hosts = first.trailing_zeros();
        let left = interval.last - first;
        let fitting = left.checked_add(1).map_or(128, |count| 127 - count.leading_zeros());
        hosts = hosts.min(fitting);
        take(first, bits(hosts));
        let size = 1_u128.checked_shl(hosts);
        match size.and_then(|size| first.checked_add(size)) {
            Some(next) if next <= interval.last => first = next,
            _ => return,
        }
    }
}

/// The last number of a network.
pub(super) fn last_of(first: u128, hosts: u8) -> u128 {
    first | 1_u128.checked_shl(u32::from(hosts)).map_or(u128::MAX, |size| size - 1)
}

/// Sorts, and joins what overlaps or touches.
pub(super) fn merge<N: Number>(intervals: &mut Vec<Interval<N>>) {
    // The stable way is quick with what is sorted in pieces, as the parts of a long list are.
    intervals.sort_by_key(|interval| interval.first);
    intervals.dedup_by(|next, kept| {
        let joined = kept.last.next().is_none_or(|next_to_it| next.first <= next_to_it);
        if joined {
            kept.last = kept.last.max(next.last);
        }
        joined
    });
}

/// What is in `from` and not in `less`; both sorted and without overlap.
pub(super) fn difference<N: Number>(from: &[Interval<N>], less: &[Interval<N>]) -> Vec<Interval<N>> {
    let mut rest = Vec::with_capacity(from.len());
    let mut cuts = less.iter().peekable();
    for interval in from {
        let mut first = Some(interval.first);
        while let Some(cut) = cuts.peek() {
            let Some(start) = first else { break };
            if cut.last < start {
                cuts.next();
                continue;
            }
            if cut.first > interval.last {
                break;
            }
            if cut.first > start {
                rest.push(Interval { first: start, last: cut.first.before() });
            }
            first = cut.last.next().filter(|next| *next <= interval.last);
        }
        rest.extend(first.map(|first| Interval { first, last: interval.last }));
    }
    rest
}

/// The first interval of `among`, which is sorted and without overlap, that overlaps `wanted`.
pub(super) fn overlapping<N: Number>(among: &[Interval<N>], wanted: Interval<N>) -> Option<Interval<N>> {
    let at = among.partition_point(|interval| interval.last < wanted.first);
    among.get(at).copied().filter(|interval| interval.overlaps(wanted))
}

/// A count of bits in a `u128`, which is at most 128.
fn bits(count: u32) -> u8 {
    u8::try_from(count).unwrap_or(128)
}
