//! Several files for one run, and which of several runs comes first.

use std::fs;
use std::time::{Duration, SystemTime};

use crate::config::{After, Collect, FileOrder, Ready};
use crate::trigger::watch::tests::bench::{Bench, account, poll, reasons, recover, run_all, second};
use crate::trigger::{Account, Firing, Outcome, Triggers};

fn collecting(max: usize) -> Bench {
    let mut bench = Bench::new(Ready::Rename, None);
    bench.config.collect = Some(Collect { max, window: Duration::from_secs(10) });
    bench
}

fn names(firing: &Firing) -> Vec<String> {
    let files = firing.event["files"].as_array().unwrap();
    files.iter().map(|file| file["name"].as_str().unwrap().to_owned()).collect()
}

fn succeed(triggers: &mut Triggers, at: i64) -> Vec<Vec<String>> {
    let mut runs = Vec::new();
    run_all(triggers, at, |triggers, firing| {
        let paths = firing.event["paths"].as_array().unwrap();
        runs.push(paths.iter().map(|path| fs::read_to_string(path.as_str().unwrap()).unwrap()).collect());
        triggers.ended(&firing.id, Outcome::Succeeded, second(at)).unwrap();
    });
    runs
}

#[test]
fn files_that_come_within_the_window_go_into_one_run() {
    let bench = collecting(100);
    let mut triggers = bench.open();
    bench.drop_file("b.txt", "two");
    assert!(poll(&mut triggers, 0).is_empty());
    assert_eq!(triggers.watches.next(), Some(second(10)), "ten seconds after the first");
    bench.drop_file("a.txt", "one");
    assert!(poll(&mut triggers, 9).is_empty());
    let queued = poll(&mut triggers, 10);
    assert_eq!(queued.len(), 1);
    assert_eq!(names(&queued[0]), ["a.txt", "b.txt"]);
    assert_eq!(queued[0].event["files"][0]["size"], 3);
    assert!(queued[0].event.get("path").is_none(), "there is not one file");
    assert_eq!(account(&triggers), Account { due: 2, queued: 2, ..Account::default() });
    assert_eq!(succeed(&mut triggers, 11), [["one", "two"]]);
    assert_eq!(account(&triggers), Account { due: 2, started: 2, ..Account::default() });
    assert_eq!((bench.listing("archive").len(), bench.at_work()), (2, 0));
}

#[test]
fn a_full_group_does_not_wait_and_the_rest_does() {
    let bench = collecting(3);
    let mut triggers = bench.open();
    for number in 0..7 {
        bench.drop_file(&format!("{number}.txt"), &number.to_string());
    }
    let queued = poll(&mut triggers, 0);
    assert_eq!(
        queued.iter().map(names).collect::<Vec<_>>(),
        [["0.txt", "1.txt", "2.txt"], ["3.txt", "4.txt", "5.txt"]]
    );
    assert_eq!(names(&poll(&mut triggers, 10)[0]), ["6.txt"]);
    assert_eq!(succeed(&mut triggers, 11), [vec!["0", "1", "2"], vec!["3", "4", "5"], vec!["6"]]);
    assert_eq!(account(&triggers).started, 7);
}

#[test]
fn files_that_settle_are_collected_once_they_have() {
    let mut bench = collecting(100);
    bench.config.ready = Ready::Settle;
    let mut triggers = bench.open();
    bench.drop_file("a.txt", "one");
    poll(&mut triggers, 0);
    poll(&mut triggers, 2);
    poll(&mut triggers, 5);
    assert!(poll(&mut triggers, 11).is_empty());
    assert_eq!(poll(&mut triggers, 12).len(), 1);
}

#[test]
fn a_file_that_goes_away_leaves_the_others_of_its_group_alone() {
    use crate::trigger::watch::Sightings;
    use crate::trigger::watch::claim::claim_all;
    let bench = collecting(100);
    let mut triggers = bench.open();
    for name in ["a.txt", "b.txt", "c.txt"] {
        bench.drop_file(name, name);
    }
    let definition = bench.definition();
    let ready = Sightings::default().scan(&definition, None, second(0)).ready;
    claim_all(&bench.state, &definition, &[&ready], second(0)).unwrap();
    fs::remove_file(bench.inbox("b.txt")).unwrap();
    assert_eq!(recover(&triggers).len(), 1, "it is told");
    assert_eq!(account(&triggers), Account { due: 3, queued: 2, skipped: 1, ..Account::default() });
    assert_eq!(succeed(&mut triggers, 1), [["a.txt", "c.txt"]]);
    assert_eq!(account(&triggers), Account { due: 3, started: 2, skipped: 1, ..Account::default() });
    assert!(reasons(&triggers)[0].contains("b.txt was not taken"), "{:?}", reasons(&triggers));
}

#[test]
fn files_of_one_name_in_two_folders_do_not_meet() {
    let bench = collecting(100).paths(&["inbox/*/*.txt"]);
    let mut triggers = bench.open();
    bench.drop_file("x/a.txt", "from x");
    bench.drop_file("y/a.txt", "from y");
    poll(&mut triggers, 0);
    assert_eq!(poll(&mut triggers, 10).len(), 1);
    assert_eq!(succeed(&mut triggers, 10), [["from x", "from y"]]);
    assert_eq!((bench.listing("x/archive"), bench.listing("y/archive")), (vec!["a.txt".into()], vec!["a.txt".into()]));
}

#[test]
fn files_come_in_the_order_of_their_names_or_times() {
    for (order, wanted) in
        [(FileOrder::Name, ["a.txt", "b.txt", "c.txt"]), (FileOrder::Time, ["b.txt", "c.txt", "a.txt"])]
    {
        let mut bench = Bench::new(Ready::Rename, Some(After::Delete));
        bench.config.order = order;
        let mut triggers = bench.open();
        for (name, hour) in [("a.txt", 3), ("b.txt", 1), ("c.txt", 2)] {
            bench.drop_file(name, "x");
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(hour * 3600);
            fs::File::options().write(true).open(bench.inbox(name)).unwrap().set_modified(time).unwrap();
        }
        let queued = poll(&mut triggers, 0);
        let names: Vec<_> = queued.iter().map(|firing| firing.event["name"].as_str().unwrap()).collect();
        assert_eq!(names, wanted);
        assert_eq!(
            queued[0].event["mtime"].as_str().unwrap(),
            if order == FileOrder::Name { "1970-01-01T03:00:00Z" } else { "1970-01-01T01:00:00Z" }
        );
        let mut seen = Vec::new();
        run_all(&mut triggers, 1, |triggers, firing| {
            seen.push(firing.event["name"].as_str().unwrap().to_owned());
            triggers.ended(&firing.id, Outcome::Succeeded, second(1)).unwrap();
        });
        assert_eq!(seen, wanted);
    }
}
