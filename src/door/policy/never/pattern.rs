//! Wildcards and regular expressions, tried against protected names.

use regex::{Regex, RegexBuilder};

use super::names::MailAddress;

/// The greatest automaton that a regular expression may become, in bytes.
const MAX_SIZE: usize = 1 << 20;

/// A text in which `*` stands for any characters and `?` for one.
#[derive(Debug)]
pub(super) struct Glob(Vec<Part>);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    Char(char),
    One,
    /// Any characters.
    Any,
    /// Any characters but an `@`.
    AnyName,
}

impl Glob {
    /// A wildcard as a request has it: nothing is known of how far its `*` goes, so that it goes
    /// over dots and over the `@`.
    pub(super) fn new(text: &str) -> Self {
        Self::with(text, Part::Any)
    }

    /// What is protected, with `*` for any mailbox, tag or label: that is, within one address.
    pub(super) fn protected(text: &str) -> Self {
        Self::with(text, Part::AnyName)
    }

    fn with(text: &str, star: Part) -> Self {
        let part = |c| match c {
            '*' => star,
            '?' => Part::One,
            c => Part::Char(c),
        };
        Self(text.chars().map(part).collect())
    }

    /// Whether there is a text that both stand for; with a plain name, whether this one hits it.
    pub(super) fn meets(&self, other: &Self) -> bool {
        // `row[j]`: the first i parts of this one and the first j of the other can meet.
        let (a, b) = (&self.0, &other.0);
        let mut row = vec![false; b.len() + 1];
        for i in 0..=a.len() {
            let above = std::mem::replace(&mut row, vec![false; b.len() + 1]);
            for j in 0..=b.len() {
                let (x, y) = (i.checked_sub(1).map(|at| a[at]), j.checked_sub(1).map(|at| b[at]));
                let left = j > 0 && row[j - 1];
                let up = i > 0 && above[j];
                row[j] = i == 0 && j == 0
                    || x.is_some_and(Part::is_run) && (up || left && takes(x, y))
                    || y.is_some_and(Part::is_run) && (left || up && takes(y, x))
                    || j > 0 && above[j - 1] && alike(x, y);
            }
        }
        row[b.len()]
    }
}

impl Part {
    const fn is_run(self) -> bool {
        matches!(self, Self::Any | Self::AnyName)
    }
}

/// Whether a run may go on over the other side's part.
fn takes(run: Option<Part>, other: Option<Part>) -> bool {
    !(run == Some(Part::AnyName) && other == Some(Part::Char('@')))
}

/// Whether two single parts stand for a character in common.
fn alike(x: Option<Part>, y: Option<Part>) -> bool {
    match (x, y) {
        (Some(Part::One), Some(Part::One | Part::Char(_))) | (Some(Part::Char(_)), Some(Part::One)) => true,
        (Some(Part::Char(x)), Some(Part::Char(y))) => x == y,
        _ => false,
    }
}

/// A regular expression over addresses, unanchored unless it anchors itself.
#[derive(Debug)]
pub(super) struct Pattern {
    regex: Regex,
    /// The expression without the signs that only escape, in lower case.
    literal: String,
    /// What follows each `@` of the expression, as far as it can be tried by itself.
    behind_at: Vec<Regex>,
}

impl Pattern {
    /// The expression, compiled without regard to case.
    ///
    /// # Errors
    /// The crate's reason, in one line.
    pub(super) fn new(text: &str) -> Result<Self, String> {
        let compile = |text: &str| RegexBuilder::new(text).case_insensitive(true).size_limit(MAX_SIZE).build();
        let regex = compile(text).map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
            error => error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned(),
        })?;
        let literal = text.replace(['\\', '[', ']'], "").to_lowercase();
        // Each alternative may name a domain of its own: `(joe@a\.com|jim@b\.com)`.
        let ends = text.split('@').skip(1).map(|end| end.split(['|', ')']).next().unwrap_or_default());
        let behind_at = ends.filter_map(|end| compile(&format!("^(?:{end})")).ok()).collect();
        Ok(Self { regex, literal, behind_at })
    }

    /// Whether it matches a protected address, plain or with a tag.
    pub(super) fn hits_address(&self, address: &MailAddress) -> bool {
        let MailAddress { local, domain } = address;
        self.regex.is_match(&format!("{local}@{domain}")) || self.regex.is_match(&format!("{local}+tag@{domain}"))
    }

    /// Whether it matches addresses in a protected domain, or in one below it.
    ///
    /// Which local parts exist is not known, so that some likely ones are tried, and beside them
    /// what the expression itself says of the domain.
    pub(super) fn hits_domain(&self, domain: &str) -> bool {
        let tried = ["", "@", "user@", "first.last@", "a1@", "user@mail."];
        tried.iter().any(|before| self.regex.is_match(&format!("{before}{domain}")))
            || self.behind_at.iter().any(|end| end.is_match(domain) || end.is_match(&format!("mail.{domain}")))
            || names_domain(&self.literal, domain)
    }
}

/// Whether a text names a domain, or one below it, as whole labels.
fn names_domain(text: &str, domain: &str) -> bool {
    let inside = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '-');
    text.match_indices(domain).any(|(at, _)| {
        let before = text.get(..at).and_then(|head| head.chars().next_back());
        let mut behind = text.get(at + domain.len()..).unwrap_or_default().chars();
        let next = behind.next();
        // A dot behind it goes on to another domain, unless nothing of a name follows.
        let goes_on = inside(next) || next == Some('.') && inside(behind.next());
        !inside(before) && !goes_on
    })
}
