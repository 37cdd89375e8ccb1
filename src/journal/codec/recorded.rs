//! Answers and faults as bytes.

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::value::{Coded, SecretOf, code_map, decode, decode_map};
use crate::door::{Action, HttpAnswer, Recorded, Reply};
use crate::fault::{Fault, FaultKind};
use crate::value::Value;

/// A reply or fault as bytes: its head, and the body that follows. A large body is not copied.
pub fn recorded_bytes(recorded: &Recorded) -> (Vec<u8>, Bytes) {
    match recorded {
        Ok(Reply::Http(answer)) => {
            let kind = answer.content_type.as_deref().unwrap_or_default();
            let mut head = Vec::with_capacity(kind.len() + 8);
            head.push(b'h');
            head.extend_from_slice(&answer.status.to_be_bytes());
            head.push(u8::from(answer.content_type.is_some()));
            head.extend_from_slice(&u16::try_from(kind.len()).unwrap_or(0).to_be_bytes());
            head.extend_from_slice(kind.as_bytes());
            (head, answer.body.clone())
        }
        Ok(Reply::Value(value)) => (prefixed(b'v', &Coded(value)), Bytes::new()),
        // JSON is written as it is, unless a member of it could be taken for one of ours.
        Ok(Reply::Json(json)) if !json.contains(&b'$') => (vec![b'v'], json.clone()),
        Ok(Reply::Json(json)) => {
            let value = Value::from(serde_json::from_slice::<Json>(json).unwrap_or_default());
            (prefixed(b'v', &Coded(&value)), Bytes::new())
        }
        Ok(Reply::Bytes(contents)) => (vec![b'b'], contents.clone()),
        Err(fault) => (prefixed(b'f', &fault_json(fault)), Bytes::new()),
    }
}

fn prefixed(tag: u8, value: &impl Serialize) -> Vec<u8> {
    let mut bytes = vec![tag];
    if serde_json::to_writer(&mut bytes, value).is_err() {
        bytes.truncate(1);
    }
    bytes
}

/// What [`recorded_bytes`] wrote, as the answer to `action`.
///
/// # Errors
/// What is damaged.
pub fn read_recorded(bytes: &[u8], action: &Action, secret: SecretOf<'_>) -> Result<Recorded, String> {
    let damaged = || "a recorded answer is damaged".to_owned();
    let (tag, rest) = bytes.split_first().ok_or_else(damaged)?;
    let json = || serde_json::from_slice::<Json>(rest).map_err(|_| damaged());
    match tag {
        b'h' => {
            let (head, rest) = rest.split_at_checked(5).ok_or_else(damaged)?;
            let &[high, low, some, length_high, length_low] = head else { return Err(damaged()) };
            let length = usize::from(u16::from_be_bytes([length_high, length_low]));
            let (kind, body) = rest.split_at_checked(length).ok_or_else(damaged)?;
            Ok(Ok(Reply::Http(HttpAnswer {
                status: u16::from_be_bytes([high, low]),
                content_type: (some == 1).then(|| String::from_utf8_lossy(kind).into_owned()),
                body: Bytes::copy_from_slice(body),
                row: match action {
                    Action::Call { call, .. } => Some(call.row),
                    _ => None,
                },
                assumed: false,
                handles: false,
            })))
        }
        b'v' => Ok(Ok(Reply::Value(decode(json()?, secret)))),
        b'b' => Ok(Ok(Reply::Bytes(Bytes::copy_from_slice(rest)))),
        b'f' => Ok(Err(read_fault(json()?, secret))),
        _ => Err(damaged()),
    }
}

/// Whether it is the refusal of a change that was sent again because its answer was lost.
pub fn was_resent(bytes: &[u8]) -> bool {
    let fault = bytes.strip_prefix(b"f").and_then(|rest| serde_json::from_slice::<Json>(rest).ok());
    fault.is_some_and(|fault| fault.pointer("/details/resent") == Some(&Json::Bool(true)))
}

/// The body of an HTTP answer that [`recorded_bytes`] wrote, as JSON; nothing for another answer.
pub fn body_of(bytes: &[u8]) -> Option<Json> {
    let (head, rest) = bytes.strip_prefix(b"h")?.split_at_checked(5)?;
    let length = u16::from_be_bytes([*head.get(3)?, *head.get(4)?]);
    serde_json::from_slice(rest.get(usize::from(length)..)?).ok()
}

/// The value that [`recorded_bytes`] wrote, as JSON; nothing for another answer.
pub fn value_of(bytes: &[u8]) -> Option<Json> {
    let (tag, rest) = bytes.split_first()?;
    (*tag == b'v').then(|| serde_json::from_slice(rest).ok()).flatten()
}

/// A fault as JSON.
pub fn fault_json(fault: &Fault) -> Json {
    json!({
        "kind": fault.kind.name(), "message": fault.message, "target": fault.target, "operation": fault.operation,
        "status": fault.status, "code": fault.code, "details": code_map(&fault.details), "retryable": fault.retryable,
        "entry": fault.entry,
    })
}

/// What [`fault_json`] wrote.
pub fn read_fault(mut json: Json, secret: SecretOf<'_>) -> Fault {
    let text = |name: &str| json.get(name).and_then(Json::as_str).map(str::to_owned);
    let kind = text("kind").and_then(|name| FaultKind::ALL.into_iter().find(|kind| kind.name() == name));
    let mut fault = Fault::new(kind.unwrap_or(FaultKind::Http), text("message").unwrap_or_default());
    fault.target = text("target");
    fault.operation = text("operation");
    fault.code = text("code");
    fault.status = json.get("status").and_then(Json::as_u64).and_then(|status| u16::try_from(status).ok());
    fault.retryable = json.get("retryable").and_then(Json::as_bool).unwrap_or_default();
    fault.entry = json.get("entry").and_then(Json::as_u64);
    fault.details = decode_map(json.get_mut("details").map(Json::take).unwrap_or_default(), secret);
    fault
}
