//! What becomes of an action, by the mode of the run.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use crate::catalog::{Effect, Row};
use crate::door::mode::approved::{Approval, Approved};
use crate::door::mode::dry::DryRun;
use crate::door::mode::overlay::Overlay;
use crate::door::mode::withheld::Withheld;
use crate::door::position::Step;
use crate::door::{Action, Recorded, Reply};
use crate::fault::Fault;
use crate::value::Value;

/// How a run meets the world.
#[derive(Debug)]
pub enum Mode {
    /// Everything is done.
    Live,
    /// Only reads are done.
    Dry(Box<DryRun>),
    /// What a plan has approved is done, and every read.
    Apply(Box<Approved>),
}

/// What becomes of an action.
#[derive(Debug)]
pub enum Verdict {
    /// It is carried out.
    Perform,
    /// It is carried out, as the plan has it; what its object looks like has to be compared first.
    Approved(Approval),
    /// It is withheld, and answered so; a change stands in the plan as well.
    Withhold(Box<Withheld>, Reply),
    /// It is answered from what the dry run assumes, without standing in the plan.
    Answer(Reply),
}

/// What a run with a plan comes to: what it withheld, or what it left undone.
#[derive(Clone, Debug, Default)]
pub struct Remainder {
    /// What a dry run withheld, in order; `None` for a run that was not dry.
    pub withheld: Option<Vec<Arc<Withheld>>>,
    /// The files that a dry run would have written, with their sizes.
    pub files: Vec<(PathBuf, usize)>,
    /// The rows that a dry run has used.
    pub rows: Vec<&'static Row>,
    /// Whether the dry run withheld a change.
    pub changes: bool,
    /// The planned changes that an apply was never asked for.
    pub unasked: Vec<Arc<Withheld>>,
    /// Why an apply left its plan, if it did.
    pub refusal: Option<Fault>,
}

impl Mode {
    /// Decides on an action of a branch, whose effect, and whose row if it has one, are known.
    ///
    /// # Errors
    /// `refused` for a change that is not in the plan.
    pub fn decide(
        &self,
        place: &[Step],
        action: &Action,
        effect: Effect,
        row: Option<&'static Row>,
    ) -> Result<Verdict, Fault> {
        match self {
            Self::Live => Ok(Verdict::Perform),
            Self::Dry(dry) => Ok(dry.decide(place, action, effect, row)),
            Self::Apply(approved) => approved.decide(place, action, effect, row),
        }
    }

    /// An action that the journal answers: a plan counts it, and learns from its answer.
    pub fn recalled(&self, place: &[Step], action: &Action, effect: Effect, answer: &Recorded) {
        match self {
            Self::Live => {}
            Self::Dry(dry) => {
                if let Some(target) = action.target().filter(|_| effect != Effect::Read) {
                    dry.mark_changed(target);
                }
            }
            Self::Apply(approved) => approved.recalled(place, action, effect, answer),
        }
    }

    /// A transaction of the target was opened.
    pub fn begun(&self, target: &str) {
        self.approved().into_iter().for_each(|approved| approved.begun(target));
    }

    /// The transaction of the target was committed.
    pub fn committed(&self, target: &str) {
        self.approved().into_iter().for_each(|approved| approved.committed(target));
    }

    /// The transaction of the target was rolled back.
    pub fn rolled_back(&self, target: &str) {
        self.approved().into_iter().for_each(|approved| approved.rolled_back(target));
    }

    /// Adds to the plan what was withheld.
    pub fn list(&self, withheld: Arc<Withheld>) {
        if let Self::Dry(dry) = self {
            dry.list(withheld);
        }
    }

    /// The dry run, where it is one.
    pub fn dry(&self) -> Option<&DryRun> {
        match self {
            Self::Dry(dry) => Some(dry),
            Self::Live | Self::Apply(_) => None,
        }
    }

    /// The plan that is applied, where one is.
    pub fn approved(&self) -> Option<&Approved> {
        match self {
            Self::Apply(approved) => Some(approved),
            Self::Live | Self::Dry(_) => None,
        }
    }

    /// What a dry run wrote to files and the store.
    pub fn overlay(&self) -> Option<&Overlay> {
        self.dry().map(DryRun::overlay)
    }

    /// Lets later reads see a file that was not downloaded.
    pub fn assume_file(&self, path: &Path) {
        if let Self::Dry(dry) = self {
            dry.overlay().assume(path, Bytes::from(dry.contents()));
        }
    }

    /// Whether a dry run has withheld a change of this target.
    pub fn is_changed(&self, target: &str) -> bool {
        self.dry().is_some_and(|dry| dry.is_changed(target))
    }

    /// The assumed value that stands for the end of a wait, if a dry run has withheld a change.
    pub fn instead_of_waiting(&self) -> Option<Value> {
        self.dry()?.instead_of_waiting()
    }

    /// The word that scripts see as `run.mode`.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Live | Self::Apply(_) => "live",
            Self::Dry(_) => "dry",
        }
    }

    /// What there is to say of the plan at the end of the run.
    pub fn remainder(&self) -> Remainder {
        match self {
            Self::Live => Remainder::default(),
            Self::Dry(dry) => Remainder {
                withheld: Some(dry.plan()),
                files: dry.overlay().files(),
                rows: dry.rows(),
                changes: dry.anything_withheld(),
                ..Remainder::default()
            },
            Self::Apply(approved) => {
                Remainder { unasked: approved.unasked(), refusal: approved.refusal(), ..Remainder::default() }
            }
        }
    }
}
