//! `beadle demo`: the lab, a ready project, and the main job on real input, in a few seconds.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use clap::Args;

use crate::catalog::Catalog;
use crate::cli::ask;
use crate::cli::exit::Exit;
use crate::cli::failure::CommandFailure;
use crate::cli::program::{Done, Program};
use crate::cli::screen::{Screen, millis};
use crate::cli::signals::cancel_on_signal;
use crate::config::Config;
use crate::door::Halt;
use crate::lab::{AnyLab, PASSWORD, SegLab, Wish};
use crate::run::params::{Given, resolve};
use crate::run::{Cause, Ending, Intent, Listener, Order, Outcome, Playbook, Project, Within, execute};
use crate::service::{Service, ServiceEvent};
use crate::value::Value;

/// Start the lab and a ready project, and block a real list on it
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Show a job on each of the other vendors too
    #[arg(long)]
    all: bool,
}

/// The IP group that the demo fills.
const GROUP: i64 = 16;

/// How long the dropped list may take.
const PATIENCE: Duration = Duration::from_secs(10);

impl DemoArgs {
    /// Shows it.
    pub fn exec(self, program: &Program) -> Done {
        let begun = Instant::now();
        let folder = tempfile::Builder::new().prefix("beadle-demo-").tempdir()?.keep();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| CommandFailure::failed(error.to_string()))?;
        let lab = runtime
            .block_on(AnyLab::start(Wish { tls: true, ..Wish::of("seg") }))
            .map_err(|error| CommandFailure::failed(format!("the lab cannot start: {error}")))?;
        let targets = lab.targets();
        let AnyLab::Seg(seg, ..) = lab else { return Err(CommandFailure::failed("the lab started another vendor")) };
        let halt = Halt::default();
        {
            let _entered = runtime.enter();
            cancel_on_signal(runtime.handle(), &halt);
        }
        let demo = Demo { program, folder: folder.clone(), seg, targets, halt };
        demo.say(1, &format!("a simulated SEG 10 listens at {}, strict and with TLS", demo.seg.api_url()));
        let list = demo.write_project()?;
        demo.say(2, &format!("a project stands in {}", folder.display()));
        let (config, catalog) = demo.config()?;
        let project = Project::new(config, catalog, runtime.handle().clone()).map_err(CommandFailure::failed)?;
        demo.main_job(&project, &list)?;
        demo.dropped_list(&project)?;
        demo.verify()?;
        if self.all {
            super::demo_all::show(program, &runtime, &folder, &demo.halt)?;
        }
        println!();
        println!("All of it took {}. Next:", millis(begun.elapsed()));
        if !self.all {
            println!("  beadle demo --all                 a job on each of the other vendors too");
        }
        println!("  beadle lab start                  a simulated appliance to keep, with its configuration");
        println!("  beadle init DIR                   a project of your own");
        println!("  beadle calls search block ip      the calls, by what they do");
        println!("  beadle repl                       type calls, with completion and help");
        drop(demo);
        runtime.shutdown_background();
        Ok(Exit::Succeeded)
    }
}

struct Demo<'a> {
    program: &'a Program,
    folder: PathBuf,
    seg: SegLab,
    targets: String,
    halt: Halt,
}

impl Demo<'_> {
    fn say(&self, number: u32, text: &str) {
        let (on, off) = if self.program.colours() { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
        println!("{on}{number}.{off} {text}");
    }

    /// `beadle.toml`, the list, the inbox.
    fn write_project(&self) -> Result<PathBuf, CommandFailure> {
        let write = |name: &str, text: &str| -> Result<PathBuf, CommandFailure> {
            let path = self.folder.join(name);
            std::fs::write(&path, text)
                .map_err(|error| CommandFailure::failed(format!("{}: {error}", path.display())))?;
            Ok(path)
        };
        std::fs::create_dir_all(self.folder.join("inbox"))?;
        write("seg.pem", self.seg.certificate_pem().unwrap_or_default())?;
        write("password", PASSWORD)?;
        let target = self.targets.replace("{ env = \"LAB_PASSWORD\" }", "{ file = \"password\" }")
            + "tls = { ca_file = \"seg.pem\" }\n";
        let config = format!(
            "{target}\n[never]\nnetworks = [\"203.0.113.0/24\"]   # ours: never blocked, whatever a list says\n\n\
             [watches.feed]\nplaybook = \"std/seg/bulk_ip_block\"\npaths = [\"inbox/*.txt\"]\nsettle = \"200ms\"\n\
             params = {{ target = \"seg-lab\", group = {GROUP}, list = \"${{event.path}}\" }}\n"
        );
        let path = write("beadle.toml", &config)?;
        private(&path)?;
        private(&self.folder.join("password"))?;
        write("blocklist.txt", &blocklist())
    }

    fn config(&self) -> Result<(Config, Catalog), CommandFailure> {
        Config::load(&self.folder.join("beadle.toml"), &self.program.environment)
            .map_err(|error| CommandFailure::failed(error.to_string()))
    }

    /// Plans the block, then does it.
    fn main_job(&self, project: &Arc<Project>, list: &Path) -> Result<(), CommandFailure> {
        let lines = std::fs::read_to_string(list)?.lines().count();
        println!();
        self.say(3, &format!("plan: beadle run std/seg/bulk_ip_block … list=blocklist.txt ({lines} lines) --dry-run"));
        let (_, writes, _) = self.seg.counts();
        self.run(project, list, true)?;
        let (_, after, _) = self.seg.counts();
        if after != writes {
            return Err(CommandFailure::failed("the lab saw a write during the dry run"));
        }
        println!("   the lab saw no write");
        println!();
        self.say(4, "do it: the same without --dry-run");
        self.run(project, list, false)
    }

    fn run(&self, project: &Arc<Project>, list: &Path, dry: bool) -> Result<(), CommandFailure> {
        let playbook =
            Playbook::find("std/seg/bulk_ip_block", &self.folder, &self.folder).map_err(CommandFailure::failed)?;
        let given = [
            ("target", Value::from("seg-lab")),
            ("group", Value::Int(GROUP)),
            ("list", Value::from(list.to_string_lossy().into_owned())),
        ];
        let given = given.into_iter().map(|(name, value)| (name.to_owned(), vec![Given::Typed(value)])).collect();
        let params = resolve(&playbook.header, &given, &Within { project, folder: &self.folder })
            .map_err(|mistakes| CommandFailure::failed(mistakes.join("; ")))?;
        let order = Order {
            playbook,
            params,
            event: crate::value::Map::new(),
            event_files: Vec::new(),
            cause: Cause::Command,
            intent: Intent::dry(dry),
            allow_destroy: false,
            yes: false,
            ask: ask::terminal(&self.halt),
            timeout: None,
            halt: self.halt.clone(),
        };
        let screen = Arc::new(Screen::new(project.masker().clone(), self.program.colours(), false));
        let ending = execute(project, order, &(Arc::clone(&screen) as Arc<dyn Listener>));
        screen.ending(&ending);
        if ending.outcome == Outcome::Succeeded {
            return Ok(());
        }
        Err(CommandFailure {
            exit: Exit::of(&ending),
            message: "the demo's run did not succeed".into(),
            hints: Vec::new(),
        })
    }

    /// Serves the project, drops a second list into its inbox, and waits for the run that it starts.
    fn dropped_list(&self, project: &Arc<Project>) -> Result<(), CommandFailure> {
        println!();
        self.say(5, "serve: a list is dropped into inbox/, and starts a run by itself");
        let screen = Screen::new(project.masker().clone(), self.program.colours(), false);
        let halt = Halt::default();
        let (sender, events) = channel();
        let tell = Arc::new(move |event: ServiceEvent| {
            // The demo may have stopped listening.
            let _gone = sender.send(event);
        });
        let serving = {
            let (service, halt) = (Service::new(Arc::clone(project), tell), halt.clone());
            std::thread::spawn(move || service.serve(&halt))
        };
        let waited = self.wait_for_run(&events, &screen);
        halt.cancel();
        let served = serving.join().unwrap_or_else(|_| Err("the service failed".into()));
        waited.and(served.map_err(CommandFailure::failed))
    }

    fn wait_for_run(&self, events: &Receiver<ServiceEvent>, screen: &Screen) -> Result<(), CommandFailure> {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if self.halt.cancelled().is_cancelled() {
                return Err(CommandFailure { exit: Exit::Cancelled, message: "cancelled".into(), hints: Vec::new() });
            }
            match events.recv_timeout(left.min(Duration::from_millis(200))) {
                Ok(ServiceEvent::Ready(..)) => {
                    // Renamed into place, as a careful sender does it.
                    let part = self.folder.join("inbox/second.part");
                    std::fs::write(
                        &part,
                        "192.0.2.64/26   # part of what is blocked already\n100.64.7.0/24\n2001:db8:7::/48\n",
                    )?;
                    std::fs::rename(part, self.folder.join("inbox/second.txt"))?;
                }
                Ok(ServiceEvent::Started { trigger, why, .. }) => {
                    let name = Path::new(&why).file_name().map(|name| name.to_string_lossy().into_owned());
                    println!("   the watch '{trigger}' saw {} and started a run", name.unwrap_or(why));
                }
                Ok(ServiceEvent::Run { event, .. }) => screen.on(event),
                Ok(ServiceEvent::Notice(text) | ServiceEvent::Problem(text)) => screen.note(&text),
                Ok(ServiceEvent::Ended(_, ending)) => return succeeded(&ending),
                Ok(ServiceEvent::Ending(..)) | Err(_) if left.is_zero() => {
                    return Err(CommandFailure::failed("the dropped list started no run within ten seconds"));
                }
                Ok(_) | Err(_) => {}
            }
        }
    }

    /// What the API itself can show: the lab's listing of the group, and what it complained about.
    fn verify(&self) -> Result<(), CommandFailure> {
        println!();
        let entries = self.seg.ip_group(GROUP);
        let ours = entries.iter().filter(|entry| entry.starts_with("203.0.113.")).count();
        let (_, writes, applied) = self.seg.counts();
        self.say(
            6,
            &format!("the appliance holds {} entries after {applied} changes in {writes} requests", entries.len()),
        );
        println!("   {ours} of them in 203.0.113.0/24, which the never-touch list protects");
        let complaints = self.seg.complaints();
        if ours > 0 || !complaints.is_empty() || entries.is_empty() {
            return Err(CommandFailure::failed(format!("the lab is not content: {}", complaints.join("; "))));
        }
        println!("   it had nothing to complain about");
        Ok(())
    }
}

fn succeeded(ending: &Ending) -> Result<(), CommandFailure> {
    match &ending.error {
        None => Ok(()),
        Some(error) => Err(CommandFailure::failed(format!("the dropped list's run failed: {}", error.message))),
    }
}

pub(super) fn private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
}

/// A list as feeds write them: remarks, doubles, nonsense, ranges, and some thousand networks, all of
/// them from documentation, reserved and benchmarking ranges.
fn blocklist() -> String {
    let mut list = String::from(
        "# threat feed, example\n192.0.2.0/25\n192.0.2.128/25\n198.51.100.7\n198.51.100.7   # twice\n\
         198.51.100.64-198.51.100.95\n2001:db8:bad::/48\n203.0.113.66   # this one is ours\nnot an address\n10.0.0.300\n\n",
    );
    // Every second /28 of the benchmarking range cannot be aggregated with its neighbour.
    for second in 18..20 {
        for third in 0..256 {
            for fourth in (0..256).step_by(32) {
                list.push_str(&format!("198.{second}.{third}.{fourth}/28\n"));
            }
        }
    }
    list
}
