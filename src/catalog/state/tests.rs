//! What calls would make of states, by rows of every vendor.

use serde_json::{Value as Json, json};

use crate::catalog::{Catalog, Row, bind, steady, would_be};
use crate::secret::Secret;
use crate::value::{Map, Value};

fn row(vendor: &str, name: &str) -> &'static Row {
    Catalog::builtin().row(vendor, name).unwrap()
}

/// The arguments as a call has them, checked by its row.
fn args(row: &'static Row, positional: &[Json], map: Json) -> Map {
    let positional = positional.iter().cloned().map(Value::from).collect();
    match Value::from(map) {
        Value::Map(map) => bind(row, positional, map).unwrap().args.into_map(),
        _ => panic!("not a map"),
    }
}

fn after(vendor: &str, name: &str, positional: &[Json], map: Json, before: Json) -> Option<Json> {
    let row = row(vendor, name);
    would_be(row, &args(row, positional, map), &before)
}

#[test]
fn what_changes_by_itself_is_left_out() {
    let read = row("spectra", "users");
    let state = json!({ "count": 1, "results": [{ "id": 1, "last_login": "2026-11-25T10:00:00Z" }] });
    assert_eq!(steady(state, read.answer.fields), json!({ "count": 1, "results": [{ "id": 1 }] }));
    let read = row("sps", "ssh_connection");
    let state = json!({ "key": "1", "body": { "name": "a" }, "meta": { "remaining_seconds": 599, "next": null } });
    assert_eq!(steady(state, read.answer.fields), json!({ "key": "1", "body": { "name": "a" } }));
}

#[test]
fn a_member_is_added_once() {
    let before = json!([{ "memberType": 1, "memberData": "a@example.com" }]);
    let new = json!({ "member_type": 1, "member_data": "b@example.com" });
    let wanted = json!([before[0], { "memberType": 1, "memberData": "b@example.com" }]);
    assert_eq!(after("seg", "group_member_add", &[json!(3)], new, before.clone()), Some(wanted));
    let same = json!({ "member_type": 1, "member_data": "a@example.com" });
    assert_eq!(after("seg", "group_member_add", &[json!(3)], same.clone(), before.clone()), Some(before));
    let empty = after("seg", "group_member_add", &[json!(3)], same, Json::Null);
    assert_eq!(empty, Some(json!([{ "memberType": 1, "memberData": "a@example.com" }])), "null is an empty list");
}

#[test]
fn a_delta_whose_entries_no_call_lists_has_no_state() {
    let add = json!({ "add": [{ "ip_address_start": "192.0.2.1", "cidr": 32 }] });
    assert_eq!(after("seg", "ip_group_delta", &[json!(15)], add, json!([])), None);
}

#[test]
fn words_come_go_and_change_by_their_term() {
    let before = json!({ "data": { "name": "d", "words": [["red"], ["blue", 2, "prefix"]] } });
    let words = |name: &str, words: Json| {
        let after = after("asyncos", name, &[json!("d")], json!({ "words": words }), before.clone()).unwrap();
        assert_eq!(after["data"]["name"], "d");
        after["data"]["words"].clone()
    };
    assert_eq!(words("dictionary_words_add", json!([["green"]])), json!([["red"], ["blue", 2, "prefix"], ["green"]]));
    assert_eq!(words("dictionary_words_delete", json!(["blue", "none"])), json!([["red"]]));
    assert_eq!(words("dictionary_words_update", json!([["red", 5]])), json!([["red", 5], ["blue", 2, "prefix"]]));
}

#[test]
fn a_replacement_keeps_what_the_appliance_makes_up() {
    let before =
        json!({ "data": { "name": "d", "encoding": "utf-8", "words": [["red"]], "words_count": { "term_count": 1 } } });
    let wanted = json!({ "data": { "name": "d", "encoding": "utf-8", "words": [["blue"]], "words_count": { "term_count": 1 } } });
    assert_eq!(
        after("asyncos", "dictionary_update", &[json!("d")], json!({ "words": [["blue"]] }), before),
        Some(wanted)
    );
    let before = json!({ "data": { "quarantine_name": "Policy", "quarantine_retention_period": 40, "quarantine_size_used": 5 } });
    let new = json!({ "quarantine_retention_period": 14 });
    assert_eq!(
        after("asyncos", "quarantine_config_update", &[json!("Policy")], new, before),
        Some(
            json!({ "data": { "quarantine_name": "Policy", "quarantine_retention_period": 14, "quarantine_size_used": 5 } })
        )
    );
}

#[test]
fn a_whole_object_takes_the_place_of_the_former_and_references_are_keys() {
    let before = json!({ "key": "k", "body": { "name": "a", "gone": 1, "ref": { "key": "7", "meta": {} } } });
    let new = json!({ "name": "b", "ref": "7" });
    assert_eq!(
        after("sps", "ssh_connection_replace", &[json!("k")], new, before),
        Some(json!({ "key": "k", "body": { "name": "b", "ref": "7" } }))
    );
    let zone =
        after("sps", "datetime_timezone_replace", &[json!("UTC")], json!({}), json!({ "body": "Europe/Berlin" }));
    assert_eq!(zone, Some(json!({ "body": "UTC" })));
    let routes = json!([{ "gateway": "192.0.2.1", "target_network": "198.51.100.0/24" }]);
    let added = after(
        "sps",
        "network_route_add",
        &[],
        json!({ "gateway": "192.0.2.1", "target_network": "203.0.113.0/24" }),
        json!({ "body": routes }),
    );
    assert_eq!(added.unwrap()["body"].as_array().unwrap().len(), 2);
}

#[test]
fn a_deleted_object_is_gone_and_a_created_one_is_there() {
    assert_eq!(
        after("sps", "ssh_connection_delete", &[json!("k")], json!({}), json!({ "body": {} })),
        Some(Json::Null)
    );
    assert_eq!(
        after("asyncos", "url_list_create", &[json!("l")], json!({ "urls": ["example.org"] }), Json::Null),
        Some(json!({ "data": { "urls": ["example.org"] } }))
    );
    let users = json!({ "count": 2, "results": [{ "id": 1 }, { "id": 7 }] });
    let left = after("spectra", "user_delete", &[json!(7)], json!({}), users);
    assert_eq!(left.unwrap()["results"], json!([{ "id": 1 }]));
}

#[test]
fn a_part_is_laid_over_what_is_there_and_a_whole_is_not() {
    let before = json!({ "appliances": ["w1"], "content": { "a": 1, "b": 2 } });
    let part = json!({ "content": { "b": 3 } });
    assert_eq!(
        after("spectra", "config_group_content_update", &[json!("g")], part.clone(), before.clone()),
        Some(json!({ "appliances": ["w1"], "content": { "a": 1, "b": 3 } }))
    );
    assert_eq!(
        after("spectra", "config_group_content_replace", &[json!("g")], part, before).unwrap()["content"],
        json!({ "b": 3 })
    );
}

#[test]
fn no_secret_stands_in_a_state() {
    let row = row("spectra", "config_smtp_set");
    let secret = Value::Secret(Secret::new("env X", "example-secret"));
    let given = Map::from([("host".to_owned(), Value::from("mail.example.com")), ("password".to_owned(), secret)]);
    let state = would_be(row, &given, &json!({ "host": "old", "password_set": true })).unwrap();
    assert_eq!(state, json!({ "host": "mail.example.com", "password_set": true }));
}

#[test]
fn what_a_row_does_not_say_is_not_guessed() {
    let lists = json!({ "data": [{ "recipientAddress": "a@example.com", "senderList": ["x@example.org"] }] });
    let change = |action: &str| json!({ "action": action, "view_by": "recipient", "recipient_addresses": ["b@example.com"], "sender_list": ["y@example.org"] });
    assert_eq!(after("asyncos", "safelist_change", &[], change("append"), lists.clone()), None);
    let added = after("asyncos", "safelist_change", &[], change("add"), lists).unwrap();
    assert_eq!(added["data"][1], json!({ "recipientAddress": "b@example.com", "senderList": ["y@example.org"] }));
    assert_eq!(after("spectra", "backup_create", &[], json!({}), json!({ "status": "idle" })), None, "a job");
    assert_eq!(after("sps", "setup_complete", &[], json!({ "accept_eula": true }), json!({ "status": "x" })), None);
}
