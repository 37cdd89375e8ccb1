//! What the check before a run has parsed, so that the run need not do it again.

use std::collections::HashMap;

use rhai::AST;

/// The trees of a script and its modules, by their names.
#[derive(Default)]
pub struct Parsed {
    trees: HashMap<String, (String, AST)>,
}

impl Parsed {
    /// Keeps the tree of a text.
    pub fn keep(&mut self, name: &str, text: &str, tree: AST) {
        self.trees.insert(name.to_owned(), (text.to_owned(), tree));
    }

    /// The tree of a text. A file that was edited in between has another text, and no tree.
    pub fn take(&mut self, name: &str, text: &str) -> Option<AST> {
        let (parsed, tree) = self.trees.remove(name)?;
        (parsed == text).then_some(tree)
    }
}
