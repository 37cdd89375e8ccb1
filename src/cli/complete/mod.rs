//! Completion in shells: small scripts ask `beadle complete`, which knows what there is right now.

mod commands;
mod scripts;
mod values;
mod words;

pub use commands::{CompleteArgs, CompletionsArgs};
