//! The way in: encoding, and which of the two forms a list has.

use std::borrow::Cow;

use super::report::{Format, Gatherer, ListReport};
use super::{table, text};

/// Reads a block list: text with one address, network or range (`first-last`) a line, or a table
/// (CSV, also with semicolons or tabs) whose header names a column of addresses.
///
/// Remarks begin with `#` or `;`, also behind an address. Empty lines, white space, the line
/// ends of any system and a byte order mark do no harm. Nothing fails: what cannot be read is in
/// [`ListReport::invalid`] with line number and reason.
pub fn read_list(bytes: &[u8]) -> ListReport {
    let mut gatherer = Gatherer::default();
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        gatherer.report.lines = 1;
        gatherer.refuse(1, b"", "the file is written in UTF-16: save it as UTF-8");
        return gatherer.report;
    }
    let bytes = with_line_feeds(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes));
    let bytes = &*bytes;
    let ends = memchr::memchr_iter(b'\n', bytes).count();
    gatherer.expect_lines(ends + usize::from(bytes.last().is_some_and(|last| *last != b'\n')));
    let header = lines(bytes).find(|line| !text::is_remark(line));
    match header.and_then(table::Columns::of_header) {
        Some(columns) => {
            gatherer.report.format = Format::Table;
            table::read(bytes, &columns, &mut gatherer);
        }
        None => text::read(bytes, &mut gatherer),
    }
    gatherer.report
}

/// The lines without their ends; a last line without an end counts, an empty one does not.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes
        .split_inclusive(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\n").unwrap_or(line))
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

/// A file without any line feed may have the line ends of an old Mac.
fn with_line_feeds(bytes: &[u8]) -> Cow<'_, [u8]> {
    if bytes.contains(&b'\n') || !bytes.contains(&b'\r') {
        return Cow::Borrowed(bytes);
    }
    bytes.iter().map(|byte| if *byte == b'\r' { b'\n' } else { *byte }).collect::<Vec<u8>>().into()
}
