//! A session of the prompt: lines that see the variables and functions of earlier lines, and all that
//! is known of a line while it is being typed.

mod line;
mod natives;
mod offers;
mod place;
mod receiver;
mod script;
mod state;

#[cfg(test)]
mod tests;

pub use line::{Kind as PieceKind, Piece};
pub use offers::{Offer, Offers, Outside};
pub use script::Literal;
pub use state::{Line, Session};
