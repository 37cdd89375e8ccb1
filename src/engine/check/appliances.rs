//! The appliances that a value may be: those of a vendor, or some that the configuration names.

use std::collections::BTreeSet;

use crate::catalog::{Callable, Catalog, Form, Vendor};
use crate::engine::check::premises::{Appliance, Premises};

/// The appliances that a value may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Appliances {
    /// Any of any vendor.
    Any,
    /// One of these.
    Some(BTreeSet<Choice>),
}

/// One possibility.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Choice {
    /// Any appliance of the vendor.
    Of(String),
    /// The target of that name.
    Named(String),
}

/// A possibility with what is known of it.
pub struct Candidate<'p> {
    /// The vendor's calls.
    pub vendor: &'static Vendor,
    /// The target, if it is a certain one.
    pub target: Option<(&'p str, &'p Appliance)>,
}

impl Appliances {
    /// Any appliance of a vendor; any at all where none is named.
    pub fn of_vendor(vendor: Option<&str>) -> Self {
        vendor.map_or(Self::Any, |vendor| Self::Some(BTreeSet::from([Choice::Of(vendor.to_owned())])))
    }

    /// The target of that name.
    pub fn named(name: &str) -> Self {
        Self::Some(BTreeSet::from([Choice::Named(name.to_owned())]))
    }

    /// The configured targets that fit.
    pub fn configured(premises: &Premises, vendor: Option<&str>, tag: Option<&str>) -> Self {
        let fits = |appliance: &Appliance| {
            vendor.is_none_or(|vendor| appliance.vendor == vendor)
                && tag.is_none_or(|tag| appliance.tags.iter().any(|have| have == tag))
        };
        let names = premises.targets.iter().filter(|(_, appliance)| fits(appliance)).map(|(name, _)| name);
        let named: BTreeSet<Choice> = names.map(|name| Choice::Named(name.clone())).collect();
        // Without a target that fits, the script may be meant for another configuration.
        if named.is_empty() { Self::of_vendor(vendor) } else { Self::Some(named) }
    }

    /// What is known where either may have come.
    pub fn join(self, other: Self) -> Self {
        match (self, other) {
            (Self::Some(mut a), Self::Some(b)) => {
                a.extend(b);
                Self::Some(a)
            }
            _ => Self::Any,
        }
    }

    /// Every possibility; those of which nothing is known are left out.
    pub fn candidates<'p>(&self, premises: &'p Premises) -> Vec<Candidate<'p>> {
        let catalog: &Catalog = premises.catalog();
        let of = |vendor: &str| catalog.vendor(vendor);
        match self {
            Self::Any => catalog.vendors().iter().map(|vendor| Candidate { vendor, target: None }).collect(),
            Self::Some(choices) => choices
                .iter()
                .filter_map(|choice| match choice {
                    Choice::Of(vendor) => Some(Candidate { vendor: of(vendor)?, target: None }),
                    Choice::Named(name) => {
                        let (name, appliance) = premises.targets.get_key_value(name)?;
                        Some(Candidate { vendor: of(&appliance.vendor)?, target: Some((name, appliance)) })
                    }
                })
                .collect(),
        }
    }

    /// The vendors' ids, for messages.
    pub fn vendors(&self, premises: &Premises) -> Vec<&'static str> {
        let mut ids: Vec<&str> = self.candidates(premises).iter().map(|candidate| candidate.vendor.id).collect();
        ids.dedup();
        ids
    }
}

impl Candidate<'_> {
    /// The functions of that name that it has.
    pub fn callables(&self, name: &str) -> Vec<Callable> {
        let callable = |form| self.vendor.callable(name, form).map(|row| Callable { row, form });
        Form::ALL.into_iter().filter_map(callable).collect()
    }

    /// Why it does not have a call of its vendor.
    pub fn lacking(&self, callable: &Callable) -> Option<String> {
        let (_, appliance) = self.target?;
        callable.row.lacking(appliance.version.as_deref(), appliance.product.as_deref())
    }
}
