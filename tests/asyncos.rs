//! Cisco Secure Email: two ways to sign in, dates, queries, paging, quarantines, policy objects.

use std::time::Duration;

use beadle::lab::{AsyncosOptions, Product};

use crate::support::vendors::{asyncos, content};

const DESTROY: &str = "allow = [\"read\", \"change\", \"destroy\"]\n";
const SPAN: &str = "start_date: date(\"2026-11-01T10:20:30Z\"), end_date: date(\"2026-11-02T10:20:30Z\")";

#[test]
fn both_ways_to_sign_in_work() {
    for (method, logins) in [("jwt", 1), ("basic", 0)] {
        let lab = asyncos(AsyncosOptions::default());
        let script = "let t = target(\"esa\"); t.login_privileges(); print(t.system_time(#{ device_type: \"esa\" }).data.timezone)";
        lab.sandbox("esa", method, "").script(script, &[]).code(0).out(&["UTC"]);
        assert_eq!(lab.count("POST", "/login"), logins);
        content(&lab.lab.complaints());
    }
}

#[test]
fn a_token_that_the_appliance_renews_or_rejects_is_replaced() {
    let lab = asyncos(AsyncosOptions { token_life: Duration::from_secs(301), ..AsyncosOptions::default() });
    let sandbox = lab.sandbox("esa", "jwt", "");
    sandbox
        .script(
            "let t = target(\"esa\"); t.health(); sleep(\"1500ms\"); for n in 0..3 { t.health(); } print(\"ok\")",
            &[],
        )
        .code(0);
    let tokens: std::collections::BTreeSet<_> = lab
        .lab
        .requests()
        .into_iter()
        .filter_map(|seen| seen.headers.into_iter().find(|(name, _)| name == "jwttoken").map(|(_, value)| value))
        .collect();
    assert_eq!(tokens.len(), 2, "the renewed token is used: {tokens:?}");
    assert_eq!(lab.count("POST", "/login"), 1);
    let lab = asyncos(AsyncosOptions { token_life: Duration::from_millis(600), ..AsyncosOptions::default() });
    let sandbox = lab.sandbox("esa", "jwt", "");
    sandbox
        .script("let t = target(\"esa\"); t.health(); sleep(\"900ms\"); t.health(); print(\"ok\")", &[])
        .code(0)
        .out(&["ok"]);
    assert_eq!(lab.count("POST", "/login"), 2);
    content(&lab.lab.complaints());
}

#[test]
fn a_wrong_passphrase_and_a_second_factor_are_named() {
    let lab = asyncos(AsyncosOptions { password: "another".into(), ..AsyncosOptions::default() });
    lab.sandbox("esa", "jwt", "")
        .script("target(\"esa\").health()", &[])
        .code(1)
        .err(&["Invalid username or passphrase"]);
    assert_eq!(lab.count("POST", "/login"), 1, "a login loop may lock the account");
    let lab = asyncos(AsyncosOptions { two_factor: true, ..AsyncosOptions::default() });
    lab.sandbox("esa", "jwt", "").script("target(\"esa\").health()", &[]).code(1).err(&["second factor"]);
}

#[test]
fn times_are_cut_outward_and_it_is_said() {
    let lab = asyncos(AsyncosOptions::default());
    let sandbox = lab.sandbox("esa", "jwt", "");
    sandbox
        .script(&format!("print(target(\"esa\").report_mail_incoming_traffic_summary(#{{ {SPAN} }}).data.type)"), &[])
        .code(0)
        .out(&["mail_incoming_traffic_summary"])
        .err(&["start_date 2026-11-01T10:20:30Z became", "whole hours"]);
    assert_eq!(lab.count("GET", "startDate=2026-11-01T10:00:00.000Z&endDate=2026-11-02T11:00:00.000Z"), 1);
    sandbox.script(&format!("target(\"esa\").tracking_messages(#{{ {SPAN}, offset: 0, limit: 5 }})"), &[]).code(0);
    assert_eq!(lab.count("GET", "startDate=2026-11-01T10:20:00.000Z&endDate=2026-11-02T10:21:00.000Z"), 1);
    content(&lab.lab.complaints());
}

#[test]
fn queries_are_written_as_the_appliance_wants_them() {
    let lab = asyncos(AsyncosOptions::default());
    let sandbox = lab.sandbox("esa", "jwt", "");
    let script = format!(
        "let t = target(\"esa\"); t.tracking_messages(#{{ {SPAN}, subject_filter_operator: \"contains\", subject_filter_value: \"two words: é\", spam_positive: true, macro_file_types_detected: [\"Microsoft Office Files\", \"X\"], macro_mailflow_direction: \"inbound\" }}); t.quarantine_spam_search(#{{ {SPAN}, quarantine_type: \"pvo\", quarantines: [\"File Analysis\", \"Policy\"] }}); t.tracking_details(#{{ mid: [1, 2], serial_number: \"LAB-0001\" }});"
    );
    sandbox.script(&script, &[]).code(0);
    assert_eq!(lab.count("GET", "subjectfilterValue=two%20words:%20%C3%A9&"), 1, "{:?}", lab.lab.requests().last());
    assert_eq!(lab.count("GET", "spamPositive=True"), 1);
    assert_eq!(lab.count("GET", "Microsoft%20Office%20Files,X"), 1);
    assert_eq!(lab.count("GET", "quarantines=File+Analysis,Policy"), 1);
    assert_eq!(lab.count("GET", "mid=1&mid=2"), 1);
    content(&lab.lab.complaints());
}

#[test]
fn half_a_pair_is_not_sent() {
    let lab = asyncos(AsyncosOptions::default());
    let sandbox = lab.sandbox("esa", "jwt", "");
    for half in ["offset: 0", "subject_filter_value: \"x\"", "mail_policy_name: \"x\""] {
        sandbox.script(&format!("target(\"esa\").tracking_messages(#{{ {SPAN}, {half} }})"), &[]).code(1);
    }
    assert_eq!(lab.lab.counts().0, 0);
}

#[test]
fn halves_of_filters_of_quarantines_are_refused_before_they_are_sent() {
    let lab = asyncos(AsyncosOptions::default());
    let sandbox = lab.sandbox("esa", "jwt", "");
    for half in [
        "envelope_recipient_filter_operator: \"is\"",
        "envelope_recipient_filter_by: \"contains\"",
        "envelope_recipient_filter_value: \"a\"",
        "attachment_size_filter_by: \"less_than\"",
        "attachment_size_to_value: 5",
    ] {
        sandbox
            .script(&format!("target(\"esa\").quarantine_spam_search(#{{ {SPAN}, {half} }})"), &[])
            .code(1)
            .err(&["is of no use without"]);
    }
    sandbox.script("target(\"esa\").url_lists(#{ group_name: \"x\" })", &[]).code(1).err(&["of no use without mode"]);
    sandbox.script("target(\"esa\").blocklist(#{ view_by: \"recipient\", search: \"x\" })", &[]).code(1);
    assert_eq!(lab.lab.counts().0, 0);
    let both = "envelope_recipient_filter_operator: \"is\", envelope_recipient_filter_value: \"a@example.net\"";
    sandbox.script(&format!("target(\"esa\").quarantine_spam_search(#{{ {SPAN}, {both} }})"), &[]).code(0);
}

#[test]
fn an_attachment_that_is_gone_is_an_error_whatever_its_status() {
    let lab = asyncos(AsyncosOptions::default());
    let script = "target(\"esa\").quarantine_pvo_attachment(#{ mid: 301, attachment_id: 404 })";
    lab.sandbox("esa", "jwt", "").script(script, &[]).code(1).err(&["The attachment is gone."]);
}

#[test]
fn paging_follows_the_slots_and_loses_no_message() {
    let lab = asyncos(AsyncosOptions::default());
    let sandbox = lab.sandbox("esa", "jwt", "");
    let script = format!(
        "let seen = []; for m in target(\"esa\").tracking_messages_pages(#{{ {SPAN}, limit: 20 }}) {{ seen.push(m.attributes.mid[0]); }} print(seen.len()); print(seen[-1]); let n = 0; for m in target(\"esa\").quarantine_spam_search_pages(#{{ {SPAN}, limit: 20 }}) {{ n += 1; if n == 3 {{ break; }} }} print(n)"
    );
    sandbox.script(&script, &[]).code(0).out(&["36\n44\n3"]);
    assert_eq!(lab.count("GET", "message-tracking"), 3);
    assert_eq!(lab.count("GET", "/quarantine/messages"), 1, "pages are asked for when they are needed");
    content(&lab.lab.complaints());
}

#[test]
fn a_404_that_means_a_wrong_parameter_is_told_from_a_missing_object() {
    let lab = asyncos(AsyncosOptions::default());
    let sandbox = lab.sandbox("esa", "jwt", "");
    let kind = |call: &str| {
        let script = format!("try {{ target(\"esa\").{call} }} catch (e) {{ print(`${{e.kind}} ${{e.code}}`) }}");
        sandbox.script(&script, &[]).code(0).out
    };
    assert!(kind("url_list(\"none\")").contains("not-found 404"));
    assert!(
        kind("request(\"GET\", \"/message-tracking/messages\", #{ query: #{ searchOption: \"messages\" } })")
            .contains("invalid 404")
    );
}

#[test]
fn quarantined_mail_is_released_and_deleted_by_number() {
    let lab = asyncos(AsyncosOptions::default());
    let sandbox = lab.sandbox("esa", "jwt", DESTROY);
    let script = "let t = target(\"esa\"); print(t.quarantine_spam_release(#{ action: \"release\", mids: [201, 9] }).data.totalCount); print(t.quarantine_spam_delete(#{ mids: [202] }).data.totalCount); print(t.quarantine_spam_delete(#{ mids: [202] }).data.totalCount); print(t.quarantine_spam_release(#{ action: \"move\", quarantine_type: \"pvo\", quarantine_name: \"Policy\", destination_quarantine_name: \"Held\", mids: [302] }).data.totalCount)";
    sandbox.script(script, &["--yes"]).code(0).out(&["1\n1\n0\n1"]);
    assert_eq!(lab.lab.spam().first(), Some(&203));
    content(&lab.lab.complaints());
}

#[test]
fn a_blocklist_never_gets_an_address_of_ours() {
    let lab = asyncos(AsyncosOptions::default());
    let sandbox = lab.sandbox("esa", "jwt", "[never]\naddresses = [\"ceo@example.net\"]\n");
    let script = "target(\"esa\").blocklist_change(#{ action: \"add\", view_by: \"recipient\", recipient_addresses: [\"a@example.net\"], sender_list: [\"ceo@example.net\"] })";
    sandbox.script(script, &["--yes"]).code(4).err(&["ceo@example.net"]);
    assert_eq!(lab.lab.counts().1, 0);
}

#[test]
fn policy_objects_are_wrapped_and_updated_whole() {
    let lab = asyncos(AsyncosOptions::default());
    let sandbox = lab.sandbox("esa", "jwt", DESTROY);
    let script = "let t = target(\"esa\"); t.url_list_update(\"bad\", |l| { l.urls.push(\"example.org/new\"); l }); t.dictionary_words_delete(\"names\", #{ words: [\"secret\"] }); t.mail_policy_users_update(\"DEFAULT\", |users| { users.push(users[0]); users }); print(t.mail_policy_users(\"DEFAULT\").meta.count)";
    sandbox.script(script, &["--yes"]).code(0).out(&["2"]);
    assert_eq!(lab.lab.object("url_lists", "bad").unwrap()["urls"].as_array().unwrap().len(), 2);
    assert_eq!(lab.lab.object("dictionaries", "names").unwrap()["words"].as_array().unwrap().len(), 1);
    content(&lab.lab.complaints());
}

#[test]
fn a_call_of_the_other_product_is_refused_before_it_is_sent() {
    let lab = asyncos(AsyncosOptions { product: Product::Sma, ..AsyncosOptions::default() });
    let sandbox = lab.sandbox("sma", "jwt", "");
    sandbox
        .script("target(\"sma\").url_lists()", &[])
        .code(1)
        .err(&["this call is one of esa, and the target is of sma"]);
    sandbox.script("print(target(\"sma\").quarantine_names().data.quarantines.pvo.len())", &[]).code(0).out(&["2"]);
    sandbox.write("out/.keep", "");
    content(&lab.lab.complaints());
}

#[test]
fn a_log_file_is_streamed() {
    let lab = asyncos(AsyncosOptions::default());
    let sandbox = lab.sandbox("esa", "jwt", "");
    sandbox
        .script("print(target(\"esa\").log_file(\"mail_logs\", \"mail.current\", #{ to: \"out/mail.log\" }).size)", &[])
        .code(0);
    assert!(sandbox.read("out/mail.log").contains("ICID"));
    content(&lab.lab.complaints());
}
