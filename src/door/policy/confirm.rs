//! Questions to the person at the terminal: what is asked, and who answers.

use std::sync::{Mutex, PoisonError};

use crate::catalog::Effect;

/// From which effect on a person is asked before a request leaves (`[policy] confirm`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Confirm {
    /// Only before what cannot be brought back.
    #[default]
    Destroy,
    /// Before every change.
    Change,
    /// Not at all.
    Never,
}

impl Confirm {
    /// The setting of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Destroy, Self::Change, Self::Never].into_iter().find(|setting| setting.name() == name)
    }

    /// The word used in configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Destroy => "destroy",
            Self::Change => "change",
            Self::Never => "never",
        }
    }

    /// Whether a request of this effect is asked about.
    pub const fn asks(self, effect: Effect) -> bool {
        match self {
            Self::Destroy => matches!(effect, Effect::Destroy),
            Self::Change => matches!(effect, Effect::Change | Effect::Destroy),
            Self::Never => false,
        }
    }
}

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// May this run destroy something here, although nothing has allowed it so far? A yes covers
    /// this request alone, and confirms it as well.
    Right(Asked),
    /// Shall this request really be sent?
    Confirm(Asked),
    /// The script's own `confirm(question)`.
    Script(String),
}

/// The request that a question is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The target's name.
    pub target: String,
    /// The call's name, or method and path of a raw request.
    pub call: String,
    /// What it does.
    pub effect: Effect,
    /// How many items it touches.
    pub items: u64,
    /// The first five items, or the arguments where a request is one item; secrets are masked.
    pub first: Vec<String>,
}

impl Question {
    /// Whether [`Consent::All`] is among the answers: never where something is destroyed.
    pub const fn offers_all(&self) -> bool {
        matches!(self, Self::Confirm(asked) if !matches!(asked.effect, Effect::Destroy))
    }
}

/// An answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// Yes, to this one.
    Yes,
    /// Yes, to all requests of this call at this target in this run. Where
    /// [`Question::offers_all`] says no, it counts as [`Consent::Yes`].
    All,
    /// No.
    No,
    /// Nobody is there to answer, which is a no with another cure.
    Nobody,
}

/// Whoever answers questions.
///
/// It is called on the script's own thread and may block; a cancelled prompt is a [`Consent::No`].
/// Never more than one question of a run is open at a time.
pub trait Ask: Send + Sync {
    /// The answer to `question`.
    fn ask(&self, question: &Question) -> Consent;
}

/// Nobody: runs without a terminal.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTerminal;

impl Ask for NoTerminal {
    fn ask(&self, _question: &Question) -> Consent {
        Consent::Nobody
    }
}

/// Consents to everything and keeps the questions: for dry runs, whose plan lists them.
#[derive(Debug, Default)]
pub struct Recording(Mutex<Vec<Question>>);

impl Recording {
    /// The questions so far, in order.
    pub fn questions(&self) -> Vec<Question> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Ask for Recording {
    fn ask(&self, question: &Question) -> Consent {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(question.clone());
        Consent::Yes
    }
}
