//! Beadle: one binary that makes security appliances scriptable.

pub mod allocator;
pub mod catalog;
pub mod cli;
pub mod clock;
pub mod config;
pub mod door;
pub mod duration;
pub mod engine;
pub mod fault;
pub mod journal;
pub mod lab;
pub mod nearest;
pub mod network;
pub mod repl;
pub mod run;
pub mod secret;
pub mod service;
pub mod state;
pub mod store;
pub mod trigger;
pub mod value;
pub mod vendors;
