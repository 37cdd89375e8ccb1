//! From checked specs to rows. Rows live as long as the process: their parts are leaked.

use toml::{Table, Value};

use crate::catalog::row::{
    Answer, Before, Body, Condition, Confidence, Edit, EditHow, Effect, Example, Field, Harm, Inverse, Kind,
    LostAnswer, PageStyle, Paging, Param, Place, Raise, Refusal, Row, Rule, Shape, TimeForm, Type, Vendor,
};

use crate::catalog::rows::Rows;

use super::spec::{
    AnswerSpec, CallSpec, ConditionSpec, EditSpec, FieldSpec, HarmSpec, InverseSpec, ParamSpec, RaiseSpec, RefusalSpec,
    RuleSpec, Spec,
};
use super::text::{Mistake, json_of, read};
use super::words::{placeholders, wire_name};

/// Reads, checks and builds a vendor from the text of its catalog file.
///
/// A file whose vendor is among `present` completes it: its base and its way to refuse hold for
/// the file's calls too, and they may name its calls. The answer has the file's calls alone.
///
/// # Errors
/// Every mistake with its line.
pub fn vendor(text: &str, present: &[&'static Vendor]) -> Result<&'static Vendor, Vec<Mistake>> {
    let spec = read(text).map_err(|mistake| vec![mistake])?;
    let present = present.iter().copied().find(|vendor| vendor.id == spec.id);
    let calls = super::expand(&spec, text)?;
    let mistakes = super::check(text, &spec, &calls, present);
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    let base = text_of(spec.base.as_deref().or(present.map(|vendor| vendor.base)).unwrap_or_default());
    let refusal = spec.refusal.as_ref().map(refusal).or_else(|| present?.refusal.clone());
    let missing = spec.missing.as_deref().map(text_of);
    let at = match present {
        Some(vendor) if spec.at.is_empty() => vendor.at,
        _ => text_of(&spec.at),
    };
    let present = present.map(|vendor| vendor.rows).unwrap_or_default();
    let head = Head {
        spec: &spec,
        calls: &calls,
        present,
        id: text_of(&spec.id),
        base,
        missing,
        at,
        refusal: refusal.as_ref(),
    };
    let mut rows = Vec::with_capacity(calls.len());
    let mut mistakes = Vec::new();
    for (line, call) in &calls {
        match row(&head, call) {
            Ok(row) => rows.push(row),
            Err(message) => mistakes.push(Mistake { line: *line, message: format!("{}: {message}", call.name) }),
        }
    }
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    Ok(Box::leak(Box::new(Vendor {
        id: head.id,
        title: text_of(&spec.title),
        base,
        auth: texts(&spec.auth),
        auth_header: text_of(&spec.auth_header),
        products: texts(&spec.products),
        accept: text_of(&spec.accept),
        at,
        query_raw: text_of(&spec.query_raw),
        refusal,
        rows: Rows::loaded(rows),
    })))
}

/// What the calls of a file share.
struct Head<'a> {
    spec: &'a Spec,
    calls: &'a [(usize, CallSpec)],
    /// The calls of the vendor that the file completes.
    present: Rows,
    id: &'static str,
    base: &'static str,
    missing: Option<&'static str>,
    at: &'static str,
    refusal: Option<&'a Refusal>,
}

impl Head<'_> {
    /// Base and path of the call of that name.
    fn path_of(&self, name: &str) -> Option<String> {
        let own = self.calls.iter().find(|(_, call)| call.name == name).map(|(_, call)| self.full_path(call));
        own.or_else(|| self.present.named(name)?.row().map(|row| format!("{}{}", row.base, row.path)))
    }

    fn full_path(&self, call: &CallSpec) -> String {
        format!("{}{}", call.base.as_deref().unwrap_or(self.base), call.path)
    }
}

fn row(head: &Head<'_>, call: &CallSpec) -> Result<Row, String> {
    let spec = head.spec;
    let effect = Effect::from_name(&call.effect).unwrap_or(Effect::Destroy);
    let mut params = params(spec, &call.params, Some(call), None)?;
    // Path parameters come first, in the order of the path.
    params.sort_by_key(|param| match param.place {
        Place::Path => call.path.find(&format!("{{{}}}", param.wire)).unwrap_or(usize::MAX - 1),
        _ => usize::MAX,
    });
    let in_body = |place: Place| params.iter().any(|param| param.place == place);
    let body = match call.body.as_deref() {
        Some("none") => Body::None,
        Some("free") => Body::Free,
        Some("form") => Body::Form,
        Some("multipart") => Body::Multipart,
        Some("json") => Body::Json,
        Some("file") => Body::File,
        _ if in_body(Place::Part) => Body::Multipart,
        _ if in_body(Place::Form) => Body::Form,
        _ if in_body(Place::Body) => Body::Json,
        _ => Body::None,
    };
    let confidence = match call.confidence.as_str() {
        "seed" => Confidence::Seed,
        "documented" => Confidence::Documented,
        "client" => Confidence::Client,
        _ => Confidence::Inferred,
    };
    Ok(Row {
        vendor: head.id,
        name: text_of(&call.name),
        method: text_of(&call.method),
        base: call.base.as_deref().map_or(head.base, text_of),
        path: text_of(&call.path),
        kind: match call.kind.as_deref() {
            Some("staged") => Kind::Staged,
            Some("session") => Kind::Session,
            _ => Kind::Call,
        },
        effect,
        raises: leak(call.raises.iter().map(raise).collect()),
        area: text_of(&call.area),
        summary: text_of(&call.summary),
        doc: text_of(&call.doc),
        keywords: texts(&call.keywords),
        params: leak(params),
        rules: leak(call.rules.iter().map(rule).collect()),
        body,
        wrap: text_of(&call.wrap),
        content_type: text_of(&call.content_type),
        chunked: call.chunked,
        anonymous: call.anonymous,
        on: texts(&call.on),
        paging: call.paging.as_ref().map(|paging| Paging {
            style: match paging.style.as_str() {
                "slots" => PageStyle::Slots,
                "numbers" => PageStyle::Numbers,
                "links" => PageStyle::Links,
                _ => PageStyle::Total,
            },
            items: text_of(&paging.items),
            size: paging.size,
        }),
        update: text_of(&call.update),
        missing: head.missing,
        alternate: call.alternate.as_deref().map(text_of),
        answer: answer(&call.answer, head.refusal.filter(|_| effect != Effect::Read))?,
        lost_answer: lost_answer(call.lost_answer.as_deref()),
        inverse: call.inverse.as_ref().and_then(inverse),
        before: call.before.as_ref().map(|before| Before {
            call: text_of(&before.call),
            args: pairs(&before.args),
            at: before.at.as_deref().map_or(head.at, text_of),
            same: head.path_of(&before.call).is_some_and(|path| path == head.full_path(call)),
        }),
        edits: leak(call.edits.iter().map(edit).collect()),
        items: texts(&call.items),
        job: call.job,
        since: call.since.as_deref().map(text_of),
        until: call.until.as_deref().map(text_of),
        slow: call.slow,
        source: text_of(&call.source),
        confidence,
        experimental: confidence == Confidence::Inferred,
        example: call
            .example
            .as_ref()
            .map(|example| Example { script: text_of(example.script.trim()), answer: text_of(example.answer.trim()) }),
    })
}

fn params(spec: &Spec, table: &Table, call: Option<&CallSpec>, parent: Option<Place>) -> Result<Vec<Param>, String> {
    let mut params = Vec::with_capacity(table.len());
    for (name, value) in table {
        let param: ParamSpec =
            value.clone().try_into().map_err(|error: toml::de::Error| format!("'{name}': {}", error.message()))?;
        let wire = wire_name(spec.wire_case, name, &param);
        let on_path = call.is_some_and(|call| placeholders(&call.path).any(|placeholder| placeholder == wire));
        let place = match (param.place.as_deref(), parent) {
            (_, Some(parent)) => parent,
            (Some("path"), _) => Place::Path,
            (Some("query"), _) => Place::Query,
            (Some("body"), _) => Place::Body,
            (Some("header"), _) => Place::Header,
            (Some("form"), _) => Place::Form,
            (Some("part"), _) => Place::Part,
            _ if on_path => Place::Path,
            _ if call.is_some_and(|call| matches!(call.method.as_str(), "GET" | "HEAD" | "DELETE")) => Place::Query,
            _ if call.is_some_and(|call| call.body.as_deref() == Some("form")) => Place::Form,
            _ => Place::Body,
        };
        let word = param.ty.as_deref().unwrap_or(if on_path { "int" } else { "string" });
        let choices: Vec<String> = param.choices.iter().map(json_of).collect();
        params.push(Param {
            name: text_of(name),
            wire: text_of(&wire),
            place,
            ty: type_of(word),
            required: param.required || place == Place::Path,
            required_if: param.required_if.as_ref().map(condition),
            default: param.default.as_ref().map(|value| text_of(&json_of(value))),
            min: param.min,
            max: param.max,
            choices: texts(&choices),
            forbid: text_of(&param.forbid),
            secret: param.secret,
            pick: param.pick,
            open: param.open,
            root: param.root,
            join: text_of(&param.join),
            plus: param.plus,
            harms: param.harms.as_ref().map(harm),
            fields: leak(self::params(spec, &param.fields, None, Some(place))?),
            doc: text_of(&param.doc),
        });
    }
    Ok(params)
}

fn type_of(word: &str) -> Type {
    if let Some(inner) = word.strip_prefix('[').and_then(|word| word.strip_suffix(']')) {
        return Type::List(Box::leak(Box::new(type_of(inner))));
    }
    match word {
        "int" => Type::Int,
        "float" => Type::Float,
        "bool" => Type::Bool,
        "flag" => Type::Flag,
        "pem" => Type::Pem,
        "file" => Type::File,
        "time:epoch" => Type::Time(TimeForm::EpochSeconds),
        "time:millis" => Type::Time(TimeForm::EpochMillis),
        "time:iso" => Type::Time(TimeForm::Iso),
        "time:minute" => Type::Time(TimeForm::IsoMinute),
        "time:hour" => Type::Time(TimeForm::IsoHour),
        "time:minute-end" => Type::Time(TimeForm::IsoMinuteEnd),
        "time:hour-end" => Type::Time(TimeForm::IsoHourEnd),
        "time:date" => Type::Time(TimeForm::Date),
        "address" => Type::Address,
        "regex" => Type::Regex,
        "object" => Type::Object,
        "any" => Type::Any,
        _ => Type::String,
    }
}

fn answer(spec: &AnswerSpec, of_vendor: Option<&Refusal>) -> Result<Answer, String> {
    let mut fields = Vec::with_capacity(spec.fields.len());
    for (name, value) in &spec.fields {
        let field: FieldSpec = match value {
            Value::String(ty) => FieldSpec { ty: ty.clone(), ..FieldSpec::default() },
            other => other
                .clone()
                .try_into()
                .map_err(|error: toml::de::Error| format!("answer field '{name}': {}", error.message()))?,
        };
        fields.push(Field {
            name: text_of(name),
            ty: type_of(&field.ty),
            optional: field.optional,
            volatile: field.volatile,
            secret: field.secret,
            doc: text_of(&field.doc),
        });
    }
    Ok(Answer {
        shape: match spec.shape.as_deref() {
            Some("none") => Shape::None,
            Some("object") => Shape::Object,
            Some("list") => Shape::List,
            Some("text") => Shape::Text,
            Some("download") => Shape::Download,
            _ => Shape::Any,
        },
        fields: leak(fields),
        refusal: spec.refusal.as_ref().map(refusal).or_else(|| of_vendor.cloned()),
        accepts: leak(spec.accepts.clone()),
        may_be_empty: spec.may_be_empty,
    })
}

fn refusal(spec: &RefusalSpec) -> Refusal {
    Refusal { pattern: text_of(&spec.pattern), fields: texts(&spec.fields) }
}

fn raise(spec: &RaiseSpec) -> Raise {
    Raise {
        param: text_of(&spec.param),
        equals: spec.equals.as_ref().map(|value| text_of(&json_of(value))),
        effect: Effect::from_name(&spec.effect).unwrap_or(Effect::Destroy),
    }
}

fn rule(spec: &RuleSpec) -> Rule {
    match spec {
        RuleSpec::AnyOf(names) => Rule::AnyOf(texts(names)),
        RuleSpec::OneOf(names) => Rule::OneOf(texts(names)),
        RuleSpec::Together(names) => Rule::Together(texts(names)),
        RuleSpec::Needs(names) => Rule::Needs(texts(names)),
        RuleSpec::Ordered(low, high) => Rule::Ordered(text_of(low), text_of(high)),
    }
}

fn condition(spec: &ConditionSpec) -> Condition {
    let values: Vec<String> = spec.equals.iter().map(json_of).collect();
    Condition { param: text_of(&spec.param), equals: texts(&values) }
}

fn harm(spec: &HarmSpec) -> Harm {
    match spec {
        HarmSpec::Network => Harm::Network,
        HarmSpec::Domain => Harm::Domain,
        HarmSpec::Address => Harm::Address,
        HarmSpec::Account => Harm::Account,
        HarmSpec::Regex => Harm::Regex,
        HarmSpec::Ranges { start, prefix, end } => {
            Harm::Ranges { start: text_of(start), prefix: text_of(prefix), end: text_of(end) }
        }
    }
}

fn inverse(spec: &InverseSpec) -> Option<Inverse> {
    match spec {
        InverseSpec::None => None,
        InverseSpec::Swap(one, other) => Some(Inverse::Swap(text_of(one), text_of(other))),
        InverseSpec::Call { name, args } => Some(Inverse::Call(text_of(name), pairs(args))),
        InverseSpec::Replace => Some(Inverse::Replace(&[])),
        InverseSpec::ReplaceWithout(members) => Some(Inverse::Replace(texts(members))),
    }
}

fn edit(spec: &EditSpec) -> Edit {
    Edit {
        list: text_of(&spec.list),
        with: text_of(&spec.with),
        key: texts(&spec.key),
        how: match spec.how.as_str() {
            "remove" => EditHow::Remove,
            "put" => EditHow::Put,
            _ => EditHow::Add,
        },
        under: text_of(&spec.under),
        also: texts(&spec.also),
        when: spec.when.as_ref().map(condition),
    }
}

fn lost_answer(word: Option<&str>) -> LostAnswer {
    match word {
        Some("detectable") => LostAnswer::Detectable,
        Some("never") => LostAnswer::Never,
        Some(other) if other != "idempotent" => {
            LostAnswer::Verify(text_of(other.strip_prefix("verify ").unwrap_or(other)))
        }
        // A read may always be sent again; every other call has said so.
        _ => LostAnswer::Idempotent,
    }
}

fn pairs(table: &Table) -> &'static [(&'static str, &'static str)] {
    leak(table.iter().map(|(name, value)| (text_of(name), text_of(value.as_str().unwrap_or_default()))).collect())
}

fn text_of(text: &str) -> &'static str {
    if text.is_empty() { "" } else { Box::leak(text.to_owned().into_boxed_str()) }
}

fn texts(list: &[String]) -> &'static [&'static str] {
    leak(list.iter().map(|text| text_of(text)).collect())
}

fn leak<T>(list: Vec<T>) -> &'static [T] {
    Box::leak(list.into_boxed_slice())
}
