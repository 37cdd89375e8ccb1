//! Long bodies, both ways, without holding them: gigabytes go through in flat memory.

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use sha2::{Digest, Sha256};

use super::server::Large;

/// Bodies up to this are kept whole.
const WHOLE: usize = 12 << 20;

/// How much of a long one is kept.
const BEGINNING: usize = 64 << 10;

/// The size of the pieces of a generated answer.
pub const CHUNK: u64 = 1 << 20;

/// The `n`th piece of a generated answer of `length` bytes: what it holds follows from the place.
pub fn generated(n: u64, length: u64) -> Bytes {
    let from = n * CHUNK;
    let bytes = (from..length.min(from + CHUNK)).map(|at| u8::try_from(at % 251).unwrap_or(0));
    bytes.collect::<Vec<u8>>().into()
}

/// The SHA-256 of a generated answer.
pub fn generated_sha256(length: u64) -> String {
    let mut hash = Sha256::new();
    (0..length.div_ceil(CHUNK)).for_each(|n| hash.update(generated(n, length)));
    hex(&hash.finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads a body: a short one whole, of a long one its beginning, with size and digest of the file.
pub async fn receive(headers: &HeaderMap, mut body: Incoming) -> (Bytes, Option<Large>) {
    let mut kept = BytesMut::new();
    let mut long: Option<Hold> = None;
    while let Some(Ok(frame)) = body.frame().await {
        let Ok(data) = frame.into_data() else { continue };
        if let Some(hold) = &mut long {
            hold.take(&data);
            continue;
        }
        kept.extend_from_slice(&data);
        if kept.len() > WHOLE {
            let mut hold = Hold::new(headers, &kept);
            hold.take(kept.get(hold.start..).unwrap_or_default());
            kept.truncate(BEGINNING);
            long = Some(hold);
        }
    }
    (kept.freeze(), long.map(Hold::finish))
}

/// Digests a file, and holds back what may be the end of a multipart body.
struct Hold {
    hash: Sha256,
    size: u64,
    tail: Vec<u8>,
    trailer: usize,
    /// Where the file begins in what was kept.
    start: usize,
}

impl Hold {
    fn new(headers: &HeaderMap, beginning: &[u8]) -> Self {
        let kind = headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let boundary = kind.strip_prefix("multipart/form-data").and_then(|rest| rest.split("boundary=").nth(1));
        let start = boundary.map_or(0, |_| {
            // The file is the last part: it begins behind the last head in what came first.
            let head = b"\r\n\r\n";
            let within = beginning.get(..BEGINNING.min(beginning.len())).unwrap_or_default();
            let name = within.windows(9).rposition(|window| window == b"filename=").unwrap_or(0);
            let behind = within.get(name..).unwrap_or_default();
            behind.windows(4).position(|window| window == head).map_or(0, |at| name + at + 4)
        });
        let trailer = boundary.map_or(0, |boundary| boundary.trim_matches('"').len() + 8);
        Self { hash: Sha256::new(), size: 0, tail: Vec::new(), trailer, start }
    }

    fn take(&mut self, data: &[u8]) {
        self.tail.extend_from_slice(data);
        let sure = self.tail.len().saturating_sub(self.trailer);
        self.hash.update(self.tail.get(..sure).unwrap_or_default());
        self.size += sure as u64;
        self.tail.drain(..sure);
    }

    fn finish(self) -> Large {
        Large { file_size: self.size, file_sha256: hex(&self.hash.finalize()) }
    }
}

/// A part of a multipart body.
#[derive(Debug)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// The file name, if it is a file.
    pub filename: Option<String>,
    /// What it holds.
    pub content: Vec<u8>,
}

/// The parts of a multipart body, read strictly; `None` where it is none.
pub fn parts(headers: &HeaderMap, body: &[u8]) -> Option<Vec<Part>> {
    let kind = headers.get("content-type")?.to_str().ok()?;
    let boundary = kind.strip_prefix("multipart/form-data")?.split("boundary=").nth(1)?.trim_matches('"');
    let mut rest = body.strip_prefix(format!("--{boundary}").as_bytes())?;
    let end = format!("\r\n--{boundary}");
    let mut parts = Vec::new();
    loop {
        if rest.starts_with(b"--") {
            return Some(parts);
        }
        rest = rest.strip_prefix(b"\r\n")?;
        let head_end = rest.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = std::str::from_utf8(rest.get(..head_end)?).ok()?;
        let behind = rest.get(head_end + 4..)?;
        let length = behind.windows(end.len()).position(|window| window == end.as_bytes())?;
        let quoted = |key: &str| -> Option<String> {
            let at = head.find(&format!("{key}=\""))? + key.len() + 2;
            head.get(at..)?.split('"').next().map(str::to_owned)
        };
        // `filename=` holds `name=` as well, so that the name is looked for behind the semicolon.
        let name = quoted("; name")?;
        parts.push(Part { name, filename: quoted("filename"), content: behind.get(..length)?.to_vec() });
        rest = behind.get(length + end.len()..)?;
    }
}
