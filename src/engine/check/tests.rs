//! What is found in small scripts, and that what is right is let alone.

use std::sync::Arc;

use crate::catalog::Catalog;
use crate::engine::check::{Appliance, Premises, check};
use crate::engine::{STDLIB, Sources};

/// A target for each vendor, called as the vendor, and a SEG of generation 8.
fn premises() -> Premises {
    let catalog = Arc::new(Catalog::builtin());
    let mut premises = Premises::bare(&catalog);
    for vendor in catalog.vendors() {
        let appliance = Appliance { vendor: vendor.id.to_owned(), ..Appliance::default() };
        premises.targets.insert(vendor.id.to_owned(), appliance);
    }
    let old = Appliance { vendor: "seg".into(), version: Some("8".into()), ..Appliance::default() };
    premises.targets.insert("seg-old".into(), old);
    premises
}

/// The words of what is found in a script, with the lines.
fn found(text: &str) -> Vec<String> {
    let findings = check("script", text, &premises(), &Sources::default()).findings;
    findings.iter().map(|finding| format!("{}:{}", finding.code.name(), finding.place.line)).collect()
}

#[track_caller]
fn finds(text: &str, code: &str) {
    let found = found(text);
    assert!(found.iter().any(|found| found.starts_with(&format!("{code}:"))), "{text}\nfound {found:?}");
}

#[track_caller]
fn lets_alone(text: &str) {
    assert_eq!(found(text), Vec::<String>::new(), "{text}");
}

#[test]
fn every_example_of_every_row_is_let_alone() {
    let premises = premises();
    let mut alarms = Vec::new();
    for row in premises.catalog().rows() {
        let Some(example) = &row.example else { continue };
        // The examples call the target as the vendor or the product.
        let variable =
            example.script.split('.').next().and_then(|start| start.rsplit([' ', '(']).next()).unwrap_or_default();
        let text = format!("let {variable} = target(\"{}\");\n{}", row.vendor, example.script);
        let findings = check(row.name, &text, &premises, &Sources::default()).findings;
        alarms.extend(findings.iter().map(|finding| format!("{}: {}", row.name, finding.sentence())));
    }
    assert!(alarms.is_empty(), "{}", alarms.join("\n"));
}

#[test]
fn modules_of_the_standard_library_are_let_alone() {
    let premises = Premises { params: None, ..premises() };
    for (name, text) in STDLIB {
        let findings = check(name, text, &premises, &Sources::default()).findings;
        assert!(findings.is_empty(), "{name}: {findings:#?}");
    }
}

#[test]
fn the_vendor_is_known_wherever_a_target_goes() {
    for script in [
        "let a = target(\"seg\"); let b = a; b.groupz();",
        "let a = (); if run.mode == \"dry\" { a = target(\"seg\"); } a.groupz();",
        "fn f(t) { t.groupz() } f(target(\"seg\"));",
        "fn f(t) { t } f(target(\"seg\")).groupz();",
        "fn f() { return target(\"seg\"); } f().groupz();",
        "for t in targets(#{ vendor: \"seg\" }) { t.groupz(); }",
        "parallel(targets(#{ vendor: \"seg\" }), |t| t.groupz());",
        "let all = []; all.push(target(\"seg\")); for t in all { t.groupz(); }",
        "let m = #{ of: target(\"seg\") }; m.of.groupz();",
        "let all = targets(#{ vendor: \"seg\" }); all[0].groupz();",
        "let all = targets(#{ vendor: \"seg\" }); all.filter(|t| t.name != \"x\").map(|t| t.groupz());",
        "step(\"x\", || target(\"seg\")).groupz();",
        "groupz(target(\"seg\"));",
        "let a = target(\"seg\"); let work = || a.groupz(); work.call();",
    ] {
        let found = found(script);
        assert!(found.iter().any(|found| found.starts_with("unknown-")), "{script}\nfound {found:?}");
    }
}

#[test]
fn what_may_be_right_is_let_alone() {
    for script in [
        "let a = target(\"seg\"); a = 5; a.foo_bar;",
        "for t in targets(#{}) { if t.vendor == \"seg\" { t.groups(); } else { t.version(); } }",
        "let m = #{ work: |x| x * 2 }; m.work(2);",
        "let m = #{}; m[\"a\" + \"b\"] = 1; m.ab;",
        "let m = #{}; if m.len() > 0 { m.a = 1; } m.a;",
        "let m = parse_json(\"{}\"); m.anything.at_all; m.list[0].x;",
        "let m = #{ a: #{} }; m.a.b = 1; m.a.b;",
        "fn set() { this.x = 1; } let m = #{}; m.set(); m.x;",
        "let m = #{ a: 1 } + #{ b: 2 }; m.b;",
        "let f = |x| x; [1, 2].map(f);",
        "fn twice(x) { x * 2 } [1].map(twice); [1].map(Fn(\"twice\"));",
        "let x = (); for n in 0..3 { x = n; } x + 1;",
        "let s = \"a\"; s += 1; s += 'c'; s.len;",
        "const LIMIT = 5; fn f() { global::LIMIT } f();",
        "let a = [3, 1]; a.sort(); a.sort(|x, y| x - y); a;",
        "try { target(\"seg\").groups(); } catch (e) { print(e.message); throw e; }",
        "switch 5 { 5 => print(1), 6..9 if run.mode == \"dry\" => print(2), _ => () }",
        "let n = 0; loop { n += 1; if n > 5 { break; } } n;",
        "fn f(n) { if n > 5 { return 1; } f(n + 1) } f(0);",
        "let x = if run.mode == \"dry\" { fail(\"no\") } else { 5 }; x - 1;",
        "let all = [1, 2].filter(|x, i| i > 0).reduce(|sum, x| sum + x, 0); all;",
        "let t = now() - duration(\"1h\"); if t < now() { print(t + \" x\"); }",
        "let a = [1]; let b = a.pop(); if b != () { b + 1; }",
        "let net = network(\"192.0.2.0/24\"); target(\"seg\").ip_group_delta(1, #{ add: [#{ ip_address_start: net, cidr: 24 }] });",
        "let q = #{ max_rows: 5, start_time: now() }; q.end_time = now(); target(\"seg\").quarantine_find(q);",
        "let q = #{ max_rows: 5 } + parse_json(\"{}\"); target(\"seg\").quarantine_find(q);",
        "let done = []; parallel([1], |x| { let mine = []; mine.push(x); mine }); done;",
        "let p = progress(3); parallel([1], |x| { p.advance(1); store.set(`${x}`, x); });",
        "print(is_def_var(\"nothing\"));",
        "let x = 5; print(`${x} and ${if x > 3 { \"more\" } else { \"less\" }}`);",
        "let r = retry(#{ attempts: 2, backoff: \"1s\" }, || 5); r + 1;",
        "import \"std/seg/ip_groups\" as g; let s = target(\"seg\"); g::remembered(store, s, 5).pending;",
        "let e = params ?? #{}; e;",
        "let e = (); print(e?.name); print(e?.len());",
        "let e = [1]; e[0] += 5; e[0];",
        "let m = #{ a: 1 }; for key in m.keys() { print(m[key]); } m[\"b\"] = 2; m.b += 1;",
        "let w = 3; while w > 0 { w -= 1; } do { w += 1; } until w > 5; w;",
        "fn even(n) { if n == 0 { true } else { odd(n - 1) } } fn odd(n) { if n == 0 { false } else { even(n - 1) } } even(5);",
        "fn grow(list, n) { if n == 0 { return list; } list.push([list]); grow(list, n - 1) } grow([], 3);",
        "let x = switch run.mode { \"dry\" => #{ n: 1 }, _ => #{ n: 2, m: 3 } }; x.n;",
        "try { fail(\"x\"); } catch { } print(\"reached\");",
    ] {
        lets_alone(script);
    }
}

#[test]
fn mistakes_are_found_where_they_stand() {
    for (script, code) in [
        ("let x = ;", "syntax"),
        ("print(nothing);", "undefined-variable"),
        ("let g = 1; fn f() { g } f();", "undefined-variable"),
        ("foo::bar();", "unknown-module"),
        ("import \"std/seg/ip_grups\" as g; g::x();", "unknown-module"),
        ("prnt(1);", "unknown-function"),
        ("\"abc\".lenn();", "unknown-function"),
        ("let f = |x| x; f(1);", "unknown-function"),
        ("Fn(\"nothing_there\");", "unknown-function"),
        ("fn f(a) { a } f(1, 2);", "wrong-arguments"),
        ("sleep(true);", "wrong-arguments"),
        ("let f = |x| x; f.call();", "wrong-arguments"),
        ("parallel([1], || 5);", "wrong-arguments"),
        ("[1].push();", "wrong-arguments"),
        ("target(\"seg\").group_members();", "wrong-arguments"),
        ("wait_until(#{ evry: \"1s\" }, || true);", "unknown-option"),
        ("target(\"sge\");", "unknown-target"),
        ("targets(#{ vendor: \"sge\" });", "unknown-vendor"),
        ("target(\"seg\").nothing_there();", "unknown-call"),
        ("target(\"sps\").ip_group_delta(1, #{});", "unknown-call"),
        ("target(\"seg-old\").version();", "unavailable-call"),
        ("target(\"seg\").alerts(#{ actve_only: true });", "unknown-parameter"),
        ("target(\"seg\").array_stats(#{ from_time: now() });", "missing-parameter"),
        ("target(\"seg\").alerts(#{ active_only: \"yes\" });", "wrong-value"),
        ("target(\"seg\").group_members(\"one\");", "wrong-value"),
        ("target(\"seg\").array_stats(#{ from_time: 5, to_time: 4 });", "broken-rule"),
        ("let m = #{ a: 1 }; m.b;", "unknown-member"),
        ("run.modus;", "unknown-member"),
        ("now().hour;", "unknown-member"),
        ("for hit in target(\"seg\").servers() { hit.servrName; }", "unknown-member"),
        ("let n = 1; if n { }", "wrong-kind"),
        ("let n = 5; for x in n { x; }", "wrong-kind"),
        ("now() + 5;", "wrong-kind"),
        ("let n = 0; parallel([1], |x| { n += x; }); n;", "lost-write"),
        ("let a = []; parallel_settled([1], |x| { [2].for_each(|y| a.push(x + y)); }); a;", "lost-write"),
        ("return 1; print(2);", "unreachable-code"),
        ("loop { print(1); } print(2);", "unreachable-code"),
        ("let unused = 1;", "unused-variable"),
        ("import \"std/seg/ip_groups\" as g;", "unused-import"),
    ] {
        finds(script, code);
    }
}

#[test]
fn whoever_tries_a_target_may_mean_to_find_out() {
    let findings = check("x", "try { target(\"sge\"); } catch { }", &premises(), &Sources::default()).findings;
    assert_eq!(findings[0].severity, crate::engine::check::Severity::Warning);
}

#[test]
fn what_a_script_does_not_come_to_is_no_effect_of_it() {
    let read = std::collections::BTreeSet::from([crate::catalog::Effect::Read]);
    let premises = Premises { effects: Some(read), ..premises() };
    let found = |text: &str| check("x", text, &premises, &Sources::default()).findings.len();
    let import = "import \"std/seg/ip_groups\" as g; let seg = target(\"seg\");";
    assert_eq!(found(&format!("{import} g::remembered(store, seg, 5);")), 0);
    assert!(found(&format!("{import} g::try_add(seg, 5, networks(\"192.0.2.1\"), \"x\");")) > 0);
    assert!(found("target(\"seg\").request(\"DELETE\", \"/somewhere\");") > 0);
    assert_eq!(found("target(\"seg\").request(\"GET\", \"/groups\");"), 0);
}
