//! The layer that decides whether an action is carried out: live, dry, or by an approved plan.
//!
//! Nothing outside the door asks which of them it is.

mod approved;
mod assumed;
mod bindings;
mod decide;
mod dry;
mod overlay;
mod withheld;

pub(in crate::door) use approved::refused;
pub use approved::{Approval, Approved, same_state};
pub use assumed::is_assumed;
pub use decide::{Mode, Remainder, Verdict};
pub use dry::DryRun;
pub use withheld::{Before, Object, Seen, Withheld};
