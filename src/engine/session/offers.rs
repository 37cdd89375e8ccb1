//! What could be typed at a place of a line, each with help beside it; and the hint behind the cursor.

use crate::catalog::{Kind as RowKind, Param, Row, Type, explain, signature};
use crate::engine::session::line::{Kind, Piece};
use crate::engine::session::natives::Native;
use crate::engine::session::place::{self, Called, Place};
use crate::engine::session::receiver::{Thing, members};
use crate::engine::session::state::Session;

/// Something that could be typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// What is put in.
    pub text: String,
    /// What is shown of it.
    pub shown: String,
    /// What is shown beside it.
    pub help: String,
}

/// What the session itself does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outside {
    /// Files.
    Files,
    /// Modules of the standard library, and files.
    Modules,
    /// Playbooks.
    Playbooks,
    /// Secrets of the configuration.
    Secrets,
    /// Channels of the configuration.
    Channels,
}

/// What could be typed at a place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offers {
    /// The first byte of what they replace.
    pub start: usize,
    /// What the session knows.
    pub offers: Vec<Offer>,
    /// What others know, if it is asked for.
    pub outside: Option<Outside>,
}

/// Host functions that take a file's name first.
const FILES: &[&str] =
    &["read_file", "read_lines", "read_csv", "read_json", "read_networks", "write_file", "write_csv", "write_json"];

/// Maps of host functions, with their keys.
const OPTIONS: &[(&str, &[(&str, &str)])] = &[
    ("targets", &[("vendor", "a vendor's id"), ("tag", "a tag that the target has")]),
    (
        "parallel",
        &[("limit", "how many at once, 16 by default"), ("stop_after", "how many errors end it, 1 by default")],
    ),
    ("parallel_settled", &[("limit", "how many at once, 16 by default")]),
    ("retry", &[("attempts", "how often"), ("backoff", "the first wait, such as \"1s\"")]),
    ("wait_until", &[("every", "how often it looks, such as \"10s\""), ("timeout", "when it gives up")]),
    (
        "request",
        &[("query", "a map"), ("body", "what is sent"), ("headers", "a map"), ("effect", "read, change or destroy")],
    ),
];

impl Session {
    /// What could be typed at the byte `cursor` of a text.
    pub fn offers(&self, text: &str, cursor: usize) -> Offers {
        let pieces = self.pieces(text);
        match place::at(text, &pieces, cursor) {
            Place::Nothing => Offers::default(),
            Place::Text { start, imported, called } => {
                let begun = text.get(start..cursor).unwrap_or_default();
                let (offers, outside) = if imported {
                    (Vec::new(), Some(Outside::Modules))
                } else {
                    self.texts(text, &pieces, called.as_ref())
                };
                Offers { start, offers: fitting(offers, begun), outside }
            }
            Place::Member { receiver, start } => {
                let thing = self.thing(text, &pieces, receiver);
                let begun = text.get(start..cursor).unwrap_or_default();
                Offers { start, offers: fitting(self.members_of(&thing), begun), outside: None }
            }
            Place::Key { start, called, used } => {
                let begun = text.get(start..cursor).unwrap_or_default();
                let keys = called.map(|called| self.keys(text, &pieces, &called)).unwrap_or_default();
                let free = keys.into_iter().filter(|key| key.shown == begun || !used.contains(&key.shown));
                Offers { start, offers: fitting(free.collect(), begun), outside: None }
            }
            Place::Name { start, called } => {
                let begun = text.get(start..cursor).unwrap_or_default();
                let param = called.as_ref().and_then(|called| self.param(text, &pieces, called));
                let mut offers = param.map(choices).unwrap_or_default();
                offers.extend(self.everything(text, &pieces));
                Offers { start, offers: fitting(offers, begun), outside: None }
            }
        }
    }

    /// What is shown behind the cursor at the end of a text: how the call goes on.
    pub fn hint(&self, text: &str) -> Option<String> {
        let pieces = self.pieces(text);
        match place::at(text, &pieces, text.len()) {
            Place::Name { start, called: Some(called) } if start == text.len() => {
                let opened = text.trim_end().ends_with('(');
                match self.param(text, &pieces, &called) {
                    Some(param) if !opened || !called.keys.is_empty() => {
                        Some(format!("  {} {}", param.name, explain::param_line(param)))
                    }
                    _ => self.arguments(text, &pieces, &called).filter(|_| opened),
                }
            }
            Place::Key { start, called: Some(called), used } if start == text.len() => {
                let keys = self.keys(text, &pieces, &called);
                let free: Vec<String> =
                    keys.into_iter().filter(|key| !used.contains(&key.shown)).map(|key| key.shown).collect();
                (!free.is_empty()).then(|| format!("  {}", free.join(", ")))
            }
            _ => None,
        }
    }

    /// The functions of that name that are no calls: how each is written, and its text.
    pub fn functions_named(&self, name: &str) -> Vec<(String, String)> {
        let own = self.index().named(name).filter(|entry| entry.vendor.is_none());
        let mut found: Vec<(String, String)> = own.map(|entry| (entry.signature.clone(), entry.doc.clone())).collect();
        // Rhai's own are described by its own texts.
        for native in self.natives().iter().filter(|native| native.name == name) {
            let signature = format!("{name}{}", native.arguments(false));
            if !found.iter().any(|(known, _)| *known == signature) {
                found.push((signature, native.summary.clone()));
            }
        }
        found.dedup();
        found
    }

    /// The rows that a call could be of: one, where the target's vendor is known.
    pub(super) fn rows(&self, text: &str, pieces: &[Piece], called: &Called) -> Vec<&'static Row> {
        let Some(receiver) = called.receiver.clone() else { return Vec::new() };
        let base = called.name.strip_suffix("_pages").unwrap_or(&called.name);
        match self.thing(text, pieces, receiver) {
            Thing::Target(vendor) => {
                let row = self.catalog().row(&vendor, &called.name).or_else(|| self.catalog().row(&vendor, base));
                row.into_iter().collect()
            }
            Thing::Unknown => {
                let vendors = self.catalog().vendors().iter();
                vendors.filter_map(|vendor| self.catalog().row(vendor.id, &called.name)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The parameter that stands at a place.
    pub(super) fn param(&self, text: &str, pieces: &[Piece], called: &Called) -> Option<&'static Param> {
        let row = self.rows(text, pieces, called).into_iter().next()?;
        match called.keys.split_first() {
            None => row.path_params().nth(called.argument),
            Some((first, rest)) => {
                let begun = row.map_params().find(|param| param.is_called(first))?;
                rest.iter().try_fold(begun, |param, key| param.fields.iter().find(|field| field.is_called(key)))
            }
        }
    }

    fn arguments(&self, text: &str, pieces: &[Piece], called: &Called) -> Option<String> {
        if let Some(row) = self.rows(text, pieces, called).first() {
            return signature(row).split_once('(').map(|(_, rest)| rest.to_owned());
        }
        let native = self.natives().iter().rfind(|native| native.name == called.name)?;
        native.arguments(called.receiver.is_some()).strip_prefix('(').map(str::to_owned)
    }

    fn keys(&self, text: &str, pieces: &[Piece], called: &Called) -> Vec<Offer> {
        let option = OPTIONS.iter().find(|(name, _)| *name == called.name).filter(|_| called.keys.is_empty());
        if let Some((_, keys)) = option {
            return keys.iter().map(|(key, help)| key_offer(key, (*help).to_owned())).collect();
        }
        let Some(row) = self.rows(text, pieces, called).into_iter().next() else { return Vec::new() };
        let params: Vec<&Param> = if called.keys.is_empty() {
            row.map_params().collect()
        } else {
            self.param(text, pieces, called).map(|param| param.fields.iter().collect()).unwrap_or_default()
        };
        let mut keys: Vec<&Param> = params;
        keys.sort_by_key(|param| !param.required);
        keys.into_iter().map(|param| key_offer(param.name, explain::param_line(param))).collect()
    }

    fn texts(&self, text: &str, pieces: &[Piece], called: Option<&Called>) -> (Vec<Offer>, Option<Outside>) {
        let Some(called) = called else { return (Vec::new(), None) };
        let first = called.argument == 0 && called.keys.is_empty();
        match called.name.as_str() {
            "target" if first => {
                let targets = self.targets().iter();
                (targets.map(|target| plain(&target.name, format!("vendor {}", target.vendor))).collect(), None)
            }
            "targets" if called.keys == ["vendor"] => {
                let vendors = self.catalog().vendors().iter();
                (vendors.map(|vendor| plain(vendor.id, vendor.title.to_owned())).collect(), None)
            }
            "targets" if called.keys == ["tag"] => {
                let tags = self.targets().iter().flat_map(|target| target.tags.iter());
                (tags.map(|tag| plain(tag, "tag".to_owned())).collect(), None)
            }
            "run_playbook" if first => (Vec::new(), Some(Outside::Playbooks)),
            "secret" if first => (Vec::new(), Some(Outside::Secrets)),
            "notify" if first => (Vec::new(), Some(Outside::Channels)),
            name if first && FILES.contains(&name) => (Vec::new(), Some(Outside::Files)),
            _ => match self.param(text, pieces, called) {
                Some(param) if param.ty == Type::File => (Vec::new(), Some(Outside::Files)),
                Some(param) => {
                    let texts = choices(param).into_iter().filter(|offer| offer.text.starts_with('"'));
                    (texts.map(|offer| plain(offer.text.trim_matches('"'), offer.help)).collect(), None)
                }
                None => (Vec::new(), None),
            },
        }
    }

    fn members_of(&self, thing: &Thing) -> Vec<Offer> {
        let mut offers: Vec<Offer> = match thing {
            Thing::Map(members) => members.iter().map(|(name, help)| plain(name, help.clone())).collect(),
            Thing::Answer { row, prefix, list: false } => {
                members(row, prefix).into_iter().map(|(name, help)| plain(&name, help)).collect()
            }
            Thing::Target(vendor) => return self.calls_of(vendor),
            _ => Vec::new(),
        };
        let ty = thing.type_name().filter(|ty| *ty != "any");
        let fits = |native: &&Native| match (ty, native.params.first()) {
            // What takes options first is no method of maps, and what prints needs no method.
            (_, Some((name, _))) if matches!(name.as_str(), "options" | "filter") => false,
            _ if matches!(native.name.as_str(), "print" | "debug" | "to_debug") => false,
            (Some(ty), Some((_, first))) => first == ty,
            (None, Some(_)) => true,
            (_, None) => false,
        };
        let mut methods: Vec<Offer> =
            self.natives().iter().filter(fits).map(|native| native_offer(native, true)).collect();
        methods.dedup_by(|a, b| a.shown == b.shown);
        offers.append(&mut methods);
        offers
    }

    fn calls_of(&self, vendor: &str) -> Vec<Offer> {
        let rows = self.catalog().vendor(vendor).map(|vendor| vendor.rows).unwrap_or_default();
        let mut offers = Vec::new();
        for row in rows.iter().filter(|row| row.kind != RowKind::Session) {
            offers.push(Offer {
                text: opened(row.name, row.params.is_empty() && row.body != crate::catalog::Body::Free),
                shown: row.name.to_owned(),
                help: explain::brief(row),
            });
            if !row.update.is_empty() && row.update != row.name {
                let help = format!("{}: reads it, changes it, writes it back", row.summary);
                offers.push(Offer { text: opened(row.update, false), shown: row.update.to_owned(), help });
            }
            if row.paging.is_some() {
                let name = format!("{}_pages", row.name);
                let help = format!("{}: walks through all pages", row.summary);
                offers.push(Offer { text: opened(&name, false), shown: name, help });
            }
        }
        for (name, help) in [("name", "the target's name"), ("vendor", "its vendor's id"), ("tags", "its tags")] {
            offers.push(plain(name, help.to_owned()));
        }
        let own =
            |native: &&Native| native.params.first().is_some_and(|(_, ty)| ty == "Target") && native.name != "target";
        offers.extend(self.natives().iter().filter(own).map(|native| native_offer(native, true)));
        offers.sort_by(|a, b| a.shown.cmp(&b.shown));
        offers.dedup_by(|a, b| a.shown == b.shown);
        offers
    }

    /// Variables, what the text itself names, functions of earlier lines and of the host.
    fn everything(&self, text: &str, pieces: &[Piece]) -> Vec<Offer> {
        let mut offers: Vec<Offer> = self.variables().into_iter().map(|(name, help)| plain(&name, help)).collect();
        let named = pieces.windows(2).filter_map(|pair| match pair {
            [word, name] if matches!(word.of(text), "let" | "const" | "for" | "fn") && name.kind == Kind::Word => {
                Some(plain(name.of(text), "of this line".to_owned()))
            }
            _ => None,
        });
        offers.extend(named);
        for (name, params) in self.own_functions() {
            offers.push(Offer {
                text: opened(&name, params.is_empty()),
                shown: name,
                help: format!("({})", params.join(", ")),
            });
        }
        for name in ["params", "event", "run", "store"] {
            offers.push(plain(name, "given to every script".to_owned()));
        }
        let own = self.natives().iter().filter(|native| self.index().named(&native.name).next().is_some());
        offers.extend(own.map(|native| native_offer(native, false)));
        offers.sort_by(|a, b| a.shown.cmp(&b.shown));
        offers.dedup_by(|a, b| a.shown == b.shown);
        offers
    }
}

/// What begins with what has been typed, in whatever case.
fn fitting(offers: Vec<Offer>, begun: &str) -> Vec<Offer> {
    let begun = begun.to_lowercase();
    offers.into_iter().filter(|offer| offer.shown.to_lowercase().starts_with(&begun)).collect()
}

fn plain(text: &str, help: String) -> Offer {
    Offer { text: text.to_owned(), shown: text.to_owned(), help }
}

fn key_offer(name: &str, help: String) -> Offer {
    Offer { text: format!("{name}: "), shown: name.to_owned(), help }
}

fn opened(name: &str, takes_nothing: bool) -> String {
    format!("{name}{}", if takes_nothing { "()" } else { "(" })
}

fn native_offer(native: &Native, behind: bool) -> Offer {
    let arguments = native.arguments(behind);
    let help = if native.summary.is_empty() { arguments.clone() } else { native.summary.replace('`', "") };
    Offer { text: opened(&native.name, arguments == "()"), shown: native.name.clone(), help }
}

/// The values that a parameter may have, as they are written.
fn choices(param: &Param) -> Vec<Offer> {
    if param.choices.is_empty() && matches!(param.ty, Type::Bool | Type::Flag) {
        return ["true", "false"].map(|flag| plain(flag, param.doc.to_owned())).into();
    }
    param.choices.iter().map(|choice| plain(choice, format!("for {}", param.name))).collect()
}
