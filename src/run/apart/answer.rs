//! What comes back from the door, and how a script ended, between an interpreter and the service.

use bytes::Bytes;
use serde_json::{Value as Json, json};

use crate::catalog::Catalog;
use crate::door::{HttpAnswer, Reply};
use crate::engine::{Diagnostic, Place, ScriptError};
use crate::fault::{Failure, Stop};
use crate::journal::{SecretOf, code, decode, fault_json, read_fault};
use crate::value::Value;

/// An answer as head and body of a frame. Its secrets have been replaced by handles.
pub fn encode(answer: Result<Reply, Failure>) -> (Json, Bytes) {
    match answer {
        Ok(Reply::Value(value)) => (json!({ "value": code(&value) }), Bytes::new()),
        Ok(Reply::Json(json)) => (json!({ "json": true }), json),
        Ok(Reply::Bytes(contents)) => (json!({ "bytes": true }), contents),
        Ok(Reply::Http(answer)) => {
            let head = json!({
                "http": answer.status, "type": answer.content_type, "assumed": answer.assumed,
                "handles": answer.handles, "row": answer.row.map(|row| [row.vendor, row.name]),
            });
            (head, answer.body)
        }
        Err(Failure::Fault(fault)) => (json!({ "fault": fault_json(&fault) }), Bytes::new()),
        Err(Failure::Stop(stop)) => (json!({ "stop": stop_json(&stop) }), Bytes::new()),
    }
}

/// The answer that [`encode`] wrote; nothing if it is none.
pub fn read(mut head: Json, body: Bytes, catalog: &Catalog, secret: SecretOf<'_>) -> Option<Result<Reply, Failure>> {
    if let Some(value) = head.get_mut("value").map(Json::take) {
        return Some(Ok(Reply::Value(decode(value, secret))));
    }
    if let Some(fault) = head.get_mut("fault").map(Json::take) {
        return Some(Err(read_fault(fault, secret).into()));
    }
    if let Some(stop) = head.get_mut("stop").map(Json::take) {
        return Some(Err(read_stop(stop, secret)?.into()));
    }
    if head.get("json").is_some() {
        return Some(Ok(Reply::Json(body)));
    }
    if head.get("bytes").is_some() {
        return Some(Ok(Reply::Bytes(body)));
    }
    let flag = |name: &str| head.get(name).and_then(Json::as_bool).unwrap_or_default();
    let named = |at: usize| head.get("row")?.get(at)?.as_str();
    Some(Ok(Reply::Http(HttpAnswer {
        status: u16::try_from(head.get("http")?.as_u64()?).ok()?,
        content_type: head.get("type").and_then(Json::as_str).map(str::to_owned),
        body,
        row: named(0).zip(named(1)).and_then(|(vendor, name)| catalog.row(vendor, name)),
        assumed: flag("assumed"),
        handles: flag("handles"),
    })))
}

fn stop_json(stop: &Stop) -> Json {
    match stop {
        Stop::Cancelled => json!(["cancelled"]),
        Stop::TimedOut(text) => json!(["timed-out", text]),
        Stop::Limit(text) => json!(["limit", text]),
        Stop::Diverged(text) => json!(["diverged", text]),
        Stop::Uncertain(fault) => json!(["uncertain", fault_json(fault)]),
        Stop::PutOff => json!(["put-off"]),
        Stop::Lost(text) => json!(["lost", text]),
    }
}

fn read_stop(mut json: Json, secret: SecretOf<'_>) -> Option<Stop> {
    let text = || json.get(1).and_then(Json::as_str).map(str::to_owned);
    Some(match json.get(0)?.as_str()? {
        "cancelled" => Stop::Cancelled,
        "timed-out" => Stop::TimedOut(text()?),
        "limit" => Stop::Limit(text()?),
        "diverged" => Stop::Diverged(text()?),
        "uncertain" => Stop::Uncertain(Box::new(read_fault(json.get_mut(1)?.take(), secret))),
        "put-off" => Stop::PutOff,
        "lost" => Stop::Lost(text()?),
        _ => return None,
    })
}

/// How a script ended, as the head of a frame.
pub fn encode_end(result: &Result<Value, ScriptError>) -> Json {
    match result {
        Ok(value) => json!({ "value": code(value) }),
        Err(ScriptError::Unreadable(diagnostic)) => json!({ "unreadable": diagnostic_json(diagnostic) }),
        Err(ScriptError::Failed(diagnostic)) => json!({ "failed": diagnostic_json(diagnostic) }),
        Err(ScriptError::Stopped(stop, diagnostic)) => {
            json!({ "stopped": diagnostic_json(diagnostic), "stop": stop_json(stop) })
        }
    }
}

/// The end that [`encode_end`] wrote; nothing if it is none.
pub fn read_end(mut head: Json, secret: SecretOf<'_>) -> Option<Result<Value, ScriptError>> {
    let mut take = |name: &str| head.get_mut(name).map(Json::take);
    if let Some(value) = take("value") {
        return Some(Ok(decode(value, secret)));
    }
    if let Some(json) = take("unreadable") {
        return Some(Err(ScriptError::Unreadable(Box::new(read_diagnostic(json, secret)?))));
    }
    if let Some(json) = take("failed") {
        return Some(Err(ScriptError::Failed(Box::new(read_diagnostic(json, secret)?))));
    }
    let (diagnostic, stop) = (take("stopped")?, take("stop")?);
    let diagnostic = Box::new(read_diagnostic(diagnostic, secret)?);
    Some(Err(ScriptError::Stopped(read_stop(stop, secret)?, diagnostic)))
}

fn place_json(place: &Place) -> Json {
    json!([place.file, place.line, place.column])
}

fn read_place(json: &Json) -> Option<Place> {
    let number = |at: usize| json.get(at)?.as_u64().and_then(|number| usize::try_from(number).ok());
    Some(Place { file: json.get(0)?.as_str()?.to_owned(), line: number(1)?, column: number(2)? })
}

fn diagnostic_json(diagnostic: &Diagnostic) -> Json {
    let stack: Vec<Json> = diagnostic.stack.iter().map(|(name, place)| json!([name, place_json(place)])).collect();
    json!({
        "message": diagnostic.message, "place": diagnostic.place.as_ref().map(place_json), "stack": stack,
        "hints": diagnostic.hints, "fault": diagnostic.fault.as_ref().map(fault_json),
    })
}

fn read_diagnostic(mut json: Json, secret: SecretOf<'_>) -> Option<Diagnostic> {
    let call = |json: &Json| Some((json.get(0)?.as_str()?.to_owned(), read_place(json.get(1)?)?));
    let fault = json.get_mut("fault").map(Json::take).filter(|fault| !fault.is_null());
    Some(Diagnostic {
        message: json.get("message")?.as_str()?.to_owned(),
        place: json.get("place").and_then(read_place),
        stack: json.get("stack")?.as_array()?.iter().map(call).collect::<Option<_>>()?,
        hints: serde_json::from_value(json.get("hints")?.clone()).ok()?,
        fault: fault.map(|fault| read_fault(fault, secret)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Fault, FaultKind};
    use crate::secret::Secret;

    fn fault() -> Fault {
        let mut fault = Fault::new(FaultKind::Conflict, "no").on("seg").during("groups").with_status(409);
        fault.details.insert("secret".into(), Value::Secret(Secret::handle("#3")));
        fault.entry = Some(4);
        fault.retryable()
    }

    #[test]
    fn every_answer_comes_as_it_went() {
        let catalog = Catalog::builtin();
        let row = catalog.row("seg", "groups");
        let http = HttpAnswer {
            content_type: Some("text/plain".into()),
            body: Bytes::from_static(b"\xff"),
            assumed: true,
            ..HttpAnswer::unseen(row)
        };
        let stops = [
            Stop::Cancelled,
            Stop::TimedOut("a".into()),
            Stop::Limit("b".into()),
            Stop::Diverged("c".into()),
            Stop::Uncertain(Box::new(fault())),
            Stop::PutOff,
            Stop::Lost("d".into()),
        ];
        let mut answers: Vec<Result<Reply, Failure>> = vec![
            Ok(Reply::Value(Value::Secret(Secret::handle("#1")))),
            Ok(Reply::Value(Value::Null)),
            Ok(Reply::Json(Bytes::from_static(b"{}"))),
            Ok(Reply::Bytes(Bytes::new())),
            Ok(Reply::Http(http)),
            Err(fault().into()),
        ];
        answers.extend(stops.into_iter().map(|stop| Err(stop.into())));
        for answer in answers {
            let (head, body) = encode(answer.clone());
            assert_eq!(read(head, body, &catalog, &|handle| Secret::handle(handle)), Some(answer));
        }
    }

    #[test]
    fn every_end_comes_as_it_went() {
        let place = |line| Place { file: "a.rhai".into(), line, column: 3 };
        let diagnostic = || {
            Box::new(Diagnostic {
                message: "no".into(),
                place: Some(place(7)),
                stack: vec![("f".into(), place(9))],
                hints: vec!["try".into()],
                fault: Some(fault()),
            })
        };
        let bare = Box::new(Diagnostic { place: None, stack: Vec::new(), fault: None, ..*diagnostic() });
        for end in [
            Ok(Value::Null),
            Err(ScriptError::Unreadable(bare)),
            Err(ScriptError::Failed(diagnostic())),
            Err(ScriptError::Stopped(Stop::TimedOut("late".into()), diagnostic())),
        ] {
            let back = read_end(encode_end(&end), &|handle| Secret::handle(handle)).unwrap();
            assert_eq!(format!("{back:?}"), format!("{end:?}"));
        }
        assert!(read_end(json!({ "failed": { "message": 7 } }), &|handle| Secret::handle(handle)).is_none());
    }
}
