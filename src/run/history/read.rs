//! From the journal to the document of a run.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::catalog::hidden::hide;
use crate::catalog::{Catalog, Field, LostAnswer, Row};
use crate::door::Reply;
use crate::journal::{EntryRow, Log, Part, RunRow, code, fault_json, hex, sha256, spelled_out};
use crate::run::history::after::after;
use crate::run::history::document::{Answer, Detail, EntryHistory, ErrorHistory, RunHistory, Text};
use crate::run::history::hide::{hide_names, hide_params};
use crate::run::project::Project;
use crate::secret::Masker;

/// Reads the runs of a project. What it gives is masked.
pub struct Reader {
    project: Arc<Project>,
    log: Arc<Log>,
    masker: Masker,
}

impl Reader {
    /// A reader of a project's journal.
    pub fn new(project: &Arc<Project>) -> Self {
        Self { project: Arc::clone(project), log: project.journal(), masker: project.masker().clone() }
    }

    /// A run with its children, and its entries without their details. Nothing of it is masked yet: the
    /// secrets that it used are learnt from it.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn outline(&self, run: &RunRow) -> Result<RunHistory, String> {
        let children = self.log.runs()?;
        self.outline_with(run, &children)
    }

    fn outline_with(&self, run: &RunRow, all: &[RunRow]) -> Result<RunHistory, String> {
        let mut pinned = self.log.pinned(&run.id)?;
        let ending = self.log.ending(&run.id)?.unwrap_or_default();
        let word = |name: &str| pinned.get(name).and_then(Json::as_str).map(str::to_owned);
        let (user, host, terminal, version) = (word("user"), word("host"), word("terminal"), word("version"));
        let mut take = |name: &str| pinned.get_mut(name).map(Json::take).unwrap_or_default();
        let text = |pointer: &str| ending.pointer(pointer).and_then(Json::as_str).unwrap_or_default().to_owned();
        let tally = self.log.tally(&run.id)?;
        let error = ending.get("error").filter(|error| !error.is_null()).map(|_| ErrorHistory {
            message: text("/error/message"),
            report: text("/error/report"),
            entry: ending.pointer("/error/fault/entry").and_then(Json::as_u64),
        });
        let below = all.iter().filter(|child| child.parent.as_ref() == Some(&run.id));
        let mut children = below.map(|child| self.outline_with(child, all)).collect::<Result<Vec<_>, _>>()?;
        children.sort_by_key(|child| child.started);
        let texts = self.log.texts(&run.id)?.into_iter();
        Ok(RunHistory {
            id: run.id.clone(),
            parent: run.parent.clone(),
            playbook: run.name.clone(),
            mode: run.mode.clone(),
            cause: run.cause.clone(),
            user,
            host,
            terminal,
            version,
            started: run.started,
            ended: run.ended,
            ran: self.ran(run),
            resumed: run.resumed,
            outcome: run.outcome.clone(),
            script: hex(&run.script),
            texts: texts.map(|(name, text)| Text { name, sha256: hex(&sha256(text.as_bytes())), text }).collect(),
            params: take("params"),
            event: take("event"),
            value: ending.get("value").cloned().unwrap_or_default(),
            error,
            reads: tally.reads,
            changes: tally.changes,
            pruned: run.pruned,
            wake: run.wake,
            entries: self.log.entries(&run.id, true)?.into_iter().map(entry).collect(),
            children,
        })
    }

    /// For how long a run has run: while it runs, until now.
    fn ran(&self, run: &RunRow) -> i64 {
        let now = || self.project.clock.now().as_microsecond();
        if run.outcome.is_none() { run.ran + (now() - run.began.as_microsecond()).max(0) } else { run.ran }
    }

    /// Reads the details of the entries that are wanted, by run and number, and masks everything. An entry
    /// that cannot be read says so in its place.
    pub fn fill(&self, run: &mut RunHistory, wanted: &dyn Fn(&str, u64) -> bool) {
        for entry in run.entries.iter_mut().filter(|entry| wanted(&run.id, entry.number)) {
            entry.detail = Some(self.detail(&run.id, entry).unwrap_or_else(|damaged| Detail {
                left_out: Some(self.masker.mask(&damaged).into_owned()),
                ..Detail::default()
            }));
        }
        for child in &mut run.children {
            self.fill(child, wanted);
        }
        self.mask(run);
    }

    fn mask(&self, run: &mut RunHistory) {
        let mask = |text: &mut String| *text = self.masker.mask(text).into_owned();
        run.texts.iter_mut().for_each(|text| mask(&mut text.text));
        for json in [&mut run.params, &mut run.event, &mut run.value] {
            hide_names(json);
            self.masker.mask_json(json);
        }
        if let Some(error) = &mut run.error {
            mask(&mut error.message);
            mask(&mut error.report);
        }
        run.entries.iter_mut().for_each(|entry| mask(&mut entry.operation));
    }

    fn detail(&self, run: &str, entry: &EntryHistory) -> Result<Detail, String> {
        let number = entry.number;
        let parsed = |part| -> Result<Option<Json>, String> {
            let bytes = self.log.part(run, number, part)?;
            bytes.map(|bytes| serde_json::from_slice(&bytes).map_err(|_| "the entry is damaged".into())).transpose()
        };
        let mut action = parsed(Part::Action)?.unwrap_or_default();
        let known = self.known(entry, &action);
        let mut detail = Detail { before: parsed(Part::Before)?, ..Detail::default() };
        match self.log.outcome(run, number)? {
            Some(Ok(reply)) => detail.answer = Some(answer(reply)),
            Some(Err(fault)) => detail.fault = Some(fault_json(&fault)),
            None => {}
        }
        detail.args = match action.as_object_mut() {
            Some(members) if entry.kind == "call" => spelled_out(members.remove("args").unwrap_or_default()),
            Some(members) => {
                members.remove("do");
                members.remove("target");
                action
            }
            None => Json::Null,
        };
        match known {
            Known::Host => {}
            Known::Row(row) => self.hide_by(row, &mut detail),
            Known::Nothing(why) => leave_out(&mut detail, entry, why),
        }
        self.hide_all(&mut detail);
        Ok(detail)
    }

    fn known(&self, entry: &EntryHistory, action: &Json) -> Known {
        let text = |name: &str| action.get(name).and_then(Json::as_str);
        let catalog: &Catalog = &self.project.catalog;
        match entry.kind.as_str() {
            "call" => {
                let row = text("vendor").zip(text("call")).and_then(|(vendor, call)| catalog.row(vendor, call));
                row.map_or(Known::Nothing("the catalog no longer has this call"), Known::Row)
            }
            "raw" => {
                let target = entry.target.as_ref().and_then(|name| self.project.config.targets.get(name));
                let row = target.and_then(|target| catalog.match_raw(&target.vendor, text("raw")?, text("path")?));
                row.map_or(Known::Nothing("no row says what of it is secret"), Known::Row)
            }
            "fetch" => Known::Nothing("no row says what of it is secret"),
            _ => Known::Host,
        }
    }

    /// Hides what the row calls secret, and what the read that showed the state calls so.
    fn hide_by(&self, row: &'static Row, detail: &mut Detail) {
        let settles = match row.lost_answer {
            LostAnswer::Verify(read) => Some(read),
            _ => None,
        };
        let read = row.before.as_ref().map(|before| before.call).or(settles);
        let shown: &[Field] =
            read.and_then(|read| self.project.catalog.row(row.vendor, read)).map_or(&[], |read| read.answer.fields);
        hide_params(&mut detail.args, row);
        if let Some(state) = detail.before.as_mut().and_then(|before| before.get_mut("state")) {
            hide(state, shown);
            hide_params(state, row);
        }
        let mut body = None;
        if let Some(Answer::Http { body: Some(json), .. }) = &mut detail.answer {
            hide(json, row.answer.fields);
            hide_params(json, row);
            body = Some(&*json);
        }
        detail.after = detail.before.as_ref().and_then(|before| after(row, &detail.args, before, body));
    }

    fn hide_all(&self, detail: &mut Detail) {
        let Detail { args, before, after, answer, fault, .. } = detail;
        let answer = match answer {
            Some(Answer::Http { body: Some(json), .. } | Answer::Value(json)) => Some(json),
            _ => None,
        };
        for json in [Some(args), before.as_mut(), after.as_mut(), answer, fault.as_mut()].into_iter().flatten() {
            hide_names(json);
            self.masker.mask_json(json);
        }
    }
}

/// What is known of the secrets in an entry.
enum Known {
    /// It is an effect of the host: secrets have their own type.
    Host,
    /// A row says it.
    Row(&'static Row),
    /// Nobody says it, and why.
    Nothing(&'static str),
}

/// Leaves out what may hold a secret that nobody has marked.
fn leave_out(detail: &mut Detail, entry: &EntryHistory, why: &str) {
    if let Some(Answer::Http { body, .. }) = &mut detail.answer {
        *body = None;
    }
    detail.before = None;
    match (entry.kind.as_str(), detail.args.as_object_mut()) {
        // Of a request its method and address; what stands in it may be anything.
        ("raw", Some(members)) => members.retain(|name, _| matches!(name.as_str(), "raw" | "path")),
        ("fetch", Some(members)) => {
            members.retain(|name, _| matches!(name.as_str(), "method" | "url"));
            if let Some(Json::String(url)) = members.get_mut("url") {
                *url = without_query(url);
            }
        }
        _ => detail.args = Json::Null,
    }
    detail.left_out = Some(format!("the rest is left out: {why}"));
}

/// An address without what may be a token in it.
fn without_query(url: &str) -> String {
    url.split_once('?').map_or_else(|| url.to_owned(), |(address, _)| format!("{address}?…"))
}

fn answer(reply: Reply) -> Answer {
    match reply {
        Reply::Http(answer) => {
            let body = match answer.body.is_empty() {
                true => None,
                false => Some(
                    serde_json::from_slice(&answer.body)
                        .unwrap_or_else(|_| json!(String::from_utf8_lossy(&answer.body).into_owned())),
                ),
            };
            Answer::Http { status: answer.status, body, bytes: answer.body.len() as u64 }
        }
        Reply::Value(value) => Answer::Value(code(&value)),
        Reply::Json(json) => Answer::Value(serde_json::from_slice(&json).unwrap_or_default()),
        Reply::Bytes(contents) => Answer::File { bytes: contents.len() as u64, sha256: hex(&sha256(&contents)) },
    }
}

fn entry(row: EntryRow) -> EntryHistory {
    let void = match (row.void, row.passed) {
        (true, true) => Some("passed".to_owned()),
        (true, false) => Some("undone".to_owned()),
        (false, _) => None,
    };
    let state = if row.is_open() {
        "open"
    } else if row.has_failed() {
        "failed"
    } else {
        "done"
    };
    EntryHistory {
        number: row.number,
        path: row.path,
        position: row.position,
        inside: row.inside,
        void,
        target: row.target,
        operation: match row.kind.as_str() {
            "fetch" | "raw" => without_query(&row.operation),
            _ => row.operation,
        },
        kind: row.kind,
        effect: row.effect,
        items: row.items,
        state: state.to_owned(),
        note: row.note,
        begun: row.begun,
        ended: row.ended,
        detail: None,
    }
}
