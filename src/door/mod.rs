//! The one door: everything a script does to the world passes here.
//!
//! ```text
//! script -> journal -> policy -> mode -> journal -> resilience -> transport
//! ```
//!
//! Each layer is a module that knows nothing of the others; [`Passage`] is the door as scripts
//! see it. Nothing outside this folder can send a request.

mod action;
pub mod policy;

pub use action::{Action, Branch, HttpAnswer, Passage, RawRequest, Reply};
