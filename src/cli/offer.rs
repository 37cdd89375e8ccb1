//! The lab, offered to whoever has no configuration yet.

use crate::catalog::Catalog;
use crate::cli::demo::private;
use crate::cli::failure::CommandFailure;
use crate::cli::program::Program;
use crate::config::Config;
use crate::lab::{AnyLab, Wish};

/// The lab with the configuration that names it. Both end with this.
pub struct Offered {
    /// The configuration.
    pub config: Config,
    /// The calls.
    pub catalog: Catalog,
    /// The appliances, and the runtime that they live on.
    pub _lab: (Vec<AnyLab>, tokio::runtime::Runtime),
    /// The folder with the configuration.
    pub _folder: tempfile::TempDir,
}

/// Asks whether the lab shall be started, and starts it in this process.
///
/// # Errors
/// The lab cannot start.
pub fn lab(program: &Program) -> Result<Option<Offered>, CommandFailure> {
    eprintln!("There is no beadle.toml here. The lab has a simulated appliance of each vendor to try things on.");
    let mut editor = rustyline::DefaultEditor::new().map_err(CommandFailure::failed)?;
    match editor.readline("Start the lab? [y]es, [n]o: ") {
        Ok(answer) if matches!(answer.trim().to_lowercase().as_str(), "y" | "yes" | "") => {}
        _ => return Ok(None),
    }
    let wrong = |error: std::io::Error| CommandFailure::failed(format!("the lab cannot start: {error}"));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(wrong)?;
    let folder = tempfile::Builder::new().prefix("beadle-lab-").tempdir().map_err(wrong)?;
    let (mut labs, mut tables) = (Vec::new(), String::new());
    for vendor in ["seg", "asyncos", "sps", "spectra"] {
        let lab = runtime.block_on(AnyLab::start(Wish::of(vendor))).map_err(wrong)?;
        let mut targets = lab.targets();
        for (name, value) in lab.environment() {
            // The lab's secrets stand in files: the environment is not this program's to change.
            let file = folder.path().join(format!("{vendor}-{name}"));
            std::fs::write(&file, value).and_then(|()| private(&file)).map_err(wrong)?;
            targets = targets.replace(&format!("{{ env = \"{name}\" }}"), &format!("{{ file = \"{vendor}-{name}\" }}"));
        }
        tables.push_str(&targets);
        labs.push(lab);
    }
    let file = folder.path().join("beadle.toml");
    std::fs::write(&file, tables).and_then(|()| private(&file)).map_err(wrong)?;
    let (config, catalog) = Config::load(&file, &program.environment).map_err(CommandFailure::failed)?;
    // Files, playbooks and history are where they would be without the lab.
    let config = Config { targets: config.targets, ..Config::none(&program.here, &program.environment) };
    eprintln!("The lab runs in this process and ends with it. What is tried on it changes nothing elsewhere.");
    Ok(Some(Offered { config, catalog, _lab: (labs, runtime), _folder: folder }))
}
