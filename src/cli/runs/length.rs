//! Lengths of time, sizes and lines in the little room of a column.

use std::time::Duration;

/// A length of time in at most seven characters.
pub fn length(length: Duration) -> String {
    let (millis, seconds) = (length.as_millis(), length.as_secs());
    match seconds {
        0 => format!("{millis} ms"),
        1..60 => format!("{seconds}.{} s", (millis % 1000) / 100),
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h{:02}m", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{}d{:02}h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// The same of microseconds.
pub fn length_of(micros: i64) -> String {
    length(Duration::from_micros(u64::try_from(micros).unwrap_or_default()))
}

/// A number of bytes.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}

/// One line of at most `width` characters.
pub fn clipped(text: &str, width: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= width {
        return line;
    }
    let mut line: String = line.chars().take(width.saturating_sub(1)).collect();
    line.push('…');
    line
}

/// A text in lines of at most `width` characters, and in so many lines at most.
pub fn wrapped(text: &str, width: usize, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let length = word.chars().count();
        let is_last = lines.len() == most;
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + length <= width => {
                line.push(' ');
                line.push_str(word);
            }
            Some(line) if is_last => {
                line.push_str(" …");
                *line = clipped(line, width);
                break;
            }
            _ => lines.push(clipped(word, width)),
        }
    }
    lines
}

/// A number of things.
pub fn count(number: u64, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// The end of a name in at most `width` characters: of a playbook it says the most.
pub fn clipped_front(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return text.to_owned();
    }
    let mut end = String::from("…");
    end.extend(text.chars().skip(length - width.saturating_sub(1)));
    end
}

/// The width of the terminal, or `otherwise` where there is none.
pub fn width(otherwise: usize) -> usize {
    // A table of its own width asks the terminal.
    comfy_table::Table::new().width().map_or(otherwise, |width| usize::from(width).clamp(60, 160))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_fit_their_column() {
        for (millis, text) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (1_000, "1.0 s"),
            (59_999, "59.9 s"),
            (61_000, "1m01s"),
            (3_599_999, "59m59s"),
            (3_600_000, "1h00m"),
            (86_399_000, "23h59m"),
            (90_000_000, "1d01h"),
        ] {
            assert_eq!(length(Duration::from_millis(millis)), text);
        }
    }

    #[test]
    fn what_is_clipped_keeps_the_end_that_says_more() {
        assert_eq!(clipped("a  b\nc", 9), "a b c");
        assert_eq!(clipped("abcdef", 4), "abc…");
        assert_eq!(wrapped("ab cd ef gh", 5, 2), ["ab cd", "ef gh"]);
        assert_eq!(wrapped("ab cd ef gh i", 5, 2), ["ab cd", "ef g…"]);
        assert_eq!(clipped_front("std/seg/bulk", 5), "…bulk");
        assert_eq!(clipped_front("bulk", 4), "bulk");
    }
}
