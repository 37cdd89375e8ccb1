//! `beadle vendors`, and the guide to a fifth vendor.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::channel;

use crate::support::Sandbox;
use crate::support::lab::Seg;
use crate::support::vendors::{spectra, sps};

const GUIDE: &str = include_str!("../docs/adding-a-vendor.md");

/// The blocks of a kind in the guide.
fn blocks(kind: &str) -> Vec<&'static str> {
    let begin = format!("```{kind}\n");
    GUIDE.split(&begin).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

/// A gateway that answers every request with JSON, and tells what it was asked.
fn gateway() -> (String, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, asked) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut text = String::new();
            let mut buffer = [0; 4096];
            while !text.contains("\r\n\r\n") {
                let read = stream.read(&mut buffer).unwrap();
                text.push_str(&String::from_utf8_lossy(&buffer[..read]));
                if read == 0 {
                    break;
                }
            }
            let length = text
                .to_lowercase()
                .split("content-length: ")
                .nth(1)
                .and_then(|rest| rest.lines().next()?.trim().parse().ok());
            let head = text.find("\r\n\r\n").map_or(0, |at| at + 4);
            while text.len() < head + length.unwrap_or(0) {
                let read = stream.read(&mut buffer).unwrap();
                text.push_str(&String::from_utf8_lossy(&buffer[..read]));
            }
            let body = if text.starts_with("GET") { r#"[{"id": 1, "name": "first"}]"# } else { r#"{"id": 2}"# };
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(answer.as_bytes()).unwrap();
            if sender.send(text).is_err() {
                return;
            }
        }
    });
    (url, asked)
}

#[test]
fn the_guide_adds_a_fifth_vendor() {
    let mut sandbox = Sandbox::new();
    sandbox.env("HAWTHORN_KEY", "hawthorn-key-0123456789");
    sandbox.write("hawthorn.yaml", blocks("yaml")[0]);
    let (url, asked) = gateway();
    sandbox.write("beadle.toml", "");
    let shell: Vec<Vec<&str>> =
        blocks("sh").iter().flat_map(|block| block.lines()).map(|line| line.split(' ').skip(1).collect()).collect();
    assert_eq!(shell.len(), 4);
    sandbox.run(&shell[0]).code(0).out(&["5 calls written to catalogs/hawthorn.toml"]);
    sandbox.run(&shell[0]).code(2).err(&["is there already", "--force"]);
    let made = sandbox.read("catalogs/hawthorn.toml");
    assert!(
        made.contains("shared_secret = { wire = \"sharedSecret\", in = \"body\", type = \"string\", secret = true")
    );
    sandbox.write("beadle.toml", &blocks("toml")[0].replace("https://hawthorn.example.com", &url));
    sandbox.run(&shell[1]).code(0).out(&["policies", "quarantine_search"]);
    sandbox.run(&shell[2]).code(0).out(&["policy_create", "block", "pass"]);
    sandbox.script(blocks("rhai")[0], &["--yes"]).code(0).out(&["1: first"]);
    let (first, second) = (asked.recv().unwrap(), asked.recv().unwrap());
    assert!(first.starts_with("GET /rest/v1/policies "), "{first}");
    assert!(first.to_lowercase().contains("x-hawthorn-key: hawthorn-key-0123456789"));
    assert!(second.starts_with("POST /rest/v1/policies "));
    assert!(second.contains(r#""name":"from a script""#) && second.contains(r#""mode":"block""#), "{second}");
    sandbox.run(&shell[3]).code(0).out(&["has what the catalog has"]);
    sandbox.write("hawthorn.yaml", &blocks("yaml")[0].replace("/quarantine/search:", "/quarantine/find:"));
    sandbox.run(&shell[3]).code(3).out(&["+ POST /quarantine/find", "- quarantine_search"]);
}

#[test]
fn a_seg_target_tells_handlers_that_no_document_has() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    let ran =
        sandbox.run(&["vendors", "import", "seg"]).code(0).out(&["written to catalogs/seg.toml", "the catalog has it"]);
    assert!(ran.out.contains("calls"), "{}", ran.out);
    let catalog = sandbox.read("catalogs/seg.toml");
    let name =
        catalog.lines().find_map(|line| line.strip_prefix("name = \"")).unwrap().trim_end_matches('"').to_owned();
    let list = sandbox.run(&["calls", "list", "--vendor", "seg"]).code(0);
    assert!(list.out.contains(&name), "{name} is a call at once:\n{}", list.out);
    sandbox.script("print(target(\"seg\").overview_sender(1).queued)", &[]).code(0).out(&["7"]);
    // A character class may hold a slash of its own.
    sandbox.script("print(target(\"seg\").sqm_user(\"a b\").name)", &[]).code(0).out(&["a%20b"]);
    sandbox.run(&["vendors", "drift", "seg"]).code(3).out(&["only the catalog has"]);
}

#[test]
fn an_appliances_own_document_completes_the_catalog() {
    let lab = spectra(beadle::lab::SpectraOptions::default());
    let sandbox = lab.sandbox("");
    let url = format!("{}/swagger.json", lab.lab.url());
    sandbox
        .run(&["vendors", "import", &url, "--as", "spectra"])
        .code(0)
        .out(&["1 calls written to catalogs/spectra.toml", "the catalog has it"]);
    sandbox.script("print(target(\"spectra\").dashboard(\"main\").files)", &[]).code(0).out(&["42"]);
    sandbox.run(&["vendors", "drift", "spectra", "--document", &url]).code(0).out(&["has what the catalog has"]);
    std::fs::remove_file(sandbox.path().join("catalogs/spectra.toml")).unwrap();
    sandbox.run(&["vendors", "drift", "spectra", "--document", &url]).code(3).out(&["+ GET /api/v1/dashboard/"]);
}

#[test]
fn vendors_are_listed() {
    let sandbox = Sandbox::new();
    sandbox.run(&["vendors", "list"]).code(0).out(&[
        "asyncos",
        "573 calls",
        "sps",
        "443 calls",
        "spectra",
        "85 calls",
        "seg",
        "22 calls",
    ]);
}

#[test]
fn an_sps_is_walked_by_its_links() {
    let lab = sps(beadle::lab::SpsOptions::default());
    let sandbox = lab.sandbox("");
    let ran = sandbox.run(&["vendors", "drift", "sps"]);
    assert!(matches!(ran.code, 0 | 3), "{}", ran.err);
    assert_eq!(lab.lab.counts().1, 0);
}

#[test]
fn what_cannot_be_imported_says_why() {
    let sandbox = Sandbox::new();
    sandbox.write("beadle.toml", "");
    sandbox.write("x.json", "{\"a\": 1}");
    sandbox.run(&["vendors", "import", "x.json", "--as", "x"]).code(1).err(&["neither a listing"]);
    sandbox.run(&["vendors", "import", "none.yaml", "--as", "x"]).code(2).err(&["neither a target nor a file"]);
    sandbox.run(&["vendors", "import", "x.json"]).code(2).err(&["--as"]);
}
