//! The questions of an interpreter, and what the door says to them.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::door::{Action, Branch, Key, Reply, Standing};
use crate::fault::{Failure, Fault, FaultKind, Stop};
use crate::journal::{decode, read_fault};
use crate::run::apart::action::{Unusable, decode_action};
use crate::run::apart::answer::encode;
use crate::run::apart::desk::{Broken, Desk, head_of, lock};
use crate::run::apart::frame::Frame;
use crate::run::apart::message::Kind;
use crate::value::Value;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Passing {
    at: Standing,
    action: Json,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Closing {
    key: Key,
    outcome: Json,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ItemFailed {
    key: Key,
    item: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Abandoned {
    at: Standing,
    target: String,
    caught: bool,
}

/// An answer as it goes out.
type Outgoing = (Json, Bytes);

impl Desk<'_> {
    /// The answer to a question, as head and body of a frame.
    ///
    /// # Errors
    /// It is none.
    pub(super) fn answer(&self, kind: Kind, frame: &Frame) -> Result<Outgoing, Broken> {
        let passage = &self.script.context.passage;
        let list = |values: Option<Value>| Value::List(values.into_iter().collect());
        let answer = match kind {
            Kind::Pass => return self.pass(frame),
            Kind::Open => self.begin(frame)?.map(list),
            Kind::Close => self.end(frame)?.map(|()| Value::Null),
            Kind::ItemFailed => {
                let failed: ItemFailed = head_of(frame)?;
                let composites = lock(&self.composites);
                let composite = composites.get(&failed.key).ok_or("an item failed of what never began")?;
                passage.item_failed(composite, failed.item).map(|()| Value::Null)
            }
            Kind::Abandon => {
                let given: Abandoned = head_of(frame)?;
                lock(&self.transactions).remove(&given.target);
                passage.abandon(&Branch::at(given.at), &given.target.into(), given.caught);
                Ok(Value::Null)
            }
            Kind::AssumedTarget => Ok(Value::Bool(passage.is_assumed_target(&head_of::<String>(frame)?))),
            Kind::Instead => Ok(list(passage.instead_of_waiting())),
            Kind::Import => self.import(frame)?,
            other => return Err(format!("{other:?} is no question")),
        };
        Ok(self.outgoing(answer.map(Reply::Value)))
    }

    /// An answer with handles in the place of its secrets.
    fn outgoing(&self, answer: Result<Reply, Failure>) -> Outgoing {
        if let Err(Failure::Stop(stop @ Stop::Uncertain(_))) = &answer {
            lock(&self.uncertain).get_or_insert_with(|| stop.clone());
        }
        encode(match answer {
            Ok(Reply::Value(value)) => Ok(Reply::Value(self.vault.value(value))),
            Ok(Reply::Http(answer)) => Ok(Reply::Http(self.vault.answer(answer))),
            // A store holds no secrets.
            Ok(reply @ (Reply::Json(_) | Reply::Bytes(_))) => Ok(reply),
            Err(Failure::Fault(fault)) => Err(self.vault.fault(*fault).into()),
            Err(Failure::Stop(Stop::Uncertain(fault))) => {
                Err(Stop::Uncertain(Box::new(self.vault.fault(*fault))).into())
            }
            Err(stop @ Failure::Stop(_)) => Err(stop),
        })
    }

    fn action(&self, head: Json, body: Bytes) -> Result<Action, Unusable> {
        let action = decode_action(head, body, &self.script.context.catalog, &|handle| self.secret(handle));
        if self.vault.is_forged() {
            return Err(Unusable::Garbage("a secret was named that was never given".into()));
        }
        action
    }

    fn pass(&self, frame: &Frame) -> Result<Outgoing, Broken> {
        let Passing { at, action } = head_of(frame)?;
        let action = match self.action(action, frame.body.clone()) {
            Ok(action) => action,
            Err(Unusable::Garbage(what)) => return Err(what),
            Err(Unusable::Invalid(fault)) => {
                let (mut head, body) = self.outgoing(Err(Failure::Fault(fault)));
                if let Some(members) = head.as_object_mut() {
                    // It never came to the door.
                    members.insert("unbound".into(), true.into());
                }
                return Ok((head, body));
            }
        };
        let branch = Branch::at(at);
        let ends = match &action {
            Action::Begin { target, .. } => Some((target.to_string(), true)),
            Action::Commit { target, .. } | Action::RollBack { target } => Some((target.to_string(), false)),
            _ => None,
        };
        let answer = self.script.context.passage.pass(&branch, action);
        match ends {
            Some((target, true)) if answer.is_ok() => {
                lock(&self.transactions).insert(target, branch);
            }
            Some((target, false)) => {
                lock(&self.transactions).remove(&target);
            }
            _ => {}
        }
        Ok(self.outgoing(answer))
    }

    fn begin(&self, frame: &Frame) -> Result<Result<Option<Value>, Failure>, Broken> {
        let Passing { at, action } = head_of(frame)?;
        let action = self.action(action, frame.body.clone()).map_err(|unusable| format!("{unusable:?}"))?;
        if !matches!(action, Action::Step { .. } | Action::Parallel(_)) {
            return Err(format!("'{}' is no composite", action.describe()));
        }
        let opened = self.script.context.passage.open(&Branch::at(at), action);
        Ok(opened.map(|composite| {
            let known = composite.known.clone();
            lock(&self.composites).insert(composite.key().clone(), composite);
            known
        }))
    }

    fn end(&self, frame: &Frame) -> Result<Result<(), Failure>, Broken> {
        let Closing { key, mut outcome } = head_of(frame)?;
        let composite = lock(&self.composites).remove(&key).ok_or("what ends has never begun")?;
        let secret = |handle: &str| self.secret(handle);
        let value = outcome.get_mut("value").map(Json::take);
        let fault = outcome.get_mut("fault").map(Json::take);
        let outcome = match (value, fault) {
            (Some(value), None) => Ok(decode(value, &secret)),
            (None, Some(fault)) => Err(read_fault(fault, &secret)),
            _ => return Err("how a composite ended cannot be read".into()),
        };
        Ok(self.script.context.passage.close(composite, outcome))
    }

    fn import(&self, frame: &Frame) -> Result<Result<Value, Failure>, Broken> {
        let (path, from): (String, Option<String>) = head_of(frame)?;
        Ok(match self.script.library.find(&path, from.as_deref()) {
            Ok((name, text)) => {
                self.sources.add(&name, &text);
                lock(&self.modules).insert(name.clone(), text.clone());
                Ok(Value::List(vec![Value::Text(name), Value::Text(text)]))
            }
            Err(message) => Err(Fault::new(FaultKind::NotFound, message).into()),
        })
    }
}
