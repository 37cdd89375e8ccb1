//! Finding by words: the same ranking for calls, host functions and playbooks.

use crate::catalog::{Catalog, Effect, Row, synonyms};

/// What is looked for.
#[derive(Clone, Debug)]
pub struct Query {
    words: Vec<Word>,
}

#[derive(Clone, Debug)]
struct Word {
    text: String,
    others: Vec<&'static str>,
    /// It asks for a look, which everything answers that only reads.
    looks: bool,
}

/// A text that is looked through, and what it counts when it has a word: as a whole, and as a part.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    /// The text.
    pub text: &'a str,
    /// What a whole word counts.
    pub whole: u32,
    /// What the beginning or a part of a word counts.
    pub part: u32,
}

impl<'a> Field<'a> {
    /// A text with its weights.
    pub const fn new(text: &'a str, whole: u32, part: u32) -> Self {
        Self { text, whole, part }
    }
}

impl Query {
    /// Of the words of a text. Words that say nothing count only where there are no others.
    pub fn new(text: &str) -> Self {
        let all: Vec<String> = text
            .split(|c: char| !(c.is_alphanumeric() || c == '_'))
            .filter(|word| !word.is_empty())
            .map(str::to_lowercase)
            .collect();
        let saying: Vec<&String> = all.iter().filter(|word| !synonyms::is_empty(word)).collect();
        let chosen = if saying.is_empty() { all.iter().collect() } else { saying };
        let words = chosen.into_iter().map(|text| Word {
            text: text.clone(),
            others: synonyms::of(singular(text)).chain(synonyms::of(text)).collect(),
            looks: synonyms::is_looking(text),
        });
        Self { words: words.collect() }
    }

    /// How well something fits: 0 if one of the words is found nowhere in it.
    pub fn score(&self, fields: &[Field<'_>], reads: bool) -> u32 {
        let mut sum = 0;
        for word in &self.words {
            let best = fields.iter().map(|field| word.score(field)).max().unwrap_or(0);
            let best = if word.looks && reads { best.max(1) } else { best };
            if best == 0 {
                return 0;
            }
            sum += best;
        }
        sum
    }
}

impl Word {
    fn score(&self, field: &Field<'_>) -> u32 {
        let mut best = 0;
        for have in field.text.split(|c: char| !c.is_alphanumeric()).filter(|have| !have.is_empty()) {
            let found = if same(have, &self.text) {
                field.whole
            } else if self.text.len() > 1 && contains(have, &self.text) {
                field.part
            } else if self.others.iter().any(|other| same(have, other)) {
                // Another word for it is nearly as good as the word.
                field.whole - field.whole / 4
            } else {
                0
            };
            best = best.max(found);
        }
        // A name of several words may be asked for as it is written.
        if best < field.whole && self.text.contains('_') && contains(field.text, &self.text) {
            best = field.whole;
        }
        best
    }
}

fn singular(word: &str) -> &str {
    word.strip_suffix('s').filter(|word| word.len() > 2 && !word.ends_with('s')).unwrap_or(word)
}

fn same(have: &str, word: &str) -> bool {
    singular(have).eq_ignore_ascii_case(singular(word))
}

/// Whether a text has a word in it, whatever the case; the word is in lower case.
fn contains(text: &str, word: &str) -> bool {
    let (text, word) = (text.as_bytes(), word.as_bytes());
    text.len() >= word.len() && text.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word))
}

/// How well a call fits.
fn score(row: &Row, query: &Query) -> u32 {
    let mut fields = vec![
        Field::new(row.name, 12, 6),
        Field::new(row.summary, 8, 4),
        Field::new(row.area, 5, 3),
        Field::new(row.path, 4, 2),
        Field::new(row.vendor, 3, 0),
        Field::new(row.doc, 2, 1),
    ];
    fields.extend(row.keywords.iter().map(|keyword| Field::new(keyword, 10, 4)));
    fields.extend(row.params.iter().map(|param| Field::new(param.name, 4, 2)));
    query.score(&fields, row.effect == Effect::Read)
}

/// The calls that fit, each with how well it does, the best first.
pub fn calls(catalog: &Catalog, query: &Query) -> Vec<(u32, &'static Row)> {
    let scored = catalog.rows().map(|row| (score(row, query), row));
    let mut found: Vec<(u32, &'static Row)> = scored.filter(|(score, _)| *score > 0).collect();
    // Of equals the shorter name is the more general call.
    found.sort_by_key(|(score, row)| (std::cmp::Reverse(*score), row.name.len(), row.name));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(text: &str, count: usize) -> Vec<String> {
        let found = calls(&Catalog::builtin(), &Query::new(text));
        found.iter().take(count).map(|(_, row)| format!("{}.{}", row.vendor, row.name)).collect()
    }

    #[test]
    fn what_people_ask_for_is_among_the_first_three() {
        let mut missing = Vec::new();
        for (asked, wanted) in [
            ("block ip", "seg.ip_group_delta"),
            ("ban network", "seg.ip_group_delta"),
            ("find mail in quarantine", "seg.quarantine_find"),
            ("list groups", "seg.groups"),
            ("ip_group_delta", "seg.ip_group_delta"),
        ] {
            let found = first(asked, 3);
            if !found.iter().any(|name| name == wanted) {
                missing.push(format!("'{asked}' finds {found:?} before {wanted}"));
            }
        }
        assert!(missing.is_empty(), "{}", missing.join("\n"));
    }

    #[test]
    fn every_word_must_be_found_somewhere() {
        assert!(first("quarantine xylophone", 1).is_empty());
        assert!(first("", 1).is_empty());
    }

    #[test]
    fn a_whole_word_comes_before_a_part_and_before_another_word_for_it() {
        let query = Query::new("spam");
        let score = |text| query.score(&[Field::new(text, 8, 4)], false);
        assert!(score("the spam report") > score("junk mail") && score("junk mail") > score("antispam"));
        assert_eq!(score("nothing of it"), 0);
    }
}
