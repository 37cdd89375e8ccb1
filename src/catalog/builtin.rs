//! The built-in catalogs as static tables, written by the build from `src/vendors/*/calls.toml`.

#[expect(unused_imports, reason = "which of them occur depends on the catalogs")]
use crate::catalog::{
    Answer, Before, Body, Condition, Confidence, Edit, EditHow, Effect, Example, Field, Harm, Inverse, Kind,
    LostAnswer, PageStyle, Paging, Param, Place, Raise, Refusal, Row, Rule, Shape, TimeForm, Type, Vendor,
};

include!(concat!(env!("OUT_DIR"), "/vendors.rs"));
