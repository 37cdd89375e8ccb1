//! Watched folders: which files are ready, how one is claimed and brought into the work folder,
//! and what becomes of it after its run.

mod claim;
mod dispose;
mod hand;
mod hints;
mod identity;
mod pattern;
mod scan;
mod waiting;

pub(super) use claim::{bring_all, claim_all, dispose_all, refuse_all};
pub(super) use hand::hand;
pub use hints::Hints;
pub use identity::Identity;
pub use pattern::Pattern;
pub use scan::{Found, Refused, Scan, Sightings};
pub use waiting::waiting;

#[cfg(test)]
mod tests;
