//! A line as Rhai's own lexer sees it, with the span of every piece.

use std::ops::Range;

use rhai::{Engine, LexError, Position, Token};

/// What a piece of a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A name.
    Word,
    /// A word of the language.
    Keyword,
    /// A number.
    Number,
    /// `true` or `false`.
    Flag,
    /// A text in quotes, or a part of one around `${…}`.
    Text,
    /// A text whose end has not been typed yet.
    OpenText,
    /// A bracket, an operator, a separator.
    Symbol,
    /// A remark.
    Comment,
    /// What the lexer cannot read.
    Unknown,
}

/// A piece of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// What it is.
    pub kind: Kind,
    /// Its bytes.
    pub span: Range<usize>,
}

impl Piece {
    /// Its text.
    pub fn of<'t>(&self, text: &'t str) -> &'t str {
        text.get(self.span.clone()).unwrap_or_default()
    }
}

/// The pieces of a text, remarks among them.
pub fn pieces(engine: &Engine, text: &str) -> Vec<Piece> {
    let starts = line_starts(text);
    let inputs = [text];
    let (tokens, control) = engine.lex(&inputs);
    let mut found: Vec<Piece> = Vec::new();
    // How deep the braces are inside each text that is being put together.
    let mut open: Vec<usize> = Vec::new();
    let mut done = 0;
    // The lexer never ends: it says that the text has ended for ever.
    for (token, position) in tokens.take_while(|(token, _)| *token != Token::EOF) {
        // The lexer does not say where a text goes on behind what was put into it.
        let goes_on = open.last() == Some(&0);
        let start = if goes_on { done } else { offset(text, &starts, position).max(done).min(text.len()) };
        let piece = Piece { kind: kind_of(&token), span: start..end_of(text, start, &token, goes_on) };
        match &token {
            Token::InterpolatedString(_) if open.last() != Some(&0) => open.push(0),
            Token::LeftBrace | Token::MapStart => open.iter_mut().last().into_iter().for_each(|depth| *depth += 1),
            Token::RightBrace => {
                if let Some(depth) = open.last_mut().filter(|depth| **depth > 0) {
                    *depth -= 1;
                    // Behind the brace the text goes on, which the lexer must be told.
                    control.borrow_mut().is_within_text = *depth == 0;
                }
            }
            Token::StringConstant(_) if open.last() == Some(&0) => {
                open.pop();
            }
            _ => {}
        }
        comments(text, done..piece.span.start, &mut found);
        done = piece.span.end.max(done);
        let ends = piece.kind == Kind::OpenText;
        found.push(piece);
        if ends {
            return found;
        }
    }
    comments(text, done..text.len(), &mut found);
    found
}

fn kind_of(token: &Token) -> Kind {
    match token {
        Token::Identifier(_) | Token::Reserved(_) | Token::Underscore => Kind::Word,
        Token::IntegerConstant(_) | Token::FloatConstant(_) => Kind::Number,
        Token::True | Token::False => Kind::Flag,
        Token::StringConstant(_) | Token::InterpolatedString(_) | Token::CharConstant(_) => Kind::Text,
        Token::LexError(error) if matches!(**error, LexError::UnterminatedString) => Kind::OpenText,
        Token::LexError(_) => Kind::Unknown,
        token if token.is_standard_keyword() => Kind::Keyword,
        _ => Kind::Symbol,
    }
}

fn end_of(text: &str, start: usize, token: &Token, goes_on: bool) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    let length = match token {
        Token::LexError(error) if matches!(**error, LexError::UnterminatedString) => rest.len(),
        Token::LexError(_) => rest.chars().next().map_or(0, char::len_utf8),
        Token::IntegerConstant(_) | Token::FloatConstant(_) => number(rest),
        // The last part of a text that has been interrupted.
        Token::StringConstant(_) if goes_on => rest.find('`').map_or(rest.len(), |at| at + 1),
        Token::StringConstant(_) | Token::CharConstant(_) => quoted(rest),
        Token::InterpolatedString(_) => rest.find("${").map_or(rest.len(), |at| at + 1),
        Token::Identifier(_) | Token::Reserved(_) => {
            let word = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
            word.max(rest.chars().next().map_or(0, char::len_utf8))
        }
        token if token.is_literal() => token.literal_syntax().len(),
        _ => 1,
    };
    (start + length).min(text.len())
}

/// The length of a number; a range `1..5` ends at its dots, a method `1.max(2)` at its dot.
fn number(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let next_is_digit = bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
        match byte {
            b'0'..=b'9' | b'_' | b'a'..=b'f' | b'A'..=b'F' | b'x' | b'o' => at += 1,
            b'.' if next_is_digit => at += 1,
            b'+' | b'-' if at > 0 && matches!(bytes.get(at - 1), Some(b'e' | b'E')) && next_is_digit => at += 1,
            _ => break,
        }
    }
    at.max(1)
}

/// The length of a text with its quotes.
fn quoted(rest: &str) -> usize {
    let hashes = rest.bytes().take_while(|byte| *byte == b'#').count();
    if hashes > 0 {
        let close = format!("\"{}", "#".repeat(hashes));
        return rest
            .get(hashes + 1..)
            .and_then(|inner| inner.find(&close))
            .map_or(rest.len(), |at| hashes + 1 + at + close.len());
    }
    let Some(quote) = rest.chars().next() else { return 0 };
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote != '`' => escaped = true,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    rest.len()
}

/// The remarks between two pieces, which the lexer leaves out.
fn comments(text: &str, gap: Range<usize>, found: &mut Vec<Piece>) {
    let mut at = gap.start;
    while let Some(rest) = text.get(at..gap.end).filter(|rest| !rest.is_empty()) {
        let Some(begin) = rest.find("//").into_iter().chain(rest.find("/*")).min() else { return };
        let remark = rest.get(begin..).unwrap_or_default();
        let length = if remark.starts_with("//") {
            remark.find('\n').unwrap_or(remark.len())
        } else {
            remark.find("*/").map_or(remark.len(), |at| at + 2)
        };
        found.push(Piece { kind: Kind::Comment, span: at + begin..at + begin + length });
        at += begin + length;
    }
}

fn line_starts(text: &str) -> Vec<usize> {
    std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect()
}

/// The byte at a position; positions count lines and characters from 1.
pub fn offset_of(text: &str, position: Position) -> usize {
    offset(text, &line_starts(text), position)
}

fn offset(text: &str, starts: &[usize], position: Position) -> usize {
    let start = position.line().and_then(|line| starts.get(line - 1)).copied().unwrap_or(text.len());
    let line = text.get(start..).unwrap_or_default();
    let column = position.position().unwrap_or(1).saturating_sub(1);
    start + line.char_indices().nth(column).map_or(line.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> Vec<(Kind, &str)> {
        let engine = Engine::new_raw();
        pieces(&engine, text).iter().map(|piece| (piece.kind, piece.of(text))).collect()
    }

    #[test]
    fn every_piece_has_its_span() {
        use Kind::{Comment, Flag, Keyword, Number, Symbol, Text, Word};
        let text = "let a = \"x\\\" y\" + 1.5e3; // why: \"not this\"\nb.c(#{ d: true, e: 0..9 }) /* z */";
        let expected = [
            (Keyword, "let"),
            (Word, "a"),
            (Symbol, "="),
            (Text, "\"x\\\" y\""),
            (Symbol, "+"),
            (Number, "1.5e3"),
            (Symbol, ";"),
            (Comment, "// why: \"not this\""),
            (Word, "b"),
            (Symbol, "."),
            (Word, "c"),
            (Symbol, "("),
            (Symbol, "#{"),
            (Word, "d"),
            (Symbol, ":"),
            (Flag, "true"),
            (Symbol, ","),
            (Word, "e"),
            (Symbol, ":"),
            (Number, "0"),
            (Symbol, ".."),
            (Number, "9"),
            (Symbol, "}"),
            (Symbol, ")"),
            (Comment, "/* z */"),
        ];
        assert_eq!(seen(text), expected);
    }

    #[test]
    fn what_is_put_into_a_text_is_code() {
        let text = "`ä ${ x.y(#{ a: 1 }) } b ${z}` + c";
        let words: Vec<&str> =
            seen(text).iter().filter(|(kind, _)| *kind == Kind::Word).map(|(_, text)| *text).collect();
        assert_eq!(words, ["x", "y", "a", "z", "c"], "{:?}", seen(text));
    }

    #[test]
    fn a_text_without_an_end_reaches_to_the_end() {
        assert_eq!(seen("f(\"ab c").last(), Some(&(Kind::OpenText, "\"ab c")));
        assert_eq!(seen("f(`ab c").last(), Some(&(Kind::OpenText, "`ab c")));
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_pieces_in_order(text in "[a-z0-9\"`${}()#.:,;/* _=\n\\\\'-]{0,40}") {
            let engine = Engine::new_raw();
            let mut at = 0;
            for piece in pieces(&engine, &text) {
                proptest::prop_assert!(piece.span.start >= at && piece.span.end >= piece.span.start, "{:?}", piece);
                proptest::prop_assert!(text.get(piece.span.clone()).is_some());
                at = piece.span.end;
            }
        }
    }
}
