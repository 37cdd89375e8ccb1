//! The resilience layer: what stands between one call and one answer when the world misbehaves.
//!
//! It signs in, waits for its turn, sends again where the row allows it, and settles lost answers.
//! It knows rows and targets, and neither policy nor mode nor journal.

mod breaker;
mod fetch;
mod fleet;
mod judge;
mod line;
mod pace;
mod retry;
mod session;

pub use fetch::Hosts;
pub use fleet::{Fleet, FleetParts};
pub use line::{Answered, Exchange, Left, Line};
