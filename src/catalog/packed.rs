//! Rows as the build has packed them: bytes without a single address, so that the loader has nothing to write
//! into them before the program begins. A row is unpacked when it is first asked for, and stays.
//!
//! How it is packed says `build/pack.rs`; both follow `shapes`.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use super::row::{
    Answer, Before, Body, Condition, Confidence, Edit, EditHow, Effect, Example, Field, Harm, Inverse, Kind,
    LostAnswer, PageStyle, Paging, Param, Place, Raise, Refusal, Row, Rule, Shape, TimeForm, Type,
};
use super::shapes::shapes;

/// The packed rows of a vendor, in order of names.
pub struct Packed {
    /// Every text of the rows, one behind the other; what occurs twice is there once.
    pub texts: &'static str,
    /// All else.
    pub bytes: &'static [u8],
    /// What is known of each row without unpacking it.
    pub heads: &'static [Head],
    /// The rows that have been unpacked.
    pub rows: &'static [OnceLock<Option<&'static Row>>],
}

/// What is asked of all rows to find the one that is meant.
pub struct Head {
    /// Its name.
    pub name: Span,
    /// Its `update`.
    pub update: Span,
    /// How it is used.
    pub kind: Kind,
    /// How many parameters are in its path.
    pub paths: u8,
    /// Whether its answer comes in pages.
    pub paged: bool,
    /// Where its bytes begin.
    pub at: u32,
}

/// Where a text stands among the texts.
pub struct Span {
    /// Its first byte.
    pub at: u32,
    /// Its bytes.
    pub len: u32,
}

impl Packed {
    /// The row of the head at that place.
    pub fn row(&self, head: &Head, place: usize) -> Option<&'static Row> {
        *self.rows.get(place)?.get_or_init(|| {
            let row = Row::unpack(&mut Unpacker { texts: self.texts, bytes: self.bytes, at: index(head.at) })?;
            Some(Box::leak(Box::new(row)))
        })
    }

    /// The text that stands there.
    pub fn text(&self, span: &Span) -> &'static str {
        text(self.texts, span.at, span.len).unwrap_or_default()
    }
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn text(texts: &'static str, at: u32, len: u32) -> Option<&'static str> {
    texts.get(index(at)..index(at.checked_add(len)?))
}

/// Reads packed bytes from a place on.
struct Unpacker {
    texts: &'static str,
    bytes: &'static [u8],
    at: usize,
}

impl Unpacker {
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    /// A number in groups of seven bits, the lowest first; all but the last have the top bit.
    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }
}

/// What can be unpacked; `None` where the bytes are not what the build has packed, which it has tried.
trait Unpack: Sized + 'static {
    fn unpack(from: &mut Unpacker) -> Option<Self>;

    /// The lists of such that have been unpacked, where rows share them.
    fn known() -> Option<&'static Known<Self>> {
        None
    }
}

/// Lists by the address at which each is packed.
type Known<T> = Mutex<BTreeMap<usize, &'static [T]>>;

macro_rules! unpack {
    (struct $name:ident { $($field:ident),* $(,)? }) => {
        impl Unpack for $name {
            unpack!(fields $($field),*);
        }
    };
    (shared struct $name:ident { $($field:ident),* $(,)? }) => {
        impl Unpack for $name {
            unpack!(fields $($field),*);

            fn known() -> Option<&'static Known<Self>> {
                static KNOWN: Known<$name> = Mutex::new(BTreeMap::new());
                Some(&KNOWN)
            }
        }
    };
    (fields $($field:ident),*) => {
        fn unpack(from: &mut Unpacker) -> Option<Self> {
            Some(Self { $($field: Unpack::unpack(from)?),* })
        }
    };
    (enum $name:ident { $($variant:ident { $($place:tt : $part:ident),* }),* $(,)? }) => {
        impl Unpack for $name {
            fn unpack(from: &mut Unpacker) -> Option<Self> {
                enum Number { $($variant),* }
                let number = from.byte()?;
                $(if number == Number::$variant as u8 {
                    return Some(Self::$variant { $($place: Unpack::unpack(from)?),* });
                })*
                None
            }
        }
    };
}

shapes!(unpack);

macro_rules! unpack_numbers {
    ($($number:ty),*) => {
        $(impl Unpack for $number {
            fn unpack(from: &mut Unpacker) -> Option<Self> {
                from.number()?.try_into().ok()
            }
        })*
    };
}

unpack_numbers!(u16, u32, u64);

impl Unpack for i64 {
    fn unpack(from: &mut Unpacker) -> Option<Self> {
        Some(from.number()?.cast_signed())
    }
}

impl Unpack for bool {
    fn unpack(from: &mut Unpacker) -> Option<Self> {
        Some(from.byte()? != 0)
    }
}

impl Unpack for &'static str {
    fn unpack(from: &mut Unpacker) -> Option<Self> {
        match u32::unpack(from)? {
            0 => Some(""),
            len => text(from.texts, u32::unpack(from)?, len),
        }
    }
}

impl Unpack for &'static Type {
    fn unpack(from: &mut Unpacker) -> Option<Self> {
        Some(Box::leak(Box::new(Type::unpack(from)?)))
    }
}

impl<A: Unpack, B: Unpack> Unpack for (A, B) {
    fn unpack(from: &mut Unpacker) -> Option<Self> {
        Some((A::unpack(from)?, B::unpack(from)?))
    }
}

impl<T: Unpack> Unpack for Option<T> {
    fn unpack(from: &mut Unpacker) -> Option<Self> {
        Some(if bool::unpack(from)? { Some(T::unpack(from)?) } else { None })
    }
}

/// A list stands elsewhere, once for all that have the same.
impl<T: Unpack> Unpack for &'static [T] {
    fn unpack(from: &mut Unpacker) -> Option<Self> {
        let count = u32::unpack(from)?;
        if count == 0 {
            return Some(&[]);
        }
        let mut from = Unpacker { at: index(u32::unpack(from)?), ..*from };
        let address = from.bytes.get(from.at..)?.as_ptr().addr();
        let known = || T::known().map(|known| known.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some(list) = known().and_then(|known| known.get(&address).copied()) {
            return Some(list);
        }
        // What is in it may have lists of its own, so that nothing is locked meanwhile.
        let list = (0..count).map(|_| T::unpack(&mut from)).collect::<Option<Vec<T>>>()?.leak();
        Some(match known() {
            Some(mut known) => known.entry(address).or_insert(list),
            None => list,
        })
    }
}
