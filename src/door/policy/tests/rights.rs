//! Every combination of target, header and addition, as a table.

use std::sync::Arc;

use super::sample::{CHANGE, DESTROY, EXPERIMENTAL, EXPERIMENTAL_READ, READ, SESSION, Scripted, call, raw, target};
use crate::catalog::Effect::{self, Change, Destroy, Read};
use crate::catalog::Row;
use crate::door::policy::{
    Confirm, Consent, Declared, Limits, Policy, PolicySettings, Question, Recording, Request, Rights, classify,
};
use crate::fault::FaultKind;

fn effects(effects: &[Effect]) -> Declared {
    Declared::Effects(effects.iter().copied().collect())
}

fn settings(declared: Declared, destroy: bool) -> PolicySettings {
    PolicySettings {
        rights: Rights { declared: vec![declared], destroy, trigger: None },
        confirm: Confirm::Never,
        ..PolicySettings::default()
    }
}

fn admits(policy: &Policy, allow: &[Effect], row: &'static Row) -> bool {
    let result = policy.admit(&target(allow), Request::Call(&call(row, serde_json::json!({}))));
    result.map_err(|fault| assert_eq!(fault.kind, FaultKind::Refused)).is_ok()
}

#[test]
fn rights_are_the_targets_narrowed_by_the_header() {
    use Declared::{NoHeader, Silent};
    let all = [Read, Change, Destroy];
    // The target's allow, the header, whether destroy is added; whether read, change, destroy pass.
    let table: [(&[Effect], Declared, bool, [bool; 3]); 15] = [
        (&[Read, Change], NoHeader, false, [true, true, false]),
        (&[Read, Change], NoHeader, true, [true, true, true]),
        (&[Read, Change], Silent, false, [true, true, false]),
        (&[Read, Change], Silent, true, [true, true, false]),
        (&[Read, Change], effects(&[Read]), true, [true, false, false]),
        (&[Read, Change], effects(&[Read, Change]), true, [true, true, false]),
        (&[Read, Change], effects(&all), false, [true, true, false]),
        (&[Read, Change], effects(&all), true, [true, true, true]),
        (&[Read], NoHeader, true, [true, false, false]),
        (&[Read], effects(&all), true, [true, false, false]),
        (&[Read, Destroy], NoHeader, false, [true, false, true]),
        (&all, NoHeader, false, [true, true, true]),
        (&all, Silent, false, [true, true, true]),
        (&all, effects(&[Read, Change]), true, [true, true, false]),
        (&[], NoHeader, true, [false, false, false]),
    ];
    for (allow, declared, destroy, wanted) in table {
        let policy = Policy::new(settings(declared.clone(), destroy));
        let have = [&READ, &CHANGE, &DESTROY].map(|row| admits(&policy, allow, row));
        assert_eq!(have, wanted, "{allow:?} {declared:?} {destroy}");
    }
}

#[test]
fn a_child_run_has_no_right_that_its_parent_lacks() {
    let parent = Policy::new(settings(effects(&[Read, Change]), true));
    let child = parent.child(effects(&[Read, Change, Destroy]), Limits::default());
    let have = [&READ, &CHANGE, &DESTROY].map(|row| admits(&child, &[Read, Change, Destroy], row));
    assert_eq!(have, [true, true, false]);
    let narrower = parent.child(effects(&[Read]), Limits::default());
    assert!(!admits(&narrower, &[Read, Change], &CHANGE));
}

#[test]
fn a_missing_destroy_is_asked_for_each_time_and_its_yes_also_confirms() {
    let ask = Scripted::new([Consent::Yes, Consent::All, Consent::No]);
    let policy =
        Policy::new(PolicySettings { ask: Arc::clone(&ask) as _, yes: true, ..settings(Declared::NoHeader, false) });
    let have: Vec<bool> = (0..3).map(|_| admits(&policy, &[Read, Change], &DESTROY)).collect();
    assert_eq!((have, ask.asked()), (vec![true, true, false], 3));
    let questions = ask.questions.lock().expect("not poisoned");
    assert!(questions.iter().all(|question| matches!(question, Question::Right(_)) && !question.offers_all()));
}

#[test]
fn yes_does_not_add_a_right() {
    let policy = Policy::new(PolicySettings { yes: true, ..settings(Declared::NoHeader, false) });
    let fault = policy
        .admit(&target(&[Read, Change]), Request::Call(&call(&DESTROY, serde_json::json!({}))))
        .expect_err("nobody added destroy");
    assert!(fault.message.contains("--allow destroy"), "{}", fault.message);
    assert_eq!((fault.target.as_deref(), fault.operation.as_deref()), (Some("lab"), Some("thing_delete")));
}

#[test]
fn a_triggers_allow_answers_for_what_it_may_destroy_where_nobody_is_there_and_for_nothing_else() {
    let started = |destroy: bool, confirm: Confirm| {
        let rights = Rights { declared: vec![Declared::NoHeader], destroy, trigger: Some("nightly".into()) };
        PolicySettings { rights, confirm, ..PolicySettings::default() }
    };
    let all = [Read, Change, Destroy];
    let policy = Policy::new(started(true, Confirm::Change));
    assert!(admits(&policy, &all, &DESTROY) && !admits(&policy, &all, &CHANGE));
    assert!(!admits(&policy.child(effects(&[Read, Change]), Limits::default()), &all, &DESTROY));
    assert!(!admits(&Policy::new(started(false, Confirm::Destroy)), &all, &DESTROY));
    // Whoever goes on with such a run at a terminal is asked.
    let ask = Scripted::new([Consent::No, Consent::Yes]);
    let policy = Policy::new(PolicySettings { ask: Arc::clone(&ask) as _, ..started(true, Confirm::Destroy) });
    assert_eq!([(); 2].map(|()| admits(&policy, &all, &DESTROY)), [false, true]);
}

#[test]
fn a_dry_run_lists_the_right_that_could_be_added() {
    let ask = Arc::new(Recording::default());
    let policy = Policy::new(PolicySettings { ask: Arc::clone(&ask) as _, ..settings(Declared::NoHeader, false) });
    assert!(admits(&policy, &[Read, Change], &DESTROY));
    assert!(!admits(&policy, &[Read], &DESTROY), "what cannot be added is refused in a dry run too");
    assert!(matches!(&ask.questions()[..], [Question::Right(asked)] if asked.call == "thing_delete"));
}

#[test]
fn rows_for_sign_in_are_refused_from_scripts() {
    let policy = Policy::new(settings(Declared::NoHeader, true));
    assert!(!admits(&policy, &[Read, Change, Destroy], &SESSION));
    let request = raw("POST", "/login", None);
    let request = classify(&request, Some(&SESSION));
    assert!(policy.admit(&target(&[Read, Change, Destroy]), Request::Raw(&request)).is_err());
}

#[test]
fn experimental_changes_need_the_targets_word() {
    let policy = Policy::new(settings(Declared::NoHeader, false));
    assert!(!admits(&policy, &[Read, Change], &EXPERIMENTAL));
    assert!(admits(&policy, &[Read, Change], &EXPERIMENTAL_READ));
    let willing = crate::config::Target { experimental: true, ..target(&[Read, Change]) };
    assert!(policy.admit(&willing, Request::Call(&call(&EXPERIMENTAL, serde_json::json!({})))).is_ok());
}

#[test]
fn every_refusal_says_where_the_rule_stands_and_the_cure() {
    let cases: [(&[Effect], Declared, &Row, &[&str]); 5] = [
        (&[Read], Declared::NoHeader, &CHANGE, &["\"change\" to `allow` of [targets.lab]", "beadle.toml"]),
        (&[Read], Declared::NoHeader, &DESTROY, &["add \"change\"", "[targets.lab]"]),
        (&[Read, Change], effects(&[Read]), &CHANGE, &["header", "`effects` under [policy]"]),
        (&[Read, Change], Declared::Silent, &DESTROY, &["header does not name it"]),
        (&[Read, Change], Declared::NoHeader, &EXPERIMENTAL, &["experimental = true", "[targets.lab]"]),
    ];
    for (allow, declared, row, parts) in cases {
        let policy = Policy::new(settings(declared, false));
        let row: &'static Row =
            [&CHANGE, &DESTROY, &EXPERIMENTAL].into_iter().find(|known| *known == row).expect("one");
        let fault =
            policy.admit(&target(allow), Request::Call(&call(row, serde_json::json!({})))).expect_err("refused");
        for part in parts {
            assert!(fault.message.contains(part), "{part}: {}", fault.message);
        }
        assert!(fault.details.contains_key("rule"));
    }
}
