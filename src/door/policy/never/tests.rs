//! What is protected stays untouched, in every spelling that a request may use.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::{Never, NeverLists, Objection};
use crate::door::RawRequest;
use crate::door::policy::classify;
use crate::door::policy::tests::sample::{BLOCK, DELTA, FREE, call, map, raw};
use crate::fault::{Fault, FaultKind};
use crate::network::Network;

fn network(text: &str) -> Network {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn texts(items: &[&str]) -> Vec<String> {
    items.iter().map(|item| (*item).to_owned()).collect()
}

fn never() -> Never {
    Never::new(NeverLists {
        networks: ["192.0.2.0/24", "198.51.100.7", "203.0.113.10-203.0.113.20", "2001:db8::/32"].map(network).to_vec(),
        domains: texts(&["example.com", "*.Bücher.example"]),
        addresses: texts(&["CEO+office@partner.example.org"]),
        accounts: texts(&["admin", "CORP\\backup"]),
        allow_wide_networks: false,
    })
    .expect("good lists")
}

fn block(parameter: &str, value: Json) -> Result<(), Fault> {
    never().check_call(&call(&BLOCK, json!({ parameter: value })))
}

fn check(parameter: &str, refused: &[(&str, &str)], admitted: &[&str]) {
    for (value, entry) in refused {
        let fault = block(parameter, json!(value)).expect_err(value);
        assert_eq!(fault.kind, FaultKind::Refused);
        assert_eq!(fault.details.get("protected").and_then(|entry| entry.as_text()), Some(*entry), "{value}");
        assert!(fault.message.contains(entry) && fault.message.contains("[never]"), "{}", fault.message);
    }
    for value in admitted {
        assert_eq!(block(parameter, json!(value)), Ok(()), "{value}");
    }
}

#[test]
fn networks_overlap_in_both_directions_and_ranges_as_ranges() {
    let delta = |start: &str, cidr: i64, end: &str| {
        let add = json!([{ "ip_address_start": start, "cidr": cidr, "ip_address_end": end, "name": "x" }]);
        never().check_call(&call(&DELTA, json!({ "add": add, "remove": [] })))
    };
    let refused = [
        ("192.0.2.77", 32, "", "192.0.2.0/24"),
        ("192.0.0.0", 16, "", "192.0.2.0/24"),
        ("198.51.100.0", 24, "", "198.51.100.7"),
        ("203.0.113.1", 0, "203.0.113.10", "203.0.113.10-203.0.113.20"),
        ("203.0.113.20", 0, "203.0.113.30", "203.0.113.10-203.0.113.20"),
        ("203.0.113.1", 32, "203.0.113.200", "203.0.113.10-203.0.113.20"),
        ("203.0.113.0", 28, "203.0.113.1", "203.0.113.10-203.0.113.20"),
        ("2001:db8:1::", 48, "", "2001:db8::/32"),
        ("::ffff:192.0.2.1", 0, "", ""),
        ("192.0.2.01", 32, "", ""),
    ];
    for (start, cidr, end, entry) in refused {
        let fault = delta(start, cidr, end).expect_err(start);
        assert_eq!(fault.details.get("parameter").and_then(|path| path.as_text()), Some("add[0]"));
        assert!(fault.message.contains(entry), "{}", fault.message);
    }
    for (start, cidr, end) in [("192.0.3.0", 24, ""), ("203.0.113.1", 0, "203.0.113.9"), ("203.0.113.21", 32, "")] {
        assert_eq!(delta(start, cidr, end), Ok(()), "{start}");
    }
}

#[test]
fn only_marked_parameters_are_checked() {
    let entry = json!([{ "ip_address_start": "192.0.2.1", "cidr": 32 }]);
    assert_eq!(never().check_call(&call(&DELTA, json!({ "add": [], "remove": entry }))), Ok(()));
    assert_eq!(block("note", json!("about example.com and 192.0.2.1")), Ok(()));
    assert!(block("rule", json!({ "sender": "x@example.com" })).is_err(), "members can be marked");
}

#[test]
fn wire_names_and_script_names_are_the_same_parameter() {
    let add = json!([{ "ipAddressStart": "192.0.2.1", "cidr": 32 }]);
    assert!(never().check_call(&call(&DELTA, json!({ "add": add }))).is_err());
}

#[test]
fn the_place_in_the_list_is_named() {
    let fault = block("networks", json!(["10.0.0.1", "10.0.0.2", "192.0.2.9"])).expect_err("protected");
    assert!(fault.message.starts_with("networks[2]: '192.0.2.9'"), "{}", fault.message);
    let text = |name: &str| fault.details.get(name).and_then(|value| value.as_text());
    assert_eq!((text("parameter"), text("value")), (Some("networks[2]"), Some("192.0.2.9")));
    assert_eq!((text("list"), text("protected")), (Some("networks"), Some("192.0.2.0/24")));
}

#[test]
fn wide_networks_are_refused_unless_the_policy_allows_them() {
    let strict = Never::default();
    for text in ["0.0.0.0/7", "8.0.0.0-9.0.0.0", "2001::/18", "::/0"] {
        assert!(matches!(strict.objection(&network(text)), Some(Objection::TooWide { .. })), "{text}");
    }
    for text in ["10.0.0.0/8", "2001:d00::/19"] {
        assert_eq!(strict.objection(&network(text)), None, "{text}");
    }
    let lists = NeverLists { allow_wide_networks: true, ..NeverLists::default() };
    assert_eq!(Never::new(lists).expect("good lists").objection(&network("0.0.0.0/0")), None);
}

#[test]
fn networks_in_any_notation_are_compared() {
    check(
        "networks",
        &[
            ("192.0.2.1", "192.0.2.0/24"),
            ("::ffff:192.0.2.1", "192.0.2.0/24"),
            ("2001:DB8:0::1", "2001:db8::/32"),
            ("192.0.2.200 - 192.0.3.1", "192.0.2.0/24"),
        ],
        &["::ffff:192.0.3.1", "2001:db9::1"],
    );
    let fault = block("networks", json!("192.0.2.0/255.255.255.0")).expect_err("cannot be compared");
    assert!(fault.message.contains("write /24"), "{}", fault.message);
}

#[test]
fn domains_are_protected_with_all_below_and_from_all_above() {
    let partner = "CEO+office@partner.example.org";
    let books = "*.Bücher.example";
    check(
        "domain",
        &[
            ("example.com", "example.com"),
            ("EXAMPLE.COM.", "example.com"),
            ("mail.example.com", "example.com"),
            ("https://mail.example.com:8443/x", "example.com"),
            ("com", "example.com"),
            ("*.com", "example.com"),
            ("*.example.com", "example.com"),
            ("exam*.com", "example.com"),
            ("mail?.example.com", "example.com"),
            ("*", partner),
            ("192.0.2.1", "192.0.2.0/24"),
            ("@example.com", "example.com"),
            ("someone@example.com", "example.com"),
            ("evil.net, example.com", "example.com"),
            ("partner.example.org", partner),
            ("example.org", partner),
            ("bücher.example", books),
            ("shop.BÜCHER.example", books),
            ("xn--bcher-kva.example", books),
            ("bücher。example", books),
        ],
        &["example.net", "notexample.com", "example.com.evil.net", "mail.partner.example.org", "*.net", "exam*.net"],
    );
}

#[test]
fn addresses_are_protected_with_their_tags_and_in_protected_domains() {
    let partner = "CEO+office@partner.example.org";
    check(
        "address",
        &[
            ("ceo@partner.example.org", partner),
            ("CEO+x@Partner.Example.org", partner),
            ("\"The Boss\" <ceo@partner.example.org>", partner),
            ("mailto:ceo@partner.example.org", partner),
            ("ceo+*@partner.example.org", partner),
            ("c?o@partner.*", partner),
            ("*@partner.example.org", partner),
            ("@partner.example.org", partner),
            ("anyone@example.com", "example.com"),
            ("anyone@mail.example.com", "example.com"),
            ("*@example.*", "*.Bücher.example"),
            ("*@example.c?m", "example.com"),
            ("*.example.com", "example.com"),
            ("bob@*.com", "example.com"),
            // It reaches mail.example.com, and nobody knows which hosts there are.
            ("*@com", "example.com"),
            ("*@mail.*", "*.Bücher.example"),
            ("*example*", partner),
            ("a@evil.net;b@example.com", "example.com"),
        ],
        &[
            "cfo@partner.example.org",
            "ceo@example.org",
            "ceo@evil.net",
            "*@evil.net",
            "*@*.evil.net",
            "ceo*@evil.*.net",
        ],
    );
}

#[test]
fn accounts_are_protected_with_and_without_their_domain() {
    check(
        "account",
        &[
            ("ADMIN", "admin"),
            ("CORP\\admin", "admin"),
            ("admin@corp.example.net", "admin"),
            ("adm*", "admin"),
            ("backup", "CORP\\backup"),
            ("corp\\backup", "CORP\\backup"),
        ],
        &["administrator", "user", "other\\backup", "x*"],
    );
}

#[test]
fn regular_expressions_are_tried_against_every_protected_name() {
    let partner = "CEO+office@partner.example.org";
    check(
        "pattern",
        &[
            (".*", partner),
            ("", partner),
            ("@", partner),
            ("ceo", partner),
            ("^CEO@", partner),
            (r"\+.*@partner", partner),
            (r"@example\.com$", "example.com"),
            (r"^bob\.the\.builder@example\.com$", "example.com"),
            ("^bob[@]example[.]com$", "example.com"),
            (r"^[0-9]{7}@exam.*\.com$", "example.com"),
            (r"^(joe@evil\.net|[0-9]{9}@.*example\.com)$", "example.com"),
            (r"\.com$", "example.com"),
        ],
        &[r"^joe@evil\.net$", r"@example\.net$", r"@notexample\.com$", r"@example\.com\.evil\.net$"],
    );
}

#[test]
fn an_expression_that_cannot_be_tried_is_refused_only_where_names_are_protected() {
    for pattern in [r"(?!x)y@evil\.net", r"(a)\1", "(", "(a{1000}){1000}"] {
        let fault = block("pattern", json!(pattern)).expect_err(pattern);
        assert!(fault.message.contains("cannot be tried"), "{}", fault.message);
        let nothing = Never::default();
        assert_eq!(nothing.check_call(&call(&BLOCK, json!({ "pattern": pattern }))), Ok(()));
    }
}

#[test]
fn every_string_of_a_free_body_is_checked() {
    let free = |body: Json| never().check_free_call(&call(&FREE, body));
    let refused = [
        json!({ "a": { "b": ["x", "192.0.2.1"] } }),
        json!({ "block": "evil.net, 192.0.2.1" }),
        json!({ "url": "http://mail.example.com/login" }),
        json!({ "url": "http://192.0.2.1:8080/x" }),
        json!({ "url": "http://[2001:db8::1]:8080/x" }),
        json!({ "text": "net:192.0.0.0/16." }),
        json!({ "text": "from 203.0.113.1-203.0.113.12" }),
        json!({ "text": "please block mail.example.com now" }),
        json!({ "sender": "Boss <ceo@partner.example.org>" }),
        json!({ "match": "*@example.*" }),
        json!({ "match": r"^.+@exam\w+\.com$" }),
        json!({ "match": ".*" }),
        json!({ "user": "corp\\Admin" }),
        json!({ "192.0.2.1": true }),
        json!({ "start": "192.0.0.0", "prefix": 16 }),
        json!({ "address": "192.0.0.0", "netmask": "255.255.0.0" }),
        json!({ "from": "192.0.1.0", "to": "192.0.3.0" }),
        json!({ "net": "0.0.0.0/0" }),
    ];
    for body in refused {
        assert!(free(body.clone()).is_err(), "{body}");
    }
    let admitted = [
        json!({ "name": "ok?", "text": "Hello (world) || x * y $5", "version": "10.0.1", "n": 5, "on": true }),
        json!({ "start": "192.0.3.0", "prefix": 24, "url": "https://evil.net/?q=1" }),
        json!({ "client": "192.0.1.1", "server": "192.0.3.1" }),
        json!({ "mail": "admin@evil.net", "time": "12:30:45", "mac": "00:11:22:33:44:55", "product": "10.0.1.2030" }),
    ];
    for body in admitted {
        assert_eq!(free(body.clone()), Ok(()), "{body}");
    }
    let fault = free(json!({ "a": [{ "b": "192.0.2.1" }] })).expect_err("protected");
    assert!(fault.message.starts_with("a[0].b: "), "{}", fault.message);
}

#[test]
fn raw_requests_are_checked_in_path_query_and_body() {
    let check = |request: &RawRequest, row| never().check_raw(&classify(request, row));
    for path in [
        "/block/192.0.2.1",
        "/block/192.0.0.0%2F16",
        "/block/192.0.0.0/16",
        "/d/mail%2Eexample%2Ecom",
        "/d/mail%252Eexample%252Ecom",
        "/u?d=example.com",
    ] {
        assert!(check(&raw("POST", path, None), None).is_err(), "{path}");
    }
    assert_eq!(check(&raw("POST", "/ipgroups/3/delta/", None), None), Ok(()));
    let query = RawRequest { query: map(json!({ "domain": "example.com" })), ..raw("POST", "/x", None) };
    assert!(check(&query, None).is_err());
    assert!(check(&raw("POST", "/x", Some(json!([["192.0.2.1"]]))), None).is_err());
    let delta = raw("PATCH", "/x", Some(json!({ "add": [{ "ipAddressStart": "192.0.0.0", "cidr": 16 }] })));
    let fault = check(&delta, Some(&DELTA)).expect_err("the row's marks hold for the raw form");
    assert!(fault.message.starts_with("add[0]: "), "{}", fault.message);
}

#[test]
fn entries_that_are_none_are_errors_with_a_cure() {
    let lists = [
        (NeverLists { domains: texts(&["exa mple"]), ..NeverLists::default() }, "domains: 'exa mple'"),
        (NeverLists { domains: texts(&["a..b"]), ..NeverLists::default() }, "domains: 'a..b'"),
        (NeverLists { domains: texts(&["*"]), ..NeverLists::default() }, "domains: '*'"),
        (NeverLists { addresses: texts(&["example.com"]), ..NeverLists::default() }, "addresses: 'example.com'"),
        (NeverLists { addresses: texts(&["*@example.com"]), ..NeverLists::default() }, "addresses: '*@example.com'"),
        (NeverLists { accounts: texts(&[" "]), ..NeverLists::default() }, "accounts"),
    ];
    for (lists, part) in lists {
        let error = Never::new(lists).expect_err(part);
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn no_lists_object_to_no_name() {
    let call = call(
        &BLOCK,
        json!({ "domain": "*", "address": "*", "account": "*", "pattern": ".*", "networks": ["nonsense"] }),
    );
    assert_eq!(Never::default().check_call(&call), Ok(()));
}

/// A small space, so that overlaps are frequent.
fn small() -> impl Strategy<Value = Network> {
    (0_u32..64, 0_u32..64, any::<bool>()).prop_map(|(a, b, v6)| {
        let at = |offset: u32| match v6 {
            true => std::net::Ipv6Addr::from_bits(u128::from(offset) << 4).into(),
            false => std::net::Ipv4Addr::from_bits(0x0a00_0000 + offset).into(),
        };
        Network::range(at(a.min(b)), at(a.max(b))).expect("in order")
    })
}

/// A name of few labels, so that relations are frequent.
fn name() -> impl Strategy<Value = String> {
    prop::collection::vec("[ab]", 1..5).prop_map(|labels| labels.join("."))
}

fn as_glob_of_regex(glob: &str) -> regex::Regex {
    let inner = regex::escape(glob).replace(r"\*", ".*").replace(r"\?", ".");
    regex::Regex::new(&format!("^{inner}$")).expect("escaped")
}

proptest! {
    #[test]
    fn no_overlap_is_ever_admitted_and_nothing_else_refused(
        protected in prop::collection::vec(small(), 0..6),
        wanted in prop::collection::vec(small(), 0..6),
    ) {
        let lists = NeverLists { networks: protected.clone(), allow_wide_networks: true, ..NeverLists::default() };
        let never = Never::new(lists).expect("good lists");
        let entry = |network: &Network| match network.to_net() {
            Some(net) => json!({ "ip_address_start": net.network().to_string(), "cidr": net.prefix_len() }),
            None => json!({
                "ip_address_start": network.first().to_string(), "cidr": 0, "ip_address_end": network.last().to_string()
            }),
        };
        let add: Vec<Json> = wanted.iter().map(entry).collect();
        let texts: Vec<String> = wanted.iter().map(ToString::to_string).collect();
        let overlap = wanted.iter().any(|wanted| protected.iter().any(|protected| protected.overlaps(wanted)));
        prop_assert_eq!(never.check_call(&call(&DELTA, json!({ "add": add }))).is_err(), overlap);
        prop_assert_eq!(never.check_call(&call(&BLOCK, json!({ "networks": texts }))).is_err(), overlap);
        prop_assert_eq!(never.check_free_call(&call(&FREE, json!({ "any": texts }))).is_err(), overlap);
        let body = json!({ "add": add });
        prop_assert_eq!(never.check_raw(&classify(&raw("POST", "/x", Some(body)), None)).is_err(), overlap);
        for network in &wanted {
            let covering = never.covering(network);
            prop_assert_eq!(covering.is_some(), protected.iter().any(|protected| protected.overlaps(network)));
            prop_assert!(covering.is_none_or(|covering| covering.overlaps(network)));
        }
    }

    #[test]
    fn a_domain_is_refused_when_one_lies_at_or_above_the_other(protected in prop::collection::vec(name(), 1..4), wanted in name()) {
        let never = Never::new(NeverLists { domains: protected.clone(), ..NeverLists::default() }).expect("good lists");
        let related = |a: &str, b: &str| a == b || a.ends_with(&format!(".{b}")) || b.ends_with(&format!(".{a}"));
        let wanted_refused = protected.iter().any(|protected| related(protected, &wanted));
        prop_assert_eq!(never.domain(&wanted).is_some(), wanted_refused);
    }

    #[test]
    fn a_wildcard_that_matches_a_protected_name_is_refused(protected in name(), local in "[ab]{1,2}", glob in "[ab*?.@]{1,8}") {
        let never = Never::new(NeverLists { domains: vec![protected.clone()], ..NeverLists::default() }).expect("good");
        let matches = as_glob_of_regex(&glob);
        if [protected.clone(), format!("{local}.{protected}")].iter().any(|name| matches.is_match(name)) {
            prop_assert!(never.domain(&glob).is_some(), "{} as a domain", glob);
        }
        if [format!("{local}@{protected}"), format!("a@{local}.{protected}")].iter().any(|name| matches.is_match(name)) {
            prop_assert!(never.address(&glob).is_some(), "{} as an address", glob);
        }
    }

    #[test]
    fn two_globs_meet_when_one_matches_what_the_other_stands_for(glob in "[ab*?]{0,6}", plain in "[ab]{0,6}") {
        use super::pattern::Glob;
        let meets = Glob::new(&glob).meets(&Glob::new(&plain));
        prop_assert_eq!(meets, as_glob_of_regex(&glob).is_match(&plain));
        prop_assert_eq!(meets, Glob::new(&plain).meets(&Glob::new(&glob)));
    }

    #[test]
    fn no_string_makes_it_panic(text in ".{0,40}|[*?.@<>\\[\\](){}|^$+/:%0-9a-c-]{0,30}") {
        let never = never();
        for parameter in ["domain", "address", "account", "pattern", "networks"] {
            let _ = never.check_call(&call(&BLOCK, json!({ parameter: text })));
        }
        let _ = never.check_free_call(&call(&FREE, json!({ "x": text })));
        let _ = never.check_raw(&classify(&raw("POST", &text, None), None));
    }
}
