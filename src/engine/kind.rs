//! The kinds of values that functions take and give, as far as they are known without a run.

use std::any::TypeId;
use std::ops::{Range, RangeInclusive};

use rhai::{Array, Blob, Dynamic, FnPtr, ImmutableString, Map};

use crate::catalog::NetworkMaps;
use crate::engine::types::{Length, Networks, Progress, StoreHandle, Target, Time};
use crate::network::Network;
use crate::secret::Secret;

/// A kind of value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Any of them: nothing is known.
    Any,
    /// `()`.
    Unit,
    /// True or false.
    Bool,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// A character.
    Char,
    /// A text.
    Text,
    /// An array.
    Array,
    /// An object map.
    Map,
    /// A function or closure.
    Function,
    /// Bytes.
    Blob,
    /// `a..b` or `a..=b`.
    Range,
    /// An instant.
    Time,
    /// A length of time.
    Duration,
    /// A configured appliance.
    Target,
    /// A secret.
    Secret,
    /// An address or network.
    Network,
    /// A long list of networks.
    Networks,
    /// A long list of networks as a call wants them.
    NetworkMaps,
    /// The playbook's store.
    Store,
    /// A counter for people to watch.
    Progress,
    /// A value that only Rhai's own functions give and take.
    Other,
}

impl Kind {
    /// Every kind with its name in the words of a script's author.
    const NAMES: [(Self, &'static str); 22] = [
        (Self::Any, "any"),
        (Self::Unit, "()"),
        (Self::Bool, "bool"),
        (Self::Int, "int"),
        (Self::Float, "float"),
        (Self::Char, "char"),
        (Self::Text, "string"),
        (Self::Array, "array"),
        (Self::Map, "map"),
        (Self::Function, "Fn"),
        (Self::Blob, "blob"),
        (Self::Range, "range"),
        (Self::Time, "Time"),
        (Self::Duration, "Duration"),
        (Self::Target, "Target"),
        (Self::Secret, "Secret"),
        (Self::Network, "Network"),
        (Self::Networks, "Networks"),
        (Self::NetworkMaps, "NetworkMaps"),
        (Self::Store, "Store"),
        (Self::Progress, "Progress"),
        (Self::Other, "value"),
    ];

    /// The kind of a parameter's type; `None` for numbers that no script has (Rhai knows a dozen).
    pub fn of_type(id: TypeId) -> Option<Self> {
        fn is<T: 'static>(id: TypeId) -> bool {
            TypeId::of::<T>() == id
        }
        let absent = is::<i8>(id)
            || is::<u8>(id)
            || is::<i16>(id)
            || is::<u16>(id)
            || is::<i32>(id)
            || is::<u32>(id)
            || is::<u64>(id)
            || is::<i128>(id)
            || is::<u128>(id)
            || is::<f32>(id)
            || is::<isize>(id)
            || is::<usize>(id);
        if absent {
            return None;
        }
        Some(match id {
            _ if is::<Dynamic>(id) => Self::Any,
            _ if is::<()>(id) => Self::Unit,
            _ if is::<bool>(id) => Self::Bool,
            _ if is::<i64>(id) => Self::Int,
            _ if is::<f64>(id) => Self::Float,
            _ if is::<char>(id) => Self::Char,
            _ if is::<ImmutableString>(id) || is::<String>(id) || is::<&str>(id) => Self::Text,
            _ if is::<Array>(id) => Self::Array,
            _ if is::<Map>(id) => Self::Map,
            _ if is::<FnPtr>(id) => Self::Function,
            _ if is::<Blob>(id) => Self::Blob,
            _ if is::<Range<i64>>(id) || is::<RangeInclusive<i64>>(id) => Self::Range,
            _ if is::<Time>(id) => Self::Time,
            _ if is::<Length>(id) => Self::Duration,
            _ if is::<Target>(id) => Self::Target,
            _ if is::<Secret>(id) => Self::Secret,
            _ if is::<Network>(id) => Self::Network,
            _ if is::<Networks>(id) => Self::Networks,
            _ if is::<NetworkMaps>(id) => Self::NetworkMaps,
            _ if is::<StoreHandle>(id) => Self::Store,
            _ if is::<Progress>(id) => Self::Progress,
            _ => Self::Other,
        })
    }

    /// The kind that a function's description says it gives; anything that is not certain is `Any`.
    pub fn of_word(word: &str) -> Self {
        let inner = word.trim().strip_prefix("Result<").and_then(|rest| rest.split(',').next()).unwrap_or(word);
        let word = match inner.trim().rsplit("::").next().unwrap_or_default() {
            "INT" | "i64" => "int",
            "FLOAT" | "f64" => "float",
            "ImmutableString" | "String" | "&str" => "string",
            word if word.eq_ignore_ascii_case("array") => "array",
            word if word.eq_ignore_ascii_case("map") || word.starts_with("#{") => "map",
            word if word.eq_ignore_ascii_case("blob") => "blob",
            word => word,
        };
        Self::NAMES.iter().find(|(_, name)| *name == word).map_or(Self::Any, |(kind, _)| *kind)
    }

    /// Every kind that a value can be known to have.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::NAMES.iter().map(|(kind, _)| *kind).filter(|kind| !matches!(kind, Self::Any | Self::Other))
    }

    /// The name in the words of a script's author.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(kind, _)| *kind == self).map_or("any", |(_, name)| name)
    }

    /// The kind of that name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, known)| *known == name).map(|(kind, _)| *kind)
    }

    /// Whether a value of this kind can stand where `wanted` is asked for, as far as is known.
    pub fn fits(self, wanted: Self) -> bool {
        self == wanted || wanted == Self::Any || matches!(self, Self::Any | Self::Other)
    }
}
