//! What the lab saw: the record that tests ask.

use std::sync::{Mutex, PoisonError};

/// How much of a body is kept.
const KEPT: usize = 64 * 1024;

/// How many requests are kept whole; counters go on.
const REQUESTS: usize = 20_000;

/// One request as it came in.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The method.
    pub method: String,
    /// Path and query as they came.
    pub target: String,
    /// Headers in the order in which they came; the credentials of `authorization` are left out.
    pub headers: Vec<(String, String)>,
    /// The beginning of the body.
    pub body: Vec<u8>,
    /// The status answered; `None` if the line was cut.
    pub status: Option<u16>,
    /// Whether it could change something, by the documents.
    pub writes: bool,
    /// Whether it changed something here.
    pub applied: bool,
    /// What was wrong with it although the true appliance would not have said so.
    pub complaints: Vec<String>,
}

/// The record.
#[derive(Debug, Default)]
pub struct Log(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    requests: Vec<Seen>,
    complaints: Vec<String>,
    reads: u64,
    writes: u64,
    applied: u64,
}

impl Log {
    /// Keeps a request.
    pub fn add(&self, mut seen: Seen) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = if seen.writes { &mut inner.writes } else { &mut inner.reads };
        *count += 1;
        inner.applied += u64::from(seen.applied);
        for complaint in &seen.complaints {
            let line = format!("{} {}: {complaint}", seen.method, seen.target);
            if inner.complaints.len() < 100 {
                inner.complaints.push(line);
            }
        }
        seen.body.truncate(KEPT);
        if inner.requests.len() < REQUESTS {
            inner.requests.push(seen);
        }
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).requests.clone()
    }

    /// Everything that was wrong.
    pub fn complaints(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).complaints.clone()
    }

    /// How many requests read, wrote, and changed something.
    pub fn counts(&self) -> (u64, u64, u64) {
        let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (inner.reads, inner.writes, inner.applied)
    }
}
