//! The service: the loop that turns firings into runs.

mod bell;
pub mod by_hand;
mod check;
mod desk;
mod event;
mod failure;
mod lock;
mod orders;
mod outside;
mod reload;
mod repeats;
mod serve;
mod sources;

pub use bell::ring;
pub use check::check;
pub use event::{ServiceEvent, Tell};
pub use lock::is_serving;
pub use orders::{definitions, order, overrides};
pub use outside::Outside;
pub use reload::Reloader;
pub use repeats::calm;
pub use serve::Service;
