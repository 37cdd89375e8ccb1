//! Spectra Detect: token, slashes, paging, uploads, downloads, long work, the upgrade.

use beadle::lab::{SpectraOptions, generated_sha256};

use crate::support::vendors::{content, spectra};

const DESTROY: &str = "allow = [\"read\", \"change\", \"destroy\"]\n";

#[test]
fn a_token_is_asked_for_by_a_multipart_form() {
    let lab = spectra(SpectraOptions::default());
    let sandbox = lab.sandbox("");
    let script = "print(target(\"spectra\").users().count); print(target(\"worker\").worker_yara_id().id.len())";
    sandbox.script(script, &[]).code(0).out(&["1\n40"]);
    assert_eq!(lab.count("POST", "/auth/token/"), 1);
    content(&lab.lab.complaints());
}

#[test]
fn a_wrong_password_is_told_although_its_status_is_400() {
    let lab = spectra(SpectraOptions { password: "another".into(), ..SpectraOptions::default() });
    lab.sandbox("").script("target(\"spectra\").users()", &[]).code(1).err(&["Unable to log in"]);
}

#[test]
fn a_revoked_token_is_replaced_for_reads_and_never_for_changes() {
    let lab = spectra(SpectraOptions::default());
    let sandbox = lab.sandbox("");
    let script =
        "let t = target(\"spectra\"); t.users(); print(\"first\"); sleep(\"1500ms\"); t.users(); print(\"second\")";
    sandbox.write("script.rhai", script);
    let mut child = sandbox.command(&["run", "script.rhai"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(700));
    lab.lab.revoke_tokens();
    assert!(child.wait().unwrap().success());
    assert_eq!(lab.count("POST", "/auth/token/"), 2);
    let script = "let t = target(\"spectra\"); t.users(); sleep(\"1500ms\"); t.appliance_content_apply(3);";
    sandbox.write("script.rhai", script);
    let child = sandbox.command(&["run", "script.rhai", "--yes"]).stderr(std::process::Stdio::piped()).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(700));
    lab.lab.revoke_tokens();
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&ended.stderr).contains("not sent again"));
    assert_eq!(lab.count("POST", "/content/3/apply/"), 1);
}

#[test]
fn lists_are_walked_through_whatever_host_their_links_name() {
    let lab = spectra(SpectraOptions::default());
    let script = "let names = []; for one in target(\"spectra\").config_appliances_pages(#{ page_size: 1 }) { names.push(one.appliance_name); } print(names)";
    lab.sandbox("").script(script, &[]).code(0).out(&["hub-1", "worker-1", "analyze-1"]);
    assert_eq!(lab.count("GET", "page_size=1"), 3);
    content(&lab.lab.complaints());
}

#[test]
fn of_two_spellings_reads_try_the_other_and_changes_are_set_by_the_target() {
    let lab = spectra(SpectraOptions { text_spellings: false, ..SpectraOptions::default() });
    let sandbox = lab.sandbox("");
    let change = "target(\"spectra\").config_group_apply(\"workers\", #{ applyconfiguration: [\"worker-1\"] })";
    sandbox.script(change, &["--yes"]).code(1).err(&["405"]);
    assert_eq!(lab.count("PATCH", "config-group/update"), 0, "a change is never tried in another way");
    let chosen = lab.sandbox("spellings = { config_group_apply = \"config_group_apply_patch\" }\n");
    chosen.script(change, &["--yes"]).code(0);
    assert_eq!(lab.count("PATCH", "config-group/update"), 1);
    content(&lab.lab.complaints());
}

#[test]
fn secrets_come_back_as_secrets() {
    let lab = spectra(SpectraOptions::default());
    let script = "let t = target(\"spectra\"); print(t.appliances().results[0].haproxy_password); print(t.config_group(\"workers\").content.snmp__community)";
    let ran = lab.sandbox("").script(script, &[]).code(0).out(&["***\n***"]);
    assert!(!ran.out.contains("lab-"));
}

#[test]
fn settings_that_no_page_names_are_secret_by_the_end_of_their_name() {
    let lab = spectra(SpectraOptions::default());
    let script = "let t = target(\"spectra\");
        t.config_group_content_update(\"workers\", #{ content: #{ api__worker_token: \"hidden-worker-token\" } });
        let before = t.config_group(\"workers\").content;
        print(before.api__worker_token);
        t.config_group_content_update(\"workers\", |group| { group.content.cloud__enabled = true; group });
        let now = t.config_group(\"workers\");
        print(`${now.content.api__worker_token} ${now.content.cloud__enabled} ${now.appliances}`);
        for name in now.content.keys() { if name.contains(\"*\") { fail(name); } }";
    let ran = lab.sandbox("").script(script, &["--yes"]).code(0).out(&["***\n*** true [\"worker-1\"]"]);
    assert!(!ran.out.contains("hidden") && !ran.err.contains("hidden"), "{}{}", ran.out, ran.err);
    let put = lab.lab.requests().into_iter().rfind(|seen| seen.method == "PUT").unwrap();
    assert!(String::from_utf8_lossy(&put.body).contains("hidden-worker-token"), "it goes back as it came");
}

#[test]
fn a_hub_group_is_changed_by_reading_it_first() {
    let lab = spectra(SpectraOptions::default());
    let script =
        "target(\"spectra\").hub_group_update(\"hubs\", |group| { group.content.cloud__enabled = true; group })";
    lab.sandbox("").script(script, &["--yes"]).code(0);
    let put = lab.lab.requests().into_iter().rfind(|seen| seen.method == "PUT").unwrap();
    let body = String::from_utf8_lossy(&put.body).into_owned();
    assert!(body.contains("\"cloud__enabled\":true") && body.contains("lab-snmp-community"), "{body}");
}

#[test]
fn a_get_that_changes_something_needs_the_right_to() {
    let lab = spectra(SpectraOptions::default());
    let sandbox = lab.sandbox("allow = [\"read\"]\n");
    sandbox.script("target(\"spectra\").appliance_authorize(1)", &["--yes"]).code(4);
    sandbox
        .script("target(\"spectra\").request(\"GET\", \"/api/v1/appliances/licensing/machine-id/\")", &["--yes"])
        .code(4);
    assert_eq!(lab.lab.counts().1, 0);
}

#[test]
fn files_go_up_as_multipart_and_in_pieces() {
    let lab = spectra(SpectraOptions::default());
    let sandbox = lab.sandbox(DESTROY);
    sandbox.write("small.pem", "certificate");
    let bytes: Vec<u8> = (0..20_000_000_u32).map(|n| u8::try_from(n % 251).unwrap()).collect();
    std::fs::write(sandbox.path().join("large.bin"), bytes).unwrap();
    let script = "let t = target(\"spectra\"); t.license_upload(#{ file: \"small.pem\" }); t.system_upload(#{ file: \"small.pem\" }); t.system_upload(#{ file: \"large.bin\" }); t.backup_restore_upload(#{ file: \"large.bin\" }); print(target(\"worker\").worker_upload(#{ file: \"small.pem\", custom_data: #{ a: 1 } }).task_url)";
    sandbox.script(script, &["--yes"]).code(0).out(&["https://worker-1.internal/"]);
    let uploads = lab.lab.uploads();
    assert_eq!(
        uploads.iter().filter(|(place, ..)| place == "system").map(|(_, size, _)| size).sum::<u64>(),
        20_000_011
    );
    assert_eq!(uploads.iter().filter(|(place, ..)| place == "system").count(), 4);
    let whole = uploads.iter().find(|(place, ..)| place == "restore").unwrap();
    assert_eq!((whole.1, &whole.2), (20_000_000, &generated_sha256(20_000_000)));
    let again = sandbox
        .script("target(\"spectra\").backup_restore_upload(#{ file: \"large.bin\" })", &["--yes", "--format", "json"]);
    let sent = again.out.lines().filter(|line| line.contains("\"event\":\"sending\"")).count();
    assert!((10..=101).contains(&sent), "{sent} lines say how far it has come");
    assert!(again.out.contains("\"done\":20000000"));
    content(&lab.lab.complaints());
}

#[test]
fn a_file_outside_the_project_is_not_sent() {
    let lab = spectra(SpectraOptions::default());
    lab.sandbox("")
        .script("target(\"spectra\").license_upload(#{ file: \"/etc/hostname\" })", &["--yes"])
        .code(4)
        .err(&["[files] read"]);
    assert_eq!(lab.lab.counts().1, 0);
}

#[test]
fn a_backup_is_waited_for_and_downloaded_with_its_digest() {
    let lab = spectra(SpectraOptions::default());
    let script = "let t = target(\"spectra\"); let before = t.backup_status(); t.backup_create(); let b = t.wait_for_backup(#{ every: \"50ms\", before: before }); print(b.backup_filename); let f = t.backup_download(#{ to: \"out/b.tgz\" }); print(`${f.size} ${f.sha256}`)";
    lab.sandbox("")
        .script(script, &["--yes"])
        .code(0)
        .out(&["backup-2026.tgz", &format!("100000 {}", generated_sha256(100_000))]);
    content(&lab.lab.complaints());
    let lab = spectra(SpectraOptions { backup_fails: true, ..SpectraOptions::default() });
    let script = "let t = target(\"spectra\"); t.backup_create(); t.wait_for_backup(#{ every: \"50ms\" })";
    lab.sandbox("").script(script, &["--yes"]).code(1).err(&["the backup failed", "no space left"]);
}

#[test]
fn an_old_end_of_a_configuration_is_not_taken_for_the_new_one() {
    let lab = spectra(SpectraOptions::default());
    let script = "let t = target(\"spectra\"); let before = t.appliances(); t.config_group_apply(\"workers\", #{ applyconfiguration: [\"worker-1\"] }); let done = t.wait_for_config(\"workers\", #{ every: \"20ms\", before: before }); print(done.len())";
    lab.sandbox("").script(script, &["--yes"]).code(0).out(&["3"]);
    assert!(lab.count("GET", "/api/v1/appliances/") >= 4);
}

#[test]
fn an_old_end_is_none_however_long_it_shows() {
    let lab = spectra(SpectraOptions { stale: 12, ..SpectraOptions::default() });
    let script = "let t = target(\"spectra\"); let often = #{ every: \"20ms\" };
        for n in 0..2 { t.backup_create(); print(t.wait_for_backup(often).backup_filename); }
        t.config_group_apply(\"workers\", #{ applyconfiguration: [\"worker-1\"] });
        for one in t.wait_for_config(\"workers\", often) { if one.id == 2 { print(one.last_applied_config_timestamp); } }
        t.upgrade_start(#{ appliance_name: \"hub-1\" }); print(t.wait_for_upgrade(\"hub-1\", often));";
    lab.sandbox(DESTROY)
        .script(script, &["--yes"])
        .code(0)
        .out(&["backup-2026.tgz\nbackup-2026-2.tgz\n2026-11-24T12:00:00.000000Z\n5.3.1"]);
    content(&lab.lab.complaints());
}

#[test]
fn appliances_on_later_pages_count_too() {
    let lab = spectra(SpectraOptions { more: 100, ..SpectraOptions::default() });
    let sandbox = lab.sandbox(DESTROY);
    let script = "let t = target(\"spectra\"); t.upgrade_start(#{ appliance_name: \"hub-1\" }); print(t.wait_for_upgrade(\"hub-1\", #{ every: \"20ms\" }))";
    sandbox.script(script, &["--yes"]).code(0).out(&["5.3.1"]);
    lab.lab.upgrade_elsewhere("worker-1");
    sandbox
        .script("target(\"spectra\").upgrade_start(#{ appliance_name: \"hub-1\" })", &["--yes"])
        .code(4)
        .err(&["'worker-1' is being upgraded"]);
    assert_eq!(lab.count("POST", "/api/upgrade/start/"), 1);
}

#[test]
fn a_second_upgrade_is_refused_from_branches_and_as_a_raw_request_too() {
    let lab = spectra(SpectraOptions::default());
    let sandbox = lab.sandbox(DESTROY);
    let branches = "parallel([\"hub-1\", \"worker-1\"], |n| target(\"spectra\").upgrade_start(#{ appliance_name: n }))";
    sandbox.script(branches, &["--yes"]).code(4).err(&["has not shown its end", "wait_for_upgrade"]);
    assert_eq!(lab.count("POST", "/api/upgrade/start/"), 1);
    let lab = spectra(SpectraOptions::default());
    let raw = "for n in [\"hub-1\", \"worker-1\"] { target(\"spectra\").request(\"POST\", \"/api/upgrade/start/\", #{ body: #{ appliance_name: n } }); }";
    lab.sandbox(DESTROY).script(raw, &["--yes"]).code(4).err(&["has not shown its end"]);
    assert_eq!(lab.count("POST", "/api/upgrade/start/"), 1);
}

#[test]
fn a_page_in_the_place_of_a_backup_is_no_backup() {
    let lab = spectra(SpectraOptions { backup_is_a_page: true, ..SpectraOptions::default() });
    let sandbox = lab.sandbox("");
    let live =
        ["run", "std/spectra/backup_then_upgrade", "target=spectra", "every=20ms", "--allow", "destroy", "--yes"];
    sandbox.run(&live).code(1).err(&["the answer is no file but text/html", "Sign in"]);
    assert_eq!(lab.count("POST", "/api/upgrade/start/"), 0);
    assert_eq!(std::fs::read_dir(sandbox.path().join("out")).unwrap().count(), 0, "no file is left");
}

#[test]
fn versions_are_compared_by_their_numbers() {
    let lab = spectra(SpectraOptions::default());
    let sandbox = lab.sandbox("");
    let to = |version: &str| {
        let version = format!("version={version}");
        sandbox.run(&[
            "run",
            "std/spectra/backup_then_upgrade",
            "target=spectra",
            "appliances=hub-1",
            &version,
            "every=20ms",
            "--dry-run",
        ])
    };
    to("5.2.9").code(1).err(&["'hub-1' runs 5.3.0, which is newer than 5.2.9"]);
    to("5.10.0").code(0).out(&["upgrade_start", "5.10.0"]);
}

#[test]
fn everything_that_is_behind_is_backed_up_and_upgraded_one_at_a_time() {
    let lab = spectra(SpectraOptions::default());
    let sandbox = lab.sandbox("");
    let plan = ["run", "std/spectra/backup_then_upgrade", "target=spectra", "every=20ms", "--dry-run"];
    let ran = sandbox.run(&plan).code(0);
    assert!(ran.out.contains("upgrade_start") && ran.out.contains("backup_create"), "{}", ran.out);
    assert_eq!(lab.lab.counts().1, 0, "a dry run sends nothing but reads");
    let live =
        ["run", "std/spectra/backup_then_upgrade", "target=spectra", "every=20ms", "--allow", "destroy", "--yes"];
    sandbox.run(&live).code(0).out(&["hub-1", "5.3.1"]);
    assert_eq!(lab.lab.release("hub-1").as_deref(), Some("5.3.1"));
    assert_eq!(lab.count("POST", "/api/upgrade/start/"), 1, "only the Hub has a package");
    content(&lab.lab.complaints());
}

#[test]
fn an_upgrade_that_fails_stops_the_rest_and_a_failed_backup_stops_all() {
    let lab = spectra(SpectraOptions { upgrade_fails: Some("hub-1".into()), ..SpectraOptions::default() });
    let sandbox = lab.sandbox("");
    let live = [
        "run",
        "std/spectra/backup_then_upgrade",
        "target=spectra",
        "every=20ms",
        "appliances=hub-1,worker-1",
        "version=5.3.1",
        "--allow",
        "destroy",
        "--yes",
    ];
    let ran = sandbox.run(&live).code(1).err(&["the upgrade of 'hub-1' failed"]);
    let line = |name: &str| ran.out.lines().find(|line| line.contains(name)).unwrap_or_default().to_owned();
    assert!(line("hub-1").contains("failed") && line("worker-1").contains("not begun"), "{}", ran.out);
    assert_eq!(lab.count("POST", "/api/upgrade/start/"), 1);
    let lab = spectra(SpectraOptions { backup_fails: true, ..SpectraOptions::default() });
    lab.sandbox("").run(&live).code(1).err(&["the backup failed"]);
    assert_eq!(lab.count("POST", "/api/upgrade/start/"), 0);
}

#[test]
fn an_upgrade_of_somebody_else_is_not_disturbed() {
    let lab = spectra(SpectraOptions::default());
    lab.lab.upgrade_elsewhere("worker-1");
    let live =
        ["run", "std/spectra/backup_then_upgrade", "target=spectra", "every=20ms", "--allow", "destroy", "--yes"];
    let sandbox = lab.sandbox(DESTROY);
    sandbox.run(&live).code(1).err(&["'worker-1' is being upgraded already"]);
    sandbox
        .script("target(\"spectra\").upgrade_start(#{ appliance_name: \"hub-1\" })", &["--yes"])
        .code(4)
        .err(&["'worker-1' is being upgraded", "one appliance at a time"]);
    assert_eq!(lab.lab.counts().1, 0);
}

#[test]
fn the_manager_is_upgraded_through_its_restart() {
    let lab = spectra(SpectraOptions::default());
    let live = [
        "run",
        "std/spectra/backup_then_upgrade",
        "target=spectra",
        "manager=true",
        "every=20ms",
        "--allow",
        "destroy",
        "--yes",
    ];
    let sandbox = lab.sandbox("");
    sandbox.run(&live).code(0).out(&["Manager"]);
    sandbox.run(&live).code(0).out(&["nothing is behind"]);
    assert_eq!(lab.count("POST", "/api/v1/update/latest/"), 1, "what is not offered is not begun");
}
