//! Messages of scripts: real receivers and relays are asked what they got.

use std::time::{Duration, Instant};

use beadle::lab::SpsOptions;

use crate::support::Sandbox;
use crate::support::receiver::{Manner, Receiver};
use crate::support::relay::{Line, Relay};
use crate::support::vendors::sps;

fn sandbox(config: &str) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.write("beadle.toml", config);
    sandbox.env("HOOK_TOKEN", "canary-token-4711");
    sandbox
}

fn webhook(receiver: &Receiver, more: &str) -> String {
    format!("[channels.team]\nkind = \"webhook\"\nurl = \"{}\"\n{more}\n", receiver.url("/hook/T0secret"))
}

const HELLO: &str = "notify(\"team\", \"blocked 3 networks\\nof the feed\"); print(\"went on\")";

#[test]
fn a_webhook_gets_a_document_with_what_the_message_is_about() {
    let receiver = Receiver::new();
    let more = "token = { env = \"HOOK_TOKEN\" }\nheaders = { X-Team = \"mail\" }";
    sandbox(&webhook(&receiver, more)).script(HELLO, &[]).code(0).out(&["went on"]);
    let received = receiver.wait_for(1);
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].path(), "/hook/T0secret");
    assert_eq!(received[0].header("authorization"), Some("Bearer canary-token-4711"));
    assert_eq!(received[0].header("x-team"), Some("mail"));
    let json = received[0].json();
    assert_eq!((&json["kind"], &json["channel"]), (&"notice".into(), &"team".into()));
    assert_eq!(json["subject"], "blocked 3 networks");
    assert!(json["text"].as_str().unwrap().starts_with("blocked 3 networks\nof the feed\n\nrun "), "{json}");
    assert_eq!(json["playbook"], "script.rhai");
    assert_eq!(json["run"].as_str().unwrap().len(), 12);
}

#[test]
fn a_webhook_gets_a_document_of_its_owners_own() {
    let receiver = Receiver::new();
    let body = "body = '{\"content\": \"${subject}\", \"from\": \"${playbook}\"}'";
    sandbox(&webhook(&receiver, body)).script(HELLO, &[]).code(0);
    let wanted = serde_json::json!({ "content": "blocked 3 networks", "from": "script.rhai" });
    assert_eq!(receiver.received()[0].json(), wanted);
}

#[test]
fn a_dry_run_withholds_a_message_and_lists_it() {
    let receiver = Receiver::new();
    let sandbox = sandbox(&webhook(&receiver, ""));
    sandbox.script(HELLO, &["--dry-run"]).code(0).out(&["went on", "team notify", "blocked 3 networks"]);
    assert!(receiver.received().is_empty());
}

#[test]
fn an_unknown_channel_is_found_before_the_run_and_in_it() {
    let sandbox = sandbox("[channels.team]\nkind = \"file\"\npath = \"out/x\"\n");
    sandbox.script("notify(\"taem\", \"x\")", &[]).code(1).err(&["no channel 'taem'", "Did you mean 'team'?"]);
    sandbox.run(&["check", "script.rhai"]).code(3).out(&["unknown-channel"]);
    let late = "let name = \"ta\"; name += \"em\"; try { notify(name, \"x\") } catch (e) { print(e.kind + \": \" + e.message) }";
    sandbox.script(late, &[]).code(0).out(&["invalid: there is no channel 'taem'. Did you mean 'team'?"]);
}

#[test]
fn a_channel_that_fails_fails_no_run() {
    for (manner, said) in [
        (Manner::Status(404), "answered with status 404"),
        (Manner::Status(500), "answered with status 500 (after 3 attempts)"),
        (Manner::Hang, "1.5s"),
        (Manner::Lie, "team"),
        (Manner::Close, "closed the line"),
    ] {
        let receiver = Receiver::with(&[manner]);
        let timeout = if matches!(manner, Manner::Hang) { "timeout = \"1500ms\"" } else { "" };
        let sandbox = sandbox(&webhook(&receiver, timeout));
        let begun = Instant::now();
        let ran = sandbox.script(HELLO, &[]).code(0).out(&["went on"]);
        assert!(begun.elapsed() < Duration::from_secs(12), "{manner:?} took {:?}", begun.elapsed());
        let ran = ran.err(&["warn: the message did not reach channel 'team'"]);
        let shown = sandbox.run(&["runs", "show", "latest", "--format", "json"]).code(0);
        for text in [&ran.err, &shown.out] {
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(text.contains(said), "{manner:?}: {text}");
            assert!(!text.contains("T0secret"), "the path of a webhook is a secret: {text}");
        }
    }
}

#[test]
fn a_message_that_a_busy_webhook_refuses_is_sent_again() {
    let receiver = Receiver::with(&[Manner::Status(503), Manner::Status(429), Manner::Status(204)]);
    let ran = sandbox(&webhook(&receiver, "")).script(HELLO, &[]).code(0);
    assert!(!ran.err.contains("warn"), "{}", ran.err);
    assert_eq!(receiver.received().len(), 3);
}

#[test]
fn a_channel_that_nobody_listens_at_is_told() {
    let url = { Receiver::new().url("/x").replace("127.0.0.1", "127.0.0.2") };
    let sandbox = sandbox(&format!("[channels.team]\nkind = \"webhook\"\nurl = \"{url}\"\n"));
    sandbox.script(HELLO, &[]).code(0).out(&["went on"]).err(&["cannot be reached"]);
}

#[test]
fn a_transaction_refuses_what_it_cannot_take_back() {
    let receiver = Receiver::new();
    let lab = sps(SpsOptions::default());
    let sandbox = lab.sandbox(&webhook(&receiver, ""));
    let script = "transaction(target(\"sps\"), \"x\", || { notify(\"team\", \"x\") })";
    sandbox.script(script, &["--yes"]).code(4).err(&["notify is refused: a rollback could not take it back"]);
    assert!(receiver.received().is_empty());
}

#[test]
fn a_message_is_sent_at_least_once_whatever_kills_the_run() {
    let receiver = Receiver::new();
    let mut sandbox = sandbox(&webhook(&receiver, ""));
    sandbox.env("BEADLE_FAIL_POINT", "notified");
    sandbox.script("notify(\"team\", \"one\"); notify(\"team\", \"two\"); fail(\"x\")", &[]);
    assert_eq!(receiver.received().len(), 1);
    sandbox.env("BEADLE_FAIL_POINT", "");
    sandbox.run(&["runs", "resume", "latest"]).code(1);
    // The first is sent once more, since nobody knows that it has arrived.
    let subjects = || receiver.received().iter().map(|one| one.json()["subject"].clone()).collect::<Vec<_>>();
    assert_eq!(subjects(), ["one", "one", "two"]);
    sandbox.run(&["runs", "resume", "latest"]).code(1);
    assert_eq!(subjects().len(), 3, "what is recorded is not sent again");
}

#[test]
fn a_storm_is_held_back_and_summed_up() {
    let receiver = Receiver::new();
    let sandbox = sandbox(&webhook(&receiver, "limit = \"2/h\""));
    sandbox.script("for n in 0..10 { notify(\"team\", `problem ${n % 2}`) } print(\"went on\")", &[]).code(0);
    let received = receiver.received();
    assert_eq!(received.len(), 3, "{received:#?}");
    let sum = received[2].json();
    assert_eq!((&sum["kind"], &sum["count"]), (&"held".into(), &8.into()));
    assert!(sum["text"].as_str().unwrap().contains("- problem 0 (4 times)\n- problem 1 (4 times)"), "{sum}");
}

#[test]
fn a_file_gets_a_line_for_each_message() {
    let sandbox = sandbox("[channels.log]\nkind = \"file\"\npath = \"notes/log.jsonl\"\n");
    sandbox.script("notify(\"log\", \"one\"); notify(\"log\", \"two\")", &[]).code(0);
    let text = sandbox.read("notes/log.jsonl");
    let subjects: Vec<_> =
        text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["subject"].clone()).collect();
    assert_eq!(subjects, ["one", "two"]);
}

#[test]
fn no_message_shows_a_secret() {
    let receiver = Receiver::new();
    let sandbox = sandbox(&webhook(&receiver, "token = { env = \"HOOK_TOKEN\" }"));
    sandbox.script("notify(\"team\", \"it is canary-token-4711\")", &[]).code(0);
    assert!(receiver.received()[0].json()["text"].as_str().unwrap().starts_with("it is ***"));
}

fn mail(relay: &Relay, more: &str) -> String {
    format!(
        "[channels.team]\nkind = \"email\"\nhost = \"127.0.0.1\"\nport = {}\nfrom = \"Beadle <beadle@example.com>\"\n\
         to = [\"team@example.com\", \"boss@example.com\"]\nca_file = \"relay.pem\"\n{more}\n",
        relay.port()
    )
}

const ACCOUNT: &str = "username = \"beadle\"\npassword = { env = \"HOOK_TOKEN\" }\n";

#[test]
fn a_mail_goes_by_plain_line_starttls_and_tls() {
    for (line, word) in [(Line::Plain, "plain"), (Line::Starttls, "starttls"), (Line::Tls, "tls")] {
        let relay = Relay::new(line, Some(("beadle", "canary-token-4711")));
        let sandbox = sandbox(&mail(&relay, &format!("security = \"{word}\"\n{ACCOUNT}")));
        relay.certificate(sandbox.path());
        let ran = sandbox.script("notify(\"team\", \"größer\\n.\\nend\")", &[]).code(0);
        assert!(!ran.err.contains("warn"), "{word}: {}", ran.err);
        let taken = relay.taken();
        assert_eq!(taken.len(), 1, "{word}");
        assert_eq!((taken[0].user.as_deref(), taken[0].protected), (Some("beadle"), line != Line::Plain));
        assert_eq!(taken[0].from, "beadle@example.com");
        assert_eq!(taken[0].to, ["team@example.com", "boss@example.com"]);
        assert!(taken[0].text.contains("Auto-Submitted: auto-generated"), "{}", taken[0].text);
        assert!(taken[0].text.contains("Subject: [beadle] =?utf-8?"), "{}", taken[0].text);
    }
}

#[test]
fn a_relay_that_cannot_be_trusted_gets_nothing() {
    // It does not offer STARTTLS; somebody in between would take the offer out.
    let relay = Relay::new(Line::Plain, Some(("beadle", "canary-token-4711")));
    let stripped = sandbox(&mail(&relay, &format!("security = \"starttls\"\n{ACCOUNT}")));
    relay.certificate(stripped.path());
    stripped.script(HELLO, &[]).code(0).out(&["went on"]).err(&["did not reach channel 'team'"]);
    // Its certificate is that of another one.
    let relay_of_another = Relay::new(Line::Starttls, None);
    let other = sandbox(&mail(&relay_of_another, "security = \"starttls\""));
    relay.certificate(other.path());
    other.script(HELLO, &[]).code(0).err(&["did not reach channel 'team'"]);
    assert!(relay.taken().is_empty() && relay_of_another.taken().is_empty());
    let said = [relay.said(), relay_of_another.said()].concat();
    assert!(!said.iter().any(|line| line.starts_with("AUTH") || line.starts_with("MAIL")), "{said:?}");
}

#[test]
fn a_wrong_password_is_said_once_and_not_tried_again() {
    let relay = Relay::new(Line::Starttls, Some(("beadle", "another")));
    let sandbox = sandbox(&mail(&relay, &format!("security = \"starttls\"\n{ACCOUNT}")));
    relay.certificate(sandbox.path());
    let ran = sandbox.script(HELLO, &[]).code(0).out(&["went on"]);
    let err = ran.err.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(err.contains("user name or password are wrong") && !err.contains("canary-token"), "{err}");
    assert_eq!(relay.said().iter().filter(|line| line.starts_with("AUTH")).count(), 1);
}
