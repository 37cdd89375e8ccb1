//! What the service tells the world outside: messages of triggers, heartbeats, health and metrics, its
//! log, and the system's supervisor.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::process::Child;
use std::time::{Duration, Instant};

use crate::support::Sandbox;
use crate::support::lab::Seg;
use crate::support::receiver::{Manner, Received, Receiver};

/// The service of a project, with its log in a file.
struct Service<'a> {
    sandbox: &'a Sandbox,
    child: Child,
}

impl<'a> Service<'a> {
    fn start(sandbox: &'a Sandbox, environment: &[(&str, &str)]) -> Self {
        let log = std::fs::File::create(sandbox.path().join("serve.log")).unwrap();
        let mut command = sandbox.command(&["serve"]);
        let child = command.envs(environment.iter().copied()).stderr(log).spawn().unwrap();
        let service = Self { sandbox, child };
        service.wait_for("serving");
        service
    }

    fn log(&self) -> String {
        self.sandbox.read("serve.log")
    }

    #[track_caller]
    fn wait_for(&self, text: &str) {
        let until = Instant::now() + Duration::from_secs(30);
        while !self.log().contains(text) {
            assert!(Instant::now() < until, "'{text}' never came:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn signal(&self, name: &str) {
        std::process::Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
    }

    fn end(mut self) -> String {
        self.signal("-TERM");
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "{}", self.log());
        self.log()
    }
}

impl Drop for Service<'_> {
    fn drop(&mut self) {
        let _it_may_have_ended = self.child.kill();
    }
}

const EVERY_SECOND: &str = "cron = \"* * * * * *\"\n";

fn kinds(received: &[Received]) -> Vec<String> {
    received.iter().map(|one| one.json()["kind"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn triggers_tell_channels_how_their_runs_end_and_what_was_missed() {
    let receiver = Receiver::new();
    let config = format!(
        "[channels.team]\nkind = \"webhook\"\nurl = \"{}\"\nlimit = \"1000/h\"\n\
         [schedules.bad]\nplaybook = \"bad\"\n{EVERY_SECOND}on_failure = \"team\"\n\
         [schedules.good]\nplaybook = \"good\"\n{EVERY_SECOND}on_success = [\"team\"]\n\
         [schedules.slow]\nplaybook = \"slow\"\n{EVERY_SECOND}on_missed = \"team\"\n",
        receiver.url("/hook")
    );
    let sandbox = Sandbox::new();
    sandbox.write("beadle.toml", &config);
    sandbox.write("playbooks/bad.rhai", "let x = 1;\nfail(`no room ${x}`);\n");
    sandbox.write("playbooks/good.rhai", "print(\"fine\")");
    sandbox.write("playbooks/slow.rhai", "sleep(\"3s\")");
    let service = Service::start(&sandbox, &[]);
    let until = Instant::now() + Duration::from_secs(20);
    while !["failed", "succeeded", "missed"]
        .iter()
        .all(|kind| kinds(&receiver.received()).iter().any(|one| one == kind))
    {
        assert!(Instant::now() < until, "{:?}\n{}", receiver.received(), service.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    service.end();
    let received = receiver.received();
    let of = |kind: &str| received.iter().map(Received::json).find(|json| json["kind"] == kind).unwrap();
    let failed = of("failed");
    assert_eq!(failed["subject"], "bad failed: no room 1");
    assert_eq!(
        (&failed["trigger"], &failed["playbook"], &failed["changes"]),
        (&"bad".into(), &"bad".into(), &0.into())
    );
    assert_eq!((&failed["error"]["file"], &failed["error"]["line"]), (&"bad".into(), &2.into()));
    assert!(failed["late_ms"].is_u64() && failed["elapsed_ms"].is_u64(), "{failed}");
    // What a message names is found.
    let shown = sandbox.run(&["runs", "show", failed["run"].as_str().unwrap()]).code(0);
    assert!(shown.out.contains("no room 1"), "{}", shown.out);
    assert_eq!(of("succeeded")["trigger"], "good");
    let missed = of("missed");
    assert_eq!((&missed["trigger"], &missed["why"]), (&"slow".into(), &"the last run was still going".into()));
}

#[test]
fn a_channel_and_a_check_that_hang_hold_nothing_up() {
    let (channel, check) = (Receiver::with(&[Manner::Hang]), Receiver::with(&[Manner::Hang]));
    let config = format!(
        "[channels.team]\nkind = \"webhook\"\nurl = \"{}\"\n[schedules.good]\nplaybook = \"good\"\n{EVERY_SECOND}\
         on_success = \"team\"\nheartbeat = \"{}\"\n",
        channel.url("/hook"),
        check.url("/ping/u1")
    );
    let sandbox = Sandbox::new();
    sandbox.write("beadle.toml", &config);
    sandbox.write("playbooks/good.rhai", "print(\"fine\")");
    let service = Service::start(&sandbox, &[]);
    let until = Instant::now() + Duration::from_secs(15);
    while service.log().matches("\"outcome\":\"succeeded\"").count() < 3 {
        assert!(Instant::now() < until, "{}", service.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    // What hangs is given up when the service ends.
    let begun = Instant::now();
    service.end();
    assert!(begun.elapsed() < Duration::from_secs(25), "{:?}", begun.elapsed());
}

#[test]
fn a_check_is_told_of_start_success_and_failure() {
    let receiver = Receiver::new();
    let sandbox = Sandbox::new();
    let trigger = |name: &str| {
        format!("[schedules.{name}]\nplaybook = \"{name}\"\n{EVERY_SECOND}heartbeat = {{ env = \"HC_{name}\" }}\n")
    };
    let own = "[service]\nheartbeat = { env = \"HC_service\" }\nheartbeat_every = \"1s\"\n";
    sandbox.write("beadle.toml", &format!("{}{}{own}", trigger("good"), trigger("bad")));
    sandbox.write("playbooks/good.rhai", "print(\"fine\")");
    sandbox.write("playbooks/bad.rhai", "fail(\"no room\")");
    let urls: Vec<(String, String)> = ["good", "bad", "service"]
        .map(|name| (format!("HC_{name}"), receiver.url(&format!("/ping/secret-uuid-{name}"))))
        .into();
    let environment: Vec<(&str, &str)> = urls.iter().map(|(name, url)| (name.as_str(), url.as_str())).collect();
    let service = Service::start(&sandbox, &environment);
    let until = Instant::now() + Duration::from_secs(20);
    let of = |name: &str| -> Vec<Received> {
        let path = format!("/ping/secret-uuid-{name}");
        receiver.received().into_iter().filter(|one| one.path().starts_with(&path)).collect()
    };
    while of("good").len() < 4 || of("bad").len() < 4 || of("service").len() < 2 {
        assert!(Instant::now() < until, "{:?}", receiver.received());
        std::thread::sleep(Duration::from_millis(50));
    }
    let log = service.end();
    let ends = |name: &str| -> Vec<String> {
        of(name).iter().take(4).map(|one| one.path().rsplit('/').next().unwrap().to_owned()).collect()
    };
    assert_eq!(ends("good"), ["start", "secret-uuid-good", "start", "secret-uuid-good"]);
    assert_eq!(ends("bad"), ["start", "fail", "start", "fail"]);
    assert!(of("bad")[1].body.contains("no room"), "{}", of("bad")[1].body);
    assert!(of("service").iter().all(|one| one.line.starts_with("POST ") && one.path().ends_with("service")));
    assert!(!log.contains("secret-uuid"), "{log}");
}

/// One question, and the whole answer.
fn ask(address: SocketAddr, question: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(question.as_bytes()).unwrap();
    let mut answer = String::new();
    let _what_came_counts = stream.read_to_string(&mut answer);
    answer
}

fn get(address: SocketAddr, path: &str, more: &str) -> String {
    ask(address, &format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{more}\r\n"))
}

fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Checks Prometheus' text form: every line, that families stand together, and that histograms grow.
fn check_text(text: &str) {
    let (mut family, mut seen) = (String::new(), Vec::new());
    let mut last = (String::new(), 0.0);
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(rest) = line.strip_prefix("# ") {
            let mut words = rest.splitn(3, ' ');
            let (word, name, more) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
            match word {
                "HELP" => {
                    assert!(!seen.contains(&name.to_owned()), "{name} comes twice");
                    seen.push(name.to_owned());
                    name.clone_into(&mut family);
                }
                "TYPE" => assert!(["counter", "gauge", "histogram"].contains(&more) && name == family, "{line}"),
                _ => panic!("{line}"),
            }
            continue;
        }
        let (name, value) = line.rsplit_once(' ').unwrap();
        let value: f64 = value.parse().unwrap_or_else(|_| panic!("{line} has no number"));
        let (name, labels) = name.split_once('{').unwrap_or((name, "}"));
        assert!(name.starts_with(&family) && name.starts_with("beadle_"), "{line} is not of {family}");
        assert!(labels.ends_with('}'), "{line}");
        if let Some(series) = name.strip_suffix("_bucket") {
            let key = format!("{series} {}", labels.split("le=").next().unwrap());
            assert!(key != last.0 || value >= last.1, "{line} is less than the bucket before it");
            last = (key, value);
        }
    }
    assert!(seen.len() > 8, "{seen:?}");
}

#[test]
fn health_is_open_and_metrics_need_the_token() {
    let seg = Seg::ten();
    let address = free_port();
    let config = format!(
        "[service]\nhttp = \"{address}\"\ntoken = {{ env = \"METRICS_TOKEN\" }}\n\
         [schedules.good]\nplaybook = \"good\"\n{EVERY_SECOND}"
    );
    let sandbox = Sandbox::with_seg(&seg, &config);
    sandbox.write("playbooks/good.rhai", "target(\"seg\").groups(); print(\"fine\")");
    let service = Service::start(&sandbox, &[("METRICS_TOKEN", "canary-token-4711")]);
    service.wait_for("\"outcome\":\"succeeded\"");
    let health = get(address, "/healthz", "");
    assert!(health.starts_with("HTTP/1.1 200") && health.ends_with("ok\n"), "{health}");
    for more in ["", "Authorization: Bearer wrong\r\n", "Authorization: Basic canary-token-4711\r\n"] {
        let answer = get(address, "/metrics", more);
        assert!(answer.starts_with("HTTP/1.1 401") && !answer.contains("beadle_runs"), "{answer}");
    }
    let answer = get(address, "/metrics", "Authorization: Bearer canary-token-4711\r\n");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("text/plain; version=0.0.4"), "{answer}");
    let (_, text) = answer.split_once("\r\n\r\n").unwrap();
    check_text(text);
    for series in [
        "beadle_runs_total{playbook=\"good\",outcome=\"succeeded\"} ",
        "beadle_run_duration_seconds_count{playbook=\"good\"} ",
        "beadle_lateness_seconds_count{trigger=\"good\"} ",
        "beadle_calls_total{target=\"seg\",call=\"groups\",status=\"200\"} ",
        "beadle_queue_length ",
        "beadle_breaker_open{target=\"seg\"} 0",
    ] {
        assert!(text.contains(series), "{series} is missing in\n{text}");
    }
    // Whoever talks nonsense, or does not talk, harms nobody.
    let _silent = TcpStream::connect(address).unwrap();
    ask(address, "\0\0\0 nonsense\r\n\r\n");
    assert!(
        ask(address, "DELETE /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 405")
    );
    assert!(get(address, "/healthz", "").starts_with("HTTP/1.1 200"));
    assert!(!service.end().contains("canary-token"));
}

#[test]
fn a_reload_moves_the_endpoint_and_the_channels() {
    let (old, new, moved) = (free_port(), free_port(), Receiver::new());
    let first = Receiver::new();
    let config = |address: SocketAddr, receiver: &Receiver| {
        format!(
            "[service]\nhttp = \"{address}\"\ntoken = {{ env = \"SEG_PASSWORD\" }}\n[channels.team]\nkind = \"webhook\"\n\
             url = \"{}\"\n[schedules.good]\nplaybook = \"good\"\n{EVERY_SECOND}on_success = \"team\"\n",
            receiver.url("/hook")
        )
    };
    let sandbox = Sandbox::new();
    sandbox.write("beadle.toml", &config(old, &first));
    sandbox.write("playbooks/good.rhai", "print(\"fine\")");
    let service = Service::start(&sandbox, &[]);
    first.wait_for(1);
    assert!(get(old, "/healthz", "").starts_with("HTTP/1.1 200"));
    sandbox.write("beadle.toml", &config(new, &moved));
    service.wait_for("the configuration has changed: ~ channels.team, ~ service");
    moved.wait_for(1);
    assert!(get(new, "/healthz", "").starts_with("HTTP/1.1 200"));
    assert!(TcpStream::connect(old).is_err());
    service.end();
}

#[test]
fn an_address_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let sandbox = Sandbox::new();
    let address = taken.local_addr().unwrap();
    sandbox.write("beadle.toml", &format!("[service]\nhttp = \"{address}\"\ntoken = {{ env = \"SEG_PASSWORD\" }}\n"));
    sandbox.run(&["serve"]).code(2).err(&["[service] http", "cannot be listened at"]);
}

#[test]
fn every_line_of_a_run_has_its_ids_and_no_secret() {
    let seg = Seg::ten();
    let more = format!("[secrets.api]\nenv = \"SEG_PASSWORD\"\n[schedules.job]\nplaybook = \"job\"\n{EVERY_SECOND}");
    let sandbox = Sandbox::with_seg(&seg, &more);
    let script = "target(\"seg\").groups();\nprint(\"one lab-password\");\nlog_warn(\"two\");\n\
                  step(\"three\", || { 1 });\ntable([#{ a: 1 }]);\nfail(\"four lab-password\");\n";
    sandbox.write("playbooks/job.rhai", script);
    let service = Service::start(&sandbox, &[("BEADLE_LOG", "beadle=debug")]);
    service.wait_for("\"outcome\":\"failed\"");
    let log = service.end();
    assert!(!log.contains("lab-password"), "{log}");
    let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of_runs: Vec<_> = lines.iter().filter(|line| line.get("trigger").is_some()).collect();
    let first = of_runs[0]["run"].as_str().unwrap();
    let said: Vec<&str> =
        of_runs.iter().filter(|line| line["run"] == first).map(|line| line["message"].as_str().unwrap()).collect();
    for text in ["the run begins (due", "seg groups: 200", "one ***", "two", "step three", "┌", "the run failed after"]
    {
        assert!(said.iter().any(|line| line.starts_with(text)), "{text} is missing in {said:#?}");
    }
    for line in &of_runs {
        assert_eq!((&line["trigger"], line["run"].as_str().map(str::len)), (&"job".into(), Some(12)), "{line}");
        assert!(line["at"].is_string() && line["level"].is_string(), "{line}");
    }
    let ended = of_runs.iter().find(|line| line.get("outcome").is_some()).unwrap();
    assert_eq!(
        (&ended["level"], &ended["error"], &ended["place"]),
        (&"error".into(), &"four ***".into(), &"job:6".into())
    );
}

#[test]
fn a_problem_that_stays_is_told_once() {
    let sandbox = Sandbox::new();
    sandbox.write("beadle.toml", &format!("[schedules.job]\nplaybook = \"job\"\n{EVERY_SECOND}"));
    sandbox.write("playbooks/job.rhai", "print(1)");
    let service = Service::start(&sandbox, &[]);
    std::fs::remove_file(sandbox.path().join("playbooks/job.rhai")).unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    let skipped = || {
        let explained = sandbox.run(&["triggers", "explain", "job"]).code(0).out;
        let (_, rest) = explained.split_once("skipped ").unwrap_or_else(|| panic!("{explained}"));
        rest.split(' ').next().unwrap().parse::<u64>().unwrap()
    };
    while skipped() < 3 {
        assert!(Instant::now() < until, "{}", service.log());
        std::thread::sleep(Duration::from_millis(200));
    }
    let log = service.end();
    for text in ["\"message\":\"job: ", "\"message\":\"not started: "] {
        assert_eq!(log.matches(text).count(), 1, "{log}");
    }
}

/// The supervisor's side of the socket.
struct Supervisor(UnixDatagram);

impl Supervisor {
    #[track_caller]
    fn wait_for(&self, text: &str) -> String {
        let until = Instant::now() + Duration::from_secs(20);
        let mut seen = Vec::new();
        self.0.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        while Instant::now() < until {
            let mut message = [0; 4096];
            let Ok(length) = self.0.recv(&mut message) else { continue };
            let said = String::from_utf8_lossy(&message[..length]).into_owned();
            if said.lines().any(|line| line == text) {
                return said;
            }
            seen.push(said);
        }
        panic!("'{text}' was never said: {seen:?}");
    }
}

#[test]
fn the_supervisor_is_told_what_it_wants_to_know() {
    let sandbox = Sandbox::new();
    sandbox.write("beadle.toml", "");
    let path = sandbox.path().join("notify");
    let supervisor = Supervisor(UnixDatagram::bind(&path).unwrap());
    let socket = path.to_str().unwrap();
    let service = Service::start(&sandbox, &[("NOTIFY_SOCKET", socket), ("WATCHDOG_USEC", "180000000")]);
    assert!(supervisor.wait_for("READY=1").contains("STATUS=serving 0 schedules and 0 watches"));
    supervisor.wait_for("WATCHDOG=1");
    service.signal("-HUP");
    let reloading = supervisor.wait_for("RELOADING=1");
    let instant = reloading.lines().find_map(|line| line.strip_prefix("MONOTONIC_USEC=")).unwrap();
    assert!(instant.parse::<u64>().unwrap() > 0, "{reloading}");
    supervisor.wait_for("READY=1");
    service.signal("-TERM");
    supervisor.wait_for("STOPPING=1");
    service.end();
}

#[test]
fn a_service_with_nothing_to_do_still_gives_its_supervisor_signs_of_life() {
    let sandbox = Sandbox::new();
    sandbox.write("beadle.toml", "");
    let path = sandbox.path().join("notify");
    let supervisor = Supervisor(UnixDatagram::bind(&path).unwrap());
    let service = Service::start(&sandbox, &[("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "1000000")]);
    let begun = Instant::now();
    for _ in 0..6 {
        supervisor.wait_for("WATCHDOG=1");
    }
    // Twice in its time, but for the first.
    assert!(begun.elapsed() > Duration::from_millis(1_500), "{:?}", begun.elapsed());
    service.end();
}
