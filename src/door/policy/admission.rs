//! The policy of one run: every request is admitted here, or refused.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::catalog::{Body, Bound, Effect};
use crate::config::Target;
use crate::fault::{Fault, FaultKind};

use super::budget::{Budget, Limits, Reservation};
use super::confirm::{Ask, Asked, Confirm, Consent, NoTerminal, Question};
use super::items;
use super::never::Never;
use super::raw::{self, Classified};
use super::rights::{self, Declared, Right, Rights};

/// What the policy of a run is made of.
pub struct PolicySettings {
    /// The rights beyond the target's own `allow`.
    pub rights: Rights,
    /// From which effect on a person is asked.
    pub confirm: Confirm,
    /// Whether `--yes` answers confirmations; it never adds a right.
    pub yes: bool,
    /// The budgets.
    pub budget: Arc<Budget>,
    /// The never-touch lists.
    pub never: Arc<Never>,
    /// Who answers questions.
    pub ask: Arc<dyn Ask>,
}

impl Default for PolicySettings {
    /// No header, nothing added, no budgets, no never-touch lists, and nobody to ask.
    fn default() -> Self {
        Self {
            rights: Rights::default(),
            confirm: Confirm::default(),
            yes: false,
            budget: Arc::default(),
            never: Arc::default(),
            ask: Arc::new(NoTerminal),
        }
    }
}

/// The policy of one run.
pub struct Policy {
    settings: PolicySettings,
    /// Target and call of every [`Consent::All`]. Held while a question is open, so that there is
    /// one at a time and a branch that waited finds the answer.
    consents: Arc<Mutex<HashSet<(String, String)>>>,
}

/// What asks to be admitted.
#[derive(Clone, Copy)]
pub enum Request<'a> {
    /// A catalog call.
    Call(&'a Bound),
    /// A raw request, as [`super::classify`] sees it.
    Raw(&'a Classified<'a>),
}

/// A request that may leave. Dropped before [`Admission::sent`], what it reserved goes back.
#[derive(Debug)]
#[must_use = "an admission that is dropped gives its budget back"]
pub struct Admission {
    effect: Effect,
    items: u64,
    asked_for_right: bool,
    reservation: Reservation,
}

impl Admission {
    /// What the request does to the world, after all that raises it.
    pub const fn effect(&self) -> Effect {
        self.effect
    }

    /// How many items it touches.
    pub const fn items(&self) -> u64 {
        self.items
    }

    /// Whether a right was missing and had to be asked for.
    pub const fn right_was_asked_for(&self) -> bool {
        self.asked_for_right
    }

    /// The request is leaving, or was withheld by a dry run: its budget is spent.
    pub fn sent(&mut self) {
        self.reservation.keep();
    }
}

impl Policy {
    /// The policy of a run.
    pub fn new(settings: PolicySettings) -> Self {
        Self { settings, consents: Arc::default() }
    }

    /// The policy of a child run: never more than this one's, narrowed by the child's header and
    /// budgets. Answers given here hold there too.
    #[must_use]
    pub fn child(&self, declared: Declared, limits: Limits) -> Self {
        let PolicySettings { rights, confirm, yes, budget, never, ask } = &self.settings;
        let mut rights = rights.clone();
        rights.declared.push(declared);
        Self {
            settings: PolicySettings {
                rights,
                confirm: *confirm,
                yes: *yes,
                budget: Arc::new(Budget::of_child(Arc::clone(budget), limits)),
                never: Arc::clone(never),
                ask: Arc::clone(ask),
            },
            consents: Arc::clone(&self.consents),
        }
    }

    /// The budgets, for a resumed run to count what its journal holds.
    pub fn budget(&self) -> &Arc<Budget> {
        &self.settings.budget
    }

    /// The never-touch lists, for playbooks that leave out what would be refused.
    pub fn never(&self) -> &Never {
        &self.settings.never
    }

    /// Admits a request to `target`, which may mean asking a person.
    ///
    /// Nobody is asked about a request that is refused anyway.
    ///
    /// # Errors
    /// A fault of kind `refused` that names the rule, where it stands, and the cure.
    pub fn admit(&self, target: &Target, request: Request<'_>) -> Result<Admission, Fault> {
        self.judge(target, request).map_err(|fault| fault.on(&target.name).during(&request.name()))
    }

    /// The script's own `confirm(question)`.
    pub fn confirm(&self, question: &str) -> Consent {
        if self.settings.yes {
            return Consent::Yes;
        }
        let _one_at_a_time = self.consents.lock().unwrap_or_else(PoisonError::into_inner);
        self.settings.ask.ask(&Question::Script(question.to_owned()))
    }

    fn judge(&self, target: &Target, request: Request<'_>) -> Result<Admission, Fault> {
        let (effect, items) = (request.effect(), request.items());
        match request {
            Request::Call(call) => rights::check_row(target, call.row, effect)?,
            Request::Raw(raw) => {
                raw::check_headers(raw.request)?;
                raw.row.map_or(Ok(()), |row| rights::check_row(target, row, effect))?;
            }
        }
        let right = self.settings.rights.look(target, effect)?;
        if effect != Effect::Read {
            match request {
                Request::Call(call) if call.row.body == Body::Free => self.settings.never.check_free_call(call)?,
                Request::Call(call) => self.settings.never.check_call(call)?,
                Request::Raw(raw) => self.settings.never.check_raw(raw)?,
            }
        }
        let reservation = self.settings.budget.reserve(&target.name, effect, items)?;
        let asked_for_right = matches!(right, Right::Addable);
        match right {
            Right::Granted => self.ask_to_confirm(target, request)?,
            Right::Addable => self.ask_for_right(target, request)?,
        }
        Ok(Admission { effect, items, asked_for_right, reservation })
    }

    fn ask_for_right(&self, target: &Target, request: Request<'_>) -> Result<(), Fault> {
        let _one_at_a_time = self.consents.lock().unwrap_or_else(PoisonError::into_inner);
        match self.settings.ask.ask(&Question::Right(request.asked(target))) {
            Consent::Yes | Consent::All => Ok(()),
            Consent::No => Err(self.settings.rights.not_added(target, true)),
            Consent::Nobody => Err(self.settings.rights.not_added(target, false)),
        }
    }

    fn ask_to_confirm(&self, target: &Target, request: Request<'_>) -> Result<(), Fault> {
        let effect = request.effect();
        if self.settings.yes || !self.settings.confirm.asks(effect) {
            return Ok(());
        }
        let key = (target.name.clone(), request.name());
        let mut consents = self.consents.lock().unwrap_or_else(PoisonError::into_inner);
        // Content may raise a call to destroy after its first requests were consented to.
        if effect != Effect::Destroy && consents.contains(&key) {
            return Ok(());
        }
        let question = Question::Confirm(request.asked(target));
        let consent = self.settings.ask.ask(&question);
        if consent == Consent::All && question.offers_all() {
            consents.insert(key);
        }
        let message = match consent {
            Consent::Yes | Consent::All => return Ok(()),
            Consent::No => {
                format!("you did not confirm this request, which would {effect} {} item(s)", request.items())
            }
            Consent::Nobody if self.settings.rights.answers_for(effect) => return Ok(()),
            Consent::Nobody => self.settings.rights.not_confirmed(effect, self.settings.confirm),
        };
        Err(Fault::new(FaultKind::Refused, message).with_detail("rule", "confirm"))
    }
}

impl Request<'_> {
    /// What the request does: for a call what its row says, or more where its content raises it.
    pub fn effect(&self) -> Effect {
        match self {
            Self::Call(call) => call.effect.max(call.row.effect),
            Self::Raw(raw) => raw.effect,
        }
    }

    /// How many items it touches.
    pub fn items(&self) -> u64 {
        match self {
            Self::Call(call) => call.items,
            Self::Raw(raw) => raw.items,
        }
    }

    /// The call's name, or method and path.
    pub fn name(&self) -> String {
        match self {
            Self::Call(call) => call.row.name.to_owned(),
            Self::Raw(Classified { row: Some(row), .. }) => row.name.to_owned(),
            Self::Raw(raw) => format!("{} {}", raw.request.method, raw.request.path),
        }
    }

    fn asked(&self, target: &Target) -> Asked {
        let first = match self {
            Self::Call(call) => items::of_call(call.row, &call.args),
            Self::Raw(raw) => items::of_raw(raw.request, raw.row),
        };
        Asked { target: target.name.clone(), call: self.name(), effect: self.effect(), items: self.items(), first }
    }
}
