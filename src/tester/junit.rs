//! The ends of tests in JUnit's form, for build servers.

use std::fmt::Write;
use std::time::Duration;

use crate::tester::reached::{Reached, Share};
use crate::tester::suite::Tested;

/// One document: a suite for each file, a case for each test, and what they reached as properties.
pub fn junit(tested: &[Tested], reached: &Reached) -> String {
    let seconds = |elapsed: Duration| format!("{:.3}", elapsed.as_secs_f64());
    let facts = |tests: &[&Tested]| {
        let failures = tests.iter().filter(|one| one.failed.is_some()).count();
        let time = seconds(tests.iter().map(|one| one.elapsed).sum());
        format!("tests=\"{}\" failures=\"{failures}\" time=\"{time}\"", tests.len())
    };
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let all: Vec<&Tested> = tested.iter().collect();
    let _infallible = writeln!(out, "<testsuites name=\"beadle\" {}>", facts(&all));
    out.push_str("  <properties>\n");
    for (name, share) in [("functions", &reached.functions), ("calls", &reached.calls)] {
        let Share { reached, of, .. } = share;
        let _infallible = writeln!(out, "    <property name=\"beadle.{name}.reached\" value=\"{reached}\"/>");
        let _infallible = writeln!(out, "    <property name=\"beadle.{name}.of\" value=\"{of}\"/>");
    }
    out.push_str("  </properties>\n");
    let mut files: Vec<&str> = tested.iter().map(|one| one.file.as_str()).collect();
    files.sort_unstable();
    files.dedup();
    for file in files {
        let tests: Vec<&Tested> = tested.iter().filter(|one| one.file == file).collect();
        let file = escaped(file);
        let _infallible = writeln!(out, "  <testsuite name=\"{file}\" {}>", facts(&tests));
        for one in tests {
            let name = if one.test.is_empty() { &one.file } else { &one.test };
            let _infallible = write!(
                out,
                "    <testcase name=\"{}\" classname=\"{file}\" time=\"{}\"",
                escaped(name),
                seconds(one.elapsed)
            );
            let _infallible = match &one.failed {
                None => writeln!(out, "/>"),
                Some(failed) => writeln!(
                    out,
                    ">\n      <failure message=\"{}\">{}</failure>\n    </testcase>",
                    escaped(failed.message.lines().next().unwrap_or_default()),
                    escaped(&failed.report)
                ),
            };
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

/// A text between tags or quotes. What XML cannot hold at all is left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(letter),
            letter if letter.is_control() || letter == '\u{fffe}' || letter == '\u{ffff}' => {}
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tester::suite::Failed;

    #[test]
    fn what_xml_cannot_hold_is_escaped_or_left_out() {
        let failed = Failed { message: "a < \"b\"\nmore".into(), report: "x\u{1b}[1m & y".into(), out: String::new() };
        let one = |test: &str, failed| Tested {
            file: "a.test.rhai".into(),
            test: test.into(),
            line: 1,
            failed,
            elapsed: Duration::from_millis(1500),
        };
        let share = |reached, of| Share { reached, of, missing: Vec::new() };
        let reached = Reached {
            scripts: 1,
            functions: share(3, 4),
            calls: share(1, 2),
            failed: std::collections::BTreeMap::new(),
        };
        let text = junit(&[one("test_bad", Some(failed)), one("test_good", None)], &reached);
        assert!(text.contains("<property name=\"beadle.functions.reached\" value=\"3\"/>"), "{text}");
        assert!(text.contains("<testsuites name=\"beadle\" tests=\"2\" failures=\"1\" time=\"3.000\">"), "{text}");
        assert!(text.contains("<failure message=\"a &lt; &quot;b&quot;\">x[1m &amp; y</failure>"), "{text}");
        assert!(text.contains("<testcase name=\"test_good\" classname=\"a.test.rhai\" time=\"1.500\"/>"), "{text}");
    }
}
