//! Which values of a request are looked at, and where each of them stands.

use std::net::IpAddr;

use crate::catalog::{Arg, Bound, Harm, NetworkMaps, Param, Place};
use crate::door::RawRequest;
use crate::door::policy::raw::{self, Classified};
use crate::fault::{Fault, FaultKind};
use crate::network::Network;
use crate::value::{Map, Value};

use super::lists::{Never, Objection};

impl Never {
    /// Checks the parameters of a call that its row marks.
    pub(in crate::door::policy) fn check_call(&self, call: &Bound) -> Result<(), Fault> {
        for param in call.row.params {
            match call.args.kept(param.name) {
                Some(Arg::Value(value)) => self.param(param, value, param.name)?,
                Some(Arg::Networks(list)) => self.networks(param, list)?,
                None => {}
            }
        }
        Ok(())
    }

    /// A list that is kept as networks. Where the row marks their ranges, the networks themselves are
    /// compared; what is refused, or marked otherwise, is looked at as values.
    fn networks(&self, param: &Param, list: &NetworkMaps) -> Result<(), Fault> {
        let called = |part: &str, name: &Option<String>| name.as_deref() == Some(part);
        let compared = match &param.harms {
            None => true,
            Some(Harm::Ranges { start, prefix, end }) => {
                called(start, &list.first) && called(prefix, &list.prefix) && !called(end, &list.name) && {
                    list.list.networks().all(|network| self.objection(&network).is_none())
                }
            }
            Some(_) => false,
        };
        if compared && !marks(param.fields) {
            return Ok(());
        }
        self.param(param, &list.to_value(), param.name)
    }

    /// Checks a call whose map is the body: what is marked, and every string.
    pub(in crate::door::policy) fn check_free_call(&self, call: &Bound) -> Result<(), Fault> {
        self.check_call(call)?;
        self.free_map(&call.args, "")
    }

    /// Checks a raw request: what is marked where it matches a row, and every string.
    pub(in crate::door::policy) fn check_raw(&self, raw: &Classified<'_>) -> Result<(), Fault> {
        let RawRequest { path, query, body, headers, .. } = raw.request;
        if let Some(row) = raw.row {
            self.fields(row.params, "", |param| raw::argument(raw.request, param))?;
        }
        let marked = |place: Place| {
            raw.row.is_some_and(|row| row.params.iter().any(|param| param.place == place && param.harms.is_some()))
        };
        self.free_path(path)?;
        self.free_map(query, "query")?;
        if marked(Place::Header) {
            self.free_map(headers, "headers")?;
        }
        body.as_ref().map_or(Ok(()), |body| self.free_value(body, "body"))
    }

    fn fields<'a>(
        &self,
        params: &[Param],
        above: &str,
        argument: impl Fn(&Param) -> Option<&'a Value>,
    ) -> Result<(), Fault> {
        for param in params {
            let Some(value) = argument(param) else { continue };
            let path = if above.is_empty() { param.name.to_owned() } else { format!("{above}.{}", param.name) };
            self.param(param, value, &path)?;
        }
        Ok(())
    }

    fn param(&self, param: &Param, value: &Value, path: &str) -> Result<(), Fault> {
        if let Some(harm) = &param.harms {
            self.harm(harm, param, value, path)?;
        }
        if param.fields.is_empty() {
            return Ok(());
        }
        match value {
            Value::Map(map) => self.fields(param.fields, path, |field| member(map, field)),
            Value::List(list) if marks(param.fields) => {
                list.iter().enumerate().try_for_each(|(index, item)| match item {
                    Value::Map(map) => {
                        self.fields(param.fields, &format!("{path}[{index}]"), |field| member(map, field))
                    }
                    _ => Ok(()),
                })
            }
            _ => Ok(()),
        }
    }

    fn harm(&self, harm: &Harm, param: &Param, value: &Value, path: &str) -> Result<(), Fault> {
        match value {
            Value::Null => Ok(()),
            Value::List(list) => {
                for (index, item) in list.iter().enumerate() {
                    // The path is only made for what is refused: a delta has thousands of entries.
                    self.harm_of_one(harm, param, item).map_err(|hit| hit.into_fault(&format!("{path}[{index}]")))?;
                }
                Ok(())
            }
            one => self.harm_of_one(harm, param, one).map_err(|hit| hit.into_fault(path)),
        }
    }

    fn harm_of_one(&self, harm: &Harm, param: &Param, value: &Value) -> Result<(), Hit> {
        if let (Harm::Ranges { start, prefix, end }, Value::Map(map)) = (harm, value) {
            let part = |name: &str| named(map, param.fields, name);
            return self.range(part(start), part(prefix), part(end));
        }
        let text = match value {
            Value::Text(text) => text.clone(),
            Value::Int(number) => number.to_string(),
            Value::Null => return Ok(()),
            // Nothing else can be compared; the row's types let it through only where they say `any`.
            other => {
                return Err(Hit::unreadable(
                    other.kind(),
                    format!("a {} cannot be compared with the protected entries: write a text", other.kind()),
                ));
            }
        };
        let objection = match harm {
            Harm::Network | Harm::Ranges { .. } => return self.network_text(&text),
            // Lists of domains and senders take addresses of hosts as well.
            Harm::Domain | Harm::Address if let Ok(network) = read_network(&text) => self.objection(&network),
            Harm::Domain => self.domain(&text),
            Harm::Address => self.address(&text),
            Harm::Account => self.account(&text),
            Harm::Regex => self.regex(&text),
        };
        objection.map_or(Ok(()), |objection| Err(Hit { value: text, objection }))
    }

    fn network_text(&self, text: &str) -> Result<(), Hit> {
        match read_network(text) {
            Ok(network) => self.network(text, &network),
            Err(_) if !self.has_networks() => Ok(()),
            Err(reason) => Err(Hit::unreadable(text, reason)),
        }
    }

    /// An address with a prefix length. Lists of ranges are long, so that the usual case makes no
    /// text of it.
    fn network_of(&self, first: &str, prefix: i64) -> Result<(), Hit> {
        let network = u8::try_from(prefix).ok().zip(read_network(first).ok()).and_then(|(prefix, address)| {
            let network = address.is_address().then(|| Network::of(address.first(), prefix))?;
            network.ok().filter(|network| self.objection(network).is_none())
        });
        if network.is_some() { Ok(()) } else { self.network_text(&format!("{first}/{prefix}")) }
    }

    fn network(&self, text: &str, network: &Network) -> Result<(), Hit> {
        let Some(objection) = self.objection(network) else { return Ok(()) };
        Err(Hit { value: text.to_owned(), objection })
    }

    /// One entry of a list of ranges. Where prefix and end are both given, both are believed.
    fn range(&self, start: Option<&Value>, prefix: Option<&Value>, end: Option<&Value>) -> Result<(), Hit> {
        let Some(first) = given_text(start) else {
            return if self.has_networks() {
                Err(Hit::unreadable("", "a range without a first address cannot be compared".to_owned()))
            } else {
                Ok(())
            };
        };
        let prefix = match prefix {
            None | Some(Value::Null) => None,
            Some(Value::Text(text)) => text.trim().parse().ok(),
            Some(other) => other.as_int(),
        };
        let end = given_text(end).filter(|end| *end != first);
        // A prefix of 0 means that the end says it; without an end it is the whole Internet.
        match (prefix, end) {
            (None, None) => self.network_text(first),
            (Some(prefix), None) => self.network_of(first, prefix),
            (None | Some(0), Some(end)) => self.network_text(&format!("{first}-{end}")),
            (Some(prefix), Some(end)) => {
                self.network_of(first, prefix)?;
                self.network_text(&format!("{first}-{end}"))
            }
        }
    }
}

/// An address, network or range; IPv4 in the notation of IPv6 is looked at as what it is.
pub(super) fn read_network(text: &str) -> Result<Network, String> {
    Network::parse(text).map(|parsed| parsed.network).or_else(|error| {
        let plain = text.trim().parse::<IpAddr>().map(|address| address.to_canonical());
        plain.map(Network::from).map_err(|_| error.to_string())
    })
}

/// A refusal that does not yet know where the value stands.
pub(super) struct Hit {
    pub(super) value: String,
    pub(super) objection: Objection,
}

impl Hit {
    fn unreadable(value: &str, reason: String) -> Self {
        Self { value: value.to_owned(), objection: Objection::Unreadable { reason } }
    }

    pub(super) fn into_fault(self, path: &str) -> Fault {
        let Self { value, objection } = self;
        let shown: String = value.chars().take(100).collect();
        let message = match &objection {
            Objection::Protected { .. } => format!("{path}: '{shown}' must not be sent: {objection}. Leave it out"),
            _ => format!("{path}: '{shown}' must not be sent: {objection}"),
        };
        let mut fault = Fault::new(FaultKind::Refused, message)
            .with_detail("rule", "never-touch")
            .with_detail("parameter", path)
            .with_detail("value", value);
        if let Objection::Protected { list, entry } = objection {
            fault = fault.with_detail("list", list).with_detail("protected", entry);
        }
        fault
    }
}

fn given_text(value: Option<&Value>) -> Option<&str> {
    value.and_then(Value::as_text).map(str::trim).filter(|text| !text.is_empty())
}

fn member<'a>(map: &'a Map, field: &Param) -> Option<&'a Value> {
    map.get(field.name).or_else(|| map.get(field.wire))
}

/// A member that a row names by either of its names.
fn named<'a>(map: &'a Map, fields: &[Param], name: &str) -> Option<&'a Value> {
    map.get(name).or_else(|| {
        let field = fields.iter().find(|field| field.name == name || field.wire == name)?;
        member(map, field)
    })
}

/// Whether anything below is marked.
fn marks(fields: &[Param]) -> bool {
    fields.iter().any(|field| field.harms.is_some() || marks(field.fields))
}
