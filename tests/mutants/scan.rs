//! Breaking a script in one place: a scanner of its own, so that nothing of the check is trusted.

/// What is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// A call has another name.
    Renamed,
    /// The last argument is gone.
    Dropped,
    /// A map's key has another name.
    Misspelt,
    /// A literal is of another type.
    Retyped,
}

/// What stands around a place, from the outside in.
#[derive(Clone, Debug, PartialEq)]
pub enum Around {
    /// The argument of that number in the call of that name; `method`: behind a dot.
    Call { name: String, method: bool, argument: usize, open: usize },
    /// The value of that key in a map.
    Key(String),
    /// An entry of an array.
    Entry,
    /// Other brackets and braces.
    Other,
}

/// One change.
#[derive(Clone, Debug)]
pub struct Mutant {
    pub sort: Sort,
    /// The bytes that are replaced.
    pub span: std::ops::Range<usize>,
    /// By what.
    pub with: String,
    /// In words.
    pub what: String,
    /// What is around, the outermost first.
    pub around: Vec<Around>,
    /// How many arguments the call has that the mutant is about.
    pub arguments: usize,
    /// Whether something but a comma or a bracket stands before or behind: an operator.
    pub operator: Option<(String, bool)>,
}

impl Mutant {
    pub fn applied(&self, text: &str) -> Option<String> {
        Some(format!("{}{}{}", text.get(..self.span.start)?, self.with, text.get(self.span.end..)?))
    }

    pub fn line(&self, text: &str) -> usize {
        text[..self.span.start].matches('\n').count() + 1
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Number,
    Text,
    Sign(char),
    MapOpen,
}

/// The tokens of a script with their bytes; comments are left out. What stands in `${…}` is scanned as
/// well, between two signs of its own.
fn tokens(text: &str) -> Vec<(Token, std::ops::Range<usize>)> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let (mut at, mut depth) = (0, Vec::new());
    let mut braces = 0_usize;
    while at < bytes.len() {
        let start = at;
        let c = char::from(bytes[at]);
        let rest = &text[at..];
        if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if c.is_whitespace() {
            at += 1;
        } else if c == '"' || c == '\'' {
            at += 1;
            while bytes[at] != bytes[start] {
                at += if bytes[at] == b'\\' { 2 } else { 1 };
            }
            at += 1;
            if c == '"' {
                found.push((Token::Text, start..at));
            }
        } else if c == '`' || (c == '}' && depth.last() == Some(&braces)) {
            if c == '}' {
                depth.pop();
                found.push((Token::Sign(')'), start..at + 1));
            }
            at += 1;
            while at < bytes.len() && bytes[at] != b'`' && !bytes[at..].starts_with(b"${") {
                at += 1;
            }
            if bytes[at..].starts_with(b"${") {
                depth.push(braces);
                found.push((Token::Sign('('), at..at + 2));
                at += 2;
            } else {
                at += 1;
            }
        } else if c.is_ascii_digit() {
            while at < bytes.len()
                && (bytes[at].is_ascii_alphanumeric()
                    || bytes[at] == b'_'
                    || (bytes[at] == b'.' && bytes.get(at + 1).is_some_and(u8::is_ascii_digit)))
            {
                at += 1;
            }
            found.push((Token::Number, start..at));
        } else if c.is_alphabetic() || c == '_' {
            while at < bytes.len() && (bytes[at].is_ascii_alphanumeric() || bytes[at] == b'_') {
                at += 1;
            }
            found.push((Token::Word(text[start..at].to_owned()), start..at));
        } else if rest.starts_with("#{") {
            at += 2;
            braces += 1;
            found.push((Token::MapOpen, start..at));
        } else {
            match c {
                '{' => braces += 1,
                '}' => braces = braces.saturating_sub(1),
                _ => {}
            }
            at += c.len_utf8();
            found.push((Token::Sign(c), start..at));
        }
    }
    found
}

const KEYWORDS: &[&str] = &[
    "if", "else", "while", "for", "in", "let", "const", "fn", "return", "throw", "try", "catch", "switch", "loop",
    "do", "until", "import", "as", "export", "break", "continue", "private",
];

/// An open bracket.
struct Open {
    around: Around,
    /// For a call: where each argument begins, in tokens.
    commas: Vec<usize>,
}

/// Every change of a script.
pub fn mutants(text: &str) -> Vec<Mutant> {
    let tokens = tokens(text);
    let mut found: Vec<Mutant> = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    let sign = |at: usize| match tokens.get(at) {
        Some((Token::Sign(c), _)) => Some(*c),
        _ => None,
    };
    let word = |at: usize| match tokens.get(at) {
        Some((Token::Word(word), _)) => Some(word.as_str()),
        _ => None,
    };
    for (at, (token, span)) in tokens.iter().enumerate() {
        let around: Vec<Around> = open.iter().map(|open| open.around.clone()).collect();
        let before = at.checked_sub(1);
        let mutant = |sort, span: std::ops::Range<usize>, with: String, what: String| Mutant {
            sort,
            span,
            with,
            what,
            around: around.clone(),
            arguments: 0,
            operator: None,
        };
        match token {
            Token::Word(name) => {
                let is_call =
                    sign(at + 1) == Some('(') && tokens[at + 1].1.len() == 1 && !KEYWORDS.contains(&name.as_str());
                let defined = before.and_then(word) == Some("fn");
                if is_call && !defined {
                    let with = format!("{name}{}", name.chars().last().unwrap());
                    found.push(mutant(Sort::Renamed, span.clone(), with.clone(), format!("{name} became {with}")));
                }
                let in_map = matches!(open.last(), Some(Open { around: Around::Key(_), .. }));
                let starts =
                    before.is_some_and(|before| tokens[before].0 == Token::MapOpen || sign(before) == Some(','));
                if in_map && starts && sign(at + 1) == Some(':') {
                    if let Some(open) = open.last_mut() {
                        open.around = Around::Key(name.clone());
                    }
                    let around: Vec<Around> = open.iter().map(|open| open.around.clone()).collect();
                    let with = format!("{name}{}", name.chars().last().unwrap());
                    let what = format!("the key {name} became {with}");
                    found.push(Mutant { around, ..mutant(Sort::Misspelt, span.clone(), with, what) });
                }
                if matches!(name.as_str(), "true" | "false") {
                    let what = format!("{name} became a text");
                    let retyped = mutant(Sort::Retyped, span.clone(), format!("\"{name}\""), what);
                    found.push(Mutant { operator: operator(text, &tokens, at), ..retyped });
                }
            }
            Token::Number => {
                let written = &text[span.clone()];
                let retyped =
                    mutant(Sort::Retyped, span.clone(), format!("\"{written}\""), format!("{written} became a text"));
                found.push(Mutant { operator: operator(text, &tokens, at), ..retyped });
            }
            Token::Text => {
                let is_import = before.and_then(word) == Some("import");
                if !is_import {
                    let what = format!("{} became a number", &text[span.clone()]);
                    let retyped = mutant(Sort::Retyped, span.clone(), "5".into(), what);
                    found.push(Mutant { operator: operator(text, &tokens, at), ..retyped });
                }
            }
            Token::MapOpen => open.push(Open { around: Around::Key(String::new()), commas: Vec::new() }),
            Token::Sign('(') => {
                let name = before.and_then(word).filter(|name| !KEYWORDS.contains(name) && span.len() == 1);
                let defined = at.checked_sub(2).and_then(word) == Some("fn");
                let method = at.checked_sub(2).and_then(sign) == Some('.');
                let around = match name.filter(|_| !defined) {
                    Some(name) => Around::Call { name: name.to_owned(), method, argument: 0, open: at },
                    None => Around::Other,
                };
                open.push(Open { around, commas: vec![at] });
            }
            Token::Sign('[') => {
                let indexed = before.is_some_and(|before| {
                    matches!(tokens[before].0, Token::Word(_))
                        && !word(before).is_some_and(|word| KEYWORDS.contains(&word))
                        || matches!(sign(before), Some(')' | ']'))
                });
                open.push(Open { around: if indexed { Around::Other } else { Around::Entry }, commas: Vec::new() });
            }
            Token::Sign('{') => open.push(Open { around: Around::Other, commas: Vec::new() }),
            Token::Sign(')' | ']' | '}') => {
                let Some(closed) = open.pop() else { continue };
                if let Around::Call { name, argument, .. } = &closed.around
                    && closed.commas.last().is_some_and(|last| last + 1 < at)
                {
                    let last = *closed.commas.last().unwrap();
                    let from = if closed.commas.len() == 1 { tokens[last].1.end } else { tokens[last].1.start };
                    let outer: Vec<Around> = open.iter().map(|open| open.around.clone()).collect();
                    let what = format!("{name} lost its last argument");
                    let mut around = outer;
                    around.push(closed.around.clone());
                    found.push(Mutant {
                        around,
                        arguments: argument + 1,
                        ..mutant(Sort::Dropped, from..span.start, String::new(), what)
                    });
                }
            }
            Token::Sign(',') => {
                if let Some(open) = open.last_mut() {
                    open.commas.push(at);
                    if let Around::Call { argument, .. } = &mut open.around {
                        *argument += 1;
                    }
                }
            }
            Token::Sign(_) => {}
        }
    }
    let counts: Vec<(usize, usize)> = found
        .iter()
        .filter(|mutant| mutant.sort == Sort::Dropped)
        .filter_map(|mutant| match mutant.around.last() {
            Some(Around::Call { open, .. }) => Some((*open, mutant.arguments)),
            _ => None,
        })
        .collect();
    for mutant in &mut found {
        if let Some(Around::Call { open, .. }) = mutant.around.last() {
            mutant.arguments = counts.iter().find(|(at, _)| at == open).map_or(0, |(_, count)| *count);
        }
    }
    found
}

/// The arithmetic operator beside a literal, and whether the literal stands on its left.
fn operator(text: &str, tokens: &[(Token, std::ops::Range<usize>)], at: usize) -> Option<(String, bool)> {
    let arithmetic = |from: usize, to: usize| {
        let signs: String = tokens.get(from..to)?.iter().map(|(_, span)| &text[span.clone()]).collect();
        ["+", "-", "*", "/", "%"].contains(&signs.as_str()).then_some(signs)
    };
    let is_sign = |at: usize| matches!(tokens.get(at), Some((Token::Sign(c), _)) if "+-*/%=<>!&|".contains(*c));
    if is_sign(at + 1) && !is_sign(at + 2) {
        return Some((arithmetic(at + 1, at + 2)?, true));
    }
    let single = at >= 2 && is_sign(at - 1) && !is_sign(at - 2);
    if single { Some((arithmetic(at - 1, at)?, false)) } else { None }
}

/// Whether a literal is all of what stands in its place: an argument, a value, an entry.
pub fn stands_alone(text: &str, mutant: &Mutant) -> bool {
    let before = text[..mutant.span.start].trim_end().chars().next_back();
    let behind = text[mutant.span.end..].trim_start().chars().next();
    matches!(before, Some('(' | ',' | ':' | '[')) && matches!(behind, Some(')' | ',' | '}' | ']'))
}

/// How often a name is a map's key, and whether it is read as a member.
pub fn uses(text: &str, name: &str) -> (usize, bool) {
    let tokens = tokens(text);
    let sign = |at: Option<usize>| match at.and_then(|at| tokens.get(at)) {
        Some((Token::Sign(c), _)) => Some(*c),
        _ => None,
    };
    let (mut keys, mut read) = (0, false);
    for (at, (token, span)) in tokens.iter().enumerate() {
        match token {
            Token::Word(word) if word == name => {
                let call = sign(Some(at + 1)) == Some('(');
                let assigned = sign(Some(at + 1)) == Some('=') && sign(Some(at + 2)) != Some('=');
                if sign(at.checked_sub(1)) == Some('.') && !call {
                    if assigned { keys += 1 } else { read = true }
                } else if sign(Some(at + 1)) == Some(':') && sign(Some(at + 2)) != Some(':') {
                    keys += 1;
                }
            }
            // A text of that name may be a key, too.
            Token::Text if text[span.clone()].trim_matches('"') == name => keys += 1,
            _ => {}
        }
    }
    (keys, read)
}
