//! Files and the store. Where they may lie is decided at the door.

use bytes::Bytes;
use rhai::{Array, Dynamic, EvalAltResult, ImmutableString, Map, Module, NativeCallContext};

use super::{add, data};
use crate::door::{Action, Reply};
use crate::engine::context::RunContext;
use crate::engine::types::StoreHandle;
use crate::engine::{error, values};
use crate::fault::{Fault, FaultKind};
use crate::value::Value;

type Answer<T> = Result<T, Box<EvalAltResult>>;

pub(super) fn register(module: &mut Module) {
    module.set_custom_type::<StoreHandle>("Store");
    add(
        module,
        "read_file",
        &["path: string", "string"],
        "/// The text of a file (UTF-8).",
        |context: NativeCallContext, path: ImmutableString| text(&context, &path),
    );
    add(
        module,
        "read_lines",
        &["path: string", "array"],
        "/// The lines of a file, without their ends.",
        |context: NativeCallContext, path: ImmutableString| -> Answer<Array> {
            let text = text(&context, &path)?;
            Ok(text.strip_prefix('\u{feff}').unwrap_or(&text).lines().map(|line| line.into()).collect())
        },
    );
    add(
        module,
        "read_csv",
        &["path: string", "array"],
        "/// The rows of a CSV file as maps, by its header.",
        |context: NativeCallContext, path: ImmutableString| data::parse_csv(&context, &bytes(&context, &path)?, &path),
    );
    add(
        module,
        "read_json",
        &["path: string", "any"],
        "/// The value in a JSON file.",
        |context: NativeCallContext, path: ImmutableString| data::json_of(&context, &bytes(&context, &path)?, &path),
    );
    add(
        module,
        "write_file",
        &["path: string", "text: string"],
        "/// Writes a text file, whole or not at all.",
        |context: NativeCallContext, path: ImmutableString, text: ImmutableString| {
            write(&context, &path, text.as_str().to_owned())
        },
    );
    add(
        module,
        "write_csv",
        &["path: string", "rows: array"],
        "/// Writes maps as a CSV file; the first row's members are the header.",
        |context: NativeCallContext, path: ImmutableString, rows: Array| {
            let text = data::csv_of(&context, &rows)?;
            write(&context, &path, text)
        },
    );
    add(
        module,
        "write_json",
        &["path: string", "value: any"],
        "/// Writes a value as a JSON file; secrets become `***`.",
        |context: NativeCallContext, path: ImmutableString, value: Dynamic| {
            let value = values::to_value(&value).map_err(|message| error::invalid(message, &context))?;
            write(&context, &path, format!("{:#}\n", value.to_json()))
        },
    );
    register_store(module);
}

fn register_store(module: &mut Module) {
    add(
        module,
        "get",
        &["store: Store", "key: string", "any"],
        "/// The value of a key of the playbook's store, or `()`.",
        |context: NativeCallContext, _: &mut StoreHandle, key: ImmutableString| -> Answer<Dynamic> {
            stored(&context, Action::StoreGet(key.as_str().to_owned()))
        },
    );
    add(
        module,
        "set",
        &["store: Store", "key: string", "value: any"],
        "/// Sets a key of the playbook's store; it is on the disk when this returns.",
        |context: NativeCallContext, _: &mut StoreHandle, key: ImmutableString, value: Dynamic| -> Answer<()> {
            store_set(&context, vec![(key.as_str().to_owned(), Some(storable(&context, &value)?))])
        },
    );
    add(
        module,
        "set_all",
        &["store: Store", "entries: map"],
        "/// Sets several keys in one commit; `()` removes a key.",
        |context: NativeCallContext, _: &mut StoreHandle, entries: Map| -> Answer<()> {
            let mut list = Vec::with_capacity(entries.len());
            for (key, value) in &entries {
                let value = if value.is_unit() { None } else { Some(storable(&context, value)?) };
                list.push((key.as_str().to_owned(), value));
            }
            store_set(&context, list)
        },
    );
    add(
        module,
        "remove",
        &["store: Store", "key: string"],
        "/// Removes a key of the playbook's store.",
        |context: NativeCallContext, _: &mut StoreHandle, key: ImmutableString| -> Answer<()> {
            store_set(&context, vec![(key.as_str().to_owned(), None)])
        },
    );
    add(
        module,
        "list",
        &["store: Store", "prefix: string", "map"],
        "/// The keys that begin so, with their values.",
        |context: NativeCallContext, _: &mut StoreHandle, prefix: ImmutableString| -> Answer<Dynamic> {
            stored(&context, Action::StoreList(prefix.as_str().to_owned()))
        },
    );
}

/// What a store holds.
fn stored(context: &NativeCallContext<'_>, action: Action) -> Answer<Dynamic> {
    match RunContext::of(context)?.pass(context, action)? {
        Reply::Value(value) => Ok(values::to_dynamic(value)),
        Reply::Json(json) => data::json_of(context, &json, "what the store holds"),
        Reply::Bytes(_) | Reply::Http(_) => Err("the door gave nothing of the store".into()),
    }
}

fn store_set(context: &NativeCallContext<'_>, entries: Vec<(String, Option<Value>)>) -> Answer<()> {
    RunContext::of(context)?.value(context, Action::StoreSet(entries)).map(|_| ())
}

/// A value that the store can keep: no secret, which would be lost in it.
fn storable(context: &NativeCallContext<'_>, value: &Dynamic) -> Answer<Value> {
    let value = values::to_value(value).map_err(|message| error::invalid(message, context))?;
    if holds_secret(&value) {
        return Err(error::invalid("a secret cannot be stored: store its name, and ask secret(name) for it", context));
    }
    Ok(value)
}

fn holds_secret(value: &Value) -> bool {
    match value {
        Value::Secret(_) => true,
        Value::List(items) => items.iter().any(holds_secret),
        Value::Map(map) => map.values().any(holds_secret),
        _ => false,
    }
}

/// The bytes of a file.
pub fn bytes(context: &NativeCallContext<'_>, path: &str) -> Answer<Bytes> {
    match RunContext::of(context)?.pass(context, Action::ReadFile(path.into()))? {
        Reply::Bytes(bytes) => Ok(bytes),
        Reply::Value(_) | Reply::Json(_) | Reply::Http(_) => Err("the door gave no bytes".into()),
    }
}

fn text(context: &NativeCallContext<'_>, path: &str) -> Answer<String> {
    let bytes = bytes(context, path)?;
    String::from_utf8(bytes.into()).map_err(|cause| {
        let at = cause.utf8_error().valid_up_to();
        error::throw(Fault::new(FaultKind::Decode, format!("{path} is not UTF-8 (byte {at})")), context)
    })
}

fn write(context: &NativeCallContext<'_>, path: &str, text: String) -> Answer<()> {
    let action = Action::WriteFile { path: path.into(), contents: Bytes::from(text) };
    RunContext::of(context)?.value(context, action).map(|_| ())
}
