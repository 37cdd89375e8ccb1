//! What is particular to a vendor: its catalog, and how one signs in there.

pub mod asyncos;
pub mod import;
pub mod seg;
pub mod sign_in;
pub mod spectra;
pub mod sps;
