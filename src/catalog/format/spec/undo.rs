//! What a catalog file can say of a change's undo: what shows it before and after, how it edits
//! lists, what takes it back.

use serde::Deserialize;
use toml::Table;

use super::ConditionSpec;

/// The call that takes a change back.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum InverseSpec {
    /// None, although calls of its kind have one.
    None,
    /// The same call with two lists exchanged.
    Swap(String, String),
    /// Another call, with the sources of its parameters.
    Call {
        /// Its name.
        name: String,
        /// Parameter to source.
        #[serde(default)]
        args: Table,
    },
    /// The same call with the former state.
    Replace,
    /// The same, without the members that the read shows and the call does not take.
    ReplaceWithout(Vec<String>),
}

/// The read that shows what a change would touch.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BeforeSpec {
    /// The call's name.
    pub call: String,
    /// Its parameter to ours, where they do not have the same name.
    #[serde(default)]
    pub args: Table,
    /// Where in its answer the object itself is, where it is not the vendor's `at`.
    pub at: Option<String>,
}

/// `{ list = "data.words", with = "words", key = ["0"], how = "add" }`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EditSpec {
    /// Where the list is in the read's answer.
    #[serde(default)]
    pub list: String,
    /// The parameter with the entries; left out where the body is the one entry.
    #[serde(default)]
    pub with: String,
    /// The members by which an entry is known.
    #[serde(default)]
    pub key: Vec<String>,
    /// `add`, `remove` or `put`.
    pub how: String,
    /// The member of an entry that holds what the call writes.
    #[serde(default)]
    pub under: String,
    /// Further parameters that are members of an entry.
    #[serde(default)]
    pub also: Vec<String>,
    /// When the call does so.
    pub when: Option<ConditionSpec>,
}
