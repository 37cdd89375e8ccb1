//! The accounting law, and each rule.

use jiff::civil::DateTime;
use proptest::prelude::*;

use super::*;

fn at(second: i64) -> Due {
    Due { at: Timestamp::from_second(second).unwrap(), civil: DateTime::default(), merged: 0 }
}

fn rules(overlap: Overlap, missed: Missed, window: i64) -> Rules {
    Rules { overlap, missed, window: SignedDuration::from_secs(window) }
}

fn started(decisions: &[Decision]) -> Vec<i64> {
    decisions
        .iter()
        .filter_map(|decision| match decision {
            Decision::Start { due } => Some(due.at.as_second()),
            Decision::Skip { .. } => None,
        })
        .collect()
}

/// Ten hourly instants, the last of them `late` seconds before now.
fn decide_hourly(rules: Rules, busy: bool, paused: bool, late: i64) -> Vec<Decision> {
    let now = Timestamp::from_second(36_000 + late).unwrap();
    decide(now, rules, busy, paused, (1..=10).map(|hour| at(hour * 3600)))
}

#[test]
fn missed_firings_are_made_up_for_by_their_rule() {
    let long = 1_000_000;
    assert!(started(&decide_hourly(rules(Overlap::Skip, Missed::None, long), false, false, 600)).is_empty());
    assert_eq!(started(&decide_hourly(rules(Overlap::Skip, Missed::None, long), false, false, 5)), [36_000]);
    assert_eq!(started(&decide_hourly(rules(Overlap::Skip, Missed::Latest, long), false, false, 600)), [36_000]);
    assert_eq!(started(&decide_hourly(rules(Overlap::Skip, Missed::Latest, long), false, false, 5)), [36_000]);
    assert_eq!(started(&decide_hourly(rules(Overlap::Skip, Missed::All, long), false, false, 600)).len(), 10);
    assert_eq!(started(&decide_hourly(rules(Overlap::Skip, Missed::All, 8000), false, false, 600)).len(), 3);
}

#[test]
fn a_stretch_of_skips_is_one_row() {
    let decisions = decide_hourly(rules(Overlap::Skip, Missed::None, 1_000_000), false, false, 600);
    assert!(matches!(decisions.as_slice(), [Decision::Skip { count: 10, why: Why::Missed, .. }]), "{decisions:?}");
}

#[test]
fn overlap_and_pause_skip_and_say_so() {
    let decisions = decide_hourly(rules(Overlap::Skip, Missed::None, 1_000_000), true, false, 5);
    assert!(matches!(decisions.last(), Some(Decision::Skip { why: Why::Overlap, count: 1, .. })), "{decisions:?}");
    let decisions = decide_hourly(rules(Overlap::Skip, Missed::All, 1_000_000), false, true, 5);
    assert!(matches!(decisions.as_slice(), [Decision::Skip { why: Why::Paused, count: 10, .. }]), "{decisions:?}");
    assert_eq!(started(&decide_hourly(rules(Overlap::Queue, Missed::None, 1_000_000), true, false, 5)), [36_000]);
    assert_eq!(started(&decide_hourly(rules(Overlap::CancelOld, Missed::All, 1_000_000), true, false, 5)), [36_000]);
}

#[test]
fn at_most_a_hundred_are_made_up_for() {
    let now = Timestamp::from_second(1_000_000).unwrap();
    let owed = (1..=500).map(|minute| at(minute * 60));
    let decisions = decide(now, rules(Overlap::Queue, Missed::All, 10_000_000), false, false, owed);
    assert_eq!(started(&decisions).len(), MOST_MISSED);
    assert!(matches!(decisions[0], Decision::Skip { count: 400, why: Why::TooMany, .. }));
}

#[test]
fn only_a_large_jump_back_is_a_correction() {
    let now = Timestamp::from_second(1_000_000).unwrap();
    let hours = |hours| now + SignedDuration::from_hours(hours);
    assert_eq!(owed_from(hours(2), now), hours(2));
    assert_eq!(owed_from(hours(4), now), now);
    assert_eq!(owed_from(hours(-40), now), hours(-40));
}

proptest! {
    #[test]
    fn due_is_started_plus_merged_plus_skipped(
        gaps in prop::collection::vec((1_i64..5000, 0_u32..3), 0..300),
        late in 0_i64..200_000, window in 0_i64..200_000,
        busy: bool, paused: bool,
        overlap in prop::sample::select(vec![Overlap::Skip, Overlap::Queue, Overlap::Parallel, Overlap::CancelOld]),
        missed in prop::sample::select(vec![Missed::None, Missed::Latest, Missed::All]),
    ) {
        let mut second = 0;
        let owed: Vec<Due> = gaps.iter().map(|(gap, merged)| {
            second += gap;
            Due { merged: *merged, ..at(second) }
        }).collect();
        let now = Timestamp::from_second(second + late).unwrap();
        let decisions = decide(now, rules(overlap, missed, window), busy, paused, owed.clone());
        let accounted: u64 = decisions.iter().map(|decision| match decision {
            Decision::Start { due } => 1 + u64::from(due.merged),
            Decision::Skip { count, .. } => *count,
        }).sum();
        prop_assert_eq!(accounted, owed.iter().map(|due| 1 + u64::from(due.merged)).sum::<u64>());
        let mut end = Timestamp::MIN;
        for decision in &decisions {
            let (first, last) = match decision {
                Decision::Start { due } => (due.at, due.at),
                Decision::Skip { first, last, .. } => (*first, *last),
            };
            prop_assert!(first > end && last >= first, "in order, and none twice");
            end = last;
        }
    }
}
