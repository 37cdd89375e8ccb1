//! Lists as plain text: one address, network or range a line.

use super::read::lines;
use super::report::{Gatherer, shorten};
use crate::network::parse::plain_v4_before;
use crate::network::{Network, Parsed};

/// The longest line, without its remark, that can hold a range of two IPv6 addresses and some
/// white space; longer ones are not looked into.
const LONGEST: usize = 256;

/// Whether a line says nothing: empty, or a remark alone.
pub(super) fn is_remark(line: &[u8]) -> bool {
    without_remark(line).is_empty()
}

/// Reads every line into the gatherer.
pub(super) fn read(bytes: &[u8], gatherer: &mut Gatherer) {
    let (mut rest, mut number) = (bytes, 0);
    while !rest.is_empty() {
        number += 1;
        // Most lines of a long list are a plain network and nothing else: they are taken in one pass.
        if let Some((parsed, behind)) = plain_line(rest) {
            let line = rest.get(..rest.len() - behind.len()).unwrap_or_default();
            gatherer.take(number, parsed, || shorten(line.trim_ascii()));
            rest = behind;
            continue;
        }
        let Some(line) = lines(rest).next() else { return };
        let end = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
        rest = rest.get(end..).unwrap_or_default();
        let content = without_remark(line);
        if content.is_empty() {
            continue;
        }
        if content.len() > LONGEST {
            let reason = format!("the line has {} characters: one address, network or range is wanted", content.len());
            gatherer.refuse(number, content, reason);
            continue;
        }
        let Ok(text) = std::str::from_utf8(content) else {
            gatherer.refuse(number, content, "the line is not UTF-8 text: save the file as UTF-8");
            continue;
        };
        match Network::parse(text) {
            Ok(parsed) => {
                gatherer.take(number, parsed, || shorten(content));
            }
            Err(_) if text.contains([',', '\t']) => gatherer.refuse(
                number,
                content,
                "more than one field: a table needs a header that names a column address, ip, network, cidr, range, \
                 indicator or value, or columns start and end",
            ),
            Err(error) => gatherer.refuse(number, content, error),
        }
    }
}

/// The network that the first line is, if it is in its usual spelling, and the lines behind it.
#[inline]
fn plain_line(lines: &[u8]) -> Option<(Parsed, &[u8])> {
    let plain = plain_v4_before(lines)?;
    match lines.get(plain.length..)? {
        [] | [b'\r'] => Some((plain.parsed(), &[])),
        [b'\n', behind @ ..] | [b'\r', b'\n', behind @ ..] => Some((plain.parsed(), behind)),
        _ => None,
    }
}

/// The line up to its remark, without white space around.
fn without_remark(line: &[u8]) -> &[u8] {
    let end = line.iter().position(|byte| matches!(byte, b'#' | b';')).unwrap_or(line.len());
    line.get(..end).unwrap_or(line).trim_ascii()
}
