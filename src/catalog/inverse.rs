//! The call that takes a done call back, made from its row, its arguments, the state before it and
//! its answer. Nothing is sent here, and nothing is known here of runs and journals.

#[cfg(test)]
mod tests;

use serde_json::Value as Json;

use crate::catalog::state::{self, at_path, object, plain};
use crate::catalog::{Body, Bound, Catalog, Inverse, PageStyle, Param, Place, Row, Type, bind};
use crate::value::{Map, Value};

/// A call that takes another one back, as [`bind()`] takes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Undo {
    /// The call.
    pub row: &'static Row,
    /// Its path parameters, in path order.
    pub positional: Vec<Value>,
    /// All else by name, a body that is one value too.
    pub map: Map,
    /// What it does not bring back, each a sentence for people.
    pub caveats: Vec<String>,
}

/// Why a call cannot be taken back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoInverse {
    /// The row has none.
    #[error("{0} has no inverse")]
    None(&'static str),
    /// A secret would have to be written that nobody knows.
    #[error("{call} has the secret '{secret}', and what that was before cannot be written back")]
    WriteOnly {
        /// The call that was made.
        call: &'static str,
        /// The parameter, or the field of the read.
        secret: &'static str,
    },
    /// The state before is needed and not known.
    #[error("the state before {0} is not known")]
    BeforeUnknown(&'static str),
    /// The object was not there before.
    #[error("before {0} the object was not there, so that there is no state to go back to")]
    NotThereBefore(&'static str),
    /// The list was read in part only.
    #[error("of the list before {0} one page is known only, so that what was there already cannot be told")]
    PartOfList(&'static str),
    /// The row does not describe what the call does with these arguments.
    #[error("what {0} does with these arguments is not known well enough to take it back")]
    Undescribed(&'static str),
    /// The call changed nothing.
    #[error("{0} changed nothing that was not so before")]
    NothingDone(&'static str),
    /// A value that the inverse needs is not there.
    #[error("{call} cannot be taken back without {source_path}, which is not known")]
    Missing {
        /// The call that was made.
        call: &'static str,
        /// Where the value was to come from.
        source_path: String,
    },
    /// The inverse would not be accepted.
    #[error("{call} would not take the former state: {reason}")]
    DoesNotFit {
        /// The call that would take back.
        call: &'static str,
        /// Why.
        reason: String,
    },
}

/// The call that takes back a call of `row` that was made with `args` (as [`Bound`] has them).
/// `before` is what the row's read showed before it, `null` where the object was not there; `answer`
/// is what came back.
///
/// # Errors
/// Why there is none.
pub fn inverse_of(
    catalog: &Catalog,
    row: &'static Row,
    args: &Map,
    before: Option<&Json>,
    answer: Option<&Json>,
) -> Result<Undo, NoInverse> {
    let done = Done { catalog, row, args, before, answer };
    let undo = match &row.inverse {
        None => return Err(none(row)),
        Some(Inverse::Swap(one, other)) => done.swap(one, other),
        Some(Inverse::Call(name, sources)) => done.call(name, sources)?,
        Some(Inverse::Replace(without)) => done.replace(without)?,
    };
    match bind(undo.row, undo.positional.clone(), undo.map.clone()) {
        Ok(_) => Ok(undo),
        Err(fault) => Err(NoInverse::DoesNotFit { call: undo.row.name, reason: fault.message }),
    }
}

/// Why a row without an inverse has none.
fn none(row: &'static Row) -> NoInverse {
    match row.params.iter().find(|param| param.is_secret()) {
        Some(secret) if row.writes_object() || row.method == "PUT" => {
            NoInverse::WriteOnly { call: row.name, secret: secret.name }
        }
        _ => NoInverse::None(row.name),
    }
}

/// The read `name` about the object of a call. Its parameters come from those that `before` names; else
/// from the call's own of the same name, where they are on the path, or in the query of both.
pub fn read_about(catalog: &Catalog, row: &Row, name: &str, args: &Map) -> Option<Bound> {
    let read = catalog.row(row.vendor, name)?;
    let pairs = row.before.as_ref().filter(|before| before.call == name).map_or(&[][..], |before| before.args);
    let mut positional = Vec::new();
    let mut map = Map::new();
    for param in read.params {
        let from = pairs.iter().find(|(to, _)| *to == param.name).map(|(_, from)| *from);
        let value = from.map_or_else(|| carried(row, param, args), |from| args.get(from)).cloned();
        match (param.place, value) {
            (Place::Path, value) => positional.push(value?),
            (_, Some(value)) => {
                map.insert(param.name.to_owned(), value);
            }
            (_, None) => {}
        }
    }
    bind(read, positional, map).ok()
}

/// What another call's parameter takes over from the call's own of the same name.
fn carried<'a>(row: &Row, param: &Param, args: &'a Map) -> Option<&'a Value> {
    let travels = |place: Place| matches!(place, Place::Path | Place::Query | Place::Header);
    let own = row.params.iter().find(|own| own.name == param.name)?;
    let along = param.place == Place::Path || travels(param.place) && travels(own.place);
    along.then(|| args.get(own.name)).flatten()
}

/// A call that was made, and what is known of it.
struct Done<'a> {
    catalog: &'a Catalog,
    row: &'static Row,
    args: &'a Map,
    before: Option<&'a Json>,
    answer: Option<&'a Json>,
}

impl Done<'_> {
    /// The same call about the same object, so far without what it writes.
    fn same(&self) -> Undo {
        let travelling = |place: Place| matches!(place, Place::Query | Place::Header);
        let along = self.row.params.iter().filter(|param| travelling(param.place));
        Undo {
            row: self.row,
            positional: self.row.path_params().filter_map(|param| self.args.get(param.name).cloned()).collect(),
            map: along.filter_map(|param| Some((param.name.to_owned(), self.args.get(param.name)?.clone()))).collect(),
            caveats: Vec::new(),
        }
    }

    fn swap(&self, one: &str, other: &str) -> Undo {
        let mut undo = self.same();
        for (to, from) in [(one, other), (other, one)] {
            let Some(list) = self.args.get(from).and_then(Value::as_list) else { continue };
            let fields =
                |name: &str| self.row.params.iter().find(|param| param.name == name).map_or(&[][..], |p| p.fields);
            let known = fields(to);
            let reduced = list.iter().map(|entry| match entry {
                Value::Map(map) if !known.is_empty() => {
                    let kept = map.iter().filter(|(name, _)| known.iter().any(|field| field.name == *name));
                    Value::Map(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
                }
                other => other.clone(),
            });
            undo.map.insert(to.to_owned(), Value::List(reduced.collect()));
            let has = |name: &str| fields(from).iter().any(|field| field.name == name);
            let lost: Vec<&str> = known.iter().map(|field| field.name).filter(|name| !has(name)).collect();
            if !list.is_empty() && !lost.is_empty() {
                undo.caveats.push(format!("what {from} took away comes back without {}", lost.join(" and ")));
            }
        }
        undo
    }

    fn replace(&self, without: &[&str]) -> Result<Undo, NoInverse> {
        let name = self.row.name;
        let before = self.before.ok_or(NoInverse::BeforeUnknown(name))?;
        if before.is_null() {
            return Err(NoInverse::NotThereBefore(name));
        }
        self.readable(before)?;
        let at = self.row.before.as_ref().map_or("", |read| read.at);
        let former = plain(object(before, at));
        let mut undo = self.same();
        if let Some(root) = self.row.params.iter().find(|param| param.root) {
            undo.map.insert(root.name.to_owned(), Value::from(former));
            return Ok(undo);
        }
        let unfit = |reason: &str| NoInverse::DoesNotFit { call: name, reason: reason.to_owned() };
        let Json::Object(former) = former else { return Err(unfit("it is no object")) };
        if self.row.body == Body::Free {
            let kept = former.into_iter().filter(|(member, _)| !without.contains(&member.as_str()));
            undo.map.extend(kept.map(|(member, value)| (member, Value::from(value))));
            return Ok(undo);
        }
        let mut found = false;
        for param in self.row.params.iter().filter(|param| bind::in_body(param)) {
            match former.iter().find(|(member, _)| param.is_called(member)) {
                Some((_, Json::Null)) => {}
                Some((_, value)) => {
                    found = true;
                    undo.map.insert(param.name.to_owned(), Value::from(value.clone()));
                }
                None if self.args.contains_key(param.name) && param.default.is_none() => {
                    undo.caveats.push(format!("'{}' stays as it is: what it was before is not shown", param.name));
                }
                None => {}
            }
        }
        if found { Ok(undo) } else { Err(unfit("its read shows nothing of what it writes")) }
    }

    fn call(&self, name: &str, sources: &[(&str, &str)]) -> Result<Undo, NoInverse> {
        let Some(other) = self.catalog.row(self.row.vendor, name) else { return Err(NoInverse::None(self.row.name)) };
        let mut undo = Undo { row: other, positional: Vec::new(), map: Map::new(), caveats: Vec::new() };
        for param in other.params {
            let value = match sources.iter().find(|(to, _)| *to == param.name) {
                Some((_, source)) => self.source(source, &mut undo.caveats)?,
                None => carried(self.row, param, self.args).cloned(),
            };
            let value = value.map(|value| fitting(param, value));
            match value {
                Some(value) if param.place == Place::Path => undo.positional.push(value),
                Some(value) => {
                    undo.map.insert(param.name.to_owned(), value);
                }
                None => {}
            }
        }
        Ok(undo)
    }

    /// The value of a source; `None` where an optional argument was not given.
    fn source(&self, source: &str, caveats: &mut Vec<String>) -> Result<Option<Value>, NoInverse> {
        let missing = || NoInverse::Missing { call: self.row.name, source_path: source.to_owned() };
        let (kind, path) = source.split_once('.').unwrap_or((source, ""));
        let known = match kind {
            "args" => return Ok(self.args.get(path).cloned()),
            "answer" => self.answer.and_then(|answer| at_path(answer, path)).map(plain),
            "before" => {
                let before = self.before.ok_or(NoInverse::BeforeUnknown(self.row.name))?;
                self.readable(before)?;
                at_path(before, path).map(plain)
            }
            _ => return self.entries(kind, path, caveats),
        };
        known.filter(|value| !value.is_null()).map(|value| Some(Value::from(value))).ok_or_else(missing)
    }

    /// The entries of the call's one edit: those it `added`, or the `former` ones.
    fn entries(&self, kind: &str, member: &str, caveats: &mut Vec<String>) -> Result<Option<Value>, NoInverse> {
        let name = self.row.name;
        let before = self.before.ok_or(NoInverse::BeforeUnknown(name))?;
        let edit = state::edit_of(self.row, self.args).ok_or(NoInverse::Undescribed(name))?;
        self.whole(before)?;
        let entries = if kind == "added" {
            let (new, others) = state::added(self.row, edit, self.args, before).ok_or(NoInverse::Undescribed(name))?;
            if others > 0 {
                caveats.push(match others {
                    1 => "one entry was there before, and stays as it is".to_owned(),
                    _ => format!("{others} entries were there before, and stay as they are"),
                });
            }
            new
        } else {
            state::former(self.row, edit, self.args, before).ok_or(NoInverse::Undescribed(name))?
        };
        if entries.is_empty() {
            return Err(NoInverse::NothingDone(name));
        }
        let picked: Vec<&Json> = entries.iter().filter_map(|entry| at_path(entry, member)).collect();
        let picked: Vec<Value> = picked.into_iter().map(|entry| Value::from(entry.clone())).collect();
        // Entries of another kind do not have the member: the parameter is for others.
        Ok((!picked.is_empty()).then_some(Value::List(picked)))
    }

    /// Refuses a state with a secret in it: it cannot be told whether what is shown is the secret.
    fn readable(&self, before: &Json) -> Result<(), NoInverse> {
        let read = self.row.before.as_ref().and_then(|read| self.catalog.row(self.row.vendor, read.call));
        let mut secrets = read.iter().flat_map(|read| read.answer.fields).filter(|field| field.secret);
        match secrets.find(|field| holds(before, field.name)) {
            Some(field) => Err(NoInverse::WriteOnly { call: self.row.name, secret: field.name }),
            None => Ok(()),
        }
    }

    /// Refuses a list of which there is more than the page that was read.
    fn whole(&self, before: &Json) -> Result<(), NoInverse> {
        let read = self.row.before.as_ref().and_then(|read| self.catalog.row(self.row.vendor, read.call));
        let Some(paging) = read.and_then(|read| read.paging) else { return Ok(()) };
        let shown = at_path(before, paging.items).and_then(Json::as_array).map_or(0, Vec::len) as u64;
        let more = match paging.style {
            PageStyle::Slots => shown >= u64::from(paging.size),
            PageStyle::Total => {
                at_path(before, "meta.totalCount").and_then(Json::as_u64).is_none_or(|total| total > shown)
            }
            PageStyle::Numbers => at_path(before, "next").is_some_and(|next| !next.is_null()),
            PageStyle::Links => at_path(before, "meta.next").is_some_and(|next| !next.is_null()),
        };
        if more { Err(NoInverse::PartOfList(self.row.name)) } else { Ok(()) }
    }
}

/// Whether something that is not empty stands at a path; what is in a list counts as well.
fn holds(json: &Json, path: &str) -> bool {
    match (json, path.split_once('.').unwrap_or((path, ""))) {
        (Json::Array(items), _) if !path.is_empty() => items.iter().any(|item| holds(item, path)),
        (json, ("", _)) => !json.is_null() && json.as_str() != Some(""),
        (json, (first, rest)) => json.get(first).is_some_and(|inner| holds(inner, rest)),
    }
}

/// A value in the form that a parameter wants: one for a list of them, and a number for a text.
fn fitting(param: &Param, value: Value) -> Value {
    match (param.ty, value) {
        (Type::List(_), value @ (Value::List(_) | Value::Null)) => value,
        (Type::List(_), one) => Value::List(vec![one]),
        (Type::String, Value::Int(number)) => Value::Text(number.to_string()),
        (_, value) => value,
    }
}
