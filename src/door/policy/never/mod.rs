//! The never-touch lists: what of ours no change may cut off.
//!
//! ```text
//! walk     which values of a request are looked at, and where they stand
//! lists    the lists, and one answer for each kind of value
//! names    domains, addresses and accounts in the one form that is compared
//! pattern  wildcards and regular expressions, tried against protected names
//! free     strings of which nothing is known
//! ```

mod free;
mod lists;
mod names;
mod pattern;
mod walk;

pub use lists::{Never, NeverLists, Objection};

#[cfg(test)]
mod tests;
