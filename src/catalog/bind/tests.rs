//! Binding by rows made for the test.

use crate::catalog::{Bound, Effect, Vendor, WireBody, bind, format, wire};
use crate::secret::Secret;
use crate::value::{Map, Value};

/// A vendor with one call that has the facts given.
fn vendor(facts: &str) -> &'static Vendor {
    let text = format!(
        "id = \"x\"\n[[call]]\nname = \"thing_set\"\nsummary = \"Set a thing\"\nconfidence = \"seed\"\n\
         lost_answer = \"never\"\n{facts}"
    );
    format::vendor(&text, &[]).unwrap()
}

fn posted(facts: &str) -> &'static Vendor {
    vendor(&format!("method = \"POST\"\npath = \"/things\"\neffect = \"change\"\n{facts}"))
}

fn map(json: &str) -> Map {
    match Value::from(serde_json::from_str::<serde_json::Value>(json).unwrap()) {
        Value::Map(map) => map,
        _ => panic!("not a map"),
    }
}

fn bound(vendor: &'static Vendor, json: &str) -> Bound {
    bind(vendor.rows.iter().next().unwrap(), Vec::new(), map(json)).unwrap()
}

fn refused(vendor: &'static Vendor, args: Map) -> String {
    bind(vendor.rows.iter().next().unwrap(), Vec::new(), args).unwrap_err().message
}

fn sent(vendor: &'static Vendor, bound: &Bound) -> serde_json::Value {
    match wire(bound, vendor).body {
        WireBody::Json(bytes) => serde_json::from_slice(&bytes).unwrap(),
        _ => panic!("no JSON body"),
    }
}

#[test]
fn a_wrong_value_is_not_missing_as_well() {
    let vendor = posted("params.size = { type = \"int\", required = true }\nrules = [{ any_of = [\"size\"] }]\n");
    assert_eq!(refused(vendor, map(r#"{"size": "x"}"#)), "'size' must be an int, and not a string \"x\"");
}

#[test]
fn a_path_argument_names_one_object() {
    let vendor = vendor(
        "method = \"DELETE\"\npath = \"/things/{id}\"\neffect = \"destroy\"\nparams.id = { type = \"string\" }\n",
    );
    for text in ["", ".", ".."] {
        assert!(bind(vendor.rows.iter().next().unwrap(), vec![text.into()], Map::new()).is_err(), "{text:?}");
    }
    let bound = bind(vendor.rows.iter().next().unwrap(), vec!["../a b".into()], Map::new()).unwrap();
    assert_eq!(wire(&bound, vendor).path, "/things/..%2Fa%20b");
    let message = bind(vendor.rows.iter().next().unwrap(), Vec::new(), Map::new()).unwrap_err().message;
    assert_eq!(message, "it takes 1 argument(s) before the map (id), not 0");
}

#[test]
fn choices_and_forbidden_characters_hold_for_every_entry_and_lengths_for_the_list() {
    let vendor = posted("params.words = { type = \"[string]\", choices = [\"a\", \"b\"], max = 2 }\n");
    bound(vendor, r#"{"words": ["a", "b"]}"#);
    assert!(refused(vendor, map(r#"{"words": ["a", "c"]}"#)).starts_with("'words[1]' must be one of"));
    assert!(refused(vendor, map(r#"{"words": ["a", "b", "a"]}"#)).contains("at most 2"));
    let vendor = posted("params.words = { type = \"[string]\", forbid = \"/\" }\n");
    assert!(refused(vendor, map(r#"{"words": ["a/b"]}"#)).starts_with("'words[0]' must not contain '/'"));
}

#[test]
fn limits_hold_for_floats_and_what_is_no_number_is_refused() {
    let vendor = posted("params.share = { type = \"float\", min = 0, max = 1 }\n");
    assert_eq!(bound(vendor, r#"{"share": 1}"#).args["share"], Value::Float(1.0));
    assert!(refused(vendor, map(r#"{"share": 1.5}"#)).contains("at most 1"));
    for number in [f64::NAN, f64::INFINITY] {
        let args = Map::from([("share".into(), Value::Float(number))]);
        assert!(refused(vendor, args).contains("must be a number"), "{number} would go out as null");
    }
}

#[test]
fn a_secret_goes_only_where_the_row_knows_of_one() {
    let vendor = posted(
        "params.note = { type = \"any\" }\nparams.extra = { type = \"object\" }\nparams.name = {}\n\
         params.keys = { type = \"[string]\", secret = true }\n",
    );
    let secret = || Value::Secret(Secret::new("env:X", "canary-value"));
    for (name, value) in [
        ("name", secret()),
        ("note", Value::List(vec![secret()])),
        ("extra", Value::Map(Map::from([("a".into(), secret())]))),
    ] {
        assert_eq!(refused(vendor, Map::from([(name.into(), value)])), format!("'{name}' takes no secret"));
    }
    let args = Map::from([("keys".into(), Value::List(vec![secret()]))]);
    let bound = bind(vendor.rows.iter().next().unwrap(), Vec::new(), args).unwrap();
    assert_eq!(sent(vendor, &bound), serde_json::json!({"keys": ["canary-value"]}));
}

#[test]
fn a_free_body_is_what_no_parameter_takes() {
    let vendor = posted("body = \"free\"\nparams.dry = { in = \"query\", type = \"bool\" }\n");
    let bound = bound(vendor, r#"{"dry": true, "anything": [1, null]}"#);
    assert_eq!(wire(&bound, vendor).query, "dry=true");
    assert_eq!(sent(vendor, &bound), serde_json::json!({"anything": [1, null]}));
}

#[test]
fn a_default_becomes_what_an_argument_would_be() {
    let vendor = posted("params.since = { type = \"time:epoch\", default = \"2023-11-15T00:00:00Z\" }\n");
    assert_eq!(sent(vendor, &bound(vendor, "{}")), serde_json::json!({"since": 1_700_006_400}));
}

#[test]
fn a_date_is_taken_as_it_is_written() {
    let vendor = posted("params.day = { type = \"time:date\" }\n");
    assert_eq!(sent(vendor, &bound(vendor, r#"{"day": "2024-05-01"}"#)), serde_json::json!({"day": "2024-05-01"}));
}

#[test]
fn a_read_that_content_raises_counts_as_one_item() {
    let vendor = vendor(
        "method = \"POST\"\npath = \"/things\"\neffect = \"read\"\nparams.purge = { type = \"bool\" }\n\
         raises = [{ param = \"purge\", equals = true, effect = \"destroy\" }]\n",
    );
    let raised = bound(vendor, r#"{"purge": true}"#);
    assert_eq!((raised.effect, raised.items), (Effect::Destroy, 1));
    let plain = bound(vendor, r#"{"purge": false}"#);
    assert_eq!((plain.effect, plain.items), (Effect::Read, 0));
}

proptest::proptest! {
    #[test]
    fn both_spellings_of_every_member_mean_the_same(
        spelt in proptest::collection::vec(proptest::bool::ANY, 6),
        length in 1usize..6,
    ) {
        let row = crate::catalog::Catalog::builtin().row("seg", "ip_group_delta").unwrap();
        let names = |wire: bool| if wire { ["ipAddressStart", "cidr", "ipAddressEnd"] } else { ["ip_address_start", "cidr", "ip_address_end"] };
        let entries = |wire: &dyn Fn(usize) -> bool| {
            let entry = |index: usize| {
                let [start, prefix, end] = names(wire(index));
                Value::Map(Map::from([
                    (start.into(), format!("192.0.2.{index}").into()),
                    (prefix.into(), Value::Int(0)),
                    (end.into(), format!("192.0.2.{}", index + 1).into()),
                ]))
            };
            Map::from([("add".into(), Value::List((0..length).map(entry).collect()))])
        };
        let mixed = bind(row, vec![Value::Int(1)], entries(&|index| spelt[index])).unwrap();
        let plain = bind(row, vec![Value::Int(1)], entries(&|_| false)).unwrap();
        proptest::prop_assert_eq!(mixed, plain);
    }
}
