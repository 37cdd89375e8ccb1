//! Dropping what old runs were answered, as `[state] keep` says.

use std::time::Duration;

use jiff::SignedDuration;

use crate::fault::Fault;
use crate::journal::Pruned;
use crate::run::project::Project;
use crate::run::record::unusable;

/// Drops the answers of runs that succeeded and ended longer ago than `older`; with `dry` it is only counted.
///
/// # Errors
/// `file`, when the journal cannot be written.
pub fn prune(project: &Project, older: Duration, dry: bool) -> Result<Pruned, Fault> {
    let now = project.clock.now();
    let older = SignedDuration::try_from(older).unwrap_or(SignedDuration::MAX);
    // Nothing is older than the beginning of time.
    let Ok(before) = now.checked_sub(older) else { return Ok(Pruned::default()) };
    project.journal().prune(before, now, dry).map_err(unusable)
}
