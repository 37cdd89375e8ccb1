//! Playbooks and scripts: where they are found.

use std::path::{Path, PathBuf};

use crate::engine::{STDLIB, stdlib};
use crate::run::header::{Header, HeaderError};

/// A script with its text and header.
#[derive(Clone, Debug)]
pub struct Playbook {
    /// How people name it: `std/seg/bulk_ip_block`, `playbooks/nightly`, `script.rhai`, `-`.
    pub name: String,
    /// Its text.
    pub text: String,
    /// The folder that its imports come from.
    pub folder: Option<PathBuf>,
    /// What it says of itself.
    pub header: Header,
}

/// A playbook that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum PlaybookError {
    /// There is none of that name.
    #[error("there is no playbook or file '{name}'.{hint}")]
    Missing {
        /// The name.
        name: String,
        /// The nearest right name, as a sentence.
        hint: String,
    },
    /// It holds tests.
    #[error("{0} holds tests of playbooks: `beadle test {0}` runs them")]
    Tests(String),
    /// It cannot be read.
    #[error("{name} cannot be read: {cause}")]
    Unreadable {
        /// The name.
        name: String,
        /// Why.
        cause: String,
    },
    /// Its header is wrong.
    #[error("{name}:{}: {}", error.line, error.message)]
    Header {
        /// The name.
        name: String,
        /// The mistake.
        error: HeaderError,
        /// The script without its header.
        bare: Box<Playbook>,
    },
}

impl Playbook {
    /// A script with this text.
    ///
    /// # Errors
    /// A wrong header.
    pub fn of(name: &str, text: String, folder: Option<PathBuf>) -> Result<Self, PlaybookError> {
        let name = name.to_owned();
        match Header::parse(&text) {
            Ok(header) => Ok(Self { name, text, folder, header }),
            Err(error) => {
                let bare = Self { name: name.clone(), text, folder, header: Header::default() };
                Err(PlaybookError::Header { name, error, bare: Box::new(bare) })
            }
        }
    }

    /// Finds a playbook: `std/…` is built in; then a path that exists; then `playbooks/NAME.rhai`
    /// of the project.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn find(name: &str, here: &Path, project: &Path) -> Result<Self, PlaybookError> {
        if name.starts_with("std/") {
            let Some(text) = stdlib(name) else {
                let hint = crate::nearest::did_you_mean(name, playable());
                return Err(PlaybookError::Missing { name: name.to_owned(), hint });
            };
            return Self::of(name, text.to_owned(), None);
        }
        let places = [here.join(name), project.join("playbooks").join(name).with_extension("rhai")];
        let Some(path) = places.iter().find(|path| path.is_file()) else {
            if let Some(other) = places.iter().find(|path| path.symlink_metadata().is_ok()) {
                let cause = match other.metadata() {
                    Ok(facts) if facts.is_dir() => "it is a folder",
                    Ok(_) => "it is not a file",
                    Err(_) => "it is a link to a file that is not there",
                };
                return Err(PlaybookError::Unreadable { name: other.display().to_string(), cause: cause.into() });
            }
            let own = names_in(&project.join("playbooks"));
            let known = own.iter().map(String::as_str).chain(playable());
            return Err(PlaybookError::Missing {
                name: name.to_owned(),
                hint: crate::nearest::did_you_mean(name, known),
            });
        };
        if is_test(path) {
            return Err(PlaybookError::Tests(name.to_owned()));
        }
        let unreadable = |cause: String| PlaybookError::Unreadable { name: path.display().to_string(), cause };
        let bytes = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
        let text = String::from_utf8(bytes).map_err(|error| unreadable(not_text(&error)))?;
        Self::of(name, text, path.parent().map(Path::to_owned))
    }

    /// Every playbook: those built in, and those of a project. Modules are not among them.
    pub fn all(project: &Path) -> Vec<Result<Self, PlaybookError>> {
        let built_in = playable().map(|name| Self::find(name, project, project));
        built_in.chain(Self::own(project)).collect()
    }

    /// The playbooks of a project.
    pub fn own(project: &Path) -> Vec<Result<Self, PlaybookError>> {
        names_in(&project.join("playbooks")).iter().map(|name| Self::find(name, project, project)).collect()
    }
}

/// What is wrong with bytes that are no text.
fn not_text(error: &std::string::FromUtf8Error) -> String {
    let before = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
    let line = memchr::memchr_iter(b'\n', before).count() + 1;
    format!("line {line} is not UTF-8 text: save the file as UTF-8")
}

/// The files of the standard library that are playbooks: those with a header.
fn playable<'a>() -> impl Iterator<Item = &'a str> {
    STDLIB.iter().filter(|(_, text)| text.starts_with("//!") && text.contains("```toml")).map(|(name, _)| *name)
}

/// Whether a file holds tests, which `beadle test` calls and nothing runs.
pub fn is_test(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(".test.rhai"))
}

fn names_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "rhai") && !is_test(path))
        .filter_map(|path| path.file_stem().map(|stem| stem.to_string_lossy().into_owned()))
        .collect();
    names.sort();
    names
}
