//! `beadle targets`: the configured appliances, whether they answer, and how they are trusted.

use std::io::Write;
use std::time::Instant;

use clap::Subcommand;
use serde_json::json;

use crate::cli::exit::Exit;
use crate::cli::failure::CommandFailure;
use crate::cli::program::{Done, Program};
use crate::cli::screen::millis;
use crate::cli::table;
use crate::config::{Target, Tls};
use crate::door::{Certificate, insecure, probe};
use crate::run::Project;

/// Show, check and trust targets
#[derive(Debug, Subcommand)]
pub enum TargetsCommand {
    /// List the configured targets
    List,
    /// Sign in at targets and read something harmless
    Check {
        /// Only these targets
        #[arg(value_name = "TARGET")]
        names: Vec<String>,
    },
    /// Show a target's certificate, and write its fingerprint into the configuration as a pin
    Trust {
        /// The target
        #[arg(value_name = "TARGET")]
        name: String,
        /// Write the pin without asking
        #[arg(long)]
        yes: bool,
    },
}

impl TargetsCommand {
    /// Does what is asked for.
    pub fn exec(self, program: &Program) -> Done {
        let (project, runtime) = program.project()?;
        match self {
            Self::List => list(program, &project),
            Self::Check { names } => check(program, &project, &runtime, &names),
            Self::Trust { name, yes } => trust(program, &project, &runtime, &name, yes),
        }
    }
}

fn list(program: &Program, project: &Project) -> Done {
    let targets = &project.config.targets;
    if targets.is_empty() && !program.is_json() {
        eprintln!("no targets are configured: add [targets.NAME] to beadle.toml (`beadle init` writes one)");
        return Ok(Exit::Succeeded);
    }
    let row = |target: &Target| {
        let allow: Vec<&str> = target.allow.iter().map(|effect| effect.name()).collect();
        let version = target.version.clone().unwrap_or_default();
        vec![
            target.name.clone(),
            format!("{} {version}", target.vendor),
            target.url.to_string(),
            allow.join(","),
            target.tags.join(","),
        ]
    };
    program.print(
        || table::plain(&["target", "vendor", "url", "allow", "tags"], targets.values().map(row)),
        || targets.values().map(json_of).collect(),
    )?;
    Ok(Exit::Succeeded)
}

fn json_of(target: &Target) -> serde_json::Value {
    json!({
        "name": target.name,
        "vendor": target.vendor,
        "url": target.url.as_str(),
        "version": target.version,
        "tags": target.tags,
        "allow": target.allow.iter().map(|effect| effect.name()).collect::<Vec<_>>(),
        "tls": match &target.tls {
            Tls::System => "system",
            Tls::CaFile(_) => "ca_file",
            Tls::Pin(_) => "pin",
            Tls::Insecure => "insecure",
            Tls::Plain => "plain",
        },
    })
}

fn check(program: &Program, project: &Project, runtime: &tokio::runtime::Runtime, names: &[String]) -> Done {
    let mut targets = Vec::new();
    if names.is_empty() {
        targets.extend(project.config.targets.values());
    }
    for name in names {
        targets.push(project.fleet.target(name).map_err(|fault| CommandFailure::usage(fault.message))?);
    }
    if targets.is_empty() {
        return Err(CommandFailure::usage("no targets are configured")
            .hint("`beadle init` writes a configuration to begin with"));
    }
    let mut failed = false;
    let mut results = Vec::new();
    for target in targets {
        if target.tls == Tls::Insecure {
            eprintln!("warning: {}", insecure(&target.name));
        }
        let begun = Instant::now();
        let result = runtime.block_on(project.fleet.greet(&target.name, &project.catalog));
        failed |= result.is_err();
        let text = match &result {
            Ok(text) => format!("ok, {text}, in {}", millis(begun.elapsed())),
            Err(fault) => format!("{}: {}", fault.kind, fault.message),
        };
        results.push((target.name.clone(), result.is_ok(), project.masker().mask(&text).into_owned()));
    }
    runtime.block_on(project.fleet.sign_out());
    program.print(
        || results.iter().map(|(name, _, text)| format!("{name}: {text}\n")).collect(),
        || results.iter().map(|(name, ok, text)| json!({ "target": name, "ok": ok, "result": text })).collect(),
    )?;
    Ok(if failed { Exit::Failed } else { Exit::Succeeded })
}

fn trust(program: &Program, project: &Project, runtime: &tokio::runtime::Runtime, name: &str, yes: bool) -> Done {
    let target = project.fleet.target(name).map_err(|fault| CommandFailure::usage(fault.message))?;
    if target.url.scheme() != "https" {
        return Err(CommandFailure::usage(format!(
            "'{name}' does not use TLS: its url begins with {}://",
            target.url.scheme()
        )));
    }
    let certificate =
        runtime.block_on(probe(name, &target.url)).map_err(|fault| CommandFailure::failed(fault.message))?;
    program.print(
        || show(&certificate),
        || {
            json!({
                "fingerprint_sha256": certificate.fingerprint,
                "subject": certificate.subject,
                "issuer": certificate.issuer,
                "names": certificate.names,
                "valid_from": certificate.valid.0,
                "valid_until": certificate.valid.1,
            })
        },
    )?;
    if target.tls == Tls::Pin(certificate.fingerprint.clone()) {
        eprintln!("this certificate is the pinned one already");
        return Ok(Exit::Succeeded);
    }
    let Some(file) = &project.config.file else {
        return Err(CommandFailure::usage("there is no beadle.toml to write the pin into"));
    };
    if !yes && !agreed(&certificate.fingerprint)? {
        eprintln!("nothing was written; compare the fingerprint on the appliance's own console first");
        return Ok(Exit::Refused);
    }
    let text = std::fs::read_to_string(file)
        .map_err(|error| CommandFailure::failed(format!("{}: {error}", file.display())))?;
    let pinned = pin(&text, name, &certificate.fingerprint).map_err(CommandFailure::failed)?;
    write_over(file, &pinned).map_err(|error| CommandFailure::failed(format!("{}: {error}", file.display())))?;
    eprintln!("wrote the pin of '{name}' into {}", file.display());
    Ok(Exit::Succeeded)
}

fn show(certificate: &Certificate) -> String {
    let pairs: Vec<String> =
        certificate.fingerprint.as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair).to_uppercase()).collect();
    format!(
        "subject      {}\nissuer       {}\nnames        {}\nvalid        {} to {}\nSHA-256      {}\n             {}\n",
        certificate.subject,
        certificate.issuer,
        certificate.names.join(", "),
        certificate.valid.0,
        certificate.valid.1,
        certificate.fingerprint,
        pairs.join(":"),
    )
}

fn agreed(fingerprint: &str) -> Result<bool, CommandFailure> {
    use std::io::IsTerminal;
    if !std::io::stdin().is_terminal() {
        return Ok(false);
    }
    eprint!("Trust this certificate (SHA-256 {}…)? [y]es, [n]o: ", fingerprint.get(..16).unwrap_or(fingerprint));
    std::io::stderr().flush()?;
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(matches!(line.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// The configuration with the target's `tls` set to the pin; every other line stays as it is.
fn pin(text: &str, name: &str, fingerprint: &str) -> Result<String, String> {
    let wanted = format!("tls = {{ pin_sha256 = \"{fingerprint}\" }}");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let heads = [format!("[targets.{name}]"), format!("[targets.\"{name}\"]")];
    let head = lines.iter().position(|line| heads.iter().any(|head| line.trim().starts_with(head.as_str())));
    let Some(head) = head else {
        return Err(format!(
            "[targets.{name}] is not written as a table of its own there: add {wanted} to it yourself"
        ));
    };
    let end = lines
        .iter()
        .skip(head + 1)
        .position(|line| line.trim_start().starts_with('['))
        .map_or(lines.len(), |at| head + 1 + at);
    let own =
        lines.iter().take(end).enumerate().skip(head + 1).find(|(_, line)| {
            line.trim_start().strip_prefix("tls").is_some_and(|rest| rest.trim_start().starts_with('='))
        });
    match own.map(|(at, _)| at) {
        Some(at) => {
            if let Some(line) = lines.get_mut(at) {
                *line = wanted;
            }
        }
        None => lines.insert(head + 1, wanted),
    }
    let pinned = lines.join("\n") + "\n";
    toml::from_str::<toml::Table>(&pinned)
        .map_err(|error| format!("the pin cannot be written: {}", error.message()))?;
    Ok(pinned)
}

/// Replaces a file by another text; the old one stays until the new one is whole.
fn write_over(file: &std::path::Path, text: &str) -> std::io::Result<()> {
    let folder = file.parent().unwrap_or(std::path::Path::new("."));
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    new.write_all(text.as_bytes())?;
    new.as_file().set_permissions(std::fs::metadata(file)?.permissions())?;
    new.as_file().sync_all()?;
    new.persist(file)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_replaces_the_targets_tls_and_nothing_else() {
        let text = "# mine\n[targets.a]\nvendor = \"seg\"\ntls = { insecure = true }\n\n[targets.b]\ntls = { insecure = true }\n";
        let pinned = pin(text, "a", "ff").unwrap();
        assert_eq!(
            pinned,
            "# mine\n[targets.a]\nvendor = \"seg\"\ntls = { pin_sha256 = \"ff\" }\n\n[targets.b]\ntls = { insecure = true }\n"
        );
        assert!(pin("[targets.c]\nvendor = \"seg\"\n", "c", "ff").unwrap().contains("[targets.c]\ntls = { pin"));
        assert!(pin("targets = {}\n", "c", "ff").is_err());
    }
}
