//! Secrets as values of their own type, and the masking of what people see.
//!
//! Where secrets come from (environment, file, command) is `config`'s business.

mod mask;
mod value;

pub use mask::{Masker, SHORTEST};
pub use value::Secret;
