//! A real pseudo-terminal with the binary in it: keys go in, and the screen is what a person sees.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::process::Child;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use pty_process::Size;
use pty_process::blocking::{Command, Pty, open};

use super::Sandbox;

/// How long anything may take to appear: far longer than it does.
const PATIENCE: Duration = Duration::from_secs(20);

/// Keys as terminals send them.
pub mod keys {
    /// Enter.
    pub const ENTER: &str = "\r";
    /// Tab.
    pub const TAB: &str = "\t";
    /// Ctrl-C.
    pub const CANCEL: &str = "\x03";
    /// Ctrl-D.
    pub const END: &str = "\x04";
    /// The arrow upwards.
    pub const UP: &str = "\x1b[A";
}

/// A terminal in which the binary runs.
pub struct Terminal {
    pty: Arc<Pty>,
    seen: Arc<(Mutex<vt100::Parser>, Condvar)>,
    child: Child,
}

impl Terminal {
    /// The binary in a terminal of this many columns.
    pub fn start(sandbox: &Sandbox, arguments: &[&str], columns: u16) -> Self {
        let (pty, inside) = open().unwrap();
        pty.resize(Size::new(40, columns)).unwrap();
        let like = sandbox.command(arguments);
        let mut command = Command::new(like.get_program()).args(like.get_args()).env_clear();
        for (name, value) in like.get_envs() {
            command = command.env(name, value.unwrap_or_default());
        }
        command = command.env("TERM", "xterm-256color").current_dir(sandbox.path());
        let child = command.spawn(inside).unwrap();
        let pty = Arc::new(pty);
        let number = |number| NonZeroU16::new(number).unwrap();
        let seen = Arc::new((Mutex::new(vt100::Parser::new(number(40), number(columns), 0)), Condvar::new()));
        let (from, to) = (Arc::clone(&pty), Arc::clone(&seen));
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = (&*from).read(&mut bytes) {
                to.0.lock().unwrap().process(&bytes[..count]);
                to.1.notify_all();
            }
        });
        Self { pty, seen, child }
    }

    /// The prompt, once it is there.
    pub fn prompt(sandbox: &Sandbox, columns: u16) -> Self {
        let terminal = Self::start(sandbox, &["repl"], columns);
        terminal.waits_for_input("beadle>");
        terminal
    }

    /// Presses keys.
    pub fn press(&self, keys: &str) {
        (&*self.pty).write_all(keys.as_bytes()).unwrap();
    }

    /// Types a line, and Enter.
    pub fn enter(&self, line: &str) {
        self.press(line);
        self.sees(line.lines().last().unwrap_or_default());
        self.press(keys::ENTER);
    }

    /// The same at the next prompt: what is typed while a line runs is not read.
    #[track_caller]
    pub fn then(&self, line: &str) {
        self.waits_for_input("beadle>");
        self.enter(line);
    }

    /// Wipes the screen, so that what is seen next is new.
    #[track_caller]
    pub fn wipe(&self) {
        self.waits_for_input("beadle>");
        self.press("\x0c");
        self.until("an empty screen", |screen| screen.trim() == "beadle>");
    }

    /// Another size.
    pub fn resize(&self, columns: u16) {
        self.pty.resize(Size::new(40, columns)).unwrap();
        let number = |number| NonZeroU16::new(number).unwrap();
        self.seen.0.lock().unwrap().screen_mut().set_size(number(40), number(columns));
    }

    /// What is on the screen.
    pub fn screen(&self) -> String {
        self.seen.0.lock().unwrap().screen().contents()
    }

    /// Waits until the screen is as it should be.
    #[track_caller]
    pub fn until(&self, what: &str, is_so: impl Fn(&str) -> bool) {
        let until = Instant::now() + PATIENCE;
        let mut parser = self.seen.0.lock().unwrap();
        while !is_so(&parser.screen().contents()) {
            let left = until.saturating_duration_since(Instant::now());
            let screen = parser.screen().contents();
            assert!(!left.is_zero(), "{what} did not come:\n{screen}");
            parser = self.seen.1.wait_timeout(parser, left).unwrap().0;
        }
    }

    /// Waits for a text. Where a line is longer than the screen is wide, its break does not count.
    #[track_caller]
    pub fn sees(&self, text: &str) {
        let wanted: String = text.split_whitespace().collect();
        self.until(text, |screen| screen.split_whitespace().collect::<String>().contains(&wanted));
    }

    /// Waits until the last line is this prompt, with nothing behind it.
    #[track_caller]
    pub fn waits_for_input(&self, prompt: &str) {
        self.until(prompt, |screen| screen.trim_end().lines().last().is_some_and(|line| line.trim_end() == prompt));
    }

    /// Whether some line on the screen has gone on in the next.
    pub fn has_wrapped_lines(&self) -> bool {
        let parser = self.seen.0.lock().unwrap();
        (0..40).any(|row| parser.screen().row_wrapped(row))
    }

    /// Waits for the end, and gives the exit code.
    pub fn ended(&mut self) -> Option<i32> {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(Instant::now() < until, "it did not end:\n{}", self.screen());
            std::thread::yield_now();
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _it_may_have_ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}
