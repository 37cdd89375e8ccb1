//! Lists that are kept as networks are refused where their values would be, and in the same words.

use std::sync::Arc;

use crate::catalog::{Args, Bound, NetworkMaps, Row};
use crate::door::policy::never::{Never, NeverLists};
use crate::fault::Fault;
use crate::network::Network;

use super::sample::{DELTA, ROW, call};

fn check(row: &'static Row, name: &str, list: &NetworkMaps, as_values: bool) -> Result<(), Fault> {
    let mut args = Args::default();
    args.set_list(name.to_owned(), list.clone());
    if as_values {
        args = args.into_map().into();
    }
    let networks = ["198.51.100.7", "203.0.113.0/24"].map(|text| text.parse().unwrap()).to_vec();
    let never = Never::new(NeverLists { networks, ..NeverLists::default() }).unwrap();
    never.check_call(&Bound { args, ..call(row, serde_json::json!({})) })
}

fn list(networks: &[&str], prefix: &str) -> NetworkMaps {
    let parsed = networks.iter().map(|text| text.parse::<Network>().unwrap());
    NetworkMaps {
        list: Arc::new(parsed.collect()),
        first: Some("ip_address_start".into()),
        prefix: Some(prefix.into()),
        name: None,
        label: String::new(),
    }
}

#[test]
fn a_list_of_networks_is_refused_as_its_values_are() {
    let mut refused = 0;
    for (row, name, networks, prefix) in [
        (&DELTA, "add", &["192.0.2.0/24", "192.0.3.1"][..], "cidr"),
        (&DELTA, "add", &["192.0.2.0/24", "198.51.100.0/24"], "cidr"),
        (&DELTA, "add", &["192.0.2.0/24", "203.0.113.9"], "cidr"),
        (&DELTA, "add", &["192.0.2.0/24", "64.0.0.0/7"], "cidr"),
        // A prefix that the row does not look at leaves the address alone to be compared.
        (&DELTA, "add", &["192.0.2.0/24", "198.51.100.0/24"], "bits"),
        (&DELTA, "remove", &["192.0.2.0/24", "198.51.100.7"], "cidr"),
        (&ROW, "add", &["192.0.2.0/24", "198.51.100.7"], "cidr"),
    ] {
        let list = list(networks, prefix);
        let told = check(row, name, &list, false);
        assert_eq!(told, check(row, name, &list, true), "{networks:?}");
        refused += usize::from(told.is_err());
    }
    assert_eq!(refused, 3);
}
