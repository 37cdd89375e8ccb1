//! What is particular to a vendor: its catalog, and how one signs in there.

pub mod seg;
pub mod sign_in;
