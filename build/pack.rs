//! Rows as bytes without an address. How they are read says `src/catalog/packed.rs`; both follow `shapes`.

use std::collections::HashMap;

use crate::catalog::row::{
    Answer, Before, Body, Condition, Confidence, Edit, EditHow, Effect, Example, Field, Harm, Inverse, Kind,
    LostAnswer, PageStyle, Paging, Param, Place, Raise, Refusal, Row, Rule, Shape, TimeForm, Type,
};
use crate::catalog::shapes::shapes;

/// Collects the texts and the bytes of a vendor's rows.
#[derive(Default)]
pub struct Packer {
    /// Every text, one behind the other.
    pub texts: String,
    /// All else.
    pub bytes: Vec<u8>,
    /// Where texts stand that have been packed.
    places: HashMap<String, usize>,
    /// Where lists begin that have been packed: five hundred reports share their parameters.
    lists: HashMap<Vec<u8>, usize>,
}

impl Packer {
    /// Packs a row, and says where it begins.
    pub fn row(&mut self, row: &Row) -> usize {
        let mut own = Vec::new();
        row.pack(self, &mut own);
        self.append(own)
    }

    /// Where a text stands, and its bytes.
    pub fn text(&mut self, text: &str) -> (usize, usize) {
        if text.is_empty() {
            return (0, 0);
        }
        let at = *self.places.entry(text.to_owned()).or_insert_with(|| {
            let at = self.texts.len();
            self.texts.push_str(text);
            at
        });
        (at, text.len())
    }

    fn append(&mut self, bytes: Vec<u8>) -> usize {
        let at = self.bytes.len();
        self.bytes.extend(bytes);
        at
    }
}

/// A number in groups of seven bits, the lowest first; all but the last have the top bit.
fn number(mut number: u64, to: &mut Vec<u8>) {
    while number >= 0x80 {
        to.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    to.push(number as u8);
}

/// What can be packed: its own bytes go to `to`, texts and lists to the packer.
trait Pack {
    fn pack(&self, packer: &mut Packer, to: &mut Vec<u8>);
}

macro_rules! pack {
    ($(shared)? struct $name:ident { $($field:ident),* $(,)? }) => {
        impl Pack for $name {
            fn pack(&self, packer: &mut Packer, to: &mut Vec<u8>) {
                $(self.$field.pack(packer, to);)*
            }
        }
    };
    (enum $name:ident { $($variant:ident { $($place:tt : $part:ident),* }),* $(,)? }) => {
        impl Pack for $name {
            fn pack(&self, _packer: &mut Packer, to: &mut Vec<u8>) {
                enum Number { $($variant),* }
                match self {
                    $(Self::$variant { $($place: $part),* } => {
                        to.push(Number::$variant as u8);
                        $($part.pack(_packer, to);)*
                    })*
                }
            }
        }
    };
}

shapes!(pack);

macro_rules! pack_numbers {
    ($($number:ty),*) => {
        $(impl Pack for $number {
            fn pack(&self, _: &mut Packer, to: &mut Vec<u8>) {
                number(u64::from(*self), to);
            }
        })*
    };
}

pack_numbers!(u16, u32);

impl Pack for i64 {
    fn pack(&self, _: &mut Packer, to: &mut Vec<u8>) {
        number(self.cast_unsigned(), to);
    }
}

impl Pack for bool {
    fn pack(&self, _: &mut Packer, to: &mut Vec<u8>) {
        to.push(u8::from(*self));
    }
}

impl Pack for &'static str {
    fn pack(&self, packer: &mut Packer, to: &mut Vec<u8>) {
        let (at, len) = packer.text(self);
        number(len as u64, to);
        if len > 0 {
            number(at as u64, to);
        }
    }
}

impl Pack for &'static Type {
    fn pack(&self, packer: &mut Packer, to: &mut Vec<u8>) {
        (**self).pack(packer, to);
    }
}

impl<A: Pack, B: Pack> Pack for (A, B) {
    fn pack(&self, packer: &mut Packer, to: &mut Vec<u8>) {
        self.0.pack(packer, to);
        self.1.pack(packer, to);
    }
}

impl<T: Pack> Pack for Option<T> {
    fn pack(&self, packer: &mut Packer, to: &mut Vec<u8>) {
        self.is_some().pack(packer, to);
        if let Some(value) = self {
            value.pack(packer, to);
        }
    }
}

impl<T: Pack> Pack for &'static [T] {
    fn pack(&self, packer: &mut Packer, to: &mut Vec<u8>) {
        number(self.len() as u64, to);
        if self.is_empty() {
            return;
        }
        let mut items = Vec::new();
        for item in *self {
            item.pack(packer, &mut items);
        }
        let at = match packer.lists.get(&items) {
            Some(at) => *at,
            None => {
                let at = packer.append(items.clone());
                packer.lists.insert(items, at);
                at
            }
        };
        number(at as u64, to);
    }
}
