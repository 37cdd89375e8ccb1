//! Colours for lines while they are typed.

use crate::engine::{Piece, PieceKind};

const KEYWORD: &str = "\x1b[35m";
const TEXT: &str = "\x1b[32m";
const NUMBER: &str = "\x1b[36m";
const REMARK: &str = "\x1b[2m";
const CALL: &str = "\x1b[34m";
const WRONG: &str = "\x1b[31m";
const OFF: &str = "\x1b[0m";

/// The text with its pieces in colours. What is seen of it has the same width.
pub fn painted(text: &str, pieces: &[Piece]) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut done = 0;
    for (index, piece) in pieces.iter().enumerate() {
        let called = pieces.get(index + 1).is_some_and(|next| matches!(next.of(text), "(" | "()"));
        let colour = match piece.kind {
            PieceKind::Keyword => KEYWORD,
            PieceKind::Text | PieceKind::OpenText => TEXT,
            PieceKind::Number | PieceKind::Flag => NUMBER,
            PieceKind::Comment => REMARK,
            PieceKind::Unknown => WRONG,
            PieceKind::Word if called => CALL,
            PieceKind::Word | PieceKind::Symbol => continue,
        };
        out.push_str(text.get(done..piece.span.start).unwrap_or_default());
        out.push_str(colour);
        out.push_str(piece.of(text));
        out.push_str(OFF);
        done = piece.span.end;
    }
    out.push_str(text.get(done..).unwrap_or_default());
    out
}

/// A text that is less important.
pub fn faint(text: &str) -> String {
    format!("{REMARK}{text}{OFF}")
}
