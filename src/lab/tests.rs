//! The lab's own rules: what it refuses, and what goes wrong on purpose.

use super::fault::Faults;

fn parsed(texts: &[&str]) -> Result<Faults, String> {
    Faults::parse(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
}

#[test]
fn faults_are_read_as_the_command_line_writes_them() {
    let faults = parsed(&["latency=50ms", "every=7:503", "every=5:429:retry-after=1", "lost=3@delta", "huge=2:100MB"]);
    assert_eq!(faults.unwrap().0.len(), 5);
    for wrong in ["", "lost", "lost=0", "lost=x", "every=3", "every=3:99", "huge=1:big", "explode=1", "latency=fast"] {
        assert!(parsed(&[wrong]).unwrap_err().contains("is not a fault"), "{wrong}");
    }
}

#[test]
fn faults_count_the_requests_that_they_are_for() {
    let faults = parsed(&["lost=2@delta", "every=2:503"]).unwrap();
    let mut counts = Vec::new();
    let first = faults.on("/groups", false, &mut counts);
    let second = faults.on("/ipgroups/1/delta/", false, &mut counts);
    let third = faults.on("/ipgroups/1/delta/", false, &mut counts);
    assert_eq!((first.lost, second.lost, third.lost), (false, false, true));
    assert_eq!((first.status, second.status, third.status), (None, Some((503, None)), None));
}
