//! The values of their own that scripts handle: targets, times, lengths of time, secrets, networks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::{SignedDuration, Timestamp};

use crate::network::{Network, push_address, push_number};
use crate::value::{Map, Value};

/// A configured appliance, by name. One type for every vendor: which calls it has is looked up by
/// its vendor when one is made.
#[derive(Clone, Debug)]
pub struct Target {
    /// The name.
    pub name: Arc<str>,
    /// The vendor's id.
    pub vendor: Arc<str>,
    /// The tags.
    pub tags: Arc<[String]>,
}

/// An instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub Timestamp);

/// A length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Length(pub SignedDuration);

/// The store of the run's script.
#[derive(Clone, Copy, Debug)]
pub struct StoreHandle;

/// A counter for people to watch.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Its number within the run.
    pub id: u64,
    /// How much is done.
    pub done: Arc<AtomicU64>,
    /// How much there is.
    pub total: u64,
}

impl Progress {
    /// Adds to what is done, and gives the sum; never more than there is.
    pub fn advance(&self, by: u64) -> u64 {
        (self.done.fetch_add(by, Ordering::Relaxed) + by).min(self.total)
    }
}

/// A list of networks that stays outside script values: a block list has a hundred thousand.
#[derive(Clone, Debug, Default)]
pub struct Networks(pub Arc<Vec<Listed>>);

/// A network, and the line of the file that it came from (0 if it came from none).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The network.
    pub network: Network,
    /// The line.
    pub line: u32,
}

impl Networks {
    /// A list of networks that came from no file.
    pub fn of(networks: impl IntoIterator<Item = Network>) -> Self {
        Self(Arc::new(networks.into_iter().map(|network| Listed { network, line: 0 }).collect()))
    }
}

/// A map for each network of a list, as a call wants them. They are made when the call is: a
/// hundred thousand script maps would only be taken apart again.
#[derive(Clone, Debug)]
pub struct NetworkMaps {
    /// The networks; none of them is a range.
    pub list: Networks,
    /// What the member with the first address is called.
    pub first: Option<String>,
    /// What the member with the prefix length is called.
    pub prefix: Option<String>,
    /// What the member with the name is called.
    pub name: Option<String>,
    /// How names begin.
    pub label: String,
}

impl NetworkMaps {
    /// The maps.
    pub fn to_value(&self) -> Value {
        Value::List(self.list.0.iter().map(|listed| Value::Map(self.map(&listed.network))).collect())
    }

    fn map(&self, network: &Network) -> Map {
        let mut map = Map::new();
        if let Some(first) = &self.first {
            let mut text = String::with_capacity(16);
            push_address(&mut text, network.first(), '.');
            map.insert(first.clone(), Value::Text(text));
        }
        let prefix = network.prefix().unwrap_or_default();
        if let Some(name) = &self.prefix {
            map.insert(name.clone(), Value::Int(i64::from(prefix)));
        }
        if let Some(name) = &self.name {
            map.insert(name.clone(), Value::Text(self.entry_name(network, prefix)));
        }
        map
    }

    /// A name that is unique for its range: the label and the network, the latter without dots
    /// and slashes, which appliances refuse in names.
    fn entry_name(&self, network: &Network, prefix: u8) -> String {
        let mut name = String::with_capacity(self.label.len() + 24);
        if !self.label.is_empty() {
            name.push_str(&self.label);
            name.push(' ');
        }
        push_address(&mut name, network.first(), '-');
        name.push('_');
        push_number(&mut name, prefix);
        name
    }
}
