//! Channels: how a message leaves for people, by webhook, mail or file. What decides whether it
//! leaves at all stands before them.

#[expect(clippy::module_inception, reason = "what joins the kinds stands in the file of their name")]
mod channels;
mod email;
mod file;
mod held;
mod message;
mod storm;
mod sums;
mod tally;
mod undelivered;
mod webhook;

pub use channels::{Channels, ChannelsParts, Sent};
pub use held::OpenState;
pub use message::{About, Message, MessageKind, one_line};
