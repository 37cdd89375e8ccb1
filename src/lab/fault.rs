//! What goes wrong on purpose.

use std::time::Duration;

/// One thing that goes wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// What happens.
    pub kind: FaultKind,
    /// Only requests whose method and path, `GET /groups/`, contain this.
    pub path: String,
}

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FaultKind {
    /// Every answer comes this much later.
    Latency(Duration),
    /// Every Nth request is answered with this status.
    Every {
        /// N.
        nth: u64,
        /// The status.
        status: u16,
        /// `Retry-After`, in seconds.
        retry_after: Option<u64>,
    },
    /// Every request is answered with this status once something was changed.
    AfterChange(u16),
    /// The Nth request takes effect, and the line is cut instead of an answer.
    Lost(u64),
    /// The line is cut before the Nth request takes effect.
    LostBefore(u64),
    /// The Nth answer is cut in the middle.
    Cut(u64),
    /// The Nth request is answered with a page for people.
    Html(u64),
    /// The Nth request is never answered.
    Hang(u64),
    /// The Nth answer has this many bytes.
    Huge(u64, u64),
}

/// Everything that goes wrong.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Faults(pub Vec<Fault>);

/// What the faults make of one request.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Effects {
    /// Wait first.
    pub latency: Duration,
    /// Answer so, without taking effect.
    pub status: Option<(u16, Option<u64>)>,
    /// Cut the line after taking effect.
    pub lost: bool,
    /// Cut the line before.
    pub lost_before: bool,
    /// Cut the answer.
    pub cut: bool,
    /// Answer with HTML.
    pub html: bool,
    /// Never answer.
    pub hang: bool,
    /// Answer with so many bytes.
    pub huge: Option<u64>,
}

impl Faults {
    /// Reads faults as the command line writes them: `latency=50ms`, `every=7:503`,
    /// `every=5:429:retry-after=1`, `after-change=403`, `lost=3`, `lost-before=3`, `cut=4`, `html=6`, `hang=9`,
    /// `huge=10:100MB`, each with `@part-of-the-path`, or `@METHOD /path`, behind it if it is for some requests only.
    ///
    /// # Errors
    /// What is wrong with which text.
    pub fn parse(texts: &[String]) -> Result<Self, String> {
        texts.iter().map(|text| parse(text)).collect::<Result<_, _>>().map(Self)
    }

    /// What becomes of a request, `GET /groups/`, that is the `count`th one that each fault's path fits; `changed` says
    /// whether something was changed before.
    pub fn on(&self, request: &str, changed: bool, counts: &mut Vec<u64>) -> Effects {
        counts.resize(self.0.len().max(counts.len()), 0);
        let mut effects = Effects::default();
        for (fault, count) in self.0.iter().zip(counts.iter_mut()) {
            if !request.contains(&fault.path) {
                continue;
            }
            *count += 1;
            match fault.kind {
                FaultKind::Latency(latency) => effects.latency += latency,
                FaultKind::Every { nth, status, retry_after } if *count % nth == 0 => {
                    effects.status = Some((status, retry_after));
                }
                FaultKind::AfterChange(status) if changed => effects.status = Some((status, None)),
                FaultKind::Lost(nth) => effects.lost |= *count == nth,
                FaultKind::LostBefore(nth) => effects.lost_before |= *count == nth,
                FaultKind::Cut(nth) => effects.cut |= *count == nth,
                FaultKind::Html(nth) => effects.html |= *count == nth,
                FaultKind::Hang(nth) => effects.hang |= *count == nth,
                FaultKind::Huge(nth, bytes) if *count == nth => effects.huge = Some(bytes),
                FaultKind::Every { .. } | FaultKind::AfterChange(_) | FaultKind::Huge(..) => {}
            }
        }
        effects
    }
}

fn parse(text: &str) -> Result<Fault, String> {
    let wrong = |why: &str| {
        format!(
            "'{text}' is not a fault: {why}. There are latency=50ms, every=7:503, every=5:429:retry-after=1, \
             after-change=403, lost=3, lost-before=3, cut=4, html=6, hang=9, huge=10:100MB, each with @path behind it if need be"
        )
    };
    let (fault, path) = text.split_once('@').unwrap_or((text, ""));
    let (name, value) = fault.split_once('=').ok_or_else(|| wrong("it has no ="))?;
    let nth =
        |text: &str| text.parse::<u64>().ok().filter(|nth| *nth > 0).ok_or_else(|| wrong("it wants a number from 1"));
    let status = |text: &str| text.parse().ok().filter(|status| (400..600).contains(status));
    let kind = match name {
        "latency" => FaultKind::Latency(crate::duration::parse_std(value).map_err(|why| wrong(&why))?),
        "every" => {
            let mut parts = value.split(':');
            let count = nth(parts.next().unwrap_or_default())?;
            let status = parts.next().and_then(status);
            let retry_after = match parts.next() {
                None => None,
                Some(part) => Some(
                    part.strip_prefix("retry-after=")
                        .and_then(|seconds| seconds.parse().ok())
                        .ok_or_else(|| wrong("after the status comes retry-after=SECONDS"))?,
                ),
            };
            FaultKind::Every { nth: count, status: status.ok_or_else(|| wrong("it wants a status"))?, retry_after }
        }
        "after-change" => FaultKind::AfterChange(status(value).ok_or_else(|| wrong("it wants a status"))?),
        "lost" => FaultKind::Lost(nth(value)?),
        "lost-before" => FaultKind::LostBefore(nth(value)?),
        "cut" => FaultKind::Cut(nth(value)?),
        "html" => FaultKind::Html(nth(value)?),
        "hang" => FaultKind::Hang(nth(value)?),
        "huge" => {
            let (count, size) = value.split_once(':').ok_or_else(|| wrong("it wants a size"))?;
            let size = size.to_uppercase();
            let megabytes = size.strip_suffix("MB").and_then(|digits| digits.parse::<u64>().ok());
            FaultKind::Huge(nth(count)?, megabytes.ok_or_else(|| wrong("the size is in MB"))? << 20)
        }
        _ => return Err(wrong("there is none of that name")),
    };
    Ok(Fault { kind, path: path.to_owned() })
}
