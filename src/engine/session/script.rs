//! What a line that worked needs in order to be a script: its targets, its literals, its effects.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::catalog::{Effect, Param, TimeForm, Type};
use crate::engine::session::line::{Kind, Piece};
use crate::engine::session::place::{self, Called};
use crate::engine::session::state::{LAST, Session};

/// A literal of a line, and what is known of the place that it stands in.
#[derive(Clone, Debug, PartialEq)]
pub struct Literal {
    /// Its bytes.
    pub span: Range<usize>,
    /// The name of the parameter that it is the value of, or of `target(…)`.
    pub param: String,
    /// The parameter's type, in the words of a header; `None` where a header has none for it.
    pub ty: Option<&'static str>,
    /// What the parameter is.
    pub doc: String,
    /// Whether it is a secret.
    pub secret: bool,
    /// Whether it is a whole literal, and not a part of a text that is put together.
    pub is_whole: bool,
    /// For a target: its vendor.
    pub vendor: Option<String>,
}

/// Words that name secrets, where no row says so.
const SECRET_WORDS: &[&str] =
    &["password", "passwd", "passphrase", "secret", "token", "api_key", "apikey", "credential"];

impl Session {
    /// The literals of a line whose place is known: arguments of calls, names of targets, and what is
    /// given to something that is named like a secret.
    pub fn literals(&self, text: &str) -> Vec<Literal> {
        let pieces = self.pieces(text);
        let mut found = Vec::new();
        for (index, piece) in pieces.iter().enumerate() {
            let whole = matches!(piece.kind, Kind::Text | Kind::OpenText | Kind::Number | Kind::Flag);
            if whole
                && !is_key(text, &pieces, index)
                && let Some(literal) = self.literal(text, &pieces, index)
            {
                found.push(literal);
            }
        }
        found
    }

    fn literal(&self, text: &str, pieces: &[Piece], index: usize) -> Option<Literal> {
        let piece = pieces.get(index)?;
        let called = place::called(text, pieces, index);
        if let Some(called) = &called {
            if called.name == "target" && called.receiver.is_none() {
                let name = piece.of(text).trim_matches('"');
                let vendor =
                    self.targets().iter().find(|known| &*known.name == name).map(|known| known.vendor.to_string());
                let doc = "the appliance".to_owned();
                return Some(Literal { param: "target".into(), ty: Some("target"), doc, vendor, ..bare(text, piece) });
            }
            // A reference to a secret is none.
            if called.name == "secret" && called.receiver.is_none() {
                return None;
            }
            if let Some(param) = self.param(text, pieces, called) {
                return Some(Literal {
                    param: param.name.to_owned(),
                    ty: header_type(param),
                    doc: param.doc.trim().trim_end_matches('.').to_owned(),
                    secret: param.secret || is_secret(param.name),
                    ..bare(text, piece)
                });
            }
        }
        let named =
            called.as_ref().and_then(|called| called.keys.last().cloned()).or_else(|| named(text, pieces, index));
        let named = named.filter(|name| is_secret(name))?;
        Some(Literal { param: named, ty: Some("secret"), doc: "a secret".into(), secret: true, ..bare(text, piece) })
    }

    /// The variables in a line that hold targets: name of the variable, name and vendor of the target.
    pub fn targets_in(&self, text: &str) -> Vec<(String, String, String)> {
        let pieces = self.pieces(text);
        let mut found: Vec<(String, String, String)> = Vec::new();
        for (index, piece) in pieces.iter().enumerate().filter(|(_, piece)| piece.kind == Kind::Word) {
            let behind_dot = index.checked_sub(1).and_then(|at| pieces.get(at)).is_some_and(|it| it.of(text) == ".");
            let name = piece.of(text);
            if behind_dot || is_key(text, &pieces, index) || found.iter().any(|(known, ..)| known == name) {
                continue;
            }
            if let Some((target, vendor)) = self.target_in(name) {
                found.push((name.to_owned(), target, vendor));
            }
        }
        found
    }

    /// A line without the remark at its end, behind which nothing could be added.
    pub fn code_of<'t>(&self, text: &'t str) -> &'t str {
        match self.pieces(text).last() {
            Some(piece) if piece.kind == Kind::Comment => text.get(..piece.span.start).unwrap_or_default().trim_end(),
            _ => text.trim_end(),
        }
    }

    /// The names that a line declares.
    pub fn declared_in(&self, text: &str) -> Vec<String> {
        let pieces = self.pieces(text);
        let pairs = pieces.windows(2).filter_map(|pair| match pair {
            [word, name] if matches!(word.of(text), "let" | "const") => Some(name.of(text).to_owned()),
            _ => None,
        });
        pairs.collect()
    }

    /// The bytes of every `_` that is the last value.
    pub fn uses_of_last(&self, text: &str) -> Vec<Range<usize>> {
        let pieces = self.pieces(text);
        let uses = pieces.iter().filter(|piece| {
            piece.of(text) == LAST && !text.get(piece.span.end..).unwrap_or_default().trim_start().starts_with("=>")
        });
        uses.map(|piece| piece.span.clone()).collect()
    }

    /// What the calls in a line may do to the world.
    pub fn effects_in(&self, text: &str) -> BTreeSet<Effect> {
        let pieces = self.pieces(text);
        let mut effects = BTreeSet::new();
        for (index, piece) in pieces.iter().enumerate().filter(|(_, piece)| matches!(piece.of(text), "(" | "()")) {
            let Some(end) = index.checked_sub(1).filter(|at| pieces.get(*at).is_some_and(|it| it.kind == Kind::Word))
            else {
                continue;
            };
            let Some(called) = self.called_at(text, &pieces, end) else { continue };
            for row in self.rows(text, &pieces, &called) {
                effects.insert(row.effect);
                let words = || pieces.iter().map(|piece| piece.of(text));
                effects.extend(
                    row.raises.iter().filter(|raise| words().any(|word| word == raise.param)).map(|raise| raise.effect),
                );
            }
            if called.name == "request" && called.receiver.is_some() && piece.of(text) == "(" {
                let method = pieces.get(index + 1).map(|it| it.of(text).trim_matches('"').to_uppercase());
                effects.insert(match method.as_deref() {
                    Some("GET" | "HEAD") => Effect::Read,
                    Some("DELETE") => Effect::Destroy,
                    _ => Effect::Change,
                });
            }
        }
        effects
    }

    fn called_at(&self, text: &str, pieces: &[Piece], callee: usize) -> Option<Called> {
        let dot =
            callee.checked_sub(1).filter(|at| pieces.get(*at).is_some_and(|it| matches!(it.of(text), "." | "?.")))?;
        let end = dot.checked_sub(1)?;
        let first = place::chain_start(text, pieces, end)?;
        let name = pieces.get(callee)?.of(text).to_owned();
        Some(Called { name, receiver: Some(first..end + 1), argument: 0, keys: Vec::new() })
    }

    /// The functions of earlier lines, with the names of their parameters.
    pub(super) fn own_functions(&self) -> Vec<(String, Vec<String>)> {
        let functions = self.functions().iter_functions();
        let shown = functions.filter(|function| !function.name.contains('$'));
        shown.map(|it| (it.name.to_owned(), it.params.iter().map(|param| (*param).to_owned()).collect())).collect()
    }
}

fn bare(text: &str, piece: &Piece) -> Literal {
    let written = piece.of(text);
    let closed = |quote: char| written.len() > 1 && written.starts_with(quote) && written.ends_with(quote);
    Literal {
        is_whole: piece.kind != Kind::Text || closed('"') || closed('`'),
        span: piece.span.clone(),
        param: String::new(),
        ty: None,
        doc: String::new(),
        secret: false,
        vendor: None,
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    SECRET_WORDS.iter().any(|word| name.contains(word))
}

/// Whether the piece is the key of a map.
fn is_key(text: &str, pieces: &[Piece], index: usize) -> bool {
    pieces.get(index + 1).is_some_and(|next| next.of(text) == ":")
}

/// The variable or member that the piece is given to: `name = …` or `name: …`.
fn named(text: &str, pieces: &[Piece], index: usize) -> Option<String> {
    let sign = index.checked_sub(1).and_then(|at| pieces.get(at))?;
    let name = index.checked_sub(2).and_then(|at| pieces.get(at))?;
    matches!(sign.of(text), "=" | ":" | "==").then(|| name.of(text).trim_matches('"').to_owned())
}

/// The type of a header's parameter that takes what the call's parameter does.
fn header_type(param: &Param) -> Option<&'static str> {
    Some(match param.ty {
        _ if param.secret => "secret",
        Type::String | Type::Address | Type::Regex | Type::Pem => "string",
        Type::Int => "int",
        Type::Float => "float",
        Type::Bool | Type::Flag => "bool",
        Type::File => "path",
        Type::Time(TimeForm::Date) => "string",
        Type::Time(_) | Type::Object | Type::List(_) | Type::Any => return None,
    })
}
