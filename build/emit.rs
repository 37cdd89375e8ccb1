//! Rows as Rust source.

use std::collections::HashMap;

use crate::catalog::row::{
    Answer, Before, Condition, Edit, Example, Field, Harm, Inverse, LostAnswer, Param, Refusal, Row, Rule, Type, Vendor,
};

/// Lists that occur more than once, each written once: five hundred reports share their parameters.
#[derive(Default)]
struct Shared {
    names: HashMap<String, String>,
    items: String,
    prefix: String,
}

impl Shared {
    /// The name of a static with this content.
    fn intern(&mut self, ty: &str, content: String) -> String {
        if content == "&[]" {
            return content;
        }
        if let Some(name) = self.names.get(&content) {
            return name.clone();
        }
        let name = format!("{}_{}", self.prefix, self.names.len());
        self.items.push_str(&format!("static {name}: &[{ty}] = {content};\n"));
        self.names.insert(content, name.clone());
        name
    }
}

/// A vendor as a `static` item called `name`.
pub fn vendor(name: &str, vendor: &Vendor) -> String {
    let mut shared = Shared { prefix: name.to_owned(), ..Shared::default() };
    let rows = vendor.rows.iter().map(|each| row(each, &mut shared)).collect::<Vec<_>>().join(", ");
    let rows = format!("&[{rows}]");
    let item = format!(
        "static {name}: Vendor = Vendor {{ id: {:?}, title: {:?}, base: {:?}, auth_header: {:?}, products: &{:?}, accept: {:?}, at: {:?}, auth: &{:?}, query_raw: {:?}, refusal: {}, rows: {rows} }};\n",
        vendor.id,
        vendor.title,
        vendor.base,
        vendor.auth_header,
        vendor.products,
        vendor.accept,
        vendor.at,
        vendor.auth,
        vendor.query_raw,
        option(vendor.refusal.as_ref(), refusal)
    );
    format!("{}{item}", shared.items)
}

fn row(row: &Row, shared: &mut Shared) -> String {
    let params = params(row.params, shared);
    let fields = list(row.answer.fields, |field: &Field| {
        format!(
            "Field {{ name: {:?}, ty: {}, optional: {:?}, volatile: {:?}, secret: {:?}, doc: {:?} }}",
            field.name,
            type_of(field.ty),
            field.optional,
            field.volatile,
            field.secret,
            field.doc
        )
    });
    let fields = shared.intern("Field", fields);
    format!(
        "Row {{ vendor: {:?}, name: {:?}, method: {:?}, base: {:?}, path: {:?}, kind: Kind::{:?}, effect: Effect::{:?}, \
         raises: {}, area: {:?}, summary: {:?}, doc: {:?}, keywords: &{:?}, params: {}, rules: {}, body: Body::{:?}, \
         wrap: {:?}, content_type: {:?}, chunked: {:?}, anonymous: {:?}, on: &{:?}, paging: {}, update: {:?}, missing: {:?}, alternate: {:?}, answer: {}, lost_answer: {}, inverse: {}, before: {}, edits: {}, items: &{:?}, job: {:?}, since: {:?}, until: {:?}, \
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
        params,
        list(row.rules, rule),
        row.body,
        row.wrap,
        row.content_type,
        row.chunked,
        row.anonymous,
        row.on,
        option(row.paging, |paging| format!(
            "Paging {{ style: PageStyle::{:?}, items: {:?}, size: {} }}",
            paging.style, paging.items, paging.size
        )),
        row.update,
        row.missing,
        row.alternate,
        answer(&row.answer, &fields),
        match row.lost_answer {
            LostAnswer::Verify(read) => format!("LostAnswer::Verify({read:?})"),
            other => format!("LostAnswer::{other:?}"),
        },
        option(row.inverse.as_ref(), inverse),
        option(row.before.as_ref(), |Before { call, args, at, same }| format!(
            "Before {{ call: {call:?}, args: &{args:?}, at: {at:?}, same: {same:?} }}"
        )),
        list(row.edits, edit),
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

fn params(list: &[Param], shared: &mut Shared) -> String {
    let content = list.iter().map(|each| param(each, shared)).collect::<Vec<_>>().join(", ");
    shared.intern("Param", format!("&[{content}]"))
}

fn param(param: &Param, shared: &mut Shared) -> String {
    let fields = params(param.fields, shared);
    format!(
        "Param {{ name: {:?}, wire: {:?}, place: Place::{:?}, ty: {}, required: {:?}, required_if: {}, default: {:?}, \
         min: {:?}, max: {:?}, choices: &{:?}, forbid: {:?}, secret: {:?}, pick: {:?}, open: {:?}, root: {:?}, join: {:?}, plus: {:?}, harms: {}, fields: {}, doc: {:?} }}",
        param.name,
        param.wire,
        param.place,
        type_of(param.ty),
        param.required,
        option(param.required_if.as_ref(), condition),
        param.default,
        param.min,
        param.max,
        param.choices,
        param.forbid,
        param.secret,
        param.pick,
        param.open,
        param.root,
        param.join,
        param.plus,
        option(param.harms.as_ref(), |harm| match harm {
            Harm::Ranges { start, prefix, end } =>
                format!("Harm::Ranges {{ start: {start:?}, prefix: {prefix:?}, end: {end:?} }}"),
            other => format!("Harm::{other:?}"),
        }),
        fields,
        param.doc,
    )
}

fn answer(answer: &Answer, fields: &str) -> String {
    format!(
        "Answer {{ shape: Shape::{:?}, fields: {fields}, refusal: {}, accepts: &{:?}, may_be_empty: {:?} }}",
        answer.shape,
        option(answer.refusal.as_ref(), refusal),
        answer.accepts,
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
        Rule::Needs(names) => format!("Rule::Needs(&{names:?})"),
        Rule::Ordered(low, high) => format!("Rule::Ordered({low:?}, {high:?})"),
    }
}

fn inverse(inverse: &Inverse) -> String {
    match inverse {
        Inverse::Swap(one, other) => format!("Inverse::Swap({one:?}, {other:?})"),
        Inverse::Call(name, args) => format!("Inverse::Call({name:?}, &{args:?})"),
        Inverse::Replace(without) => format!("Inverse::Replace(&{without:?})"),
    }
}

fn edit(edit: &Edit) -> String {
    format!(
        "Edit {{ list: {:?}, with: {:?}, key: &{:?}, how: EditHow::{:?}, under: {:?}, also: &{:?}, when: {} }}",
        edit.list,
        edit.with,
        edit.key,
        edit.how,
        edit.under,
        edit.also,
        option(edit.when.as_ref(), condition),
    )
}

fn condition(Condition { param, equals }: &Condition) -> String {
    format!("Condition {{ param: {param:?}, equals: &{equals:?} }}")
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
