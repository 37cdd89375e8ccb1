//! Values as a person at the prompt wants to see them: tables, folded trees, page by page.

mod shown;
mod table;
mod tree;

pub use shown::Shown;
