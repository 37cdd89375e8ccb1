//! What a run is for: to do things, to show what it would do, to make a plan of it, or to apply one.

use std::sync::Arc;

use jiff::Timestamp;

use crate::door::{Approved, Mode, Pins};
use crate::run::plan::PlanFile;
use crate::run::scripts::Scripts;

/// What a run is for.
#[derive(Clone, Debug)]
pub enum Intent {
    /// Everything is done.
    Live,
    /// Everything but reads is withheld, and shown.
    Dry,
    /// The same, and what the run takes from its surroundings is kept for a plan.
    Plan,
    /// What a plan has is done, and nothing else.
    Apply(Arc<PlanFile>),
}

impl Intent {
    /// A dry run, or a live one.
    pub const fn dry(dry: bool) -> Self {
        if dry { Self::Dry } else { Self::Live }
    }

    /// Whether everything but reads is withheld.
    pub const fn is_dry(&self) -> bool {
        matches!(self, Self::Dry | Self::Plan)
    }

    /// How the door of the run meets the world; `id` is the run's.
    pub(super) fn mode(&self, id: &str) -> Mode {
        match self {
            Self::Live => Mode::Live,
            Self::Dry | Self::Plan => Mode::Dry(Box::default()),
            Self::Apply(plan) => {
                // The plan's own run had another id, which a script may have written somewhere.
                let replaced = vec![(plan.run().to_owned(), id.to_owned())];
                Mode::Apply(Box::new(Approved::new(plan.changes(), replaced)))
            }
        }
    }

    /// What the run keeps of its surroundings, or is given.
    pub(super) fn pins(&self, now: Timestamp) -> Pins {
        match self {
            Self::Live | Self::Dry => Pins::default(),
            Self::Plan => Pins::keep(now),
            Self::Apply(plan) => Pins::give(plan.pinned().clone(), now),
        }
    }

    /// The texts that the run uses.
    pub(super) fn scripts(&self) -> Scripts {
        match self {
            Self::Live | Self::Dry | Self::Plan => Scripts::default(),
            Self::Apply(plan) => Scripts::pinned(plan.scripts().clone()),
        }
    }
}
