//! What is written comes back, and nothing that is read can do harm.

use std::sync::Arc;

use bytes::Bytes;
use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::json;

use super::action::masked;
use super::*;
use crate::catalog::{Args, NetworkMaps, bind};
use crate::door::{Action, HttpAnswer, Recorded, Reply};
use crate::fault::{Fault, FaultKind};
use crate::network::Network;
use crate::network::list::NetworkList;
use crate::secret::Secret;
use crate::value::{Map, Value};

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        prop::num::f64::NORMAL.prop_map(Value::Float),
        "\\PC{0,12}".prop_map(Value::Text),
        (0_i64..4_000_000_000).prop_map(|s| Value::Time(jiff::Timestamp::from_second(s).unwrap())),
        (0_i64..1_000_000).prop_map(|s| Value::Duration(SignedDuration::from_secs(s))),
        Just(Value::Secret(Secret::new("env:X", "canary"))),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
            prop::collection::btree_map("[$a-z]{0,6}", inner, 0..4).prop_map(Value::Map),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_recorded_comes_back(value in values()) {
        let secret = |reference: &str| Secret::new(reference, "canary");
        let recorded: Recorded = Ok(Reply::Value(value));
        let (head, body) = recorded_bytes(&recorded);
        let bytes = [&head[..], &body[..]].concat();
        prop_assert!(!String::from_utf8_lossy(&bytes).contains("canary"));
        prop_assert_eq!(read_recorded(&bytes, &Action::Clock, &secret).unwrap(), recorded);
    }

    #[test]
    fn what_a_store_is_set_to_is_written_as_its_json(value in values()) {
        let json = serde_json::json!({ "do": "store.set", "entries": [["k\"", super::value::code(&value)], ["gone", null]] });
        let action = Action::StoreSet(vec![("k\"".to_owned(), Some(value)), ("gone".to_owned(), None)]);
        prop_assert_eq!(String::from_utf8(action_bytes(&action)).unwrap(), json.to_string());
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let secret = |reference: &str| Secret::new(reference, "");
        let _no_panic = read_recorded(&bytes, &Action::Clock, &secret);
    }
}

#[test]
fn an_answer_and_a_fault_come_back_whole() {
    let secret = |reference: &str| Secret::new(reference, "");
    let answer = HttpAnswer {
        status: 201,
        content_type: Some("application/json".into()),
        body: Bytes::from_static(b"{\"a\":1}"),
        row: None,
        assumed: false,
        handles: false,
    };
    let mut fault = Fault::new(FaultKind::Conflict, "no").on("seg").with_status(409).with_detail("resent", true);
    fault.entry = Some(7);
    for recorded in [Ok(Reply::Http(answer)), Err(fault)] {
        let (head, body) = recorded_bytes(&recorded);
        let bytes = [&head[..], &body[..]].concat();
        assert_eq!(read_recorded(&bytes, &Action::Clock, &secret).unwrap(), recorded);
    }
}

#[test]
fn a_secret_given_as_text_is_written_as_a_reference() {
    let catalog = crate::catalog::Catalog::builtin();
    let secret_in = |row: &'static crate::catalog::Row| row.params.iter().find(|param| param.secret).map(|p| (row, p));
    let mut tried = 0;
    for (row, param) in catalog.rows().filter_map(secret_in) {
        let args = Map::from([(param.name.to_owned(), Value::Text("canary-password".into()))]);
        assert!(!code_map(&masked(row, &args.clone().into()).unwrap()).to_string().contains("canary"), "{}", row.name);
        tried += 1;
    }
    assert!(tried > 3, "the catalog has secret parameters");
}

#[test]
fn a_call_whose_lists_are_networks_is_read_as_the_one_with_their_values() {
    let row = crate::catalog::Catalog::builtin().row("seg", "ip_group_delta").unwrap();
    let listed =
        ["192.0.2.0/24", "198.51.100.7", "2001:db8::/32"].map(|text| text.parse::<crate::network::Network>().unwrap());
    let list = NetworkMaps {
        list: Arc::new(listed.into_iter().collect()),
        first: Some("ip_address_start".into()),
        prefix: Some("cidr".into()),
        name: Some("name".into()),
        label: "feed \"1\"".into(),
    };
    let mut args = Args::default();
    args.set_list("add".into(), list.clone());
    let call = bind(row, vec![Value::Int(15)], args).unwrap();
    assert!(call.args.has_lists());
    let values = bind(row, vec![Value::Int(15)], Map::from([("add".into(), list.to_value())])).unwrap();
    let bytes = |call| action_bytes(&Action::Call { target: "seg".into(), call });
    let (networks, values) = (bytes(call), bytes(values));
    assert!(networks.len() < values.len(), "{}", String::from_utf8_lossy(&networks));
    for bytes in [networks, values] {
        let read = read_call(&bytes, &|reference| Secret::new(reference, "")).unwrap();
        assert_eq!((&read.args["add"], &read.args["group_id"]), (&list.to_value(), &Value::Int(15)));
    }
}

#[test]
fn networks_that_are_none_are_the_map_that_they_look_like() {
    let secret = |reference: &str| Secret::new(reference, "");
    let packed = |text: &str| -> NetworkList { text.split(' ').map(|text| text.parse::<Network>().unwrap()).collect() };
    let coded = |list: &str| json!({ "add": { "$networks": { "list": list, "first": "a", "prefix": "p", "name": null, "label": "" } } });
    let whole = coded(packed("192.0.2.0/24 2001:db8::/32").packed_text());
    let (values, lists) = decode_args(whole.clone(), &secret);
    assert_eq!((values.len(), lists.len(), lists[0].1.list.len()), (0, 1, 2));
    assert_eq!(decode_map(whole, &secret)["add"], lists[0].1.to_value());
    // Nothing is made of a range, of a list that was cut, or of an object with more in it.
    let mut more = coded("packed:");
    more["add"]["x"] = 1.into();
    for wrong in [coded(packed("192.0.2.0-192.0.2.9").packed_text()), coded("packed:GP"), coded("192.0.2.1"), more] {
        let (values, lists) = decode_args(wrong.clone(), &secret);
        assert!(lists.is_empty() && values["add"].as_map().is_some(), "{wrong}");
    }
}

#[test]
fn a_scripts_own_map_that_looks_like_networks_stays_a_map() {
    let map = Map::from([("$networks".to_owned(), Value::from(json!({ "list": "packed:", "label": "" })))]);
    let args = Args::from(Map::from([("body".to_owned(), Value::Map(map.clone()))]));
    let coded = serde_json::to_value(CodedArgs(&args)).unwrap();
    let (values, lists) = decode_args(coded, &|reference| Secret::new(reference, ""));
    assert_eq!((&values["body"], lists.len()), (&Value::Map(map), 0));
}

#[test]
fn what_a_store_holds_is_recorded_as_the_values_that_it_means() {
    let secret = |reference: &str| Secret::new(reference, "");
    for json in [
        r#"{"a":{"state":"added","networks":"192.0.2.0/24"},"b":[1,-0.5,null,true]}"#,
        // A member that looks like one of the journal's own stays what it is.
        r#"{"a":{"$time":"2026-01-01T00:00:00Z"},"b":{"$map":{"x":1}},"c":"costs $5"}"#,
    ] {
        let (head, body) = recorded_bytes(&Ok(Reply::Json(Bytes::from_static(json.as_bytes()))));
        let meant = Value::from(serde_json::from_str::<serde_json::Value>(json).unwrap());
        let read = read_recorded(&[&head[..], &body[..]].concat(), &Action::Clock, &secret).unwrap();
        assert_eq!(read, Ok(Reply::Value(meant)));
    }
}
