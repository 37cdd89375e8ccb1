//! Lists as people and feeds really write them.

use proptest::prelude::*;

use super::{Cover, EntryWords, Format, ListReport, read_list};
use crate::network::Network;

fn networks(report: &ListReport) -> Vec<(usize, String)> {
    report.entries.iter().map(|entry| (entry.line as usize, entry.network.to_string())).collect()
}

fn found(lines: &[(usize, &str)]) -> Vec<(usize, String)> {
    lines.iter().map(|(line, text)| (*line, (*text).to_owned())).collect()
}

fn reasons(report: &ListReport) -> Vec<(usize, &str)> {
    report.invalid.iter().map(|invalid| (invalid.line, &*invalid.reason)).collect()
}

#[test]
fn text_with_everything_that_does_no_harm_is_read() {
    let text = b"\xef\xbb\xbf# a feed\r\n\r\n 192.0.2.1 # one\r\n\t192.0.2.0/24\t; two\r\n198.51.100.1 - 198.51.100.9\r\n; end\n2001:db8::/32";
    let report = read_list(text);
    assert_eq!(
        networks(&report),
        found(&[(3, "192.0.2.1"), (4, "192.0.2.0/24"), (5, "198.51.100.1-198.51.100.9"), (7, "2001:db8::/32")])
    );
    assert_eq!((report.format, report.lines, report.invalid.len()), (Format::Text, 7, 0));
}

#[test]
fn the_line_ends_of_an_old_mac_are_line_ends() {
    let report = read_list(b"# a feed\r192.0.2.1\rnonsense\r");
    assert_eq!((networks(&report), report.lines), (found(&[(2, "192.0.2.1")]), 3));
    let table = read_list(b"ip,note\r192.0.2.1,a\r192.0.2.2,b\r");
    assert_eq!((networks(&table), table.lines), (found(&[(2, "192.0.2.1"), (3, "192.0.2.2")]), 3));
}

#[test]
fn duplicates_are_found_whatever_their_spelling() {
    let report = read_list(b"192.0.2.0/24\n192.0.2.0-192.0.2.255\n192.0.2.7/24\n192.0.2.0\n");
    assert_eq!(networks(&report), found(&[(1, "192.0.2.0/24"), (4, "192.0.2.0")]));
    let lines: Vec<_> = report.duplicates.iter().map(|double| (double.line, double.first_line)).collect();
    assert_eq!(lines, [(2, 1), (3, 1)]);
    assert_eq!((report.normalised[0].line, &*report.normalised[0].text), (3, "192.0.2.7/24"));
}

#[test]
fn every_bad_line_is_reported_and_none_stops_the_reading() {
    let long = "9".repeat(100_000);
    let mut text = b"192.0.2.300\n\xff\xfe\x00\n".to_vec();
    text.extend(long.as_bytes());
    text.extend(b"\nhost.example.com\n192.0.2.1,evil\n192.0.2.1 evil\n198.51.100.7 # \xfcber Latin-1\n");
    let report = read_list(&text);
    assert_eq!(networks(&report), found(&[(7, "198.51.100.7")]));
    let wanted =
        ["four numbers", "not UTF-8", "100000 characters", "is a name", "needs a header", "more than one word"];
    for ((line, reason), (number, part)) in reasons(&report).into_iter().zip((1..).zip(wanted)) {
        assert!(line == number && reason.contains(part), "{line}: {reason}");
    }
    assert_eq!(report.invalid.len(), wanted.len());
    assert_eq!(report.invalid[2].text.chars().count(), 81);
}

#[test]
fn a_file_in_utf_16_is_named_as_such_once() {
    let report = read_list(b"\xff\xfe1\x009\x002\x00\n\x00");
    assert_eq!(report.invalid.len(), 1);
    assert!(report.invalid[0].reason.contains("UTF-16"));
}

#[test]
fn nothing_and_remarks_alone_are_an_empty_list() {
    for text in [&b""[..], b"\n\n", b"# only\n; remarks", b"\xef\xbb\xbf"] {
        let report = read_list(text);
        assert!(report.entries.is_empty() && report.invalid.is_empty(), "{report:?}");
    }
}

#[test]
fn a_table_keeps_its_lines_right_over_quoted_line_breaks_remarks_and_blanks() {
    let text = b"# from the SOC\r\n\r\nName,IP Address,Comment\r\n\"a, b\",192.0.2.1,\"two\r\nlines\"\r\n\r\n# remark \"with a quote\r\nc,192.0.2.2,\r\nd,nonsense,\r\n,192.0.2.1,again\r\n";
    let report = read_list(text);
    assert_eq!(report.format, Format::Table);
    assert_eq!(networks(&report), found(&[(4, "192.0.2.1"), (8, "192.0.2.2")]));
    let words = |entry, name: &str, description: Option<&str>| EntryWords {
        entry,
        name: Some(name.into()),
        description: description.map(Into::into),
    };
    assert_eq!(report.words, [words(0, "a, b", Some("two\r\nlines")), words(1, "c", None)]);
    assert_eq!(report.duplicates[0].line, 10);
    assert_eq!((report.invalid[0].line, &*report.invalid[0].text), (9, "d,nonsense,"));
}

#[test]
fn tables_are_known_by_their_header() {
    let cases: [(&str, &[&str]); 9] = [
        ("ip\n192.0.2.1\n", &["192.0.2.1"]),
        ("start,end\n192.0.2.1,192.0.2.9\n192.0.2.20,\n", &["192.0.2.1-192.0.2.9", "192.0.2.20"]),
        (
            "ipAddressStart,cidr,ipAddressEnd,name\n192.0.2.0,24,,x\n198.51.100.1,0,198.51.100.3,y\n",
            &["192.0.2.0/24", "198.51.100.1-198.51.100.3"],
        ),
        ("network;name\n192.0.2.0/24;x\n", &["192.0.2.0/24"]),
        ("; remark\nnetwork;name\n192.0.2.0/24;x\n", &["192.0.2.0/24"]),
        ("value\ttype\n192.0.2.1\tip\n", &["192.0.2.1"]),
        (
            "address,prefix\n192.0.2.0,24\n192.0.2.9,\n198.51.100.0/25,25\n",
            &["192.0.2.0/24", "192.0.2.9", "198.51.100.0/25"],
        ),
        ("name,cidr\nx,192.0.2.0/24\n", &["192.0.2.0/24"]),
        ("\"Indicator\",\"First\",\"Last\"\n\"192.0.2.1\",\"2026\",\"2027\"\n", &["192.0.2.1"]),
    ];
    for (text, wanted) in cases {
        let report = read_list(text.as_bytes());
        let have: Vec<String> = report.entries.iter().map(|entry| entry.network.to_string()).collect();
        assert_eq!(have, wanted, "{text}: {:?}", report.invalid);
        assert_eq!((report.format, report.invalid.len()), (Format::Table, 0), "{text}");
    }
}

#[test]
fn a_quotation_mark_that_is_never_closed_does_not_swallow_lines_in_silence() {
    let report = read_list(b"ip,name\n192.0.2.1,ok\n192.0.2.2,\"open\n192.0.2.3,x\n192.0.2.4,y\n");
    assert_eq!(networks(&report), found(&[(2, "192.0.2.1")]));
    assert_eq!(report.invalid[0].line, 3);
    assert!(report.invalid[0].reason.contains("lines 3 to 5"), "{}", report.invalid[0].reason);
}

#[test]
fn the_cover_counts_what_it_stands_for() {
    let report = read_list(b"192.0.2.0/25\n192.0.2.128/25\n192.0.2.7\n198.51.100.1-198.51.100.2\n");
    let cover: Vec<_> =
        report.aggregate().into_iter().map(|Cover { net, entries }| (net.to_string(), entries)).collect();
    let wanted = [("192.0.2.0/24", 3), ("198.51.100.1/32", 1), ("198.51.100.2/32", 1)];
    assert_eq!(cover, wanted.map(|(net, entries)| (net.to_owned(), entries)));
}

proptest! {
    #[test]
    fn every_line_ends_up_somewhere(lines in prop::collection::vec("[0-9]{1,3}\\.0\\.2\\.[0-9]{1,3}(/[0-9]{1,2})?|[a-z,\" ]{0,8}", 0..40)) {
        let report = read_list(lines.join("\n").as_bytes());
        if report.format == Format::Text {
            let silent = lines.iter().filter(|line| line.trim().is_empty()).count();
            let last_empty = usize::from(lines.last().is_some_and(String::is_empty));
            prop_assert_eq!(
                report.entries.len() + report.duplicates.len() + report.invalid.len() + silent,
                report.lines + last_empty
            );
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let report = read_list(&bytes);
        prop_assert!(report.entries.iter().all(|entry| entry.line >= 1 && entry.line as usize <= report.lines));
    }

    #[test]
    fn no_table_makes_it_panic(body in "[0-9.,;\"\r\n#a/-]{0,200}") {
        let report = read_list(format!("ip,name\n{body}").as_bytes());
        prop_assert!(report.invalid.iter().all(|invalid| invalid.line >= 1 && invalid.line <= report.lines));
    }

    #[test]
    fn a_table_says_the_same_as_the_text(hosts in prop::collection::vec(0_u8..20, 0..30)) {
        let lines: Vec<String> = hosts.iter().map(|host| format!("192.0.2.{host}")).collect();
        let text = read_list(lines.join("\n").as_bytes());
        let table = read_list(format!("ip\n{}", lines.join("\r\n")).as_bytes());
        let of = |report: &ListReport| report.entries.iter().map(|entry| entry.network).collect::<Vec<Network>>();
        prop_assert_eq!(of(&text), of(&table));
    }
}
