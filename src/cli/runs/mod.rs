//! `beadle runs`: what ran, what became of it, and going on with it.

mod cancel;
mod carry_on;
mod changed;
mod command;
mod export;
mod facts;
mod length;
pub mod list;
pub mod next;
mod open;
mod prune;
mod show;
mod timeline;
mod tree;
mod undo;
mod verify;

pub use command::RunsCommand;
