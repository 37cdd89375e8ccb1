//! Calls and what takes them back, against the lab: afterwards the read shows what it showed before.

use beadle::catalog::{Bound, Catalog, Row, bind, inverse_of, read_about, steady, would_be};
use beadle::lab::{AsyncosOptions, SpectraOptions, SpsOptions};
use beadle::value::{Map, Value};
use serde_json::{Value as Json, json};

use crate::support::Sandbox;
use crate::support::lab::Seg;
use crate::support::vendors::{asyncos, content, faults, spectra, sps};

const ALL: &str = "allow = [\"read\", \"change\", \"destroy\"]\n";

/// A call of a row, with its arguments in JSON.
struct Done {
    row: &'static Row,
    positional: Vec<Json>,
    map: Json,
}

impl Done {
    fn bound(&self) -> Bound {
        let positional = self.positional.iter().cloned().map(Value::from).collect();
        let Value::Map(map) = Value::from(self.map.clone()) else { panic!("not a map") };
        bind(self.row, positional, map).unwrap()
    }
}

fn done(vendor: &str, calls: &[(&str, Json, Json)]) -> Vec<Done> {
    let calls = calls.iter().map(|(name, positional, map)| Done {
        row: Catalog::builtin().row(vendor, name).unwrap_or_else(|| panic!("no {name}")),
        positional: positional.as_array().unwrap().clone(),
        map: map.clone(),
    });
    calls.collect()
}

/// A call as a script writes it.
fn written(row: &Row, positional: &[Value], map: &Map) -> String {
    let literal = |value: &Value| match value {
        Value::Map(_) | Value::List(_) => {
            format!("parse_json({})", Json::String(value.to_json().to_string()))
        }
        plain => plain.to_json().to_string(),
    };
    let mut arguments: Vec<String> = positional.iter().map(literal).collect();
    if !map.is_empty() {
        arguments.push(literal(&Value::Map(map.clone())));
    }
    format!("t.{}({})", row.name, arguments.join(", "))
}

fn read_of(done: &Done) -> String {
    let catalog = Catalog::builtin();
    let read = done.row.before.as_ref().unwrap().call;
    let read = read_about(&catalog, done.row, read, &done.bound().args).unwrap();
    let positional: Vec<Value> = read.row.path_params().map(|param| read.args[param.name].clone()).collect();
    let map =
        read.row.map_params().filter_map(|param| Some((param.name.to_owned(), read.args.get(param.name)?.clone())));
    written(read.row, &positional, &map.collect())
}

/// Runs script expressions on the target, each by itself, and gives what each gave; an object that is
/// not there gives nothing.
fn run(sandbox: &Sandbox, target: &str, expressions: &[String]) -> Vec<Json> {
    let mut script = format!("let t = target(\"{target}\"); let all = [];\n");
    for expression in expressions {
        script.push_str(&format!(
            "try {{ all.push(to_json({expression})); }} catch (e) {{ if e.get(\"kind\") != \"not-found\" {{ throw e; }} all.push(\"null\"); }}\n"
        ));
    }
    script.push_str("all");
    let ran = sandbox.script(&script, &["--yes", "--format", "json"]).code(0);
    let last: Json = serde_json::from_str(ran.out.lines().last().unwrap()).unwrap();
    let given =
        last["value"].as_array().unwrap().iter().map(|text| serde_json::from_str(text.as_str().unwrap()).unwrap());
    given.collect()
}

/// Makes every call, takes each back by its inverse, and looks before, between and after.
fn there_and_back(sandbox: &Sandbox, target: &str, calls: &[Done]) {
    let mut there = Vec::new();
    for call in calls {
        let positional: Vec<Value> = call.positional.iter().cloned().map(Value::from).collect();
        let Value::Map(map) = Value::from(call.map.clone()) else { panic!("not a map") };
        there.extend([read_of(call), written(call.row, &positional, &map), read_of(call)]);
    }
    let shown = run(sandbox, target, &there);
    let mut back = Vec::new();
    for (call, shown) in calls.iter().zip(shown.chunks(3)) {
        let args = call.bound().args;
        let undo = inverse_of(&Catalog::builtin(), call.row, &args, Some(&shown[0]), Some(&shown[1]));
        let undo = undo.unwrap_or_else(|reason| panic!("{}: {reason}", call.row.name));
        back.extend([written(undo.row, &undo.positional, &undo.map), read_of(call)]);
    }
    let again = run(sandbox, target, &back);
    let mut offenders = Vec::new();
    for (number, call) in calls.iter().enumerate() {
        let read = Catalog::builtin().row(call.row.vendor, call.row.before.as_ref().unwrap().call).unwrap();
        let edits = !call.row.edits.is_empty();
        let plain = |state: &Json| {
            let state = beadle::catalog::state::plain(&steady(state.clone(), read.answer.fields));
            // In a list of entries the order says nothing: what comes back stands at the end.
            if edits { sorted(state) } else { state }
        };
        let (before, after, now) =
            (plain(&shown[number * 3]), plain(&shown[number * 3 + 2]), plain(&again[number * 2 + 1]));
        if before == after {
            offenders.push(format!("{} changed nothing: {before}", call.row.name));
        }
        if before != now {
            offenders.push(format!("{} came back as\n  {now} and not\n  {before}", call.row.name));
        }
        let expected = would_be(call.row, &call.bound().args, &shown[number * 3]).map(|state| plain(&state));
        if let Some(expected) = expected.filter(|expected| !fits(expected, &after)) {
            offenders.push(format!("{} made\n  {after} and not\n  {expected}", call.row.name));
        }
    }
    assert!(offenders.is_empty(), "{}", offenders.join("\n"));
}

fn sorted(state: Json) -> Json {
    match state {
        Json::Array(items) => {
            let mut items: Vec<Json> = items.into_iter().map(sorted).collect();
            items.sort_by_key(Json::to_string);
            Json::Array(items)
        }
        Json::Object(map) => Json::Object(map.into_iter().map(|(name, value)| (name, sorted(value))).collect()),
        leaf => leaf,
    }
}

/// Whether all that was foretold is there; the appliance makes up names, keys and numbers besides.
fn fits(expected: &Json, have: &Json) -> bool {
    match (expected, have) {
        (Json::Object(expected), Json::Object(have)) => {
            expected.iter().all(|(name, value)| have.get(name).is_some_and(|have| fits(value, have)))
        }
        (Json::Array(expected), Json::Array(have)) => {
            expected.len() == have.len() && expected.iter().all(|wanted| have.iter().any(|have| fits(wanted, have)))
        }
        // How many there are is not foretold.
        (Json::Number(_), Json::Number(_)) => true,
        (expected, have) => expected == have,
    }
}

#[test]
fn changes_of_a_gateways_lists_and_filters_come_back() {
    let lab = asyncos(AsyncosOptions::default());
    let sandbox = lab.sandbox("esa", "jwt", ALL);
    let entry = json!({ "sender_config": { "sender": { "domain_entries": ["example.org"] } },
        "receiver_config": { "operation": "or", "receiver": { "domain_entries": ["ANY"] } } });
    let calls = [
        ("dictionary_words_add", json!(["names"]), json!({ "words": [["more", 2], ["and more"]] })),
        ("dictionary_words_delete", json!(["names"]), json!({ "words": ["secret"] })),
        ("dictionary_words_update", json!(["names"]), json!({ "words": [["secret", 9]] })),
        ("dictionary_update", json!(["names"]), json!({ "words": [["x"]], "ignorecase": 0 })),
        ("dictionary_create", json!(["new"]), json!({ "words": [["x"]], "ignorecase": 1, "wholewords": 1 })),
        ("url_list_create", json!(["new"]), json!({ "urls": ["example.org/x"] })),
        ("url_list_update", json!(["bad"]), json!({ "urls": [] })),
        ("file_hash_list_update", json!(["known"]), json!({ "filehashes": ["d41d8cd98f00b204e9800998ecf8427f"] })),
        (
            "message_filter_create",
            json!(["new"]),
            json!({ "rules_and_actions": "if (true) { log(1); }", "active": "false" }),
        ),
        ("message_filter_update", json!(["drop_bad"]), json!({ "active": "false" })),
        ("mail_policy_users_add", json!(["DEFAULT"]), entry.clone()),
        ("mail_policy_users_replace", json!(["DEFAULT"]), json!({ "users": [entry] })),
        ("quarantine_config_update", json!(["Policy"]), json!({ "quarantine_retention_period": 3 })),
        (
            "safelist_change",
            json!([]),
            json!({ "action": "add", "view_by": "recipient", "recipient_addresses": ["new@example.com"], "sender_list": ["x@example.org"] }),
        ),
    ];
    for call in done("asyncos", &calls) {
        there_and_back(&sandbox, "esa", &[call]);
    }
    content(&lab.lab.complaints());
}

#[test]
fn staged_changes_of_sps_come_back() {
    let lab = sps(SpsOptions::default());
    let sandbox = lab.sandbox(ALL);
    let first = ["t.ssh_connection_create(#{ name: \"old\", port: 22, policy: () })".to_owned()];
    let made = &run(&sandbox, "sps", &first)[0];
    let calls = [
        ("ssh_connection_create", json!([]), json!({ "name": "new" })),
        ("datetime_timezone_replace", json!(["Europe/Berlin"]), json!({})),
        ("datetime_ntp_servers_replace", json!([[]]), json!({})),
        ("network_route_add", json!([]), json!({ "gateway": "192.0.2.1", "target_network": "203.0.113.0/24" })),
        ("network_routing_replace", json!([[]]), json!({})),
        ("ssh_connection_replace", json!([made["key"]]), json!({ "name": "old", "port": 2222, "policy": null })),
    ];
    for call in done("sps", &calls) {
        there_and_back(&sandbox, "sps", &[call]);
    }
    content(&lab.lab.complaints());
}

#[test]
fn settings_accounts_and_groups_of_spectra_come_back() {
    let lab = spectra(SpectraOptions::default());
    let sandbox = lab.sandbox(ALL);
    // The Manager of the lab begins without settings: there must be some to come back to.
    let first = [
        "t.config_ntp_set(#{ enable: false, servers: \"old.example.com\" })",
        "t.config_systemalerting_set(#{ syslog_enable: false, syslog_host: \"old.example.com\", syslog_port: 514 })",
        "t.config_sync_set(#{ yararulesets_enable: false })",
        "t.config_sshd_set(#{ permit_root_login: \"no\", banner_content: \"old\" })",
        "t.config_central_logging_set(#{ central_logging__enable: false, central_logging__retention_period: 7 })",
    ];
    run(&sandbox, "spectra", &first.map(str::to_owned));
    let calls = [
        ("config_ntp_set", json!([]), json!({ "enable": true, "servers": "a.example.com\nb.example.com" })),
        ("config_systemalerting_set", json!([]), json!({ "syslog_enable": true, "syslog_host": "new.example.com" })),
        ("config_sync_set", json!([]), json!({ "yararulesets_enable": true })),
        ("config_sshd_set", json!([]), json!({ "permit_root_login": "yes" })),
        ("config_central_logging_set", json!([]), json!({ "central_logging__retention_period": 30 })),
        ("user_add", json!([]), json!({ "username": "new", "password": "example-password" })),
        ("config_group_create", json!([]), json!({ "name": "new" })),
        ("hub_group_create", json!([]), json!({ "name": "new", "auth_pass": "example-password" })),
    ];
    for call in done("spectra", &calls) {
        there_and_back(&sandbox, "spectra", &[call]);
    }
    content(&lab.lab.complaints());
}

#[test]
fn a_delta_comes_back_on_the_gateway() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, ALL);
    seg.lab.put_ip(16, "192.0.2.0/24", "theirs");
    let before = seg.lab.ip_group(16);
    let calls = [(
        "ip_group_delta",
        json!([16]),
        json!({ "add": [{ "ip_address_start": "198.51.100.1", "cidr": 32, "name": "ours" }, { "ip_address_start": "203.0.113.0", "cidr": 0, "ip_address_end": "203.0.113.9" }],
            "remove": [{ "ip_address_start": "192.0.2.0", "cidr": 24 }] }),
    )];
    let call = done("seg", &calls).remove(0);
    let bound = call.bound();
    run(&sandbox, "seg", &[written(call.row, &[Value::Int(16)], &Map::from_iter(map_of(&bound)))]);
    assert_ne!(seg.lab.ip_group(16), before);
    let undo = inverse_of(&Catalog::builtin(), call.row, &bound.args, None, None).unwrap();
    run(&sandbox, "seg", &[written(undo.row, &undo.positional, &undo.map)]);
    assert_eq!(seg.lab.ip_group(16), before);
    assert_eq!(undo.caveats.len(), 1, "the name of what was removed is lost: {:?}", undo.caveats);
    seg.is_content();
}

fn map_of(bound: &Bound) -> impl Iterator<Item = (String, Value)> {
    bound.row.map_params().filter_map(|param| Some((param.name.to_owned(), bound.args.get(param.name)?.clone())))
}

#[test]
fn a_lost_addition_is_settled_by_its_list_and_made_once() {
    for (fault, sent) in [("lost=1@words", 1), ("lost-before=1@words", 2)] {
        let lab = asyncos(AsyncosOptions { faults: faults(&[fault]), ..AsyncosOptions::default() });
        let sandbox = lab.sandbox("esa", "jwt", ALL);
        let add = r#"t.dictionary_words_add("names", #{ words: [["more", 2]] })"#.to_owned();
        let shown = run(&sandbox, "esa", &[add, r#"t.dictionary("names")"#.to_owned()]);
        let words = shown[1]["data"]["words"].as_array().unwrap();
        assert_eq!(words.iter().filter(|word| word[0] == "more").count(), 1, "{fault}: {words:?}");
        assert_eq!(lab.count("POST", "/words"), sent, "{fault}");
    }
}
