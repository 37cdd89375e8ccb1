//! A plan that is applied: every change is one of its changes, or is refused.
//!
//! Once a change is refused the run has left its plan, and no further change of it leaves, whatever
//! the script does with the error.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value as Json;

use crate::catalog::{Effect, Row};
use crate::door::mode::Verdict;
use crate::door::mode::bindings::{Bindings, Mismatch};
use crate::door::mode::withheld::{Before, Seen, Withheld};
use crate::door::position::{Place, Position, Step};
use crate::door::{Action, Recorded, Reply};
use crate::fault::{Failure, Fault, FaultKind};

/// A planned change that is about to be made.
pub type Approval = Arc<Withheld>;

/// The changes of a plan, and what the run has made of them so far.
#[derive(Debug)]
pub struct Approved {
    plan: BTreeMap<Position, Approval>,
    state: Mutex<State>,
    compared: Mutex<HashMap<String, Arc<Mutex<bool>>>>,
    /// Whether the other targets were looked at before the first change of the run.
    looked_ahead: Mutex<bool>,
}

#[derive(Debug, Default)]
struct State {
    bindings: Bindings,
    /// How many changes of each branch were matched.
    matched: BTreeMap<Place, u64>,
    /// What each branch is about to change.
    under_way: BTreeMap<Place, Approval>,
    /// What failed or was rolled back, so that the script may ask for it again.
    open: Vec<Approval>,
    /// What the open transaction of a target has staged.
    staged: BTreeMap<String, Vec<Approval>>,
    asked: BTreeSet<Position>,
    refusal: Option<Fault>,
}

impl Approved {
    /// The changes of a plan; each first text of `replaced` is the second in this run.
    pub fn new(changes: &[Approval], replaced: Vec<(String, String)>) -> Self {
        let positioned = changes.iter().filter_map(|change| Some((change.position.clone()?, Arc::clone(change))));
        let state = State { bindings: Bindings::new(replaced), ..State::default() };
        Self {
            plan: positioned.collect(),
            state: Mutex::new(state),
            compared: Mutex::default(),
            looked_ahead: Mutex::default(),
        }
    }

    /// How far apart two readings of the clock may be.
    pub fn allow(&self, slack: jiff::SignedDuration) {
        locked(&self.state).bindings.allow(slack);
    }

    pub(super) fn decide(
        &self,
        place: &[Step],
        action: &Action,
        effect: Effect,
        row: Option<&'static Row>,
    ) -> Result<Verdict, Fault> {
        let Some(asked) = Withheld::of(action, effect, row).filter(Withheld::changes) else {
            return Ok(Verdict::Perform);
        };
        let mut state = locked(&self.state);
        if let Some(first) = &state.refusal {
            let message = format!("the run has left its plan, and changes nothing more. It was: {}", first.message);
            return Err(refused(message).on(&asked.target).during(&asked.operation));
        }
        let approval = match self.next(&mut state, place, &asked) {
            Ok(approval) => approval,
            Err(fault) => again(&mut state, place, &asked)
                .ok_or(fault.on(&asked.target).during(&asked.operation))
                .inspect_err(|fault| {
                    state.refusal = Some(fault.clone());
                })?,
        };
        state.under_way.insert(place.to_vec(), Arc::clone(&approval));
        Ok(Verdict::Approved(approval))
    }

    /// The next change of the branch, if it is the one that is asked for.
    fn next(&self, state: &mut State, place: &[Step], asked: &Withheld) -> Result<Approval, Fault> {
        let matched = state.matched.get(place).copied().unwrap_or(0);
        let position = Position { place: place.to_vec(), number: matched + 1 };
        let planned = self
            .plan
            .get(&position)
            .ok_or_else(|| refused(format!("it is not in the plan, which has no {position}")))?;
        state.bindings.tried(|bindings| compare(bindings, &position, planned, asked))?;
        state.matched.insert(place.to_vec(), matched + 1);
        state.asked.insert(position);
        Ok(Arc::clone(planned))
    }

    pub(super) fn recalled(&self, place: &[Step], action: &Action, effect: Effect, answer: &Recorded) {
        // What policy refused never came to the plan.
        let by_policy = answer.as_ref().is_err_and(|fault| {
            fault.kind == FaultKind::Refused && fault.details.get("rule").is_none_or(|rule| *rule != "plan".into())
        });
        if !by_policy && let Ok(Verdict::Approved(approval)) = self.decide(place, action, effect, None) {
            self.ended(place, answer.as_ref().ok());
            // What is there now may be this run's own doing.
            *locked(&self.gate(&approval.target)) = true;
            *locked(&self.looked_ahead) = true;
        }
    }

    /// What a branch was about to change has ended, with an answer or without. The answer says what
    /// assumed ids stand for; what failed may be asked for again.
    pub fn ended(&self, place: &[Step], answer: Option<&Reply>) {
        let mut state = locked(&self.state);
        let Some(approval) = state.under_way.remove(place) else { return };
        let Some(answer) = answer else {
            state.open.push(approval);
            return;
        };
        if let Reply::Http(answer) = answer
            && !approval.gives.is_empty()
            && let Ok(json) = serde_json::from_slice::<Json>(&answer.body)
        {
            for (token, at) in &approval.gives {
                if let Some(value) = json.pointer(at) {
                    state.bindings.learn(token, value);
                }
            }
        }
        if let Some(staged) = state.staged.get_mut(&approval.target) {
            staged.push(approval);
        }
    }

    /// A transaction of the target was opened.
    pub fn begun(&self, target: &str) {
        locked(&self.state).staged.insert(target.to_owned(), Vec::new());
    }

    /// The transaction of the target was committed.
    pub fn committed(&self, target: &str) {
        locked(&self.state).staged.remove(target);
    }

    /// The transaction of the target was rolled back: what it staged may be asked for again.
    pub fn rolled_back(&self, target: &str) {
        let mut state = locked(&self.state);
        let staged = state.staged.remove(target).unwrap_or_default();
        state.open.extend(staged);
    }

    /// Compares once the objects of a target that the plan is about, whoever comes first: other branches
    /// wait for the outcome.
    ///
    /// # Errors
    /// What `compare` says; where something has moved the run has left its plan.
    pub fn once(&self, target: &str, compare: impl FnOnce(Vec<&Seen>) -> Result<(), Failure>) -> Result<(), Failure> {
        let gate = self.gate(target);
        let mut compared = locked(&gate);
        if *compared {
            return Ok(());
        }
        self.hold(compare(self.objects(target)))?;
        *compared = true;
        Ok(())
    }

    /// Looks once, before the first change of the run, at the objects of the other targets as well: what
    /// has moved there ends the run before anything is sent. Their own first change compares again, under
    /// their lock.
    ///
    /// # Errors
    /// As [`Approved::once`].
    pub fn ahead(
        &self,
        target: &str,
        compare: impl Fn(&str, Vec<&Seen>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut looked = locked(&self.looked_ahead);
        if *looked {
            return Ok(());
        }
        let others: BTreeSet<&str> = self.plan.values().map(|change| change.target.as_str()).collect();
        for other in others.into_iter().filter(|other| *other != target) {
            self.hold(compare(other, self.objects(other)))?;
        }
        *looked = true;
        Ok(())
    }

    /// The objects of a target that the plan has seen.
    fn objects(&self, target: &str) -> Vec<&Seen> {
        let mut objects: BTreeMap<String, &Seen> = BTreeMap::new();
        for change in self.plan.values().filter(|change| change.target == target) {
            if let Before::Seen(seen) = &change.before {
                objects.insert(seen.object.id(), seen);
            }
        }
        objects.into_values().collect()
    }

    fn gate(&self, target: &str) -> Arc<Mutex<bool>> {
        Arc::clone(locked(&self.compared).entry(target.to_owned()).or_default())
    }

    /// Remembers a refusal: the run has left its plan.
    ///
    /// # Errors
    /// The outcome's own.
    pub fn hold(&self, outcome: Result<(), Failure>) -> Result<(), Failure> {
        outcome.inspect_err(|failure| {
            if let Failure::Fault(fault) = failure
                && fault.kind == FaultKind::Refused
            {
                locked(&self.state).refusal.get_or_insert_with(|| Fault::clone(fault));
            }
        })
    }

    /// The planned changes that were never asked for.
    pub fn unasked(&self) -> Vec<Approval> {
        let state = locked(&self.state);
        let left = self.plan.iter().filter(|(position, _)| !state.asked.contains(*position));
        left.map(|(_, change)| Arc::clone(change)).collect()
    }

    /// Why the run left its plan, if it did.
    pub fn refusal(&self) -> Option<Fault> {
        locked(&self.state).refusal.clone()
    }
}

/// A change that has failed before, if it is the one that is asked for.
fn again(state: &mut State, place: &[Step], asked: &Withheld) -> Option<Approval> {
    let State { open, bindings, .. } = state;
    let found = open.iter().position(|planned| {
        planned.position.as_ref().is_some_and(|position| {
            position.place == place && bindings.tried(|bindings| compare(bindings, position, planned, asked)).is_ok()
        })
    })?;
    Some(open.remove(found))
}

fn compare(bindings: &mut Bindings, position: &Position, planned: &Withheld, asked: &Withheld) -> Result<(), Fault> {
    let other = |what: &str, mismatch: &Mismatch| {
        refused(format!(
            "it is not what the plan has as {position}: {what} {} there, and {} here",
            clipped(&mismatch.planned),
            clipped(&mismatch.asked)
        ))
    };
    let same = bindings.texts("the target is", &planned.target, &asked.target);
    let same = same.and_then(|()| bindings.texts("the call is", &planned.operation, &asked.operation));
    same.map_err(|mismatch| other(&mismatch.path, &mismatch))?;
    if planned.effect != asked.effect {
        let (planned, asked) = (planned.effect.name().to_owned(), asked.effect.name().to_owned());
        let mismatch = Mismatch { path: String::new(), planned, asked };
        return Err(other("its effect is", &mismatch));
    }
    let same = bindings.compare(&planned.args, &asked.args);
    same.map_err(|mismatch| other(&format!("`{}` is", mismatch.path), &mismatch))
}

/// Beadle's no, by the plan.
pub(in crate::door) fn refused(message: impl Into<String>) -> Fault {
    let message = format!("refused by the plan: {}", message.into());
    Fault::new(FaultKind::Refused, message).with_detail("rule", "plan")
}

/// The first place where a state differs from what the plan saw: its path, what was there, and what
/// is there now. Numbers that differ in the last digit of a float have only been written and read.
///
/// # Errors
/// That place.
pub fn same_state(at: &str, was: &Json, is: &Json) -> Result<(), (String, String, String)> {
    let differs = || Err((if at.is_empty() { "the whole".to_owned() } else { at.to_owned() }, json(was), json(is)));
    let path = |name: &str| if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
    match (was, is) {
        (Json::Object(was), Json::Object(is)) => {
            for (name, value) in was {
                match is.get(name) {
                    Some(now) => same_state(&path(name), value, now)?,
                    None => return Err((path(name), json(value), "nothing".to_owned())),
                }
            }
            match is.iter().find(|(name, _)| !was.contains_key(*name)) {
                Some((name, value)) => Err((path(name), "nothing".to_owned(), json(value))),
                None => Ok(()),
            }
        }
        (Json::Array(was), Json::Array(is)) if was.len() == is.len() => was
            .iter()
            .zip(is)
            .enumerate()
            .try_for_each(|(index, (was, is))| same_state(&format!("{at}[{index}]"), was, is)),
        (Json::Array(was), Json::Array(is)) => {
            let count = |items: &[Json]| format!("{} entries", items.len());
            Err((if at.is_empty() { "the list".to_owned() } else { at.to_owned() }, count(was), count(is)))
        }
        (Json::Number(was), Json::Number(is)) if was.is_f64() && is.is_f64() => {
            let (was, is) = (was.as_f64().unwrap_or_default(), is.as_f64().unwrap_or_default());
            if (was - is).abs() <= f64::EPSILON * was.abs() { Ok(()) } else { differs() }
        }
        (was, is) if was == is => Ok(()),
        _ => differs(),
    }
}

fn json(value: &Json) -> String {
    clipped(&value.to_string())
}

fn clipped(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::*;
    use crate::catalog::{Catalog, bind};
    use crate::door::HttpAnswer;
    use crate::value::{Map, Value};

    fn action(name: &str) -> Action {
        let row = Catalog::builtin().row("seg", "group_member_add").unwrap();
        let args = Map::from([("member_type".to_owned(), Value::Int(1)), ("member_data".to_owned(), name.into())]);
        Action::Call { target: "seg".into(), call: bind(row, vec![Value::Int(3)], args).unwrap() }
    }

    fn planned(number: u64, name: &str) -> Withheld {
        let change = Withheld::of(&action(name), Effect::Change, None).unwrap();
        Withheld { position: Some(Position { place: Vec::new(), number }), ..change }
    }

    fn answer(body: &str) -> Reply {
        let body = Bytes::from(body.to_owned());
        Reply::Http(HttpAnswer { status: 200, content_type: None, body, row: None, assumed: false, handles: false })
    }

    fn approves(approved: &Approved, name: &str) -> Result<(), Fault> {
        approved.decide(&[], &action(name), Effect::Change, None).map(|_| ())
    }

    #[test]
    fn changes_that_the_journal_answers_count_and_are_learned_from() {
        let mut first = planned(1, "a@example.net");
        first.gives = vec![("assumed-1".into(), "/id".into())];
        let approved = Approved::new(&[first.into(), planned(2, "assumed-1@example.net").into()], Vec::new());
        approved.recalled(&[], &action("a@example.net"), Effect::Change, &Ok(answer(r#"{"id": "x7"}"#)));
        approves(&approved, "x7@example.net").unwrap();
        let mut compared = 0;
        let compare = |_: Vec<&Seen>| {
            compared += 1;
            Ok(())
        };
        approved.once("seg", compare).unwrap();
        assert_eq!(compared, 0, "what is there now may be this run's own doing");
    }

    #[test]
    fn what_failed_may_be_asked_for_again_and_nothing_follows_a_refusal() {
        let approved =
            Approved::new(&[planned(1, "a@example.net").into(), planned(2, "b@example.net").into()], Vec::new());
        approves(&approved, "a@example.net").unwrap();
        approved.ended(&[], None);
        approves(&approved, "b@example.net").unwrap();
        approved.ended(&[], Some(&answer("{}")));
        approves(&approved, "a@example.net").unwrap();
        approved.ended(&[], Some(&answer("{}")));
        approves(&approved, "b@example.net").unwrap_err();
        let fault = approves(&approved, "a@example.net").unwrap_err();
        assert!(fault.message.contains("left its plan"), "{fault}");
        assert!(approved.refusal().is_some() && approved.unasked().is_empty());
    }

    #[test]
    fn the_first_place_that_differs_is_named() {
        let was = json!({ "a": [1, { "b": "x" }], "c": 0.1 });
        assert_eq!(same_state("", &was, &was.clone()), Ok(()));
        let moved = same_state("", &was, &json!({ "a": [1, { "b": "y" }], "c": 0.1 })).unwrap_err();
        assert_eq!(moved, ("a[1].b".into(), "\"x\"".into(), "\"y\"".into()));
        let longer = same_state("", &was, &json!({ "a": [1], "c": 0.1 })).unwrap_err();
        assert_eq!(longer, ("a".into(), "2 entries".into(), "1 entries".into()));
        assert!(same_state("", &was, &json!({ "a": [1, { "b": "x" }], "c": 0.1, "d": null })).is_err());
    }
}
