//! What others put into a watched folder, by mistake or not: links, pipes, names, half files.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;

use crate::config::Ready;
use crate::trigger::watch::Sightings;
use crate::trigger::watch::claim::claim_all;
use crate::trigger::watch::tests::bench::{Bench, account, poll, reasons, recover, second, work};
use crate::trigger::{Account, Outcome};

#[test]
fn what_is_no_plain_file_is_refused_once_with_the_cure() {
    let bench = Bench::new(Ready::Rename, None);
    symlink("/etc/passwd", bench.inbox("link.txt")).unwrap();
    fs::write(bench.inbox(OsStr::from_bytes(b"\xff\xfe.txt")), "x").unwrap();
    fs::create_dir(bench.inbox("folder.txt")).unwrap();
    let pipe = bench.inbox("pipe.txt");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(bench.inbox("socket.txt")).unwrap();
    let mut triggers = bench.open();
    for round in 0..3 {
        assert!(poll(&mut triggers, round).is_empty());
    }
    assert!(poll(&mut bench.open(), 4).is_empty());
    assert_eq!(account(&triggers), Account { due: 4, skipped: 4, ..Account::default() });
    let reasons = reasons(&triggers).join("\n");
    for reason in ["symbolic link: put the file itself", "not UTF-8: rename it", "is a pipe", "is a socket"] {
        assert!(reasons.contains(reason), "{reasons}");
    }
    assert!(pipe.exists() && bench.inbox("link.txt").is_symlink(), "they stay where they are");
}

#[test]
fn a_file_with_a_second_name_is_refused_until_the_other_is_gone() {
    let bench = Bench::new(Ready::Rename, None);
    let other = bench.project.path().join("other");
    fs::write(&other, "one").unwrap();
    fs::hard_link(&other, bench.inbox("a.txt")).unwrap();
    let mut triggers = bench.open();
    assert!(poll(&mut triggers, 0).is_empty());
    assert_eq!(account(&triggers).due, 0, "some programs give a file its name by a link");
    assert!(poll(&mut triggers, 2).is_empty());
    assert!(reasons(&triggers)[0].contains("hard link"));
    fs::remove_file(&other).unwrap();
    assert_eq!(poll(&mut triggers, 3).len(), 1);
    assert_eq!(account(&triggers), Account { due: 2, queued: 1, skipped: 1, ..Account::default() });
}

#[test]
fn a_link_in_place_of_a_folder_is_not_followed() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("a.txt"), "not ours").unwrap();
    let bench = Bench::new(Ready::Rename, None).paths(&["inbox/*/*.txt"]);
    symlink(outside.path(), bench.inbox("link")).unwrap();
    let mut triggers = bench.open();
    let looked = triggers.watches.look(second(0)).unwrap();
    assert!(looked.queued.is_empty());
    assert!(looked.problems[0].contains("is a symbolic link"), "{:?}", looked.problems);
    // The folder that paths name is what its owner says, link or not.
    let named = Bench::new(Ready::Rename, None).paths(&["inbox/link/*.txt"]);
    symlink(outside.path(), named.inbox("link")).unwrap();
    assert_eq!(poll(&mut named.open(), 0).len(), 1);
}

#[test]
fn a_folder_that_becomes_a_link_after_the_claim_gives_nothing_away() {
    let outside = tempfile::tempdir().unwrap();
    let bench = Bench::new(Ready::Rename, None).paths(&["inbox/*/*.txt"]);
    bench.drop_file("x/a.txt", "ours");
    let triggers = bench.open();
    let definition = bench.definition();
    let ready = Sightings::default().scan(&definition, None, second(0)).ready;
    claim_all(&bench.state, &definition, &[&ready], second(0)).unwrap();
    // The same file, so that it is not the identity that saves us.
    fs::rename(bench.inbox("x/a.txt"), outside.path().join("a.txt")).unwrap();
    fs::remove_dir(bench.inbox("x")).unwrap();
    symlink(outside.path(), bench.inbox("x")).unwrap();
    recover(&triggers);
    assert!(outside.path().join("a.txt").exists(), "nothing was taken from outside");
    assert_eq!(account(&triggers), Account { due: 1, skipped: 1, ..Account::default() });
}

#[test]
fn an_archive_that_is_a_link_is_not_written_to() {
    let outside = tempfile::tempdir().unwrap();
    let bench = Bench::new(Ready::Rename, None);
    symlink(outside.path(), bench.inbox("archive")).unwrap();
    let mut triggers = bench.open();
    bench.drop_file("a.txt", "one");
    poll(&mut triggers, 0);
    let firing = triggers.take_queued(second(0), 1).unwrap().remove(0);
    triggers.ended(&firing.id, Outcome::Succeeded, second(0)).unwrap();
    let problems = triggers.watches.look(second(1)).unwrap().problems;
    assert!(problems[0].contains("cannot be put away"), "{problems:?}");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    // Nothing is lost, and once the cause is gone it is done.
    fs::remove_file(bench.inbox("archive")).unwrap();
    poll(&mut triggers, 2);
    assert_eq!(bench.listing("archive"), ["a.txt"]);
}

/// What an editor does to save, step by step; between the steps the folder is scanned.
type Save = fn(&Bench, &mut dyn FnMut());

#[test]
fn however_an_editor_saves_one_run_sees_the_whole_text() {
    let saves: [(&str, Save); 5] = [
        ("truncates and writes", |bench, scan| {
            let mut file = fs::File::create(bench.inbox("a.txt")).unwrap();
            scan();
            file.write_all(b"whole ").unwrap();
            scan();
            file.write_all(b"text").unwrap();
        }),
        ("renames a temporary file over it", |bench, scan| {
            bench.drop_file("a.txt", "old");
            scan();
            bench.drop_file(".a.txt.swp", "whole");
            bench.drop_file("a.txt.tmp", "whole text");
            scan();
            fs::rename(bench.inbox("a.txt.tmp"), bench.inbox("a.txt")).unwrap();
            fs::remove_file(bench.inbox(".a.txt.swp")).unwrap();
        }),
        ("moves the old one aside, as vim does", |bench, scan| {
            bench.drop_file("a.txt", "old");
            bench.drop_file("4913", "");
            scan();
            fs::remove_file(bench.inbox("4913")).unwrap();
            fs::rename(bench.inbox("a.txt"), bench.inbox("a.txt~")).unwrap();
            scan();
            bench.drop_file("a.txt", "whole text");
            scan();
            fs::remove_file(bench.inbox("a.txt~")).unwrap();
        }),
        ("saves by itself beside it, as Emacs does", |bench, scan| {
            bench.drop_file("#a.txt#", "half");
            symlink("user@host.1", bench.inbox(".#a.txt")).unwrap();
            scan();
            bench.drop_file("a.txt", "whole text");
            fs::remove_file(bench.inbox("#a.txt#")).unwrap();
            fs::remove_file(bench.inbox(".#a.txt")).unwrap();
        }),
        ("copies it back over the old one", |bench, scan| {
            bench.drop_file("a.txt", "old");
            scan();
            bench.drop_file("copy.part", "whole text");
            fs::copy(bench.inbox("copy.part"), bench.inbox("a.txt")).unwrap();
            scan();
            fs::remove_file(bench.inbox("copy.part")).unwrap();
        }),
    ];
    for (habit, save) in saves {
        let bench = Bench::new(Ready::Settle, None).paths(&["inbox/*"]);
        let mut triggers = bench.open();
        let mut at = 0;
        let mut queued = 0;
        let mut scan = || {
            at += 1;
            queued += poll(&mut triggers, at).len();
        };
        save(&bench, &mut scan);
        for _ in 0..4 {
            scan();
        }
        assert_eq!(queued, 1, "an editor that {habit}");
        assert_eq!(work(&mut triggers, 20, Outcome::Succeeded), ["whole text"], "an editor that {habit}");
        assert_eq!(bench.listing("."), ["archive"], "an editor that {habit}");
    }
}
