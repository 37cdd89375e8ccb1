//! The catalog's text format: TOML, the same for built-in vendors and for a user's own.
//!
//! These files are compiled twice: into the build script, which packs the rows of the built-in
//! catalogs, and into the program, which loads a user's catalog at start. So they know
//! nothing of the rest of the program but [`crate::nearest`] and the rows themselves.

mod check;
mod expand;
mod rows;
mod spec;
pub mod text;
pub mod words;

#[cfg(test)]
mod tests;

use check::check;
use expand::expand;

pub use rows::vendor;
