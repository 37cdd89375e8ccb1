//! Folders that are many, come later, go away and come back.

use std::fs;

use crate::config::Ready;
use crate::trigger::watch::tests::bench::{Bench, poll, second};

fn names(bench: &Bench) -> Vec<String> {
    let mut triggers = bench.open();
    let queued = poll(&mut triggers, 0);
    let original = |path: &str| path.split_once("/inbox/").unwrap().1.to_owned();
    queued.iter().map(|firing| original(firing.event["original"].as_str().unwrap())).collect()
}

fn filled(paths: &[&str]) -> Bench {
    let bench = Bench::new(Ready::Rename, None).paths(paths);
    for name in ["1.txt", "a/new/1.txt", "a/old/1.txt", "b/new/1.txt", "b/new/2.csv", "a/b/c/1.txt", ".hidden/1.txt"] {
        bench.drop_file(name, name);
    }
    for name in ["archive/1.txt", "a/failed/1.txt", "a/new/archive/1.txt"] {
        bench.drop_file(name, name);
    }
    bench
}

#[test]
fn wildcards_reach_into_folders_and_never_into_what_was_put_away() {
    assert_eq!(names(&filled(&["inbox/*/new/*.txt"])), ["a/new/1.txt", "b/new/1.txt"]);
    assert_eq!(names(&filled(&["inbox/a/**/*.txt"])), ["a/b/c/1.txt", "a/new/1.txt", "a/old/1.txt"]);
    assert_eq!(names(&filled(&["inbox/*.txt", "inbox/b/*/*", "inbox/**/1.txt"])).len(), 6, "each file once");
    let mut bench = filled(&["inbox/*.txt"]);
    assert_eq!(names(&bench), ["1.txt"]);
    bench = filled(&["inbox/*.txt"]);
    bench.config.recursive = true;
    assert_eq!(names(&bench).len(), 5);
}

#[test]
fn the_state_folder_is_never_looked_into() {
    let bench = Bench::new(Ready::Rename, None);
    let inside = Bench::with_state(Ready::Rename, None, Some(&bench.inbox("state")));
    let mut config = bench.config.clone();
    config.recursive = true;
    let bench = Bench { project: bench.project, state: inside.state, config };
    fs::create_dir_all(bench.inbox("state/work")).unwrap();
    bench.drop_file("state/work/x.txt", "one");
    bench.drop_file("a.txt", "one");
    assert_eq!(names(&bench), ["a.txt"]);
}

#[test]
fn a_folder_that_is_missing_is_told_once_and_taken_up_when_it_appears() {
    let bench = Bench::new(Ready::Rename, None).paths(&["inbox/deep/er/*.txt"]);
    let mut triggers = bench.open();
    let looked = triggers.watches.look(second(0)).unwrap();
    assert!(looked.problems[0].contains("inbox/deep/er is not there: make the folder"), "{:?}", looked.problems);
    assert_eq!(triggers.watches.next(), Some(second(30)));
    assert_eq!(triggers.watches.watched().map(|(path, _)| path.clone()).collect::<Vec<_>>(), [bench.inbox("")]);
    assert!(triggers.watches.look(second(30)).unwrap().problems.is_empty(), "it was told before");
    bench.drop_file("deep/er/a.txt", "one");
    triggers.watches.hint_at(&bench.project.path().join("inbox"));
    assert_eq!(triggers.watches.look(second(31)).unwrap().queued.len(), 1);
    // It goes away, which is told anew, and comes back.
    fs::rename(bench.inbox("deep"), bench.inbox("elsewhere")).unwrap();
    assert!(poll(&mut triggers, 32).is_empty());
    bench.drop_file("deep/er/b.txt", "two");
    assert_eq!(poll(&mut triggers, 33).len(), 1);
}

#[test]
fn a_hint_concerns_the_watches_that_look_there() {
    let bench = Bench::new(Ready::Rename, None).paths(&["inbox/*/*.txt"]);
    bench.drop_file("x/a.txt", "one");
    let mut triggers = bench.open();
    assert_eq!(poll(&mut triggers, 0).len(), 1);
    bench.drop_file("x/b.txt", "two");
    triggers.watches.hint_at(&bench.inbox("y"));
    assert!(triggers.watches.look(second(1)).unwrap().queued.is_empty());
    triggers.watches.hint_at(&bench.inbox("x"));
    assert_eq!(triggers.watches.look(second(1)).unwrap().queued.len(), 1);
}

#[test]
fn a_hint_that_comes_during_a_search_is_not_lost() {
    let bench = Bench::new(Ready::Rename, None);
    let mut triggers = bench.open();
    let search = triggers.watches.due(second(0)).pop().unwrap();
    assert!(triggers.watches.due(second(0)).is_empty(), "one search at a time");
    assert_eq!(triggers.watches.next(), None);
    let searched = search.run(&|| {});
    bench.drop_file("a.txt", "one");
    triggers.watches.hint();
    triggers.watches.done(searched).unwrap();
    triggers.watches.rest("feed", second(2));
    assert!(triggers.watches.due(second(1)).is_empty(), "many hints make one search");
    assert_eq!(triggers.watches.next(), Some(second(2)));
    assert_eq!(triggers.watches.look(second(2)).unwrap().queued.len(), 1);
}

#[test]
fn a_hint_at_a_folder_that_only_the_search_under_way_has_found_is_not_lost() {
    let bench = Bench::new(Ready::Rename, None);
    let mut triggers = bench.open();
    let searched = triggers.watches.due(second(0)).pop().unwrap().run(&|| {});
    bench.drop_file("a.txt", "one");
    triggers.watches.hint_at(&bench.inbox(""));
    triggers.watches.done(searched).unwrap();
    assert_eq!(triggers.watches.look(second(1)).unwrap().queued.len(), 1);
    assert_eq!(triggers.watches.next(), Some(second(301)));
}

#[test]
fn a_search_that_began_before_a_reload_holds_up_the_next_and_says_nothing_of_it() {
    let mut bench = Bench::new(Ready::Rename, None);
    let mut former = bench.open();
    poll(&mut former, 0);
    poll(&mut former, 0);
    former.watches.hint();
    let searched = former.watches.due(second(1)).pop().unwrap().run(&|| {});
    bench.config.paths.push("inbox/more/*.txt".into());
    bench.drop_file("more/a.txt", "one");
    let mut triggers = bench.open();
    triggers.watches.succeed(&mut former.watches);
    assert!(triggers.watches.due(second(1)).is_empty(), "one search at a time");
    assert_eq!(triggers.watches.watched().count(), 1, "where it is heard until it has looked for itself");
    triggers.watches.done(searched).unwrap();
    let queued = triggers.watches.look(second(1)).unwrap().queued;
    assert_eq!(queued.len(), 1, "the former search did not look there");
}

#[test]
fn a_hint_between_a_reload_and_the_end_of_its_first_search_is_not_lost() {
    let bench = Bench::new(Ready::Rename, None);
    let mut former = bench.open();
    poll(&mut former, 0);
    poll(&mut former, 0);
    let mut triggers = bench.open();
    triggers.watches.succeed(&mut former.watches);
    let searched = triggers.watches.due(second(1)).pop().unwrap().run(&|| {});
    bench.drop_file("a.txt", "one");
    triggers.watches.hint_at(&bench.inbox(""));
    triggers.watches.done(searched).unwrap();
    assert_eq!(triggers.watches.look(second(2)).unwrap().queued.len(), 1);
}

#[test]
fn folders_are_polled_where_the_system_does_not_hint() {
    let mut bench = Bench::new(Ready::Rename, None);
    let mut triggers = bench.open();
    poll(&mut triggers, 0);
    assert_eq!(triggers.watches.next(), Some(second(300)));
    triggers.watches.set_hearing(false);
    triggers.watches.look(second(1)).unwrap();
    assert_eq!(triggers.watches.next(), Some(second(6)));
    bench.config.poll = Some(std::time::Duration::from_secs(2));
    let mut triggers = bench.open();
    poll(&mut triggers, 0);
    assert_eq!(triggers.watches.next(), Some(second(2)));
}

#[test]
fn a_search_that_breaks_off_is_told_and_begun_anew() {
    let bench = Bench::new(Ready::Rename, None);
    let mut triggers = bench.open();
    let search = triggers.watches.due(second(0)).pop().unwrap();
    let searched = search.run(&|| panic!("as a mistake would"));
    let looked = triggers.watches.done(searched).unwrap();
    assert!(looked.problems[0].contains("broke off"), "{:?}", looked.problems);
    assert_eq!(triggers.watches.next(), Some(second(30)));
    bench.drop_file("a.txt", "one");
    assert_eq!(poll(&mut triggers, 31).len(), 1);
}
