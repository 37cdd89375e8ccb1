//! Texts that were met a short while ago. The rows of a table repeat most of theirs: what is shared costs
//! neither time nor memory of its own.

use std::cell::RefCell;

use rhai::ImmutableString;

/// How many texts are remembered: as many different ones as the rows of a table repeat, and a few kilobytes.
const SLOTS: usize = 512;

/// The length from which on a document is worth it.
pub(super) const LONG: usize = 16 << 10;

/// The texts of one document, the last one of each slot; none of a short document.
#[derive(Debug)]
pub(super) struct Recent(RefCell<Vec<ImmutableString>>);

impl Recent {
    /// For a document of so many bytes.
    pub(super) fn of(length: usize) -> Self {
        let slots = if length < LONG { Vec::new() } else { vec![ImmutableString::new(); SLOTS] };
        Self(RefCell::new(slots))
    }

    /// The text as scripts have it: a former one where it is the same.
    pub(super) fn text(&self, text: &str) -> ImmutableString {
        let mut slots = self.0.borrow_mut();
        let Some(slot) = slots.get_mut(slot_of(text)) else { return text.into() };
        if slot.as_str() != text {
            *slot = text.into();
        }
        slot.clone()
    }
}

/// A slot by the length and both ends: texts that differ in the middle alone only displace each other.
fn slot_of(text: &str) -> usize {
    let end = |bytes: Option<&[u8; 8]>| bytes.map_or(0, |bytes| u64::from_ne_bytes(*bytes));
    let bytes = text.as_bytes();
    let mut mixed = bytes.len() as u64;
    if bytes.len() < 8 {
        mixed = bytes.iter().fold(mixed, |mixed, byte| mixed << 8 ^ u64::from(*byte));
    }
    for part in [end(bytes.first_chunk()), end(bytes.last_chunk())] {
        mixed = (mixed ^ part).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed ^= mixed >> 32;
    }
    usize::try_from(mixed % SLOTS as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_comes_back_and_one_that_repeats_is_shared() {
        let recent = Recent::of(LONG);
        for number in 0..20_000 {
            for text in [format!("{number}"), format!("someone-{number}@example.com"), "\u{e4}".repeat(number % 40)] {
                assert_eq!(recent.text(&text), text);
            }
        }
        let (first, second) = (recent.text("offers@example.com"), recent.text("offers@example.com"));
        assert!(std::ptr::eq(first.as_str(), second.as_str()));
    }
}
