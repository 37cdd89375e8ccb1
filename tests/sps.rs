//! One Identity SPS: sign-in by cookie, transactions, read-modify-write, paging.

use beadle::lab::SpsOptions;

use crate::support::vendors::{content, faults, sps};

#[test]
fn a_session_is_opened_once_and_ended() {
    let lab = sps(SpsOptions { default_login_method: "ldap".into(), ..SpsOptions::default() });
    lab.sandbox("")
        .script("let t = target(\"sps\"); print(t.info().body.version); print(t.aaa_users().items.len())", &[])
        .code(0)
        .out(&["8.0", "1"]);
    assert_eq!(lab.count("GET", "/api/authentication"), 1);
    assert_eq!(lab.count("DELETE", "/api/authentication"), 1);
    assert_eq!(lab.lab.sessions(), 0);
    content(&lab.lab.complaints());
}

#[test]
fn a_wrong_password_names_the_login_method_as_a_cause() {
    let lab = sps(SpsOptions { password: "another".into(), ..SpsOptions::default() });
    let sandbox = lab.sandbox("");
    sandbox
        .script("target(\"sps\").info()", &[])
        .code(1)
        .err(&["user name or password were rejected", "AuthenticationFailure"]);
    assert_eq!(lab.count("GET", "/api/authentication"), 1);
}

#[test]
fn a_lost_session_is_opened_again() {
    let lab = sps(SpsOptions { session_life: 3, ..SpsOptions::default() });
    lab.sandbox("")
        .script("let t = target(\"sps\"); for n in 0..6 { t.info(); } print(\"ok\")", &[])
        .code(0)
        .out(&["ok"]);
    assert!(lab.count("GET", "/api/authentication") >= 2);
    content(&lab.lab.complaints());
}

#[test]
fn a_staged_call_gets_a_transaction_of_its_own() {
    let lab = sps(SpsOptions { commit_log_required: true, ..SpsOptions::default() });
    let sandbox = lab.sandbox("");
    sandbox.script("target(\"sps\").datetime_timezone_replace(\"Europe/Berlin\")", &["--yes"]).code(0);
    assert_eq!(lab.lab.object("/configuration/datetime/timezone").unwrap(), "Europe/Berlin");
    assert_eq!(lab.lab.commits(), 1);
    assert!(!lab.lab.is_open());
    content(&lab.lab.complaints());
}

#[test]
fn a_transaction_commits_once_and_rolls_back_on_error() {
    let lab = sps(SpsOptions::default());
    let sandbox = lab.sandbox("");
    let script = |tail: &str| {
        format!(
            "let t = target(\"sps\");\nlet key = transaction(t, \"two at once\", || {{\n  t.datetime_timezone_replace(\"UTC\");\n  let made = t.ssh_channel_policy_create(#{{ name: \"lab\", rules: [] }});\n  {tail}\n  made.key\n}});\nprint(t.ssh_channel_policy(key).body.name);"
        )
    };
    sandbox.script(&script("fail(\"no\");"), &["--yes"]).code(1).err(&["rolled back"]);
    assert_eq!((lab.lab.commits(), lab.lab.is_open()), (0, false));
    assert_eq!(lab.lab.object("/configuration/datetime/timezone").unwrap(), "Europe/Budapest");
    sandbox.script(&script(""), &["--yes"]).code(0).out(&["lab"]);
    assert_eq!((lab.lab.commits(), lab.lab.is_open()), (1, false));
    content(&lab.lab.complaints());
}

#[test]
fn a_commit_that_the_appliance_refuses_is_rolled_back() {
    let lab = sps(SpsOptions::default());
    let script = "target(\"sps\").ssh_channel_policy_create(#{ name: \"invalid-at-commit\" })";
    lab.sandbox("").script(script, &["--yes"]).code(1).err(&["The configuration is not consistent"]);
    assert_eq!((lab.lab.commits(), lab.lab.is_open()), (0, false));
    assert_eq!(lab.lab.sessions(), 0);
}

#[test]
fn what_cannot_be_rolled_back_is_refused_inside() {
    let lab = sps(SpsOptions::default());
    let sandbox = lab.sandbox("");
    for (inside, what) in [
        ("write_file(\"out/x\", \"y\")", "write_file"),
        ("store.set(\"k\", 1)", "store.set"),
        ("t.firmware_fetch(#{ url: \"https://example.net/x\" })", "only its staged changes"),
    ] {
        let script = format!("let t = target(\"sps\"); transaction(t, \"x\", || {{ {inside}; }});");
        sandbox.script(&script, &["--yes"]).code(4).err(&[what]);
        assert!(!lab.lab.is_open(), "{inside}");
    }
    assert_eq!(lab.lab.commits(), 0);
}

#[test]
fn somebody_elses_transaction_is_waited_for() {
    let lab = sps(SpsOptions::default());
    lab.lab.hold(true);
    let sandbox = lab.sandbox("");
    let mut child = sandbox
        .command(&["run", "-", "--yes"])
        .stdin(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(
        &mut child.stdin.take().unwrap(),
        b"target(\"sps\").datetime_timezone_replace(\"UTC\"); print(\"done\")",
    )
    .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(700));
    lab.lab.hold(false);
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(0), "{}", String::from_utf8_lossy(&ended.stderr));
    assert!(String::from_utf8_lossy(&ended.stderr).contains("somebody else"), "it says why it waits");
    assert_eq!(lab.lab.commits(), 1);
}

#[test]
fn a_lost_answer_to_the_commit_is_settled_by_the_state_of_the_transaction() {
    for (fault, commits) in [("lost=2@transaction", 1), ("lost-before=2@transaction", 1)] {
        let lab = sps(SpsOptions { faults: faults(&[fault]), ..SpsOptions::default() });
        let sandbox = lab.sandbox("");
        sandbox
            .script("target(\"sps\").datetime_timezone_replace(\"UTC\"); print(\"done\")", &["--yes"])
            .code(0)
            .out(&["done"]);
        assert_eq!(lab.lab.commits(), commits, "{fault}");
        assert_eq!(lab.lab.object("/configuration/datetime/timezone").unwrap(), "UTC", "{fault}");
    }
}

#[test]
fn an_update_reads_changes_and_writes_back_what_the_appliance_wants() {
    let lab = sps(SpsOptions::default());
    let sandbox = lab.sandbox("");
    let update = "target(\"sps\").management_email_update(|m| { m.sender_address = \"new@example.com\"; m })";
    let plan = sandbox.script(update, &["--dry-run"]).code(0);
    assert!(plan.out.contains("new@example.com") || plan.err.contains("new@example.com"), "{}{}", plan.out, plan.err);
    assert_eq!(lab.lab.commits(), 0);
    sandbox.script(update, &["--yes"]).code(0);
    let email = lab.lab.object("/configuration/management/email").unwrap();
    assert_eq!(email["sender_address"], "new@example.com");
    assert_eq!(email["alerting_address"], serde_json::Value::Null, "empty members stay");
    assert_eq!(email["smtp_encryption"]["server_certificate_check"]["server_certificate_ca"], "77");
    content(&lab.lab.complaints());
    sandbox
        .script("target(\"sps\").management_email_update(|m| { m.sender_adress = \"x\"; m })", &["--yes"])
        .code(1)
        .err(&["no member 'sender_adress'", "sender_address"]);
    sandbox
        .script("target(\"sps\").management_email_update(|m| { m.sender_address = \"x\"; })", &["--yes"])
        .code(1)
        .err(&["gave nothing back"]);
}

#[test]
fn members_of_lists_that_the_appliance_would_ignore_are_refused() {
    let lab = sps(SpsOptions::default());
    let sandbox = lab.sandbox("");
    let script = |body: &str| {
        format!(
            "let t = target(\"sps\"); t.local_user_web_replace(#{{ listen: [#{{ address: \"a\", https_port: 443 }}] }}); t.local_user_web_update(|m| {{ {body} m }})"
        )
    };
    sandbox
        .script(&script("m.listen[0].htps_port = 444;"), &["--yes"])
        .code(1)
        .err(&["no member 'listen[0].htps_port'", "Did you mean 'https_port'"]);
    sandbox.script(&script("m.listen.push(#{ address: \"b\", https_port: 444 });"), &["--yes"]).code(0);
    assert_eq!(lab.lab.object("/configuration/local_services/user_web").unwrap()["listen"][1]["https_port"], 444);
}

#[test]
fn whoever_stops_waiting_for_a_foreign_transaction_leaves_no_session() {
    let lab = sps(SpsOptions::default());
    lab.lab.hold(true);
    let script = "target(\"sps\").datetime_timezone_replace(\"UTC\")";
    lab.sandbox("").script(script, &["--yes", "--timeout", "900ms"]).code(6);
    assert_eq!((lab.lab.commits(), lab.lab.sessions()), (0, 0));
}

#[test]
fn secrets_of_answers_stay_secret_and_go_back() {
    let lab = sps(SpsOptions::default());
    let sandbox = lab.sandbox("");
    let script = "let t = target(\"sps\"); print(t.management_snmp_trap().body.version.value.community); t.management_snmp_trap_update(|m| { m.enabled = false; m })";
    let ran = sandbox.script(script, &["--yes"]).code(0).out(&["***"]);
    assert!(!ran.out.contains("lab-community"));
    assert_eq!(
        lab.lab.object("/configuration/management/snmp/trap").unwrap()["version"]["value"]["community"],
        "lab-community"
    );
}

#[test]
fn a_community_is_secret_wherever_it_stands() {
    let lab = sps(SpsOptions::default());
    let script = "let t = target(\"sps\"); t.local_snmp_agent_replace(#{ enabled: true, v2c: #{ community: \"hidden-community\" } });
        let agent = t.local_snmp_agent();
        print(agent.body.v2c.community);
        t.local_snmp_agent_update(|m| { m.enabled = false; m });
        print(to_json(t.management()).contains(\"hidden-community\"));";
    let ran = lab.sandbox("").script(script, &["--yes"]).code(0).out(&["***\nfalse"]);
    assert!(!ran.out.contains("hidden"), "{}", ran.out);
    let agent = lab.lab.object("/configuration/local_services/snmp_agent").unwrap();
    assert_eq!((&agent["v2c"]["community"], &agent["enabled"]), (&"hidden-community".into(), &false.into()));
}

#[test]
fn pem_text_is_cleaned() {
    let lab = sps(SpsOptions::default());
    let script = "target(\"sps\").x509_create(#{ certificate: \"Bag Attributes\\n  x: y\\n-----BEGIN CERTIFICATE-----\\nMIIB\\n-----END CERTIFICATE-----\\n\" })";
    lab.sandbox("").script(script, &["--yes"]).code(0);
    content(&lab.lab.complaints());
}

#[test]
fn sessions_are_walked_through_page_by_page() {
    let lab = sps(SpsOptions::default());
    let script = "let n = 0; for s in target(\"sps\").sessions_search_pages(#{ q: \"protocol:ssh\", limit: 1 }) { n += 1; print(target(\"sps\").session(s.key).body.protocol); } print(n)";
    lab.sandbox("").script(script, &[]).code(0).out(&["SSH\nSSH\n2"]);
    assert_eq!(lab.count("GET", "limit=1"), 2);
    assert!(lab.count("GET", "svc%2Faaaaaaaaaaaaaaaaaaaaaa%2Fssh%3A1") > 0, "keys are encoded");
    content(&lab.lab.complaints());
}

#[test]
fn uploads_are_raw_bodies_with_their_own_type() {
    let lab = sps(SpsOptions::default());
    let sandbox = lab.sandbox("");
    sandbox.write("plugin.zip", "PK plugin");
    sandbox.write("sps.iso", "ISO");
    sandbox
        .script("let t = target(\"sps\"); print(t.plugin_upload(#{ file: \"plugin.zip\" }).key != \"\"); t.firmware_upload(#{ file: \"sps.iso\" });", &["--yes"])
        .code(0);
    let sent: Vec<_> = lab.lab.requests().into_iter().filter(|seen| seen.target.contains("/upload/")).collect();
    assert_eq!(sent.iter().map(|seen| seen.body.as_slice()).collect::<Vec<_>>(), [b"PK plugin".as_slice(), b"ISO"]);
    content(&lab.lab.complaints());
}

#[test]
fn a_raw_change_of_the_configuration_is_committed_too() {
    let lab = sps(SpsOptions::default());
    let sandbox = lab.sandbox("");
    let script = "target(\"sps\").request(\"PUT\", \"/configuration/management/webinterface\", #{ body: #{ timeout: 20 } }); target(\"sps\").request(\"POST\", \"/configuration/unknown/list\", #{ body: #{ a: 1 } });";
    sandbox.script(script, &["--yes"]).code(1);
    assert_eq!(lab.lab.object("/configuration/management/webinterface").unwrap()["timeout"], 20);
    assert_eq!((lab.lab.commits(), lab.lab.is_open(), lab.lab.sessions()), (1, false, 0));
}

#[test]
fn branches_take_turns_at_a_target_while_a_transaction_is_open() {
    let lab = sps(SpsOptions::default());
    let script = "let t = target(\"sps\"); parallel([1, 2, 3], |n| if n == 1 { transaction(t, \"first\", || { t.datetime_timezone_replace(\"UTC\"); sleep(\"300ms\"); t.info(); }) } else { t.network_dns_update(|d| { d.secondary = `192.0.2.${n}`; d }) }); print(t.network_dns().body.secondary)";
    lab.sandbox("").script(script, &["--yes"]).code(0).out(&["192.0.2."]);
    assert_eq!(lab.lab.commits(), 3);
    content(&lab.lab.complaints());
}

#[test]
fn a_cancel_inside_a_transaction_rolls_it_back() {
    let lab = sps(SpsOptions::default());
    let sandbox = lab.sandbox("");
    let script = "let t = target(\"sps\"); transaction(t, \"slow\", || { t.datetime_timezone_replace(\"UTC\"); print(\"staged\"); sleep(\"30s\"); });";
    sandbox.script(script, &["--yes", "--timeout", "900ms"]).code(6).err(&["rolled back"]);
    assert_eq!((lab.lab.commits(), lab.lab.is_open(), lab.lab.sessions()), (0, false, 0));
}

#[test]
fn a_session_that_ends_inside_a_transaction_ends_it() {
    let lab = sps(SpsOptions { session_life: 4, ..SpsOptions::default() });
    let script = "let t = target(\"sps\"); transaction(t, \"long\", || { for n in 0..6 { t.datetime_timezone_replace(\"UTC\"); } });";
    lab.sandbox("").script(script, &["--yes"]).code(1).err(&["the transaction with it: nothing of it was committed"]);
    assert_eq!((lab.lab.commits(), lab.lab.is_open()), (0, false));
}

#[test]
fn a_dry_run_opens_no_transaction() {
    let lab = sps(SpsOptions::default());
    let script = "let t = target(\"sps\"); transaction(t, \"plan\", || { t.datetime_timezone_replace(\"UTC\"); t.network_dns_update(|d| { d.primary = \"192.0.2.54\"; d }) });";
    lab.sandbox("").script(script, &["--dry-run"]).code(0);
    assert_eq!(lab.lab.counts().1, 0);
}

const TWO: &str = "let t = target(\"sps\");\nlet key = transaction(t, \"two\", || {\n  t.datetime_timezone_replace(\"UTC\");\n  let made = t.ssh_channel_policy_create(#{ name: \"lab\", rules: [] });\n  made.key\n});\nprint(t.ssh_channel_policy(key).body.name);";

#[test]
fn a_process_that_dies_around_its_commit_commits_once() {
    for (point, asked) in [("committing", 2), ("committed", 1), ("opened", 1)] {
        let lab = sps(SpsOptions::default());
        let mut sandbox = lab.sandbox("");
        sandbox.env("BEADLE_FAIL_POINT", point);
        sandbox.script(TWO, &["--yes"]).code(-1);
        sandbox.env("BEADLE_FAIL_POINT", "");
        lab.lab.expire_sessions();
        sandbox.run(&["runs", "resume", "latest", "--yes"]).code(0).out(&["lab"]);
        assert_eq!((lab.lab.commits(), lab.lab.is_open()), (1, false), "{point}");
        assert_eq!(lab.lab.objects("/configuration/ssh/channel_policies/").len(), 2, "{point}: one was there before");
        let creations = if point == "opened" { 1 } else { asked };
        assert_eq!(lab.count("POST", "/channel_policies"), creations, "{point}");
        content(&lab.lab.complaints());
    }
}

#[test]
fn a_commit_that_nothing_tells_of_is_for_a_person_to_settle() {
    for (assume, commits) in [("applied", 0), ("not-applied", 1)] {
        let lab = sps(SpsOptions::default());
        let mut sandbox = lab.sandbox("");
        sandbox.env("BEADLE_FAIL_POINT", "committing");
        // What is there already leaves no trace.
        let script = "let t = target(\"sps\"); transaction(t, \"same\", || t.datetime_timezone_replace(\"Europe/Budapest\")); print(\"done\")";
        sandbox.script(script, &["--yes"]).code(-1);
        sandbox.env("BEADLE_FAIL_POINT", "");
        lab.lab.expire_sessions();
        sandbox.run(&["runs", "resume", "latest", "--yes"]).code(5).err(&["no object that was staged tells"]);
        let assumed = ["runs", "resume", "latest", "--yes", "--assume", assume];
        sandbox.run(&assumed).code(0).out(&["done"]);
        assert_eq!(lab.lab.commits(), commits, "{assume}");
    }
}

#[test]
fn the_transaction_of_a_dead_session_is_waited_for() {
    let lab = sps(SpsOptions::default());
    let mut sandbox = lab.sandbox("");
    sandbox.env("BEADLE_FAIL_POINT", "opened");
    sandbox.script(TWO, &["--yes"]).code(-1);
    sandbox.env("BEADLE_FAIL_POINT", "");
    assert!(lab.lab.is_open(), "the appliance holds it");
    let command = sandbox.command(&["runs", "resume", "latest", "--yes"]).stderr(std::process::Stdio::piped()).spawn();
    std::thread::sleep(std::time::Duration::from_millis(900));
    lab.lab.expire_transactions();
    let ended = command.unwrap().wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(0), "{told}");
    assert!(told.contains("this run's dead session"), "{told}");
    assert_eq!(lab.lab.commits(), 1);
}

#[test]
fn a_refused_commit_and_a_failed_script_do_their_transaction_again() {
    let lab = sps(SpsOptions { faults: faults(&["every=2:500@transaction"]), ..SpsOptions::default() });
    let sandbox = lab.sandbox("");
    sandbox.script(TWO, &["--yes"]).code(1);
    assert_eq!(lab.lab.commits(), 0);
    lab.lab.set_faults(faults(&[]));
    sandbox.run(&["runs", "resume", "latest", "--yes"]).code(0).out(&["lab"]);
    assert_eq!(lab.lab.commits(), 1);

    let lab = sps(SpsOptions::default());
    let sandbox = lab.sandbox("");
    sandbox.script(&TWO.replace("made.key\n", "fail(\"not yet\");\n"), &["--yes"]).code(1);
    sandbox.write("mended.rhai", TWO);
    sandbox.run(&["runs", "resume", "latest", "--yes", "--script", "mended.rhai"]).code(0).out(&["lab"]);
    assert_eq!((lab.lab.commits(), lab.lab.is_open()), (1, false));
    content(&lab.lab.complaints());
}
