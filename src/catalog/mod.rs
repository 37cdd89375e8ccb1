//! The catalog: what is known of every vendor call, as data.
//!
//! One row is the only place where a call is written down. Rows are compiled in for the built-in
//! vendors and loaded at start for a user's own, in one format.

mod args;
pub mod bind;
mod bound;
mod builtin;
mod callable;
mod digest;
pub mod explain;
mod format;
pub mod hidden;
mod index;
pub mod inverse;
mod network_maps;
mod packed;
mod raw_path;
pub mod reference;
mod row;
mod rows;
pub mod search;
mod shapes;
pub mod state;
mod synonyms;
mod wire;

#[cfg(test)]
mod tests;

pub use args::{Arg, Args};
pub use bind::{bind, bind_again};
pub use bound::{Bound, PartContent, WireBody, WireFile, WirePart, WireRequest};
pub use callable::{Callable, Form};
pub use digest::digest;
pub use index::{Catalog, CatalogError, signature};
pub use inverse::{NoInverse, Undo, inverse_of, read_about};
pub use network_maps::{NetworkMaps, NetworkPart};
pub use raw_path::{path_args, with_product};
pub use row::{
    Answer, Before, Body, Condition, Confidence, Edit, EditHow, Effect, Example, Field, Harm, Inverse, Kind,
    LostAnswer, PageStyle, Paging, Param, Place, Raise, Refusal, Row, Rule, Shape, TimeForm, Type, Vendor,
};
pub use rows::{Listed, Rows, RowsIter};
pub use state::{plain, steady, would_be};
pub use wire::{json_body, raw_wire, wire};

/// Names that no call may have.
pub const RESERVED_NAMES: &[&str] = format::words::RESERVED;

/// Checks the text of a catalog file as it would be checked when it is loaded.
///
/// # Errors
/// Every mistake with its line.
pub fn check_text(text: &str, present: &[&'static Vendor]) -> Result<(), Vec<String>> {
    match format::vendor(text, present) {
        Ok(_) => Ok(()),
        Err(mistakes) => {
            Err(mistakes.iter().map(|mistake| format!("line {}: {}", mistake.line, mistake.message)).collect())
        }
    }
}
