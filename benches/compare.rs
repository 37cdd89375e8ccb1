//! Compares the release binary with small reference programs, pair by pair, and prints the medians
//! and their ratio. Nothing is asserted: machines differ.
//!
//! `cargo build --release --examples && cargo bench --bench compare [-- PART…]`

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::cell::Cell;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use beadle::lab::{Faults, Generation, SegLab, SegOptions, SpectraLab, SpectraOptions};

type Failure = Box<dyn std::error::Error>;

/// Pairs that are measured; one more goes before them and is not counted.
const PAIRS: usize = 7;

struct Bench {
    /// Where they work.
    folder: tempfile::TempDir,
    /// Copies of all that are measured.
    programs: tempfile::TempDir,
    /// Whether the memory of processes is looked at, as it is in the pairs that are not counted: who asks for it two
    /// thousand times a second keeps a processor from those that are measured.
    watching: Cell<bool>,
}

/// What one process took: wall time, and its greatest memory in MB, which is that of another one where this one was
/// not watched.
#[derive(Clone, Copy)]
struct Took {
    wall: Duration,
    megabytes: f64,
}

fn main() -> Result<(), Failure> {
    let release = Path::new(env!("CARGO_BIN_EXE_beadle")).parent().ok_or("no folder")?.to_owned();
    let bench = Bench::installed(&release)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    println!("{:<44} {:>10} {:>10} {:>7}", "", "beadle", "bare", "ratio");
    type Part = fn(&Bench, &tokio::runtime::Runtime) -> Result<(), Failure>;
    let parts: [(&str, Part); 12] = [
        ("start", |bench, _| bench.start()),
        ("apart", Bench::apart),
        ("reads", Bench::reads),
        ("changes", Bench::changes),
        ("resume", Bench::resume),
        ("long", Bench::long),
        ("fan-out", Bench::fan_out),
        ("bulk", Bench::bulk),
        ("large", |bench, _| bench.large_answer()),
        ("tracking", |bench, _| bench.tracking()),
        ("every-call", |bench, _| bench.every_call()),
        ("gigabytes", Bench::gigabytes),
    ];
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    for (name, part) in parts {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            part(&bench, &runtime)?;
        }
    }
    Ok(())
}

impl Bench {
    /// The programs are measured as they are once they are installed, which is copied: what a linker has just written
    /// lies in the system's memory in smaller pieces, and starts more slowly.
    fn installed(release: &Path) -> Result<Self, Failure> {
        let programs = tempfile::tempdir()?;
        for name in ["beadle", "examples/bare-rhai", "examples/bare-reqwest", "examples/bare-bulk"] {
            let from = release.join(name);
            let to = programs.path().join(from.file_name().ok_or("no name")?);
            std::fs::copy(&from, &to).map_err(|error| {
                format!("{}: {error}: build it first: cargo build --release --bins --examples", from.display())
            })?;
        }
        Ok(Self { folder: tempfile::tempdir()?, programs, watching: Cell::new(false) })
    }

    /// Start to the first line of a script.
    fn start(&self) -> Result<(), Failure> {
        self.write("first.rhai", "print(\"first line\")")?;
        self.write("beadle.toml", "")?;
        let bare = || first_line(Command::new(self.programs.path().join("bare-rhai")));
        // They are short: a pause of the system weighs more.
        let rounds = (0..5).map(|_| self.pairs(|| first_line(self.command(&["run", "first.rhai"])), bare));
        let pairs = rounds.collect::<Result<Vec<_>, Failure>>()?.concat();
        report("start to first script line", &pairs);
        let pairs = self.pairs(|| self.run(&["run", "first.rhai"]), || self.bare("bare-rhai", &[]))?;
        report("the same to its end, which is recorded", &pairs);
        Ok(())
    }

    /// Runs of the service, each in a process of its own: from the decision to the script's first line, and
    /// how much slower its reads are than at the terminal.
    fn apart(&self, runtime: &tokio::runtime::Runtime) -> Result<(), Failure> {
        let _lab = self.lab(runtime, SegOptions::default())?;
        let reads = "let s = target(\"seg\"); for n in 0..2000 { s.groups(); }";
        self.write("playbooks/first.rhai", "print(\"first line\")")?;
        self.write("playbooks/reads.rhai", reads)?;
        self.write("reads.rhai", reads)?;
        let watch = |name: &str| {
            format!("[watches.{name}]\nplaybook = \"{name}\"\npaths = [\"in/{name}/*\"]\nsettle = \"20ms\"\n")
        };
        let config = std::fs::read_to_string(self.path("beadle.toml"))?;
        self.write("beadle.toml", &format!("{config}{}{}", watch("first"), watch("reads")))?;
        let mut serving = Serving::start(self.command(&["serve", "--format", "json"]))?;
        let mut starts = Vec::new();
        for number in 0..=20 {
            self.write(&format!("in/first/{number}"), "go")?;
            let begun = serving.until("\"event\":\"started\"")?;
            let wall = serving.until("\"event\":\"print\"")?.duration_since(begun);
            serving.until("\"event\":\"ended\"")?;
            if number > 0 {
                starts.push(Took { wall, megabytes: 0.0 });
            }
        }
        alone("start of a run apart to its first line (bound: 15 ms)", &mut starts);
        let mut pairs = Vec::new();
        for number in 0..=PAIRS {
            self.write(&format!("in/reads/{number}"), "go")?;
            let begun = serving.until("\"event\":\"started\"")?;
            let apart = serving.until("\"event\":\"ended\"")?.duration_since(begun);
            let here = self.run(&["run", "reads.rhai"])?;
            if number > 0 {
                pairs.push((Took { wall: apart, megabytes: 0.0 }, here));
            }
        }
        report("2,000 reads apart (bare: at the terminal)", &pairs);
        serving.end()
    }

    /// Sequential reads.
    fn reads(&self, runtime: &tokio::runtime::Runtime) -> Result<(), Failure> {
        let lab = self.lab(runtime, SegOptions::default())?;
        self.write("reads.rhai", "let s = target(\"seg\"); for n in 0..2000 { s.groups(); }")?;
        let arguments = credentials(&lab)?;
        let pairs = self.pairs(
            || self.run(&["run", "reads.rhai"]),
            || self.bare("bare-reqwest", &with(&arguments, &["reads", "2000"])),
        )?;
        report("2,000 sequential reads", &pairs);
        Ok(())
    }

    /// Sequential changes, each with its durable commit, against a request and one durable write.
    fn changes(&self, runtime: &tokio::runtime::Runtime) -> Result<(), Failure> {
        let lab = self.lab(runtime, SegOptions::default())?;
        self.write(
            "changes.rhai",
            "let s = target(\"seg\"); let base = random(0, 64000);\nfor n in 0..250 { s.ip_group_delta(16, #{ add: [#{ \
             ip_address_start: `10.${base / 256}.${base % 256}.${n}`, cidr: 32, name: `a${base}x${n}` }] }); }",
        )?;
        let arguments = credentials(&lab)?;
        for (what, how) in [("an fsync", "changes"), ("a commit of SQLite", "commits")] {
            let pairs = self.pairs(
                || self.run(&["run", "changes.rhai"]),
                || {
                    // Each process of both begins a write-ahead log of its own.
                    std::fs::remove_file(self.path("bare.db")).ok();
                    self.bare("bare-reqwest", &with(&arguments, &[how, "250"]))
                },
            )?;
            report(&format!("250 changes (bare: with {what})"), &pairs);
        }
        Ok(())
    }

    /// Going on with a run of 10,000 journaled calls, which failed at its very end.
    fn resume(&self, runtime: &tokio::runtime::Runtime) -> Result<(), Failure> {
        let _lab = self.lab(runtime, SegOptions::default())?;
        self.write(
            "resume.rhai",
            "let s = target(\"seg\"); for n in 0..10000 { s.groups(); } print(read_file(\"there.txt\"));",
        )?;
        let mut resumed = Vec::new();
        for number in 0..=PAIRS {
            self.watching.set(number == 0);
            std::fs::remove_file(self.path("there.txt")).ok();
            if self.run(&["run", "resume.rhai"]).is_ok() {
                return Err("the run that should have failed did not".into());
            }
            self.write("there.txt", "there")?;
            resumed.push(self.run(&["runs", "resume", "latest"])?);
        }
        let memory = resumed.remove(0).megabytes;
        resumed.iter_mut().for_each(|took| took.megabytes = memory);
        alone("resume of 10,000 journaled calls (bound: 1 s)", &mut resumed);
        Ok(())
    }

    /// Memory does not grow with the number of calls.
    fn long(&self, runtime: &tokio::runtime::Runtime) -> Result<(), Failure> {
        self.watching.set(true);
        for calls in [10_000, 100_000] {
            let _lab = self.lab(runtime, SegOptions::default())?;
            self.write("long.rhai", &format!("let s = target(\"seg\"); for n in 0..{calls} {{ s.groups(); }}"))?;
            alone(&format!("a run of {calls} calls: its memory"), &mut [self.run(&["run", "long.rhai"])?]);
        }
        self.watching.set(false);
        Ok(())
    }

    /// 500 targets of 50 ms, 100 in flight: against the ideal of 250 ms.
    fn fan_out(&self, _: &tokio::runtime::Runtime) -> Result<(), Failure> {
        // Five hundred appliances are not one thread, whose answers would wait for each other.
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let options = SegOptions {
            generation: Generation::Eight,
            faults: Faults::parse(&["latency=50ms@groups".to_owned()])?,
            ..SegOptions::default()
        };
        let lab = runtime.block_on(SegLab::start(options))?;
        let targets: String = (0..500).map(|n| target(&lab, &format!("t{n:03}"))).collect();
        self.write("beadle.toml", &targets)?;
        self.write(
            "fan.rhai",
            "let begun = now(); parallel(targets(#{}), #{ limit: 100 }, |t| t.groups().len()); print((now() - begun).millis());",
        )?;
        let url = lab.api_url();
        let arguments = ["-", &url, "api", "lab-password", "fan", "500"];
        let mut pairs = Vec::new();
        for number in 0..=PAIRS {
            let pair = (
                milliseconds(self.command(&["run", "fan.rhai"]))?,
                milliseconds(self.reference("bare-reqwest", &arguments))?,
            );
            if number > 0 {
                pairs.push(pair);
            }
        }
        let ideal = Took { wall: Duration::from_millis(250), megabytes: 0.0 };
        report(
            "fan-out, 500 of 50 ms, 100 at once (bare: ideal)",
            &pairs.iter().map(|(ours, _)| (*ours, ideal)).collect::<Vec<_>>(),
        );
        report("the same (bare: reqwest)", &pairs);
        Ok(())
    }

    /// 100,000 networks, and the same list again with 1 % new.
    fn bulk(&self, runtime: &tokio::runtime::Runtime) -> Result<(), Failure> {
        let network = |n: usize| {
            let bits = (100 << 24) + (64 << 16) + n * 32;
            format!("{}.{}.{}.{}/28\n", bits >> 24, bits >> 16 & 255, bits >> 8 & 255, bits & 255)
        };
        self.write("all.txt", &(0..100_000).map(network).collect::<String>())?;
        self.write("new.txt", &(100_000..101_000).map(network).collect::<String>())?;
        self.write("both.txt", &(0..101_000).map(network).collect::<String>())?;
        let (mut first, mut again, mut compared) = (Vec::new(), Vec::new(), Vec::new());
        for pair in 0..=PAIRS {
            self.watching.set(pair == 0);
            let lab = self.lab(runtime, SegOptions::default())?;
            std::fs::remove_dir_all(self.folder.path().join(".beadle")).ok();
            let arguments = credentials(&lab)?;
            let block = |list: &str| {
                self.run(&["run", "std/seg/bulk_ip_block", "target=seg", "group=16", &format!("list={list}")])
            };
            // A group for each of them: what is there already would be refused.
            let bare = |group: &str, list: &str, known: &[&str]| {
                let list = self.path(list);
                let more = [&[group, &list, "500"][..], known].concat();
                self.bare("bare-bulk", &with(&arguments, &more))
            };
            let one = (block("all.txt")?, bare("15", "all.txt", &[])?);
            let ours = block("both.txt")?;
            let told = bare("15", "new.txt", &[])?;
            let finds_out = bare("17", "both.txt", &[&self.path("all.txt")])?;
            first.push(one);
            again.push((ours, told));
            compared.push((ours, finds_out));
        }
        report("bulk block of 100,000 networks", &counted(first));
        report("the same list again with 1 % new", &counted(again));
        report("the same (bare: compares both lists itself)", &counted(compared));
        Ok(())
    }

    /// An answer of 50 MB into script values. It is written once, so that the time of making it does not count.
    fn large_answer(&self) -> Result<(), Failure> {
        let rows = (0..90_000).map(|n| serde_json::json!({
            "blockNumber": 106_209_384_765_432_i64 + n, "edition": "608249030012", "folderId": 10,
            "messageName": format!("B608249030012.000000000001.{n:06}.mml"), "recipient": "someone@example.com",
            "serverId": 1, "timeLogged": 1_621_508_400, "blockRecipientIndex": 0, "classification": 37, "actionType": 1,
            "deleted": 0, "description": "Spam : Block", "hasAttachments": false, "messageBody": "Dear user, read this",
            "sender": "offers@example.net", "sessionNumber": -1203, "size": 4096, "subject": format!("Offer {n}"),
            "unicodeSubject": format!("Offer {n}"), "timeArrived": 1_621_508_390,
            "padding": "............................................................................................"
        }));
        let url = serve_bytes(serde_json::Value::Array(rows.collect()).to_string().into_bytes())?;
        self.write(
            "beadle.toml",
            &format!(
                "[targets.seg]\nvendor = \"seg\"\nurl = \"{url}\"\nversion = \"8\"\n\
                 auth = {{ method = \"basic\", username = \"api\", password = {{ env = \"SEG_PASSWORD\" }} }}\n"
            ),
        )?;
        self.write(
            "large.rhai",
            "let found = target(\"seg\").quarantine_find(#{ max_rows: 90000, start_time: date(\"2021-05-01\"), end_time: date(\"2021-06-01\") }); print(found.len());",
        )?;
        let arguments = ["-", &url, "api", "lab-password", "get", "/seg/api/quarantine/findmessage/?maxRows=90000"];
        let pairs = self.pairs(|| self.run(&["run", "large.rhai"]), || self.bare("bare-reqwest", &arguments))?;
        report("an answer of 50 MB (bare: serde_json::Value)", &pairs);
        Ok(())
    }

    /// A tracking answer of 50 MB into script values.
    fn tracking(&self) -> Result<(), Failure> {
        let rows = (0..75_000).map(|n| {
            serde_json::json!({ "attributes": {
                "mid": [n], "allIcid": [n], "icid": n, "serialNumber": "LAB-0001", "hostName": "esa1.example.com",
                "direction": "incoming", "sender": "offers@example.org", "senderDomain": "example.org",
                "senderIp": "192.0.2.7", "senderGroup": "UNKNOWNLIST", "replyTo": "N/A", "sbrs": "None",
                "subject": format!("Message {n} with a subject of usual length"), "recipient": ["someone@example.net"],
                "friendly_from": ["Offers <offers@example.org>"], "mailPolicy": ["DEFAULT"],
                "recipientMap": { n.to_string(): ["someone@example.net"] },
                "messageStatus": { n.to_string(): "Delivered" }, "verdictChart": { n.to_string(): "11000001" },
                "isCompleteData": "N/A", "timestamp": "03 Feb 2024 08:05:06 (GMT +00:00)",
            }})
        });
        let answer = serde_json::json!({ "meta": { "totalCount": 75_000, "num_bad_records": 0 }, "data": rows.collect::<Vec<_>>() });
        let url = serve_bytes(answer.to_string().into_bytes())?;
        self.write(
            "beadle.toml",
            &format!(
                "[targets.esa]\nvendor = \"asyncos\"\nproduct = \"esa\"\nurl = \"{}\"\n\
                 auth = {{ method = \"basic\", username = \"admin\", password = {{ env = \"SEG_PASSWORD\" }} }}\n",
                url
            ),
        )?;
        self.write(
            "tracking.rhai",
            "print(target(\"esa\").tracking_messages(#{ start_date: date(\"2024-02-01\"), end_date: date(\"2024-02-04\") }).data.len());",
        )?;
        let path = "/esa/api/v2.0/message-tracking/messages?searchOption=messages&startDate=2024-02-01T00:00:00.000Z&endDate=2024-02-04T00:00:00.000Z";
        let arguments = ["-", &url, "admin", "lab-password", "get", path];
        let pairs = self.pairs(|| self.run(&["run", "tracking.rhai"]), || self.bare("bare-reqwest", &arguments))?;
        report("a tracking answer of 50 MB", &pairs);
        Ok(())
    }

    /// A script that could name any call, so that all of them are registered, against one that names none.
    fn every_call(&self) -> Result<(), Failure> {
        self.write("beadle.toml", "")?;
        self.write("all.rhai", "let f = Fn(\"len\"); print(1)")?;
        self.write("none.rhai", "print(1)")?;
        let pairs = self.pairs(|| self.run(&["run", "all.rhai"]), || self.run(&["run", "none.rhai"]))?;
        report("every call registered (bare: none)", &pairs);
        Ok(())
    }

    /// Two gigabytes up and down: memory is what matters.
    fn gigabytes(&self, runtime: &tokio::runtime::Runtime) -> Result<(), Failure> {
        const SIZE: u64 = 2 << 30;
        let lab =
            runtime.block_on(SpectraLab::start(SpectraOptions { backup_size: SIZE, ..SpectraOptions::default() }))?;
        self.write(
            "beadle.toml",
            &format!(
                "[targets.detect]\nvendor = \"spectra\"\nurl = \"{}\"\nallow = [\"read\", \"change\", \"destroy\"]\n\
                 timeout = \"300s\"\nauth = {{ method = \"token\", username = \"admin\", password = {{ env = \"SEG_PASSWORD\" }} }}\n",
                lab.url()
            ),
        )?;
        std::fs::File::create(self.folder.path().join("big.bin"))?.set_len(SIZE)?;
        self.write("up.rhai", "target(\"detect\").backup_restore_upload(#{ file: \"big.bin\" })")?;
        self.write("down.rhai", "print(target(\"detect\").backup_download(#{ to: \"out/big.bin\" }).size)")?;
        self.watching.set(true);
        for (what, script) in [("2 GB up", "up.rhai"), ("2 GB down, with SHA-256", "down.rhai")] {
            let took = self.run(&["run", script, "--yes"])?;
            println!("{what:<44} {:>7.1} ms {:>21}   {:.0} MB", took.wall.as_secs_f64() * 1000.0, "", took.megabytes);
        }
        self.watching.set(false);
        Ok(())
    }

    fn lab(&self, runtime: &tokio::runtime::Runtime, options: SegOptions) -> Result<SegLab, Failure> {
        let lab = runtime.block_on(SegLab::start(options))?;
        self.write("beadle.toml", &target(&lab, "seg"))?;
        Ok(lab)
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_string_lossy().into_owned()
    }

    fn write(&self, name: &str, text: &str) -> Result<(), Failure> {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().ok_or("no folder")?)?;
        Ok(std::fs::write(path, text)?)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.programs.path().join("beadle"));
        command.args(arguments).current_dir(self.folder.path()).env("SEG_PASSWORD", "lab-password");
        command
    }

    fn run(&self, arguments: &[&str]) -> Result<Took, Failure> {
        took(self.command(arguments), self.watching.get())
    }

    fn reference(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.programs.path().join(name));
        command.args(arguments).current_dir(self.folder.path());
        command
    }

    fn bare(&self, name: &str, arguments: &[&str]) -> Result<Took, Failure> {
        took(self.reference(name, arguments), self.watching.get())
    }

    fn pairs(
        &self,
        ours: impl Fn() -> Result<Took, Failure>,
        bare: impl Fn() -> Result<Took, Failure>,
    ) -> Result<Vec<(Took, Took)>, Failure> {
        let pair = |number| {
            self.watching.set(number == 0);
            Ok((ours()?, bare()?))
        };
        Ok(counted((0..=PAIRS).map(pair).collect::<Result<_, Failure>>()?))
    }
}

/// A running service, and the lines that it prints.
struct Serving {
    child: std::process::Child,
    lines: std::io::Lines<std::io::BufReader<std::process::ChildStdout>>,
}

impl Serving {
    fn start(mut command: Command) -> Result<Self, Failure> {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let out = child.stdout.take().ok_or("the service has no output")?;
        let mut serving = Self { child, lines: std::io::BufRead::lines(std::io::BufReader::new(out)) };
        serving.until("\"event\":\"ready\"")?;
        Ok(serving)
    }

    /// When the next line with this text comes.
    fn until(&mut self, text: &str) -> Result<Instant, Failure> {
        for line in self.lines.by_ref() {
            if line?.contains(text) {
                return Ok(Instant::now());
            }
        }
        Err(format!("the service has ended before {text}").into())
    }

    fn end(mut self) -> Result<(), Failure> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

/// Answers every request with the same bytes: the other side of a measurement of reading alone.
fn serve_bytes(body: Vec<u8>) -> Result<String, Failure> {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    std::thread::spawn(move || {
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
        for mut stream in listener.incoming().flatten() {
            let mut buffer = [0; 65_536];
            while stream.read(&mut buffer).is_ok_and(|read| read > 0) {
                if stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body)).is_err() {
                    break;
                }
            }
        }
    });
    Ok(url)
}

/// The time until a process has printed its first line.
fn first_line(mut command: Command) -> Result<Took, Failure> {
    let begun = Instant::now();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let mut line = String::new();
    if let Some(pipe) = child.stdout.take() {
        std::io::BufRead::read_line(&mut std::io::BufReader::new(pipe), &mut line)?;
    }
    let wall = begun.elapsed();
    child.wait()?;
    if line.is_empty() { Err(format!("{command:?} printed nothing").into()) } else { Ok(Took { wall, megabytes: 0.0 }) }
}

/// The pairs that count: all but the first one, which was watched, and whose memory stands for that of all.
fn counted(mut pairs: Vec<(Took, Took)>) -> Vec<(Took, Took)> {
    let watched = pairs.remove(0);
    for (ours, bare) in &mut pairs {
        (ours.megabytes, bare.megabytes) = (watched.0.megabytes, watched.1.megabytes);
    }
    pairs
}

/// Runs a process to its end. If it is watched, its memory is looked at until then.
fn took(mut command: Command, watched: bool) -> Result<Took, Failure> {
    let begun = Instant::now();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let status = format!("/proc/{}/status", child.id());
    let watcher = watched.then(|| std::thread::spawn(move || most_memory(&status)));
    let ended = child.wait()?;
    let wall = begun.elapsed();
    let megabytes = watcher.map_or(0.0, |watcher| watcher.join().unwrap_or_default());
    if !ended.success() {
        let mut text = String::new();
        if let Some(mut pipe) = child.stderr.take() {
            std::io::Read::read_to_string(&mut pipe, &mut text)?;
        }
        return Err(format!("{command:?} ended with {ended}: {text}").into());
    }
    Ok(Took { wall, megabytes })
}

/// The milliseconds that a process prints.
fn milliseconds(mut command: Command) -> Result<Took, Failure> {
    let out = command.output()?;
    let text = String::from_utf8(out.stdout)?;
    let printed = text.trim().parse::<f64>().map_err(|error| format!("{command:?} printed {text:?}: {error}"))?;
    Ok(Took { wall: Duration::from_secs_f64(printed / 1000.0), megabytes: 0.0 })
}

/// The greatest memory of a process in MB, by what the system tells until it ends.
fn most_memory(status: &str) -> f64 {
    let mut most = 0.0_f64;
    while let Ok(text) = std::fs::read_to_string(status) {
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let Some(kilobytes) = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok()) else {
            break;
        };
        most = most.max(kilobytes / 1024.0);
        std::thread::sleep(Duration::from_micros(500));
    }
    most
}

/// The median of what stands alone.
fn alone(what: &str, took: &mut [Took]) {
    took.sort_by_key(|took| took.wall);
    if let Some(middle) = took.get(took.len() / 2) {
        let millis = middle.wall.as_secs_f64() * 1000.0;
        println!("{what:<44} {millis:>7.1} ms {:>21}   {:.1} MB", "", middle.megabytes);
    }
}

fn report(what: &str, pairs: &[(Took, Took)]) {
    let median = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or_default()
    };
    let millis = |took: &Took| took.wall.as_secs_f64() * 1000.0;
    let ours = median(pairs.iter().map(|(ours, _)| millis(ours)).collect());
    let bare = median(pairs.iter().map(|(_, bare)| millis(bare)).collect());
    let ratio = median(pairs.iter().map(|(ours, bare)| millis(ours) / millis(bare)).collect());
    let memory = |values: Vec<f64>| median(values);
    let (our_memory, bare_memory) = (
        memory(pairs.iter().map(|(ours, _)| ours.megabytes).collect()),
        memory(pairs.iter().map(|(_, bare)| bare.megabytes).collect()),
    );
    println!("{what:<44} {ours:>7.1} ms {bare:>7.1} ms {ratio:>7.2}   {our_memory:.0} MB, bare {bare_memory:.0} MB");
}

fn target(lab: &SegLab, name: &str) -> String {
    let token = lab.token_url().map(|url| format!(", token_url = \"{url}\"")).unwrap_or_default();
    let (version, method) = if lab.token_url().is_some() { ("10", "token") } else { ("8", "basic") };
    format!(
        "[targets.{name}]\nvendor = \"seg\"\nurl = \"{}\"\nversion = \"{version}\"\n\
         auth = {{ method = \"{method}\", username = \"api\", password = {{ env = \"SEG_PASSWORD\" }}{token} }}\n",
        lab.api_url()
    )
}

fn credentials(lab: &SegLab) -> Result<Vec<String>, Failure> {
    let token = lab.token_url().ok_or("no token service")?;
    Ok(vec![token, lab.api_url(), "api".into(), "lab-password".into()])
}

fn with<'a>(arguments: &'a [String], more: &[&'a str]) -> Vec<&'a str> {
    arguments.iter().map(String::as_str).chain(more.iter().copied()).collect()
}
