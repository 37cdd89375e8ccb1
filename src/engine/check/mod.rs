//! What can be known of a script before it runs.
//!
//! `program` reads the script and its modules, `walk` follows it round by round until nothing new is
//! learned of its variables, and a last round writes down what is certainly wrong. What is not known
//! stays unknown: there is no alarm without a certain cause.

mod appliances;
mod arguments;
mod calls;
mod chain;
mod closures;
mod containers;
mod expressions;
mod fact;
mod finding;
mod functions;
mod operators;
mod premises;
mod program;
mod scope;
mod statements;
mod walk;

#[cfg(test)]
mod tests;

pub use finding::{Code, Finding, Severity};
pub use premises::{Appliance, Param, Premises};
pub use walk::{Report, check};
