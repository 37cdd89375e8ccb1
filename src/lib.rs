//! Beadle: one binary that makes security appliances scriptable.

pub mod catalog;
pub mod clock;
pub mod config;
pub mod door;
pub mod fault;
pub mod journal;
pub mod nearest;
<<<<<<< HEAD
pub mod run;
=======
pub mod network;
>>>>>>> policy
pub mod secret;
pub mod value;
