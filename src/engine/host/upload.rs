//! Long uploads in pieces, each a request of its own.

use rhai::{Dynamic, EvalAltResult, NativeCallContext};

use super::targets::send;
use crate::catalog::{Row, Type, bind};
use crate::door::Action;
use crate::engine::context::RunContext;
use crate::engine::error;
use crate::engine::output::OutputEvent;
use crate::engine::types::Target;
use crate::fault::{Fault, FaultKind};
use crate::value::{Map, Value};

/// How long a piece is.
const PIECE: u64 = 8 << 20;

/// Sends a file in pieces by the rules of flow.js: an identifier of 32 hex digits for all of them,
/// numbers from 1, and the sizes. What the script gives of these goes before.
pub(super) fn call(
    context: &NativeCallContext<'_>,
    run: &RunContext,
    target: &Target,
    row: &'static Row,
    positional: Vec<Value>,
    map: Map,
) -> Result<Dynamic, Box<EvalAltResult>> {
    let throw = |fault: Fault| error::throw(fault.on(&target.name).during(row.name), context);
    let file = row.params.iter().find(|param| param.ty == Type::File);
    let given = file.and_then(|param| map.iter().find(|(name, _)| param.is_called(name)));
    let Some(path) = given.and_then(|(_, value)| value.as_text()).map(str::to_owned) else {
        return Err(throw(Fault::new(FaultKind::Invalid, "'file' is required: the path of the file to send")));
    };
    let size = run.value(context, Action::FileSize(path.as_str().into()))?.as_int();
    let size = size.and_then(|size| u64::try_from(size).ok()).unwrap_or_default();
    let pieces = size.div_ceil(PIECE).max(1);
    let identifier = identifier(context, run)?;
    let name = std::path::Path::new(&path).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let progress = (pieces > 1).then(|| run.progress.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
    let mut answer = Dynamic::UNIT;
    for number in 0..pieces {
        let offset = number * PIECE;
        let length = PIECE.min(size - offset);
        let mut args = map.clone();
        let mut fill = |name: &str, value: Value| {
            let known = row.map_params().find(|param| param.is_called(name)).map(|param| param.name);
            if let Some(param) = known
                && !args.keys().any(|key| row.map_params().any(|have| have.name == param && have.is_called(key)))
            {
                args.insert(param.to_owned(), value);
            }
        };
        let int = |number: u64| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
        fill("flow_identifier", Value::from(identifier.as_str()));
        fill("flow_filename", Value::from(name.as_str()));
        fill("flow_total_size", int(size));
        fill("flow_current_chunk_size", int(length));
        fill("flow_chunk_number", int(number + 1));
        if pieces > 1 {
            fill("flow_chunk_size", int(PIECE));
            fill("flow_total_chunks", int(pieces));
            fill("flow_relative_path", Value::from(name.as_str()));
        }
        let mut call = bind(row, positional.clone(), args).map_err(throw)?;
        call.piece = Some((offset, length));
        answer = send(context, run, target, call)?;
        if let Some(id) = progress {
            run.show(OutputEvent::Progress { id, done: offset + length, total: size });
        }
    }
    Ok(answer)
}

/// A random UUID without its dashes, drawn at the door, so that a resumed run has the same.
fn identifier(context: &NativeCallContext<'_>, run: &RunContext) -> Result<String, Box<EvalAltResult>> {
    let draw = || -> Result<u64, Box<EvalAltResult>> {
        let number = run.value(context, Action::Random { low: 0, high: i64::MAX })?;
        Ok(number.as_int().unwrap_or_default().unsigned_abs())
    };
    // Version 4 in the thirteenth digit, the variant in the seventeenth.
    let high = draw()? & !0xf000 | 0x4000;
    let low = draw()? >> 1 | 1 << 63;
    Ok(format!("{high:016x}{low:016x}"))
}
