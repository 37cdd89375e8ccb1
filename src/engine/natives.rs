//! What Rhai's own functions take and give, from a table that is compiled in: to ask Rhai takes longer than all
//! else before a script's first line. A test holds the table to what Rhai says.

use crate::engine::index::Entry;
use crate::engine::kind::Kind;

/// One form of a function in each line, in order of names: name, kinds of the arguments, kind of what it gives,
/// how it is written; tabs between them.
const FORMS: &str = include_str!("forms.txt");

/// Rhai's own functions of that name, without their texts.
pub(super) fn named(name: &str) -> Vec<Entry> {
    let lines = FORMS.get(begin_of(name)..).unwrap_or_default().lines();
    lines.take_while(|line| name_of(line) == name).filter_map(form).collect()
}

/// Where the first line begins whose name does not stand before `name`. A script asks for a few names: to make a
/// table of all would take longer.
fn begin_of(name: &str) -> usize {
    let (mut from, mut to) = (0, FORMS.len());
    while from < to {
        let middle = FORMS.as_bytes().get(..from + (to - from) / 2).unwrap_or_default();
        let begin = middle.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let line = FORMS.get(begin..).and_then(|rest| rest.split_inclusive('\n').next()).unwrap_or_default();
        if name_of(line) < name {
            from = begin + line.len();
        } else {
            to = begin;
        }
    }
    from
}

fn name_of(line: &str) -> &str {
    line.split_once('\t').map_or("", |(name, _)| name)
}

fn form(line: &str) -> Option<Entry> {
    let mut parts = line.split('\t');
    let (name, takes, gives, signature) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    Some(Entry {
        name: name.to_owned(),
        signature: signature.to_owned(),
        doc: String::new(),
        vendor: None,
        call: None,
        takes: takes.split(' ').filter_map(Kind::named).collect(),
        options: Vec::new(),
        gives: Kind::named(gives)?,
        fields: Vec::new(),
        ours: false,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::engine::index::described;
    use crate::engine::run::standard;

    fn line(entry: &Entry) -> String {
        let takes: Vec<&str> = entry.takes.iter().map(|kind| kind.name()).collect();
        format!("{}\t{}\t{}\t{}\n", entry.name, takes.join(" "), entry.gives.name(), entry.signature)
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "whoever wants the table written anew says so in the environment")]
    fn the_table_says_what_rhai_says() {
        let told = described(standard());
        let table: String = told.iter().map(line).collect::<BTreeSet<_>>().into_iter().collect();
        if std::env::var_os("UPDATE_CASES").is_some() {
            std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/src/engine/forms.txt"), &table).unwrap();
        }
        assert!(table == FORMS, "src/engine/forms.txt is stale: UPDATE_CASES=1 cargo nextest run -E 'test(rhai_says)'");
        for entry in told {
            let told = Entry { doc: String::new(), ..entry };
            assert!(named(&told.name).contains(&told), "{told:?} is read as {:?}", named(&told.name));
        }
        assert!(named("nothing_of_that_name").is_empty());
    }
}
