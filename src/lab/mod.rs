//! The lab: simulated appliances in the same binary, stateful and strict.
//!
//! What they check is written from the vendors' documents and never calls the client's own code:
//! the lab is the judge of the client. A fault that the true appliance would swallow is noted as
//! a complaint; one that it would refuse is refused as well.

mod any;
mod asyncos;
mod delay;
mod fault;
mod log;
mod seg;
mod server;
mod spectra;
mod sps;
mod swagger;
mod upload;
mod web;

#[cfg(test)]
mod tests;

pub use any::{AnyLab, PASSWORD, Wish};
pub use asyncos::{AsyncosLab, AsyncosOptions, Product};
pub use fault::{Fault, Faults};
pub use log::Seen;
pub use seg::{Generation, RefusalStyle, SegLab, SegOptions};
pub use spectra::{SpectraLab, SpectraOptions};
pub use sps::{SpsLab, SpsOptions};
pub use upload::generated_sha256;
