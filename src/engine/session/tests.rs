//! What is known of a line, tried on the real catalog.

use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex};

use super::{Outside, Session};
use crate::allocator::Count;
use crate::catalog::{Catalog, Effect};
use crate::door::{Action, Branch, Composite, Halt, Passage, Reply};
use crate::engine::{Begun, NoTexts, Output, OutputEvent, RunContext, RunFacts};
use crate::fault::{Failure, Fault, FaultKind};
use crate::value::{Map, Value};

/// A door that lets nothing pass: what is known of a line is known without it.
struct Closed;

impl Passage for Closed {
    fn pass(&self, _branch: &Branch, _action: Action) -> Result<Reply, Failure> {
        Err(Fault::new(FaultKind::Refused, "the door is closed").into())
    }

    fn abandon(&self, _branch: &Branch, _target: &Arc<str>, _caught: bool) {}

    fn open(&self, _branch: &Branch, _action: Action) -> Result<Composite, Failure> {
        Err(Fault::new(FaultKind::Refused, "the door is closed").into())
    }

    fn item_failed(&self, _composite: &Composite, _item: u64) -> Result<(), Failure> {
        Err(Fault::new(FaultKind::Refused, "the door is closed").into())
    }

    fn close(&self, _composite: Composite, _outcome: Result<Value, Fault>) -> Result<(), Failure> {
        Err(Fault::new(FaultKind::Refused, "the door is closed").into())
    }

    fn is_replaying(&self) -> bool {
        false
    }

    fn instead_of_waiting(&self) -> Option<Value> {
        None
    }

    fn is_assumed(&self, _value: &Value) -> bool {
        false
    }

    fn is_assumed_target(&self, _target: &str) -> bool {
        false
    }
}

struct Silent;

impl Output for Silent {
    fn show(&self, _event: OutputEvent) {}
}

fn session() -> Session {
    let context = RunContext {
        passage: Arc::new(Closed),
        output: Arc::new(Silent),
        catalog: Arc::new(Catalog::builtin()),
        facts: RunFacts::default(),
        halt: Halt::default(),
        max_steps: 0,
        max_memory: 1 << 30,
        steps: AtomicU64::new(0),
        memory: Count::begin(),
        stop: Mutex::new(None),
        ending: AtomicBool::new(false),
        progress: AtomicU64::new(0),
        texts: Arc::new(NoTexts),
        undo: Mutex::default(),
        begun: Begun::default(),
    };
    let mut session = Session::new(Arc::new(context), None);
    for (name, vendor) in [("seg", "seg"), ("sps", "sps")] {
        let described = Map::from([("name".to_owned(), name.into()), ("vendor".to_owned(), vendor.into())]);
        session.set_target(name, &Value::Map(described));
    }
    session
}

/// What is offered at the end of a text.
fn offered(session: &Session, text: &str) -> Vec<String> {
    session.offers(text, text.len()).offers.into_iter().map(|offer| offer.text).collect()
}

#[test]
fn calls_are_those_of_the_targets_own_vendor() {
    let session = session();
    for (text, has, has_not) in [
        ("seg.", "groups()", "aaa_users()"),
        ("seg.ip_", "ip_group_delta(", "groups()"),
        ("target(\"seg\").ip_group", "ip_group_delta(", "target("),
        ("sps.", "aaa_users()", "ip_group_delta("),
        ("x + seg.group_", "group_members(", "groups()"),
    ] {
        let found = offered(&session, text);
        assert!(found.iter().any(|it| it == has), "{text} lacks {has}, and has {} others", found.len());
        assert!(!found.iter().any(|it| it == has_not), "{text} has {has_not}");
    }
}

#[test]
fn keys_are_the_parameters_of_the_call_nested_ones_too_and_none_twice() {
    let session = session();
    assert_eq!(offered(&session, "seg.ip_group_delta(15, #{ "), ["add: ", "remove: "]);
    assert_eq!(offered(&session, "seg.ip_group_delta(15, #{ add: [], "), ["remove: "]);
    let nested = offered(&session, "seg.ip_group_delta(15, #{ add: [#{ cidr: 32, ");
    assert!(nested.contains(&"ip_address_start: ".to_owned()) && !nested.contains(&"cidr: ".to_owned()), "{nested:?}");
    assert_eq!(offered(&session, "parallel([1], #{ l"), ["limit: "]);
}

#[test]
fn texts_are_completed_by_what_they_name() {
    let session = session();
    assert_eq!(offered(&session, "target(\"s"), ["seg", "sps"]);
    assert_eq!(offered(&session, "targets(#{ vendor: \"asy"), ["asyncos"]);
    for (text, outside) in [
        ("read_lines(\"in", Outside::Files),
        ("import \"std/", Outside::Modules),
        ("run_playbook(\"", Outside::Playbooks),
        ("secret(\"", Outside::Secrets),
    ] {
        assert_eq!(session.offers(text, text.len()).outside, Some(outside), "{text}");
    }
}

#[test]
fn fields_come_from_values_and_from_what_the_rows_know_of_answers() {
    let mut session = session();
    session.line("let m = #{ alpha: #{ beta: [#{ gamma: 1 }] } }; m").unwrap();
    assert_eq!(offered(&session, "m.al"), ["alpha"]);
    assert_eq!(offered(&session, "m.alpha.beta[0].g"), ["gamma", "get("]);
    assert_eq!(offered(&session, "_.al"), ["alpha"]);
    let of_map = offered(&session, "m.");
    assert!(of_map.contains(&"keys()".to_owned()) && !of_map.iter().any(|it| it.starts_with("retry")), "{of_map:?}");
    for (text, field) in [("seg.servers()[0].serverN", "serverName"), ("seg.groups()[0].gr", "groupId")] {
        assert_eq!(offered(&session, text), [field], "{text}");
    }
    let nested = offered(&session, "seg.servers().filter(|it| it.isActive)[0].pServiceStatus[0].last");
    assert_eq!(nested, ["lastError"]);
    for text in [
        "seg.servers().filter(|it| it.serverN",
        "parallel(seg.servers(), |it| it.serverN",
        "for it in seg.servers() { it.serverN",
        "let all = seg.servers(); all[0].serverN",
    ] {
        assert_eq!(offered(&session, text), ["serverName"], "{text}");
    }
    session.line("let pairs = [#{ left: 1, right: 2 }];").unwrap();
    assert_eq!(offered(&session, "pairs.map(|pair| pair.le"), ["left", "len()"]);
    assert!(offered(&session, "\"text\".to_up").contains(&"to_upper()".to_owned()));
}

#[test]
fn a_hint_tells_how_the_call_goes_on() {
    let session = session();
    assert_eq!(session.hint("seg.ip_group_delta(").as_deref(), Some("group_id, #{ add?, remove? })"));
    let value = session.hint("seg.ip_group_delta(15, #{ add: [#{ cidr: ").unwrap();
    assert!(value.contains("cidr (int, required, 0 to 128)"), "{value}");
    assert_eq!(session.hint("seg.ip_group_delta(15, #{ add: [], ").as_deref(), Some("  remove"));
    assert_eq!(session.hint("let a = 1"), None);
}

#[test]
fn the_last_value_has_a_name_and_switch_keeps_its_default() {
    let mut session = session();
    let value = |session: &mut Session, line: &str| session.line(line).unwrap().value;
    assert_eq!(value(&mut session, "40 + 2"), Value::Int(42));
    assert_eq!(value(&mut session, "_ + 1"), Value::Int(43));
    assert_eq!(value(&mut session, "`${_} is it`"), Value::from("43 is it"));
    assert_eq!(value(&mut session, "switch 7 { 1 => 2, _ => 3 }"), Value::Int(3));
    assert_eq!(value(&mut session, "let unseen = 1;"), Value::Null);
    assert_eq!(value(&mut session, "[_, 1].len()"), Value::Int(2));
}

#[test]
fn secrets_are_known_by_their_place() {
    let session = session();
    let secret = |line: &str| {
        let literals = session.literals(line);
        literals
            .iter()
            .filter(|literal| literal.secret)
            .map(|literal| line[literal.span.clone()].to_owned())
            .collect::<Vec<_>>()
    };
    let line = "seg.config_backup_run(#{ include_dkim: true, dkim_password: \"hunter22\" })";
    assert_eq!(secret(line), ["\"hunter22\""]);
    assert_eq!(secret("let api_token = \"abc\";"), ["\"abc\""]);
    assert_eq!(secret("sps.request(\"POST\", \"/x\", #{ body: #{ password: `p` } })"), ["`p`"]);
    assert!(secret("secret(\"seg-password\")").is_empty());
    assert!(secret("seg.groups()").is_empty());
}

#[test]
fn effects_follow_the_calls_and_what_raises_them() {
    let session = session();
    assert_eq!(Vec::from_iter(session.effects_in("seg.groups().len()")), [Effect::Read]);
    let line = "seg.ip_group_delta(1, #{ add: [] }); seg.group_members(2)";
    assert_eq!(Vec::from_iter(session.effects_in(line)), [Effect::Read, Effect::Change]);
    assert_eq!(Vec::from_iter(session.effects_in("seg.request(\"DELETE\", \"/x\")")), [Effect::Destroy]);
}
