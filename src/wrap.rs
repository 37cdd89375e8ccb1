//! Text in lines of a width: one way to break them, for help, questions and pages.

/// Words in lines of at most `width` characters; the first line begins with `first`, all others with
/// `rest`. A word that is wider stands alone. Every line ends with a line break.
pub fn wrapped(text: &str, width: usize, first: &str, rest: &str) -> String {
    let mut lines = String::new();
    let mut line = first.to_owned();
    let mut is_empty = true;
    for word in text.split_whitespace() {
        let needed = line.chars().count() + usize::from(!is_empty) + word.chars().count();
        if !is_empty && needed > width {
            lines.push_str(&line);
            lines.push('\n');
            line = rest.to_owned();
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    lines.push_str(&line);
    lines.push('\n');
    lines
}

/// The text, cut to `width` characters with an ellipsis where it is longer.
pub fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(width.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// The text without what a terminal would obey: what comes from a mail is not ours to trust.
pub fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => out.push_str("    "),
            '\r' => {}
            c if c.is_control() && c != '\n' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_the_width_and_words_stay_whole() {
        let text = wrapped("one two three four-is-a-very-long-word five", 12, "- ", "  ");
        assert_eq!(text, "- one two\n  three\n  four-is-a-very-long-word\n  five\n");
    }

    #[test]
    fn no_text_can_command_a_terminal() {
        assert_eq!(harmless("a\u{1b}[2J\u{9b}b\r\nc\td"), "a\u{fffd}[2J\u{fffd}b\nc    d");
    }

    #[test]
    fn a_text_is_cut_only_where_it_is_too_long() {
        assert_eq!((cut("äöü", 3), cut("äöüx", 3)), ("äöü".to_owned(), "äö…".to_owned()));
    }
}
