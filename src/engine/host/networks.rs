//! Addresses and networks, one by one and in arrays.

use rhai::{Array, Dynamic, EvalAltResult, ImmutableString, Module, NativeCallContext};

use super::add;
use crate::engine::error;
use crate::engine::types::Networks;
use crate::network::list::{each_packed, is_packed};
use crate::network::{Network, NetworkError, aggregate, subtract};

type Answer<T> = Result<T, Box<EvalAltResult>>;

pub(super) fn register(module: &mut Module) {
    module.set_custom_type::<Network>("Network");
    add(
        module,
        "network",
        &["text: string", "Network"],
        "/// An address, network or range: `network(\"192.0.2.0/24\")`.",
        |context: NativeCallContext, text: ImmutableString| parse(&context, &text),
    );
    add(module, "network", &["network: Network", "Network"], "", |network: Network| network);
    add(
        module,
        "contains",
        &["network: any", "other: any", "bool"],
        "/// Whether all of `other` is in the network.",
        |context: NativeCallContext, network: Network, other: Dynamic| -> Answer<bool> {
            Ok(network.contains(&of(&context, &other)?))
        },
    );
    add(
        module,
        "overlaps",
        &["network: any", "other: any", "bool"],
        "/// Whether some address is in both.",
        |context: NativeCallContext, network: Network, other: Dynamic| -> Answer<bool> {
            Ok(network.overlaps(&of(&context, &other)?))
        },
    );
    add(
        module,
        "aggregate",
        &["networks: array", "array"],
        "/// The fewest networks that hold exactly the same addresses, in order.",
        |context: NativeCallContext, list: Array| -> Answer<Array> {
            let nets = aggregate(all(&context, &list)?);
            Ok(nets.into_iter().map(|net| Dynamic::from(Network::from(net))).collect())
        },
    );
    add(
        module,
        "subtract",
        &["from: any", "less: any", "array"],
        "/// The fewest networks that hold what is in `from` and not in `less`; each is a network, a text, or an array of them.",
        |context: NativeCallContext, from: Dynamic, less: Dynamic| -> Answer<Array> {
            let rest = subtract(one_or_many(&context, &from)?, one_or_many(&context, &less)?);
            Ok(rest.into_iter().map(|net| Dynamic::from(Network::from(net))).collect())
        },
    );
    add(
        module,
        "is_private",
        &["network: Network", "bool"],
        "/// Whether all of it is private, loopback, link-local, or reserved otherwise.",
        |network: Network| network.is_private(),
    );
    add(
        module,
        "is_private",
        &["text: string", "bool"],
        "",
        |context: NativeCallContext, text: ImmutableString| -> Answer<bool> {
            Ok(parse(&context, &text)?.is_private())
        },
    );
    for name in ["to_string", "to_debug"] {
        add(module, name, &["network: Network", "string"], "", |network: &mut Network| network.to_string());
    }
    add(module, "==", &["a: Network", "b: Network", "bool"], "", |a: Network, b: Network| a == b);
    add(module, "!=", &["a: Network", "b: Network", "bool"], "", |a: Network, b: Network| a != b);
    add(module, "+", &["text: string", "network: Network", "string"], "", |text: ImmutableString, network: Network| {
        format!("{text}{network}")
    });
    add(module, "+", &["network: Network", "text: string", "string"], "", |network: Network, text: ImmutableString| {
        format!("{network}{text}")
    });
}

/// The networks of an array, or the one that a value is.
fn one_or_many(context: &NativeCallContext<'_>, value: &Dynamic) -> Answer<Vec<Network>> {
    match value.read_lock::<Array>() {
        Some(list) => all(context, &list),
        None => Ok(vec![of(context, value)?]),
    }
}

/// The network that a text says.
pub fn parse(context: &NativeCallContext<'_>, text: &str) -> Answer<Network> {
    Network::parse(text.trim()).map(|parsed| parsed.network).map_err(|cause| error::invalid(cause.to_string(), context))
}

/// The network that a text or a network is.
pub fn of(context: &NativeCallContext<'_>, value: &Dynamic) -> Answer<Network> {
    if let Some(network) = value.read_lock::<Network>() {
        return Ok(*network);
    }
    match value.read_lock::<ImmutableString>() {
        Some(text) => parse(context, &text),
        None => Err(error::invalid(format!("a value of type {} is no network", value.type_name()), context)),
    }
}

/// The networks in an array.
pub fn all(context: &NativeCallContext<'_>, list: &Array) -> Answer<Vec<Network>> {
    let mut networks = Vec::with_capacity(list.len());
    each(context, list, |network| networks.push(network))?;
    Ok(networks)
}

/// How many networks there will be in an array, as far as that can be told: room for them is made at once.
pub fn expected(list: &Array) -> usize {
    let of_value = |value: &Dynamic| match value.read_lock::<ImmutableString>() {
        Some(text) => expected_in(&text),
        None => value.read_lock::<Networks>().map_or(1, |inner| inner.0.len()),
    };
    list.iter().map(of_value).sum()
}

/// The same of a text.
pub fn expected_in(text: &str) -> usize {
    /// A network of IPv4 and a space, as long as most are in a long list.
    const LENGTH: usize = 16;
    // Packed, a network has two bytes or more, and four letters are three bytes.
    if is_packed(text) { text.len() * 3 / 8 } else { text.len().div_ceil(LENGTH) }
}

/// Shows the networks in an array.
pub fn each(context: &NativeCallContext<'_>, list: &Array, mut show: impl FnMut(Network)) -> Answer<()> {
    for value in list {
        if let Some(inner) = value.read_lock::<Networks>() {
            inner.0.networks().for_each(&mut show);
        } else if let Some(text) = value.read_lock::<ImmutableString>() {
            each_of_text(context, &text, &mut show)?;
        } else {
            show(of(context, value)?);
        }
    }
    Ok(())
}

/// Shows the networks in a text, which may hold many with white space between them.
pub fn each_of_text(context: &NativeCallContext<'_>, text: &str, mut show: impl FnMut(Network)) -> Answer<()> {
    let damaged = |cause: NetworkError| error::invalid(cause.to_string(), context);
    if is_packed(text) {
        return each_packed(text, show).map(drop).map_err(damaged);
    }
    let mut rest = text;
    while let Some((network, behind)) = Network::plain_word(rest) {
        show(network);
        rest = behind;
    }
    for word in rest.split_whitespace() {
        if !each_packed(word, &mut show).map_err(damaged)? {
            show(parse(context, word)?);
        }
    }
    Ok(())
}
