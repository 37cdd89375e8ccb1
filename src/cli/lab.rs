//! `beadle lab`: simulated appliances to try things on.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use crate::cli::exit::Exit;
use crate::cli::failure::CommandFailure;
use crate::cli::program::{Done, Program};
use crate::cli::signals::cancel_on_signal;
use crate::door::Halt;
use crate::lab::{Faults, Generation, RefusalStyle, SegLab, SegOptions};

/// Start simulated appliances
#[derive(Debug, Subcommand)]
pub enum LabCommand {
    /// Start a simulated appliance and keep it until Ctrl-C
    Start(StartArgs),
}

/// Start a simulated appliance and keep it until Ctrl-C
#[derive(Debug, Args)]
pub struct StartArgs {
    /// The vendor
    #[arg(long, default_value = "seg", value_parser = ["seg"])]
    vendor: String,
    /// The generation
    #[arg(long, value_enum, default_value_t = Version::Ten)]
    generation: Version,
    /// The API's port; 0 is any free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The token service's port; 0 is any free one
    #[arg(long, default_value_t = 0)]
    token_port: u16,
    /// Speak TLS, with a self-signed certificate
    #[arg(long)]
    tls: bool,
    /// Write the certificate to this file
    #[arg(long, requires = "tls", value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// Something that goes wrong: latency=50ms, every=7:503, lost=3, … (repeat for more)
    #[arg(long = "fault", value_name = "FAULT")]
    faults: Vec<String>,
    /// Refuse changes with status 400 instead of 200 and a reason
    #[arg(long)]
    refuse_with_400: bool,
    /// Do not name the entry that is in the way of a delta
    #[arg(long)]
    hide_offender: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Version {
    /// 8.x, with Basic.
    #[value(name = "8")]
    Eight,
    /// 10.x, with a token service.
    #[value(name = "10")]
    Ten,
}

impl LabCommand {
    /// Starts what is asked for.
    pub fn exec(self, program: &Program) -> Done {
        let Self::Start(args) = self;
        args.exec(program)
    }
}

impl StartArgs {
    fn exec(self, program: &Program) -> Done {
        let eight = self.generation == Version::Eight;
        let options = SegOptions {
            generation: if eight { Generation::Eight } else { Generation::Ten },
            port: self.port,
            token_port: self.token_port,
            tls: self.tls,
            username: if eight { "LAB\\api".into() } else { "api".into() },
            faults: Faults::parse(&self.faults).map_err(CommandFailure::usage)?,
            refusals: if self.refuse_with_400 { RefusalStyle::BadRequest } else { RefusalStyle::Ok },
            names_offender: !self.hide_offender,
            ..SegOptions::default()
        };
        let (username, password) = (options.username.clone(), options.password.clone());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| CommandFailure::failed(error.to_string()))?;
        let lab = runtime
            .block_on(SegLab::start(options))
            .map_err(|error| CommandFailure::failed(format!("the lab cannot start: {error}")))?;
        if let (Some(file), Some(pem)) = (&self.certificate, lab.certificate_pem()) {
            std::fs::write(file, pem)
                .map_err(|error| CommandFailure::failed(format!("{}: {error}", file.display())))?;
        }
        let halt = Halt::default();
        {
            let _entered = runtime.enter();
            cancel_on_signal(runtime.handle(), &halt);
        }
        let version = if eight { "8" } else { "10" };
        if program.is_json() {
            let facts = json!({
                "vendor": self.vendor, "version": version, "url": lab.api_url(), "token_url": lab.token_url(),
                "username": username, "password": password, "fingerprint_sha256": lab.fingerprint(),
            });
            println!("{facts}");
        } else {
            println!("# a simulated SEG {version}; put this into beadle.toml, and export SEG_PASSWORD='{password}'");
            print!("{}", target(&lab, version, &username));
            eprintln!("running; Ctrl-C ends it");
        }
        std::io::stdout().flush()?;
        runtime.block_on(halt.cancelled().cancelled());
        let (reads, writes, applied) = lab.counts();
        if !program.is_json() {
            eprintln!("saw {reads} reads and {writes} writes, of which {applied} changed something");
            for complaint in lab.complaints() {
                eprintln!("complaint: {complaint}");
            }
        }
        Ok(Exit::Succeeded)
    }
}

/// The target's table for a configuration.
pub fn target(lab: &SegLab, version: &str, username: &str) -> String {
    let auth = match lab.token_url() {
        Some(token_url) => format!(
            "{{ method = \"token\", username = '{username}', password = {{ env = \"SEG_PASSWORD\" }}, token_url = \"{token_url}\" }}"
        ),
        None => format!("{{ method = \"basic\", username = '{username}', password = {{ env = \"SEG_PASSWORD\" }} }}"),
    };
    format!(
        "[targets.seg-lab]\nvendor = \"seg\"\nurl = \"{}\"\nversion = \"{version}\"\nauth = {auth}\n",
        lab.api_url()
    )
}
