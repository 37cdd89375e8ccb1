//! Budgets: how much a run may change, counted before a request leaves.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::catalog::Effect;
use crate::fault::{Fault, FaultKind};

/// A budget's value and where it is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The most there may be in a run.
    pub value: u64,
    /// The place, in words that a message can use: `[policy] in beadle.toml`, `the playbook's header`.
    pub set_in: String,
}

impl Limit {
    /// A limit of `value`, set in `set_in`.
    pub fn new(value: u64, set_in: impl Into<String>) -> Self {
        Self { value, set_in: set_in.into() }
    }
}

/// The budgets of one place: the project's policy, a trigger, a header or the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Requests that change or destroy.
    pub max_changes: Option<Limit>,
    /// Items that they touch, as their rows count them.
    pub max_items: Option<Limit>,
    /// Requests that destroy.
    pub max_destroys: Option<Limit>,
    /// Targets that get changes.
    pub max_targets: Option<Limit>,
}

impl Limits {
    /// Each budget at its narrowest; the first place holds where two are the same.
    #[must_use]
    pub fn narrowed_by(self, other: Self) -> Self {
        let narrower = |a: Option<Limit>, b: Option<Limit>| match (a, b) {
            (Some(a), Some(b)) => Some(if b.value < a.value { b } else { a }),
            (a, b) => a.or(b),
        };
        Self {
            max_changes: narrower(self.max_changes, other.max_changes),
            max_items: narrower(self.max_items, other.max_items),
            max_destroys: narrower(self.max_destroys, other.max_destroys),
            max_targets: narrower(self.max_targets, other.max_targets),
        }
    }
}

/// What has been spent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Requests that changed or destroyed.
    pub changes: u64,
    /// Items touched.
    pub items: u64,
    /// Requests that destroyed.
    pub destroys: u64,
    /// Targets that got changes, each with the number of them.
    pub targets: HashMap<String, u64>,
}

/// The budgets of a run with their counters, shared by its branches and, through
/// [`Budget::of_child`], by its child runs.
#[derive(Debug, Default)]
pub struct Budget {
    limits: Limits,
    spent: Mutex<Spent>,
    parent: Option<Arc<Budget>>,
}

impl Budget {
    /// Full budgets of a run.
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// The budgets of a child run: its own, and on top of them those of its parent.
    pub fn of_child(parent: Arc<Self>, limits: Limits) -> Self {
        Self { limits, parent: Some(parent), ..Self::default() }
    }

    /// Counts what an earlier part of the run has spent already, whatever the limits: a resumed
    /// run counts from its journal.
    pub fn count(&self, target: &str, effect: Effect, items: u64) {
        self.spent().add(target, effect, items);
        if let Some(parent) = &self.parent {
            parent.count(target, effect, items);
        }
    }

    /// What has been spent or is reserved now.
    pub fn spent_so_far(&self) -> Spent {
        self.spent().clone()
    }

    /// Reserves what one request needs, in all budgets or in none. A read needs nothing.
    ///
    /// # Errors
    /// The request would go over a budget, which the fault names with its value and place.
    pub fn reserve(self: &Arc<Self>, target: &str, effect: Effect, items: u64) -> Result<Reservation, Fault> {
        let open = effect != Effect::Read;
        if open {
            self.take_all(target, effect, items)?;
        }
        Ok(Reservation { budget: Arc::clone(self), target: target.to_owned(), effect, items, open })
    }

    fn take_all(&self, target: &str, effect: Effect, items: u64) -> Result<(), Fault> {
        self.take(target, effect, items)?;
        let Some(parent) = &self.parent else { return Ok(()) };
        parent.take_all(target, effect, items).inspect_err(|_| self.spent().remove(target, effect, items))
    }

    fn take(&self, target: &str, effect: Effect, items: u64) -> Result<(), Fault> {
        let mut spent = self.spent();
        let limits = &self.limits;
        check("max_changes", limits.max_changes.as_ref(), spent.changes, 1)?;
        check("max_items", limits.max_items.as_ref(), spent.items, items)?;
        if effect == Effect::Destroy {
            check("max_destroys", limits.max_destroys.as_ref(), spent.destroys, 1)?;
        }
        if !spent.targets.contains_key(target) {
            let targets = u64::try_from(spent.targets.len()).unwrap_or(u64::MAX);
            check("max_targets", limits.max_targets.as_ref(), targets, 1)?;
        }
        spent.add(target, effect, items);
        Ok(())
    }

    fn release(&self, target: &str, effect: Effect, items: u64) {
        self.spent().remove(target, effect, items);
        if let Some(parent) = &self.parent {
            parent.release(target, effect, items);
        }
    }

    fn spent(&self) -> MutexGuard<'_, Spent> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Spent {
    fn add(&mut self, target: &str, effect: Effect, items: u64) {
        if effect == Effect::Read {
            return;
        }
        self.changes = self.changes.saturating_add(1);
        self.items = self.items.saturating_add(items);
        self.destroys = self.destroys.saturating_add(u64::from(effect == Effect::Destroy));
        *self.targets.entry(target.to_owned()).or_default() += 1;
    }

    fn remove(&mut self, target: &str, effect: Effect, items: u64) {
        self.changes = self.changes.saturating_sub(1);
        self.items = self.items.saturating_sub(items);
        self.destroys = self.destroys.saturating_sub(u64::from(effect == Effect::Destroy));
        if let Some(uses) = self.targets.get_mut(target) {
            *uses -= 1;
            if *uses == 0 {
                self.targets.remove(target);
            }
        }
    }
}

/// What a request has reserved. Dropped before [`Reservation::keep`], it goes back.
#[derive(Debug)]
#[must_use = "a reservation that is dropped goes back"]
pub struct Reservation {
    budget: Arc<Budget>,
    target: String,
    effect: Effect,
    items: u64,
    open: bool,
}

impl Reservation {
    /// The request is leaving: what was reserved is spent, whatever the answer.
    pub fn keep(&mut self) {
        self.open = false;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.open {
            self.budget.release(&self.target, self.effect, self.items);
        }
    }
}

fn check(name: &str, limit: Option<&Limit>, spent: u64, more: u64) -> Result<(), Fault> {
    let Some(limit) = limit.filter(|limit| spent.saturating_add(more) > limit.value) else {
        return Ok(());
    };
    let what = match name {
        "max_items" => "items touched",
        "max_destroys" => "requests that destroy",
        "max_targets" => "targets changed",
        _ => "changes",
    };
    let shown = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    Err(Fault::new(
        FaultKind::Refused,
        format!(
            "over the budget {name} = {}, set in {}: this run has {spent} {what} and this request would add {more}. \
             Raise it there, or split the work into several runs",
            limit.value, limit.set_in
        ),
    )
    .with_detail("rule", name)
    .with_detail("limit", shown(limit.value))
    .with_detail("spent", shown(spent))
    .with_detail("wanted", shown(more)))
}
