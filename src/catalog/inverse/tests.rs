//! What takes calls back, by rows of every vendor.

use serde_json::{Value as Json, json};

use crate::catalog::{Catalog, NoInverse, Row, Undo, bind, inverse_of, read_about, wire};
use crate::value::{Map, Value};

struct Call {
    row: &'static Row,
    args: Map,
    before: Option<Json>,
    answer: Option<Json>,
}

fn call(name: &str, positional: &[Json], map: Json) -> Call {
    let (vendor, name) = name.split_once('.').unwrap();
    let row = Catalog::builtin().row(vendor, name).unwrap();
    let positional = positional.iter().cloned().map(Value::from).collect();
    let Value::Map(map) = Value::from(map) else { panic!("not a map") };
    Call { row, args: bind(row, positional, map).unwrap().args.into_map(), before: None, answer: None }
}

impl Call {
    fn before(self, before: Json) -> Self {
        Self { before: Some(before), ..self }
    }

    fn answer(self, answer: Json) -> Self {
        Self { answer: Some(answer), ..self }
    }

    fn inverse(&self) -> Result<Undo, NoInverse> {
        inverse_of(&Catalog::builtin(), self.row, &self.args, self.before.as_ref(), self.answer.as_ref())
    }

    fn undo(&self) -> Undo {
        self.inverse().unwrap()
    }

    fn refusal(&self) -> String {
        self.inverse().unwrap_err().to_string()
    }
}

/// The request that an undo is: method, path with query, body.
fn request(undo: &Undo) -> (String, Json) {
    let vendor = Catalog::builtin().vendor(undo.row.vendor).unwrap();
    let request = wire(&bind(undo.row, undo.positional.clone(), undo.map.clone()).unwrap(), vendor);
    let body = match request.body {
        crate::catalog::WireBody::Json(bytes) => serde_json::from_slice(&bytes).unwrap(),
        _ => Json::Null,
    };
    let query = if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
    (format!("{} {}{query}", request.method, request.path), body)
}

#[test]
fn a_delta_is_taken_back_by_its_mirror_image() {
    let delta = json!({
        "add": [{ "ip_address_start": "192.0.2.0", "cidr": 24, "name": "feed 1", "description": "x" }],
        "remove": [{ "ip_address_start": "198.51.100.1", "cidr": 0, "ip_address_end": "198.51.100.9" }],
    });
    let undo = call("seg.ip_group_delta", &[json!(15)], delta).undo();
    let (line, body) = request(&undo);
    assert_eq!(line, "PATCH /seg/api/ipgroups/15/delta/");
    assert_eq!(
        body,
        json!({
            "add": [{ "ipAddressStart": "198.51.100.1", "cidr": 0, "ipAddressEnd": "198.51.100.9" }],
            "remove": [{ "ipAddressStart": "192.0.2.0", "cidr": 24 }],
        })
    );
    assert_eq!(undo.caveats, ["what remove took away comes back without name and description"]);
    let add = json!({ "add": [{ "ip_address_start": "192.0.2.0", "cidr": 24 }] });
    assert!(call("seg.ip_group_delta", &[json!(15)], add).undo().caveats.is_empty(), "nothing is lost");
}

#[test]
fn an_undo_of_an_undo_is_the_call() {
    let delta = json!({ "add": [{ "ip_address_start": "192.0.2.0", "cidr": 24 }], "remove": [] });
    let done = call("seg.ip_group_delta", &[json!(15)], delta);
    let undo = done.undo();
    let args = bind(undo.row, undo.positional, undo.map).unwrap().args.into_map();
    let again = Call { row: done.row, args, before: None, answer: None }.undo();
    assert_eq!(bind(again.row, again.positional, again.map).unwrap().args.into_map(), done.args);
}

#[test]
fn words_are_taken_out_that_were_not_there_before() {
    let before = json!({ "data": { "words": [["red"]] } });
    let words = json!({ "words": [["red"], ["blue", 2]], "mode": "group", "group_name": "g" });
    let add = call("asyncos.dictionary_words_add", &[json!("a b")], words);
    assert_eq!(add.refusal(), "the state before dictionary_words_add is not known");
    let undo = add.before(before.clone()).undo();
    let (line, body) = request(&undo);
    let wanted = "DELETE /{product}/api/v2.0/config/dictionaries/a%20b/words?device_type=esa&mode=group&group_name=g";
    assert_eq!(line, wanted, "the level in the cluster goes along");
    assert_eq!(body, json!({ "data": { "words": ["blue"] } }));
    assert_eq!(undo.caveats, ["one entry was there before, and stays as it is"]);
    let same = call("asyncos.dictionary_words_add", &[json!("d")], json!({ "words": [["red"]] })).before(before);
    assert_eq!(same.refusal(), "dictionary_words_add changed nothing that was not so before");
}

#[test]
fn words_come_back_as_they_were() {
    let before = json!({ "data": { "words": [["red", 3, "prefix"], ["blue"]] } });
    let gone = json!({ "words": ["red", "never there"] });
    let delete = call("asyncos.dictionary_words_delete", &[json!("d")], gone).before(before.clone());
    let (line, body) = request(&delete.undo());
    assert_eq!(line, "POST /{product}/api/v2.0/config/dictionaries/d/words?device_type=esa");
    assert_eq!(body, json!({ "data": { "words": [["red", 3, "prefix"]] } }));
    let update = call("asyncos.dictionary_words_update", &[json!("d")], json!({ "words": [["blue", 9]] }));
    assert_eq!(request(&update.before(before).undo()).1, json!({ "data": { "words": [["blue"]] } }));
}

#[test]
fn a_replaced_object_is_written_back_without_what_the_appliance_makes_up() {
    let dictionary = json!({ "data": { "name": "d", "words": [["red"]], "ignorecase": 1, "wholewords": 0, "encoding": "utf-8", "words_count": {} } });
    let update = call("asyncos.dictionary_update", &[json!("d")], json!({ "words": [["x"]] })).before(dictionary);
    assert_eq!(
        request(&update.undo()).1,
        json!({ "data": { "words": [["red"]], "ignorecase": 1, "wholewords": 0, "encoding": "utf-8" } })
    );
    let settings = json!({ "data": { "quarantine_name": "Policy", "quarantine_retention_period": 40, "quarantine_size_used": 5, "quarantine_created_by": "admin" } });
    let update =
        call("asyncos.quarantine_config_update", &[json!("Policy")], json!({ "quarantine_retention_period": 1 }));
    let (line, body) = request(&update.before(settings).undo());
    assert_eq!(line, "PUT /{product}/api/v2.0/config/local_quarantines/Policy?device_type=sma");
    assert_eq!(body, json!({ "quarantine_retention_period": 40 }));
    let filter = json!({ "data": [{ "name": "f", "active": "true", "order": 3, "valid": "true" }] });
    let update = call("asyncos.message_filter_update", &[json!("f")], json!({ "active": "false" })).before(filter);
    assert_eq!(request(&update.undo()).1, json!({ "data": { "active": "true", "order": 3 } }));
}

#[test]
fn a_list_that_was_empty_is_emptied_again() {
    let urls = call("asyncos.url_list_update", &[json!("l")], json!({ "urls": ["example.org"] }));
    let undo = urls.before(json!({ "data": { "name": "l", "urls": [] } })).undo();
    assert_eq!(request(&undo).1, json!({ "data": { "urls": [] } }));
    let entry = json!({ "sender_config": { "sender": { "domain_entries": ["example.net"] } } });
    let add = call("asyncos.mail_policy_users_add", &[json!("DEFAULT")], entry);
    let (line, body) = request(&add.before(json!({ "meta": { "count": 0 }, "data": [] })).undo());
    assert!(line.starts_with("PUT ") && line.contains("/DEFAULT/senders_and_recipients"), "{line}");
    assert_eq!(body, json!({ "data": [] }));
}

#[test]
fn what_was_created_is_deleted_by_its_name_or_key() {
    let create = call("asyncos.url_list_create", &[json!("l")], json!({ "urls": ["example.org"] }));
    assert_eq!(request(&create.undo()).1, json!({ "data": { "url_lists": ["l"] } }), "one becomes a list of one");
    let create = call("sps.ssh_connection_create", &[], json!({ "name": "a" }));
    assert_eq!(create.refusal(), "ssh_connection_create cannot be taken back without answer.key, which is not known");
    let (line, _) = request(&create.answer(json!({ "key": "5a/b", "meta": {} })).undo());
    assert_eq!(line, "DELETE /api/configuration/ssh/connections/5a%2Fb");
    let user = call("spectra.user_add", &[], json!({ "username": "u", "password": "example-password" }));
    let (line, _) = request(&user.answer(json!({ "id": 7, "username": "u" })).undo());
    assert_eq!(line, "DELETE /api/v1/authentication/users/7/delete/", "to delete takes no password");
    let group = call("spectra.hub_group_create", &[], json!({ "name": "h", "auth_pass": "example-password" }));
    assert_eq!(request(&group.undo()).0, "DELETE /api/v1/tiscale-hub-group/delete/h/");
}

#[test]
fn only_new_entries_of_a_safelist_go_again() {
    let add = json!({ "action": "add", "view_by": "recipient", "recipient_addresses": ["a@example.com", "b@example.com"], "sender_list": ["x@example.org"] });
    let before =
        json!({ "meta": { "totalCount": 1 }, "data": [{ "recipientAddress": "a@example.com", "senderList": [] }] });
    let undo = call("asyncos.safelist_change", &[], add.clone()).before(before).undo();
    let (line, body) = request(&undo);
    assert_eq!(line, "DELETE /{product}/api/v2.0/quarantine/safelist");
    assert_eq!(body, json!({ "quarantineType": "spam", "viewBy": "recipient", "recipientList": ["b@example.com"] }));
    let page = json!({ "meta": { "totalCount": 400 }, "data": [] });
    let refusal = call("asyncos.safelist_change", &[], add).before(page).refusal();
    assert!(refusal.contains("one page is known only"), "{refusal}");
    let side = json!({ "action": "add", "view_by": "sender", "sender_addresses": ["x@example.org"], "recipient_list": ["a@example.com"] });
    let before = json!({ "meta": { "totalCount": 0 }, "data": [] });
    let (_, body) = request(&call("asyncos.blocklist_change", &[], side).before(before.clone()).undo());
    assert_eq!(body, json!({ "quarantineType": "spam", "viewBy": "sender", "senderList": ["x@example.org"] }));
    let edit =
        json!({ "action": "edit", "view_by": "sender", "sender_addresses": ["x@example.org"], "recipient_list": [] });
    let refusal = call("asyncos.blocklist_change", &[], edit).before(before).refusal();
    assert!(refusal.contains("is not known well enough"), "{refusal}");
}

#[test]
fn an_object_of_sps_goes_back_bare_and_with_its_nulls() {
    let before = json!({ "key": "k", "meta": {}, "body": { "name": "a", "policy": { "key": "-100", "meta": {} }, "limit": null } });
    let replace = call("sps.ssh_connection_replace", &[json!("k")], json!({ "name": "b" })).before(before);
    let (line, body) = request(&replace.undo());
    assert_eq!(line, "PUT /api/configuration/ssh/connections/k");
    assert_eq!(body, json!({ "name": "a", "policy": "-100", "limit": null }));
    let zone =
        call("sps.datetime_timezone_replace", &[json!("UTC")], json!({})).before(json!({ "body": "Europe/Berlin" }));
    assert_eq!(request(&zone.undo()).1, json!("Europe/Berlin"));
    let route = json!({ "gateway": "192.0.2.1", "target_network": "198.51.100.0/24" });
    let add = call("sps.network_route_add", &[], route).before(json!({ "key": "routing", "body": [] }));
    assert_eq!(request(&add.undo()), ("PUT /api/configuration/network/routing".to_owned(), json!([])));
}

#[test]
fn settings_go_back_whole_whether_the_call_merges_or_replaces() {
    let before = json!({ "syslog_enable": false, "syslog_host": "old.example.com", "syslog_port": 514 });
    let set = call(
        "spectra.config_systemalerting_set",
        &[],
        json!({ "syslog_enable": true, "syslog_transport_protocol": "TCP" }),
    );
    let undo = set.before(before).undo();
    let (line, body) = request(&undo);
    assert_eq!(line, "POST /api/v1/config/systemalerting/");
    assert_eq!(body, json!({ "syslog_enable": false, "syslog_host": "old.example.com", "syslog_port": 514 }));
    assert_eq!(undo.caveats, ["'syslog_transport_protocol' stays as it is: what it was before is not shown"]);
}

#[test]
fn what_cannot_be_taken_back_says_why() {
    let cases = [
        (
            call("seg.group_member_add", &[json!(3)], json!({ "member_type": 1, "member_data": "a@example.com" })),
            "group_member_add has no inverse",
        ),
        (
            call("spectra.config_smtp_set", &[], json!({ "host": "mail.example.com" }))
                .before(json!({ "host": "old" })),
            "config_smtp_set has the secret 'password', and what that was before cannot be written back",
        ),
        (
            call("spectra.config_group_content_replace", &[json!("g")], json!({ "content": { "a": 1 } })),
            "config_group_content_replace has the secret 'content', and what that was before cannot be written back",
        ),
        (
            call("sps.ssh_connection_replace", &[json!("k")], json!({})),
            "the state before ssh_connection_replace is not known",
        ),
        (
            call("sps.ssh_connection_replace", &[json!("k")], json!({})).before(Json::Null),
            "before ssh_connection_replace the object was not there, so that there is no state to go back to",
        ),
        (
            call("sps.ssh_connection_replace", &[json!("k")], json!({})).before(json!({ "body": [1, 2] })),
            "ssh_connection_replace would not take the former state: it is no object",
        ),
        (
            call("asyncos.message_filter_update", &[json!("f")], json!({ "order": 1 }))
                .before(json!({ "data": [{ "active": "maybe" }] })),
            "message_filter_update would not take the former state: 'active' must be one of",
        ),
        (
            call("spectra.config_ntp_set", &[], json!({ "enable": true })).before(json!({})),
            "config_ntp_set would not take the former state: its read shows nothing of what it writes",
        ),
    ];
    for (call, wanted) in cases {
        let refusal = call.refusal();
        assert!(refusal.starts_with(wanted), "wanted {wanted}\nfound  {refusal}");
    }
}

#[test]
fn the_read_before_is_about_the_same_object() {
    let catalog = Catalog::builtin();
    let about = |call: &Call| {
        let read = read_about(&catalog, call.row, call.row.before.as_ref().unwrap().call, &call.args).unwrap();
        let vendor = catalog.vendor(call.row.vendor).unwrap();
        let request = wire(&read, vendor);
        format!("{} {}?{}", request.method, request.path, request.query)
    };
    let level = json!({ "words": [["x"]], "mode": "machine", "host_name": "esa1" });
    assert_eq!(
        about(&call("asyncos.dictionary_words_add", &[json!("d")], level)),
        "GET /{product}/api/v2.0/config/dictionaries/d?device_type=esa&mode=machine&host_name=esa1"
    );
    let delete = json!({ "device_type": "wsa", "id": "7" });
    assert!(
        about(&call("asyncos.archived_reports_delete", &[], delete)).ends_with("/archived_reports?device_type=wsa")
    );
    let change =
        json!({ "action": "add", "view_by": "sender", "sender_addresses": ["x@example.org"], "recipient_list": [] });
    assert!(about(&call("asyncos.blocklist_change", &[], change)).contains("viewBy=sender"));
    let add = json!({ "member_type": 1, "member_data": "a@example.com" });
    assert_eq!(about(&call("seg.group_member_add", &[json!(3)], add)), "GET /seg/api/groups/3/members?");
}
