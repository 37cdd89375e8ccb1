//! The dry run: reads are live, everything else is withheld and listed.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicI64;
use std::sync::{Mutex, PoisonError};

use crate::catalog::{Effect, Row, Shape};
use crate::door::event::Withheld;
use crate::door::mode::assumed;
use crate::door::mode::overlay::Overlay;
use crate::door::{Action, HttpAnswer, Reply};
use crate::value::{Map, Value};

/// What becomes of an action in a dry run.
#[derive(Debug)]
pub enum Verdict {
    /// It is carried out.
    Perform,
    /// It is withheld, and answered so; a change stands in the plan as well.
    Withhold(Box<Withheld>, Reply),
    /// It is answered from what the dry run assumes, without standing in the plan.
    Answer(Reply),
}

/// The state of a dry run: what was withheld so far, and what follows from it.
#[derive(Debug, Default)]
pub struct DryRun {
    overlay: Overlay,
    plan: Mutex<Vec<Withheld>>,
    changed: Mutex<BTreeSet<String>>,
    next: AtomicI64,
}

impl DryRun {
    /// Decides on an action whose effect, and whose row if it has one, are known.
    pub fn decide(&self, action: &Action, effect: Effect, row: Option<&'static Row>) -> Verdict {
        match action {
            Action::Call { target, call } => {
                let download = call.row.answer.shape == Shape::Download;
                if effect == Effect::Read && !download {
                    let assumed = call.args.values().any(assumed::is_assumed);
                    return if assumed { Verdict::Answer(self.example(row)) } else { Verdict::Perform };
                }
                self.withhold(target, call.row.name, effect, call.args.clone(), call.items, row)
            }
            Action::Raw { target, request } => {
                if effect == Effect::Read && row.is_some() {
                    return Verdict::Perform;
                }
                let mut args = request.query.clone();
                if let Some(body) = &request.body {
                    args.insert("body".into(), body.clone());
                }
                self.withhold(target, &format!("{} {}", request.method, request.path), effect, args, 1, row)
            }
            Action::Fetch { method: "GET", .. } => Verdict::Perform,
            Action::Fetch { method, url, options } => {
                self.withhold(url, &format!("http_{}", method.to_lowercase()), effect, options.clone(), 1, None)
            }
            Action::Confirm(question) => Verdict::Withhold(
                Box::new(Withheld {
                    target: "-".into(),
                    operation: "confirm".into(),
                    effect: Effect::Read,
                    args: Map::from([("question".into(), question.clone().into())]),
                    items: 0,
                    before: None,
                    needs: None,
                }),
                Reply::Value(Value::Bool(true)),
            ),
            Action::Sleep(_) if self.anything_withheld() => {
                Verdict::Answer(Reply::Value(Value::Text(assumed::text(&self.next))))
            }
            _ => Verdict::Perform,
        }
    }

    fn withhold(
        &self,
        target: &str,
        operation: &str,
        effect: Effect,
        args: Map,
        items: u64,
        row: Option<&'static Row>,
    ) -> Verdict {
        let withheld = Withheld {
            target: target.to_owned(),
            operation: operation.to_owned(),
            effect,
            args,
            items,
            before: None,
            needs: None,
        };
        Verdict::Withhold(Box::new(withheld), self.example(row))
    }

    /// Adds to the plan what was withheld.
    pub fn list(&self, withheld: Withheld) {
        if withheld.effect != Effect::Read {
            self.changed.lock().unwrap_or_else(PoisonError::into_inner).insert(withheld.target.clone());
        }
        self.plan.lock().unwrap_or_else(PoisonError::into_inner).push(withheld);
    }

    /// Notes that a change of this target was withheld, by a former execution of the run.
    pub fn mark_changed(&self, target: &str) {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner).insert(target.to_owned());
    }

    /// What was withheld, in order.
    pub fn plan(&self) -> Vec<Withheld> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether a change was withheld: from then on the script walks in an assumed world.
    pub fn anything_withheld(&self) -> bool {
        !self.changed.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Whether a change of this target was withheld.
    pub fn is_changed(&self, target: &str) -> bool {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner).contains(target)
    }

    /// What the dry run wrote to files and the store.
    pub fn overlay(&self) -> &Overlay {
        &self.overlay
    }

    fn example(&self, row: Option<&'static Row>) -> Reply {
        let answer: HttpAnswer = assumed::example_of(row, &self.next);
        Reply::Http(answer)
    }
}
