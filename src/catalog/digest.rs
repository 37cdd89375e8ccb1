//! A digest of each row: equal for rows that send the same and mean the same.

use sha2::{Digest, Sha256};

use crate::catalog::Row;

/// The SHA-256 of what a row does, in hex; texts for people are left out.
pub fn digest(row: &Row) -> String {
    let plain = Row { summary: "", doc: "", keywords: &[], area: "", source: "", example: None, ..row.clone() };
    Sha256::digest(format!("{plain:?}")).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Catalog, Effect};

    #[test]
    fn a_row_that_does_something_else_has_another_digest() {
        let row = Catalog::builtin().row("seg", "groups").unwrap();
        assert_eq!(digest(row), digest(&Row { summary: "another text", ..row.clone() }));
        assert_ne!(digest(row), digest(&Row { effect: Effect::Destroy, ..row.clone() }));
        assert_ne!(digest(row), digest(&Row { path: "/elsewhere", ..row.clone() }));
    }
}
