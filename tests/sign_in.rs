//! Signing in, and trusting: what goes right, and what each thing that goes wrong says.

use std::time::Duration;

use beadle::lab::{Generation, SegOptions};

use crate::support::Sandbox;
use crate::support::lab::Seg;

#[test]
fn a_wrong_password_is_named_as_such() {
    let seg = Seg::ten();
    let mut sandbox = Sandbox::with_seg(&seg, "");
    sandbox.env("SEG_PASSWORD", "not-the-password");
    sandbox
        .script("target(\"seg\").groups()", &[])
        .code(1)
        .err(&["rejected user name or password", "local MailMarshal account"]);
    sandbox.run(&["targets", "check"]).code(1).out(&["seg: auth:"]);
}

#[test]
fn a_missing_secret_names_its_variable() {
    let seg = Seg::ten();
    let mut sandbox = Sandbox::with_seg(&seg, "");
    sandbox.env("SEG_PASSWORD", "");
    sandbox.script("target(\"seg\").groups()", &[]).code(1).err(&["SEG_PASSWORD is not set", "[targets.seg]"]);
}

#[test]
fn a_change_that_could_not_sign_in_was_not_sent() {
    let seg = Seg::ten();
    let mut sandbox = Sandbox::with_seg(&seg, "");
    sandbox.env("SEG_PASSWORD", "");
    let change =
        "target(\"seg\").ip_group_delta(16, #{ add: [#{ ip_address_start: \"192.0.2.1\", cidr: 32, name: \"a\" }] })";
    sandbox.script(change, &[]).code(1).err(&["SEG_PASSWORD is not set", "nothing was changed"]);
    assert!(seg.lab.requests().is_empty());
}

#[test]
fn an_expired_token_is_renewed_and_a_revoked_one_once() {
    let seg = Seg::with(SegOptions { token_life: Duration::from_secs(1), life_as_text: true, ..SegOptions::default() });
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox.script("let s = target(\"seg\"); s.groups(); sleep(\"1200ms\"); s.groups();", &[]).code(0);
    let logins = seg.lab.requests().iter().filter(|request| request.target == "/token").count();
    assert_eq!(logins, 2);
}

#[test]
fn a_busy_token_service_is_waited_for_as_it_says() {
    let faults = beadle::lab::Faults::parse(&["every=2:503:retry-after=1@/token".to_owned()]).unwrap();
    let seg = Seg::with(SegOptions { token_life: Duration::from_secs(1), faults, ..SegOptions::default() });
    let sandbox = Sandbox::with_seg(&seg, "");
    let begun = std::time::Instant::now();
    sandbox.script("let s = target(\"seg\"); s.groups(); sleep(\"1200ms\"); s.groups();", &[]).code(0);
    assert!(begun.elapsed() > Duration::from_millis(2200), "{:?}", begun.elapsed());
    let logins = seg.lab.requests().iter().filter(|request| request.target == "/token").count();
    assert_eq!(logins, 3);
}

#[test]
fn many_branches_share_one_login() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox.script("let s = target(\"seg\"); parallel((0..40).to_array(), |n| s.groups().len())", &[]);
    sandbox
        .script(
            "let s = target(\"seg\"); let l = []; for n in 0..40 { l.push(n); } parallel(l, |n| s.groups().len())",
            &[],
        )
        .code(0);
    let logins = seg.lab.requests().iter().filter(|request| request.target == "/token").count();
    assert!(logins <= 2, "{logins} logins for two runs");
}

#[test]
fn generation_eight_signs_in_by_basic() {
    let seg =
        Seg::with(SegOptions { generation: Generation::Eight, username: "LAB\\api".into(), ..SegOptions::default() });
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox.script("print(target(\"seg\").groups().len())", &[]).code(0).out(&["2"]);
    seg.is_content();
}

#[test]
fn a_server_that_offers_ntlm_only_gets_a_clear_error() {
    let seg = Seg::with(SegOptions {
        generation: Generation::Eight,
        username: "LAB\\api".into(),
        ntlm_only: true,
        ..SegOptions::default()
    });
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox.script("target(\"seg\").groups()", &[]).code(1).err(&["NTLM or Negotiate", "Beadle does not speak"]);
}

#[test]
fn another_generation_than_configured_is_named() {
    let seg = Seg::with(SegOptions { version: "11.2.0.1".into(), ..SegOptions::default() });
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox.script("target(\"seg\").groups()", &[]).code(1).err(&["11.2.0.1", "version = \"10\""]);
    // Generation 8 has no call that tells its version: what the appliance offers tells it.
    let seg = Seg::ten();
    let sandbox = Sandbox::new();
    sandbox.write(
        "beadle.toml",
        &format!(
            "[targets.seg]\nvendor = \"seg\"\nurl = \"{}\"\nversion = \"8\"\n\
             auth = {{ method = \"basic\", username = \"api\", password = {{ env = \"SEG_PASSWORD\" }} }}\n",
            seg.lab.api_url()
        ),
    );
    sandbox.script("target(\"seg\").groups()", &[]).code(1).err(&["if it is of generation 10, set version = \"10\""]);
    let seg = Seg::with(SegOptions { generation: Generation::Eight, ..SegOptions::default() });
    let mut sandbox = Sandbox::with_seg(&seg, "");
    sandbox.env("SEG_PASSWORD", "not-the-password");
    sandbox.script("target(\"seg\").groups()", &[]).code(1).err(&["write the user as DOMAIN\\user"]);
}

fn with_tls(seg: &Seg, tls: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("seg.pem", seg.lab.certificate_pem().unwrap());
    sandbox.write("beadle.toml", &format!("{}{tls}\n", seg.target("seg")));
    sandbox
}

const GROUPS: &str = "print(target(\"seg\").groups().len())";

#[test]
fn a_certificate_is_trusted_by_file_and_by_nothing_else() {
    let authority = Seg::with(SegOptions { tls: true, authority: true, ..SegOptions::default() });
    with_tls(&authority, "tls = { ca_file = \"seg.pem\" }").script(GROUPS, &[]).code(0).out(&["2"]);
    with_tls(&authority, "").script(GROUPS, &[]).code(1).err(&["is self-signed: set tls.ca_file", "targets trust seg"]);
    let seg = Seg::with(SegOptions { tls: true, ..SegOptions::default() });
    with_tls(&seg, "tls = { ca_file = \"seg.pem\" }").script(GROUPS, &[]).code(0).out(&["2"]);
    with_tls(&seg, "").script(GROUPS, &[]).code(1).err(&["unknown issuer", "beadle targets trust seg"]);
    with_tls(&seg, "tls = { insecure = true }").script(GROUPS, &[]).code(0).err(&["trusts anyone"]);
    with_tls(&seg, "tls = { insecure = true }").run(&["targets", "check"]).code(0).err(&["trusts anyone"]);
}

#[test]
fn a_wrong_pin_shows_both_fingerprints() {
    let seg = Seg::with(SegOptions { tls: true, ..SegOptions::default() });
    let sandbox = Sandbox::new();
    let wrong = "0".repeat(64);
    sandbox.write("beadle.toml", &format!("{}tls = {{ pin_sha256 = \"{wrong}\" }}\n", seg.target("seg")));
    let right = seg.lab.fingerprint().unwrap();
    sandbox.script(GROUPS, &[]).code(1).err(&[&wrong, &right]);
    // Trust shows it, and writes it.
    sandbox.run(&["targets", "trust", "seg", "--yes"]).code(0).out(&[&right]);
    sandbox.script(GROUPS, &[]).code(0);
    assert!(sandbox.read("beadle.toml").contains(&format!("pin_sha256 = \"{right}\"")));
}

#[test]
fn a_dead_host_and_a_wrong_port_are_told_apart() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    let config = sandbox.read("beadle.toml");
    // A port on which nobody listens: bound for a moment, and given back.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    sandbox.write("beadle.toml", &config.replace(&seg.lab.api_url(), &format!("http://{free}")));
    sandbox.script(GROUPS, &[]).code(1).err(&["connection refused", &free.to_string()]);
    let token = seg.lab.token_url().unwrap();
    sandbox.write("beadle.toml", &config.replace(&token, &format!("{}/token", seg.lab.api_url())));
    sandbox.script(GROUPS, &[]).code(1).err(&["the token service at"]);
}

#[test]
fn a_wrong_password_is_tried_once_however_many_branches_there_are() {
    let seg = Seg::ten();
    let mut sandbox = Sandbox::with_seg(&seg, "");
    sandbox.env("SEG_PASSWORD", "not-the-password");
    let script = "let s = target(\"seg\"); let r = parallel_settled([1, 2, 3, 4, 5, 6, 7, 8], |n| s.groups()); print(r[7].error.kind)";
    sandbox.script(script, &[]).code(0).out(&["auth"]);
    assert_eq!(seg.lab.requests().len(), 1);
}

#[test]
fn a_pin_holds_for_both_ports() {
    let seg = Seg::with(SegOptions { tls: true, ..SegOptions::default() });
    let pin = format!("tls = {{ pin_sha256 = \"{}\" }}", seg.lab.fingerprint().unwrap());
    with_tls(&seg, &pin).script(GROUPS, &[]).code(0).out(&["2"]);
}
