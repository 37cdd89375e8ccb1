//! Rows, targets and questions to try the policy with.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::catalog::{
    Answer, Body, Bound, Confidence, Effect, Harm, Kind, LostAnswer, Param, Place, Raise, Row, Shape, Type,
};
use crate::config::{Auth, Target, Tls};
use crate::door::RawRequest;
use crate::door::policy::{Ask, Consent, Question};
use crate::value::{Map, Value};

/// A plain call that changes something; the other rows differ from it where they say.
pub const ROW: Row = Row {
    keywords: &[],
    vendor: "toy",
    name: "thing_set",
    method: "PUT",
    base: "/api",
    path: "thing",
    kind: Kind::Call,
    effect: Effect::Change,
    raises: &[],
    area: "things",
    summary: "Set a thing",
    doc: "",
    params: &[],
    rules: &[],
    body: Body::Json,
    wrap: "",
    content_type: "",
    chunked: false,
    anonymous: false,
    on: &[],
    paging: None,
    update: "",
    missing: None,
    alternate: None,
    answer: Answer { shape: Shape::None, fields: &[], refusal: None, accepts: &[], may_be_empty: true },
    lost_answer: LostAnswer::Idempotent,
    inverse: None,
    before: None,
    edits: &[],
    items: &[],
    job: false,
    since: None,
    until: None,
    slow: None,
    source: "made for the test",
    confidence: Confidence::Seed,
    experimental: false,
    example: None,
};

/// A text parameter of the body; the others differ from it where they say.
pub const PARAM: Param = Param {
    pick: false,
    open: false,
    root: false,
    join: "",
    plus: false,
    name: "value",
    wire: "value",
    place: Place::Body,
    ty: Type::String,
    required: false,
    required_if: None,
    default: None,
    min: None,
    max: None,
    choices: &[],
    forbid: "",
    secret: false,
    harms: None,
    fields: &[],
    doc: "",
};

const ENTRY: &[Param] = &[
    Param { name: "ip_address_start", wire: "ipAddressStart", ..PARAM },
    Param { name: "cidr", wire: "cidr", ty: Type::Int, ..PARAM },
    Param { name: "ip_address_end", wire: "ipAddressEnd", ..PARAM },
    Param { name: "name", wire: "name", ..PARAM },
];

const RANGES: Harm = Harm::Ranges { start: "ip_address_start", prefix: "cidr", end: "ip_address_end" };
const OBJECTS: Type = Type::List(&Type::Object);

pub static READ: Row = Row { name: "things", method: "GET", effect: Effect::Read, body: Body::None, ..ROW };
pub static CHANGE: Row = ROW;
pub static DESTROY: Row = Row { name: "thing_delete", method: "DELETE", effect: Effect::Destroy, ..ROW };
pub static SESSION: Row = Row { name: "login", kind: Kind::Session, effect: Effect::Read, ..ROW };
pub static EXPERIMENTAL: Row = Row { name: "thing_try", experimental: true, ..ROW };
pub static EXPERIMENTAL_READ: Row =
    Row { name: "try_things", method: "GET", effect: Effect::Read, experimental: true, ..ROW };
pub static FREE: Row = Row { name: "thing_post", body: Body::Free, ..ROW };
pub static FREE_READ: Row = Row { name: "thing_find", effect: Effect::Read, body: Body::Free, ..ROW };
pub static SECRET: Row = Row {
    name: "password_set",
    params: &[
        Param { name: "note", wire: "note", ..PARAM },
        Param { name: "password", wire: "password", secret: true, ..PARAM },
    ],
    ..ROW
};
pub static DELTA: Row = Row {
    name: "ip_group_delta",
    method: "PATCH",
    raises: &[Raise { param: "remove", equals: None, effect: Effect::Destroy }],
    params: &[
        Param { name: "add", wire: "add", ty: OBJECTS, harms: Some(RANGES), fields: ENTRY, ..PARAM },
        Param { name: "remove", wire: "remove", ty: OBJECTS, fields: ENTRY, ..PARAM },
        Param { name: "password", wire: "password", secret: true, ..PARAM },
    ],
    items: &["add", "remove"],
    ..ROW
};
pub static BLOCK: Row = Row {
    name: "sender_block",
    params: &[
        Param {
            name: "networks",
            wire: "networks",
            ty: Type::List(&Type::String),
            harms: Some(Harm::Network),
            ..PARAM
        },
        Param { name: "domain", wire: "domain", harms: Some(Harm::Domain), ..PARAM },
        Param { name: "address", wire: "address", harms: Some(Harm::Address), ..PARAM },
        Param { name: "account", wire: "account", harms: Some(Harm::Account), ..PARAM },
        Param { name: "pattern", wire: "pattern", harms: Some(Harm::Regex), ..PARAM },
        Param { name: "note", wire: "note", ..PARAM },
        Param {
            name: "rule",
            wire: "rule",
            ty: Type::Object,
            fields: &[Param { name: "sender", wire: "sender", harms: Some(Harm::Address), ..PARAM }],
            ..PARAM
        },
    ],
    ..ROW
};

/// A target with these rights.
pub fn target(allow: &[Effect]) -> Target {
    Target {
        name: "lab".to_owned(),
        vendor: "toy".to_owned(),
        url: "https://127.0.0.1:1/".parse().expect("a URL"),
        version: None,
        product: None,
        spellings: std::collections::BTreeMap::new(),
        auth: Auth::default(),
        tls: Tls::System,
        proxy: None,
        tags: Vec::new(),
        timeout: Duration::from_secs(1),
        max_in_flight: 1,
        rate: None,
        max_answer: 1,
        allow: allow.iter().copied().collect::<BTreeSet<_>>(),
        experimental: false,
    }
}

/// A call of `row` with arguments given as JSON.
pub fn call(row: &'static Row, args: serde_json::Value) -> Bound {
    Bound { row, args: map(args).into(), effect: row.effect, items: 1, save_to: None, piece: None, notices: Vec::new() }
}

/// A raw request with a body given as JSON.
pub fn raw(method: &str, path: &str, body: Option<serde_json::Value>) -> RawRequest {
    RawRequest {
        method: method.to_owned(),
        path: path.to_owned(),
        query: Map::new(),
        body: body.map(Value::from),
        headers: Map::new(),
        effect: None,
    }
}

/// A map given as JSON.
pub fn map(json: serde_json::Value) -> Map {
    match Value::from(json) {
        Value::Map(map) => map,
        other => panic!("{other:?} is no map"),
    }
}

/// Answers from a script, in order; then no. It keeps the questions.
#[derive(Default)]
pub struct Scripted {
    answers: Mutex<VecDeque<Consent>>,
    pub questions: Mutex<Vec<Question>>,
}

impl Scripted {
    pub fn new(answers: impl IntoIterator<Item = Consent>) -> Arc<Self> {
        Arc::new(Self { answers: Mutex::new(answers.into_iter().collect()), questions: Mutex::default() })
    }

    pub fn asked(&self) -> usize {
        self.questions.lock().expect("not poisoned").len()
    }
}

impl Ask for Scripted {
    fn ask(&self, question: &Question) -> Consent {
        self.questions.lock().expect("not poisoned").push(question.clone());
        self.answers.lock().expect("not poisoned").pop_front().unwrap_or(Consent::No)
    }
}
