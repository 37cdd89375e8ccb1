//! Whatever comes over the pipe: it is a question, or it ends the run and nothing else.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::channel;

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::json;

use super::desk::{Desk, Event};
use super::frame::{self, Frame};
use super::message::Kind;
use super::vault::Vault;
use crate::catalog::Catalog;
use crate::door::{Action, Branch, Composite, Halt, Key, Passage, Reply};
use crate::engine::{ContextParts, NoTexts, Output, OutputEvent, RunContext, RunFacts, ScriptRun, Shelf, Sources};
use crate::fault::{Failure, Fault};
use crate::value::Value;

/// A door that lets everything pass, and does nothing.
struct Open;

impl Passage for Open {
    fn pass(&self, _branch: &Branch, action: Action) -> Result<Reply, Failure> {
        Ok(Reply::Value(Value::from(action.describe())))
    }

    fn abandon(&self, _branch: &Branch, _target: &Arc<str>, _caught: bool) {}

    fn open(&self, branch: &Branch, action: Action) -> Result<Composite, Failure> {
        Ok(Composite::elsewhere(Key::next(branch), action, None))
    }

    fn close(&self, _composite: Composite, _outcome: Result<Value, Fault>) -> Result<(), Failure> {
        Ok(())
    }

    fn item_failed(&self, _composite: &Composite, _item: u64) -> Result<(), Failure> {
        Ok(())
    }

    fn is_replaying(&self) -> bool {
        false
    }

    fn is_assumed(&self, _value: &Value) -> bool {
        false
    }

    fn is_assumed_target(&self, _target: &str) -> bool {
        false
    }

    fn instead_of_waiting(&self) -> Option<Value> {
        None
    }
}

impl Output for Open {
    fn show(&self, _event: OutputEvent) {}
}

fn script() -> ScriptRun {
    let context = RunContext::new(ContextParts {
        passage: Arc::new(Open),
        output: Arc::new(Open),
        catalog: Arc::new(Catalog::builtin()),
        facts: RunFacts::default(),
        texts: Arc::new(NoTexts),
        halt: Halt::default(),
        max_steps: 0,
        max_memory: 1 << 20,
    });
    let library = Arc::new(Shelf::of(None));
    ScriptRun { name: "p".into(), text: String::new(), library, premises: None, context }
}

/// What a desk tells when these bytes come, then so many answers are taken, and nothing more comes; and the frames
/// that it sends.
fn told(bytes: &[u8], answers: usize) -> (Vec<Event>, Vec<Frame>) {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let (script, sources, vault) = (script(), Sources::default(), Vault::default());
    let (sender, events) = channel();
    let desk = Desk::new(&script, &sources, &vault, ours, sender).unwrap();
    let mut sent = Vec::new();
    std::thread::scope(|scope| {
        desk.open(scope).unwrap();
        theirs.write_all(bytes).unwrap();
        sent.extend((0..answers).map(|_| frame::read(&mut theirs).unwrap()));
        theirs.shutdown(std::net::Shutdown::Write).unwrap();
    });
    drop(desk);
    while let Ok(frame) = frame::read(&mut theirs) {
        sent.push(frame);
    }
    (events.try_iter().collect(), sent)
}

fn of(frames: &[Frame]) -> Vec<u8> {
    let mut bytes = Vec::new();
    frames.iter().for_each(|frame| frame::write(&mut bytes, frame).unwrap());
    bytes
}

fn at() -> serde_json::Value {
    json!({ "path": [], "ordinals": [], "entry": 0, "inside": null })
}

#[test]
fn questions_are_answered_under_their_numbers() {
    let pass = |number, head| Kind::Pass.frame(number, &json!({ "at": at(), "action": head }), Bytes::new());
    let (events, mut sent) = told(&of(&[pass(7, json!({ "do": "clock" })), pass(9, json!({ "do": "elapsed" }))]), 2);
    assert!(matches!(events.as_slice(), [Event::Closed]));
    sent.sort_by_key(|frame| frame.number);
    let answers: Vec<_> = sent.iter().map(|frame| (frame.number, frame.head.as_slice())).collect();
    assert_eq!(answers, [(7, br#"{"value":"now"}"#.as_slice()), (9, br#"{"value":"elapsed"}"#.as_slice())]);
}

#[test]
fn what_no_interpreter_sends_is_told_and_not_answered() {
    let frame = |kind: Kind, head: serde_json::Value| kind.frame(1, &head, Bytes::new());
    let secret = json!({ "do": "targets", "filter": { "tag": { "$secret": "#0" } } });
    for frame in [
        Frame { kind: 200, number: 1, head: Vec::new(), body: Bytes::new() },
        frame(Kind::Answer, json!({})),
        frame(Kind::Brief, json!({})),
        frame(Kind::Pass, json!({ "at": at() })),
        frame(Kind::Pass, json!({ "at": at(), "action": { "do": "fly" } })),
        frame(Kind::Pass, json!({ "at": at(), "action": secret })),
        frame(Kind::Open, json!({ "at": at(), "action": { "do": "clock" } })),
        frame(Kind::Close, json!({ "key": { "path": [], "entry": 3, "inside": null }, "outcome": { "value": 1 } })),
        frame(Kind::ItemFailed, json!({ "key": { "path": [], "entry": 3, "inside": null }, "item": 1 })),
        frame(Kind::Loaded, json!("std/seg/ip_groups")),
        frame(Kind::Show, json!(["shout", "x"])),
        frame(Kind::TakeBack, json!({ "step": 0, "entry": 0 })),
        frame(Kind::Kept, json!([{ "path": [], "place": -1 }])),
        frame(Kind::TakenBack, json!({ "end": {}, "entry": 1 })),
        Frame { head: Vec::new(), ..frame(Kind::Ended, json!({})) },
    ] {
        let (events, sent) = told(&of(std::slice::from_ref(&frame)), 0);
        assert!(events.iter().any(|event| matches!(event, Event::Broken(_))), "{frame:?}");
        assert!(sent.is_empty(), "{frame:?} was answered by {sent:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_end_one_run_at_most(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        let (events, _) = told(&bytes, 0);
        prop_assert!(events.iter().any(|event| matches!(event, Event::Closed | Event::Broken(_))));
    }

    #[test]
    fn any_head_of_any_kind_ends_one_run_at_most(kind in 0_u8..20, head in "[\\[\\]{}\":a-z0-9, ]{0,60}") {
        let frame = Frame { kind, number: 1, head: head.into_bytes(), body: Bytes::new() };
        let (events, _) = told(&of(&[frame]), 0);
        prop_assert!(!events.is_empty());
    }
}
