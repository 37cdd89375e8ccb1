//! A sandbox: a folder of its own, a cleared environment, the real binary, and a lab.

pub mod lab;
pub mod receiver;
pub mod relay;
pub mod terminal;
pub mod vendors;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A project in a temporary folder.
pub struct Sandbox {
    folder: tempfile::TempDir,
    secrets: Vec<(String, String)>,
}

/// What the binary did.
pub struct Ran {
    /// The exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Sandbox {
    /// An empty folder.
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), secrets: vec![("SEG_PASSWORD".into(), lab::PASSWORD.into())] }
    }

    /// An empty folder in memory, where there is such a place: for what is killed, and does not lose its disk.
    pub fn in_memory() -> Self {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        Self { folder, ..Self::new() }
    }

    /// A project with one target `seg` on the lab, and `more` in its configuration.
    pub fn with_seg(lab: &lab::Seg, more: &str) -> Self {
        let sandbox = Self::new();
        sandbox.write("beadle.toml", &format!("{}\n{more}", lab.target("seg")));
        sandbox
    }

    /// The project's folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Sets an environment variable for the binary.
    pub fn env(&mut self, name: &str, value: &str) {
        self.secrets.push((name.into(), value.into()));
    }

    /// Writes a file of the project, with its folders.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The text of a file of the project.
    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).unwrap()
    }

    /// The command, ready to be started in the project.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_beadle"));
        command
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .env("HOME", self.path().join("home"))
            .env("PATH", "/usr/bin:/bin")
            .envs(self.secrets.iter().cloned())
            .stdin(Stdio::null());
        command
    }

    /// Runs the binary to its end.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.command(arguments).output().unwrap().into()
    }

    /// Runs a script of this text as `beadle run script.rhai …`.
    pub fn script(&self, text: &str, arguments: &[&str]) -> Ran {
        self.write("script.rhai", text);
        self.run(&[&["run", "script.rhai"], arguments].concat())
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Ran {
    /// The run ended with `code`; shows everything if not.
    #[track_caller]
    pub fn code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\n-- stdout\n{}\n-- stderr\n{}", self.out, self.err);
        self
    }

    /// Standard error contains each of the texts.
    #[track_caller]
    pub fn err(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.err.contains(text), "stderr lacks '{text}':\n{}", self.err);
        }
        self
    }

    /// Standard output contains each of the texts.
    #[track_caller]
    pub fn out(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.out.contains(text), "stdout lacks '{text}':\n{}\n-- stderr\n{}", self.out, self.err);
        }
        self
    }
}
