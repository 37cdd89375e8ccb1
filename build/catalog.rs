//! The parts of the catalog that both the build and the program need.

#[path = "../src/catalog/format/mod.rs"]
pub mod format;
#[path = "../src/catalog/packed.rs"]
pub mod packed;
#[expect(dead_code, reason = "the program alone looks into rows")]
#[path = "../src/catalog/row.rs"]
pub mod row;
#[expect(dead_code, reason = "the program alone looks for calls")]
#[path = "../src/catalog/rows.rs"]
pub mod rows;
#[path = "../src/catalog/shapes.rs"]
pub mod shapes;
