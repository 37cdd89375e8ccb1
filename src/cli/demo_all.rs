//! `beadle demo --all`: a read, a change and a long job on each of the other vendors.

use std::path::Path;
use std::sync::Arc;

use crate::cli::ask;
use crate::cli::demo::private;
use crate::cli::exit::Exit;
use crate::cli::failure::CommandFailure;
use crate::cli::program::Program;
use crate::cli::screen::Screen;
use crate::config::Config;
use crate::door::Halt;
use crate::lab::{AnyLab, Wish};
use crate::run::params::{Given, resolve};
use crate::run::{Cause, Intent, Listener, Order, Outcome, Playbook, Project, Within, execute};
use crate::value::Value;

/// One vendor's job.
struct Job {
    vendor: &'static str,
    title: &'static str,
    /// A script, or the name of a playbook with its parameters.
    work: Work,
}

enum Work {
    Script(&'static str),
    Playbook(&'static str, &'static [(&'static str, &'static str)]),
}

const JOBS: [Job; 3] = [
    Job {
        vendor: "asyncos",
        title: "Cisco Secure Email: a report, a walk through message tracking, a sender on the blocklist",
        work: Work::Script(
            r#"let esa = target("esa-lab");
let report = esa.report_mail_incoming_traffic_summary(#{ start_date: hours_ago(24), end_date: now() });
let messages = 0;
for message in esa.tracking_messages_pages(#{ start_date: hours_ago(24), end_date: now(), limit: 20 }) { messages += 1; }
esa.blocklist_change(#{ action: "add", view_by: "recipient",
    recipient_addresses: ["user@example.net"], sender_list: ["offers@example.org"] });
let blocked = esa.blocklist(#{ view_by: "recipient" }).data.len();
table([#{ item: "report", value: report.data.type }, #{ item: "messages tracked", value: messages },
    #{ item: "recipients with a blocklist", value: blocked }]);
"#,
        ),
    },
    Job {
        vendor: "sps",
        title: "One Identity SPS: two settings in one transaction, and a support bundle",
        work: Work::Script(
            r#"let sps = target("sps-lab");
transaction(sps, "demo: another sender and time zone", || {
    sps.management_email_update(|mail| { mail.sender_address = "sps@example.org"; mail });
    sps.datetime_timezone_replace("Europe/Vienna");
});
let job = sps.support_bundle_create().key;
wait_until(#{ every: "50ms", timeout: "1m" }, || sps.support_bundle(job).body.status == "finished");
let bundle = sps.support_bundle_download(job, #{ to: "out/support.tar.gz" });
table([#{ item: "sender", value: sps.management_email().body.sender_address },
    #{ item: "time zone", value: sps.datetime_timezone().body }, #{ item: "bundle", value: `${bundle.size} bytes` }]);
"#,
        ),
    },
    Job {
        vendor: "spectra",
        title: "Spectra Detect: std/spectra/backup_then_upgrade",
        work: Work::Playbook("std/spectra/backup_then_upgrade", &[("target", "detect-lab"), ("every", "100ms")]),
    },
];

/// Shows every job.
///
/// # Errors
/// A job that did not succeed, or a lab with complaints.
pub fn show(
    program: &Program,
    runtime: &tokio::runtime::Runtime,
    folder: &Path,
    halt: &Halt,
) -> Result<(), CommandFailure> {
    for (number, job) in (7..).zip(JOBS) {
        let (on, off) = if program.colours() { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
        println!();
        println!("{on}{number}.{off} {}", job.title);
        let lab = runtime
            .block_on(AnyLab::start(Wish::of(job.vendor)))
            .map_err(|error| CommandFailure::failed(format!("the lab cannot start: {error}")))?;
        let own = folder.join(job.vendor);
        write_project(&own, &lab)?;
        run(program, runtime, &own, &job, halt)?;
        let (reads, _, applied) = lab.counts();
        let complaints = lab.complaints();
        if !complaints.is_empty() {
            return Err(CommandFailure::failed(format!("the lab is not content: {}", complaints.join("; "))));
        }
        println!("   the appliance answered {reads} reads, made {applied} changes, and had nothing to complain about");
    }
    Ok(())
}

fn write_project(folder: &Path, lab: &AnyLab) -> Result<(), CommandFailure> {
    std::fs::create_dir_all(folder.join("out"))?;
    let mut targets = lab.targets();
    for (name, value) in lab.environment() {
        let file = folder.join(name.to_lowercase());
        std::fs::write(&file, value)?;
        private(&file)?;
        targets =
            targets.replace(&format!("{{ env = \"{name}\" }}"), &format!("{{ file = \"{}\" }}", name.to_lowercase()));
    }
    let config = folder.join("beadle.toml");
    std::fs::write(&config, targets)?;
    private(&config)?;
    Ok(())
}

fn run(
    program: &Program,
    runtime: &tokio::runtime::Runtime,
    folder: &Path,
    job: &Job,
    halt: &Halt,
) -> Result<(), CommandFailure> {
    let (config, catalog) = Config::load(&folder.join("beadle.toml"), &program.environment)
        .map_err(|error| CommandFailure::failed(error.to_string()))?;
    let project = Project::new(config, catalog, runtime.handle().clone()).map_err(CommandFailure::failed)?;
    let (playbook, given) = match job.work {
        Work::Script(text) => (Playbook::of("demo", text.to_owned(), Some(folder.to_owned())), Vec::new()),
        Work::Playbook(name, given) => (Playbook::find(name, folder, folder), given.to_vec()),
    };
    let playbook = playbook.map_err(CommandFailure::failed)?;
    let given =
        given.into_iter().map(|(name, value)| (name.to_owned(), vec![Given::Typed(Value::from(value))])).collect();
    let params = resolve(&playbook.header, &given, &Within { project: &project, folder })
        .map_err(|mistakes| CommandFailure::failed(mistakes.join("; ")))?;
    let order = Order {
        playbook,
        params,
        event: crate::value::Map::new(),
        event_files: Vec::new(),
        cause: Cause::Command,
        intent: Intent::Live,
        allow_destroy: true,
        // The demo answers for its own lab.
        yes: true,
        ask: ask::terminal(halt),
        timeout: None,
        halt: halt.clone(),
    };
    let screen = Arc::new(Screen::new(project.masker().clone(), program.colours(), false));
    let ending = execute(&project, order, &(Arc::clone(&screen) as Arc<dyn Listener>));
    runtime.block_on(project.close());
    screen.ending(&ending);
    if ending.outcome == Outcome::Succeeded {
        return Ok(());
    }
    Err(CommandFailure { exit: Exit::of(&ending), message: "the demo's run did not succeed".into(), hints: Vec::new() })
}
