//! The steps that bring a state database to the present format.

/// The present format, for a new database: to take all steps would be three milliseconds of its first run.
pub(super) const SCHEMA: &str = include_str!("schema.sql");

/// The steps from an empty database to the present format. Steps are only ever added, and what they lead to is changed
/// in `schema.sql` as well.
pub(super) const MIGRATIONS: &[&str] = &[
    // 1: the stores of playbooks.
    "CREATE TABLE store (
        name  TEXT NOT NULL,
        key   TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (name, key)
    ) WITHOUT ROWID;",
    // 2: triggers, their firings, what became of each due instant and file, and the claims of files.
    // Times are microseconds since 1970; a ledger row counts a stretch of instants.
    "CREATE TABLE trigger_standing (
        name   TEXT PRIMARY KEY,
        digest TEXT NOT NULL,
        since  INTEGER NOT NULL,
        latest INTEGER NOT NULL,
        due    INTEGER NOT NULL DEFAULT 0,
        paused INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID;
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
        outcome    TEXT
    );
    CREATE INDEX firing_state ON firing (state, not_before, name, sequence);
    CREATE INDEX firing_name ON firing (name, state);
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
    CREATE INDEX ledger_order ON ledger (name, sequence);
    CREATE INDEX ledger_firing ON ledger (firing);
    CREATE TABLE claim (
        firing   TEXT PRIMARY KEY,
        name     TEXT NOT NULL,
        source   BLOB NOT NULL,
        work     BLOB NOT NULL,
        identity TEXT NOT NULL,
        after    TEXT NOT NULL,
        state    TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX claim_source ON claim (state, source);
    CREATE TABLE known_file (
        name     TEXT NOT NULL,
        path     BLOB NOT NULL,
        identity TEXT NOT NULL,
        PRIMARY KEY (name, path)
    ) WITHOUT ROWID;",
    // 3: the journal. A run without an outcome is running, or was interrupted: its lock file tells. It
    // `began` anew with each resume, and `ran` before that. Entries that a resume does again stay, as
    // void. Times are microseconds since 1970.
    "CREATE TABLE run (
        id       TEXT PRIMARY KEY,
        parent   TEXT,
        name     TEXT NOT NULL,
        mode     TEXT NOT NULL,
        cause    TEXT NOT NULL,
        started  INTEGER NOT NULL,
        began    INTEGER NOT NULL,
        ended    INTEGER,
        outcome  TEXT,
        script   BLOB NOT NULL,
        pinned   BLOB NOT NULL,
        ending   BLOB,
        ran      INTEGER NOT NULL DEFAULT 0,
        resumed  INTEGER NOT NULL DEFAULT 0,
        links    INTEGER NOT NULL DEFAULT 0,
        head     BLOB NOT NULL
    );
    CREATE INDEX run_started ON run (started);
    CREATE INDEX run_parent ON run (parent);
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
    CREATE TABLE entry (
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
        end_hash  BLOB,
        PRIMARY KEY (run, number)
    );
    CREATE INDEX entry_key ON entry (run, path, position);
    CREATE TABLE head (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        run      TEXT NOT NULL,
        links    INTEGER NOT NULL,
        head     BLOB NOT NULL,
        hash     BLOB NOT NULL
    );",
    // 4: when the answers of a run were dropped.
    "ALTER TABLE run ADD COLUMN pruned INTEGER;
    CREATE INDEX run_ended ON run (ended) WHERE parent IS NULL AND pruned IS NULL;",
    // 5: until when a run waits whose script nobody interprets meanwhile.
    "ALTER TABLE run ADD COLUMN wake INTEGER;",
    // 6: a firing has the id of its run as soon as it is taken from the queue, so that one state is enough.
    "UPDATE firing SET state = 'queued' WHERE state = 'taken';",
    // 7: former runs of a firing that was tried again, parameters of a firing by hand, why a trigger is
    // paused, and the sums of what was folded out of the ledger.
    "ALTER TABLE trigger_standing ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE trigger_standing ADD COLUMN paused_at INTEGER;
    ALTER TABLE trigger_standing ADD COLUMN paused_why TEXT;
    ALTER TABLE trigger_standing ADD COLUMN started INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE trigger_standing ADD COLUMN merged INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE trigger_standing ADD COLUMN skipped INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE firing ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE firing ADD COLUMN params TEXT;
    CREATE TABLE attempt (
        firing  TEXT NOT NULL,
        number  INTEGER NOT NULL,
        run     TEXT NOT NULL,
        started INTEGER NOT NULL,
        ended   INTEGER NOT NULL,
        outcome TEXT NOT NULL,
        PRIMARY KEY (firing, number)
    ) WITHOUT ROWID;
    CREATE INDEX firing_expires ON firing (expires) WHERE state = 'queued';
    CREATE INDEX firing_started ON firing (name, started) WHERE run IS NOT NULL;
    CREATE INDEX ledger_last ON ledger (last);",
    // 8: a firing may claim several files, and a claim says why its run failed.
    "ALTER TABLE claim RENAME TO former_claim;
    DROP INDEX claim_source;
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
        PRIMARY KEY (firing, number)
    ) WITHOUT ROWID;
    CREATE INDEX claim_source ON claim (state, source);
    CREATE INDEX claim_name ON claim (state, name);
    INSERT INTO claim SELECT firing, 0, name, source, work, identity, after, state, NULL FROM former_claim
        WHERE state IN ('claimed', 'taken');
    DROP TABLE former_claim;",
    // 9: what files of a watch held, for those that are taken once; and the files that runs have written. One
    // without an identity is being written.
    "ALTER TABLE claim ADD COLUMN remember INTEGER;
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
    CREATE TABLE written (
        path     BLOB PRIMARY KEY,
        identity TEXT,
        run      TEXT NOT NULL,
        depth    INTEGER NOT NULL,
        at       INTEGER NOT NULL
    ) WITHOUT ROWID;",
    // 10: what channels hold back, by subject: who tells of it, and from when on anybody may. `leaves` is set while a
    // sum is on its way, and `maybe` counts what one may have told that never came back.
    "CREATE TABLE held (
        channel TEXT NOT NULL,
        holder  TEXT NOT NULL,
        subject TEXT NOT NULL,
        count   INTEGER NOT NULL,
        maybe   INTEGER NOT NULL,
        since   INTEGER NOT NULL,
        due     INTEGER NOT NULL,
        leaves  INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (channel, holder, subject)
    ) WITHOUT ROWID;",
    // 11: the runs of firings that a person has gone on with. One without an end is still in somebody's hands.
    "CREATE TABLE by_hand (
        run    TEXT PRIMARY KEY,
        firing TEXT NOT NULL,
        began  INTEGER NOT NULL,
        ended  INTEGER
    ) WITHOUT ROWID;
    CREATE INDEX by_hand_firing ON by_hand (firing);
    CREATE INDEX by_hand_going ON by_hand (firing) WHERE ended IS NULL;",
    // 12: an entry's key is the serial number of its run, and its own number below that; whoever goes on with a run
    // knows the places of its entries. There is no index any more that every change would write as well.
    "ALTER TABLE run ADD COLUMN serial INTEGER NOT NULL DEFAULT 0;
    UPDATE run SET serial = rowid;
    CREATE UNIQUE INDEX run_serial ON run (serial);
    ALTER TABLE entry RENAME TO former_entry;
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
    INSERT INTO entry
        SELECT (serial << 32) + number, former_entry.* FROM run JOIN former_entry ON former_entry.run = run.id
        ORDER BY serial, number;
    DROP TABLE former_entry;",
];
