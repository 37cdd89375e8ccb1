//! The service: the loop that turns firings into runs.

mod bell;
mod check;
mod desk;
mod event;
mod orders;
mod serve;
mod sources;

pub use bell::{is_served, ring};
pub use check::check;
pub use event::{ServiceEvent, Tell};
pub use orders::{definitions, order, overrides};
pub use serve::Service;
