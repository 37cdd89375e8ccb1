//! The interpreter's end of the pipe: the door, the library and the output of a script whose service is in
//! another process.

use std::collections::HashMap;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::mpsc::{Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value as Json, json};

use crate::catalog::Catalog;
use crate::door::{Action, Branch, Composite, Halt, Key, Passage, Reply, is_assumed};
use crate::engine::{Library, Output, OutputEvent, RunContext, Texts};
use crate::fault::{Failure, Fault, FaultKind};
use crate::journal::{code, fault_json};
use crate::run::apart::action;
use crate::run::apart::answer;
use crate::run::apart::frame::{self, Frame};
use crate::run::apart::message::{Kind, TakeBack, TakenBack, shown_json};
use crate::run::functions::Functions;
use crate::secret::Secret;
use crate::value::Value;

/// The pipe to the service.
pub struct Line {
    writer: Mutex<UnixStream>,
    /// Whoever waits for an answer, by number.
    waiting: Mutex<HashMap<u64, SyncSender<Frame>>>,
    next: AtomicU64,
    /// How many threads of the script are at work, and do not wait for an answer.
    working: AtomicI64,
    /// Whoever takes steps back, in a script that stays.
    orders: Mutex<Option<Sender<TakeBack>>>,
    catalog: Arc<Catalog>,
}

/// A secret stays where it is; the script has a handle.
fn handle(reference: &str) -> Secret {
    Secret::handle(reference)
}

/// Ends this process: without its service there is nothing that it could do.
fn die() {
    let _nothing_is_left_to_do = kill(Pid::this(), Signal::SIGKILL);
}

fn lost() -> Failure {
    Fault::new(FaultKind::Connect, "the service that this script belongs to is gone").into()
}

impl Line {
    /// A line over a pipe.
    pub fn new(writer: UnixStream, catalog: Arc<Catalog>) -> Self {
        Self {
            writer: Mutex::new(writer),
            waiting: Mutex::default(),
            next: AtomicU64::new(0),
            working: AtomicI64::new(1),
            orders: Mutex::default(),
            catalog,
        }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<u64, SyncSender<Frame>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a frame that has no answer.
    pub fn tell(&self, frame: &Frame) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if frame::write(&mut *writer, frame).is_err() {
            die();
        }
    }

    /// Asks, and waits for the answer.
    fn ask(&self, kind: Kind, head: &Json, body: Bytes) -> Result<(Json, Bytes), Failure> {
        let number = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        let (sender, answer) = sync_channel(1);
        self.waiting().insert(number, sender);
        self.working.fetch_sub(1, Ordering::SeqCst);
        self.tell(&kind.frame(number, head, body));
        let frame = answer.recv().map_err(|_| lost())?;
        let head = serde_json::from_slice(&frame.head).map_err(|_| lost())?;
        Ok((head, frame.body))
    }

    /// The same where the answer is one of the door.
    fn ask_door(&self, kind: Kind, head: &Json, body: Bytes) -> Result<Reply, Failure> {
        let (head, body) = self.ask(kind, head, body)?;
        answer::read(head, body, &self.catalog, &handle).ok_or_else(lost)?
    }

    /// The same where it is a value.
    fn ask_value(&self, kind: Kind, head: &Json) -> Result<Value, Failure> {
        match self.ask_door(kind, head, Bytes::new())? {
            Reply::Value(value) => Ok(value),
            Reply::Bytes(_) | Reply::Json(_) | Reply::Http(_) => Err(lost()),
        }
    }

    /// Takes what the service sends, until it is gone; then this process is, too.
    pub fn listen(&self, mut pipe: UnixStream, halt: &Halt) {
        while let Ok(frame) = frame::read(&mut pipe) {
            match Kind::of(&frame) {
                Some(Kind::Answer) => {
                    if let Some(waiting) = self.waiting().remove(&frame.number) {
                        // Counted here, before the next frame is read: from now on its thread works.
                        self.working.fetch_add(1, Ordering::SeqCst);
                        // It waits for this answer and for nothing else.
                        let _it_waits = waiting.send(frame);
                    }
                }
                Some(Kind::Cancel) => halt.cancel(),
                Some(Kind::HowMany) => {
                    let working = self.working.load(Ordering::SeqCst);
                    self.tell(&Kind::Working.frame(frame.number, &working, Bytes::new()));
                }
                Some(Kind::TakeBack) => {
                    let orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
                    let order = serde_json::from_slice(&frame.head).ok();
                    if order.zip(orders.as_ref()).is_none_or(|(order, orders)| orders.send(order).is_err()) {
                        break;
                    }
                }
                _ => break,
            }
        }
        die();
    }

    /// Keeps the functions of a script that has ended, and calls them as the service asks for it, until it is gone.
    pub fn stay(&self, functions: &dyn Functions, context: &RunContext) {
        let (orders, order) = channel();
        *self.orders.lock().unwrap_or_else(PoisonError::into_inner) = Some(orders);
        self.tell(&Kind::Kept.frame(0, &functions.kept(), Bytes::new()));
        let branch = Branch::main();
        while let Ok(TakeBack { step, entry }) = order.recv() {
            // What has ended the script, or an earlier function, does not concern this one.
            context.halt.renew();
            context.go_on();
            branch.advance_to(entry);
            let end = functions.call(step, &branch).map(|()| Value::Null);
            let taken = TakenBack { end: answer::encode_end(&end), entry: branch.entries() };
            self.tell(&Kind::TakenBack.frame(0, &taken, Bytes::new()));
        }
    }
}

/// Where an action of a branch stands. The entry counts only once the service has taken the action.
fn standing(branch: &Branch) -> Json {
    json!(branch.standing())
}

impl Passage for Line {
    fn pass(&self, branch: &Branch, action: Action) -> Result<Reply, Failure> {
        let (head, body) = action::encode(&action);
        let (head, body) = self.ask(Kind::Pass, &json!({ "at": standing(branch), "action": head }), body)?;
        if head.get("unbound").is_none() {
            branch.next_entry();
        }
        answer::read(head, body, &self.catalog, &handle).ok_or_else(lost)?
    }

    fn open(&self, branch: &Branch, action: Action) -> Result<Composite, Failure> {
        let (head, body) = action::encode(&action);
        let at = standing(branch);
        let key = Key::next(branch);
        match self.ask_door(Kind::Open, &json!({ "at": at, "action": head }), body)? {
            Reply::Value(Value::List(known)) => Ok(Composite::elsewhere(key, action, known.into_iter().next())),
            _ => Err(lost()),
        }
    }

    fn close(&self, composite: Composite, outcome: Result<Value, Fault>) -> Result<(), Failure> {
        let outcome = match &outcome {
            Ok(value) => json!({ "value": code(value) }),
            Err(fault) => json!({ "fault": fault_json(fault) }),
        };
        self.ask_value(Kind::Close, &json!({ "key": composite.key(), "outcome": outcome })).map(|_| ())
    }

    fn item_failed(&self, composite: &Composite, item: u64) -> Result<(), Failure> {
        self.ask_value(Kind::ItemFailed, &json!({ "key": composite.key(), "item": item })).map(|_| ())
    }

    fn abandon(&self, branch: &Branch, target: &Arc<str>, caught: bool) {
        let head = json!({ "at": standing(branch), "target": &**target, "caught": caught });
        if caught {
            branch.next_entry();
        }
        // Nothing comes of it either way.
        let _done = self.ask_value(Kind::Abandon, &head);
    }

    fn is_replaying(&self) -> bool {
        // The service knows, and shows nothing twice.
        false
    }

    fn is_assumed(&self, value: &Value) -> bool {
        is_assumed(value)
    }

    fn is_assumed_target(&self, target: &str) -> bool {
        self.ask_value(Kind::AssumedTarget, &json!(target)).is_ok_and(|value| value == Value::Bool(true))
    }

    fn instead_of_waiting(&self) -> Option<Value> {
        match self.ask_value(Kind::Instead, &Json::Null) {
            Ok(Value::List(instead)) => instead.into_iter().next(),
            _ => None,
        }
    }

    fn threads(&self, more: i64) {
        self.working.fetch_add(more, Ordering::SeqCst);
    }
}

impl Output for Line {
    fn show(&self, event: OutputEvent) {
        self.tell(&Kind::Show.frame(0, &shown_json(&event), Bytes::new()));
    }
}

impl Library for Line {
    fn find(&self, path: &str, from: Option<&str>) -> Result<(String, String), String> {
        match self.ask_value(Kind::Import, &json!([path, from])) {
            Ok(Value::List(found)) => match <[Value; 2]>::try_from(found) {
                Ok([Value::Text(name), Value::Text(text)]) => Ok((name, text)),
                _ => Err(lost().to_string()),
            },
            Err(Failure::Fault(fault)) => Err(fault.message),
            Ok(_) | Err(Failure::Stop(_)) => Err(lost().to_string()),
        }
    }
}

impl Texts for Line {
    fn pinned(&self, _name: &str) -> Option<String> {
        // The library has them.
        None
    }

    fn loaded(&self, name: &str, _text: &str) {
        self.tell(&Kind::Loaded.frame(0, &name, Bytes::new()));
    }
}
