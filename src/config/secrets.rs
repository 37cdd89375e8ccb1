//! Fetching secrets: from the environment, a file, or a command's output; only when they are used.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::config::{Environment, SecretSource};
use crate::secret::{Masker, Secret};

/// How long a command may take to print a secret.
const PATIENCE: Duration = Duration::from_secs(30);

/// The longest secret.
const LONGEST: u64 = 64 * 1024;

/// Fetches secrets once, and teaches them to the masker.
#[derive(Debug)]
pub struct Secrets {
    masker: Masker,
    known: Mutex<HashMap<String, Secret>>,
}

impl Secrets {
    /// A fetcher that has fetched nothing yet.
    pub fn new(masker: Masker) -> Self {
        Self { masker, known: Mutex::default() }
    }

    /// What masks secrets in everything that people see.
    pub fn masker(&self) -> &Masker {
        &self.masker
    }

    /// Forgets what was fetched, so that it is fetched anew; the masker goes on knowing it.
    pub fn forget(&self) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The secret of a source.
    ///
    /// # Errors
    /// A sentence that names the source and the cure; it never holds the secret.
    pub fn fetch(&self, source: &SecretSource) -> Result<Secret, String> {
        if let SecretSource::Literal(text) = source {
            // A literal is a user name: it is no secret, and masking it would hide half of every message.
            return Ok(Secret::new("literal", text.clone()));
        }
        let reference = reference(source);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(secret) = known.get(&reference) {
            return Ok(secret.clone());
        }
        let text = match source {
            SecretSource::Literal(text) => text.clone(),
            SecretSource::Env(name) => Environment::variable(name)
                .filter(|text| !text.is_empty())
                .ok_or_else(|| format!("the environment variable {name} is not set: export {name}=…"))?,
            SecretSource::File(path) => read(path)?,
            SecretSource::Command(command) => run(command)?,
        };
        let secret = Secret::new(reference.clone(), text);
        self.masker.learn(&secret);
        known.insert(reference, secret.clone());
        Ok(secret)
    }
}

/// The source in one word, safe to show.
pub fn reference(source: &SecretSource) -> String {
    match source {
        SecretSource::Literal(_) => "literal".into(),
        SecretSource::Env(name) => format!("env:{name}"),
        SecretSource::File(path) => format!("file:{}", path.display()),
        SecretSource::Command(command) => format!("command:{}", command.join(" ")),
    }
}

fn read(path: &Path) -> Result<String, String> {
    let wrong = |why: String| format!("the secret file {} cannot be used: {why}", path.display());
    let file = std::fs::File::open(path).map_err(|error| wrong(error.to_string()))?;
    let mut text = String::new();
    file.take(LONGEST + 1).read_to_string(&mut text).map_err(|error| wrong(error.to_string()))?;
    trimmed(text).map_err(wrong)
}

fn trimmed(mut text: String) -> Result<String, String> {
    if text.len() as u64 > LONGEST {
        return Err("it is longer than 64 kB".into());
    }
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    if text.is_empty() { Err("it is empty".into()) } else { Ok(text) }
}

fn run(command: &[String]) -> Result<String, String> {
    let (program, arguments) = command.split_first().ok_or("the command is empty")?;
    let wrong = |why: String| format!("the secret command '{program}' failed: {why}");
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| wrong(error.to_string()))?;
    // Both pipes are read while it runs, so that a talkative command does not block.
    let read_all = |pipe: Option<Box<dyn Read + Send>>| {
        std::thread::spawn(move || {
            let mut text = String::new();
            let _what_came_counts = pipe.map(|pipe| pipe.take(LONGEST + 1).read_to_string(&mut text));
            text
        })
    };
    let out = read_all(child.stdout.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>));
    let err = read_all(child.stderr.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>));
    let begun = Instant::now();
    let status = loop {
        match child.try_wait().map_err(|error| wrong(error.to_string()))? {
            Some(status) => break status,
            None if begun.elapsed() > PATIENCE => {
                let _it_may_be_gone = child.kill();
                let _reaped = child.wait();
                return Err(wrong("it did not end within 30 s".into()));
            }
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    };
    let out = out.join().unwrap_or_default();
    if !status.success() {
        let said = err.join().unwrap_or_default();
        let said: String = said.trim().chars().take(200).collect();
        return Err(wrong(format!("it ended with {status}. It said: {said}")));
    }
    trimmed(out).map_err(wrong)
}
