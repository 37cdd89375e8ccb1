-- The present format, as a new database gets it. An older one comes here by the steps in `migrations.rs`; a test
-- compares both ways. Times are microseconds since 1970.

-- The stores of playbooks.
CREATE TABLE store (
    name  TEXT NOT NULL,
    key   TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (name, key)
) WITHOUT ROWID;

-- Triggers, and why one is paused; their sums are of what was folded out of the ledger.
CREATE TABLE trigger_standing (
    name       TEXT PRIMARY KEY,
    digest     TEXT NOT NULL,
    since      INTEGER NOT NULL,
    latest     INTEGER NOT NULL,
    due        INTEGER NOT NULL DEFAULT 0,
    paused     INTEGER NOT NULL DEFAULT 0,
    failures   INTEGER NOT NULL DEFAULT 0,
    paused_at  INTEGER,
    paused_why TEXT,
    started    INTEGER NOT NULL DEFAULT 0,
    merged     INTEGER NOT NULL DEFAULT 0,
    skipped    INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

-- Firings. One has the id of its run as soon as it is taken from the queue.
CREATE TABLE firing (
    sequence   INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    kind       TEXT NOT NULL,
    due        INTEGER,
    not_before INTEGER NOT NULL,
    expires    INTEGER,
    event      TEXT NOT NULL,
    state      TEXT NOT NULL,
    run        TEXT,
    started    INTEGER,
    ended      INTEGER,
    outcome    TEXT,
    attempts   INTEGER NOT NULL DEFAULT 0,
    params     TEXT
);
CREATE INDEX firing_state ON firing (state, not_before, name, sequence);
CREATE INDEX firing_name ON firing (name, state);
CREATE INDEX firing_expires ON firing (expires) WHERE state = 'queued';
CREATE INDEX firing_started ON firing (name, started) WHERE run IS NOT NULL;

-- Former runs of a firing that was tried again.
CREATE TABLE attempt (
    firing  TEXT NOT NULL,
    number  INTEGER NOT NULL,
    run     TEXT NOT NULL,
    started INTEGER NOT NULL,
    ended   INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    PRIMARY KEY (firing, number)
) WITHOUT ROWID;

-- The runs of firings that a person has gone on with. One without an end is still in somebody's hands.
CREATE TABLE by_hand (
    run    TEXT PRIMARY KEY,
    firing TEXT NOT NULL,
    began  INTEGER NOT NULL,
    ended  INTEGER
) WITHOUT ROWID;
CREATE INDEX by_hand_firing ON by_hand (firing);
CREATE INDEX by_hand_going ON by_hand (firing) WHERE ended IS NULL;

-- What became of each due instant and file. A row counts a stretch of instants.
CREATE TABLE ledger (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    name     TEXT NOT NULL,
    first    INTEGER NOT NULL,
    last     INTEGER NOT NULL,
    count    INTEGER NOT NULL,
    state    TEXT NOT NULL,
    reason   TEXT,
    late     INTEGER,
    firing   TEXT
);
CREATE INDEX ledger_first ON ledger (name, first);
CREATE INDEX ledger_last ON ledger (last);
CREATE INDEX ledger_order ON ledger (name, sequence);
CREATE INDEX ledger_firing ON ledger (firing);

-- The files that a firing claims, and why its run failed.
CREATE TABLE claim (
    firing   TEXT NOT NULL,
    number   INTEGER NOT NULL,
    name     TEXT NOT NULL,
    source   BLOB NOT NULL,
    work     BLOB NOT NULL,
    identity TEXT NOT NULL,
    after    TEXT NOT NULL,
    state    TEXT NOT NULL,
    note     TEXT,
    remember INTEGER,
    PRIMARY KEY (firing, number)
) WITHOUT ROWID;
CREATE INDEX claim_source ON claim (state, source);
CREATE INDEX claim_name ON claim (state, name);

-- Files that were left where they are.
CREATE TABLE known_file (
    name     TEXT NOT NULL,
    path     BLOB NOT NULL,
    identity TEXT NOT NULL,
    PRIMARY KEY (name, path)
) WITHOUT ROWID;

-- What files of a watch held, for those that are taken once.
CREATE TABLE content (
    name   TEXT NOT NULL,
    sha256 BLOB NOT NULL,
    at     INTEGER NOT NULL,
    file   TEXT NOT NULL,
    firing TEXT NOT NULL,
    PRIMARY KEY (name, sha256)
) WITHOUT ROWID;
CREATE INDEX content_at ON content (name, at);
CREATE INDEX content_firing ON content (firing);

-- The files that runs have written. One without an identity is being written.
CREATE TABLE written (
    path     BLOB PRIMARY KEY,
    identity TEXT,
    run      TEXT NOT NULL,
    depth    INTEGER NOT NULL,
    at       INTEGER NOT NULL
) WITHOUT ROWID;

-- What channels hold back, by subject: who tells of it, and from when on anybody may. `leaves` is set while a sum is on
-- its way, and `maybe` counts what one may have told that never came back.
CREATE TABLE held (
    channel TEXT NOT NULL,
    holder  TEXT NOT NULL,
    subject TEXT NOT NULL,
    count   INTEGER NOT NULL,
    maybe   INTEGER NOT NULL,
    since   INTEGER NOT NULL,
    due     INTEGER NOT NULL,
    leaves  INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (channel, holder, subject)
) WITHOUT ROWID;

-- The journal. A run without an outcome is running, or was interrupted: its lock file tells. It `began` anew with each
-- resume, and `ran` before that; its answers were dropped when it was `pruned`. Until `wake` it waits, and nobody
-- interprets its script meanwhile.
CREATE TABLE run (
    id      TEXT PRIMARY KEY,
    parent  TEXT,
    name    TEXT NOT NULL,
    mode    TEXT NOT NULL,
    cause   TEXT NOT NULL,
    started INTEGER NOT NULL,
    began   INTEGER NOT NULL,
    ended   INTEGER,
    outcome TEXT,
    script  BLOB NOT NULL,
    pinned  BLOB NOT NULL,
    ending  BLOB,
    ran     INTEGER NOT NULL DEFAULT 0,
    resumed INTEGER NOT NULL DEFAULT 0,
    links   INTEGER NOT NULL DEFAULT 0,
    head    BLOB NOT NULL,
    pruned  INTEGER,
    wake    INTEGER,
    serial  INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX run_started ON run (started);
CREATE INDEX run_parent ON run (parent);
CREATE INDEX run_ended ON run (ended) WHERE parent IS NULL AND pruned IS NULL;
CREATE UNIQUE INDEX run_serial ON run (serial);

CREATE TABLE text (
    sha256 BLOB PRIMARY KEY,
    body   BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE run_text (
    run    TEXT NOT NULL,
    name   TEXT NOT NULL,
    sha256 BLOB NOT NULL,
    PRIMARY KEY (run, name)
) WITHOUT ROWID;

-- An entry's key is the serial number of its run, and its own number below that; whoever goes on with a run knows the
-- places of its entries. There is no index that every change would write as well. Entries that a resume does again
-- stay, as void.
CREATE TABLE entry (
    id        INTEGER PRIMARY KEY,
    run       TEXT NOT NULL,
    number    INTEGER NOT NULL,
    path      TEXT NOT NULL,
    position  INTEGER NOT NULL,
    inside    TEXT,
    void      INTEGER NOT NULL DEFAULT 0,
    kind      TEXT NOT NULL,
    target    TEXT,
    operation TEXT NOT NULL,
    effect    TEXT NOT NULL,
    items     INTEGER NOT NULL,
    digest    BLOB NOT NULL,
    action    BLOB NOT NULL,
    before    BLOB,
    note      TEXT,
    state     INTEGER NOT NULL,
    outcome   BLOB,
    begun     INTEGER NOT NULL,
    ended     INTEGER,
    link      INTEGER,
    hash      BLOB,
    end_link  INTEGER,
    end_hash  BLOB
);

-- The heads of the runs' chains when they ended, each with a hash over the one before.
CREATE TABLE head (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    run      TEXT NOT NULL,
    links    INTEGER NOT NULL,
    head     BLOB NOT NULL,
    hash     BLOB NOT NULL
);
