//! Where in a line something stands: in which call, at which argument, under which key.

use std::ops::Range;

use crate::engine::session::line::{Kind, Piece};

/// A call that something stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Called {
    /// The function's or call's name.
    pub name: String,
    /// The pieces before its dot, if it is a method.
    pub receiver: Option<Range<usize>>,
    /// The argument, from 0.
    pub argument: usize,
    /// The keys of the maps around it, the outermost first.
    pub keys: Vec<String>,
}

/// What is being typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A text; the content begins at `start`.
    Text {
        /// The first byte of the content.
        start: usize,
        /// Whether the text is behind `import`.
        imported: bool,
        /// The call that it is in.
        called: Option<Called>,
    },
    /// Something behind a dot.
    Member {
        /// The pieces before the dot.
        receiver: Range<usize>,
        /// The first byte of the name.
        start: usize,
    },
    /// A key of a map.
    Key {
        /// The first byte of the key.
        start: usize,
        /// The call that the map is an argument of.
        called: Option<Called>,
        /// The keys that are there already.
        used: Vec<String>,
    },
    /// A name, or the value of an argument.
    Name {
        /// The first byte of the name.
        start: usize,
        /// The call that it is in.
        called: Option<Called>,
    },
    /// A remark, or the like.
    Nothing,
}

/// A bracket that is open.
#[derive(Debug)]
struct Frame {
    kind: &'static str,
    /// The piece with the name of the call.
    callee: Option<usize>,
    argument: usize,
    key: Option<String>,
    expects_key: bool,
    used: Vec<String>,
}

/// The place at the byte `cursor`.
pub fn at(text: &str, pieces: &[Piece], cursor: usize) -> Place {
    let before = pieces.iter().take_while(|piece| piece.span.start < cursor).count();
    let Some(last) = before.checked_sub(1).and_then(|last| pieces.get(last)) else {
        return Place::Name { start: cursor, called: None };
    };
    let touches = last.span.end >= cursor;
    match last.kind {
        Kind::Comment if touches && last.span.end > cursor || ends_open(text, last) => return Place::Nothing,
        Kind::OpenText | Kind::Text if last.kind == Kind::OpenText || last.span.end > cursor => {
            let called = called(text, pieces, before - 1);
            let quote = last.of(text).find(['"', '`']).map_or(0, |at| at + 1);
            let imported =
                before.checked_sub(2).and_then(|at| pieces.get(at)).is_some_and(|it| it.of(text) == "import");
            return Place::Text { start: (last.span.start + quote).min(cursor), imported, called };
        }
        Kind::Number | Kind::Text | Kind::Unknown if touches => return Place::Nothing,
        _ => {}
    }
    let is_word = touches && matches!(last.kind, Kind::Word | Kind::Keyword | Kind::Flag);
    let (index, start) = if is_word { (before - 1, last.span.start) } else { (before, cursor) };
    if let Some(dot) = index.checked_sub(1).filter(|at| is_dot(text, pieces, *at))
        && let Some(end) = dot.checked_sub(1)
        && let Some(first) = chain_start(text, pieces, end)
    {
        return Place::Member { receiver: first..end + 1, start };
    }
    let frames = frames(text, pieces, index);
    let called = called_of(text, pieces, &frames);
    match frames.last() {
        Some(frame) if frame.kind == "#{" && frame.expects_key => {
            Place::Key { start, called, used: frame.used.clone() }
        }
        _ => Place::Name { start, called },
    }
}

/// The call that the piece of this number stands in.
pub fn called(text: &str, pieces: &[Piece], index: usize) -> Option<Called> {
    called_of(text, pieces, &frames(text, pieces, index))
}

/// The number of the first piece of the expression that ends with the piece `end`: names, members,
/// calls and indexes in a chain.
pub fn chain_start(text: &str, pieces: &[Piece], end: usize) -> Option<usize> {
    let mut at = end;
    loop {
        let piece = pieces.get(at)?;
        match piece.of(text) {
            closed @ (")" | "()") => {
                let open = if closed == "()" { at } else { opener(text, pieces, at)? };
                let named = open.checked_sub(1).filter(|it| pieces.get(*it).is_some_and(|it| it.kind == Kind::Word));
                at = named.unwrap_or(open);
                if named.is_none() {
                    return Some(open);
                }
            }
            "]" => {
                let open = opener(text, pieces, at)?;
                let before = open.checked_sub(1).and_then(|it| pieces.get(it));
                let indexes = before.is_some_and(|it| it.kind == Kind::Word || matches!(it.of(text), ")" | "()" | "]"));
                if !indexes {
                    return Some(open);
                }
                at = open - 1;
                continue;
            }
            _ if piece.kind == Kind::Word => {}
            _ if piece.kind == Kind::Text => return Some(at),
            _ => return None,
        }
        match at.checked_sub(1).filter(|dot| is_dot(text, pieces, *dot)) {
            Some(dot) => at = dot.checked_sub(1)?,
            None => return Some(at),
        }
    }
}

fn ends_open(text: &str, piece: &Piece) -> bool {
    // A remark of one line goes on as long as the line does.
    piece.kind == Kind::Comment && piece.of(text).starts_with("//") && piece.span.end == text.len()
}

fn is_dot(text: &str, pieces: &[Piece], at: usize) -> bool {
    pieces.get(at).is_some_and(|piece| matches!(piece.of(text), "." | "?."))
}

/// The number of the bracket that the one at `close` closes.
fn opener(text: &str, pieces: &[Piece], close: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for at in (0..=close).rev() {
        let piece = pieces.get(at)?;
        if piece.kind != Kind::Symbol {
            continue;
        }
        match piece.of(text) {
            ")" | "]" | "}" => depth += 1,
            "(" | "[" | "{" | "#{" => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// The brackets that are open before the piece `index`.
fn frames(text: &str, pieces: &[Piece], index: usize) -> Vec<Frame> {
    let mut frames: Vec<Frame> = Vec::new();
    for (at, piece) in pieces.iter().enumerate().take(index) {
        let shown = piece.of(text);
        let top = frames.last_mut();
        match (piece.kind, shown, top) {
            (Kind::Symbol, "(" | "[" | "{" | "#{", _) => {
                let kind = match shown {
                    "(" => "(",
                    "[" => "[",
                    "{" => "{",
                    _ => "#{",
                };
                let named = at.checked_sub(1).filter(|it| pieces.get(*it).is_some_and(|it| it.kind == Kind::Word));
                frames.push(Frame {
                    kind,
                    callee: named.filter(|_| kind == "("),
                    argument: 0,
                    key: None,
                    expects_key: kind == "#{",
                    used: Vec::new(),
                });
            }
            (Kind::Symbol, ")" | "]" | "}", _) => {
                frames.pop();
            }
            (Kind::Symbol, ",", Some(top)) => {
                top.argument += 1;
                top.expects_key = top.kind == "#{";
                top.key = None;
            }
            (Kind::Symbol, ":", Some(top)) if top.kind == "#{" => top.expects_key = false,
            (Kind::Word | Kind::Keyword | Kind::Text, _, Some(top)) if top.expects_key => {
                let key = shown.trim_matches('"').to_owned();
                top.used.push(key.clone());
                top.key = Some(key);
            }
            _ => {}
        }
    }
    frames
}

fn called_of(text: &str, pieces: &[Piece], frames: &[Frame]) -> Option<Called> {
    let mut keys = Vec::new();
    for frame in frames.iter().rev() {
        match (frame.kind, frame.callee) {
            ("#{", _) => {
                if let Some(key) = frame.key.clone().filter(|_| !frame.expects_key) {
                    keys.insert(0, key);
                }
            }
            ("(", Some(callee)) => {
                let name = pieces.get(callee)?.of(text).to_owned();
                let receiver = callee
                    .checked_sub(1)
                    .filter(|dot| is_dot(text, pieces, *dot))
                    .and_then(|dot| dot.checked_sub(1))
                    .and_then(|end| chain_start(text, pieces, end).map(|first| first..end + 1));
                return Some(Called { name, receiver, argument: frame.argument, keys });
            }
            // What stands in a closure's body is no argument of the call around it.
            ("{", _) => return None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use rhai::Engine;

    use super::*;
    use crate::engine::session::line::pieces;

    /// The place of the bar in a text.
    fn place(text: &str) -> Place {
        let cursor = text.find('|').unwrap();
        let text = text.replacen('|', "", 1);
        at(&text, &pieces(&Engine::new_raw(), &text), cursor)
    }

    fn call(name: &str, argument: usize, keys: &[&str]) -> Option<(String, usize, Vec<String>)> {
        Some((name.into(), argument, keys.iter().map(|key| (*key).to_owned()).collect()))
    }

    fn where_of(place: &Place) -> Option<(String, usize, Vec<String>)> {
        match place {
            Place::Text { called, .. } | Place::Key { called, .. } | Place::Name { called, .. } => {
                called.clone().map(|called| (called.name, called.argument, called.keys))
            }
            _ => None,
        }
    }

    #[test]
    fn keys_know_their_call_and_the_keys_around_them() {
        let found = place("seg.ip_group_delta(15, #{ add: [#{ ci|");
        assert!(matches!(found, Place::Key { .. }), "{found:?}");
        assert_eq!(where_of(&found), call("ip_group_delta", 1, &["add"]));
        let Place::Key { used, .. } = place("f(#{ a: 1, b: [2], |") else { panic!() };
        assert_eq!(used, ["a", "b"]);
        assert!(matches!(place("f(#{ a: |"), Place::Name { .. }));
        assert_eq!(where_of(&place("f(#{ a: |")), call("f", 0, &["a"]));
    }

    #[test]
    fn texts_know_where_they_are() {
        assert_eq!(where_of(&place("target(\"se|")), call("target", 0, &[]));
        assert_eq!(where_of(&place("f(1, #{ x: \"a|\" })")), call("f", 1, &["x"]));
        assert!(matches!(place("import \"std/|"), Place::Text { imported: true, .. }));
    }

    #[test]
    fn the_receiver_is_the_whole_chain() {
        for (text, from) in [("a.b|", 0), ("x + a.b(1, [2])[0].c.d|", 2), ("target(\"a\").|", 0), ("f(a.|", 2)] {
            let Place::Member { receiver, .. } = place(text) else { panic!("{text}: {:?}", place(text)) };
            assert_eq!(receiver.start, from, "{text}");
        }
    }

    #[test]
    fn nothing_is_offered_in_remarks_and_behind_closed_brackets_of_other_calls() {
        assert_eq!(place("// a.b|"), Place::Nothing);
        assert_eq!(where_of(&place("f(g(1), |")), call("f", 1, &[]));
        assert_eq!(where_of(&place("f(x, { y|")), None);
    }
}
