//! Flow: retries, waits, steps, child playbooks, failing. `parallel` has a file of its own.

use std::time::Duration;

use rhai::{Dynamic, EvalAltResult, FnPtr, ImmutableString, Map, Module, NativeCallContext};

use super::{add, options};
use crate::door::Action;
use crate::engine::context::{RunContext, StepUndo, current_branch};
use crate::engine::output::OutputEvent;
use crate::engine::types::{Length, Target};
use crate::engine::{error, parallel, values};
use crate::value::Value;

type Answer<T> = Result<T, Box<EvalAltResult>>;

/// What `retry` can be told.
const RETRY: &[&str] = &["attempts", "backoff"];

/// What `wait_until` can be told.
const WAIT: &[&str] = &["every", "timeout"];

/// What `step` can be told.
const STEP: &[&str] = &["undo"];

pub(super) fn register(module: &mut Module) {
    parallel::register(module);
    add(
        module,
        "sleep",
        &["length: string"],
        "/// Waits: `sleep(\"10s\")`.",
        |context: NativeCallContext, length: ImmutableString| -> Answer<()> {
            let length = parse(&context, &length)?;
            wait(&context, length).map(|_| ())
        },
    );
    add(
        module,
        "sleep",
        &["length: Duration"],
        "/// Waits for a length of time.",
        |context: NativeCallContext, length: Length| -> Answer<()> {
            wait(&context, crate::duration::to_std(length.0)).map(|_| ())
        },
    );
    add(
        module,
        "sleep",
        &["seconds: int"],
        "/// Waits for so many seconds.",
        |context: NativeCallContext, seconds: i64| -> Answer<()> {
            wait(&context, Duration::from_secs(u64::try_from(seconds).unwrap_or(0))).map(|_| ())
        },
    );
    add(
        module,
        "sleep",
        &["seconds: float"],
        "/// Waits for so many seconds.",
        |context: NativeCallContext, seconds: f64| -> Answer<()> {
            let length = Duration::try_from_secs_f64(seconds.max(0.0));
            wait(&context, length.map_err(|_| error::invalid("that is too long", &context))?).map(|_| ())
        },
    );
    add(
        module,
        "retry",
        &[&options(RETRY), "work: Fn", "any"],
        "/// Calls `work` again while it fails: `retry(#{ attempts: 5, backoff: \"2s\" }, || seg.groups())`. The pause \
         doubles each time. Refusals and wrong arguments are not tried again.",
        retry,
    );
    add(
        module,
        "wait_until",
        &[&options(WAIT), "work: Fn", "any"],
        "/// Calls `work` until it gives something other than `false` and `()`: `wait_until(#{ every: \"5s\", timeout: \
         \"10m\" }, || …)`. A time-out is an error.",
        wait_until,
    );
    add(
        module,
        "step",
        &["name: string", "work: Fn", "any"],
        "/// Names a part of the run: `step(\"back up\", || …)`.",
        |context: NativeCallContext, name: ImmutableString, work: FnPtr| step(&context, &name, None, &work),
    );
    add(
        module,
        "step",
        &["name: string", &options(STEP), "work: Fn", "any"],
        "/// A step that knows how to be taken back: `step(\"add\", #{ undo: || … }, || …)`.",
        |context: NativeCallContext, name: ImmutableString, options: Map, work: FnPtr| -> Answer<Dynamic> {
            known_options(&context, &options, STEP)?;
            let undo = options.get("undo").map(|undo| {
                let message = "undo is a function: step(\"add\", #{ undo: || … }, || …)";
                undo.clone().try_cast::<FnPtr>().ok_or_else(|| error::invalid(message, &context))
            });
            step(&context, &name, undo.transpose()?, &work)
        },
    );
    add(
        module,
        "is_assumed",
        &["value: any", "bool"],
        "/// Whether a dry run made the value up, or has withheld a change of the target.",
        |context: NativeCallContext, value: Dynamic| -> Answer<bool> {
            let run = RunContext::of(&context)?;
            if let Some(target) = value.read_lock::<Target>() {
                return Ok(run.passage.is_assumed_target(&target.name));
            }
            Ok(values::is_assumed(&value) || values::to_value(&value).is_ok_and(|value| run.passage.is_assumed(&value)))
        },
    );
    add(
        module,
        "run_playbook",
        &["name: string", "params: map", "any"],
        "/// Runs another playbook within this run, and gives its value.",
        |context: NativeCallContext, name: ImmutableString, params: Map| -> Answer<Dynamic> {
            let run = RunContext::of(&context)?;
            let params = values::to_map(&params).map_err(|message| error::invalid(message, &context))?;
            let action = Action::RunPlaybook { name: name.as_str().to_owned(), params };
            run.value(&context, action).map(values::to_dynamic)
        },
    );
    add(
        module,
        "fail",
        &["message: string"],
        "/// Ends the run as failed, unless something catches it.",
        |context: NativeCallContext, message: ImmutableString| -> Answer<()> {
            Err(EvalAltResult::ErrorRuntime(message.into(), context.call_position()).into())
        },
    );
}

fn parse(context: &NativeCallContext<'_>, text: &str) -> Answer<Duration> {
    crate::duration::parse_std(text).map_err(|message| error::invalid(message, context))
}

/// A length under a key of an options map.
pub fn option_length(context: &NativeCallContext<'_>, options: &Map, key: &str, default: Duration) -> Answer<Duration> {
    let Some(value) = options.get(key) else { return Ok(default) };
    if let Some(length) = value.read_lock::<Length>() {
        return Ok(crate::duration::to_std(length.0));
    }
    if let Ok(seconds) = value.as_int() {
        return Ok(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)));
    }
    let text = value
        .clone()
        .into_string()
        .map_err(|_| error::invalid(format!("{key} must be a length of time, such as \"5s\""), context))?;
    parse(context, &text)
}

fn known_options(context: &NativeCallContext<'_>, options: &Map, known: &[&str]) -> Answer<()> {
    match options.keys().find(|key| !known.contains(&key.as_str())) {
        None => Ok(()),
        Some(unknown) => {
            let hint = crate::nearest::did_you_mean(unknown, known.iter().copied());
            let list = known.join(", ");
            Err(error::invalid(format!("'{unknown}' is not an option here.{hint} Options: {list}"), context))
        }
    }
}

/// Waits by way of the door. What comes back is `()`, or an assumed value where a dry run does not wait.
fn wait(context: &NativeCallContext<'_>, length: Duration) -> Answer<Value> {
    RunContext::of(context)?.value(context, Action::Sleep(length))
}

fn retry(context: NativeCallContext, options: Map, work: FnPtr) -> Answer<Dynamic> {
    known_options(&context, &options, RETRY)?;
    let attempts = options.get("attempts").map_or(Ok(3), Dynamic::as_int);
    let attempts = attempts.map_err(|_| error::invalid("attempts must be an int", &context))?.max(1);
    let mut pause = option_length(&context, &options, "backoff", Duration::from_secs(1))?;
    let mut attempt = 1;
    loop {
        match work.call_within_context::<Dynamic>(&context, ()) {
            Err(error) if attempt < attempts && may_pass(&error) => {
                wait(&context, pause)?;
                pause = (pause * 2).min(Duration::from_secs(300));
                attempt += 1;
            }
            other => return other,
        }
    }
}

/// Whether another attempt could end otherwise.
fn may_pass(error: &EvalAltResult) -> bool {
    match error.unwrap_inner() {
        EvalAltResult::ErrorTerminated(..) | EvalAltResult::ErrorSystem(..) => false,
        EvalAltResult::ErrorRuntime(value, _) => error::from_thrown(value).is_none_or(|fault| fault.retryable),
        // A mistake in the script stays one.
        _ => false,
    }
}

fn wait_until(context: NativeCallContext, options: Map, work: FnPtr) -> Answer<Dynamic> {
    known_options(&context, &options, WAIT)?;
    let every = option_length(&context, &options, "every", Duration::from_secs(5))?;
    let timeout = option_length(&context, &options, "timeout", Duration::from_secs(600))?;
    let run = RunContext::of(&context)?;
    let begun = run.elapsed(&context)?;
    // What is waited for will not happen, or was there before: where the work names its targets, and
    // nothing was withheld of them, it is looked at all the same.
    if let Some(assumed) = run.passage.instead_of_waiting()
        && !names_unchanged_targets(&run, &work)
    {
        return Ok(values::to_dynamic(assumed));
    }
    loop {
        let value = work.call_within_context::<Dynamic>(&context, ())?;
        if !(value.is_unit() || value.as_bool() == Ok(false)) {
            return Ok(value);
        }
        let waited = run.elapsed(&context)?.saturating_sub(begun);
        let Some(left) = timeout.checked_sub(waited).filter(|left| !left.is_zero()) else {
            let fault = crate::fault::Fault::new(
                crate::fault::FaultKind::Timeout,
                format!("what was waited for did not happen within {timeout:?}"),
            );
            return Err(error::throw(fault, &context));
        };
        let assumed = wait(&context, every.min(left))?;
        if assumed != Value::Null {
            return Ok(values::to_dynamic(assumed));
        }
    }
}

/// Whether the work has captured targets, and a dry run has withheld no change of any of them.
fn names_unchanged_targets(run: &RunContext, work: &FnPtr) -> bool {
    let captured: Vec<_> =
        work.curry().iter().filter_map(|value| value.read_lock::<Target>().map(|target| target.name.clone())).collect();
    !captured.is_empty() && !captured.iter().any(|name| run.passage.is_assumed_target(name))
}

fn step(context: &NativeCallContext<'_>, name: &str, undo: Option<FnPtr>, work: &FnPtr) -> Answer<Dynamic> {
    let run = RunContext::of(context)?;
    let composite = run.open(context, Action::Step { name: name.to_owned(), undo: undo.is_some() })?;
    let place = composite.place();
    run.show(OutputEvent::Step(name.to_owned(), None));
    let result = work.call_within_context::<Dynamic>(context, ());
    run.show(OutputEvent::Step(name.to_owned(), Some(result.is_ok())));
    if run.why().is_some() {
        // The end of the run is not an end of the step: a resume goes on in it.
        return result;
    }
    // Everything between its place and this one stands in it.
    let end = i64::try_from(current_branch().entries()).unwrap_or(i64::MAX);
    let outcome = result.as_ref().map(|_| Value::Int(end));
    run.close(context, composite, outcome.map_err(|error| error::fault_of(error)))?;
    if let (Ok(_), Some(work)) = (&result, undo) {
        run.keep_undo(StepUndo { name: name.to_owned(), path: current_branch().path().to_vec(), place, work });
    }
    result
}
