//! Budgets: what they count, and that threads never exceed them.

use std::sync::Arc;
use std::thread;

use proptest::prelude::*;

use crate::catalog::Effect::{self, Change, Destroy, Read};
use crate::door::policy::{Budget, Limit, Limits, Spent};

fn limit(value: u64) -> Option<Limit> {
    Some(Limit::new(value, "[policy] in beadle.toml"))
}

fn spend(budget: &Arc<Budget>, target: &str, effect: Effect, items: u64) -> bool {
    budget.reserve(target, effect, items).map(|mut reservation| reservation.keep()).is_ok()
}

#[test]
fn each_budget_counts_its_own_kind() {
    let limits = Limits { max_changes: limit(4), max_items: limit(10), max_destroys: limit(1), max_targets: limit(2) };
    let budget = Arc::new(Budget::new(limits));
    assert!((0..100).all(|_| spend(&budget, "r", Read, 1000)), "reads cost nothing");
    assert!(spend(&budget, "a", Destroy, 1));
    assert!(!spend(&budget, "a", Destroy, 1), "max_destroys");
    assert!(!spend(&budget, "a", Change, 10), "max_items");
    assert!(spend(&budget, "a", Change, 9));
    assert!(spend(&budget, "b", Change, 0));
    assert!(!spend(&budget, "c", Change, 0), "max_targets");
    assert!(spend(&budget, "b", Change, 0));
    assert!(!spend(&budget, "a", Change, 0), "max_changes");
}

#[test]
fn a_refusal_names_the_budget_its_value_and_its_place() {
    let limits = Limits { max_items: Some(Limit::new(3, "the playbook's header")), ..Limits::default() };
    let fault = Arc::new(Budget::new(limits)).reserve("a", Change, 4).expect_err("over");
    for part in ["max_items = 3", "the playbook's header", "would add 4"] {
        assert!(fault.message.contains(part), "{part}: {}", fault.message);
    }
}

#[test]
fn the_narrowest_place_holds() {
    let project = Limits { max_changes: limit(10), max_items: limit(5), ..Limits::default() };
    let header = Limits {
        max_changes: Some(Limit::new(3, "the playbook's header")),
        max_items: Some(Limit::new(50, "the playbook's header")),
        max_targets: Some(Limit::new(1, "the playbook's header")),
        ..Limits::default()
    };
    let both = project.narrowed_by(header);
    assert_eq!(both.max_changes, Some(Limit::new(3, "the playbook's header")));
    assert_eq!(both.max_items, limit(5));
    assert_eq!(both.max_targets, Some(Limit::new(1, "the playbook's header")));
    assert_eq!(both.max_destroys, None);
}

#[test]
fn what_is_not_sent_goes_back_wholly() {
    let budget = Arc::new(Budget::new(Limits { max_targets: limit(1), ..Limits::default() }));
    drop(budget.reserve("a", Destroy, 7).expect("free"));
    assert_eq!(budget.spent_so_far(), Spent::default());
    assert!(spend(&budget, "b", Change, 1), "the target's place is free again");
}

#[test]
fn a_child_run_spends_its_parents_budget_and_may_have_less() {
    let parent = Arc::new(Budget::new(Limits { max_changes: limit(3), ..Limits::default() }));
    let narrow = Limits { max_changes: limit(1), ..Limits::default() };
    let child = Arc::new(Budget::of_child(Arc::clone(&parent), narrow));
    assert!(spend(&child, "a", Change, 1));
    assert!(!spend(&child, "a", Change, 1), "its own budget");
    let other = Arc::new(Budget::of_child(Arc::clone(&parent), Limits::default()));
    assert!(spend(&other, "a", Change, 1) && spend(&parent, "a", Change, 1));
    assert!(!spend(&other, "a", Change, 1), "its parent's budget");
    assert_eq!(other.spent_so_far().changes, 1, "a refusal by the parent costs the child nothing");
    assert_eq!(parent.spent_so_far().changes, 3);
}

#[test]
fn a_child_run_gives_back_and_counts_at_its_parent_too() {
    let parent = Arc::new(Budget::new(Limits::default()));
    let child = Arc::new(Budget::of_child(Arc::clone(&parent), Limits::default()));
    drop(child.reserve("a", Change, 1).expect("free"));
    assert_eq!(parent.spent_so_far(), Spent::default());
    child.count("a", Destroy, 2);
    let spent = parent.spent_so_far();
    assert_eq!((spent.changes, spent.items, spent.destroys), (1, 2, 1));
}

#[test]
fn a_resumed_run_counts_what_its_journal_holds() {
    let budget = Arc::new(Budget::new(Limits { max_changes: limit(2), ..Limits::default() }));
    budget.count("a", Change, 5);
    budget.count("a", Change, 5);
    assert!(!spend(&budget, "a", Change, 1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn threads_never_exceed_a_budget_and_use_it_up(changes in 0_u64..60, items in 0_u64..200, targets in 0_u64..5) {
        let limits =
            Limits { max_changes: limit(changes), max_items: limit(items), max_targets: limit(targets), ..Limits::default() };
        let parent = Arc::new(Budget::new(limits));
        thread::scope(|scope| {
            for worker in 0..4_u64 {
                let parent = &parent;
                scope.spawn(move || {
                    let child = Arc::new(Budget::of_child(Arc::clone(parent), Limits::default()));
                    for step in 0..40_u64 {
                        let reserved = child.reserve(&format!("t{}", (worker + step) % 6), Change, step % 4);
                        if let Ok(mut reserved) = reserved && step % 3 != 0 {
                            reserved.keep();
                        }
                        let spent = parent.spent_so_far();
                        assert!(spent.changes <= changes && spent.items <= items);
                        assert!(spent.targets.len() as u64 <= targets);
                    }
                });
            }
        });
        let spent = parent.spent_so_far();
        let room = spent.changes < changes && spent.items < items && targets > 0;
        let known = spent.targets.keys().next().cloned().unwrap_or_else(|| "t0".to_owned());
        prop_assert_eq!(spend(&parent, &known, Change, 1), room);
    }
}
