//! What an appliance has and the catalog has not, and the other way round.

use super::{FoundCall, is_same};
use crate::catalog::{Kind, Vendor};

/// The difference between a catalog and what an appliance says of itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drift {
    /// Calls that only the appliance has: method and path.
    pub only_there: Vec<String>,
    /// Calls that only the catalog has: name, method and path.
    pub only_here: Vec<String>,
}

impl Drift {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.only_there.is_empty() && self.only_here.is_empty()
    }
}

/// Compares by method and path. Calls that belong to signing in, and those of another base, are not
/// part of what an appliance lists.
pub fn compare(vendor: &Vendor, found: &[FoundCall]) -> Drift {
    let rows = || vendor.rows.iter().filter(|row| row.kind != Kind::Session && row.base == vendor.base);
    let known = |call: &FoundCall| vendor.rows.iter().any(|row| is_same(row, call, vendor.id));
    Drift {
        only_there: found
            .iter()
            .filter(|call| !known(call))
            .map(|call| format!("{} {}", call.method, call.path))
            .collect(),
        only_here: rows()
            .filter(|row| !found.iter().any(|call| is_same(row, call, vendor.id)))
            .map(|row| format!("{} ({} {})", row.name, row.method, row.path))
            .collect(),
    }
}
