//! Addresses, networks and ranges of both IP families, and what can be computed with them.
//!
//! Nothing here knows of targets, scripts or policy: it is arithmetic, parsing and the reading of
//! block lists.

mod error;
mod interval;
pub mod list;
mod parse;
mod private;
mod set;
mod span;
mod write;

pub use error::NetworkError;
pub use parse::Parsed;
pub use set::{NetworkSet, aggregate, subtract};
pub use span::Network;
pub use write::{Gathered, Spelling, joined};

#[cfg(test)]
mod tests;
