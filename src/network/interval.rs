//! Runs of numbers: the arithmetic below networks, the same for both families.

/// All numbers from `first` to `last`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Interval {
    pub(super) first: u128,
    pub(super) last: u128,
}

impl Interval {
    pub(super) const fn contains(self, other: Self) -> bool {
        self.first <= other.first && other.last <= self.last
    }

    pub(super) const fn overlaps(self, other: Self) -> bool {
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

/// Sorts, and joins what overlaps or touches.
pub(super) fn merge(intervals: &mut Vec<Interval>) {
    intervals.sort_unstable_by_key(|interval| interval.first);
    intervals.dedup_by(|next, kept| {
        let joined = next.first <= kept.last.saturating_add(1);
        if joined {
            kept.last = kept.last.max(next.last);
        }
        joined
    });
}

/// What is in `from` and not in `less`; both sorted and without overlap.
pub(super) fn difference(from: &[Interval], less: &[Interval]) -> Vec<Interval> {
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
                rest.push(Interval { first: start, last: cut.first - 1 });
            }
            first = cut.last.checked_add(1).filter(|next| *next <= interval.last);
        }
        rest.extend(first.map(|first| Interval { first, last: interval.last }));
    }
    rest
}

/// The first interval of `among`, which is sorted and without overlap, that overlaps `wanted`.
pub(super) fn overlapping(among: &[Interval], wanted: Interval) -> Option<Interval> {
    let at = among.partition_point(|interval| interval.last < wanted.first);
    among.get(at).copied().filter(|interval| interval.overlaps(wanted))
}

/// A count of bits in a `u128`, which is at most 128.
fn bits(count: u32) -> u8 {
    u8::try_from(count).unwrap_or(128)
}
