//! Words that people use for the same thing, for searches. A row's own keywords come first; this
//! table holds what would have to stand in every row.

/// Each line is one thing.
const SAME: &[&[&str]] = &[
    &["account", "user", "login", "username"],
    &["add", "create", "insert", "new"],
    &["allow", "permit", "allowlist", "whitelist", "safelist", "trust"],
    &["backup", "export", "dump", "snapshot"],
    &["block", "deny", "ban", "blocklist", "blacklist", "denylist"],
    &["certificate", "cert", "tls", "ssl", "x509"],
    &["change", "update", "edit", "modify", "replace", "set"],
    &["delete", "remove", "purge", "erase", "drop", "clear"],
    &["domain", "host", "hostname"],
    &["find", "search", "query", "lookup", "trace", "track", "tracking", "filter"],
    &["health", "status", "state", "alive", "check"],
    &["ip", "address", "network", "cidr", "subnet"],
    &["license", "licence", "licensing"],
    &["log", "logs", "audit", "history", "events"],
    &["mail", "email", "message", "messages", "smtp"],
    &["password", "secret", "credential", "credentials"],
    &["quarantine", "held", "isolated"],
    &["reboot", "restart"],
    &["recipient", "rcpt", "receiver"],
    &["release", "deliver", "unquarantine"],
    &["report", "statistics", "stats", "counters", "reporting"],
    &["restore", "import", "load"],
    &["sample", "file", "upload", "submit"],
    &["sender", "from"],
    &["spam", "junk"],
    &["time", "clock", "date", "ntp", "timezone"],
    &["upgrade", "firmware", "hotfix"],
    &["version", "release_number", "build"],
    &["virus", "malware", "antivirus", "threat"],
    &["wait", "sleep", "pause", "poll"],
];

/// Words that ask for a look, and fit everything that only reads.
const LOOKING: &[&str] = &["list", "show", "get", "read", "view", "display", "see", "what"];

/// Words that say nothing of what is looked for.
const EMPTY: &[&str] = &["a", "all", "an", "and", "by", "for", "how", "in", "my", "of", "on", "the", "to", "with"];

/// Other words for the same thing.
pub(super) fn of(word: &str) -> impl Iterator<Item = &'static str> + '_ {
    let lines = SAME.iter().filter(move |line| line.contains(&word));
    lines.flat_map(|line| line.iter().copied()).filter(move |other| *other != word)
}

/// Whether the word only asks for a look.
pub(super) fn is_looking(word: &str) -> bool {
    LOOKING.contains(&word)
}

/// Whether the word says nothing.
pub(super) fn is_empty(word: &str) -> bool {
    EMPTY.contains(&word)
}
