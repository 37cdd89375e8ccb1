//! Live or dry: the layer that withholds everything but reads in a dry run.

mod assumed;
mod dry;
mod overlay;

pub use assumed::is_assumed;
pub use dry::{DryRun, Verdict};

/// How a run meets the world.
#[derive(Debug)]
pub enum Mode {
    /// Everything is done.
    Live,
    /// Only reads are done.
    Dry(DryRun),
}
