//! Builds what is compiled in, the rows of the catalog and the standard library, and says how the program is linked.

use std::path::{Path, PathBuf};

#[path = "build/catalog.rs"]
mod catalog;
#[path = "build/emit.rs"]
mod emit;
#[path = "build/link.rs"]
mod link;
#[path = "src/nearest.rs"]
mod nearest;
#[path = "build/pack.rs"]
mod pack;
#[path = "build/stdlib.rs"]
mod stdlib;

fn main() {
    for watched in ["src/vendors", "src/catalog", "src/nearest.rs", "build", "stdlib"] {
        println!("cargo::rerun-if-changed={watched}");
    }
    link::pack_relocations();
    if let Err(message) = build() {
        for line in message.lines() {
            println!("cargo::error={line}");
        }
        std::process::exit(1);
    }
}

#[expect(clippy::disallowed_methods, reason = "Cargo tells a build script by the environment where to write")]
fn build() -> Result<(), String> {
    let out = PathBuf::from(std::env::var("OUT_DIR").map_err(|error| error.to_string())?);
    let write = |name: &str, text: String| std::fs::write(out.join(name), text).map_err(|error| error.to_string());
    write("vendors.rs", vendors(Path::new("src/vendors"), &out)?)?;
    let (files, tests) = stdlib::tables(Path::new("stdlib")).map_err(|error| format!("stdlib: {error}"))?;
    write("stdlib.rs", files)?;
    write("stdlib_tests.rs", tests)
}

/// Every `src/vendors/*/calls.toml` as a `static`, with its rows packed.
fn vendors(folder: &Path, out: &Path) -> Result<String, String> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(folder)
        .map_err(|error| format!("{}: {error}", folder.display()))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path().join("calls.toml")))
        .filter(|path| path.is_file())
        .collect();
    folders.sort();
    let mut source = String::new();
    let mut names = Vec::new();
    for path in folders {
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let vendor = catalog::format::vendor(&text, &[]).map_err(|mistakes| {
            let lines =
                mistakes.iter().map(|mistake| format!("{}:{}: {}", path.display(), mistake.line, mistake.message));
            lines.collect::<Vec<_>>().join("\n")
        })?;
        let name = vendor.id.to_uppercase();
        source.push_str(&emit::vendor(&name, vendor, out)?);
        names.push(format!("&{name}"));
    }
    source.push_str(&format!("/// The built-in vendors.\npub static VENDORS: &[&Vendor] = &[{}];\n", names.join(", ")));
    Ok(source)
}
