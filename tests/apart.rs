//! Scripts that the service has interpreted by processes of their own: they come to the same as at the
//! terminal, and whatever becomes of such a process harms nothing else.

use std::time::{Duration, Instant};

use serde_json::Value as Json;

use crate::support::Sandbox;
use crate::support::lab::{PASSWORD, Seg};
use crate::support::service::{Service, is_alive, send, watch, within};

/// What the journal has of a run, without what differs from one execution to the next.
fn journal(sandbox: &Sandbox, id: &str) -> Json {
    let mut document: Json = serde_json::from_str(&sandbox.run(&["runs", "export", id]).code(0).out).unwrap();
    let mut run = document["run"].take();
    clean(&mut run);
    run
}

fn clean(run: &mut Json) {
    let members = run.as_object_mut().unwrap();
    for member in ["id", "parent", "cause", "started", "ended", "ran", "event", "host", "user", "terminal"] {
        members.remove(member);
    }
    for entry in members["entries"].as_array_mut().unwrap() {
        for member in ["begun", "ended"] {
            entry.as_object_mut().unwrap().remove(member);
        }
        if entry["kind"] == "run_playbook" {
            entry.as_object_mut().unwrap().remove("note");
        }
    }
    // Branches that run at once get their numbers as it happens.
    members["entries"]
        .as_array_mut()
        .unwrap()
        .sort_by_key(|entry| (entry["path"].to_string(), entry["position"].as_u64()));
    let mut numbered = members["entries"].take();
    for entry in numbered.as_array_mut().unwrap() {
        entry.as_object_mut().unwrap().remove("number");
    }
    members["entries"] = numbered;
    members["children"].as_array_mut().unwrap().iter_mut().for_each(clean);
}

fn latest(sandbox: &Sandbox) -> String {
    let listed: Json = serde_json::from_str(&sandbox.run(&["--format", "json", "runs", "list"]).code(0).out).unwrap();
    listed[0]["id"].as_str().unwrap().to_owned()
}

fn state(sandbox: &Sandbox, id: &str) -> String {
    let listed: Json = serde_json::from_str(&sandbox.run(&["--format", "json", "runs", "list"]).code(0).out).unwrap();
    let run = listed.as_array().unwrap().iter().find(|run| run["id"] == id).unwrap();
    run["outcome"].as_str().unwrap().to_owned()
}

const SECRET: &str = "[secrets.key]\nenv = \"SEG_PASSWORD\"\n";

#[test]
fn a_script_comes_to_the_same_apart_and_at_the_terminal() {
    let header = "//! X.\n//!\n//! ```toml\n//! [params]\n//! n = { type = \"int\", default = 4 }\n//! [policy]\n//! effects = [\"read\"]\n//! ```\n";
    let scripts = [
        "let s = target(\"seg\"); print(s.groups().len()); s.groups()",
        "import \"lib/more\" as m; print(m::twice(4)); m::twice(params.len())",
        "let name = \"lib/more\"; import name as m; m::twice(1)",
        "import \"lib/nothing\" as m; 1",
        "let a = parallel([1, 2, 3], |x| { sleep(0.01 * x); store.set(`k${x}`, x); target(\"seg\").groups().len() + x }); a",
        "step(\"one\", || store.set(\"a\", [1, (), 0.1, duration(\"90s\")])); store.get(\"a\")",
        "let m = #{ a: 1 };\nfn deep(m) { m.b }\ndeep(m)",
        "let x = 5; throw #{ kind: \"mine\", n: x }",
        "prnt(\"x\")",
        "target(\"sig\").groups()",
        "try { target(\"seg\").ip_group_delta(16, #{ add: [#{ cidr: 99 }] }) } catch (e) { e.message }",
        "target(\"seg\").ip_group_delta(16, #{ add: [#{ ip_address_start: \"192.0.2.1\", cidr: 32, name: \"a\" }] }); 1",
        "target(\"seg\").request(\"PUT\", \"/nothing\", #{ body: (), query: #{ a: 1 } })",
        "target(\"seg\").config_backup_run(#{ include_dkim: true, dkim_password: secret(\"key\") }); secret(\"key\")",
        "write_file(\"/etc/passwd\", \"x\")",
        "write_file(\"out/x.txt\", \"x\"); read_file(\"out/x.txt\")",
        "parallel_settled([1, 2], |n| if n == 2 { fail(\"no\") } else { n })",
        // One after the other: how many have begun when one fails is chance otherwise.
        "parallel([1, 2, 3], #{ limit: 1 }, |n| if n == 2 { fail(\"no\") } else { n })",
        "run_playbook(\"inner\", #{ n: 3 })",
        "try { run_playbook(\"inner\", #{ n: 0 }) } catch (e) { e.message }",
        "fail(\"it is over\")",
        "let n = 0; loop { n += 1; }",
        "let t = \"x\"; loop { t += t; }",
        "fn f(n) { f(n + 1) }\nf(0)",
    ];
    let with_header = format!("{header}store.set(\"a\", 1); target(\"seg\").ip_group_delta(16, #{{ remove: [] }})");
    let config = format!("{SECRET}[limits]\nsteps = 200000\nmemory = \"50MB\"\n{}", watch("p"));
    let inner = header.replace("effects = [\"read\"]", "effects = [\"read\", \"change\"]");
    let inner = format!("{inner}if params.n == 0 {{ fail(\"none\") }} store.set(\"i\", params.n); params.n + 1");
    let labs = [Seg::ten(), Seg::ten()];
    let [here, there] = labs.each_ref().map(|seg| {
        let sandbox = Sandbox::with_seg(seg, &config);
        sandbox.write("playbooks/lib/more.rhai", "fn twice(n) { n * 2 }");
        sandbox.write("playbooks/inner.rhai", &inner);
        sandbox
    });
    let placed = |text: &str, sandbox: &Sandbox| text.replace(&*sandbox.path().to_string_lossy(), "DIR");
    let service = Service::start(&there);
    for script in scripts.into_iter().chain([with_header.as_str()]) {
        here.write("playbooks/p.rhai", script);
        let ran = here.run(&["run", "p"]);
        let at_the_terminal = journal(&here, &latest(&here));
        there.write("playbooks/p.rhai", script);
        service.fire(&there, "p");
        let end = service.ended();
        let apart = journal(&there, &latest(&there));
        let [apart, terminal] = [(apart, &there), (at_the_terminal, &here)]
            .map(|(run, sandbox)| serde_json::from_str::<Json>(&placed(&run.to_string(), sandbox)).unwrap());
        assert_eq!(apart, terminal, "{script}\n{}", ran.err);
        assert_eq!(end["outcome"], terminal["outcome"], "{script}");
        let report = placed(end["error"]["report"].as_str().unwrap_or_default().trim_end(), &there);
        let said = placed(&ran.err, &here);
        assert!(said.contains(&report), "{script}\n-- apart\n{report}\n-- at the terminal\n{said}");
    }
    labs.iter().for_each(Seg::is_content);
    service.end();
}

#[test]
fn an_interpreter_has_no_secret_no_file_no_network_and_no_environment() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, &format!("{SECRET}{}", watch("p")));
    let script = "let k = secret(\"key\"); target(\"seg\").groups(); print(\"begun\"); sleep(\"20s\"); k";
    sandbox.write("playbooks/p.rhai", script);
    let service = Service::start(&sandbox);
    service.fire(&sandbox, "p");
    service.wait_for("begun");
    let process = service.interpreter();
    let fact = |name: &str| std::fs::read_to_string(format!("/proc/{process}/{name}")).unwrap();
    let status = fact("status");
    for line in ["NoNewPrivs:\t1", "Seccomp:\t2"] {
        assert!(status.contains(line), "{line} is missing:\n{status}");
    }
    let limits = fact("limits");
    let limit = |name: &str| limits.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    assert!(limit("Max core file size").contains("0                    0"), "{limits}");
    assert!(!limit("Max address space").contains("unlimited            unlimited            bytes"), "{limits}");
    assert!(!limit("Max cpu time").contains("unlimited"), "{limits}");
    assert_eq!(fact("environ"), "");
    let open: Vec<_> = std::fs::read_dir(format!("/proc/{process}/fd"))
        .unwrap()
        .map(|entry| std::fs::read_link(entry.unwrap().path()).unwrap().to_string_lossy().into_owned())
        .collect();
    // The pipe to the service as standard input and under other numbers, nothing as output, a pipe for errors.
    let allowed = |link: &String| link.starts_with("socket:") || link.starts_with("pipe:") || link == "/dev/null";
    assert!(open.iter().all(allowed), "{open:?}");
    assert!(
        !memory_of(process).windows(PASSWORD.len()).any(|bytes| bytes == PASSWORD.as_bytes()),
        "the secret has crossed"
    );
    service.end();
}

/// Everything that a process has written to its memory.
fn memory_of(process: u32) -> Vec<u8> {
    use std::os::unix::fs::FileExt;
    let maps = std::fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
    let memory = std::fs::File::open(format!("/proc/{process}/mem")).unwrap();
    let mut all = Vec::new();
    for line in maps.lines().filter(|line| line.contains(" rw-p ")) {
        let (from, rest) = line.split_once('-').unwrap();
        let to = rest.split_once(' ').unwrap().0;
        let (from, to) = (u64::from_str_radix(from, 16).unwrap(), u64::from_str_radix(to, 16).unwrap());
        let mut part = vec![0; usize::try_from(to - from).unwrap().min(80 << 20)];
        if memory.read_exact_at(&mut part, from).is_ok() {
            all.extend(part);
        }
    }
    assert!(all.len() > 100_000, "nothing could be read");
    all
}

/// What ends the process of a script, and what the service says of it.
const BOMBS: &[(&str, &str)] = &[
    // More at once than the limit of its address space has, by a function that asks for no room first.
    ("let t = \"x\"; while t.len() < 30000000 { t += t; } t.split(\"\").len()", "memory"),
    // A chain of closures that takes the whole stack to be taken apart.
    ("let f = || 1; for n in 0..400000 { let g = f; f = || g; } 1", "stack"),
];

#[test]
fn a_bomb_ends_its_own_run_and_no_other() {
    let seg = Seg::ten();
    let config = format!("[limits]\nmemory = \"100MB\"\n{}{}", watch("bomb"), watch("good"));
    let sandbox = Sandbox::with_seg(&seg, &config);
    let good = "print(\"begun\"); sleep(\"5s\"); target(\"seg\").groups().len()";
    sandbox.write("playbooks/good.rhai", good);
    let service = Service::start(&sandbox);
    for (script, said) in BOMBS {
        sandbox.write("playbooks/bomb.rhai", &format!("target(\"seg\").groups();\n{script}"));
        service.fire(&sandbox, "good");
        service.wait_for("begun");
        service.fire(&sandbox, "bomb");
        let (mut has_said, mut is_good) = (false, false);
        while !(has_said && is_good) {
            let end = service.ended();
            if end["outcome"] == "succeeded" {
                is_good = true;
                continue;
            }
            // The service goes on with it, to the same end.
            assert_eq!(end["outcome"], "interrupted", "{script}: {end}");
            let message = end["error"]["message"].as_str().unwrap();
            assert!(message.contains("SIGABRT"), "{message}");
            has_said |= message.contains(said);
        }
    }
    assert_eq!(service.end(), 0);
}

const ONCE: &str = "let s = target(\"seg\");\n\
    s.ip_group_delta(16, #{ add: [#{ ip_address_start: \"192.0.2.1\", cidr: 32, name: \"a\" }] });\n\
    print(\"changed\");\nif store.get(\"go on\") != true { sleep(\"60s\"); }\n\
    s.ip_group_delta(16, #{ add: [#{ ip_address_start: \"192.0.2.2\", cidr: 32, name: \"b\" }] });\n\"done\"";

#[test]
fn a_killed_interpreter_is_an_interrupted_run_that_the_service_goes_on_with() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, &watch("p"));
    sandbox.write("playbooks/p.rhai", &ONCE.replace("sleep(\"60s\")", "sleep(\"3s\")"));
    let service = Service::start(&sandbox);
    service.fire(&sandbox, "p");
    service.wait_for("changed");
    send("KILL", service.interpreter());
    let end = service.ended();
    assert_eq!(end["outcome"], "interrupted", "{end}");
    assert!(end["error"]["message"].as_str().unwrap().contains("was killed"), "{end}");
    let id = latest(&sandbox);
    let end = service.ended();
    assert_eq!(end["outcome"], "succeeded", "{end}");
    assert_eq!(latest(&sandbox), id, "it is the same run");
    assert_eq!(seg.lab.ip_group(16), ["192.0.2.1/32", "192.0.2.2/32"]);
    assert_eq!(seg.writes(), 2, "each change was made once");
    sandbox.run(&["runs", "verify"]).code(0);
    // The service goes on as well.
    sandbox.write("playbooks/p.rhai", "7");
    service.fire(&sandbox, "p");
    assert_eq!(service.ended()["outcome"], "succeeded");
    assert_eq!(service.end(), 0);
}

#[test]
fn a_hanging_interpreter_is_killed_when_its_run_is_cancelled_or_out_of_time() {
    let seg = Seg::ten();
    let timed = watch("timed").replace("settle", "timeout = \"3s\"\nsettle");
    let sandbox = Sandbox::with_seg(&seg, &format!("{}{timed}", watch("p")));
    for name in ["p", "timed"] {
        sandbox.write(&format!("playbooks/{name}.rhai"), "target(\"seg\").groups(); print(\"begun\"); loop { }");
    }
    let service = Service::start(&sandbox);
    service.fire(&sandbox, "p");
    service.wait_for("begun");
    // A process that is stopped answers as little as one that hangs in a function of the host.
    send("STOP", service.interpreter());
    let begun = Instant::now();
    sandbox.run(&["runs", "cancel", "latest"]).code(0).err(&["cancelled"]);
    assert!(begun.elapsed() < Duration::from_secs(9), "{:?}", begun.elapsed());
    let end = service.ended();
    let hung = "its interpreter did not answer any more, and was killed";
    assert_eq!(end["error"]["message"], format!("the run was cancelled; {hung}"));
    service.fire(&sandbox, "timed");
    service.wait_for("begun");
    send("STOP", service.interpreter());
    let end = service.ended();
    assert_eq!(end["outcome"], "timed-out", "{end}");
    assert_eq!(end["error"]["message"], format!("the run's time is up; {hung}"));
    sandbox.run(&["runs", "show", "latest"]).code(0).out(&["timed-out", hung]);
    assert!(service.interpreters().is_empty());
    assert_eq!(service.end(), 0);
}

#[test]
fn a_cancel_and_a_time_out_end_a_busy_script_by_themselves() {
    let seg = Seg::ten();
    let timed = watch("timed").replace("settle", "timeout = \"1s\"\nsettle");
    let sandbox = Sandbox::with_seg(&seg, &format!("{}{timed}", watch("p")));
    sandbox.write("playbooks/p.rhai", "print(\"begun\");\nloop { }");
    sandbox.write("playbooks/timed.rhai", "loop { }");
    let service = Service::start(&sandbox);
    service.fire(&sandbox, "p");
    service.wait_for("begun");
    // What is printed may be seen an instant before the run stands in the database.
    let cancelled = || (sandbox.run(&["runs", "cancel", "latest"]).code == 0).then_some(());
    assert!(within(Duration::from_secs(5), cancelled).is_some(), "it cannot be cancelled");
    let end = service.ended();
    assert_eq!(end["error"]["message"], "the run was cancelled");
    assert!(end["error"]["report"].as_str().unwrap().contains("p:2:"), "{end}");
    service.fire(&sandbox, "timed");
    assert_eq!(service.ended()["error"]["message"], "the run's time is up");
    service.end();
}

#[test]
fn a_killed_service_leaves_no_interpreter_behind() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, &watch("p"));
    sandbox.write("playbooks/p.rhai", "print(\"begun\"); loop { }");
    let service = Service::start(&sandbox);
    service.fire(&sandbox, "p");
    service.wait_for("begun");
    let process = service.interpreter();
    service.kill();
    assert!(within(Duration::from_secs(5), || (!is_alive(process)).then_some(())).is_some(), "it is still there");
}

#[test]
fn a_hundred_branches_are_under_way_at_once() {
    let seg = Seg::faulty(&["latency=1s@groups"]);
    let sandbox = Sandbox::with_seg(&seg, &watch("p"));
    let config = sandbox.read("beadle.toml").replace("timeout = \"2s\"", "timeout = \"30s\"\nmax_in_flight = 100");
    sandbox.write("beadle.toml", &config);
    let script =
        "let s = target(\"seg\"); let l = []; l.pad(100, s); parallel(l, #{ limit: 100 }, |t| t.groups().len()).len()";
    sandbox.write("playbooks/p.rhai", script);
    let service = Service::start(&sandbox);
    service.fire(&sandbox, "p");
    let end = service.ended();
    assert_eq!(end["value"], 100, "{end}");
    let elapsed = end["elapsed_ms"].as_u64().unwrap();
    assert!(elapsed < 30_000, "one after the other they take 100 s, and they took {elapsed} ms");
    service.end();
}

/// A project with a run that waits for `length`, which is long here from one second on.
fn waiting(seg: &Seg, length: &str) -> Sandbox {
    let mut sandbox = Sandbox::with_seg(seg, &watch("p"));
    sandbox.env("BEADLE_TEST_LONG_WAIT", "1s");
    let script = format!(
        "let s = target(\"seg\");\ns.ip_group_delta(16, #{{ add: [#{{ ip_address_start: \"192.0.2.1\", cidr: 32, name: \"a\" }}] }});\n\
         print(\"changed\");\nparallel([1, 2], |n| sleep(\"{length}\"));\n\
         s.ip_group_delta(16, #{{ add: [#{{ ip_address_start: \"192.0.2.2\", cidr: 32, name: \"b\" }}] }});\nprint(\"woken\");\n\"done\""
    );
    sandbox.write("playbooks/p.rhai", &script);
    sandbox
}

fn until_waiting(sandbox: &Sandbox, service: &Service) -> String {
    service.fire(sandbox, "p");
    service.wait_for("changed");
    let id = latest(sandbox);
    let waits = within(Duration::from_secs(30), || (state(sandbox, &id) == "waiting").then_some(()));
    assert!(waits.is_some(), "it is {}", state(sandbox, &id));
    assert!(service.interpreters().is_empty(), "no process waits with it");
    id
}

#[test]
fn a_long_wait_ends_the_process_and_its_run_goes_on_when_it_is_over() {
    let seg = Seg::ten();
    let sandbox = waiting(&seg, "15s");
    let service = Service::start(&sandbox);
    let id = until_waiting(&sandbox, &service);
    sandbox.run(&["runs", "show", &id]).code(0).out(&["waiting until 20"]);
    sandbox.run(&["runs", "list", "--outcome", "waiting"]).code(0).out(&["waiting"]);
    let end = service.ended();
    assert_eq!((&end["outcome"], &end["value"]), (&"succeeded".into(), &"done".into()), "{end}");
    assert!(end["elapsed_ms"].as_u64().unwrap() >= 15_000);
    assert_eq!(seg.writes(), 2, "each change was made once");
    let run = journal(&sandbox, &id);
    assert_eq!(run["resumed"], 0, "a wait is no interruption");
    sandbox.run(&["runs", "verify"]).code(0);
    service.end();
}

#[test]
fn a_wait_outlasts_the_service() {
    let seg = Seg::ten();
    for kill in [false, true] {
        seg.lab.empty_ip_group(16);
        let before = seg.writes();
        let sandbox = waiting(&seg, "20s");
        let service = Service::start(&sandbox);
        let id = until_waiting(&sandbox, &service);
        if kill {
            service.kill();
        } else {
            assert_eq!(service.end(), 0);
        }
        assert_eq!(state(&sandbox, &id), "waiting");
        let service = Service::start(&sandbox);
        let end = service.ended();
        assert_eq!(end["value"], "done", "{end}");
        assert_eq!(seg.writes() - before, 2, "each change was made once");
        assert_eq!(state(&sandbox, &id), "succeeded");
        let explained = sandbox.run(&["triggers", "explain", "p"]).code(0);
        assert!(explained.out.contains("due 1 = started 1 + merged 0 + skipped 0 + queued 0"), "{}", explained.out);
        service.end();
    }
}

#[test]
fn a_waiting_run_is_cancelled_and_goes_on_by_hand() {
    let seg = Seg::ten();
    let sandbox = waiting(&seg, "600s");
    let service = Service::start(&sandbox);
    until_waiting(&sandbox, &service);
    sandbox.run(&["runs", "cancel", "latest"]).code(0).err(&["cancelled"]);
    assert_eq!(service.ended()["outcome"], "cancelled");
    // One that no service owns is ended by whoever wants it.
    seg.lab.empty_ip_group(16);
    let id = until_waiting(&sandbox, &service);
    assert_eq!(service.end(), 0);
    sandbox.run(&["runs", "cancel", &id]).code(0).err(&["cancelled"]);
    assert_eq!(state(&sandbox, &id), "cancelled");
    sandbox.run(&["triggers", "explain", "p"]).code(0).out(&[&format!("run {id} cancelled")]);
    let text = sandbox.read("playbooks/p.rhai").replace("600s", "1s");
    sandbox.write("playbooks/p.rhai", &text);
    sandbox.run(&["runs", "verify"]).code(0);
}
