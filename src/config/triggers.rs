//! `[schedules.*]` and `[watches.*]`, checked.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::Failures;
use crate::config::file::{CollectTable, ScheduleTable, WatchTable};
use crate::config::targets::length;

/// What happens when a trigger goes off while its last run is still going.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlap {
    /// The new firing is skipped.
    Skip,
    /// It waits.
    Queue,
    /// It runs beside the other.
    Parallel,
    /// The old run is cancelled.
    CancelOld,
}

impl Overlap {
    /// The word in the configuration.
    pub fn name(self) -> &'static str {
        name_of(self, OVERLAPS)
    }
}

/// What happens to firings that fell due while nothing was there to start them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missed {
    /// They are skipped.
    None,
    /// The latest is started.
    Latest,
    /// All of them are started, at most a hundred.
    All,
}

impl Missed {
    /// The word in the configuration.
    pub fn name(self) -> &'static str {
        name_of(self, MISSED)
    }
}

/// When a file counts as complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ready {
    /// When size and time of change have stood still for the settle time.
    Settle,
    /// As soon as it is there: whoever drops it renames it into place.
    Rename,
    /// When a file of the same name with `.done` stands beside it.
    Marker,
}

impl Ready {
    /// The word in the configuration.
    pub fn name(self) -> &'static str {
        name_of(self, READY)
    }
}

/// Which of several files comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileOrder {
    /// By their paths.
    Name,
    /// The one that was changed first.
    Time,
}

/// Several files for one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Collect {
    /// The most that one run gets.
    pub max: usize,
    /// How long the first waits for others.
    pub window: Duration,
}

/// What becomes of a file after its run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// It is moved to `archive/` in its folder.
    Archive,
    /// It is removed.
    Delete,
    /// It stays where it was dropped.
    Keep,
}

impl After {
    /// The word in the configuration.
    pub fn name(self) -> &'static str {
        name_of(self, AFTER)
    }
}

/// A checked schedule.
#[derive(Clone, Debug, PartialEq)]
pub struct ScheduleConfig {
    /// The playbook.
    pub playbook: String,
    /// The expression as it is written.
    pub cron: String,
    /// The zone's IANA name; `UTC` by default.
    pub timezone: String,
    /// Parameters; texts may hold `${event.…}`.
    pub params: toml::Table,
    /// Whether the trigger adds `destroy`.
    pub destroy: bool,
    /// On overlap.
    pub overlap: Overlap,
    /// On missed firings.
    pub missed: Missed,
    /// How late a firing may start.
    pub window: Duration,
    /// Up to how much later than due it starts, at random.
    pub jitter: Duration,
    /// The run's time-out.
    pub timeout: Option<Duration>,
    /// What follows failed runs.
    pub failures: Failures,
    /// How many of its runs may go at once; with `overlap = "parallel"` alone.
    pub max_runs: Option<usize>,
}

/// A checked watch.
#[derive(Clone, Debug, PartialEq)]
pub struct WatchConfig {
    /// The playbook.
    pub playbook: String,
    /// Patterns of files; each part may have `*` and `?`, and `**` stands for any folders.
    pub paths: Vec<PathBuf>,
    /// Whether files in folders below are meant as well.
    pub recursive: bool,
    /// When a file is complete.
    pub ready: Ready,
    /// How long it must have stood still.
    pub settle: Duration,
    /// How often folders are looked into where the system does not hint at changes; by default it is known by
    /// the file system.
    pub poll: Option<Duration>,
    /// Which file comes first.
    pub order: FileOrder,
    /// Whether a run gets several files at once.
    pub collect: Option<Collect>,
    /// For how long contents are remembered, so that a file with the same is not taken again; `None` where
    /// each file is.
    pub dedupe: Option<Duration>,
    /// Whether files that runs have written are taken as well.
    pub chain: bool,
    /// Parameters; texts may hold `${event.…}`.
    pub params: toml::Table,
    /// Whether the trigger adds `destroy`.
    pub destroy: bool,
    /// On overlap; files wait by default.
    pub overlap: Overlap,
    /// What becomes of the file; by default it is archived inside the project and kept outside.
    pub after: Option<After>,
    /// The run's time-out.
    pub timeout: Option<Duration>,
    /// What follows failed runs.
    pub failures: Failures,
    /// How many of its runs may go at once; with `overlap = "parallel"` alone.
    pub max_runs: Option<usize>,
}

/// One of some words, or a sentence with all of them.
pub fn word<T: Copy>(key: &str, text: Option<&str>, words: &[(&str, T)], default: T) -> Result<T, String> {
    let Some(text) = text else { return Ok(default) };
    words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value).ok_or_else(|| {
        let list = words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
        let hint = crate::nearest::did_you_mean(text, words.iter().map(|(word, _)| *word));
        format!("{key} '{text}' is not one of {list}.{hint}")
    })
}

const OVERLAPS: &[(&str, Overlap)] = &[
    ("skip", Overlap::Skip),
    ("queue", Overlap::Queue),
    ("parallel", Overlap::Parallel),
    ("cancel-old", Overlap::CancelOld),
];

const MISSED: &[(&str, Missed)] = &[("none", Missed::None), ("latest", Missed::Latest), ("all", Missed::All)];

const READY: &[(&str, Ready)] = &[("settle", Ready::Settle), ("rename", Ready::Rename), ("marker", Ready::Marker)];

const AFTER: &[(&str, After)] = &[("archive", After::Archive), ("delete", After::Delete), ("keep", After::Keep)];

/// The word for a value: the lists above have one for each.
fn name_of<T: PartialEq>(value: T, words: &[(&'static str, T)]) -> &'static str {
    words.iter().find(|(_, known)| *known == value).map_or("", |(word, _)| word)
}

/// Gathers mistakes while values are taken.
#[derive(Default)]
pub struct Taken(Vec<String>);

impl Taken {
    /// The value, if there is one; else its mistake is noted.
    pub fn take<T>(&mut self, result: Result<T, String>) -> Option<T> {
        result.map_err(|mistake| self.0.push(mistake)).ok()
    }

    /// Notes a mistake.
    pub fn note(&mut self, mistake: String) {
        self.0.push(mistake);
    }

    /// Whether there was none.
    pub fn is_clean(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them.
    pub fn mistakes(self) -> Vec<String> {
        self.0
    }
}

/// Whether `destroy` is added. Any other word would look as if it narrowed something.
fn destroys(allow: &[String]) -> Result<bool, String> {
    match allow.iter().find(|word| *word != "destroy") {
        Some(word) if word == "read" || word == "change" => Err(format!(
            "allow adds to what a target allows, and destroy alone can be added: leave '{word}' out (the `effects` of \
             the playbook's header narrow what it may do)"
        )),
        Some(word) => Err(format!("allow: '{word}' is not destroy, the one right that can be added")),
        None => Ok(!allow.is_empty()),
    }
}

/// `max_runs` beside its `overlap`.
fn max_runs(given: Option<usize>, overlap: Option<Overlap>) -> Result<Option<usize>, String> {
    match (given, overlap) {
        (Some(0), _) => Err("max_runs must be at least 1".into()),
        (Some(2..), Some(Overlap::Skip | Overlap::Queue | Overlap::CancelOld)) => {
            Err("max_runs needs overlap = \"parallel\": with any other, one run goes at a time".into())
        }
        _ => Ok(given),
    }
}

/// A checked schedule.
///
/// # Errors
/// Every mistake.
pub fn schedule(table: &ScheduleTable) -> Result<ScheduleConfig, Vec<String>> {
    let mut taken = Taken::default();
    let playbook = taken.take(table.playbook.clone().ok_or_else(|| "playbook is missing".into()));
    let cron = taken.take(table.cron.clone().ok_or_else(|| "cron is missing, such as cron = \"0 2 * * *\"".into()));
    let timezone = table.timezone.clone().unwrap_or_else(|| "UTC".into());
    let zone = jiff::tz::TimeZone::get(&timezone)
        .map_err(|_| format!("timezone '{timezone}' is not known: use an IANA name, such as Europe/Berlin"));
    taken.take(zone);
    let destroy = taken.take(destroys(&table.allow));
    let overlap = taken.take(word("overlap", table.overlap.as_deref(), OVERLAPS, Overlap::Skip));
    let default = if destroy == Some(true) { Missed::None } else { Missed::Latest };
    let missed = taken.take(word("missed", table.missed.as_deref(), MISSED, default));
    let window = taken.take(length(table.window.as_deref(), "window", Duration::from_secs(3600)));
    let jitter = taken.take(length(table.jitter.as_deref(), "jitter", Duration::ZERO));
    let timeout = taken.take(timeout(table.timeout.as_deref()));
    let failures = taken.take(Failures::read(table.retry.as_ref(), table.pause_after));
    let max_runs = taken.take(max_runs(table.max_runs, overlap));
    match (playbook, cron, destroy, overlap, missed, window, jitter, timeout, failures, max_runs) {
        (
            Some(playbook),
            Some(cron),
            Some(destroy),
            Some(overlap),
            Some(missed),
            Some(window),
            Some(jitter),
            Some(timeout),
            Some(failures),
            Some(max_runs),
        ) if taken.0.is_empty() => Ok(ScheduleConfig {
            playbook,
            cron,
            timezone,
            params: table.params.clone(),
            destroy,
            overlap,
            missed,
            window,
            jitter,
            timeout,
            failures,
            max_runs,
        }),
        _ => Err(taken.0),
    }
}

/// A checked watch; paths become absolute.
///
/// # Errors
/// Every mistake.
pub fn watch(table: &WatchTable, folder: &std::path::Path) -> Result<WatchConfig, Vec<String>> {
    let mut taken = Taken::default();
    let playbook = taken.take(table.playbook.clone().ok_or_else(|| "playbook is missing".into()));
    if table.paths.is_empty() {
        taken.0.push("paths is missing, such as paths = [\"inbox/*.txt\"]".into());
    }
    let ready = taken.take(word("ready", table.ready.as_deref(), READY, Ready::Settle));
    let settle = taken.take(length(table.settle.as_deref(), "settle", Duration::from_secs(2)));
    let poll = taken.take(poll(table.poll.as_deref()));
    let words = [("name", FileOrder::Name), ("time", FileOrder::Time)];
    let order = taken.take(word("order", table.order.as_deref(), &words, FileOrder::Name));
    let collect = taken.take(table.collect.as_ref().map(collect).transpose());
    let dedupe = taken.take(dedupe(table));
    let destroy = taken.take(destroys(&table.allow));
    let overlap = taken.take(word("overlap", table.overlap.as_deref(), OVERLAPS, Overlap::Queue));
    let after = match table.after.as_deref() {
        None => Some(None),
        given => taken.take(word("after", given, AFTER, After::Keep)).map(Some),
    };
    let timeout = taken.take(timeout(table.timeout.as_deref()));
    let failures = taken.take(Failures::read(table.retry.as_ref(), table.pause_after));
    let max_runs = taken.take(max_runs(table.max_runs, overlap));
    match (playbook, ready, settle, poll, order, collect, dedupe, destroy, overlap, after, timeout, failures, max_runs)
    {
        (
            Some(playbook),
            Some(ready),
            Some(settle),
            Some(poll),
            Some(order),
            Some(collect),
            Some(dedupe),
            Some(destroy),
            Some(overlap),
            Some(after),
            Some(timeout),
            Some(failures),
            Some(max_runs),
        ) if taken.0.is_empty() => Ok(WatchConfig {
            playbook,
            paths: table.paths.iter().map(|path| folder.join(path)).collect(),
            recursive: table.recursive,
            ready,
            settle,
            poll,
            order,
            collect,
            dedupe,
            chain: table.chain,
            params: table.params.clone(),
            destroy,
            overlap,
            after,
            timeout,
            failures,
            max_runs,
        }),
        _ => Err(taken.0),
    }
}

fn poll(text: Option<&str>) -> Result<Option<Duration>, String> {
    let Some(text) = text else { return Ok(None) };
    let poll = crate::duration::parse_std(text).map_err(|mistake| format!("poll: {mistake}"))?;
    if poll < Duration::from_millis(100) {
        return Err("poll: folders are looked into ten times a second at most: write 100ms or more".into());
    }
    Ok(Some(poll))
}

fn dedupe(table: &WatchTable) -> Result<Option<Duration>, String> {
    let by_content = word("dedupe", table.dedupe.as_deref(), &[("none", false), ("content", true)], false)?;
    if !by_content && table.dedupe_for.is_some() {
        return Err("dedupe_for: nothing is remembered without dedupe = \"content\"".into());
    }
    let month = Duration::from_secs(30 * 24 * 3600);
    by_content.then(|| length(table.dedupe_for.as_deref(), "dedupe_for", month)).transpose()
}

fn collect(table: &CollectTable) -> Result<Collect, String> {
    let max = table.max.unwrap_or(100);
    if max == 0 {
        return Err("collect: max must be at least 1".into());
    }
    Ok(Collect { max, window: length(table.window.as_deref(), "collect: window", Duration::from_secs(10))? })
}

fn timeout(text: Option<&str>) -> Result<Option<Duration>, String> {
    text.map(|text| crate::duration::parse_std(text).map_err(|mistake| format!("timeout: {mistake}"))).transpose()
}
