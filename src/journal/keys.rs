//! How entries are found in the database: an entry's key is the serial number of its run, and its own number below
//! that. A new entry comes behind all others of its run, and there is no index to write besides.

/// The key of the entry `?2` of the run `?1`.
pub const KEY: &str = "((SELECT serial FROM run WHERE run.id = ?1) << 32) + ?2";

/// In a statement over `entry`: those of the run `?1`.
pub const OF_RUN: &str = "entry.id BETWEEN (SELECT serial << 32 FROM run WHERE run.id = ?1)
                          AND (SELECT (serial << 32) + 4294967295 FROM run WHERE run.id = ?1)";

/// Before a statement: the run `?1` and its children are a `tree`.
pub const TREE: &str = "WITH RECURSIVE tree (id, serial) AS (SELECT id, serial FROM run WHERE id = ?1
                        UNION SELECT run.id, run.serial FROM run JOIN tree ON run.parent = tree.id)";

/// In such a statement over `entry`: those of the run of `tree` at hand.
pub const OF_TREE: &str = "entry.id BETWEEN tree.serial << 32 AND (tree.serial << 32) + 4294967295";
