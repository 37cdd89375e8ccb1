//! Watched folders: which files are ready, how one is claimed and brought into the work folder,
//! and what becomes of it after its run.

mod bring;
mod claim;
mod claims;
mod content;
mod failure;
mod folder;
mod gather;
mod hand;
mod hints;
mod moves;
mod pattern;
mod put_away;
mod remote;
mod scan;
mod search;
mod waiting;
mod walk;

pub(super) use claims::end;
pub use failure::Failure;
pub use folder::{FolderId, folder_id};
pub(super) use hand::hand;
pub use hints::{Hinted, Hints};
pub(super) use moves::{bring_all, forget_failed, put_away_of};
pub use pattern::Pattern;
pub use remote::is_remote;
pub use scan::{Found, Refused, Scan, Sightings};
pub use search::{Search, Searched};
pub use waiting::waiting;

#[cfg(test)]
mod tests;
