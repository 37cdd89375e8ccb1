//! A Worker: analysis of files.

use std::sync::{Arc, PoisonError};

use serde_json::{Value as Json, json};

use super::routes::{detail, file, missing};
use super::state::{State, Task};
use super::{Spectra, WORKER_TOKEN};
use crate::lab::server::{Appliance, Ask, Tell};
use crate::lab::web;

/// The Worker's API.
pub struct Worker(pub Arc<Spectra>);

impl Appliance for Worker {
    fn answer(&self, ask: &Ask) -> Tell {
        if ask.path.ends_with('/') {
            return missing().complain("the path has a slash at its end");
        }
        if web::header(ask, "authorization") != Some(&format!("Token {WORKER_TOKEN}")) {
            return detail(403, "Invalid token.");
        }
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        route(ask, self.0.options.looks, &mut state)
    }

    fn writes(&self, ask: &Ask) -> bool {
        !matches!(ask.method.as_str(), "GET" | "HEAD")
    }
}

fn shown(task: &Task) -> Json {
    let processed = (task.left == 0).then_some(1_700_000_100);
    json!({ "task_id": task.id, "submitted": 1_700_000_000, "processed": processed, "worker_hostname": "worker-1" })
}

fn route(ask: &Ask, looks: u64, state: &mut State) -> Tell {
    let query = web::query(ask);
    let parts: Vec<&str> = ask.path.split('/').skip(1).collect();
    match (ask.method.as_str(), parts.as_slice()) {
        ("POST", ["api", "tiscale", "v1", "upload"]) => match file(ask, "analysis", state) {
            Ok(_) => {
                let id = state.number();
                state.tasks.push(Task { id, left: looks });
                // The URL names the Worker by the name that it knows of itself.
                Tell::json(200, &json!({ "task_url": format!("https://worker-1.internal/api/tiscale/v1/task/{id}") }))
                    .done()
            }
            Err(tell) => *tell,
        },
        ("GET", ["api", "tiscale", "v1", "task"]) => Tell::json(200, &state.tasks.iter().map(shown).collect()),
        ("DELETE", ["api", "tiscale", "v1", "task"]) => match web::number(&query, "age") {
            Some(_) => Tell::json(200, &json!({})).done(),
            None => detail(400, "age is missing"),
        },
        ("GET", ["api", "tiscale", "v1", "task", id]) => {
            let Some(task) = id.parse().ok().and_then(|id: u64| state.tasks.iter_mut().find(|task| task.id == id))
            else {
                return missing();
            };
            task.left = task.left.saturating_sub(1);
            Tell::json(200, &shown(task))
        }
        ("DELETE", ["api", "tiscale", "v1", "task", id]) => {
            let before = state.tasks.len();
            state.tasks.retain(|task| id.parse() != Ok(task.id));
            if state.tasks.len() < before { Tell::json(200, &json!({})).done() } else { missing() }
        }
        ("GET", ["api", "tiscale", "v1", "yara"]) => {
            Tell::json(200, &json!({ "id": "0123456789abcdef0123456789abcdef01234567" }))
        }
        ("GET", ["srv", "tiscale", "v1", "sysinfo"]) => Tell::json(200, &json!({ "status": "ok" })),
        _ => missing(),
    }
}
