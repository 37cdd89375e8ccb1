//! Data: JSON, CSV, lines, digests, maps.

use std::fmt::Write;

use rhai::{Array, Dynamic, EvalAltResult, ImmutableString, Map, Module, NativeCallContext};
use sha2::{Digest, Sha256};

use super::add;
use crate::engine::{decode, error, values};
use crate::fault::{Fault, FaultKind};
use crate::secret::Secret;
use crate::value::Value;

type Answer<T> = Result<T, Box<EvalAltResult>>;

pub(super) fn register(module: &mut Module) {
    module.set_custom_type::<Secret>("Secret");
    add(
        module,
        "parse_json",
        &["text: string", "any"],
        "/// The value that a JSON text says. Whole numbers beyond 64 bits become texts.",
        |context: NativeCallContext, text: ImmutableString| json_of(&context, text.as_bytes(), "the text"),
    );
    add(
        module,
        "to_json",
        &["value: any", "string"],
        "/// A value as JSON; secrets become `***`.",
        |context: NativeCallContext, value: Dynamic| json_text(&context, &value),
    );
    // Rhai has one of its own for maps, which knows none of our types.
    add(module, "to_json", &["map: map", "string"], "", |context: NativeCallContext, map: Map| -> Answer<String> {
        json_text(&context, &map.into())
    });
    add(
        module,
        "parse_csv",
        &["text: string", "array"],
        "/// The rows of a CSV text as maps, by its header.",
        |context: NativeCallContext, text: ImmutableString| parse_csv(&context, text.as_bytes(), "the text"),
    );
    add(
        module,
        "to_csv",
        &["rows: array", "string"],
        "/// Maps as a CSV text; the first row's members are the header.",
        |context: NativeCallContext, rows: Array| csv_of(&context, &rows),
    );
    add(
        module,
        "lines",
        &["text: string", "array"],
        "/// The lines of a text, without their ends.",
        |text: ImmutableString| -> Array { text.lines().map(|line| line.into()).collect() },
    );
    add(
        module,
        "sha256",
        &["text: string", "string"],
        "/// The SHA-256 of a text's UTF-8 bytes, in lower-case hex.",
        |text: ImmutableString| -> String {
            Sha256::digest(text.as_bytes()).iter().fold(String::with_capacity(64), |mut hex, byte| {
                let _infallible = write!(hex, "{byte:02x}");
                hex
            })
        },
    );
    add(
        module,
        "get",
        &["map: map", "name: string", "any"],
        "/// A member, or `()` if there is none.",
        |map: &mut Map, name: ImmutableString| map.get(name.as_str()).cloned().unwrap_or(Dynamic::UNIT),
    );
    add(
        module,
        "get",
        &["map: map", "name: string", "default: any", "any"],
        "/// A member, or the default if there is none.",
        |map: &mut Map, name: ImmutableString, default: Dynamic| map.get(name.as_str()).cloned().unwrap_or(default),
    );
    for name in ["to_string", "to_debug"] {
        add(module, name, &["secret: Secret", "string"], "/// `***`, whatever the secret is.", |_: &mut Secret| "***");
    }
    add(module, "+", &["text: string", "secret: Secret", "string"], "", |text: ImmutableString, _: Secret| {
        format!("{text}***")
    });
    add(module, "+", &["secret: Secret", "text: string", "string"], "", |_: Secret, text: ImmutableString| {
        format!("***{text}")
    });
    for operator in ["==", "!="] {
        add(
            module,
            operator,
            &["a: Secret", "b: Secret"],
            "",
            |context: NativeCallContext, _: Secret, _: Secret| -> Answer<bool> {
                Err(error::invalid("secrets cannot be compared", &context))
            },
        );
    }
}

fn json_text(context: &NativeCallContext<'_>, value: &Dynamic) -> Answer<String> {
    let value = values::to_value(value).map_err(|message| error::invalid(message, context))?;
    Ok(value.to_json().to_string())
}

/// JSON bytes as a script value; `what` names them in the error.
pub fn json_of(context: &NativeCallContext<'_>, bytes: &[u8], what: &str) -> Answer<Dynamic> {
    decode::json(bytes)
        .map_err(|cause| error::throw(Fault::new(FaultKind::Decode, format!("{what} is not JSON: {cause}")), context))
}

/// CSV bytes as maps by the header; `what` names them in the error.
pub fn parse_csv(context: &NativeCallContext<'_>, bytes: &[u8], what: &str) -> Answer<Array> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let wrong =
        |cause: String| error::throw(Fault::new(FaultKind::Decode, format!("{what} is not CSV: {cause}")), context);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let header: Vec<String> =
        reader.headers().map_err(|error| wrong(error.to_string()))?.iter().map(str::to_owned).collect();
    let mut rows = Array::new();
    for record in reader.records() {
        let record = record.map_err(|error| wrong(error.to_string()))?;
        let row: Map =
            header.iter().zip(record.iter()).map(|(name, text)| (name.as_str().into(), text.into())).collect();
        rows.push(row.into());
    }
    Ok(rows)
}

/// Maps as CSV.
pub fn csv_of(context: &NativeCallContext<'_>, rows: &Array) -> Answer<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut header: Option<Vec<String>> = None;
    let wrong = |message: String| error::invalid(message, context);
    for (index, row) in rows.iter().enumerate() {
        let Ok(Value::Map(map)) = values::to_value(row) else {
            return Err(wrong(format!("row {index} is not a map")));
        };
        let names = match &header {
            Some(names) => names,
            None => {
                let names: Vec<String> = map.keys().cloned().collect();
                writer.write_record(&names).map_err(|error| wrong(error.to_string()))?;
                header.insert(names)
            }
        };
        if let Some(extra) = map.keys().find(|name| !names.contains(name)) {
            return Err(wrong(format!("row {index} has a member '{extra}', which the first row has not")));
        }
        let cells = names.iter().map(|name| match map.get(name) {
            None | Some(Value::Null) => String::new(),
            Some(Value::Text(text)) => text.clone(),
            Some(Value::Secret(_)) => "***".to_owned(),
            Some(other) => other.to_json().to_string().trim_matches('"').to_owned(),
        });
        writer.write_record(cells).map_err(|error| wrong(error.to_string()))?;
    }
    let bytes = writer.into_inner().map_err(|error| wrong(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| wrong(error.to_string()))
}
