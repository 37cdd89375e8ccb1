//! Taking a run back: what it changed, last completed first, each with the state that it left compared
//! first.

mod compare;
mod made;
mod make;
mod relay;
mod replay;

pub(super) use make::undo_from;
pub use make::{UndoOrder, undo};
