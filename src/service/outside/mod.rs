//! What the service tells the world outside of itself: messages of triggers, heartbeats, metrics, and
//! what the system's own supervisor wants to know. All of it hears what the service tells; nothing of it
//! can hold the service up.

mod beats;
mod endpoint;
mod messages;
mod metrics;
mod outbox;
#[expect(clippy::module_inception, reason = "what joins them stands in the file of their name")]
mod outside;
mod supervisor;

pub use outside::Outside;
