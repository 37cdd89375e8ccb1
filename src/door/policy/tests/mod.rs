//! The policy as the door uses it, with rows and targets made for the purpose.

mod admission;
mod budgets;
mod lists;
mod locks;
mod raw;
mod rights;
pub(super) mod sample;
