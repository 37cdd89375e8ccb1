//! Actions, values and answers as bytes, and back.

mod action;
mod recorded;
#[cfg(test)]
mod tests;
mod value;

pub use action::{CallRead, action_bytes, is_sealed, read_call, read_entries};
pub use recorded::{body_of, fault_json, read_fault, read_recorded, recorded_bytes, value_of, was_resent};
pub use value::{CodedArgs, SecretOf, code, code_map, decode, decode_args, decode_map, spelled_out};
