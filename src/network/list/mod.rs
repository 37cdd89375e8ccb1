//! Block lists: from the bytes of a file to distinct networks and a full account of every line.
//!
//! What a list is used for, and what must be left out of it, is not decided here.

mod listed;
mod packed;
mod read;
mod report;
mod table;
mod text;

pub use listed::{Listed, NetworkList};
pub use packed::{each_packed, is_packed};
pub use read::read_list;
pub use report::{Cover, Duplicate, EntryWords, Format, Invalid, ListReport, Normalised};

#[cfg(test)]
mod tests;
