//! What a trigger's runs may do: the target's rights, narrowed by the playbook's header, and what the trigger adds for
//! its own runs alone. The appliance is asked what it saw.

use std::time::Duration;

use serde_json::Value;

use crate::support::Sandbox;
use crate::support::lab::Seg;
use crate::support::service::{Service, send};

/// Cannot be brought back.
const KILL: &str = "target(\"seg\").sender_kill_messages(1, #{ subject: \"^Report 1$\" });";

/// A watch that runs `kill`.
fn watch(name: &str, more: &str) -> String {
    format!("[watches.{name}]\nplaybook = \"kill\"\npaths = [\"in/{name}/*\"]\nready = \"rename\"\n{more}\n")
}

fn project(seg: &Seg, config: &str, script: &str) -> Sandbox {
    let sandbox = Sandbox::with_seg(seg, config);
    sandbox.write("playbooks/kill.rhai", script);
    for name in ["plain", "may"] {
        std::fs::create_dir_all(sandbox.path().join("in").join(name)).unwrap();
    }
    sandbox
}

/// Sets off a watch, and gives the end of its run.
fn fire(serving: &Service, sandbox: &Sandbox, name: &str) -> Value {
    let aside = sandbox.write("aside/x", "x");
    std::fs::rename(aside, sandbox.path().join("in").join(name).join("x")).unwrap();
    serving.ended()
}

/// Words on one line, so that a message can be looked for however it is wrapped.
fn message(ended: &Value) -> String {
    assert_eq!(ended["outcome"], "refused", "{ended}");
    ended["error"]["message"].as_str().unwrap().to_owned()
}

#[test]
fn a_trigger_destroys_only_if_its_own_allow_says_so_and_the_refusal_names_it() {
    let seg = Seg::ten();
    let config = [watch("plain", ""), watch("may", "allow = [\"destroy\"]")].concat();
    let sandbox = project(&seg, &config, KILL);
    let serving = Service::start(&sandbox);
    let refused = message(&fire(&serving, &sandbox, "plain"));
    assert!(refused.contains("destroy is not allowed at 'seg'"), "{refused}");
    assert!(refused.contains("`allow = [\"destroy\"]` to the trigger 'plain'"), "{refused}");
    assert!(!refused.contains("--allow"), "nobody types a command: {refused}");
    assert_eq!(seg.writes(), 0);
    let ended = fire(&serving, &sandbox, "may");
    assert_eq!(ended["outcome"], "succeeded", "{ended}");
    assert_eq!(seg.writes(), 1);
    // What one trigger may, another may not.
    message(&fire(&serving, &sandbox, "plain"));
    assert_eq!(seg.writes(), 1);
    assert_eq!(serving.end(), 0);
}

#[test]
fn a_trigger_adds_nothing_to_a_target_or_a_header_that_forbids_it() {
    for (config, script, said) in [
        ("[vendors.seg]\nallow = [\"read\"]\n", KILL.to_owned(), "does not even hold \"change\""),
        ("", header("[\"read\", \"change\"]"), "not among the effects that the header declares"),
        ("", header(""), "because the playbook's header does not name it"),
    ] {
        let seg = Seg::ten();
        let config = format!("{config}{}", watch("may", "allow = [\"destroy\"]"));
        let sandbox = project(&seg, &config, &script);
        let serving = Service::start(&sandbox);
        let refused = message(&fire(&serving, &sandbox, "may"));
        assert!(refused.contains(said), "{refused}");
        assert_eq!(serving.end(), 0);
        assert_eq!(seg.writes(), 0, "{said}");
    }
}

fn header(effects: &str) -> String {
    let line = if effects.is_empty() { String::new() } else { format!("//! effects = {effects}\n") };
    format!("//! Kills.\n//!\n//! ```toml\n//! [policy]\n{line}//! ```\n{KILL}")
}

#[test]
fn a_target_that_allows_to_destroy_leaves_the_yes_to_the_trigger() {
    let seg = Seg::ten();
    let config =
        ["[vendors.seg]\nallow = [\"read\", \"change\", \"destroy\"]\n".to_owned(), watch("plain", "")].concat();
    let sandbox = project(&seg, &config, KILL);
    let serving = Service::start(&sandbox);
    let refused = message(&fire(&serving, &sandbox, "plain"));
    assert!(refused.contains("`allow = [\"destroy\"]` to the trigger 'plain'"), "{refused}");
    assert!(refused.contains("confirm = \"never\""), "{refused}");
    assert_eq!(seg.writes(), 0);
    sandbox
        .write("beadle.toml", &sandbox.read("beadle.toml").replace("rename\"\n", "rename\"\nallow = [\"destroy\"]\n"));
    serving.wait_for("\"event\":\"reloaded\"");
    assert_eq!(fire(&serving, &sandbox, "plain")["outcome"], "succeeded");
    assert_eq!(seg.writes(), 1);
    assert_eq!(serving.end(), 0);
}

#[test]
fn a_policy_that_wants_a_yes_before_each_change_is_not_answered_by_a_trigger() {
    let seg = Seg::ten();
    let add =
        "target(\"seg\").ip_group_delta(15, #{ add: [#{ ip_address_start: \"192.0.2.1\", cidr: 32, name: \"n\" }] });";
    let config = format!("[policy]\nconfirm = \"change\"\n{}", watch("may", "allow = [\"destroy\"]"));
    let sandbox = project(&seg, &config, add);
    let serving = Service::start(&sandbox);
    let refused = message(&fire(&serving, &sandbox, "may"));
    assert!(refused.contains("`confirm = \"change\"` under [policy]") && !refused.contains("--yes"), "{refused}");
    assert_eq!(serving.end(), 0);
    assert_eq!(seg.writes(), 0);
}

#[test]
fn a_run_that_goes_on_after_its_interpreter_died_keeps_the_right_of_its_trigger() {
    let seg = Seg::ten();
    let script = format!("print(\"begun\");\nsleep(\"2s\");\n{KILL}");
    let sandbox = project(&seg, &watch("may", "allow = [\"destroy\"]"), &script);
    let serving = Service::start(&sandbox);
    let aside = sandbox.write("aside/x", "x");
    std::fs::rename(aside, sandbox.path().join("in/may/x")).unwrap();
    serving.wait_for("begun");
    std::thread::sleep(Duration::from_millis(200));
    send("KILL", serving.interpreter());
    assert_eq!(serving.ended()["outcome"], "interrupted");
    assert_eq!(serving.ended()["outcome"], "succeeded");
    assert_eq!(serving.end(), 0);
    assert_eq!(seg.writes(), 1);
}
