//! Calls of appliances: which row a call is, whether its arguments fit, what it does, what it gives.

use rhai::{Expr, Position};

use crate::catalog::bind::look::{Look, Mistake, Sketch, Sort, look};
use crate::catalog::{Callable, Effect, Form, Row, Shape, Type, signature};
use crate::engine::check::appliances::{Appliances, Candidate};
use crate::engine::check::arguments::Arguments;
use crate::engine::check::fact::{Answer, Fact};
use crate::engine::check::finding::{Code, Finding};
use crate::engine::check::walk::Walk;
use crate::engine::kind::Kind;
use crate::nearest::nearest;
use crate::value::Value;

impl<'p> Walk<'p> {
    /// A call on a receiver that is a target, or may be one.
    pub(super) fn on_receiver(&mut self, receiver: &Fact, name: &str, written: &'p [Expr], position: Position) -> Fact {
        let any = Appliances::Any;
        let (appliances, certain) = match receiver {
            Fact::Target(appliances) => (appliances, true),
            _ => (&any, receiver.kind() == Some(Kind::Target)),
        };
        let arguments = self.arguments(written, None);
        let premises = self.premises;
        let candidates = appliances.candidates(premises);
        let having: Vec<&Candidate<'_>> =
            candidates.iter().filter(|candidate| !candidate.callables(name).is_empty()).collect();
        if having.is_empty() {
            self.follow_closures(&arguments);
            if self.quiet == 0 && !candidates.is_empty() {
                self.no_call(appliances, name, written.len(), certain, position);
            }
            return Fact::Anything;
        }
        let lacking = |candidate: &&Candidate<'_>| {
            candidate.callables(name).iter().find_map(|callable| candidate.lacking(callable))
        };
        let reasons: Vec<String> = having.iter().filter_map(lacking).collect();
        if reasons.len() == having.len()
            && let (Some(reason), Some((target, _))) = (reasons.first(), having.first().and_then(|one| one.target))
        {
            self.say(Code::UnavailableCall, position, format!("'{target}' does not have {name}: {reason}"));
        }
        let wanted = arguments.closures.last().is_some_and(Option::is_some)
            || arguments.facts.last().is_some_and(|fact| fact.kind() == Some(Kind::Function));
        let mut rows: Vec<Callable> = Vec::new();
        for callable in having.iter().flat_map(|candidate| candidate.callables(name)) {
            let same = |known: &Callable| std::ptr::eq(known.row, callable.row) && known.form == callable.form;
            if (callable.form == Form::Update) == wanted && !rows.iter().any(same) {
                rows.push(callable);
            }
        }
        if rows.is_empty() {
            self.follow_closures(&arguments);
            if self.quiet == 0 {
                self.wrong_form(name, wanted, position);
            }
            return Fact::Anything;
        }
        self.of_rows(name, &rows, arguments, position)
    }

    fn of_rows(&mut self, name: &str, rows: &[Callable], arguments: Arguments<'p>, position: Position) -> Fact {
        let gives = rows.iter().fold(Fact::Never, |gives, callable| gives.join(answer(callable)));
        if let Some(update) = arguments.closures.last().and_then(|closure| *closure) {
            self.expect_arity(update, 1, name);
            self.followed(update, None, false);
        }
        let rest = arguments.closures.len().saturating_sub(1);
        for closure in arguments.closures.iter().take(rest).flatten() {
            self.followed(closure, None, false);
        }
        if self.quiet > 0 {
            return gives;
        }
        let at = self.at(position);
        let looked = |callable: &Callable| {
            let given: &[Sketch] = match callable.form {
                Form::Update => arguments.sketches.split_last().map_or(&[], |(_, rest)| rest),
                Form::Call | Form::Pages => &arguments.sketches,
            };
            (*callable, look(callable, given, at))
        };
        let looks: Vec<(Callable, Look)> = rows.iter().map(looked).collect();
        // Where it may be one of several calls, a mistake must be one for each of them.
        if looks.iter().all(|(_, look)| !look.mistakes.is_empty())
            && let Some((callable, look)) = looks.first()
        {
            for mistake in &look.mistakes {
                self.mistaken(callable, mistake);
            }
        }
        self.effect(name, looks.iter().map(|(_, look)| look.effect).min().unwrap_or(Effect::Read), position);
        gives
    }

    fn mistaken(&mut self, callable: &Callable, mistake: &Mistake) {
        let position = self.places.get(mistake.at).copied().unwrap_or(Position::NONE);
        let code = match mistake.sort {
            Sort::Count => Code::WrongArguments,
            Sort::Unknown => Code::UnknownParameter,
            Sort::Missing => Code::MissingParameter,
            Sort::Value => Code::WrongValue,
            Sort::Rule => Code::BrokenRule,
        };
        let row = callable.row;
        // The names that there are fill lines: they stand in the hint.
        let (message, names) = match mistake.message.split_once(" is not a parameter.") {
            Some((name, rest)) => {
                let names = rest.split_once("There are: ").map_or("", |(_, names)| names);
                (format!("{name} is not a parameter of {}", row.name), Some(names.to_owned()))
            }
            None => (mistake.message.clone(), None),
        };
        let finding = Finding::new(code, self.place(position), message).nearest(mistake.nearest);
        self.note(match names {
            Some(names) => finding.hint(format!("there are: {names}")),
            None => finding.signature(Some(brief(row))),
        });
    }

    fn no_call(&mut self, appliances: &Appliances, name: &str, count: usize, certain: bool, position: Position) {
        if !certain {
            self.no_function(name, count, position);
            return;
        }
        let candidates = appliances.candidates(self.premises);
        let vendors = appliances.vendors(self.premises).join(", ");
        let message = match candidates.as_slice() {
            [Candidate { target: Some((target, _)), vendor }] => {
                format!("'{target}' is of vendor {}, which has no call '{name}'", vendor.id)
            }
            _ if *appliances == Appliances::Any => format!("no vendor has a call '{name}'"),
            _ => format!("the target is of vendor {vendors}, which has no call '{name}'"),
        };
        let rows = || candidates.iter().flat_map(|candidate| candidate.vendor.rows);
        let names: Vec<String> = rows()
            .flat_map(|row| Form::ALL.map(|form| Callable { row, form }))
            .filter_map(|callable| callable.name())
            .collect();
        let near = nearest(name, names.iter().map(String::as_str));
        let row = near.and_then(|near| rows().find(|row| row.name == near || row.update == near));
        let elsewhere = self.index.calls(name).next().map(|callable| callable.row.vendor);
        let finding = Finding::new(Code::UnknownCall, self.place(position), message)
            .nearest(near.map(str::to_owned))
            .signature(row.map(brief));
        self.note(match elsewhere {
            Some(vendor) => finding.hint(format!("it is a call of {vendor}")),
            None => finding,
        });
    }

    fn wrong_form(&mut self, name: &str, function: bool, position: Position) {
        let message = if function {
            format!("{name} takes no function")
        } else {
            format!("{name} takes a function as its last argument: |it| {{ …; it }}")
        };
        self.say(Code::WrongArguments, position, message);
    }

    /// Notes what the header does not declare. A function that the script does not come to is let
    /// alone: a module may do more than this script asks of it.
    fn effect(&mut self, name: &str, effect: Effect, position: Position) {
        if !self.reached {
            return;
        }
        let Some(effects) = self.premises.effects.as_ref().filter(|effects| !effects.contains(&effect)) else { return };
        let declared = effects.iter().map(|effect| effect.name()).collect::<Vec<_>>().join(", ");
        let message =
            format!("{effect} is not among the effects that the header declares ({declared}), and {name} is one");
        let finding = Finding::new(Code::UndeclaredEffect, self.place(position), message);
        self.note(finding.hint(format!(
            "add \"{effect}\" to `effects` under [policy] in the header, if the playbook should be able to do this"
        )));
    }

    /// `target.request(method, path, …)`: what it does, where that is certain.
    pub(super) fn raw_request(&mut self, facts: &[Fact], position: Position) {
        let text = |at: usize| match facts.get(at) {
            Some(Fact::Literal(Value::Text(text))) => Some(text.as_str()),
            _ => None,
        };
        let (Some(Fact::Target(appliances)), Some(method)) = (facts.first(), text(1)) else { return };
        let candidates = appliances.candidates(self.premises);
        let effect = |candidate: &Candidate<'_>| {
            let row = text(2).and_then(|path| self.premises.catalog().match_raw(candidate.vendor.id, method, path));
            match (row, method.to_ascii_uppercase().as_str()) {
                (Some(row), _) => row.effect,
                // A path that is not known may be that of a call which only reads.
                (None, _) if text(2).is_none() => Effect::Read,
                (None, "GET" | "HEAD") => Effect::Read,
                (None, "DELETE") => Effect::Destroy,
                (None, _) => Effect::Change,
            }
        };
        if let Some(least) = candidates.iter().map(effect).min().filter(|effect| *effect != Effect::Read) {
            self.effect("this request", least, position);
        }
    }
}

/// How a call is written; where it takes many parameters, with the required ones alone.
fn brief(row: &'static Row) -> String {
    let whole = signature(row);
    if whole.len() <= 100 {
        return whole;
    }
    let paths = row.path_params().map(|param| param.name.to_owned());
    let required = row.map_params().filter(|param| param.required && param.default.is_none()).map(|param| param.name);
    let map = format!("#{{ {} }}", required.chain(["…"]).collect::<Vec<_>>().join(", "));
    format!("{}({})", row.name, paths.chain([map]).collect::<Vec<_>>().join(", "))
}

/// What a call gives, as far as its row knows.
fn answer(callable: &Callable) -> Fact {
    let row = callable.row;
    let object = |at: &str| {
        if row.answer.fields.is_empty() { Fact::Anything } else { Fact::Answer(Answer { row, at: at.to_owned() }) }
    };
    let fact = match (callable.form, row.answer.shape, row.paging) {
        (Form::Update, ..) => Fact::Anything,
        // Pages are walked through, and are no array.
        (Form::Pages, ..) => Fact::Anything,
        (Form::Call, Shape::Object, _) => object(""),
        (Form::Call, Shape::List, _) => Fact::array(object("")),
        (Form::Call, Shape::Download, _) => Fact::map(
            [("path", Kind::Text), ("size", Kind::Int), ("sha256", Kind::Text)]
                .map(|(name, kind)| (name, Fact::Kind(kind))),
        ),
        (Form::Call, ..) => Fact::Anything,
    };
    if row.answer.may_be_empty { fact.or_unit() } else { fact }
}

/// What is known of a field of an answer; `None` where the row does not know it.
pub(super) fn field(row: &'static Row, path: &str) -> Option<Fact> {
    let below = format!("{path}.");
    let object = || Fact::Answer(Answer { row, at: path.to_owned() });
    let has_more = row.answer.fields.iter().any(|field| field.name.starts_with(&below));
    let known = row.answer.fields.iter().find(|field| field.name == path);
    match known.map(|field| field.ty) {
        Some(Type::List(Type::Object)) if has_more => Some(Fact::array(object())),
        Some(Type::Object) if has_more => Some(object()),
        Some(_) => Some(Fact::Anything),
        // A list of objects is not told from an object by its fields alone.
        None => has_more.then_some(Fact::Anything),
    }
}

/// The members that an object of an answer has, if the row names more than what is remarkable of it.
pub(super) fn complete(row: &'static Row, at: &str) -> Option<Vec<&'static str>> {
    let below = |name: &'static str| if at.is_empty() { Some(name) } else { name.strip_prefix(at)?.strip_prefix('.') };
    let fields = row.answer.fields.iter().filter_map(|field| Some((below(field.name)?, field)));
    let mut plain = false;
    let mut names: Vec<&str> = Vec::new();
    for (name, field) in fields {
        plain |= !name.contains('.') && !field.secret && !field.volatile && !field.optional;
        names.push(name.split('.').next().unwrap_or(name));
    }
    names.dedup();
    plain.then_some(names)
}
