//! Actions between an interpreter and the service.
//!
//! What the journal writes of an action is enough to know it again; here it has to be carried out.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value as Json, json};

use crate::catalog::{Bound, Catalog, Effect, bind_again};
use crate::door::{Action, RawRequest};
use crate::fault::Fault;
use crate::journal::{CodedArgs, SecretOf, code, code_map, decode, decode_args, decode_map};
use crate::network::Network;
use crate::network::list::NetworkList;
use crate::value::{Map, Value};

/// Why an action cannot be carried out as it came.
#[derive(Debug)]
pub enum Unusable {
    /// It is none.
    Garbage(String),
    /// A call whose arguments do not fit: what only the service can see of them. The script hears of it.
    Invalid(Box<Fault>),
}

fn path(path: &std::path::Path) -> Json {
    path.to_string_lossy().into()
}

fn coded_entries(entries: &[(String, Option<Value>)]) -> Json {
    let entry = |(key, value): &(String, Option<Value>)| match value {
        Some(value) => json!([key, code(value)]),
        None => json!([key]),
    };
    entries.iter().map(entry).collect()
}

/// An action as head and body of a frame.
pub fn encode(action: &Action) -> (Json, Bytes) {
    let head = match action {
        Action::Call { target, call } => {
            let Bound { row, args, save_to, piece, notices, .. } = call;
            json!({
                "target": &**target, "vendor": row.vendor, "call": row.name, "args": CodedArgs(args),
                "to": save_to.as_deref().map(path), "piece": piece, "notices": notices,
            })
        }
        Action::Raw { target, request } => json!({
            "target": &**target, "method": request.method, "path": request.path, "query": code_map(&request.query),
            "body": request.body.as_ref().map(|body| [code(body)]), "headers": code_map(&request.headers),
            "effect": request.effect.map(Effect::name),
        }),
        Action::Clock | Action::Elapsed => json!({}),
        Action::Random { low, high } => json!({ "low": low, "high": high }),
        Action::Sleep(length) => json!({ "seconds": length.as_secs(), "nanos": length.subsec_nanos() }),
        Action::ReadFile(file) | Action::FileSize(file) => json!({ "path": path(file) }),
        Action::WriteFile { path: file, contents } => {
            let head = json!({ "do": action.kind(), "path": path(file) });
            return (head, contents.clone());
        }
        Action::Fetch { method, url, options } => json!({ "method": method, "url": url, "options": code_map(options) }),
        Action::Confirm(question) => json!({ "text": question }),
        Action::Notify { channel, message } => json!({ "channel": channel, "text": message }),
        Action::Target(name) => json!({ "text": &**name }),
        Action::Targets(filter) => json!({ "filter": code_map(filter) }),
        Action::Secret(text) | Action::StoreGet(text) | Action::StoreList(text) => json!({ "text": text }),
        Action::Begin { target, message } | Action::Commit { target, message } => {
            json!({ "target": &**target, "text": message })
        }
        Action::RollBack { target } => json!({ "target": &**target }),
        Action::StoreSet(entries) => json!({ "entries": coded_entries(entries) }),
        Action::StoreLook { store, key } => json!({ "store": store, "text": key }),
        Action::StoreRestore { store, entries } => json!({ "store": store, "entries": coded_entries(entries) }),
        Action::RunPlaybook { name, params } => json!({ "text": name, "params": code_map(params) }),
        Action::Protected(networks) => {
            json!({ "networks": networks.networks().map(|network| network.to_string()).collect::<Vec<_>>() })
        }
        Action::Step { name, undo } => json!({ "text": name, "undo": undo }),
        Action::Parallel(items) => json!({ "items": items }),
    };
    let mut head = head;
    if let Some(members) = head.as_object_mut() {
        members.insert("do".into(), action.kind().into());
    }
    (head, Bytes::new())
}

/// The members of an action's head.
struct Members<'a> {
    json: Json,
    secret: SecretOf<'a>,
}

fn garbage(what: &str) -> Unusable {
    Unusable::Garbage(format!("an action's {what} is missing, or of another kind"))
}

impl Members<'_> {
    fn text(&self, name: &str) -> Result<String, Unusable> {
        self.json.get(name).and_then(Json::as_str).map(str::to_owned).ok_or_else(|| garbage(name))
    }

    fn int(&self, name: &str) -> Result<i64, Unusable> {
        self.json.get(name).and_then(Json::as_i64).ok_or_else(|| garbage(name))
    }

    fn number(&self, name: &str) -> Result<u64, Unusable> {
        self.json.get(name).and_then(Json::as_u64).ok_or_else(|| garbage(name))
    }

    fn target(&self) -> Result<Arc<str>, Unusable> {
        self.text("target").map(Into::into)
    }

    fn path(&self) -> Result<PathBuf, Unusable> {
        self.text("path").map(Into::into)
    }

    fn take(&mut self, name: &str) -> Json {
        self.json.get_mut(name).map(Json::take).unwrap_or_default()
    }

    fn map(&mut self, name: &str) -> Map {
        let json = self.take(name);
        decode_map(json, self.secret)
    }

    fn entries(&mut self) -> Result<Vec<(String, Option<Value>)>, Unusable> {
        let Json::Array(entries) = self.take("entries") else { return Err(garbage("entries")) };
        let secret = self.secret;
        let entry = |entry: Json| match entry {
            Json::Array(pair) if pair.len() <= 2 => {
                let mut pair = pair.into_iter();
                let key = pair.next().and_then(|key| key.as_str().map(str::to_owned));
                Ok((key.ok_or_else(|| garbage("entries"))?, pair.next().map(|value| decode(value, secret))))
            }
            _ => Err(garbage("entries")),
        };
        entries.into_iter().map(entry).collect()
    }

    fn call(&mut self, catalog: &Catalog) -> Result<Action, Unusable> {
        let (vendor, name) = (self.text("vendor")?, self.text("call")?);
        let row = catalog.row(&vendor, &name).ok_or_else(|| garbage("call"))?;
        let save_to = self.text("to").ok().map(PathBuf::from);
        let (args, lists) = decode_args(self.take("args"), self.secret);
        // What the call does to the world, and how much of it, is not the interpreter's to say.
        let bound = bind_again(row, args, lists, save_to).map_err(|fault| Unusable::Invalid(Box::new(fault)))?;
        let target = self.target()?;
        let piece = serde_json::from_value(self.take("piece")).map_err(|_| garbage("piece"))?;
        let notices = serde_json::from_value(self.take("notices")).map_err(|_| garbage("notices"))?;
        Ok(Action::Call { target, call: Bound { piece, notices, ..bound } })
    }

    fn raw(&mut self) -> Result<Action, Unusable> {
        let effect = match self.text("effect") {
            Ok(word) => Some(Effect::from_name(&word).ok_or_else(|| garbage("effect"))?),
            Err(_) => None,
        };
        // In a list: a body that is nothing is not the same as none.
        let body = self.json.pointer_mut("/body/0").map(Json::take);
        let request = RawRequest {
            method: self.text("method")?,
            path: self.text("path")?,
            query: self.map("query"),
            body: body.map(|body| decode(body, self.secret)),
            headers: self.map("headers"),
            effect,
        };
        Ok(Action::Raw { target: self.target()?, request })
    }

    fn fetch(&mut self) -> Result<Action, Unusable> {
        let method = ["GET", "POST"].into_iter().find(|method| self.text("method").is_ok_and(|told| told == *method));
        let method = method.ok_or_else(|| garbage("method"))?;
        Ok(Action::Fetch { method, url: self.text("url")?, options: self.map("options") })
    }

    fn networks(&self) -> Result<Arc<NetworkList>, Unusable> {
        let list = self.json.get("networks").and_then(Json::as_array).ok_or_else(|| garbage("networks"))?;
        let network = |json: &Json| Some(Network::parse(json.as_str()?).ok()?.network);
        list.iter().map(network).collect::<Option<NetworkList>>().map(Arc::new).ok_or_else(|| garbage("networks"))
    }
}

/// The action that [`encode`] wrote.
///
/// # Errors
/// It is none, or cannot be.
pub fn decode_action(head: Json, body: Bytes, catalog: &Catalog, secret: SecretOf<'_>) -> Result<Action, Unusable> {
    let mut given = Members { json: head, secret };
    let kind = given.text("do")?;
    Ok(match kind.as_str() {
        "call" => given.call(catalog)?,
        "raw" => given.raw()?,
        "clock" => Action::Clock,
        "elapsed" => Action::Elapsed,
        "random" => Action::Random { low: given.int("low")?, high: given.int("high")? },
        "sleep" => {
            let nanos = u32::try_from(given.number("nanos")?).ok().filter(|nanos| *nanos < 1_000_000_000);
            Action::Sleep(Duration::new(given.number("seconds")?, nanos.ok_or_else(|| garbage("nanos"))?))
        }
        "read_file" => Action::ReadFile(given.path()?),
        "file_size" => Action::FileSize(given.path()?),
        "write_file" => Action::WriteFile { path: given.path()?, contents: body },
        "fetch" => given.fetch()?,
        "confirm" => Action::Confirm(given.text("text")?),
        "notify" => Action::Notify { channel: given.text("channel")?, message: given.text("text")? },
        "target" => Action::Target(given.text("text")?.into()),
        "targets" => Action::Targets(given.map("filter")),
        "secret" => Action::Secret(given.text("text")?),
        "begin" => Action::Begin { target: given.target()?, message: given.text("text")? },
        "commit" => Action::Commit { target: given.target()?, message: given.text("text")? },
        "rollback" => Action::RollBack { target: given.target()? },
        "store.get" => Action::StoreGet(given.text("text")?),
        "store.set" => Action::StoreSet(given.entries()?),
        "store.list" => Action::StoreList(given.text("text")?),
        "store.look" => Action::StoreLook { store: given.text("store")?, key: given.text("text")? },
        "store.restore" => Action::StoreRestore { store: given.text("store")?, entries: given.entries()? },
        "run_playbook" => Action::RunPlaybook { name: given.text("text")?, params: given.map("params") },
        "protected" => Action::Protected(given.networks()?),
        "step" => Action::Step {
            name: given.text("text")?,
            undo: given.json.get("undo").and_then(Json::as_bool).ok_or_else(|| garbage("undo"))?,
        },
        "parallel" => Action::Parallel(given.number("items")?),
        other => return Err(Unusable::Garbage(format!("there is no action '{other}'"))),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::catalog::bind;
    use crate::secret::Secret;

    fn there_and_back(action: &Action) -> Action {
        let catalog = Catalog::builtin();
        let (head, body) = encode(action);
        let head = serde_json::from_slice(&serde_json::to_vec(&head).unwrap()).unwrap();
        decode_action(head, body, &catalog, &|reference| Secret::new(reference, "")).unwrap()
    }

    #[test]
    fn every_action_comes_as_it_went() {
        let map =
            || Map::from([("a".to_owned(), Value::List(vec![Value::Int(1), Value::Secret(Secret::new("#0", ""))]))]);
        let entries = || {
            vec![
                ("k".to_owned(), Some(Value::Float(0.1))),
                ("gone".to_owned(), None),
                ("n".to_owned(), Some(Value::Null)),
            ]
        };
        let request = RawRequest {
            method: "PUT".into(),
            path: "/x".into(),
            query: map(),
            body: Some(Value::Map(map())),
            headers: Map::new(),
            effect: Some(Effect::Destroy),
        };
        let networks = ["192.0.2.0/24", "2001:db8::1", "10.0.0.1-10.0.0.9"];
        let networks = networks.map(|text| Network::parse(text).unwrap().network);
        for action in [
            Action::Raw { target: "t".into(), request },
            Action::Clock,
            Action::Notify { channel: "team".into(), message: "it is done".into() },
            Action::Elapsed,
            Action::Random { low: -3, high: i64::MAX },
            Action::Sleep(Duration::new(7, 999_999_999)),
            Action::ReadFile("a b".into()),
            Action::FileSize("x".into()),
            Action::WriteFile { path: "out/x".into(), contents: Bytes::from_static(b"\0\xff") },
            Action::Fetch { method: "POST", url: "https://x/".into(), options: map() },
            Action::Confirm("really?".into()),
            Action::Target("t".into()),
            Action::Targets(map()),
            Action::Secret("s".into()),
            Action::Begin { target: "t".into(), message: "m".into() },
            Action::Commit { target: "t".into(), message: "m".into() },
            Action::RollBack { target: "t".into() },
            Action::StoreGet("k".into()),
            Action::StoreSet(entries()),
            Action::StoreList("k".into()),
            Action::StoreLook { store: "s".into(), key: "k".into() },
            Action::StoreRestore { store: "s".into(), entries: entries() },
            Action::RunPlaybook { name: "p".into(), params: map() },
            Action::Protected(Arc::new(networks.into_iter().collect())),
            Action::Step { name: "s".into(), undo: true },
            Action::Parallel(9),
        ] {
            assert_eq!(there_and_back(&action), action);
        }
    }

    #[test]
    fn a_call_comes_as_it_went_but_for_what_the_interpreter_says_it_does() {
        let catalog = Catalog::builtin();
        let row = catalog.row("seg", "ip_group_delta").unwrap();
        let entry = serde_json::json!({ "ip_address_start": "192.0.2.1", "cidr": 32, "name": "a" });
        let lists = [("add", Value::List(Vec::new())), ("remove", Value::List(vec![entry.into()]))];
        let args: Map = lists.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let call = bind(row, vec![Value::Int(15)], args).unwrap();
        let action = Action::Call { target: "seg".into(), call: call.clone() };
        assert_eq!(there_and_back(&action), action);
        assert_eq!((call.effect, call.items), (Effect::Change, 1));
        let lie = Action::Call { target: "seg".into(), call: Bound { effect: Effect::Read, items: 0, ..call } };
        assert_eq!(there_and_back(&lie), action);
    }

    #[test]
    fn lists_of_networks_stay_networks_so_that_the_journal_knows_the_call_again() {
        let row = Catalog::builtin().row("seg", "ip_group_delta").unwrap();
        let networks = ["192.0.2.0/24", "198.51.100.7"].map(|text| Network::parse(text).unwrap().network);
        let mut args = crate::catalog::Args::default();
        let maps = crate::catalog::NetworkMaps {
            list: Arc::new(networks.into_iter().collect()),
            first: Some("ip_address_start".into()),
            prefix: Some("cidr".into()),
            name: Some("name".into()),
            label: "feed".into(),
        };
        args.set_list("add".into(), maps);
        let action = Action::Call { target: "seg".into(), call: bind(row, vec![Value::Int(15)], args).unwrap() };
        let back = there_and_back(&action);
        assert_eq!(back, action);
        assert_eq!(crate::journal::action_bytes(&back), crate::journal::action_bytes(&action));
        assert!(matches!(back, Action::Call { call, .. } if call.args.has_lists()));
    }

    const KINDS: &[&str] = &[
        "call",
        "raw",
        "clock",
        "random",
        "sleep",
        "read_file",
        "write_file",
        "fetch",
        "targets",
        "begin",
        "store.set",
        "store.restore",
        "run_playbook",
        "protected",
        "step",
        "parallel",
    ];

    const NAMES: &[&str] = &[
        "target", "vendor", "call", "args", "to", "piece", "notices", "method", "path", "query", "body", "headers",
        "effect", "low", "high", "seconds", "nanos", "url", "options", "filter", "text", "entries", "store", "params",
        "networks", "undo", "items",
    ];

    fn leaf() -> impl Strategy<Value = Json> {
        let flat = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            any::<i64>().prop_map(Json::from),
            prop::sample::select(&["seg", "groups", "ip_group_delta", "GET", "read", "a", "#0", "192.0.2.1"])
                .prop_map(Json::from),
        ];
        flat.prop_recursive(2, 12, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Json::from),
                prop::collection::btree_map("[$a-z]{0,6}", inner, 0..3).prop_map(|map| map.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn anything_is_an_action_or_refused(
            kind in prop::sample::select(KINDS),
            members in prop::collection::btree_map(prop::sample::select(NAMES), leaf(), 0..8),
        ) {
            let mut head: serde_json::Map<String, Json> = members.into_iter().map(|(name, json)| (name.to_owned(), json)).collect();
            head.insert("do".into(), kind.into());
            let _no_panic = decode_action(head.into(), Bytes::new(), &Catalog::builtin(), &|text| Secret::new(text, ""));
        }
    }

    #[test]
    fn what_is_no_action_is_refused() {
        let catalog = Catalog::builtin();
        for head in [
            serde_json::json!(null),
            serde_json::json!({ "do": "fly" }),
            serde_json::json!({ "do": "sleep", "seconds": 1, "nanos": 2_000_000_000 }),
            serde_json::json!({ "do": "fetch", "method": "DELETE", "url": "x" }),
            serde_json::json!({ "do": "call", "vendor": "seg", "call": "nothing", "target": "x" }),
            serde_json::json!({ "do": "store.set", "entries": [["a", 1, 2]] }),
        ] {
            let decoded = decode_action(head.clone(), Bytes::new(), &catalog, &|text| Secret::new(text, ""));
            assert!(matches!(decoded, Err(Unusable::Garbage(_))), "{head}");
        }
    }
}
