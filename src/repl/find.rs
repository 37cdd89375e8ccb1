//! `?name` and `?words`: help from the catalog, the host's functions and the playbooks.

use crate::catalog::explain;
use crate::catalog::search::{self, Field, Query};
use crate::engine::Session;
use crate::repl::voice::Around;
use crate::run::{Playbook, explain as playbooks};
use crate::wrap::{cut, wrapped};

/// A longer signature is cut in a list.
const SIGNATURE: usize = 32;

/// So many finds are listed.
const LISTED: usize = 15;

/// Help on what has this name, or else what fits these words.
///
/// # Errors
/// What to say when there is nothing.
pub fn help(session: &Session, around: &Around, words: &str, width: usize) -> Result<String, String> {
    let exact = named(session, around, words, width);
    if !exact.is_empty() {
        return Ok(exact.join("\n"));
    }
    let found = ranked(session, around, words);
    if found.is_empty() {
        let hint = crate::nearest::did_you_mean(words, session.index().names());
        return Err(format!("nothing is called or described as '{words}'.{hint}"));
    }
    let lengths = found.iter().take(LISTED).map(|(_, name, _)| name.chars().count());
    let column = lengths.filter(|length| *length <= (width * 2 / 5).clamp(24, 48)).max().unwrap_or(24);
    let mut text = String::new();
    for (_, name, summary) in found.iter().take(LISTED) {
        // A long name has a line of its own, so that it can be copied.
        if name.chars().count() > column {
            text.push_str(&format!("{name}\n{:column$}  {}\n", "", cut(summary, width.saturating_sub(column + 2))));
        } else {
            text.push_str(&format!("{name:column$}  {}\n", cut(summary, width.saturating_sub(column + 2))));
        }
    }
    let more = found.len().saturating_sub(LISTED);
    text.push_str(&if more > 0 {
        format!("… and {more} more: another word narrows it down; ?NAME tells all of one\n")
    } else {
        "?NAME tells all of one\n".to_owned()
    });
    Ok(text)
}

fn named(session: &Session, around: &Around, name: &str, width: usize) -> Vec<String> {
    let mut pages = Vec::new();
    if let Ok(rows) = session.catalog().named(name) {
        let own: Vec<_> =
            rows.iter().filter(|row| around.targets.iter().any(|(_, vendor, _)| vendor == row.vendor)).collect();
        let chosen = if own.is_empty() { rows.iter().collect() } else { own };
        pages.extend(chosen.into_iter().map(|row| explain::page(row, width)));
    }
    for (signature, doc) in session.functions_named(name) {
        pages.push(format!("{}{}", wrapped(&signature, width, "", "    "), wrapped(&doc, width, "    ", "    ")));
    }
    if (name.contains('/') || pages.is_empty())
        && let Ok(playbook) = Playbook::find(name, &around.here, &around.folder)
    {
        pages.push(playbooks::page(&playbook, "run", width));
    }
    pages
}

/// Everything that fits the words, the best first: how well, the name, and what it does.
fn ranked(session: &Session, around: &Around, words: &str) -> Vec<(u32, String, String)> {
    let query = Query::new(words);
    let mut found = Vec::new();
    let calls = search::calls(session.catalog(), &query);
    // Where appliances are configured, calls that none of them has would only be in the way.
    let own = |vendor: &str| around.targets.iter().any(|(_, own, _)| own == vendor);
    let any_own = calls.iter().any(|(_, row)| own(row.vendor));
    for (score, row) in calls.into_iter().filter(|(_, row)| !any_own || own(row.vendor)) {
        found.push((score, format!("{}.{}", row.vendor, row.name), explain::brief(row)));
    }
    for entry in session.index().entries().iter().filter(|entry| entry.vendor.is_none()) {
        let summary = entry.doc.lines().next().unwrap_or_default().replace('`', "");
        let score = query.score(&[Field::new(&entry.name, 12, 6), Field::new(&entry.doc, 6, 3)], true);
        if score > 0 {
            let short = entry.signature.chars().count() <= SIGNATURE;
            let name = if short { entry.signature.clone() } else { format!("{}(…)", entry.name) };
            found.push((score, name, summary));
        }
    }
    for playbook in Playbook::all(&around.folder).into_iter().filter_map(Result::ok) {
        let fields = [Field::new(&playbook.name, 12, 6), Field::new(&playbook.header.doc, 6, 3)];
        let score = query.score(&fields, false);
        if score > 0 {
            found.push((score, playbook.name, playbook.header.summary));
        }
    }
    found.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.len().cmp(&b.1.len())).then_with(|| a.1.cmp(&b.1)));
    found
}
