//! The whole catalog, and binding and writing by the rules of the vendors.

mod undo;

use std::path::Path;

use jiff::Timestamp;

use crate::catalog::*;
use crate::fault::FaultKind;
use crate::value::{Map, Value};

fn row(name: &str) -> &'static Row {
    Catalog::builtin().row("seg", name).unwrap()
}

fn map(json: &str) -> Map {
    match Value::from(serde_json::from_str::<serde_json::Value>(json).unwrap()) {
        Value::Map(map) => map,
        _ => panic!("not a map"),
    }
}

fn seg() -> &'static Vendor {
    Catalog::builtin().vendor("seg").unwrap()
}

fn refused(name: &str, positional: Vec<Value>, json: &str) -> String {
    let fault = bind(row(name), positional, map(json)).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Invalid);
    fault.message
}

fn body(request: &WireRequest) -> serde_json::Value {
    match &request.body {
        WireBody::Json(bytes) => serde_json::from_slice(bytes).unwrap(),
        _ => panic!("no JSON body"),
    }
}

#[test]
fn the_packed_rows_are_what_the_files_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/vendors");
    for vendor in Catalog::builtin().vendors() {
        let text = std::fs::read_to_string(folder.join(vendor.id).join("calls.toml")).unwrap();
        let loaded = format::vendor(&text, &[]).unwrap();
        assert_eq!(loaded, *vendor);
    }
}

#[test]
fn what_is_known_of_a_call_without_its_row_is_what_the_row_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/vendors");
    for vendor in Catalog::builtin().vendors() {
        let text = std::fs::read_to_string(folder.join(vendor.id).join("calls.toml")).unwrap();
        let loaded = format::vendor(&text, &[]).unwrap();
        let of_calls = |rows: Rows| {
            let facts = |call: Listed| (call.name(), call.update(), call.kind(), call.paths(), call.is_paged());
            rows.listed().map(facts).collect::<Vec<_>>()
        };
        let of_rows = vendor
            .rows
            .iter()
            .map(|row| (row.name, row.update, row.kind, row.path_params().count(), row.paging.is_some()));
        assert_eq!(of_calls(vendor.rows), of_rows.collect::<Vec<_>>());
        assert_eq!(of_calls(vendor.rows), of_calls(loaded.rows));
        assert!(vendor.rows.listed().is_sorted_by(|one, other| one.name() < other.name()), "{}", vendor.id);
    }
}

#[test]
fn rows_share_the_lists_that_they_have_in_common() {
    let rows = Catalog::builtin().vendor("asyncos").unwrap().rows;
    let pairs = || rows.iter().zip(rows.iter().skip(1));
    let alike = pairs().filter(|(one, other)| !one.params.is_empty() && one.params == other.params);
    let apart: Vec<_> = alike.clone().filter(|(one, other)| !std::ptr::eq(one.params, other.params)).collect();
    assert!(alike.count() > 100 && apart.is_empty(), "{apart:?}");
}

#[test]
fn every_call_is_found_by_its_name_and_nothing_else_is() {
    for vendor in Catalog::builtin().vendors() {
        for row in vendor.rows {
            let found = vendor.rows.named(row.name).and_then(Listed::row).unwrap();
            assert!(std::ptr::eq(found, row), "a row is unpacked once: {}", row.name);
            assert!(vendor.rows.named(&format!("{} ", row.name)).is_none());
        }
        assert!(vendor.rows.named("").is_none() && vendor.rows.named("~").is_none());
    }
    assert!(Rows::default().named("groups").is_none());
}

#[test]
fn every_row_is_sound() {
    let mut offenders = Vec::new();
    for row in Catalog::builtin().rows() {
        let mut say = |what: &str| offenders.push(format!("{}.{}: {what}", row.vendor, row.name));
        for param in row.params {
            if param.doc.is_empty() {
                say(&format!("parameter {} has no doc", param.name));
            }
        }
        if row.source.is_empty() {
            say("no source");
        }
        if row.area.is_empty() {
            say("no area");
        }
        match &row.example {
            None if row.kind == Kind::Call => say("no example"),
            Some(example) if serde_json::from_str::<serde_json::Value>(example.answer).is_err() => {
                say("its example's answer is not JSON");
            }
            _ => {}
        }
        if row.answer.refusal.as_ref().is_some_and(|refusal| regex::Regex::new(refusal.pattern).is_err()) {
            say("its refusal is no regular expression");
        }
    }
    assert!(offenders.is_empty(), "{}", offenders.join("\n"));
}

#[test]
fn a_delta_has_both_arrays_and_wire_names() {
    let add = r#"{"add": [{"ip_address_start": "192.0.2.0", "cidr": 24, "name": "feed 1"}]}"#;
    let bound = bind(row("ip_group_delta"), vec![Value::Int(15)], map(add)).unwrap();
    assert_eq!(bound.items, 1);
    let request = wire(&bound, seg());
    assert_eq!((request.method, request.path.as_str()), ("PATCH", "/seg/api/ipgroups/15/delta/"));
    assert_eq!(
        body(&request),
        serde_json::json!({"add": [{"ipAddressStart": "192.0.2.0", "cidr": 24, "name": "feed 1"}], "remove": []})
    );
}

#[test]
fn wire_names_are_accepted_and_named_twice_is_a_mistake() {
    let wire_names = r#"{"add": [{"ipAddressStart": "192.0.2.0", "cidr": 24}]}"#;
    assert!(bind(row("ip_group_delta"), vec![Value::Int(15)], map(wire_names)).is_ok());
    let both = r#"{"max_rows": 1, "maxRows": 2, "start_time": 1, "end_time": 2}"#;
    assert!(refused("quarantine_find", vec![], both).contains("given twice"));
}

#[test]
fn mistakes_name_their_place_and_the_nearest_name() {
    let message = refused(
        "ip_group_delta",
        vec![Value::Int(15)],
        r#"{"add": [{"ip_address_start": "192.0.2.0", "cidr": 24}, {"ip_adress_start": "192.0.2.1", "cidr": 33333}]}"#,
    );
    assert!(
        message.contains("'add[1].ip_adress_start' is not a parameter. Did you mean 'ip_address_start'?"),
        "{message}"
    );
    assert!(message.contains("'add[1].ip_address_start' is required"), "{message}");
    assert!(message.contains("'add[1].cidr' must be at most 128"), "{message}");
}

#[test]
fn names_that_the_configurator_cannot_edit_are_refused() {
    for name in ["a(b", "a)b", "a/b", "a\\b", "a;b", "a.b"] {
        let json = serde_json::json!({"add": [{"ip_address_start": "192.0.2.0", "cidr": 24, "name": name}]});
        assert!(refused("ip_group_delta", vec![Value::Int(15)], &json.to_string()).contains("must not contain"));
    }
}

#[test]
fn a_range_needs_its_end() {
    let without = r#"{"add": [{"ip_address_start": "192.0.2.0", "cidr": 0}]}"#;
    assert!(refused("ip_group_delta", vec![Value::Int(15)], without).contains("'add[0].ip_address_end' is required"));
}

#[test]
fn an_empty_delta_is_not_sent() {
    assert!(refused("ip_group_delta", vec![Value::Int(15)], "{}").contains("nothing to do"));
}

#[test]
fn a_find_needs_start_end_and_rows() {
    let message = refused("quarantine_find", vec![], "{}");
    for name in ["max_rows", "start_time", "end_time"] {
        assert!(message.contains(&format!("'{name}' is required")), "{message}");
    }
}

#[test]
fn times_go_out_as_seconds_and_rows_in_the_query() {
    let mut args = map(r#"{"max_rows": 5, "from_domain": "example.net"}"#);
    args.insert("start_time".into(), Value::Time(Timestamp::from_second(1_700_000_000).unwrap()));
    args.insert("end_time".into(), Value::Text("2023-11-15T00:00:00Z".into()));
    let request = wire(&bind(row("quarantine_find"), vec![], args).unwrap(), seg());
    assert_eq!(request.query, "maxRows=5");
    assert_eq!(
        body(&request),
        serde_json::json!({"startTime": 1_700_000_000, "endTime": 1_700_006_400, "fromDomain": "example.net"})
    );
    let late = r#"{"max_rows": 5, "start_time": 1, "end_time": 2147483648}"#;
    assert!(refused("quarantine_find", vec![], late).contains("between 1970 and 2038"));
}

#[test]
fn a_message_row_is_reduced_to_its_key() {
    let json = r#"{"is_spam": true, "messages": [{"blockNumber": 106209384765432, "edition": "608174e50003",
        "folderId": 10, "messageName": "B1.mml", "recipient": "a@example.com", "serverId": 1, "timeLogged": 1621500000,
        "sender": "x@example.net", "sessionNumber": -3}]}"#;
    let request = wire(&bind(row("quarantine_forward_spam"), vec![], map(json)).unwrap(), seg());
    let sent = body(&request);
    let keys: Vec<&String> = sent["messages"][0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["blockNumber", "edition", "folderId", "messageName", "recipient", "serverId", "timeLogged"]);
    assert_eq!(sent["messages"][0]["blockNumber"], 106_209_384_765_432_i64);
    assert_eq!(sent["messages"][0]["edition"], "608174e50003");
}

#[test]
fn an_unfiltered_kill_is_refused() {
    assert!(refused("sender_kill_messages", vec![Value::Int(1)], "{}").contains("at least one of"));
}

#[test]
fn a_raw_request_is_encoded_below_the_base() {
    let request = raw_wire(seg(), "GET", "/groups", &map(r#"{"q": "a;b c"}"#), &Map::new(), None);
    assert_eq!((request.path.as_str(), request.query.as_str()), ("/seg/api/groups", "q=a%3Bb%20c"));
    let catalog = Catalog::builtin();
    let matched = |method: &str, path: &str| catalog.match_raw("seg", method, path).map(|row| row.name);
    assert_eq!(matched("PATCH", "/ipgroups/15/delta"), Some("ip_group_delta"));
    assert_eq!(matched("GET", "/seg/api/groups"), Some("groups"));
    assert_eq!(matched("DELETE", "/groups"), None);
}

#[test]
fn a_search_finds_what_it_is_for() {
    assert_eq!(Catalog::builtin().search("block ip")[0].name, "ip_group_delta");
    assert!(Catalog::builtin().search("nonsense").is_empty());
}

#[test]
fn mistakes_in_a_file_have_their_line() {
    let text = "id = \"x\"\nauth = [\"none\"]\n\n[[call]]\nname = \"a\"\nmethod = \"GET\"\npath = \"/a/{id}\"\neffect = \"change\"\n\
                summary = \"Do.\"\nconfidence = \"seed\"\n";
    let mistakes = format::vendor(text, &[]).unwrap_err();
    let all: Vec<String> = mistakes.iter().map(|mistake| format!("{}: {}", mistake.line, mistake.message)).collect();
    let all = all.join("\n");
    assert!(all.contains("9: a: summary must be one line without a period"), "{all}");
    assert!(all.contains("4: a: a call that changes something says how its lost answer is settled"), "{all}");
    assert!(all.contains("the path has {id}"), "{all}");
    let unknown = "id = \"x\"\n\n[[call]]\nnme = \"a\"\n";
    let mistake = &format::vendor(unknown, &[]).unwrap_err()[0];
    assert_eq!((mistake.line, mistake.message.contains("Did you mean 'name'?")), (4, true), "{mistake:?}");
}

#[test]
fn resources_and_families_unfold() {
    let text = r#"
id = "x"
[[resource]]
name = "thing"
path = "/things/"
title = "thing"
calls = ["list", "one", "create", "delete"]
all = { confidence = "seed", lost_answer = "never" }
[[family]]
members = ["a", "b_c"]
call = { name = "count_{}", method = "GET", path = "/count/{}", effect = "read", summary = "Count {}", confidence = "seed" }
"#;
    let vendor = format::vendor(text, &[]).unwrap();
    let names: Vec<&str> = vendor.rows.iter().map(|row| row.name).collect();
    assert_eq!(names, ["count_a", "count_b_c", "thing", "thing_create", "thing_delete", "things"]);
    assert_eq!(vendor.rows.iter().nth(2).unwrap().path, "/things/{id}");
    assert_eq!(vendor.rows.iter().nth(4).unwrap().effect, Effect::Destroy);
}

proptest::proptest! {
    #[test]
    fn any_query_value_survives_its_encoding(text in ".*") {
        let request = raw_wire(seg(), "GET", "/groups", &Map::from([("q".into(), Value::Text(text.clone()))]), &Map::new(), None);
        let value = request.query.strip_prefix("q=").unwrap();
        proptest::prop_assert!(value.chars().all(|c| c.is_ascii_alphanumeric() || "-._~%".contains(c)));
        proptest::prop_assert_eq!(percent_encoding::percent_decode_str(value).decode_utf8().unwrap(), text);
    }
}
