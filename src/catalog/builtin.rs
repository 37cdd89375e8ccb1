//! The built-in catalogs, written by the build from `src/vendors/*/calls.toml`.

use std::sync::OnceLock;

use crate::catalog::packed::{Head, Packed, Span};
use crate::catalog::{Kind, Refusal, Row, Rows, Vendor};

include!(concat!(env!("OUT_DIR"), "/vendors.rs"));
