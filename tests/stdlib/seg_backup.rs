//! `std/seg/backup`.

use crate::support::Sandbox;
use crate::support::lab::Seg;

const RUN: [&str; 3] = ["run", "std/seg/backup", "target=seg"];

#[test]
fn a_backup_is_made_and_found_in_the_list() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    let ran = sandbox.run(&[&RUN[..], &["--format", "json"]].concat()).code(0);
    assert!(ran.out.contains("\"file\":\"manual-0001.zip\"") && ran.out.contains("\"stored\":2"), "{}", ran.out);
    sandbox.run(&RUN).code(0).out(&["manual-0002.zip", "new", "manual-0001.zip", "kept"]);
    assert_eq!(seg.writes(), 2);
    seg.is_content();
}

#[test]
fn a_dry_run_makes_no_backup() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox.run(&[&RUN[..], &["--dry-run"]].concat()).code(0).out(&["planned", "config_backup_run"]);
    assert_eq!(seg.writes(), 0);
}

#[test]
fn keys_without_a_password_are_refused_before_anything_is_sent() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox.run(&[&RUN[..], &["dkim=true"]].concat()).code(1).err(&["dkim_password=env:NAME"]);
    assert_eq!(seg.writes(), 0);
}

#[test]
fn a_password_for_the_keys_goes_along_and_is_shown_nowhere() {
    let seg = Seg::ten();
    let mut sandbox = Sandbox::with_seg(&seg, "");
    sandbox.env("DKIM", "dkim-hidden-password");
    let ran = sandbox.run(&[&RUN[..], &["dkim=true", "dkim_password=env:DKIM"]].concat()).code(0);
    assert!(!ran.out.contains("hidden") && !ran.err.contains("hidden"), "{}{}", ran.out, ran.err);
    let sent = seg.lab.requests().into_iter().rfind(|seen| seen.method == "PUT").unwrap();
    assert!(String::from_utf8_lossy(&sent.body).contains("dkim-hidden-password"));
    seg.is_content();
}

#[test]
fn a_backup_that_fails_or_is_too_small_fails_the_run() {
    let seg = Seg::faulty(&["every=1:403@autobackups/backup"]);
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox.run(&RUN).code(1).err(&["step back up failed"]);
    seg.fail(&[]);
    sandbox.run(&[&RUN[..], &["least=1000000"]].concat()).code(1).err(&["which cannot be all of it"]);
}
