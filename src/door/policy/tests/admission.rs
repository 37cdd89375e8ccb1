//! Questions, their answers, and the order in which rules are looked at.

use std::sync::Arc;

use serde_json::json;

use super::sample::{CHANGE, DELTA, DESTROY, FREE, FREE_READ, READ, SECRET, Scripted, call, raw, target};
use crate::catalog::Bound;
use crate::catalog::Effect::{Change, Destroy, Read};
use crate::door::policy::{
    Budget, Confirm, Consent, Limit, Limits, Never, NeverLists, Policy, PolicySettings, Question, Request, classify,
};

fn policy(confirm: Confirm, ask: &Arc<Scripted>) -> Policy {
    Policy::new(PolicySettings { confirm, ask: Arc::clone(ask) as _, ..PolicySettings::default() })
}

fn admits(policy: &Policy, call: &Bound) -> bool {
    policy.admit(&target(&[Read, Change, Destroy]), Request::Call(call)).is_ok()
}

#[test]
fn questions_begin_where_the_setting_says() {
    let table = [(Confirm::Never, [0, 0, 0]), (Confirm::Destroy, [0, 0, 1]), (Confirm::Change, [0, 1, 1])];
    for (confirm, wanted) in table {
        let have = [&READ, &CHANGE, &DESTROY].map(|row| {
            let ask = Scripted::new([Consent::Yes]);
            assert!(admits(&policy(confirm, &ask), &call(row, json!({}))));
            ask.asked()
        });
        assert_eq!(have, wanted, "{confirm:?}");
    }
}

#[test]
fn all_covers_the_call_at_the_target_and_yes_covers_one_request() {
    let ask = Scripted::new([Consent::Yes, Consent::All]);
    let policy = policy(Confirm::Change, &ask);
    let change = call(&CHANGE, json!({}));
    assert!((0..5).all(|_| admits(&policy, &change)));
    assert_eq!(ask.asked(), 2);
    let elsewhere = crate::config::Target { name: "other".to_owned(), ..target(&[Change]) };
    assert!(policy.admit(&elsewhere, Request::Call(&change)).is_err(), "asked again at another target");
    assert!(!admits(&policy, &call(&DELTA, json!({}))), "asked again for another call");
    assert!(admits(&policy.child(Default::default(), Limits::default()), &change), "a child run knows the answer");
}

#[test]
fn all_is_never_taken_for_what_destroys() {
    let ask = Scripted::new([Consent::All, Consent::All]);
    let policy = policy(Confirm::Destroy, &ask);
    let have: Vec<bool> = (0..3).map(|_| admits(&policy, &call(&DESTROY, json!({})))).collect();
    assert_eq!((have, ask.asked()), (vec![true, true, false], 3));
    // A call that content raised counts as what it was raised to, whatever was said of it before.
    let ask = Scripted::new([Consent::All]);
    let policy = self::policy(Confirm::Change, &ask);
    assert!(admits(&policy, &call(&DELTA, json!({}))));
    let raised = Bound { effect: Destroy, ..call(&DELTA, json!({ "remove": ["x"] })) };
    assert!(!admits(&policy, &raised));
    assert_eq!(ask.asked(), 2);
}

#[test]
fn the_question_shows_count_and_first_five_without_secrets() {
    let ask = Scripted::new([Consent::No]);
    let entries: Vec<_> = (0..9).map(|n| json!({ "ip_address_start": format!("192.0.2.{n}"), "cidr": 32 })).collect();
    let call = Bound { items: 9, ..call(&DELTA, json!({ "add": entries, "remove": [], "password": "canary" })) };
    let fault = policy(Confirm::Change, &ask)
        .admit(&target(&[Read, Change]), Request::Call(&call))
        .expect_err("the answer was no");
    assert!(fault.message.contains("did not confirm"));
    let questions = ask.questions.lock().expect("not poisoned");
    let [Question::Confirm(asked)] = &questions[..] else { panic!("{questions:?}") };
    assert_eq!((asked.items, asked.first.len()), (9, 5));
    assert_eq!(asked.first[0], "add: cidr 32, ip_address_start 192.0.2.0");

    let ask = Scripted::new([Consent::No]);
    let request = raw("PATCH", "/groups/3", Some(json!({ "password": "canary", "add": [], "remove": [1] })));
    let request = classify(&request, Some(&DELTA));
    assert!(policy(Confirm::Change, &ask).admit(&target(&[Read, Change, Destroy]), Request::Raw(&request)).is_err());
    let shown = format!("{:?}", ask.questions.lock().expect("not poisoned"));
    assert!(shown.contains("remove: 1") && !shown.contains("canary"), "{shown}");
}

#[test]
fn a_call_without_countable_items_shows_its_arguments_without_secrets() {
    let ask = Scripted::new([Consent::No]);
    let call = call(&SECRET, json!({ "note": "hello", "password": "canary" }));
    assert!(!admits(&policy(Confirm::Change, &ask), &call));
    let questions = ask.questions.lock().expect("not poisoned");
    let [Question::Confirm(asked)] = &questions[..] else { panic!("{questions:?}") };
    assert_eq!(asked.first, ["note: hello", "password: ***"]);
}

#[test]
fn every_string_of_a_free_form_call_is_looked_at_in_changes_alone() {
    let lists = NeverLists { networks: vec!["192.0.2.0/24".parse().expect("a network")], ..NeverLists::default() };
    let never = Arc::new(Never::new(lists).expect("good lists"));
    let policy = Policy::new(PolicySettings { never, ..PolicySettings::default() });
    let body = json!({ "anything": ["192.0.2.1"] });
    assert!(!admits(&policy, &call(&FREE, body.clone())));
    assert!(admits(&policy, &call(&FREE_READ, body)));
}

#[test]
fn without_a_terminal_the_answer_is_no_and_yes_is_the_cure() {
    let no_terminal = Policy::new(PolicySettings::default());
    let fault = no_terminal
        .admit(&target(&[Read, Change, Destroy]), Request::Call(&call(&DESTROY, json!({}))))
        .expect_err("nobody is there");
    assert!(fault.message.contains("--yes"), "{}", fault.message);
    assert_eq!(no_terminal.confirm("Really?"), Consent::Nobody);
    let yes = Policy::new(PolicySettings { yes: true, ..PolicySettings::default() });
    assert!(admits(&yes, &call(&DESTROY, json!({}))));
    assert_eq!(yes.confirm("Really?"), Consent::Yes);
}

#[test]
fn nobody_is_asked_about_what_is_refused_anyway_and_a_no_costs_no_budget() {
    let ask = Scripted::new([Consent::No, Consent::Yes, Consent::Yes]);
    let lists = NeverLists { networks: vec!["192.0.2.0/24".parse().expect("a network")], ..NeverLists::default() };
    let limits = Limits { max_changes: Some(Limit::new(1, "[policy] in beadle.toml")), ..Limits::default() };
    let policy = Policy::new(PolicySettings {
        confirm: Confirm::Change,
        ask: Arc::clone(&ask) as _,
        never: Arc::new(Never::new(lists).expect("good lists")),
        budget: Arc::new(Budget::new(limits)),
        ..PolicySettings::default()
    });
    let target = target(&[Read, Change]);
    let bad = call(&DELTA, json!({ "add": [{ "ip_address_start": "192.0.2.7", "cidr": 32 }] }));
    assert!(policy.admit(&target, Request::Call(&bad)).is_err());
    assert_eq!(ask.asked(), 0, "a protected address is refused without a question");
    let good = call(&CHANGE, json!({}));
    assert!(policy.admit(&target, Request::Call(&good)).is_err());
    assert_eq!(policy.budget().spent_so_far().changes, 0, "a no gives the budget back");
    drop(policy.admit(&target, Request::Call(&good)).expect("yes"));
    assert_eq!(policy.budget().spent_so_far().changes, 0, "what was not sent gives the budget back");
    policy.admit(&target, Request::Call(&good)).expect("yes").sent();
    assert!(policy.admit(&target, Request::Call(&good)).is_err());
    assert_eq!(ask.asked(), 3, "what is over the budget is refused without a question");
}
