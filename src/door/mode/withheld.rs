//! What a dry run withholds: one change with all that a person reviews, and that an apply compares.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::catalog::{Effect, Param, Row, Shape, Type};
use crate::door::Action;
use crate::door::position::Position;
use crate::door::settle::Shown;
use crate::secret::Secret;
use crate::value::{Map, Value};

/// A change that a dry run withheld.
#[derive(Clone, Debug, PartialEq)]
pub struct Withheld {
    /// The branch, and the number among its changes; none for what changes nothing, such as a download.
    pub position: Option<Position>,
    /// The target, the host, the channel, or `-` for a question.
    pub target: String,
    /// The call's name, or method and path.
    pub operation: String,
    /// The row, if it has one.
    pub row: Option<&'static Row>,
    /// What it would do to the world.
    pub effect: Effect,
    /// The arguments.
    pub args: Map,
    /// What it counts as against `max_items`.
    pub items: u64,
    /// What is there before it.
    pub before: Before,
    /// The files that it would send, with the SHA-256 of each where a plan is made.
    pub files: Vec<(PathBuf, String)>,
    /// The assumed ids in its answer, each with its place there.
    pub gives: Vec<(String, String)>,
    /// Why it would be refused live unless the person allows it.
    pub needs: Option<String>,
}

/// What is known of the state that a change finds.
#[derive(Clone, Debug, PartialEq)]
pub enum Before {
    /// Nothing is asked: it changes no state.
    Nothing,
    /// It starts a job rather than writes a state.
    Job,
    /// The object comes into being by an earlier change of the same plan.
    Made,
    /// Drift cannot be seen, and why.
    Unseen(String),
    /// The object as the row's read showed it.
    Seen(Arc<Seen>),
}

/// An object, and what a read showed of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// Which object.
    pub object: Object,
    /// What was there, without what changes by itself, and with secrets hidden.
    pub shown: Shown,
}

/// An object of an appliance, by the read that shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// The target's name.
    pub target: String,
    /// The read.
    pub call: &'static str,
    /// The read's arguments.
    pub args: Map,
}

impl Object {
    /// The object in one word: equal for equal objects.
    pub fn id(&self) -> String {
        format!("{} {} {}", self.target, self.call, Value::Map(self.args.clone()).to_json())
    }
}

impl Before {
    /// The state, where there is one.
    pub fn state(&self) -> Option<&Json> {
        match self {
            Self::Seen(seen) => match &seen.shown {
                Shown::State(state) => Some(state),
                Shown::Gone | Shown::Unknown => None,
            },
            _ => None,
        }
    }

    /// Why an apply could not see that something has changed since, if it could not.
    pub fn unseen(&self) -> Option<&str> {
        match self {
            Self::Unseen(why) => Some(why),
            _ => None,
        }
    }
}

impl Withheld {
    /// What of an action a dry run withholds; nothing for what it carries out.
    pub fn of(action: &Action, effect: Effect, row: Option<&'static Row>) -> Option<Self> {
        let is = |shape| row.is_some_and(|row| row.answer.shape == shape);
        let withheld = |target: &str, operation: String, args: Map, items: u64| Self {
            position: None,
            target: target.to_owned(),
            operation,
            row,
            effect,
            args,
            items,
            before: Before::Nothing,
            files: Vec::new(),
            gives: Vec::new(),
            needs: None,
        };
        match action {
            Action::Call { target, call } => {
                let sends = call.row.params.iter().any(|param| param.ty == Type::File);
                if effect == Effect::Read && !sends && !is(Shape::Download) {
                    return None;
                }
                let mut args = call.args.clone().into_map();
                hide(call.row.params, &mut args);
                if let Some(file) = &call.save_to {
                    args.insert("to".into(), file.to_string_lossy().into_owned().into());
                }
                Some(withheld(target, call.row.name.to_owned(), args, call.items))
            }
            Action::Raw { target, request } => {
                if effect == Effect::Read && row.is_some() && !is(Shape::Download) {
                    return None;
                }
                let mut args = request.query.clone();
                args.extend(request.body.clone().map(|body| ("body".to_owned(), body)));
                let headers = (!request.headers.is_empty()).then(|| Value::Map(request.headers.clone()));
                args.extend(headers.map(|headers| ("headers".to_owned(), headers)));
                Some(withheld(target, format!("{} {}", request.method, request.path), args, 1))
            }
            Action::Fetch { method, url, options } if *method != "GET" => {
                Some(withheld(url, format!("http_{}", method.to_lowercase()), options.clone(), 1))
            }
            Action::Confirm(question) => {
                let args = Map::from([("question".to_owned(), Value::from(question.as_str()))]);
                Some(withheld("-", "confirm".into(), args, 0))
            }
            Action::Notify { channel, message } => {
                let args = Map::from([("message".to_owned(), Value::from(message.as_str()))]);
                Some(withheld(channel, "notify".into(), args, 0))
            }
            Action::Begin { target, message } => {
                let args = Map::from([("message".to_owned(), Value::from(message.as_str()))]);
                Some(withheld(target, "transaction".into(), args, 0))
            }
            _ => None,
        }
    }

    /// Whether it would change something.
    pub fn changes(&self) -> bool {
        self.effect != Effect::Read
    }
}

/// Hides what was given as plain text where the row knows a secret: plans are shown and written.
fn hide(params: &[Param], args: &mut Map) {
    for param in params {
        let Some(value) = args.get_mut(param.name) else { continue };
        if param.secret && !matches!(value, Value::Secret(_)) {
            *value = Value::Secret(Secret::new("text", ""));
        } else {
            hide_inside(param.fields, value);
        }
    }
}

fn hide_inside(fields: &[Param], value: &mut Value) {
    match value {
        _ if fields.is_empty() => {}
        Value::Map(map) => hide(fields, map),
        Value::List(items) => items.iter_mut().for_each(|item| hide_inside(fields, item)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Catalog, bind};

    #[test]
    fn a_secret_given_as_text_stands_in_no_plan() {
        let row = Catalog::builtin().row("spectra", "config_smtp_set").unwrap();
        let args = Map::from([("password".to_owned(), "hunter2".into()), ("host".to_owned(), "mail".into())]);
        let action = Action::Call { target: "t".into(), call: bind(row, Vec::new(), args).unwrap() };
        let withheld = Withheld::of(&action, Effect::Change, Some(row)).unwrap();
        assert_eq!(withheld.args["password"], Value::Secret(Secret::new("text", "")));
        assert_eq!(withheld.args["host"], "mail".into());
    }
}
