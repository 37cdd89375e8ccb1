//! Long lists of networks, kept outside script values: block lists have a hundred thousand entries.

use std::collections::HashMap;
use std::sync::Arc;

use rhai::{Array, Dynamic, EvalAltResult, ImmutableString, Map, Module, NativeCallContext};

use super::{add, files, networks, options};
use crate::catalog::NetworkMaps;
use crate::door::Action;
use crate::engine::context::RunContext;
use crate::engine::error;
use crate::engine::types::Networks;
use crate::network::list::{self, Listed, NetworkList};
use crate::network::{Network, NetworkSet, joined};
use crate::value::Value;

type Answer<T> = Result<T, Box<EvalAltResult>>;

/// What `to_maps` can be told.
const TO_MAPS: &[&str] = &["first", "prefix", "name", "label"];

pub(super) fn register(module: &mut Module) {
    module.set_custom_type::<Networks>("Networks");
    module.set_custom_type::<NetworkMaps>("NetworkMaps");
    add(
        module,
        "read_networks",
        &["path: string", "#{ networks: Networks, lines: int, invalid: array, normalised: array, duplicates: int }"],
        "/// Reads a block list: an address, network or range a line, with remarks (`#`, `;`), or CSV with a header. Gives \
         `#{ networks, lines, invalid, duplicates, normalised }`; `invalid` holds `#{ line, text, reason }`.",
        |context: NativeCallContext, path: ImmutableString| -> Answer<Map> {
            Ok(report(list::read_list(&files::bytes(&context, &path)?)))
        },
    );
    add(
        module,
        "networks",
        &["list: array", "Networks"],
        "/// A long list of an array's networks.",
        |context: NativeCallContext, array: Array| -> Answer<Networks> {
            let mut list = NetworkList::with_capacity(networks::expected(&array));
            networks::each(&context, &array, |network| list.push(Listed { network, line: 0 }))?;
            Ok(Networks(Arc::new(list)))
        },
    );
    add(
        module,
        "networks",
        &["text: string", "Networks"],
        "/// A long list of the networks in a text, with white space between them, or packed.",
        |context: NativeCallContext, text: ImmutableString| -> Answer<Networks> {
            let mut list = NetworkList::with_capacity(networks::expected_in(&text));
            networks::each_of_text(&context, &text, |network| list.push(Listed { network, line: 0 }))?;
            Ok(Networks(Arc::new(list)))
        },
    );
    add(module, "len", &["list: Networks", "int"], "/// How many networks.", |list: &mut Networks| list.0.len() as i64);
    add(module, "is_empty", &["list: Networks", "bool"], "", |list: &mut Networks| list.0.is_empty());
    add(
        module,
        "aggregate",
        &["list: Networks", "Networks"],
        "/// The fewest networks that hold exactly the same addresses.",
        |list: &mut Networks| -> Networks { cover(&set(list)) },
    );
    add(
        module,
        "subtract",
        &["list: Networks", "less: Networks", "Networks"],
        "/// The fewest networks that hold what is in the list and not in `less`.",
        |list: &mut Networks, less: Networks| -> Networks { cover(&set(list).subtract(&set(&less))) },
    );
    add(
        module,
        "overlapping",
        &["list: Networks", "others: Networks", "Networks"],
        "/// The entries that share an address with one of `others`.",
        |list: &mut Networks, others: Networks| -> Networks {
            let others = set(&others);
            kept(list, |listed| others.overlaps(&listed.network))
        },
    );
    add(
        module,
        "without",
        &["list: Networks", "others: Networks", "Networks"],
        "/// The entries that are not among `others`, entry by entry.",
        |list: &mut Networks, others: Networks| -> Networks {
            let others: std::collections::HashSet<Network> = others.0.networks().collect();
            kept(list, |listed| !others.contains(&listed.network))
        },
    );
    add(
        module,
        "plus",
        &["list: Networks", "others: Networks", "Networks"],
        "/// The entries of both.",
        |list: &mut Networks, others: Networks| -> Networks {
            match (list.0.is_empty(), others.0.is_empty()) {
                (_, true) => list.clone(),
                (true, false) => others,
                (false, false) => Networks(Arc::new(list.0.iter().chain(others.0.iter()).collect())),
            }
        },
    );
    add(
        module,
        "part",
        &["list: Networks", "start: int", "len: int", "Networks"],
        "/// So many entries from `start` on.",
        |list: &mut Networks, start: i64, len: i64| -> Networks {
            let from = usize::try_from(start).unwrap_or(0);
            let to = from.saturating_add(usize::try_from(len).unwrap_or(0));
            Networks(Arc::new(list.0.part(from..to)))
        },
    );
    add(
        module,
        "to_array",
        &["list: Networks", "array"],
        "/// The networks as texts.",
        |list: &mut Networks| -> Array { list.0.networks().map(|network| network.to_string().into()).collect() },
    );
    for name in ["to_string", "to_debug"] {
        add(
            module,
            name,
            &["list: Networks", "string"],
            "/// The networks with a space between them.",
            |list: &mut Networks| joined(list.0.networks()),
        );
    }
    add(
        module,
        "to_packed",
        &["list: Networks", "string"],
        "/// The networks as one short text for a store, in a tenth to a third of the room; `networks` reads it again.",
        |list: &mut Networks| list.0.packed_text().to_owned(),
    );
    add(
        module,
        "named_in",
        &["list: Networks", "text: string", "Networks"],
        "/// The entries whose address or network a text names, such as an appliance's message.",
        |list: &mut Networks, text: ImmutableString| -> Networks { named_in(list, &text) },
    );
    add(
        module,
        "to_maps",
        &["list: Networks", &options(TO_MAPS), "NetworkMaps"],
        "/// A map for each entry, for a call to take: `to_maps(#{ first: \"ip_address_start\", prefix: \"cidr\", name: \"name\", label: \"feed\" })` \
         says what its members are called. Names are the label and the network, without characters that appliances refuse.",
        to_maps,
    );
    add(
        module,
        "split_protected",
        &["list: Networks", "#{ allowed: Networks, refused: array }"],
        "/// Parts a list by the never-touch lists: `#{ allowed, refused }`; `refused` holds `#{ network, line, reason }`.",
        |context: NativeCallContext, list: &mut Networks| -> Answer<Map> {
            let forbidden = RunContext::of(&context)?.value(&context, Action::Protected(Arc::clone(&list.0)))?;
            let mut reasons = reasons(&forbidden);
            if reasons.is_empty() {
                return Ok(parts(list.clone(), Array::new()));
            }
            let mut allowed = NetworkList::with_capacity(list.0.len());
            let mut refused = Array::new();
            for (index, listed) in list.0.iter().enumerate() {
                match reasons.remove(&index) {
                    None => allowed.push(listed),
                    Some(reason) => refused.push(
                        Map::from_iter([
                            ("network".into(), listed.network.to_string().into()),
                            ("line".into(), i64::from(listed.line).into()),
                            ("reason".into(), reason.into()),
                        ])
                        .into(),
                    ),
                }
            }
            Ok(parts(Networks(Arc::new(allowed)), refused))
        },
    );
}

fn parts(allowed: Networks, refused: Array) -> Map {
    Map::from_iter([("allowed".into(), Dynamic::from(allowed)), ("refused".into(), refused.into())])
}

/// What the door's list of forbidden networks says, by index.
fn reasons(forbidden: &Value) -> HashMap<usize, String> {
    let pairs = forbidden.as_list().unwrap_or_default().iter().filter_map(|pair| match pair.as_list()? {
        [index, reason] => Some((usize::try_from(index.as_int()?).ok()?, reason.as_text()?.to_owned())),
        _ => None,
    });
    pairs.collect()
}

fn report(report: list::ListReport) -> Map {
    let line = |line: usize| -> Dynamic { i64::try_from(line).unwrap_or(i64::MAX).into() };
    let invalid = report.invalid.iter().map(|wrong| -> Dynamic {
        Map::from_iter([
            ("line".into(), line(wrong.line)),
            ("text".into(), wrong.text.as_ref().into()),
            ("reason".into(), wrong.reason.as_ref().into()),
        ])
        .into()
    });
    let normalised = report.normalised.iter().map(|changed| -> Dynamic {
        Map::from_iter([
            ("line".into(), line(changed.line)),
            ("text".into(), changed.text.as_ref().into()),
            ("network".into(), changed.network.to_string().into()),
        ])
        .into()
    });
    Map::from_iter([
        ("networks".into(), Dynamic::from(Networks(Arc::new(report.entries)))),
        ("lines".into(), line(report.lines)),
        ("invalid".into(), invalid.collect::<Array>().into()),
        ("normalised".into(), normalised.collect::<Array>().into()),
        ("duplicates".into(), line(report.duplicates.len())),
    ])
}

fn set(list: &Networks) -> NetworkSet {
    list.0.networks().collect()
}

fn cover(set: &NetworkSet) -> Networks {
    let mut list = NetworkList::with_capacity(set.len());
    set.cover(|network| list.push(Listed { network, line: 0 }));
    Networks(Arc::new(list))
}

fn kept(list: &Networks, keep: impl Fn(&Listed) -> bool) -> Networks {
    Networks(Arc::new(list.0.iter().filter(keep).collect()))
}

/// Words of the text that are an entry, or the first address of one, in the usual spelling or in that of names.
fn named_in(list: &Networks, text: &str) -> Networks {
    let parsed = |word: &str| Network::parse(word).ok().map(|parsed| parsed.network);
    let usual = text
        .split(|c: char| !(c.is_ascii_hexdigit() || ".:/".contains(c)))
        .map(|word| word.trim_end_matches(['.', ':', '/']))
        .filter(|word| word.contains(['.', ':']))
        .filter_map(parsed);
    let in_names = text
        .split(|c: char| !(c.is_ascii_hexdigit() || ":-_".contains(c)))
        .filter(|word| word.contains('_'))
        .filter_map(|word| parsed(&word.replace('-', ".").replace('_', "/")));
    let words: Vec<Network> = usual.chain(in_names).collect();
    kept(list, |listed| {
        words
            .iter()
            .any(|word| *word == listed.network || (word.is_address() && word.first() == listed.network.first()))
    })
}

fn to_maps(context: NativeCallContext, list: &mut Networks, names: Map) -> Answer<NetworkMaps> {
    let name_of = |key: &str| -> Answer<Option<String>> {
        match names.get(key) {
            None => Ok(None),
            Some(value) => value
                .clone()
                .into_string()
                .map(Some)
                .map_err(|_| error::invalid(format!("{key} must be a string"), &context)),
        }
    };
    if let Some(unknown) = names.keys().find(|key| !TO_MAPS.contains(&key.as_str())) {
        return Err(error::invalid(format!("'{unknown}' is not one of {}", TO_MAPS.join(", ")), &context));
    }
    if let Some(range) = list.0.networks().find(|network| network.prefix().is_none()) {
        let message = format!("{range} is a range: aggregate the list first");
        return Err(error::invalid(message, &context));
    }
    Ok(NetworkMaps {
        list: Arc::clone(&list.0),
        first: name_of("first")?,
        prefix: name_of("prefix")?,
        name: name_of("name")?,
        label: name_of("label")?.unwrap_or_default(),
    })
}
