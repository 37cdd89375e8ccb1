//! Everything Rhai: what scripts can say, and how it reaches the door.
//!
//! Rhai has no input or output of its own; what `host` registers is all that a script can do, and
//! each of it is one action at the door.

mod calls;
pub mod check;
mod conceal;
mod context;
mod decode;
mod definitions;
mod diagnostic;
mod error;
mod guards;
mod host;
mod index;
mod kind;
mod layouts;
mod library;
mod natives;
mod needed;
mod output;
mod parallel;
mod parsed;
mod reach;
mod recent;
mod resolver;
mod run;
mod session;

pub mod testing;
mod types;
mod values;

#[cfg(test)]
mod tests;

pub use conceal::conceal;
pub use context::{ContextParts, RunContext, RunFacts, StepUndo};
pub use definitions::files as definitions;
pub use diagnostic::{Diagnostic, Place, Sources};
pub use host::Begun;
pub use index::{Entry, Index};
pub use kind::Kind;
pub use library::{Import, Imports, Library, NoTexts, STDLIB, STDLIB_TESTS, Shelf, Texts, stdlib};
pub use output::{Level, Output, OutputEvent};
pub use reach::Reach;
pub use run::{Afterwards, Ended, ScriptError, ScriptRun, prepare, run_script, run_script_then};
pub use session::{Line, Literal, Offer, Offers, Outside, Piece, PieceKind, Session};
