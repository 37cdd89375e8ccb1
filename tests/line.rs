//! What a raw server, proxy or redirect on the line does: small servers of our own, byte by byte.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use crate::support::Sandbox;

const CATALOG: &str = r#"id = "plain"
title = "A plain appliance"
base = "/api"
auth = ["none", "bearer"]

[[call]]
name = "things"
method = "GET"
path = "/things"
effect = "read"
area = "Things"
summary = "List the things"
answer = { shape = "any" }
source = "made up"
confidence = "seed"

[[call]]
name = "thing_set"
method = "POST"
path = "/things"
effect = "change"
area = "Things"
summary = "Set a thing"
lost_answer = "idempotent"
params.name = { type = "string", doc = "Its name." }
answer = { shape = "any" }
source = "made up"
confidence = "seed"
"#;

/// A server that answers the nth request with the nth answer (the last one again and again), and
/// tells what it was sent.
pub fn server(answers: Vec<String>) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (sender, asked) = channel();
    std::thread::spawn(move || {
        let mut answers = answers.into_iter().peekable();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut text = Vec::new();
            let mut buffer = [0; 4096];
            while !text.windows(4).any(|window| window == b"\r\n\r\n") {
                match stream.read(&mut buffer) {
                    Ok(read) if read > 0 => text.extend_from_slice(&buffer[..read]),
                    _ => break,
                }
            }
            let answer = if answers.len() > 1 { answers.next() } else { answers.peek().cloned() };
            let _gone = stream.write_all(answer.unwrap_or_default().as_bytes());
            if sender.send(String::from_utf8_lossy(&text).into_owned()).is_err() {
                return;
            }
        }
    });
    (address, asked)
}

/// An answer as it goes over the line.
pub fn answer(head: &str, body: &str) -> String {
    format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

fn sandbox(url: &str, more: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("catalogs/plain.toml", CATALOG);
    sandbox.write(
        "beadle.toml",
        &format!("[targets.t]\nvendor = \"plain\"\nurl = \"http://{url}\"\ntimeout = \"2s\"\nauth = {{ method = \"none\" }}\n{more}"),
    );
    sandbox
}

const READ: &str = "print(target(\"t\").things().len())";
const WRITE: &str = "target(\"t\").thing_set(#{ name: \"x\" })";

#[test]
fn a_redirect_of_a_change_is_told_and_not_followed() {
    let (url, asked) = server(vec![answer("302 Found\r\nLocation: /api/elsewhere", ""), answer("200 OK", "[]")]);
    sandbox(&url, "").script(WRITE, &["--yes"]).code(1).err(&[
        "/api/elsewhere",
        "is not followed for a request that may change",
        "1 change had been sent",
    ]);
    assert!(asked.recv().unwrap().starts_with("POST /api/things"));
    assert!(asked.try_recv().is_err(), "nothing else is sent");
}

#[test]
fn a_redirect_of_a_read_is_followed_on_the_same_host_only() {
    let (url, asked) = server(vec![answer("302 Found\r\nLocation: /api/things2", ""), answer("200 OK", "[1, 2]")]);
    sandbox(&url, "").script(READ, &[]).code(0).out(&["2"]);
    assert!(asked.iter().nth(1).unwrap().starts_with("GET /api/things2"));
    let (other, elsewhere) = server(vec![answer("200 OK", "[]")]);
    let (url, _asked) = server(vec![answer(&format!("302 Found\r\nLocation: http://{other}/x"), "")]);
    sandbox(&url, "").script(READ, &[]).code(1).err(&["another host"]);
    assert!(elsewhere.try_recv().is_err(), "credentials never go there");
}

#[test]
fn a_target_is_reached_through_its_own_proxy_only() {
    let (proxy, asked) = server(vec![answer("200 OK", "[1]")]);
    let sandbox = sandbox("appliance.test:8080", &format!("proxy = \"http://{proxy}\"\ntls = {{ plain = true }}\n"));
    sandbox.script(READ, &[]).code(0).out(&["1"]);
    assert!(asked.recv().unwrap().starts_with("GET http://appliance.test:8080/api/things "));
    let mut unset = self::sandbox("127.0.0.1:9", "");
    unset.env("HTTP_PROXY", &format!("http://{proxy}"));
    unset.env("http_proxy", &format!("http://{proxy}"));
    unset.script(READ, &[]).code(1);
    assert!(asked.try_recv().is_err(), "an environment variable brings no proxy in");
}

#[test]
fn nonsense_on_the_line_is_a_clear_error() {
    for (text, wanted) in [
        ("SSH-2.0-OpenSSH_9.2\r\n", "t:"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n[1", "t:"),
        ("", "t:"),
        (&answer("200 OK\r\nContent-Type: application/json", "[1, 2"), "JSON"),
        (&answer("200 OK\r\nContent-Encoding: gzip", "not gzip"), "t:"),
        (&answer("599 What", "no"), "status 599"),
    ] {
        let (url, _asked) = server(vec![text.to_owned()]);
        sandbox(&url, "").script(READ, &[]).code(1).err(&[wanted]);
    }
}

#[test]
fn header_and_bearer_tokens_are_sent_as_they_should() {
    let (url, asked) = server(vec![answer("200 OK", "[]")]);
    let mut sandbox = sandbox(&url, "");
    sandbox.env("TOKEN", "a-long-token-0123456789");
    let config =
        sandbox.read("beadle.toml").replace("method = \"none\"", "method = \"bearer\", token = { env = \"TOKEN\" }");
    sandbox.write("beadle.toml", &config);
    let ran = sandbox.script(READ, &["-vv"]).code(0);
    assert!(asked.recv().unwrap().contains("authorization: Bearer a-long-token-0123456789"));
    assert!(!ran.err.contains("a-long-token"), "{}", ran.err);
}
