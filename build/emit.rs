//! Rows as Rust source.

use crate::catalog::row::{
    Answer, Before, Condition, Example, Field, Harm, Inverse, LostAnswer, Param, Refusal, Row, Rule, Type, Vendor,
};

/// A vendor as a `static` item called `name`.
pub fn vendor(name: &str, vendor: &Vendor) -> String {
    let rows = list(vendor.rows, row);
    format!(
        "static {name}: Vendor = Vendor {{ id: {:?}, title: {:?}, base: {:?}, auth: &{:?}, query_raw: {:?}, refusal: {}, rows: {rows} }};\n",
        vendor.id,
        vendor.title,
        vendor.base,
        vendor.auth,
        vendor.query_raw,
        option(vendor.refusal.as_ref(), refusal)
    )
}

fn row(row: &Row) -> String {
    format!(
        "Row {{ vendor: {:?}, name: {:?}, method: {:?}, base: {:?}, path: {:?}, kind: Kind::{:?}, effect: Effect::{:?}, \
         raises: {}, area: {:?}, summary: {:?}, doc: {:?}, keywords: &{:?}, params: {}, rules: {}, body: Body::{:?}, \
         answer: {}, lost_answer: {}, inverse: {}, before: {}, items: &{:?}, job: {:?}, since: {:?}, until: {:?}, \
         slow: {:?}, source: {:?}, confidence: Confidence::{:?}, experimental: {:?}, example: {} }}",
        row.vendor,
        row.name,
        row.method,
        row.base,
        row.path,
        row.kind,
        row.effect,
        list(row.raises, |raise| format!(
            "Raise {{ param: {:?}, equals: {:?}, effect: Effect::{:?} }}",
            raise.param, raise.equals, raise.effect
        )),
        row.area,
        row.summary,
        row.doc,
        row.keywords,
        list(row.params, param),
        list(row.rules, rule),
        row.body,
        answer(&row.answer),
        match row.lost_answer {
            LostAnswer::Verify(read) => format!("LostAnswer::Verify({read:?})"),
            other => format!("LostAnswer::{other:?}"),
        },
        option(row.inverse.as_ref(), inverse),
        option(row.before.as_ref(), |Before { call, args }| format!("Before {{ call: {call:?}, args: &{args:?} }}")),
        row.items,
        row.job,
        row.since,
        row.until,
        row.slow,
        row.source,
        row.confidence,
        row.experimental,
        option(row.example.as_ref(), |Example { script, answer }| format!(
            "Example {{ script: {script:?}, answer: {answer:?} }}"
        )),
    )
}

fn param(param: &Param) -> String {
    format!(
        "Param {{ name: {:?}, wire: {:?}, place: Place::{:?}, ty: {}, required: {:?}, required_if: {}, default: {:?}, \
         min: {:?}, max: {:?}, choices: &{:?}, forbid: {:?}, secret: {:?}, pick: {:?}, harms: {}, fields: {}, doc: {:?} }}",
        param.name,
        param.wire,
        param.place,
        type_of(param.ty),
        param.required,
        option(param.required_if.as_ref(), |Condition { param, equals }| format!(
            "Condition {{ param: {param:?}, equals: &{equals:?} }}"
        )),
        param.default,
        param.min,
        param.max,
        param.choices,
        param.forbid,
        param.secret,
        param.pick,
        option(param.harms.as_ref(), |harm| match harm {
            Harm::Ranges { start, prefix, end } =>
                format!("Harm::Ranges {{ start: {start:?}, prefix: {prefix:?}, end: {end:?} }}"),
            other => format!("Harm::{other:?}"),
        }),
        list(param.fields, self::param),
        param.doc,
    )
}

fn answer(answer: &Answer) -> String {
    format!(
        "Answer {{ shape: Shape::{:?}, fields: {}, refusal: {}, may_be_empty: {:?} }}",
        answer.shape,
        list(answer.fields, |field: &Field| format!(
            "Field {{ name: {:?}, ty: {}, optional: {:?}, volatile: {:?}, secret: {:?}, doc: {:?} }}",
            field.name,
            type_of(field.ty),
            field.optional,
            field.volatile,
            field.secret,
            field.doc
        )),
        option(answer.refusal.as_ref(), refusal),
        answer.may_be_empty,
    )
}

fn refusal(refusal: &Refusal) -> String {
    format!("Refusal {{ pattern: {:?}, fields: &{:?} }}", refusal.pattern, refusal.fields)
}

fn rule(rule: &Rule) -> String {
    match rule {
        Rule::AnyOf(names) => format!("Rule::AnyOf(&{names:?})"),
        Rule::OneOf(names) => format!("Rule::OneOf(&{names:?})"),
        Rule::Together(names) => format!("Rule::Together(&{names:?})"),
        Rule::Ordered(low, high) => format!("Rule::Ordered({low:?}, {high:?})"),
    }
}

fn inverse(inverse: &Inverse) -> String {
    match inverse {
        Inverse::Swap(one, other) => format!("Inverse::Swap({one:?}, {other:?})"),
        Inverse::Call(name, args) => format!("Inverse::Call({name:?}, &{args:?})"),
        Inverse::Replace => "Inverse::Replace".into(),
    }
}

fn type_of(ty: Type) -> String {
    match ty {
        Type::Time(form) => format!("Type::Time(TimeForm::{form:?})"),
        Type::List(inner) => format!("Type::List(&{})", type_of(*inner)),
        other => format!("Type::{other:?}"),
    }
}

fn option<T>(value: Option<T>, emit: impl Fn(T) -> String) -> String {
    value.map_or_else(|| "None".into(), |value| format!("Some({})", emit(value)))
}

fn list<T>(items: &[T], emit: impl Fn(&T) -> String) -> String {
    format!("&[{}]", items.iter().map(emit).collect::<Vec<_>>().join(", "))
}
