//! Plans: what a dry run withholds, what stands in the file, and what an apply refuses. The appliances
//! are asked what they saw.

use std::os::unix::fs::PermissionsExt;

use beadle::lab::{AsyncosOptions, SpectraOptions, SpsOptions};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use crate::support::lab::Seg;
use crate::support::vendors::{asyncos, content, spectra, sps};
use crate::support::{Ran, Sandbox};

/// Two members of a group, one of them by a branch.
const MEMBERS: &str = "let s = target(\"seg\");\n\
    s.group_member_add(3, #{ member_type: 1, member_data: \"one@example.net\" });\n\
    parallel([\"two\", \"three\"], |name| s.group_member_add(3, #{ member_type: 1, member_data: `${name}@example.net` }));";

/// Plans a script into `p.json`.
fn plan(sandbox: &Sandbox, script: &str, arguments: &[&str]) -> Ran {
    sandbox.write("script.rhai", script);
    sandbox.run(&[&["plan", "script.rhai", "-o", "p.json"], arguments].concat())
}

/// Applies `p.json`.
fn apply(sandbox: &Sandbox, arguments: &[&str]) -> Ran {
    sandbox.run(&[&["apply", "p.json"], arguments].concat())
}

fn parsed(sandbox: &Sandbox) -> Json {
    serde_json::from_str(&sandbox.read("p.json")).unwrap()
}

/// Edits the plan, and makes the digest anew as `docs/decisions.md` says.
fn forge(sandbox: &Sandbox, from: &str, to: &str) {
    let text = sandbox.read("p.json");
    assert!(text.contains(from), "the plan lacks '{from}':\n{text}");
    let digest = parsed(sandbox)["sha256"].as_str().unwrap().to_owned();
    let zeros = "0".repeat(64);
    let text = text.replacen(&digest, &zeros, 1).replace(from, to);
    let digest: String = Sha256::digest(&text).iter().map(|byte| format!("{byte:02x}")).collect();
    sandbox.write("p.json", &text.replacen(&zeros, &digest, 1));
}

fn members(seg: &Seg) -> Vec<String> {
    seg.lab
        .members(3)
        .into_iter()
        .filter(|member| member.ends_with("example.net") && member != "spam@example.net")
        .collect()
}

#[test]
fn a_plan_is_made_without_a_write_and_applied_as_it_stands() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    plan(&sandbox, MEMBERS, &[]).code(0).out(&["plan: 3 changes", "two@example.net"]).err(&["beadle apply"]);
    assert_eq!(seg.writes(), 0);
    let mode = std::fs::metadata(sandbox.path().join("p.json")).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    let changes = parsed(&sandbox)["plan"]["changes"].as_array().unwrap().clone();
    let positions: Vec<String> = changes.iter().map(|change| change["position"].to_string()).collect();
    assert!(positions.contains(&r#"{"number":1,"place":[{"item":[0,1]}]}"#.to_owned()), "{positions:?}");
    apply(&sandbox, &[]).code(0);
    let mut made = members(&seg);
    made.sort();
    assert_eq!(made, ["one@example.net", "three@example.net", "two@example.net"]);
    assert_eq!(seg.writes(), 3);
    seg.is_content();
}

#[test]
fn a_state_that_moved_is_refused_before_anything_is_sent() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    plan(&sandbox, MEMBERS, &[]).code(0);
    let other = "target(\"seg\").group_member_add(3, #{ member_type: 1, member_data: \"other@example.org\" })";
    sandbox.run(&["run", sandbox.write("other.rhai", other).to_str().unwrap()]).code(0);
    let writes = seg.writes();
    apply(&sandbox, &["--unverified", "--yes"]).code(4).err(&["entries", "make a new plan", "nothing was changed"]);
    assert_eq!(seg.writes(), writes);

    let lab = spectra(SpectraOptions::default());
    let sandbox = lab.sandbox("");
    let set = "target(\"spectra\").config_smtp_set(#{ host: \"new.example.com\", port: 26 })";
    plan(&sandbox, set, &[]).code(0).out(&["host: \"mail.example.com\" -> \"new.example.com\"", "port: 25 -> 26"]);
    sandbox.script("target(\"spectra\").config_smtp_set(#{ host: \"moved.example.com\", port: 25 })", &[]).code(0);
    let writes = lab.lab.counts().1;
    apply(&sandbox, &[]).code(4).err(&["host has changed from \"mail.example.com\" to \"moved.example.com\""]);
    assert_eq!(lab.lab.counts().1, writes);
    plan(&sandbox, set, &[]).code(0);
    apply(&sandbox, &[]).code(0);
    assert_eq!(lab.lab.counts().1, writes + 1);
    content(&lab.lab.complaints());
}

#[test]
fn a_transaction_in_which_something_has_moved_is_rolled_back() {
    let lab = sps(SpsOptions::default());
    let sandbox = lab.sandbox("");
    let update = |address: &str| {
        format!("target(\"sps\").management_email_update(|m| {{ m.sender_address = \"{address}\"; m }})")
    };
    plan(&sandbox, &update("planned@example.com"), &[]).code(0).out(&["-> \"planned@example.com\""]);
    sandbox.script(&update("other@example.com"), &["--yes"]).code(0);
    let commits = lab.lab.commits();
    // The object that is written holds all that was there, so that the script itself asks for another one.
    let ran = apply(&sandbox, &["--yes"]).code(4);
    assert!(ran.err.contains("refused by the plan"), "{}", ran.err);
    sandbox.script("target(\"sps\").datetime_timezone_replace(\"UTC\")", &["--yes"]).code(0);
    plan(
        &sandbox,
        "let t = target(\"sps\"); transaction(t, \"x\", || t.datetime_timezone_replace(\"Europe/Paris\"));",
        &[],
    )
    .code(0);
    sandbox.script("target(\"sps\").datetime_timezone_replace(\"Europe/Rome\")", &["--yes"]).code(0);
    apply(&sandbox, &["--yes"]).code(4).err(&["has changed from \"UTC\" to \"Europe/Rome\"", "rolled back"]);
    assert_eq!((lab.lab.commits(), lab.lab.is_open(), lab.lab.sessions()), (commits + 2, false, 0));
    assert_eq!(lab.lab.object("/configuration/datetime/timezone").unwrap(), "Europe/Rome");
    content(&lab.lab.complaints());
}

#[test]
fn an_object_is_compared_once_and_before_the_first_change_of_it() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    plan(&sandbox, MEMBERS, &[]).code(0);
    let reads = |seg: &Seg| {
        let requests = seg.lab.requests();
        requests.iter().filter(|seen| seen.method == "GET" && seen.target.contains("/groups/3/members")).count()
    };
    assert_eq!(reads(&seg), 1, "a dry run looks once as well");
    apply(&sandbox, &[]).code(0);
    assert_eq!(reads(&seg), 1 + 1 + 3, "once to compare, and before each change for the journal");
}

#[test]
fn what_a_run_makes_and_changes_itself_has_not_drifted() {
    let lab = asyncos(AsyncosOptions::default());
    let sandbox = lab.sandbox("esa", "basic", "");
    let script = "let t = target(\"esa\");\nt.dictionary_create(\"plan\", #{ words: [[\"a\"]], ignorecase: 1, wholewords: 1 });\n\
        t.dictionary_words_add(\"plan\", #{ words: [[\"b\"]] });\nt.dictionary_words_add(\"plan\", #{ words: [[\"c\"]] });";
    plan(&sandbox, script, &[]).code(0);
    assert_eq!(lab.lab.counts().1, 0);
    let refused = lab.sandbox("esa", "basic", "");
    refused.write("p.json", &sandbox.read("p.json"));
    apply(&sandbox, &["--unverified"]).code(0);
    assert!(lab.lab.object("dictionaries", "plan").unwrap().to_string().contains("\"c\""));
    let writes = lab.lab.counts().1;
    apply(&refused, &["--unverified"]).code(4).err(&["the object has come into being", "\"name\":\"plan\""]);
    assert_eq!(lab.lab.counts().1, writes);
    content(&lab.lab.complaints());
}

#[test]
fn whatever_has_moved_on_a_target_is_seen_before_its_first_change() {
    let lab = spectra(SpectraOptions::default());
    let sandbox = lab.sandbox("");
    let script = "let t = target(\"spectra\"); t.config_smtp_set(#{ host: \"new.example.com\", port: 26 });\n\
        t.config_ntp_set(#{ enable: true, servers: \"ntp.example.com\" });";
    plan(&sandbox, script, &[]).code(0);
    sandbox
        .script("target(\"spectra\").config_ntp_set(#{ enable: true, servers: \"moved.example.com\" })", &[])
        .code(0);
    let writes = lab.lab.counts().1;
    apply(&sandbox, &[]).code(4).err(&["enable has changed from nothing to true", "config_ntp", "nothing was changed"]);
    assert_eq!(lab.lab.counts().1, writes);
}

#[test]
fn what_has_moved_on_another_target_is_seen_before_the_first_change_of_all() {
    let (seg, lab) = (Seg::ten(), spectra(SpectraOptions::default()));
    let sandbox = lab.sandbox(&seg.target("seg"));
    let script =
        format!("{MEMBERS} target(\"spectra\").config_ntp_set(#{{ enable: true, servers: \"ntp.example.com\" }});");
    plan(&sandbox, &script, &[]).code(0);
    sandbox
        .script("target(\"spectra\").config_ntp_set(#{ enable: true, servers: \"moved.example.com\" })", &[])
        .code(0);
    apply(&sandbox, &[]).code(4).err(&["spectra: ", "config_ntp", "make a new plan", "nothing was changed"]);
    assert_eq!(seg.writes(), 0);
    plan(&sandbox, &script, &[]).code(0);
    apply(&sandbox, &[]).code(0);
    assert_eq!(seg.writes(), 3);
}

#[test]
fn an_edited_a_newer_and_a_partial_plan_are_refused() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    plan(&sandbox, MEMBERS, &[]).code(0);
    let whole = sandbox.read("p.json");
    sandbox.write("p.json", &whole.replace("one@example.net", "evil@example.net"));
    apply(&sandbox, &["--unverified", "--yes"]).code(4).err(&["was edited since it was made"]);
    sandbox.write("p.json", whole.trim_end());
    apply(&sandbox, &["--unverified", "--yes"]).code(4).err(&["was edited since it was made"]);
    sandbox.write("p.json", whole.split_at(whole.len() / 2).0);
    apply(&sandbox, &["--unverified", "--yes"]).code(4).err(&["was edited since it was made"]);
    sandbox.write("p.json", &whole.replace("\"beadle_plan\": 1", "\"beadle_plan\": 2"));
    apply(&sandbox, &[]).code(2).err(&["it has format 2, and this one knows up to 1"]);
    sandbox.write("p.json", "[]");
    apply(&sandbox, &[]).code(2).err(&["no plan that this Beadle can read"]);
    plan(&sandbox, &format!("{MEMBERS}\n\nfail(\"later\");"), &[])
        .code(0)
        .err(&["it is partial, and cannot be applied"]);
    apply(&sandbox, &["--unverified", "--yes"]).code(4).err(&["it is partial", "script.rhai:5", "later"]);
    assert_eq!(seg.writes(), 0);
}

#[test]
fn a_plan_of_another_catalog_row_is_refused() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    plan(&sandbox, MEMBERS, &[]).code(0);
    let rows = parsed(&sandbox)["plan"]["rows"].as_array().unwrap().clone();
    let names: Vec<&str> = rows.iter().map(|row| row["call"].as_str().unwrap()).collect();
    assert_eq!(names, ["group_member_add", "group_members"], "the read of the present state is used as well");
    forge(&sandbox, rows[0]["sha256"].as_str().unwrap(), &"a".repeat(64));
    apply(&sandbox, &[]).code(4).err(&["group_member_add of seg is another one than when the plan was made"]);
    assert_eq!(seg.writes(), 0);
}

#[test]
fn a_change_that_is_not_in_the_plan_is_refused_and_ends_the_changes_of_the_run() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    let header = "//! Adds.\n//!\n//! ```toml\n//! store = \"shared\"\n//! ```\n";
    let add = |name: &str| format!("s.group_member_add(3, #{{ member_type: 1, member_data: {name} }});");
    let script = format!(
        "{header}let s = target(\"seg\");\nlet who = store.get(\"who\");\nif who == () {{ who = \"a@example.net\"; }}\n\
         try {{ {} }} catch {{ print(\"caught\"); }}\n{}",
        add("who"),
        add("\"b@example.net\"")
    );
    plan(&sandbox, &script, &[]).code(0);
    sandbox.script(&format!("{header}store.set(\"who\", \"mallory@example.net\");"), &[]).code(0);
    sandbox.write("script.rhai", &script);
    let refused = ["`member_data` is \"a@example.net\" there, and \"mallory@example.net\" here", "left its plan"];
    apply(&sandbox, &["--yes"]).code(4).out(&["caught"]).err(&refused[1..]);
    assert_eq!(seg.writes(), 0);

    let more = format!(
        "let s = target(\"seg\");\n{}\nif !is_assumed(s) {{ {} }}",
        add("\"a@example.net\""),
        add("\"b@example.net\"")
    );
    plan(&sandbox, &more, &[]).code(0);
    apply(&sandbox, &[]).code(4).err(&["it is not in the plan, which has no change 2"]);
    assert_eq!(members(&seg), ["a@example.net"]);
}

#[test]
fn a_caught_refusal_is_no_success_and_planned_changes_that_were_not_asked_for_are_reported() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    let add =
        |name: &str| format!("s.group_member_add(3, #{{ member_type: 1, member_data: \"{name}@example.net\" }});");
    let script = format!(
        "let s = target(\"seg\");\n{}\nif is_assumed(s) {{ {} }} else {{ try {{ {} }} catch (e) {{ print(e.kind); }} }}",
        add("a"),
        add("b"),
        add("c")
    );
    plan(&sandbox, &script, &[]).code(0);
    apply(&sandbox, &[]).code(4).out(&["refused"]).err(&["b@example.net", "c@example.net"]);
    assert_eq!(members(&seg), ["a@example.net"]);

    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    let script = format!("let s = target(\"seg\");\n{}\nif is_assumed(s) {{ {} }}", add("a"), add("b"));
    plan(&sandbox, &script, &[]).code(0);
    apply(&sandbox, &[]).code(0).err(&["planned and never asked for: seg group_member_add [change]"]);
    assert_eq!(members(&seg), ["a@example.net"]);
}

#[test]
fn a_planned_change_that_failed_may_be_tried_again_and_a_second_one_may_not() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    let add = |name: &str| {
        format!(
            "retry(#{{ backoff: \"1ms\" }}, || s.group_member_add(3, #{{ member_type: 1, member_data: \"{name}@example.net\" }}));"
        )
    };
    plan(&sandbox, &format!("let s = target(\"seg\");\n{}\n{}", add("a"), add("b")), &[]).code(0);
    seg.fail(&["every=2:500@usermaintained"]);
    apply(&sandbox, &[]).code(0);
    assert_eq!(members(&seg), ["a@example.net", "b@example.net"]);
    assert_eq!(seg.writes(), 3);
}

#[test]
fn a_transaction_that_was_rolled_back_may_be_tried_again() {
    let lab = sps(SpsOptions::default());
    let sandbox = lab.sandbox("");
    let script = "let t = target(\"sps\");\nlet tries = 0;\nfor n in 0..2 {\n  try {\n    transaction(t, \"two\", || {\n      \
        let made = t.ssh_channel_policy_create(#{ name: \"x\", rules: [] });\n      \
        t.ssh_channel_policy_replace(made.key, #{ name: \"y\", rules: [] });\n      \
        if n == 0 && !is_assumed(t) { throw \"not yet\"; }\n    });\n    break;\n  } catch (e) { print(e); }\n}";
    plan(&sandbox, script, &[]).code(0).out(&["plan: 2 changes"]);
    apply(&sandbox, &["--yes", "--unverified"]).code(0).out(&["not yet"]);
    assert_eq!(lab.lab.commits(), 1);
    content(&lab.lab.complaints());
}

#[test]
fn ids_that_a_live_run_gets_stand_for_the_assumed_ones_of_the_plan() {
    let lab = sps(SpsOptions::default());
    let sandbox = lab.sandbox("");
    let script = "let t = target(\"sps\");\nlet made = transaction(t, \"two\", || {\n  \
        let made = t.ssh_channel_policy_create(#{ name: \"first\", rules: [] });\n  \
        t.ssh_channel_policy_replace(made.key, #{ name: `second ${made.key}`, rules: [] });\n  made.key\n});\nprint(made);";
    plan(&sandbox, script, &[]).code(0).out(&["assumed-"]);
    assert_eq!(lab.lab.counts().1, 0);
    let ran = apply(&sandbox, &["--yes"]).code(0);
    let key = ran.out.trim();
    assert!(!key.contains("assumed"), "{key}");
    let policy = lab.lab.object(&format!("/configuration/ssh/channel_policies/{key}")).unwrap();
    assert_eq!(policy["name"], format!("second {key}"));
    assert_eq!(lab.lab.commits(), 1);
    content(&lab.lab.complaints());
}

#[test]
fn random_numbers_time_files_scripts_and_modules_are_those_of_the_plan() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox.write("names.txt", "from-the-plan");
    sandbox.write("lib/names.rhai", "fn domain() { \"example.net\" }");
    sandbox.write(
        "child.rhai",
        "//! Adds one.\n//!\n//! ```toml\n//! [params]\n//! who = { type = \"string\" }\n//! ```\n\
        target(\"seg\").group_member_add(3, #{ member_type: 1, member_data: `${params.who}-child@example.net` });",
    );
    let script = "import \"lib/names\" as names;\nlet s = target(\"seg\");\nlet at = format_time(now(), \"%Y%m%d%H%M%S%f\", \"UTC\");\n\
        let who = read_file(\"names.txt\") + \"-\" + random(1, 1000000000) + \"-\" + at + \"-\" + run.id;\n\
        s.group_member_add(3, #{ member_type: 1, member_data: who + \"@\" + names::domain() });\n\
        run_playbook(\"child.rhai\", #{ who: \"x\" });\nprint(who);";
    let ran = plan(&sandbox, script, &[]).code(0);
    let planned = ran.out.lines().next().unwrap().to_owned();
    sandbox.write("names.txt", "from-elsewhere");
    sandbox.write("lib/names.rhai", "fn domain() { \"example.org\" }");
    sandbox.write("child.rhai", "fail(\"edited\")");
    sandbox.write("script.rhai", "fail(\"edited\")");
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let applied = apply(&sandbox, &[]).code(0).out;
    let without_id = |text: &str| text.trim().rsplit_once('-').unwrap().0.to_owned();
    assert_eq!(without_id(&applied), without_id(&planned), "all but the run's own id is the same");
    assert_ne!(applied.trim(), planned);
    assert_eq!(members(&seg), [format!("{}@example.net", applied.trim()), "x-child@example.net".to_owned()]);
    let file = &parsed(&sandbox)["plan"]["files"][0];
    assert_eq!((&file["path"], &file["text"]), (&"names.txt".into(), &"from-the-plan".into()));
}

#[test]
fn secrets_stand_in_a_plan_by_their_reference_alone() {
    let lab = spectra(SpectraOptions::default());
    let mut sandbox = lab.sandbox("");
    sandbox.env("RELAY_PASSWORD", "correct-horse-battery");
    let script = "//! Sets the relay.\n//!\n//! ```toml\n//! [params]\n//! password = { type = \"secret\" }\n//! ```\n\
        target(\"spectra\").config_smtp_set(#{ host: \"new.example.com\", password: params.password });";
    let ran = plan(&sandbox, script, &["password=env:RELAY_PASSWORD"]).code(0);
    let file = sandbox.read("p.json");
    for text in [&file, &ran.out, &ran.err] {
        assert!(!text.contains("correct-horse") && !text.contains(crate::support::lab::PASSWORD), "{text}");
    }
    assert!(file.contains("\"$secret\": \"env:RELAY_PASSWORD\""), "{file}");
    apply(&sandbox, &[]).code(0);
    let sent =
        lab.lab.requests().into_iter().rfind(|seen| seen.method == "POST" && seen.target.contains("smtp")).unwrap();
    assert!(String::from_utf8_lossy(&sent.body).contains("correct-horse-battery"));
}

#[test]
fn a_row_without_a_read_needs_unverified_and_a_job_does_not() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    let delta =
        "target(\"seg\").ip_group_delta(15, #{ add: [#{ ip_address_start: \"192.0.2.1\", cidr: 32, name: \"n\" }] })";
    plan(&sandbox, delta, &[]).code(0).out(&["drift cannot be seen"]);
    apply(&sandbox, &["--yes"]).code(4).err(&["drift cannot be seen", "ip_group_delta", "--unverified"]);
    assert_eq!(seg.writes(), 0);
    apply(&sandbox, &["--unverified"]).code(0);
    assert_eq!(seg.lab.ip_group(15), ["192.0.2.1/32"]);
    plan(&sandbox, "target(\"seg\").config_backup_run()", &[]).code(0);
    apply(&sandbox, &[]).code(0);
    assert_eq!(seg.writes(), 2);
    let raw = "target(\"seg\").request(\"PUT\", \"/nobody/knows\", #{ body: #{} })";
    plan(&sandbox, raw, &[]).code(0).out(&["drift cannot be seen: no call of the catalog describes it"]);
    apply(&sandbox, &[]).code(4);
    assert_eq!(seg.writes(), 2);
}

#[test]
fn the_policy_of_whoever_applies_holds() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    let kill = "target(\"seg\").sender_kill_messages(1, #{ subject: \"^Report 1$\" })";
    plan(&sandbox, kill, &[]).code(0).out(&["(needs --allow destroy)"]);
    apply(&sandbox, &["--unverified", "--yes"]).code(4).err(&["destroy is not allowed"]);
    apply(&sandbox, &["--unverified", "--allow", "destroy"]).code(4).err(&["--yes"]);
    assert_eq!(seg.writes(), 0);
    apply(&sandbox, &["--unverified", "--allow", "destroy", "--yes"]).code(0);
    assert_eq!(seg.writes(), 1);
    plan(&sandbox, MEMBERS, &[]).code(0);
    let config = sandbox.read("beadle.toml");
    sandbox.write("beadle.toml", &format!("{config}\n[never]\naddresses = [\"one@example.net\"]\n"));
    apply(&sandbox, &["--yes"]).code(4).err(&["one@example.net"]);
    assert_eq!(seg.writes(), 1);
}

#[test]
fn a_file_that_is_sent_has_to_be_the_one_that_was_planned() {
    let lab = sps(SpsOptions::default());
    let sandbox = lab.sandbox("");
    sandbox.write("plugin.zip", "PK one");
    plan(&sandbox, "target(\"sps\").plugin_upload(#{ file: \"plugin.zip\" });", &[]).code(0).out(&["sends plugin.zip"]);
    sandbox.write("plugin.zip", "PK two");
    apply(&sandbox, &["--unverified", "--yes"]).code(4).err(&["plugin.zip is not the one that was planned"]);
    assert_eq!(lab.count("POST", "/upload/"), 0);
    sandbox.write("plugin.zip", "PK one");
    apply(&sandbox, &["--unverified", "--yes"]).code(0);
    assert_eq!(lab.count("POST", "/upload/"), 1);
}

#[test]
fn the_main_job_is_planned_and_applied() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox.write("list.txt", "192.0.2.0/25\n192.0.2.128/25\n198.51.100.7\n203.0.113.9\n");
    let job = ["plan", "std/seg/bulk_ip_block", "target=seg", "group=15", "list=list.txt", "chunk=1", "-o", "p.json"];
    sandbox.run(&job).code(0).out(&["plan: 3 changes of 3 items"]);
    assert_eq!(seg.writes(), 0);
    std::fs::remove_file(sandbox.path().join("list.txt")).unwrap();
    apply(&sandbox, &["--unverified"]).code(0);
    assert_eq!(seg.lab.ip_group(15).len(), 3);
    apply(&sandbox, &["--unverified"]).code(0).err(&["planned and never asked for"]);
    assert_eq!(seg.writes(), 3, "what is remembered is not asked for again");
    seg.is_content();
}

#[test]
fn a_backup_and_an_upgrade_are_planned_and_applied() {
    let lab = spectra(SpectraOptions::default());
    let sandbox = lab.sandbox("");
    let job = ["plan", "std/spectra/backup_then_upgrade", "target=spectra", "every=20ms", "-o", "p.json"];
    sandbox.run(&job).code(0).out(&["backup_create", "backup_download", "upgrade_start", "(needs --allow destroy)"]);
    assert_eq!(lab.lab.counts().1, 0);
    apply(&sandbox, &["--yes"]).code(4);
    assert_eq!(lab.count("POST", "/api/upgrade/start/"), 0);
    apply(&sandbox, &["--yes", "--allow", "destroy"]).code(0).out(&["hub-1", "5.3.1"]);
    assert_eq!(lab.lab.release("hub-1").as_deref(), Some("5.3.1"));
    assert_eq!(lab.count("POST", "/api/upgrade/start/"), 1);
    content(&lab.lab.complaints());
}

#[test]
fn branches_are_the_same_ones_however_often_a_live_run_looks_and_waits() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    let script = format!(
        "{MEMBERS}\nwait_until(#{{ every: \"1ms\" }}, || {{ random(1, 3) == 2 }});\n\
         parallel([\"four\"], |name| s.group_member_add(3, #{{ member_type: 1, member_data: `${{name}}@example.net` }}));"
    );
    plan(&sandbox, &script, &[]).code(0).out(&["plan: 4 changes"]);
    apply(&sandbox, &[]).code(0);
    assert_eq!(members(&seg).len(), 4);
}

#[test]
fn an_apply_that_was_killed_goes_on_by_its_plan() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    let add =
        |name: &str| format!("s.group_member_add(3, #{{ member_type: 1, member_data: \"{name}@example.net\" }});");
    let script =
        |second: &str| format!("let s = target(\"seg\");\n{}\nsleep(\"2s\");\n{second}\n{}", add("a"), add("b"));
    for (second, code, made) in [(String::new(), 0, 2), (format!("if !is_assumed(s) {{ {} }}", add("mallory")), 4, 1)] {
        let before = seg.writes();
        let script = script(&second).replace("@example", &format!("-{code}@example"));
        plan(&sandbox, &script, &[]).code(0);
        let mut applying = sandbox.command(&["apply", "p.json"]).spawn().unwrap();
        while seg.writes() == before {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        // Its answer has to be on the disk before the process ends, or the change would be uncertain.
        std::thread::sleep(std::time::Duration::from_millis(300));
        applying.kill().unwrap();
        applying.wait().unwrap();
        std::fs::remove_file(sandbox.path().join("p.json")).unwrap();
        sandbox.run(&["runs", "resume", "latest"]).code(code);
        assert_eq!(seg.writes() - before, made);
    }
    seg.is_content();
}

#[test]
fn a_plan_without_a_file_prints_what_a_dry_run_prints() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    let dry = sandbox.script(MEMBERS, &["--dry-run"]).code(0).out;
    let lines = |text: &str| {
        let mut lines: Vec<String> =
            text.lines().map(|line| line.trim_start_matches([' ', '1', '2', '3', '.']).to_owned()).collect();
        lines.sort();
        lines
    };
    assert_eq!(lines(&sandbox.run(&["plan", "script.rhai"]).code(0).out), lines(&dry));
    let json = sandbox.run(&["plan", "script.rhai", "--format", "json"]).code(0).out;
    let ended: Json = serde_json::from_str(json.lines().last().unwrap()).unwrap();
    assert_eq!(ended["plan"]["changes"][0]["drift"], "compared");
    assert!(ended["plan"]["changes"][0]["before"].is_array());
    assert_eq!(seg.writes(), 0);
    sandbox.run(&["plan", "script.rhai", "--help"]).code(0).out(&["Usage: beadle plan script.rhai", "-o FILE"]);
    sandbox.run(&["plan", "-o", "x.json"]).code(2);
    sandbox.write("script.rhai", "fail(\"early\")");
    sandbox.run(&["plan", "script.rhai", "-o", "early.json"]).code(1);
    assert!(!sandbox.path().join("early.json").exists());
}
