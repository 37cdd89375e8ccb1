//! `beadle vendors`: which there are, and catalogs from what appliances say of themselves.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use serde_json::json;

use crate::catalog::{Catalog, Effect, Vendor, bind};
use crate::cli::exit::Exit;
use crate::cli::failure::CommandFailure;
use crate::cli::program::{Done, Program};
use crate::door::Halt;
use crate::fault::Failure;
use crate::run::Project;
use crate::vendors::import::{self, Drift, FoundCall, Imported, Order};

/// Vendors, and catalogs from what appliances say of themselves
#[derive(Debug, Subcommand)]
pub enum VendorsCommand {
    /// List the vendors and how many calls they have
    List,
    /// Make a catalog from a SEG target, or from an OpenAPI or Swagger document
    Import(ImportArgs),
    /// Compare a target's own listing with the catalog
    Drift(DriftArgs),
}

/// Make a catalog from a SEG target, or from an OpenAPI or Swagger document
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// A target, a file or a URL
    #[arg(value_name = "TARGET|FILE|URL")]
    source: String,
    /// The vendor's id; a target's own by default
    #[arg(long = "as", value_name = "NAME")]
    name: Option<String>,
    /// Where the catalog goes, instead of the project's catalog folder
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
}

/// Compare a target's own listing with the catalog
#[derive(Debug, Args)]
pub struct DriftArgs {
    /// The target
    #[arg(value_name = "TARGET")]
    target: String,
    /// An OpenAPI or Swagger document to compare with, where the target has no listing of its own
    #[arg(long, value_name = "FILE|URL")]
    document: Option<String>,
}

impl VendorsCommand {
    /// Does what is asked for.
    pub fn exec(self, program: &Program) -> Done {
        match self {
            Self::List => list(program),
            Self::Import(args) => args.exec(program),
            Self::Drift(args) => args.exec(program),
        }
    }
}

fn list(program: &Program) -> Done {
    let (_, catalog) = program.config()?;
    let count = |vendor: &Vendor, effect: Effect| vendor.rows.iter().filter(|row| row.effect == effect).count();
    program.print(
        || {
            let line = |vendor: &&'static Vendor| {
                let (reads, changes, destroys) =
                    (count(vendor, Effect::Read), count(vendor, Effect::Change), count(vendor, Effect::Destroy));
                format!(
                    "{:<10} {:<48} {:>4} calls: {reads} read, {changes} change, {destroys} destroy\n",
                    vendor.id,
                    vendor.title,
                    vendor.rows.len()
                )
            };
            catalog.vendors().iter().map(line).collect()
        },
        || {
            let one = |vendor: &&'static Vendor| {
                json!({
                    "id": vendor.id, "title": vendor.title, "base": vendor.base, "auth": vendor.auth,
                    "products": vendor.products, "calls": vendor.rows.len(),
                })
            };
            catalog.vendors().iter().map(one).collect()
        },
    )?;
    Ok(Exit::Succeeded)
}

/// What a source says, and where it came from.
struct Told {
    text: String,
    source: String,
}

/// Reads a file, fetches a URL, or asks a target.
fn told(
    program: &Program,
    project: &Arc<Project>,
    runtime: &tokio::runtime::Runtime,
    source: &str,
) -> Result<Told, CommandFailure> {
    if project.config.targets.contains_key(source) {
        return ask_target(project, runtime, source);
    }
    if source.starts_with("https://") || source.starts_with("http://") {
        let wrong = |why: String| CommandFailure::failed(format!("{source}: {why}"));
        let url = url::Url::parse(source).map_err(|error| wrong(error.to_string()))?;
        let host = url.host_str().unwrap_or_default();
        // The person has named the host; scripts may not reach it for that.
        let place = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let hosts = crate::door::Hosts::new(vec![place]);
        let fetched = runtime.block_on(hosts.fetch("GET", source, &crate::value::Map::new(), &Halt::default()));
        let answer = fetched.map_err(|failure| match failure {
            Failure::Fault(fault) => wrong(fault.message),
            Failure::Stop(stop) => wrong(stop.to_string()),
        })?;
        return Ok(Told { text: String::from_utf8_lossy(&answer.body).into_owned(), source: place_of(&url) });
    }
    let path = program.here.join(source);
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            Ok(Told { text, source: name })
        }
        Err(error) => {
            let names = project.config.targets.keys().map(String::as_str);
            let hint = crate::nearest::did_you_mean(source, names);
            Err(CommandFailure::usage(format!(
                "'{source}' is neither a target nor a file that can be read: {error}.{hint}"
            )))
        }
    }
}

/// A URL without what may be secret in it.
fn place_of(url: &url::Url) -> String {
    format!("{}{}", url.host_str().unwrap_or_default(), url.path())
}

fn ask_target(project: &Arc<Project>, runtime: &tokio::runtime::Runtime, name: &str) -> Result<Told, CommandFailure> {
    let target = project.fleet.target(name).map_err(|fault| CommandFailure::usage(fault.message))?;
    let Some(row) = project.catalog.row(&target.vendor, "handlers") else {
        return Err(CommandFailure::usage(format!(
            "'{name}' is of vendor {}, which has no listing of its own: give its OpenAPI or Swagger document as a file or URL",
            target.vendor
        )));
    };
    let call =
        bind(row, Vec::new(), crate::value::Map::new()).map_err(|fault| CommandFailure::failed(fault.message))?;
    let read = runtime.block_on(project.fleet.read(name, &call, &project.catalog));
    runtime.block_on(project.fleet.sign_out());
    let answer = read.map_err(|fault| CommandFailure::failed(format!("{name}: {}", fault.message)))?;
    Ok(Told { text: String::from_utf8_lossy(&answer).into_owned(), source: format!("the listing of target {name}") })
}

impl ImportArgs {
    fn exec(self, program: &Program) -> Done {
        let (project, runtime) = program.project()?;
        let told = told(program, &project, &runtime, &self.source)?;
        let own = project.config.targets.get(&self.source).map(|target| target.vendor.clone());
        let Some(id) = self.name.clone().or(own) else {
            return Err(CommandFailure::usage("say with --as what the vendor is called, such as --as hawthorn"));
        };
        // What an earlier import made is made anew; only what is built in is left out.
        let builtin = Catalog::builtin();
        let order = Order { id: &id, source: &told.source, present: builtin.vendors() };
        let made = import::import(&told.text, &order).map_err(CommandFailure::failed)?;
        if made.calls == 0 {
            program.print(|| "nothing new: the catalog has every call\n".to_owned(), || summary(&made, None))?;
            return Ok(Exit::Succeeded);
        }
        let folder = project.config.catalog_paths.iter().find(|path| path.is_dir()).cloned();
        let folder = folder.unwrap_or_else(|| project.config.folder.join("catalogs"));
        let file = match &self.output {
            Some(file) => program.here.join(file),
            None => folder.join(format!("{id}.toml")),
        };
        if file.exists() && !self.force {
            return Err(CommandFailure::usage(format!("{} is there already", file.display()))
                .hint("--force replaces it, --output FILE writes another"));
        }
        write(&file, &made.toml)?;
        let shown = file.strip_prefix(&program.here).unwrap_or(&file).display().to_string();
        program.print(|| human(&made, &shown), || summary(&made, Some(&shown)))?;
        Ok(Exit::Succeeded)
    }
}

fn write(file: &Path, text: &str) -> Result<(), CommandFailure> {
    let wrong = |error: std::io::Error| CommandFailure::failed(format!("{}: {error}", file.display()));
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(wrong)?;
    }
    std::fs::write(file, text).map_err(wrong)
}

fn human(made: &Imported, file: &str) -> String {
    let mut text = format!("{} calls written to {file}\n", made.calls);
    for left in made.left_out.iter().take(10) {
        text.push_str(&format!("  left out: {left}\n"));
    }
    if made.left_out.len() > 10 {
        text.push_str(&format!("  … and {} more; the file names them\n", made.left_out.len() - 10));
    }
    for warning in &made.warnings {
        text.push_str(&format!("  look: {warning}\n"));
    }
    text.push_str("Review the effects in the file; then `beadle calls list` shows the calls.\n");
    text
}

fn summary(made: &Imported, file: Option<&str>) -> serde_json::Value {
    json!({ "file": file, "calls": made.calls, "left_out": made.left_out, "warnings": made.warnings })
}

impl DriftArgs {
    fn exec(self, program: &Program) -> Done {
        let (project, runtime) = program.project()?;
        let target = project.fleet.target(&self.target).map_err(|fault| CommandFailure::usage(fault.message))?.clone();
        let Some(vendor) = project.catalog.vendor(&target.vendor) else {
            return Err(CommandFailure::usage(format!("there is no catalog for vendor '{}'", target.vendor)));
        };
        let calls: Vec<FoundCall> = match &self.document {
            None if vendor.id == "sps" => walk(&project, &runtime, &target.name)?,
            source => {
                let source = source.as_deref().unwrap_or(&self.target);
                let told = told(program, &project, &runtime, source)?;
                import::read_of(&told.text, vendor).map_err(CommandFailure::failed)?.calls
            }
        };
        let mut drift = import::compare(vendor, &calls);
        if vendor.id == "sps" && self.document.is_none() {
            // A walk along links sees reads only, and no single objects: that these are not seen says
            // nothing.
            drift.only_here.clear();
        }
        program.print(
            || shown(&drift, &self.target),
            || json!({ "only_there": drift.only_there, "only_here": drift.only_here }),
        )?;
        Ok(if drift.is_empty() { Exit::Succeeded } else { Exit::Found })
    }
}

fn shown(drift: &Drift, target: &str) -> String {
    if drift.is_empty() {
        return format!("{target} has what the catalog has\n");
    }
    let mut text = String::new();
    for call in &drift.only_there {
        text.push_str(&format!("+ {call}\n"));
    }
    for call in &drift.only_here {
        text.push_str(&format!("- {call}\n"));
    }
    text.push_str(&format!(
        "{} call(s) only {target} has (+), {} only the catalog has (-)\n",
        drift.only_there.len(),
        drift.only_here.len()
    ));
    text
}

/// SPS lists its endpoints by links: two levels of them, from the entry point and the configuration.
fn walk(
    project: &Arc<Project>,
    runtime: &tokio::runtime::Runtime,
    name: &str,
) -> Result<Vec<FoundCall>, CommandFailure> {
    let mut calls = Vec::new();
    for list in ["root", "configuration", "management", "local_services", "policies", "cluster", "reporting"] {
        let Some(row) = project.catalog.row("sps", list) else { continue };
        let call =
            bind(row, Vec::new(), crate::value::Map::new()).map_err(|fault| CommandFailure::failed(fault.message))?;
        let read = runtime.block_on(project.fleet.read(name, &call, &project.catalog));
        let body = read.map_err(|fault| CommandFailure::failed(format!("{name}: {}", fault.message)))?;
        let json: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
        for item in json.get("items").and_then(serde_json::Value::as_array).into_iter().flatten() {
            let Some(path) = item.pointer("/meta/href").and_then(serde_json::Value::as_str) else { continue };
            let path = path.strip_prefix("/api").unwrap_or(path).to_owned();
            calls.push(FoundCall { method: "GET".into(), path, ..FoundCall::default() });
        }
    }
    runtime.block_on(project.fleet.sign_out());
    Ok(calls)
}
