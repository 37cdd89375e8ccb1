//! From checked arguments to the request as it goes out.

use std::fmt::Write;

use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use crate::catalog::bind::{FREE, in_body};
use crate::catalog::raw_path;
use crate::catalog::{
    Arg, Body, Bound, NetworkMaps, NetworkPart, Param, PartContent, Place, TimeForm, Type, Vendor, WireBody, WireFile,
    WirePart, WireRequest,
};
use crate::json_object::JsonObject;
use crate::value::{Map, Value};

/// Everything but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The request of a checked call.
pub fn wire(bound: &Bound, vendor: &Vendor) -> WireRequest {
    let row = bound.row;
    // The base itself is a call of some APIs, and has no slash behind it.
    let below = if row.path == "/" && !row.base.is_empty() { "" } else { row.path };
    let mut path = format!("{}{below}", row.base);
    let mut query = String::new();
    let mut form = String::new();
    let mut headers = Vec::new();
    for param in row.params.iter().filter(|param| !matches!(param.place, Place::Body | Place::Part)) {
        let Some(value) = bound.args.get(param.name) else { continue };
        match param.place {
            Place::Path => {
                path = path.replace(&format!("{{{}}}", param.wire), &encode(&plain(param, value), ""));
            }
            Place::Query => push_pairs(&mut query, param, value, vendor.query_raw),
            Place::Form => push_pairs(&mut form, param, value, ""),
            Place::Header => headers.push((param.wire.to_owned(), plain(param, value))),
            Place::Body | Place::Part => {}
        }
    }
    let root = row.params.iter().find(|param| param.root);
    let body = match row.body {
        Body::None => WireBody::None,
        Body::Form => WireBody::Form(form),
        Body::Json => match root.and_then(|param| Some((param, bound.args.get(param.name)?))) {
            Some((param, value)) => json(&Wrapped(row.wrap, Typed { param, ty: param.ty, value })),
            None if bound.args.has_lists() => WireBody::Json(Bytes::from(with_lists(bound))),
            None => json(&Wrapped(row.wrap, Members { params: row.params, args: &bound.args, body_only: true })),
        },
        Body::Free => json(&Wrapped(row.wrap, FreeBody(bound))),
        Body::Multipart => WireBody::Multipart(parts(bound)),
        Body::File => row
            .params
            .iter()
            .find(|param| param.ty == Type::File)
            .map_or(WireBody::None, |param| WireBody::File(file(bound, param), row.content_type)),
    };
    WireRequest { method: row.method, path, query, headers, body }
}

/// A raw request: the path is the caller's, below the vendor's base unless it begins with it.
pub fn raw_wire(
    vendor: &Vendor,
    method: &'static str,
    path: &str,
    query: &Map,
    headers: &Map,
    body: Option<&Value>,
) -> WireRequest {
    let own_query = path.split_once('?').map_or("", |(_, query)| query);
    let path = raw_path::from_root(vendor, path);
    let mut encoded = own_query.to_owned();
    for (name, value) in query {
        push_pair(&mut encoded, name, &untyped(value), vendor.query_raw);
    }
    WireRequest {
        method,
        path,
        query: encoded,
        headers: headers.iter().map(|(name, value)| (name.clone(), untyped(value))).collect(),
        body: body.map_or(WireBody::None, json_body),
    }
}

/// A parameter's value as it stands in a JSON body. A secret in it is exposed.
pub(super) fn json_value(param: &'static Param, value: &Value) -> serde_json::Value {
    serde_json::to_value(Typed { param, ty: param.ty, value }).unwrap_or_default()
}

/// A value as a JSON body, secrets as what they are.
pub fn json_body(value: &Value) -> WireBody {
    json(&Plain(value))
}

/// The parts of a multipart body: parameters of place `form` and `part`, in the row's order.
fn parts(bound: &Bound) -> Vec<WirePart> {
    let travelling =
        bound.row.params.iter().filter(|param| matches!(param.place, Place::Form | Place::Part | Place::Body));
    travelling
        .filter_map(|param| {
            let value = bound.args.get(param.name)?;
            let content = match (param.ty, value) {
                (Type::File, Value::Text(path)) => {
                    let name = std::path::Path::new(path).file_name().unwrap_or_default();
                    PartContent::File(file(bound, param), name.to_string_lossy().into_owned())
                }
                (Type::Object | Type::Any, value @ (Value::Map(_) | Value::List(_))) => {
                    PartContent::Text(value.to_json().to_string())
                }
                _ => PartContent::Text(plain(param, value)),
            };
            Some(WirePart { name: param.wire.to_owned(), content })
        })
        .collect()
}

fn file(bound: &Bound, param: &Param) -> WireFile {
    let path = bound.args.get(param.name).and_then(Value::as_text).unwrap_or_default();
    WireFile { path: path.into(), piece: bound.piece }
}

fn push_pairs(query: &mut String, param: &Param, value: &Value, raw: &str) {
    let from = query.len();
    push_values(query, param, value, raw);
    if param.plus {
        let plus = query.split_off(from).replace("%20", "+");
        query.push_str(&plus);
    }
}

fn push_values(query: &mut String, param: &Param, value: &Value, raw: &str) {
    match value {
        Value::List(items) if !param.join.is_empty() => {
            // A comma between entries stays one, so that it is told from a comma within them.
            let between = encode(param.join, ",");
            let items: Vec<String> = items.iter().map(|item| encode(&plain(param, item), raw)).collect();
            begin_pair(query, param.wire);
            query.push_str(&items.join(&between));
        }
        Value::List(items) => {
            for item in items {
                push_pair(query, param.wire, &plain(param, item), raw);
            }
        }
        other => push_pair(query, param.wire, &plain(param, other), raw),
    }
}

fn push_pair(query: &mut String, name: &str, value: &str, raw: &str) {
    begin_pair(query, name);
    query.push_str(&encode(value, raw));
}

fn begin_pair(query: &mut String, name: &str) {
    if !query.is_empty() {
        query.push('&');
    }
    query.push_str(&encode(name, ""));
    query.push('=');
}

/// Percent-encodes all but unreserved characters and those in `raw`.
fn encode(text: &str, raw: &str) -> String {
    if raw.is_empty() {
        return utf8_percent_encode(text, RESERVED).to_string();
    }
    let mut encoded = String::with_capacity(text.len());
    for c in text.chars() {
        if raw.contains(c) {
            encoded.push(c);
        } else {
            let _infallible = write!(encoded, "{}", utf8_percent_encode(c.encode_utf8(&mut [0; 4]), RESERVED));
        }
    }
    encoded
}

/// A value as text in a path, a query, a form or a header.
fn plain(param: &Param, value: &Value) -> String {
    match (value, param.ty) {
        (Value::Time(time), Type::Time(form)) => match form {
            TimeForm::EpochSeconds => time.as_second().to_string(),
            TimeForm::EpochMillis => time.as_millisecond().to_string(),
            _ => iso(form, *time),
        },
        (Value::Bool(flag), Type::Flag) => if *flag { "True" } else { "False" }.to_owned(),
        (other, _) => untyped(other),
    }
}

fn untyped(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Secret(secret) => secret.expose().to_owned(),
        Value::Time(time) => iso(TimeForm::Iso, *time),
        other => other.to_json().to_string(),
    }
}

fn iso(form: TimeForm, time: jiff::Timestamp) -> String {
    let format = match form {
        TimeForm::IsoMinute | TimeForm::IsoMinuteEnd => "%Y-%m-%dT%H:%M:00.000Z",
        TimeForm::IsoHour | TimeForm::IsoHourEnd => "%Y-%m-%dT%H:00:00.000Z",
        TimeForm::Date => "%Y-%m-%d",
        _ => "%Y-%m-%dT%H:%M:%SZ",
    };
    time.strftime(format).to_string()
}

fn json(value: &impl Serialize) -> WireBody {
    // Writing JSON into memory cannot fail: every map has text keys.
    WireBody::Json(Bytes::from(serde_json::to_vec(value).unwrap_or_default()))
}

/// A body with lists that are kept as networks: they are written straight into it.
fn with_lists(bound: &Bound) -> Vec<u8> {
    let mut bytes = Vec::new();
    if bound.row.wrap.is_empty() {
        write_members(bound, &mut bytes);
        return bytes;
    }
    let mut outer = JsonObject::begin(&mut bytes);
    write_members(bound, outer.value_of(bound.row.wrap));
    outer.end();
    bytes
}

fn write_members(bound: &Bound, bytes: &mut Vec<u8>) {
    let mut body = JsonObject::begin(bytes);
    for param in bound.row.params.iter().filter(|param| in_body(param)) {
        match bound.args.kept(param.name) {
            Some(Arg::Value(value)) => body.add(param.wire, &Typed { param, ty: param.ty, value }),
            Some(Arg::Networks(list)) => list.write_json(body.value_of(param.wire), &on_the_wire(param, list)),
            None => {}
        }
    }
    body.end();
}

/// The members of a list's maps in the row's order, by their wire names.
fn on_the_wire(param: &Param, list: &NetworkMaps) -> Vec<(&'static str, NetworkPart)> {
    let members = list.members();
    let part = |field: &Param| members.iter().find(|(name, _)| *name == field.name).map(|(_, part)| *part);
    param.fields.iter().filter_map(|field| Some((field.wire, part(field)?))).collect()
}

/// A body under the member that the API wants it in, or as it is.
struct Wrapped<T>(&'static str, T);

impl<T: Serialize> Serialize for Wrapped<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_empty() {
            return self.1.serialize(serializer);
        }
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(self.0, &self.1)?;
        map.end()
    }
}

/// A free-form body: the members that the row knows, and the script's own.
struct FreeBody<'a>(&'a Bound);

impl Serialize for FreeBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for param in self.0.row.params.iter().filter(|param| in_body(param)) {
            if let Some(value) = self.0.args.get(param.name) {
                map.serialize_entry(param.wire, &Typed { param, ty: param.ty, value })?;
            }
        }
        for (name, value) in self.0.args.get(FREE).and_then(Value::as_map).into_iter().flatten() {
            map.serialize_entry(name, &Plain(value))?;
        }
        map.end()
    }
}

/// An object under its wire names.
struct Members<'a> {
    params: &'static [Param],
    args: &'a Map,
    body_only: bool,
}

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for param in self.params {
            if self.body_only && !in_body(param) {
                continue;
            }
            if let Some(value) = self.args.get(param.name) {
                map.serialize_entry(param.wire, &Typed { param, ty: param.ty, value })?;
            }
        }
        if !self.body_only {
            // What the row does not know is there only where the object is open.
            for (name, value) in
                self.args.iter().filter(|(name, _)| !self.params.iter().any(|param| param.name == *name))
            {
                map.serialize_entry(name, &Plain(value))?;
            }
        }
        map.end()
    }
}

/// A value as its parameter wants it on the wire.
struct Typed<'a> {
    param: &'static Param,
    ty: Type,
    value: &'a Value,
}

impl Serialize for Typed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.value, self.ty) {
            (Value::Time(time), Type::Time(TimeForm::EpochSeconds)) => serializer.serialize_i64(time.as_second()),
            (Value::Time(time), Type::Time(TimeForm::EpochMillis)) => serializer.serialize_i64(time.as_millisecond()),
            (Value::Time(time), Type::Time(form)) => serializer.serialize_str(&iso(form, *time)),
            (Value::List(items), Type::List(inner)) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for value in items {
                    list.serialize_element(&Typed { param: self.param, ty: *inner, value })?;
                }
                list.end()
            }
            (Value::Map(args), Type::Object) if !self.param.fields.is_empty() => {
                Members { params: self.param.fields, args, body_only: false }.serialize(serializer)
            }
            (value, _) => Plain(value).serialize(serializer),
        }
    }
}

/// A value without a type of its own.
struct Plain<'a>(&'a Value);

impl Serialize for Plain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(flag) => serializer.serialize_bool(*flag),
            Value::Int(number) => serializer.serialize_i64(*number),
            Value::Float(number) => serializer.serialize_f64(*number),
            Value::Text(text) => serializer.serialize_str(text),
            Value::Time(time) => serializer.serialize_str(&iso(TimeForm::Iso, *time)),
            Value::Duration(duration) => serializer.serialize_str(&duration.to_string()),
            Value::Secret(secret) => serializer.serialize_str(secret.expose()),
            Value::List(items) => serializer.collect_seq(items.iter().map(Plain)),
            Value::Map(map) => serializer.collect_map(map.iter().map(|(name, value)| (name, Plain(value)))),
        }
    }
}
