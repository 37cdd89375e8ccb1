//! What a run did and when, drawn as a tree.

use std::collections::BTreeSet;

use super::changed::{Paint, lines};
use super::length::{clipped, length_of};
use super::tree::{Node, What, only_changes, tree};
use crate::run::history::{EntryHistory, RunHistory};

/// What of a timeline is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Drawing {
    /// Everything: nothing is cut, and what a resume has done again is there as well.
    pub all: bool,
    /// Changes only, and what they stand in.
    pub changes: bool,
    /// How many columns there are.
    pub width: usize,
    /// Whether there are colours.
    pub colours: bool,
}

/// So many rows are drawn without a cut.
const WHOLE: usize = 60;

/// Of a longer run so many stay at the beginning, and so many at the end.
const ENDS: (usize, usize) = (30, 20);

/// So many that failed or are open stay in between.
const NOTABLE: usize = 20;

/// The columns before the tree: begin, length and state.
const MARGIN: usize = 30;

/// A row of the drawing.
enum Row<'t, 'a> {
    Node(Line<'t, 'a>),
    Cut(usize),
}

/// A node in its place.
#[derive(Clone, Copy)]
struct Line<'t, 'a> {
    depth: usize,
    /// The item that it is all of.
    item: Option<u64>,
    node: &'t Node<'a>,
}

fn nodes(run: &RunHistory, drawing: Drawing) -> Vec<Node<'_>> {
    let whole = tree(run, drawing.all);
    if drawing.changes { only_changes(whole) } else { whole }
}

fn rows<'t, 'a>(nodes: &'t [Node<'a>], drawing: Drawing) -> Vec<Row<'t, 'a>> {
    fn flatten<'t, 'a>(nodes: &'t [Node<'a>], depth: usize, flat: &mut Vec<Line<'t, 'a>>) {
        for node in nodes {
            // An item of one entry needs no row of its own.
            let (item, node) = match (node.what, node.inner.as_slice()) {
                (What::Item(item), [only]) => (Some(item), only),
                _ => (None, node),
            };
            flat.push(Line { depth, item, node });
            flatten(&node.inner, depth + 1, flat);
        }
    }
    let mut flat = Vec::new();
    flatten(nodes, 0, &mut flat);
    let count = flat.len();
    let mut notable = 0;
    let mut rows = Vec::new();
    for (number, line) in flat.into_iter().enumerate() {
        let at_an_end = number < ENDS.0 || number + ENDS.1 >= count;
        let mut stays = drawing.all || count <= WHOLE || at_an_end;
        if !stays && notable < NOTABLE && line.node.entry().is_some_and(|entry| entry.has_failed() || entry.is_open()) {
            notable += 1;
            stays = true;
        }
        match rows.last_mut() {
            _ if stays => rows.push(Row::Node(line)),
            Some(Row::Cut(cut)) => *cut += 1,
            _ => rows.push(Row::Cut(1)),
        }
    }
    rows
}

/// The entries that a drawing shows, by run and number: of no other are details needed.
pub fn shown(run: &RunHistory, drawing: Drawing) -> BTreeSet<(String, u64)> {
    let nodes = nodes(run, drawing);
    let rows = rows(&nodes, drawing);
    let entries = rows.iter().filter_map(|row| match row {
        Row::Node(Line { node, .. }) => node.entry().map(|entry| (node.run.id.clone(), entry.number)),
        Row::Cut(_) => None,
    });
    entries.collect()
}

/// Draws what a run did.
pub fn draw(run: &RunHistory, drawing: Drawing) -> String {
    let nodes = nodes(run, drawing);
    if nodes.is_empty() {
        return String::new();
    }
    let paint = |code: &str, text: &str| match drawing.colours {
        true => format!("\x1b[{code}m{text}\x1b[0m"),
        false => text.to_owned(),
    };
    let mut text = format!("\n{:>10} {:>7}  {:<10}ENTRY\n", "BEGINS", "TOOK", "STATE");
    for row in rows(&nodes, drawing) {
        match row {
            Row::Node(line) => draw_node(run, line, drawing, &paint, &mut text),
            Row::Cut(1) => text.push_str(&format!("{:MARGIN$}… 1 row: --all shows it\n", "")),
            Row::Cut(cut) => text.push_str(&format!("{:MARGIN$}… {cut} rows: --all shows them\n", "")),
        }
    }
    text.push_str(&legend(run, drawing));
    text
}

fn draw_node(run: &RunHistory, line: Line<'_, '_>, drawing: Drawing, paint: Paint<'_>, text: &mut String) {
    let Line { depth, item, node } = line;
    let span = Span::of(node);
    let offset = span.begun.map(|begun| begun - run.started.as_microsecond());
    let begins = offset.map(|offset| format!("+{}", length_of(offset))).unwrap_or_default();
    let took = span.begun.zip(span.ended).map(|(begun, ended)| length_of(ended - begun)).unwrap_or_default();
    let word = state(node);
    let painted = match word {
        "failed" | "uncertain" => paint("31", &format!("{word:<10}")),
        "running" | "open" => paint("33", &format!("{word:<10}")),
        "undone" | "passed" => paint("2", &format!("{word:<10}")),
        _ => format!("{word:<10}"),
    };
    let indent = MARGIN + 2 * depth;
    let item = item.map(|item| format!("item {}: ", item + 1)).unwrap_or_default();
    let label = clipped(&format!("{item}{}", label(node)), drawing.width.saturating_sub(indent).max(10));
    text.push_str(&format!("{begins:>10} {took:>7}  {painted}{:1$}{label}\n", "", 2 * depth));
    // What failed inside says it there.
    let is_told = node.inner.iter().any(|inner| state(inner) == "failed");
    if let Some(entry) = node.entry().filter(|_| !is_told) {
        let room = drawing.width.saturating_sub(indent + 4).max(20);
        for line in lines(entry, room, paint) {
            text.push_str(&format!("{:1$}{line}\n", "", indent + 4));
        }
    }
}

/// From when to when a node lasted, in microseconds.
struct Span {
    begun: Option<i64>,
    ended: Option<i64>,
}

impl Span {
    fn of(node: &Node<'_>) -> Self {
        if let What::Entry(entry) = node.what {
            let ended = entry.ended.map(|ended| ended.as_microsecond());
            let own = Self { begun: Some(entry.begun.as_microsecond()), ended };
            // A transaction lasts until its end, and its entry is its beginning alone.
            let last = node.inner.last().filter(|_| entry.kind == "begin");
            return last
                .map_or(own.ended, |last| Self::of(last).ended)
                .map_or(Self { begun: own.begun, ended: None }, |ended| Self { begun: own.begun, ended: Some(ended) });
        }
        let inner: Vec<Self> = node.inner.iter().map(Self::of).collect();
        let ended: Option<Vec<i64>> = inner.iter().map(|span| span.ended).collect();
        Self {
            begun: inner.iter().filter_map(|span| span.begun).min(),
            ended: ended.and_then(|ended| ended.into_iter().max()),
        }
    }
}

fn state(node: &Node<'_>) -> &'static str {
    let Some(entry) = node.entry() else {
        // An item is as its last entry is.
        return node.inner.last().map_or("done", state);
    };
    let composite = matches!(entry.kind.as_str(), "step" | "parallel" | "run_playbook");
    match (entry.void.as_deref(), entry.state.as_str()) {
        (Some("undone"), _) => "undone",
        (Some(_), _) => "passed",
        (None, "failed") => "failed",
        (None, "open") if node.run.is_running() => "running",
        (None, "open") if entry.is_change() && !composite => "uncertain",
        (None, "open") => "open",
        (None, _) if entry.is_change() && node.run.mode == "dry" => "withheld",
        (None, _) => "done",
    }
}

fn label(node: &Node<'_>) -> String {
    let entry = match node.what {
        What::Item(item) => return format!("item {}", item + 1),
        What::Entry(entry) => entry,
    };
    let items = match entry.items {
        0 | 1 => String::new(),
        items => format!(", {items} items"),
    };
    let effect = if entry.is_change() { format!(" [{}{items}]", entry.effect) } else { String::new() };
    let child = match (entry.kind.as_str(), &entry.note) {
        ("run_playbook", Some(id)) => format!(" (run {id})"),
        ("sleep", Some(until)) => format!(" until {until}"),
        _ => String::new(),
    };
    format!("{}{effect}{child}", entry.operation)
}

/// What the words mean that need it.
fn legend(run: &RunHistory, drawing: Drawing) -> String {
    let count =
        |run: &RunHistory, which: fn(&EntryHistory) -> bool| run.entries.iter().filter(|one| which(one)).count();
    let is_passed = |entry: &EntryHistory| entry.void.as_deref() == Some("passed");
    let mut text = String::new();
    match count(run, EntryHistory::is_undone) {
        0 => {}
        _ if drawing.all => text.push_str("undone: a resume has done it again\n"),
        undone => text.push_str(&format!("{undone} that a resume has done again: --all shows them\n")),
    }
    if count(run, is_passed) > 0 {
        text.push_str("passed: it took effect, and the resumed script went another way; an undo takes it back\n");
    }
    text
}
