//! The parts of the catalog that both the build and the program need.

#[path = "../src/catalog/format/mod.rs"]
pub mod format;
#[expect(dead_code, reason = "the program alone looks into rows")]
#[path = "../src/catalog/row.rs"]
pub mod row;
