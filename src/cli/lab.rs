//! `beadle lab`: simulated appliances to try things on.

use std::io::Write;
use std::path::PathBuf;

use crate::cli::exit::Exit;
use crate::cli::failure::CommandFailure;
use crate::cli::program::{Done, Program};
use crate::cli::signals::cancel_on_signal;
use crate::door::Halt;
use crate::lab::{AnyLab, Faults, Wish};
use clap::{Args, Subcommand, ValueEnum};

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
    #[arg(long, default_value = "seg", value_parser = ["seg", "asyncos", "sps", "spectra"])]
    vendor: String,
    /// SEG: the generation
    #[arg(long, value_enum, default_value_t = Version::Ten)]
    generation: Version,
    /// Cisco Secure Email: the product
    #[arg(long, default_value = "esa", value_parser = ["esa", "sma"])]
    product: String,
    /// The API's port; 0 is any free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// SEG: the token service's port; Spectra Detect: the Worker's port; 0 is any free one
    #[arg(long, default_value_t = 0, alias = "worker-port")]
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
    /// SEG: refuse changes with status 400 instead of 200 and a reason
    #[arg(long)]
    refuse_with_400: bool,
    /// SEG: do not name the entry that is in the way of a delta
    #[arg(long)]
    hide_offender: bool,
    /// SEG: look at what a delta adds before looking at what it removes
    #[arg(long)]
    additions_first: bool,
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
        let wish = Wish {
            vendor: self.vendor.clone(),
            eight: self.generation == Version::Eight,
            sma: self.product == "sma",
            port: self.port,
            second_port: self.token_port,
            tls: self.tls,
            faults: Faults::parse(&self.faults).map_err(CommandFailure::usage)?,
            refuse_with_400: self.refuse_with_400,
            hide_offender: self.hide_offender,
            additions_first: self.additions_first,
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| CommandFailure::failed(error.to_string()))?;
        let lab = runtime
            .block_on(AnyLab::start(wish))
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
        if program.is_json() {
            println!("{}", lab.facts());
        } else {
            println!("# a simulated appliance; put this into beadle.toml, and say in the shell:");
            for (name, value) in lab.environment() {
                println!("#   export {name}={value}");
            }
            print!("{}", lab.targets());
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
