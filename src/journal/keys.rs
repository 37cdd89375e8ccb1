//! How entries are found in the database: an entry's key is the serial number of its run, and its own number below
//! that. A new entry comes behind all others of its run, and there is no index to write besides.

/// In a statement over `entry`: the one of the run `?1` with the number `?2`.
pub const THIS: &str = "entry.id = ((SELECT serial FROM run WHERE run.id = ?1) << 32) + ?2";

/// In a statement over `entry`: those of the run `?1`.
pub const OF_RUN: &str = "entry.id BETWEEN (SELECT serial << 32 FROM run WHERE run.id = ?1)
                          AND (SELECT (serial << 32) + 4294967295 FROM run WHERE run.id = ?1)";

/// In a statement that has defined a `tree` of runs, by [`TREE`]: their entries.
pub const OF_TREE: &str = "tree JOIN entry ON entry.id BETWEEN tree.serial << 32 AND (tree.serial << 32) + 4294967295";

/// Before such a statement: the run `?1` and its children.
pub const TREE: &str = "WITH RECURSIVE tree (id, serial) AS (SELECT id, serial FROM run WHERE id = ?1
                        UNION SELECT run.id, run.serial FROM run JOIN tree ON run.parent = tree.id)";
