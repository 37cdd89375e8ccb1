//! A look and a binding say the same of what is written out, and a look says nothing of the rest.

use super::*;
use crate::catalog::{Vendor, bind, format};
use crate::value::Map;

const FACTS: &str = r#"id = "x"
[[call]]
name = "thing_set"
summary = "Set a thing"
confidence = "seed"
lost_answer = "never"
method = "POST"
path = "/things/{id}"
effect = "change"
raises = [{ param = "wipe", effect = "destroy" }]
items = ["add", "remove"]
rules = [{ any_of = ["low", "high"] }, { ordered = ["low", "high"] }, { together = ["high", "size"] }]
params.id = { type = "int", min = 1 }
params.low = { type = "int" }
params.high = { type = "int", max = 9 }
params.size = { type = "string", choices = ["s", "m"] }
params.since = { type = "time:epoch" }
params.wipe = { type = "[string]" }
params.key = { type = "string", secret = true }
params.add = { type = "[object]", default = [], fields = { first = { type = "address", required = true }, bits = { type = "int", min = 0, max = 32, required = true }, last = { type = "address", required_if = { param = "bits", equals = [0] } } } }
params.remove = { type = "[object]", default = [], pick = true, fields = { first = { type = "address", required = true } } }
"#;

fn thing() -> Callable {
    static VENDOR: std::sync::LazyLock<&'static Vendor> =
        std::sync::LazyLock::new(|| format::vendor(FACTS, &[]).unwrap());
    Callable { row: VENDOR.rows.iter().next().unwrap(), form: Form::Call }
}

fn written(value: &Value) -> Sketch {
    let known = match value {
        Value::List(items) => Known::List(items.iter().map(written).collect()),
        Value::Map(map) => {
            let member = |(name, value): (&String, &Value)| Member {
                name: name.clone(),
                at: 0,
                certain: true,
                value: written(value),
            };
            Known::Map(map.iter().map(member).collect(), false)
        }
        value => Known::Value(value.clone()),
    };
    Sketch { at: 0, known }
}

fn parsed(json: &str) -> Value {
    serde_json::from_str::<serde_json::Value>(json).unwrap().into()
}

fn found(arguments: &[Sketch]) -> Vec<String> {
    let mut found: Vec<String> =
        look(&thing(), arguments, 0).mistakes.into_iter().map(|mistake| mistake.message).collect();
    found.sort();
    found
}

fn kind(kind: &'static str) -> Sketch {
    Sketch { at: 0, known: Known::Kind(kind) }
}

#[test]
fn what_is_written_out_is_judged_as_it_would_be_bound() {
    let maps = [
        r#"{}"#,
        r#"{"low": 1}"#,
        r#"{"low": 5, "high": 3, "size": "s", "remove": [{"first": "192.0.2.1", "note": 1}]}"#,
        r#"{"low": 1, "hihg": 3, "size": "s"}"#,
        r#"{"low": "1", "add": [{"first": "192.0.2.1", "bits": 24}]}"#,
        r#"{"high": 10, "size": "xl", "add": [{"first": "nowhere", "bits": 33}]}"#,
        r#"{"low": 1, "add": [{"first": "192.0.2.1", "bits": 0}, {"bits": 1, "frist": "192.0.2.1"}]}"#,
        r#"{"low": null, "since": true, "wipe": [1], "add": 5, "remove": [5]}"#,
        r#"{"low": 1, "key": 5, "since": "2026-11-25T00:00:00Z", "remove": [{"first": "2001:db8::"}]}"#,
    ];
    for id in [parsed("3"), parsed("0"), parsed("\"three\"")] {
        for json in maps {
            let Value::Map(map) = parsed(json) else { panic!("{json}") };
            let bound = bind(thing().row, vec![id.clone()], map.clone());
            let mut said: Vec<String> =
                bound.map_or_else(|fault| fault.message.split("; ").map(str::to_owned).collect(), |_| Vec::new());
            said.sort();
            assert_eq!(found(&[written(&id), written(&Value::Map(map))]), said, "{json}");
        }
    }
}

#[test]
fn nothing_is_said_of_what_is_not_known() {
    let nothing = || Sketch { at: 0, known: Known::Nothing };
    assert!(found(&[nothing(), nothing()]).is_empty());
    let member = |name: &str| Member { name: name.into(), at: 0, certain: true, value: nothing() };
    let some = |names: &[&str], open| Sketch {
        at: 0,
        known: Known::Map(names.iter().map(|name| member(name)).collect(), open),
    };
    assert!(found(&[nothing(), some(&["low", "add"], false)]).is_empty());
    assert!(found(&[nothing(), some(&["high", "add"], true)]).is_empty(), "the rest may be there");
    assert!(found(&[nothing(), some(&["high", "add"], false)]).is_empty(), "high may be ()");
    let member = |name: &str, value| Member { name: name.into(), at: 0, certain: true, value };
    let high = vec![member("high", kind("int")), member("add", nothing())];
    let high = Sketch { at: 0, known: Known::Map(high, false) };
    assert_eq!(found(&[nothing(), high]), ["high, size belong together: give all of them or none"]);
    let wanted = |call: &[Sketch]| look(&thing(), call, 0).effect;
    assert_eq!(wanted(&[nothing(), some(&["wipe"], true)]), Effect::Change);
    assert_eq!(wanted(&[nothing(), written(&parsed(r#"{"wipe": ["a"]}"#))]), Effect::Destroy);
    assert_eq!(wanted(&[nothing(), written(&parsed(r#"{"wipe": []}"#))]), Effect::Change);
}

#[test]
fn kinds_are_judged_without_their_values() {
    let call = |name: &str, value: Sketch| {
        let member = Member { name: name.into(), at: 0, certain: true, value };
        found(&[kind("int"), Sketch { at: 0, known: Known::Map(vec![member], true) }])
    };
    assert_eq!(call("low", kind("string")), ["'low' must be an int, and not a string"]);
    assert_eq!(call("add", kind("map")), ["'add' must be an array, and not a map"]);
    assert_eq!(call("size", kind("secret")), ["'size' takes no secret"]);
    assert!(call("key", kind("secret")).is_empty() && call("since", kind("time")).is_empty());
    assert_eq!(found(&[kind("string"), kind("int")]).len(), 2);
}

#[test]
fn a_kind_is_taken_wherever_a_value_of_it_is() {
    let values = [
        Value::Bool(true),
        Value::Int(1),
        Value::Float(1.5),
        "2026-11-25T00:00:00Z".into(),
        "192.0.2.1".into(),
        "-----BEGIN X-----\nAA==\n-----END X-----\n".into(),
        Value::Time(jiff::Timestamp::UNIX_EPOCH),
        Value::Secret(crate::secret::Secret::new("x", "-----BEGIN X-----\nAA==\n-----END X-----\n".to_owned())),
        Value::List(Vec::new()),
        Value::Map(Map::new()),
    ];
    for vendor in crate::catalog::Catalog::builtin().vendors() {
        for param in vendor.rows.iter().flat_map(|row| row.params) {
            for value in &values {
                let mut mistakes = Vec::new();
                convert::typed(param, param.ty, value.clone(), "x", &mut mistakes);
                // Choices, limits and required members are no matter of kinds.
                let wrong_kind =
                    mistakes.iter().any(|mistake| mistake.contains("and not a") && !mistake.contains("one of"))
                        || mistakes.iter().any(|mistake| mistake.contains("no secret"));
                if mistakes.is_empty() {
                    assert!(convert::takes(param, param.ty, value.kind()), "{} {value:?}", param.name);
                } else if !convert::takes(param, param.ty, value.kind()) {
                    assert!(wrong_kind, "{} {value:?} {mistakes:?}", param.name);
                }
            }
        }
    }
}
