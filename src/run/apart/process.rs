//! The process that interprets a script.

use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::confine::Allowance;

/// The program file of this process itself, even if another one has taken its place since: both ends of the
/// pipe are always the same.
const PROGRAM: &str = "/proc/self/exe";

/// How long a process may take to end that has closed its pipe: it says why meanwhile.
const DYING: Duration = Duration::from_secs(1);

/// How often it is looked whether it has.
const LOOK: Duration = Duration::from_millis(5);

/// How much of what a process says at its end is kept.
const LAST_WORDS: u64 = 2_000;

/// A process that interprets a script. Dropped, it is killed.
#[derive(Debug)]
pub struct Process {
    child: Child,
}

impl Process {
    /// Starts one, and gives the pipe to it. It ends with the thread that has started it.
    ///
    /// # Errors
    /// When there is no room for another process.
    pub fn start(allowance: Allowance) -> std::io::Result<(Self, UnixStream)> {
        let (ours, theirs) = UnixStream::pair()?;
        let child = Command::new(PROGRAM)
            .arg0("beadle")
            .arg("interpret")
            .arg(format!("--memory={}", allowance.memory))
            .arg(format!("--processor={}", allowance.processor.as_secs()))
            .env_clear()
            .current_dir("/")
            // What is typed at the service's terminal is for the service.
            .process_group(0)
            .stdin(OwnedFd::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        Ok((Self { child }, ours))
    }

    /// Waits for its end, and says how that was and what it said last.
    pub fn end(&mut self) -> String {
        let status = self.child.wait();
        let mut words = Vec::new();
        if let Some(pipe) = self.child.stderr.take() {
            // What cannot be read is not said.
            let _nothing_said = pipe.take(LAST_WORDS).read_to_end(&mut words);
        }
        let said = String::from_utf8_lossy(&words).split_whitespace().collect::<Vec<_>>().join(" ");
        let how = status.map_or_else(|error| format!("went away ({error})"), how);
        if said.is_empty() { how } else { format!("{how}: {said}") }
    }

    /// Lets it come to the end that it has begun, but not for long.
    pub fn finish(&mut self) {
        for _ in 0..DYING.as_millis() / LOOK.as_millis() {
            if matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)) {
                return;
            }
            std::thread::sleep(LOOK);
        }
        self.kill();
    }

    /// Kills it.
    pub fn kill(&mut self) {
        // It may have ended by itself.
        let _ended = self.child.kill();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        // Nothing of it is left in the system's table.
        let _ended = self.child.wait();
    }
}

fn how(status: ExitStatus) -> String {
    use nix::sys::signal::Signal;
    match (status.signal().map(Signal::try_from), status.code()) {
        (Some(Ok(Signal::SIGKILL)), _) => "was killed".into(),
        (Some(Ok(Signal::SIGXCPU)), _) => "has computed for longer than it may".into(),
        (Some(Ok(signal)), _) => format!("was ended by {signal}"),
        (Some(Err(_)), _) => "was ended by a signal".into(),
        (None, Some(code)) => format!("has ended with {code}"),
        (None, None) => "has ended".into(),
    }
}
