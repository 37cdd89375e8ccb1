//! Whether a mutant can be found out before it runs: asked of binding, of what Rhai has registered and
//! of Rhai's own operators, and not of the check.

use std::collections::{HashMap, HashSet};

use beadle::catalog::{Body, Catalog, Param, Place, Row, Type, bind};
use beadle::engine::{Index, Kind};
use beadle::value::{Map, Value};

use super::scan::{Around, Mutant, Sort, stands_alone, uses};

/// What is asked.
pub struct Judge {
    rows: HashMap<&'static str, Vec<&'static Row>>,
    /// The functions that the scripts define, with how many parameters each takes.
    defined: HashSet<(String, usize)>,
    /// The names that answers, headers and the host's own maps give to members.
    given: HashSet<String>,
    rhai: rhai::Engine,
}

impl Judge {
    pub fn new(catalog: &Catalog, scripts: &[(String, String)]) -> Self {
        let mut rows: HashMap<&'static str, Vec<&'static Row>> = HashMap::new();
        let mut given: HashSet<String> = ["id", "playbook", "mode", "cause", "path", "size", "sha256", "ok", "error"]
            .into_iter()
            .chain(["kind", "message", "target", "operation", "status", "code", "details", "retryable", "entry"])
            .map(str::to_owned)
            .collect();
        for row in catalog.rows() {
            rows.entry(row.name).or_default().push(row);
            given.extend(row.answer.fields.iter().flat_map(|field| field.name.split('.')).map(str::to_owned));
        }
        let mut defined = HashSet::new();
        for (_, text) in scripts {
            for rest in text.split("fn ").skip(1) {
                let Some((name, rest)) = rest.split_once('(') else { continue };
                let params = rest.split(')').next().unwrap_or_default();
                defined.insert((
                    name.trim().to_owned(),
                    params.split(',').filter(|param| !param.trim().is_empty()).count(),
                ));
            }
            let header = text.lines().filter_map(|line| line.strip_prefix("//! "));
            given.extend(header.filter_map(|line| line.split_once(" = ")).map(|(name, _)| name.trim().to_owned()));
        }
        Self { rows, defined, given, rhai: rhai::Engine::new() }
    }

    pub fn is_decidable(&self, text: &str, mutant: &Mutant) -> bool {
        match mutant.sort {
            Sort::Renamed => true,
            Sort::Dropped => self.dropped(mutant),
            Sort::Misspelt => self.misspelt(text, mutant),
            Sort::Retyped => self.retyped(text, mutant),
        }
    }

    fn dropped(&self, mutant: &Mutant) -> bool {
        let Some(Around::Call { name, method, .. }) = mutant.around.last() else { return false };
        let left = mutant.arguments - 1;
        if let Some(rows) = self.rows.get(name.as_str()).filter(|_| *method) {
            // The path's parameters stay, or one of them is gone.
            return rows.iter().all(|row| {
                let paths: Vec<Value> = row.path_params().take(left).map(sample).collect();
                paths.len() < row.path_params().count() || bind(row, paths, Map::new()).is_err()
            });
        }
        let takes = left + usize::from(*method);
        let known = !Index::functions(name).is_empty() || self.defined.iter().any(|(defined, _)| defined == name);
        // `call` and its like are words of the language, which take what they are given.
        known
            && !self.defined.contains(&(name.clone(), left))
            && Index::functions(name).iter().all(|form| form.takes.len() != takes)
    }

    fn misspelt(&self, text: &str, mutant: &Mutant) -> bool {
        let Some(call) = mutant.around.iter().rposition(|around| matches!(around, Around::Call { .. })) else {
            return self.own(text, mutant);
        };
        let Some(Around::Call { name, .. }) = mutant.around.get(call) else { return false };
        let inside = &mutant.around[call + 1..];
        if inside.contains(&Around::Other) {
            return self.own(text, mutant);
        }
        let path: Vec<&str> = inside
            .iter()
            .filter_map(|around| match around {
                Around::Key(name) => Some(name.as_str()),
                _ => None,
            })
            .collect();
        if let Some(rows) = self.rows.get(name.as_str()) {
            return rows.iter().all(|row| row.body != Body::Free && is_closed(row, &path));
        }
        match path.as_slice() {
            [key] => {
                let takes = |form: &beadle::engine::Entry| form.options.iter().any(|option| option == key);
                Index::functions(name).iter().any(takes) || self.own(text, mutant)
            }
            _ => self.own(text, mutant),
        }
    }

    /// A key of the script's own: where the name is read, and comes from nowhere else.
    fn own(&self, text: &str, mutant: &Mutant) -> bool {
        let name = &text[mutant.span.clone()];
        let (keys, read) = uses(text, name);
        read && keys == 1 && !self.given.contains(name)
    }

    fn retyped(&self, text: &str, mutant: &Mutant) -> bool {
        let (kind, value) = if mutant.with == "5" {
            (Kind::Int, Value::Int(5))
        } else {
            (Kind::Text, Value::from(mutant.with.trim_matches('"')))
        };
        if let Some((operator, left)) = &mutant.operator {
            return self.nothing_goes_with(operator, *left, &mutant.with);
        }
        if !stands_alone(text, mutant) {
            return false;
        }
        let Some(call) = mutant.around.iter().rposition(|around| matches!(around, Around::Call { .. })) else {
            return false;
        };
        let Some(Around::Call { name, method, argument, .. }) = mutant.around.get(call) else { return false };
        let inside = &mutant.around[call + 1..];
        if inside.is_empty() {
            if let Some(rows) = self.rows.get(name.as_str()) {
                return rows
                    .iter()
                    .all(|row| row.path_params().nth(*argument).is_some_and(|param| refuses(row, param, &value)));
            }
            if self.defined.iter().any(|(defined, _)| defined == name) {
                return false;
            }
            let at = argument + usize::from(*method);
            let takes = mutant.arguments + usize::from(*method);
            let forms: Vec<_> = Index::functions(name).iter().filter(|form| form.takes.len() == takes).collect();
            return !forms.is_empty()
                && forms.iter().all(|form| form.takes.get(at).is_some_and(|wanted| !kind.fits(*wanted)));
        }
        // The value of a parameter.
        let [Around::Key(key)] = inside else { return false };
        let Some(rows) = self.rows.get(name.as_str()) else { return false };
        rows.iter().all(|row| {
            row.map_params().find(|param| param.is_called(key)).is_some_and(|param| refuses(row, param, &value))
        })
    }

    /// Whether an operator takes a literal beside no kind of value.
    fn nothing_goes_with(&self, operator: &str, left: bool, literal: &str) -> bool {
        let others = ["1", "1.5", "\"a\"", "'a'", "true", "()", "[1]", "#{ a: 1 }", "1..2"];
        // Times and lengths are values of the host's own: they go with each other and with texts.
        let mut takes_text = operator == "+" && !literal.starts_with(|c: char| c.is_ascii_digit());
        for other in others {
            let text =
                if left { format!("{literal} {operator} {other}") } else { format!("{other} {operator} {literal}") };
            takes_text |= self.rhai.eval_expression::<rhai::Dynamic>(&text).is_ok();
        }
        !takes_text
    }
}

/// Whether the row refuses a name that it does not know, where the path leads.
fn is_closed(row: &Row, path: &[&str]) -> bool {
    let mut params: &[Param] = row.params;
    for (depth, key) in path.iter().enumerate() {
        let Some(param) = params.iter().find(|param| param.is_called(key) && param.place != Place::Path) else {
            return false;
        };
        if depth + 1 == path.len() {
            return true;
        }
        if param.fields.is_empty() || param.open || param.pick {
            return false;
        }
        params = param.fields;
    }
    false
}

/// Whether binding has something to say of this value of a parameter.
fn refuses(row: &'static Row, param: &Param, value: &Value) -> bool {
    let (paths, map) = if param.place == Place::Path {
        let paths = row.path_params().map(|other| if other.name == param.name { value.clone() } else { sample(other) });
        (paths.collect(), Map::new())
    } else {
        (row.path_params().map(sample).collect::<Vec<_>>(), Map::from([(param.name.to_owned(), value.clone())]))
    };
    bind(row, paths, map).is_err_and(|fault| fault.message.contains(&format!("'{}' must", param.name)))
}

/// A value that the parameter takes.
fn sample(param: &'static Param) -> Value {
    if let Some(choice) = param.choices.first() {
        return Value::from(serde_json::from_str::<serde_json::Value>(choice).unwrap());
    }
    match param.ty {
        Type::Int => Value::Int(param.min.unwrap_or(1).max(1)),
        _ => Value::from("abc"),
    }
}
