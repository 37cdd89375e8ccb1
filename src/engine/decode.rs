//! JSON answers straight into script values, with what the row knows of their fields.
//!
//! Whole numbers that do not fit 64 signed bits become texts; floats are never made of them.

use std::borrow::Cow;
use std::fmt;
use std::rc::Rc;

use bytes::Bytes;
use rhai::{Dynamic, Identifier};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::catalog::{Field, Shape, hidden};
use crate::door::HttpAnswer;
use crate::engine::layouts::{Known, Layout, Layouts};
use crate::engine::recent::{LONG, Recent};
use crate::engine::values;
use crate::fault::{Fault, FaultKind};
use crate::secret::Secret;

/// What the row knows of one level of an answer.
#[derive(Debug, Default)]
pub(super) struct Node {
    /// In order of their names.
    children: Vec<(&'static str, Node)>,
    /// Secrets at any depth, by the ends of their names. Only the root has any.
    pub(super) deep: Vec<&'static str>,
    optional: bool,
    pub(super) secret: bool,
}

impl Node {
    pub(super) fn of(fields: &'static [Field]) -> Self {
        let mut root = Self::default();
        for field in fields {
            if let Some(end) = hidden::at_any_depth(field.name) {
                root.deep.push(end);
                continue;
            }
            let mut node = &mut root;
            for part in field.name.split('.') {
                let at = node.children.binary_search_by_key(&part, |(name, _)| name).unwrap_or_else(|at| {
                    node.children.insert(at, (part, Self::default()));
                    at
                });
                let Some((_, child)) = node.children.get_mut(at) else { break };
                node = child;
            }
            node.optional = field.optional;
            node.secret = field.secret;
        }
        root
    }

    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        let named = self.children.binary_search_by_key(&name, |(known, _)| known).ok();
        let at = named.or_else(|| self.children.iter().position(|(part, _)| hidden::fits(part, name)))?;
        self.children.get(at).map(|(_, node)| node)
    }
}

/// A secret that is known by the end of its name alone.
pub(super) static HIDDEN: Node = Node { children: Vec::new(), deep: Vec::new(), optional: false, secret: true };

/// As many members as most objects have.
const MEMBERS: usize = 16;

/// What holds for the whole of a document.
struct Document<'n> {
    /// Secrets at any depth, by the ends of their names.
    deep: &'n [&'static str],
    texts: Recent,
    /// The objects before; `None` in a short document.
    layouts: Option<Layouts<'n>>,
}

/// What is known of a value of a document.
#[derive(Clone, Copy)]
struct Seed<'d, 'n>(Known<'n>, &'d Document<'n>);

impl<'de> DeserializeSeed<'de> for Seed<'_, '_> {
    type Value = Dynamic;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Dynamic, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'n> Seed<'_, 'n> {
    /// What is known of a member.
    fn child(self, name: &str) -> Known<'n> {
        // A secret may be an object too: whatever is inside it is one as well.
        let secret = self.0.filter(|node| node.secret);
        let hidden = self.1.deep.iter().any(|end| name.ends_with(end)).then_some(&HIDDEN);
        secret.or(hidden).or_else(|| self.0?.child(name))
    }

    fn text(self, text: &str) -> Dynamic {
        if self.0.is_some_and(|node| node.secret) {
            return Dynamic::from(Secret::new("answer", text));
        }
        self.1.texts.text(text).into()
    }

    /// A number, wrapped where the row calls it a secret.
    fn number(self, number: impl Into<Dynamic> + ToString) -> Dynamic {
        if self.0.is_some_and(|node| node.secret) { self.text(&number.to_string()) } else { number.into() }
    }
}

impl<'de, 'n> Visitor<'de> for Seed<'_, 'n> {
    type Value = Dynamic;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Dynamic, E> {
        Ok(Dynamic::UNIT)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Dynamic, E> {
        Ok(self.number(flag))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Dynamic, E> {
        Ok(self.number(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Dynamic, E> {
        Ok(i64::try_from(number).map_or_else(|_| self.text(&number.to_string()), |number| self.number(number)))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Dynamic, E> {
        Ok(self.number(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Dynamic, E> {
        Ok(self.text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Dynamic, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            array.push(item);
        }
        Ok(Dynamic::from_array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Dynamic, A::Error> {
        let layouts = self.1.layouts.as_ref();
        let going_on = |layout: Option<&Layout<'n>>, read: usize, name: Option<&str>| {
            layouts.and_then(|layouts| layouts.going_on(self.0, layout, read, name))
        };
        // For as long as the object is like one before, its values alone are collected.
        let mut like: Option<Rc<Layout<'n>>> = None;
        let mut values = Vec::new();
        let mut unlike = None;
        while let Some(KeyText(name)) = entries.next_key::<KeyText<'de>>()? {
            let mut next = like.as_ref().and_then(|like| like.next(values.len(), &name));
            if next.is_none()
                && let Some(other) = going_on(like.as_deref(), values.len(), Some(&name))
            {
                values.reserve(other.members.len().saturating_sub(values.len()));
                next = other.next(values.len(), &name);
                like = Some(other);
            }
            let Some(child) = next else {
                unlike = Some(name);
                break;
            };
            values.push(entries.next_value_seed(Seed(child, self.1))?);
        }
        if unlike.is_none() {
            let whole = like.clone().filter(|layout| layout.members.len() == values.len());
            if let Some(whole) = whole.or_else(|| going_on(like.as_deref(), values.len(), None)) {
                return Ok(Dynamic::from_map(whole.filled(values)));
            }
        }
        // Then names, too: made of all members at once, a map is smaller than one that grew.
        let mut members: Vec<(Identifier, Dynamic)> = Vec::with_capacity(MEMBERS.max(values.len() + 1));
        members.extend(like.iter().flat_map(|like| &like.members).map(|(name, _)| name.clone()).zip(values));
        while let Some(name) = unlike.take() {
            let value = entries.next_value_seed(Seed(self.child(&name), self.1))?;
            members.push((Identifier::from(&*name), value));
            unlike = entries.next_key::<KeyText<'de>>()?.map(|KeyText(name)| name);
        }
        let again = layouts.filter(|layouts| layouts.is_met_again(members.iter().map(|(name, _)| &**name)));
        let names = again.map(|_| members.iter().map(|(name, _)| (name.clone(), self.child(name))).collect());
        let mut map: rhai::Map = members.into_iter().collect();
        for (name, node) in self.0.map_or(&[][..], |node| &node.children) {
            if node.optional && !name.starts_with('*') && !map.contains_key(*name) {
                map.insert((*name).into(), Dynamic::UNIT);
            }
        }
        if let (Some(layouts), Some(names)) = (again, names) {
            layouts.remember(self.0, names, &map);
        }
        Ok(Dynamic::from_map(map))
    }
}

/// A member's name, borrowed where JSON allows it.
struct KeyText<'de>(Cow<'de, str>);

impl<'de> serde::Deserialize<'de> for KeyText<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Key;
        impl<'de> Visitor<'de> for Key {
            type Value = KeyText<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a member's name")
            }
            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(KeyText(Cow::Borrowed(text)))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(KeyText(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Key)
    }
}

/// JSON of any source as a script's value.
///
/// # Errors
/// What is wrong with it, with line and column.
pub(super) fn json(bytes: &[u8]) -> Result<Dynamic, serde_json::Error> {
    with(bytes, None)
}

fn with(bytes: &[u8], node: Option<&Node>) -> Result<Dynamic, serde_json::Error> {
    let quoted = quote_large(bytes);
    let bytes = quoted.as_deref().unwrap_or(bytes);
    // To look at all of it at once is faster than at each of its texts; what is none is told with its place.
    match std::str::from_utf8(bytes) {
        Ok(text) => seeded(serde_json::Deserializer::from_str(text), bytes.len(), node),
        Err(_) => seeded(serde_json::Deserializer::from_slice(bytes), bytes.len(), node),
    }
}

fn seeded<'de, R: serde_json::de::Read<'de>>(
    mut deserializer: serde_json::Deserializer<R>,
    length: usize,
    node: Option<&Node>,
) -> Result<Dynamic, serde_json::Error> {
    let document = Document {
        deep: node.map_or(&[][..], |node| &node.deep),
        texts: Recent::of(length),
        layouts: (length >= LONG).then(Layouts::default),
    };
    let value = Seed(node, &document).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// The same text with whole numbers beyond 64 signed bits in quotes; `None` if there are none.
///
/// The parser would make floats of those beyond 64 unsigned bits.
pub(super) fn quote_large(json: &[u8]) -> Option<Vec<u8>> {
    if !has_long_run_of_digits(json) {
        return None;
    }
    let mut out: Option<Vec<u8>> = None;
    let (mut at, mut copied) = (0, 0);
    while let Some(&byte) = json.get(at) {
        match byte {
            b'"' => {
                at += 1;
                while let Some(&inner) = json.get(at) {
                    at += if inner == b'\\' { 2 } else { 1 };
                    if inner == b'"' {
                        break;
                    }
                }
            }
            b'-' | b'0'..=b'9' => {
                let start = at;
                while json.get(at).is_some_and(|byte| matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')) {
                    at += 1;
                }
                let number = json.get(start..at).unwrap_or_default();
                let whole = number.strip_prefix(b"-").unwrap_or(number);
                let large = number.len() > 18
                    && whole.iter().all(u8::is_ascii_digit)
                    && std::str::from_utf8(number).is_ok_and(|text| text.parse::<i64>().is_err());
                if large {
                    let out = out.get_or_insert_with(|| Vec::with_capacity(json.len() + 16));
                    out.extend_from_slice(json.get(copied..start).unwrap_or_default());
                    out.push(b'"');
                    out.extend_from_slice(number);
                    out.push(b'"');
                    copied = at;
                }
            }
            _ => at += 1,
        }
    }
    let mut out = out?;
    out.extend_from_slice(json.get(copied..).unwrap_or_default());
    Some(out)
}

/// Whether so many digits stand together that a number could be too large. Of nineteen bytes in a
/// row at least one is looked at, so that nearly all of a large text is skipped.
fn has_long_run_of_digits(json: &[u8]) -> bool {
    const RUN: usize = 19;
    let is_digit = |at: usize| json.get(at).is_some_and(u8::is_ascii_digit);
    let mut at = RUN - 1;
    while at < json.len() {
        if is_digit(at) {
            let first = (0..at).rev().take_while(|at| is_digit(*at)).last().unwrap_or(at);
            let end = (at..json.len()).find(|at| !is_digit(*at)).unwrap_or(json.len());
            if end - first >= RUN {
                return true;
            }
            at = end;
        }
        at += RUN;
    }
    false
}

/// An answer as a script's value.
///
/// # Errors
/// A fault of kind `decode` for a body that is not what the row says.
pub(super) fn answer(answer: &HttpAnswer) -> Result<Dynamic, Fault> {
    let mut value = decoded(answer)?;
    if answer.handles {
        values::with_handles(&mut value);
    }
    Ok(if answer.assumed { values::assumed(value) } else { value })
}

fn decoded(answer: &HttpAnswer) -> Result<Dynamic, Fault> {
    let shape = answer.row.map(|row| row.answer.shape);
    let json_type = answer.content_type.as_deref().is_some_and(|kind| kind.contains("json"));
    if answer.body.iter().all(u8::is_ascii_whitespace) {
        return Ok(if shape == Some(Shape::List) { Dynamic::from_array(Vec::new()) } else { Dynamic::UNIT });
    }
    let text = || String::from_utf8_lossy(&answer.body).into_owned();
    match shape {
        Some(Shape::Text) => return Ok(text().into()),
        None if !json_type && !looks_like_json(&answer.body) => return Ok(text().into()),
        _ => {}
    }
    let node = answer.row.map(|row| Node::of(row.answer.fields)).filter(|node| !node.children.is_empty());
    match with(&answer.body, node.as_ref()) {
        Ok(value) if value.is_unit() && shape == Some(Shape::List) => Ok(Dynamic::from_array(Vec::new())),
        Ok(value) => Ok(value),
        // A word or a sentence is an answer too; JSON that breaks off is none.
        Err(_) if matches!(shape, None | Some(Shape::Any | Shape::None)) && !looks_like_json(&answer.body) => {
            Ok(text().into())
        }
        Err(error) => {
            let kind = answer.content_type.as_deref().unwrap_or("no content type");
            let start: String = text().chars().take(80).collect();
            Err(Fault::new(
                FaultKind::Decode,
                format!("the answer is not JSON ({kind}): {error}. It begins with: {start}"),
            )
            .with_status(answer.status))
        }
    }
}

fn looks_like_json(body: &Bytes) -> bool {
    body.iter().find(|byte| !byte.is_ascii_whitespace()).is_some_and(|byte| matches!(byte, b'{' | b'['))
}

#[cfg(test)]
mod tests {
    use rhai::Map;

    use super::*;

    #[test]
    fn large_numbers_stay_exact_and_names_stay_text() {
        let value = json(
            br#"{"block": 106209384765432, "huge": 18446744073709551616, "low": -9223372036854775809,
                 "edition": "608174e50003", "rate": 1.5}"#,
        );
        let map = value.unwrap().cast::<Map>();
        assert_eq!(map["block"].as_int().unwrap(), 106_209_384_765_432);
        assert_eq!(map["huge"].clone().into_string().unwrap(), "18446744073709551616");
        assert_eq!(map["low"].clone().into_string().unwrap(), "-9223372036854775809");
        assert_eq!(map["edition"].clone().into_string().unwrap(), "608174e50003");
        assert_eq!(map["rate"].as_float().unwrap(), 1.5);
    }

    #[test]
    fn digits_inside_texts_are_left_alone() {
        let value = json(br#"["a \" 99999999999999999999 b"]"#).unwrap().cast::<rhai::Array>();
        assert_eq!(value[0].clone().into_string().unwrap(), "a \" 99999999999999999999 b");
    }

    proptest::proptest! {
        #[test]
        fn objects_of_a_long_document_are_what_they_are_alone(
            picks in proptest::collection::vec((0_u8..64, 0_u8..4), 300..400),
        ) {
            let leaf = |optional: bool, secret: bool| Node { optional, secret, ..Node::default() };
            let inside = vec![("b", leaf(false, true)), ("missing", leaf(true, false))];
            let node = Node {
                children: vec![
                    ("a", Node { children: inside, ..Node::default() }),
                    ("id", leaf(true, false)),
                    ("size", leaf(false, true)),
                    ("unseen", leaf(true, false)),
                ],
                deep: vec!["_key"],
                ..Node::default()
            };
            let names = ["b", "a", "id", "size", "the_key", "a name that does not fit into a few bytes"];
            let row = |at: usize, (members, kind): (u8, u8)| {
                let mut picked: Vec<&str> = Vec::new();
                picked.extend(names.iter().enumerate().filter(|(bit, _)| members >> bit & 1 == 1).map(|(_, name)| *name));
                if kind == 1 {
                    picked.reverse();
                }
                let value = match kind {
                    2 => format!("{{\"b\": \"{at}\", \"id\": 1, \"{at}\": null}}"),
                    _ => at.to_string(),
                };
                let member = |name: &&str| format!("\"{name}\": {value}, ");
                format!("{{{}\"padding\": \"{}\"}}", picked.iter().map(member).collect::<String>(), "x".repeat(60))
            };
            let rows: Vec<String> = picks.into_iter().enumerate().map(|(at, pick)| row(at, pick)).collect();
            let text = format!("[{}]", rows.join(", "));
            assert!(text.len() > LONG);
            let all = with(text.as_bytes(), Some(&node)).unwrap().cast::<rhai::Array>();
            let alone = |row: &String| with(row.as_bytes(), Some(&node)).unwrap();
            proptest::prop_assert_eq!(format!("{all:?}"), format!("{:?}", rows.iter().map(alone).collect::<Vec<_>>()));
        }
    }

    #[test]
    fn a_name_that_stands_there_twice_counts_once() {
        let text = format!("[{}0]", "{\"a\": 1, \"b\": 2, \"a\": 3}, ".repeat(2_000));
        for row in json(text.as_bytes()).unwrap().cast::<rhai::Array>().iter().take(2_000) {
            assert_eq!(format!("{row:?}"), "#{\"a\": 3, \"b\": 2}");
        }
    }

    #[test]
    fn what_follows_the_document_is_an_error() {
        assert!(json(b"[1] x").is_err());
        assert!(json(b"[1").is_err());
    }
}
