//! Long lists of networks: what is true of one entry is true of all, so that one is looked at.

use std::ops::RangeInclusive;

use crate::catalog::{Arg, Args, Body, Bound, NetworkMaps, NetworkPart, Param, Place, Row, Type};
use crate::value::{Map, Value};

/// A list that stays what it is.
pub struct Long {
    param: &'static Param,
    list: NetworkMaps,
}

/// The lists that can stay networks, and the other arguments with a first entry in the place of each.
pub fn part(row: &'static Row, args: &Args) -> (Vec<Long>, Map) {
    let mut long = Vec::new();
    let mut values = args.values_alone().clone();
    for (name, arg) in args.all_kept() {
        let Arg::Networks(list) = arg else { continue };
        let param = row.map_params().find(|param| param.is_called(name));
        let first = list.entry(0).filter(|_| list.list.len() > 1);
        let value = match param.zip(first).filter(|(param, _)| is_uniform(row, param, list)) {
            Some((param, first)) => {
                long.push(Long { param, list: list.clone() });
                Value::List(vec![first])
            }
            None => list.to_value(),
        };
        values.insert(name.to_owned(), value);
    }
    (long, values)
}

/// Puts the lists in the place of their first entries; `None` if binding has made something else of one.
pub fn put_back(mut bound: Bound, long: Vec<Long>) -> Option<Bound> {
    for Long { param, list } in long {
        let first = bound.args.get(param.name).and_then(Value::as_list)?;
        if first.len() != 1 || first.first() != list.entry(0).as_ref() {
            return None;
        }
        if bound.row.items.contains(&param.name) {
            bound.items += list.list.len() as u64 - 1;
        }
        bound.args.set_list(param.name.to_owned(), list);
    }
    Some(bound)
}

/// Whether binding makes of every entry what it makes of the first: nothing that the row says of the list, or
/// of an entry, depends on what entries differ in.
fn is_uniform(row: &Row, param: &Param, list: &NetworkMaps) -> bool {
    let members = list.members();
    let named = |name: &str| members.iter().find(|(called, _)| *called == name).map(|(_, part)| *part);
    let distinct = members.windows(2).all(|pair| matches!(pair, [(a, _), (b, _)] if a != b));
    let prefixes = prefixes(list);
    row.body == Body::Json
        && param.place == Place::Body
        && !param.root
        && matches!(param.ty, Type::List(Type::Object))
        && distinct
        && within(param, list.list.len() as u64..=list.list.len() as u64)
        && row.raises.iter().all(|raise| raise.param != param.name || raise.equals.is_none())
        && row.params.iter().all(|other| other.required_if.as_ref().is_none_or(|when| when.param != param.name))
        && members.iter().all(|(name, part)| {
            let field = param.fields.iter().find(|field| field.name == *name);
            field.is_some_and(|field| takes_all(field, *part, list, &prefixes))
        })
        && param.fields.iter().filter_map(|field| field.required_if.as_ref()).all(|when| match named(when.param) {
            None => true,
            Some(NetworkPart::Prefix) => {
                let met = |json: &&str| json.parse().is_ok_and(|prefix| prefixes.contains(&prefix));
                !when.equals.iter().any(met)
            }
            Some(NetworkPart::First | NetworkPart::Name) => false,
        })
}

/// Whether a field takes that part of every network, as it is.
fn takes_all(field: &Param, part: NetworkPart, list: &NetworkMaps, prefixes: &RangeInclusive<u64>) -> bool {
    /// From `::` on.
    const ADDRESSES: RangeInclusive<u64> = 2..=45;
    /// Names without label, from `::_0` on.
    const NAMES: RangeInclusive<u64> = 4..=49;
    if !field.choices.is_empty() || field.secret {
        return false;
    }
    match part {
        NetworkPart::First => field.ty == Type::Address && within(field, ADDRESSES) && field.forbid.is_empty(),
        NetworkPart::Prefix => field.ty == Type::Int && within(field, prefixes.clone()),
        NetworkPart::Name => {
            let label = list.label.chars().count() as u64;
            let varies = |c: char| c.is_ascii_hexdigit() || "-_:".contains(c);
            field.ty == Type::String
                && within(field, *NAMES.start()..=label + 1 + NAMES.end())
                && !field.forbid.contains(varies)
        }
    }
}

/// Whether all these sizes are within a parameter's limits.
fn within(param: &Param, sizes: RangeInclusive<u64>) -> bool {
    let size = |size: &u64| i64::try_from(*size).unwrap_or(i64::MAX);
    param.min.is_none_or(|min| min <= size(sizes.start())) && param.max.is_none_or(|max| size(sizes.end()) <= max)
}

/// The shortest and the longest prefix.
fn prefixes(list: &NetworkMaps) -> RangeInclusive<u64> {
    let all = || list.list.networks().map(|network| u64::from(network.prefix().unwrap_or_default()));
    all().min().unwrap_or_default()..=all().max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::catalog::bind::bind;
    use crate::catalog::{Catalog, wire};
    use crate::network::Network;

    fn list(networks: &[&str], label: &str) -> NetworkMaps {
        let parsed = networks.iter().map(|text| text.parse::<Network>().unwrap());
        NetworkMaps {
            list: Arc::new(parsed.collect()),
            first: Some("ip_address_start".into()),
            prefix: Some("cidr".into()),
            name: Some("name".into()),
            label: label.to_owned(),
        }
    }

    /// A delta with the list as networks, and with the same list as values.
    fn both(name: &str, list: &NetworkMaps) -> [Args; 2] {
        let mut args = Args::default();
        args.set_list(name.to_owned(), list.clone());
        [args, Map::from([(name.to_owned(), list.to_value())]).into()]
    }

    #[test]
    fn a_list_of_networks_is_bound_and_sent_as_its_values_are() {
        let catalog = Catalog::builtin();
        let (row, vendor) = (catalog.row("seg", "ip_group_delta").unwrap(), catalog.vendor("seg").unwrap());
        let unnamed = NetworkMaps { name: None, ..list(&["192.0.2.0/24", "10.0.0.1"], "") };
        for (name, list, kept) in [
            ("add", list(&["192.0.2.0/24", "198.51.100.7", "2001:db8::/32"], "feed 1"), true),
            ("add", list(&["192.0.2.0/24", "198.51.100.7"], "a \"b\""), true),
            ("add", list(&["192.0.2.0/24"], "one"), false),
            ("add", list(&[], "none"), false),
            ("add", unnamed.clone(), true),
            ("remove", unnamed, true),
            // What the row drops, refuses or wants more of is seen in each entry.
            ("remove", list(&["192.0.2.0/24", "10.0.0.1"], "feed"), false),
            ("add", list(&["192.0.2.0/24", "0.0.0.0/0"], "feed"), false),
            ("add", list(&["0.0.0.0/0", "192.0.2.0/24"], "feed"), false),
            ("add", list(&["192.0.2.0/24", "10.0.0.1"], "v1.2"), false),
            ("add", NetworkMaps { prefix: None, ..list(&["192.0.2.0/24", "10.0.0.1"], "x") }, false),
            ("add", NetworkMaps { prefix: Some("bits".into()), ..list(&["192.0.2.0/24", "10.0.0.1"], "x") }, false),
            (
                "add",
                NetworkMaps { first: Some("ipAddressStart".into()), ..list(&["10.0.0.1", "10.0.0.2"], "x") },
                false,
            ),
            ("lists", list(&["192.0.2.0/24", "10.0.0.1"], "x"), false),
        ] {
            let [networks, values] = both(name, &list).map(|args| bind(row, vec![Value::Int(15)], args));
            assert_eq!(networks, values, "{list:?}");
            let (Ok(networks), Ok(values)) = (networks, values) else { continue };
            assert_eq!(networks.args.has_lists(), kept, "{list:?}");
            let sent = wire(&networks, vendor);
            assert!(sent == wire(&values, vendor), "{list:?}");
        }
    }

    #[test]
    fn a_row_that_limits_what_entries_differ_in_sees_each_of_them() {
        let list = list(&["192.0.2.0/24", "10.0.0.1"], "x");
        let fields = "fields.ip_address_start = { type = \"address\" }\nfields.cidr = { type = \"int\" }\n";
        let cases = [
            (format!("{fields}fields.name = {{ type = \"string\" }}\n"), true),
            (format!("{fields}fields.name = {{ type = \"string\", max = 12 }}\n"), false),
            (format!("{fields}fields.name = {{ type = \"string\", min = 14 }}\n"), false),
            (format!("{fields}fields.name = {{ type = \"string\", forbid = \"_\" }}\n"), false),
            (format!("{fields}fields.name = {{ type = \"string\", choices = [\"x 10-0-0-1_32\"] }}\n"), false),
            (format!("max = 1\n{fields}fields.name = {{ type = \"string\" }}\n"), false),
            (
                format!("{}fields.name = {{ type = \"string\" }}\n", fields.replace("\"int\"", "\"int\", max = 24")),
                false,
            ),
        ];
        for (facts, kept) in cases {
            let text = format!(
                "id = \"x\"\n[[call]]\nname = \"thing_set\"\nsummary = \"Set a thing\"\nconfidence = \"seed\"\n\
                 lost_answer = \"never\"\nmethod = \"POST\"\npath = \"/things\"\neffect = \"change\"\n\
                 [call.params.things]\ntype = \"[object]\"\n{facts}"
            );
            let vendor = crate::catalog::format::vendor(&text, &[]).unwrap();
            let [networks, values] =
                both("things", &list).map(|args| bind(vendor.rows.iter().next().unwrap(), Vec::new(), args));
            assert_eq!(networks, values, "{facts}");
            assert_eq!(networks.is_ok_and(|bound| bound.args.has_lists()), kept, "{facts}");
        }
    }
}
