//! The calls of a vendor, in order of names: packed ones, those of a user's file, or both.

use std::fmt;

use super::packed::{Head, Packed};
use super::row::{Kind, Place, Row};

/// The calls of a vendor, in order of names. What finds a call looks at [`Listed`] alone, so that only the rows
/// that are used are unpacked.
#[derive(Clone, Copy)]
pub struct Rows(List);

#[derive(Clone, Copy)]
enum List {
    Packed(&'static Packed),
    Merged(&'static [Listed]),
}

/// A call in the list: what is known of it without its row, and where that is.
#[derive(Clone, Copy)]
pub struct Listed(Where);

#[derive(Clone, Copy)]
enum Where {
    Packed(&'static Packed, &'static Head, usize),
    Loaded(&'static Row),
}

impl Rows {
    /// Those that the build has packed.
    pub const fn packed(packed: &'static Packed) -> Self {
        Self(List::Packed(packed))
    }

    /// Those of a file. They live as long as the process.
    pub fn loaded(rows: Vec<Row>) -> Self {
        let rows: &'static [Row] = Vec::leak(rows);
        Self::sorted(rows.iter().map(|row| Listed(Where::Loaded(row))).collect())
    }

    /// These and others. No name may be in both.
    pub fn merged(self, others: Self) -> Self {
        Self::sorted(self.listed().chain(others.listed()).collect())
    }

    /// In order, so that a look-up by name is a binary search.
    fn sorted(mut all: Vec<Listed>) -> Self {
        all.sort_by_key(Listed::name);
        Self(List::Merged(Vec::leak(all)))
    }

    /// How many there are.
    pub const fn len(self) -> usize {
        match self.0 {
            List::Packed(packed) => packed.heads.len(),
            List::Merged(all) => all.len(),
        }
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The call at that place of the order.
    fn at(self, place: usize) -> Option<Listed> {
        match self.0 {
            List::Packed(packed) => packed.heads.get(place).map(|head| Listed(Where::Packed(packed, head, place))),
            List::Merged(all) => all.get(place).copied(),
        }
    }

    /// The call of that name.
    pub fn named(self, name: &str) -> Option<Listed> {
        let mut rest = 0..self.len();
        while !rest.is_empty() {
            let middle = rest.start + rest.len() / 2;
            let call = self.at(middle)?;
            match call.name().cmp(name) {
                std::cmp::Ordering::Less => rest.start = middle + 1,
                std::cmp::Ordering::Equal => return Some(call),
                std::cmp::Ordering::Greater => rest.end = middle,
            }
        }
        None
    }

    /// Every call, without its row.
    pub fn listed(self) -> impl Iterator<Item = Listed> {
        (0..self.len()).filter_map(move |place| self.at(place))
    }

    /// Every name.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        self.listed().map(|call| call.name())
    }

    /// Every row.
    pub fn iter(self) -> RowsIter {
        RowsIter { rows: self, place: 0 }
    }
}

impl Default for Rows {
    fn default() -> Self {
        Self(List::Merged(&[]))
    }
}

impl PartialEq for Rows {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl IntoIterator for Rows {
    type Item = &'static Row;
    type IntoIter = RowsIter;

    fn into_iter(self) -> RowsIter {
        self.iter()
    }
}

/// Goes through rows.
#[derive(Clone)]
pub struct RowsIter {
    rows: Rows,
    place: usize,
}

impl Iterator for RowsIter {
    type Item = &'static Row;

    fn next(&mut self) -> Option<&'static Row> {
        loop {
            let call = self.rows.at(self.place)?;
            self.place += 1;
            if let Some(row) = call.row() {
                return Some(row);
            }
        }
    }
}

impl Listed {
    /// The function's name.
    pub fn name(&self) -> &'static str {
        match self.0 {
            Where::Packed(packed, head, _) => packed.text(&head.name),
            Where::Loaded(row) => row.name,
        }
    }

    /// The function that reads, changes and writes back by this call; empty where there is none.
    pub fn update(&self) -> &'static str {
        match self.0 {
            Where::Packed(packed, head, _) => packed.text(&head.update),
            Where::Loaded(row) => row.update,
        }
    }

    /// How the call is used.
    pub fn kind(&self) -> Kind {
        match self.0 {
            Where::Packed(_, head, _) => head.kind,
            Where::Loaded(row) => row.kind,
        }
    }

    /// How many parameters are in the path.
    pub fn paths(&self) -> usize {
        match self.0 {
            Where::Packed(_, head, _) => head.paths.into(),
            Where::Loaded(row) => row.params.iter().filter(|param| param.place == Place::Path).count(),
        }
    }

    /// Whether its answer comes in pages.
    pub fn is_paged(&self) -> bool {
        match self.0 {
            Where::Packed(_, head, _) => head.paged,
            Where::Loaded(row) => row.paging.is_some(),
        }
    }

    /// The row.
    pub fn row(self) -> Option<&'static Row> {
        match self.0 {
            Where::Packed(packed, head, place) => packed.row(head, place),
            Where::Loaded(row) => Some(row),
        }
    }
}
