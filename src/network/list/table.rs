//! Lists as tables: CSV as RFC 4180 has it, also with semicolons or tabs between the fields.

use csv::{ByteRecord, ReaderBuilder};

use super::report::{EntryWords, Gatherer, shorten};
use crate::network::{Network, NetworkError, Parsed};

/// Column names that hold an address, network or range, the likeliest first.
const WHOLE: [&str; 12] = [
    "address",
    "ip",
    "ipaddress",
    "network",
    "range",
    "iprange",
    "indicator",
    "value",
    "ioc",
    "subnet",
    "netblock",
    "addressrange",
];
/// A column that holds networks, unless another one holds their first address: then it holds the
/// prefix lengths.
const CIDR: [&str; 2] = ["cidr", "ipcidr"];
const START: [&str; 9] =
    ["start", "ipaddressstart", "startip", "ipstart", "startaddress", "rangestart", "first", "firstip", "from"];
const END: [&str; 9] = ["end", "ipaddressend", "endip", "ipend", "endaddress", "rangeend", "last", "lastip", "to"];
const PREFIX: [&str; 5] = ["cidr", "prefix", "prefixlength", "bits", "masklength"];
const NAME: [&str; 2] = ["name", "label"];
const DESCRIPTION: [&str; 5] = ["description", "comment", "comments", "note", "reason"];

/// Which field of a record is what.
pub(super) struct Columns {
    delimiter: u8,
    place: Place,
    prefix: Option<usize>,
    name: Option<usize>,
    description: Option<usize>,
}

enum Place {
    Whole(usize),
    Ends(usize, Option<usize>),
}

impl Columns {
    /// The columns, if the line is a header: that is, if it names one that holds addresses.
    pub(super) fn of_header(line: &[u8]) -> Option<Self> {
        [b',', b';', b'\t'].into_iter().find_map(|delimiter| {
            let mut record = ByteRecord::new();
            reader(line, delimiter).read_byte_record(&mut record).ok().filter(|read| *read)?;
            let names: Vec<String> = record.iter().map(plain).collect();
            let find = |wanted: &[&str]| wanted.iter().find_map(|name| names.iter().position(|have| have == name));
            let place = match (find(&WHOLE), find(&START), find(&END), find(&PREFIX)) {
                (Some(whole), ..) => Place::Whole(whole),
                (None, Some(start), Some(end), _) => Place::Ends(start, Some(end)),
                (None, Some(start), None, Some(_)) => Place::Ends(start, None),
                _ => Place::Whole(find(&CIDR)?),
            };
            let own = |column: &usize| !matches!(place, Place::Whole(whole) if whole == *column);
            let prefix = find(&PREFIX).filter(own);
            Some(Self { delimiter, prefix, name: find(&NAME), description: find(&DESCRIPTION), place })
        })
    }

    /// Behind the header of a table with semicolons, a leading one is an empty field.
    fn is_remark(&self, raw: &[u8], before_header: bool) -> bool {
        match raw.trim_ascii_start().first() {
            Some(b'#') => true,
            Some(b';') => before_header || self.delimiter != b';',
            _ => false,
        }
    }

    fn parse(&self, record: &ByteRecord) -> Result<Parsed, String> {
        let field = |column: usize| {
            let bytes = record.get(column).unwrap_or_default().trim_ascii();
            std::str::from_utf8(bytes).map_err(|_| "the field is not UTF-8 text: save the file as UTF-8".to_owned())
        };
        let prefix = self.prefix.map_or(Ok(""), field)?;
        let prefix = if prefix == "0" && matches!(self.place, Place::Ends(_, Some(_))) { "" } else { prefix };
        let (start, end) = match self.place {
            Place::Whole(column) => (field(column)?, ""),
            Place::Ends(start, end) => (field(start)?, end.map_or(Ok(""), field)?),
        };
        let parsed = if !prefix.is_empty() && !start.contains(['/', '-']) {
            Network::parse(&format!("{start}/{prefix}"))
        } else if !end.is_empty() && end != start {
            if start.is_empty() { Err(NetworkError::Empty) } else { Network::parse(&format!("{start}-{end}")) }
        } else {
            Network::parse(start)
        };
        parsed.map_err(|error| error.to_string())
    }
}

/// Reads every record behind the header into the gatherer.
pub(super) fn read(bytes: &[u8], columns: &Columns, gatherer: &mut Gatherer) {
    let mut reader = reader(bytes, columns.delimiter);
    let mut record = ByteRecord::new();
    let mut lines = Lines { bytes, at: 0, line: 1 };
    let mut header = true;
    loop {
        let from = position(&reader);
        match reader.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => return gatherer.refuse(lines.line, b"", format!("the table cannot be read on: {error}")),
        }
        let start = first_of_record(bytes, from);
        let line = lines.of(start);
        let end = position(&reader);
        let raw = bytes.get(start..end).unwrap_or_default();
        if record.iter().all(|field| field.trim_ascii().is_empty()) || columns.is_remark(raw, header) {
            continue;
        }
        if std::mem::take(&mut header) {
            continue;
        }
        if end == bytes.len() && raw.trim_ascii_end().contains(&b'\n') && has_odd_quotes(raw) {
            let reason = format!(
                "a quotation mark is opened here and never closed, so that lines {line} to {} could not be read",
                gatherer.report.lines
            );
            gatherer.refuse(line, raw, reason);
            continue;
        }
        match columns.parse(&record) {
            Ok(parsed) => {
                if let Some(entry) = gatherer.take(line, parsed, || shorten(raw.trim_ascii())) {
                    let words = |column: Option<usize>| {
                        let text = record.get(column?)?.trim_ascii();
                        (!text.is_empty()).then(|| String::from_utf8_lossy(text).into())
                    };
                    let (name, description) = (words(columns.name), words(columns.description));
                    if name.is_some() || description.is_some() {
                        gatherer.report.words.push(EntryWords { entry, name, description });
                    }
                }
            }
            Err(reason) => gatherer.refuse(line, raw.trim_ascii(), reason),
        }
    }
}

fn reader(bytes: &[u8], delimiter: u8) -> csv::Reader<&[u8]> {
    ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).comment(Some(b'#')).from_reader(bytes)
}

fn position(reader: &csv::Reader<&[u8]>) -> usize {
    usize::try_from(reader.position().byte()).unwrap_or(usize::MAX)
}

/// The reader passes over empty lines and remarks before it begins a record; so must the count.
fn first_of_record(bytes: &[u8], mut at: usize) -> usize {
    loop {
        match bytes.get(at) {
            Some(b'\r' | b'\n') => at += 1,
            Some(b'#') => {
                let rest = bytes.get(at..).unwrap_or_default();
                at += rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
            }
            _ => return at,
        }
    }
}

/// Counts lines along growing offsets.
struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    line: usize,
}

impl Lines<'_> {
    fn of(&mut self, offset: usize) -> usize {
        let between = self.bytes.get(self.at..offset).unwrap_or_default();
        self.line += between.iter().filter(|byte| **byte == b'\n').count();
        self.at = self.at.max(offset);
        self.line
    }
}

fn has_odd_quotes(raw: &[u8]) -> bool {
    raw.iter().filter(|byte| **byte == b'"').count() % 2 == 1
}

/// A column's name in lower case without anything but letters and digits.
fn plain(name: &[u8]) -> String {
    name.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(|byte| byte.to_ascii_lowercase() as char).collect()
}
