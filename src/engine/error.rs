//! Errors between the door and scripts: one map, with every field always present.

use rhai::{Dynamic, EvalAltResult, Map, NativeCallContext, Position};

use crate::engine::values;
use crate::fault::{Fault, FaultKind};

/// The error that a script catches as a map.
pub fn throw(fault: Fault, context: &NativeCallContext<'_>) -> Box<EvalAltResult> {
    thrown(fault.during(context.fn_name()), context.call_position())
}

/// The same, where the native has no context.
pub fn thrown(fault: Fault, position: Position) -> Box<EvalAltResult> {
    EvalAltResult::ErrorRuntime(to_map(&fault).into(), position).into()
}

/// An `invalid` error of a native.
pub fn invalid(message: impl Into<String>, context: &NativeCallContext<'_>) -> Box<EvalAltResult> {
    throw(Fault::new(FaultKind::Invalid, message), context)
}

/// A fault as scripts see it.
pub fn to_map(fault: &Fault) -> Map {
    let text = |text: &Option<String>| text.as_ref().map_or(Dynamic::UNIT, |text| text.as_str().into());
    let mut map = Map::new();
    map.insert("kind".into(), fault.kind.name().into());
    map.insert("message".into(), fault.message.as_str().into());
    map.insert("target".into(), text(&fault.target));
    map.insert("operation".into(), text(&fault.operation));
    map.insert("status".into(), fault.status.map_or(Dynamic::UNIT, |status| i64::from(status).into()));
    map.insert("code".into(), text(&fault.code));
    let details = fault.details.iter().map(|(name, value)| (name.as_str().into(), values::to_dynamic(value.clone())));
    map.insert("details".into(), details.collect::<Map>().into());
    map.insert("retryable".into(), fault.retryable.into());
    let entry = fault.entry.and_then(|entry| i64::try_from(entry).ok());
    map.insert("entry".into(), entry.map_or(Dynamic::UNIT, Dynamic::from));
    map
}

/// The fault that a thrown value is, if it is one of ours.
pub fn from_thrown(value: &Dynamic) -> Option<Fault> {
    let map = value.read_lock::<Map>()?;
    let text = |name: &str| map.get(name).and_then(|value| value.clone().into_string().ok());
    let kind = text("kind")?;
    let kind = FaultKind::ALL.into_iter().find(|known| known.name() == kind)?;
    let mut fault = Fault::new(kind, text("message")?);
    fault.target = text("target");
    fault.operation = text("operation");
    fault.code = text("code");
    fault.status =
        map.get("status").and_then(|value| value.as_int().ok()).and_then(|status| u16::try_from(status).ok());
    fault.retryable = map.get("retryable").and_then(|value| value.as_bool().ok()).unwrap_or(false);
    fault.entry = map.get("entry").and_then(|value| value.as_int().ok()).and_then(|entry| u64::try_from(entry).ok());
    if let Some(crate::value::Value::Map(details)) = map.get("details").and_then(|value| values::to_value(value).ok()) {
        fault.details = details;
    }
    Some(fault)
}

/// What an error is as a fault; Rhai's own errors in the shape of ours.
pub fn fault_of(error: &EvalAltResult) -> Fault {
    let thrown = match error.unwrap_inner() {
        EvalAltResult::ErrorRuntime(value, _) => from_thrown(value),
        _ => None,
    };
    thrown.unwrap_or_else(|| Fault::new(FaultKind::Invalid, error.unwrap_inner().to_string()))
}
