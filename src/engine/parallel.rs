//! `parallel`: one thread for each item under way, each with private copies of what it captures.
//!
//! Rhai shares captured variables between copies of a closure, and under threads even reading
//! them fails now and then. So every worker gets copies of its own: what a closure writes to a
//! captured variable stays in that worker.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rhai::{Array, Dynamic, EvalAltResult, FnPtr, Map, Module, NativeCallContext};

use crate::confine::StackRoom;
use crate::door::{Action, Branch};
use crate::engine::context::{RunContext, current_branch, on_branch};
use crate::engine::error;
use crate::engine::host::{add, options};
use crate::failpoint;
use crate::fault::{Fault, FaultKind};
use crate::value::Value;

type Answer<T> = Result<T, Box<EvalAltResult>>;

/// How many items are under way at once, if the script does not say.
const LIMIT: usize = 16;

/// The most threads that one `parallel` has.
const MOST: usize = 1_000;

/// A worker's stack; untouched pages cost nothing.
const STACK: usize = 16 << 20;

/// What `parallel` can be told.
const STRICT: &[&str] = &["limit", "stop_after"];

/// What `parallel_settled` can be told.
const SETTLED: &[&str] = &["limit"];

pub(super) fn register(module: &mut Module) {
    add(
        module,
        "parallel",
        &["list: array", "work: Fn", "array"],
        "/// Calls `work` for every item, sixteen at a time, and gives the answers in order. The first error stops what \
         has not begun.",
        |context: NativeCallContext, list: Array, work: FnPtr| strict(&context, list, &Map::new(), &work),
    );
    add(
        module,
        "parallel",
        &["list: array", &options(STRICT), "work: Fn", "array"],
        "/// The same with `#{ limit, stop_after }`: how many at a time, and after how many errors to stop.",
        |context: NativeCallContext, list: Array, options: Map, work: FnPtr| strict(&context, list, &options, &work),
    );
    add(
        module,
        "parallel_settled",
        &["list: array", "work: Fn", "array"],
        "/// Calls `work` for every item, whatever becomes of the others; gives `#{ ok }` or `#{ error }` for each.",
        |context: NativeCallContext, list: Array, work: FnPtr| settled(&context, list, &Map::new(), &work),
    );
    add(
        module,
        "parallel_settled",
        &["list: array", &options(SETTLED), "work: Fn", "array"],
        "/// The same with `#{ limit }`.",
        |context: NativeCallContext, list: Array, options: Map, work: FnPtr| settled(&context, list, &options, &work),
    );
}

fn strict(context: &NativeCallContext<'_>, list: Array, options: &Map, work: &FnPtr) -> Answer<Array> {
    let (limit, stop_after) = read_options(context, options, STRICT)?;
    let results = run(context, list, limit, stop_after.unwrap_or(1), work)?;
    let mut values = Array::with_capacity(results.len());
    // The error of the lowest index is the one that every execution of the script would see.
    for result in results.into_iter().flatten() {
        values.push(result?);
    }
    Ok(values)
}

fn settled(context: &NativeCallContext<'_>, list: Array, options: &Map, work: &FnPtr) -> Answer<Array> {
    let (limit, _) = read_options(context, options, SETTLED)?;
    let results = run(context, list, limit, i64::MAX, work)?;
    let mut values = Array::with_capacity(results.len());
    for result in results.into_iter().flatten() {
        let mut map = Map::new();
        match result {
            Ok(value) => map.insert("ok".into(), value),
            Err(error) if is_stop(&error) => return Err(error),
            Err(error) => map.insert("error".into(), caught(&error)),
        };
        values.push(map.into());
    }
    Ok(values)
}

fn read_options(context: &NativeCallContext<'_>, options: &Map, known: &[&str]) -> Answer<(usize, Option<i64>)> {
    let mut limit = LIMIT;
    let mut stop_after = None;
    for (name, value) in options {
        let number = value.as_int().ok().filter(|number| *number > 0);
        match (known.contains(&name.as_str()), name.as_str(), number) {
            (true, "limit", Some(number)) => limit = usize::try_from(number).unwrap_or(MOST).min(MOST),
            (true, "stop_after", Some(number)) => stop_after = Some(number),
            (true, name, _) => return Err(error::invalid(format!("{name} must be an int of at least 1"), context)),
            (false, name, _) => {
                let list = known.join(", ");
                return Err(error::invalid(format!("'{name}' is not an option here. Options: {list}"), context));
            }
        }
    }
    Ok((limit, stop_after))
}

type Slots = Vec<Option<Answer<Dynamic>>>;

fn run(context: &NativeCallContext<'_>, list: Array, limit: usize, stop_after: i64, work: &FnPtr) -> Answer<Slots> {
    let run = RunContext::of(context)?;
    if list.is_empty() {
        return Ok(Vec::new());
    }
    let branch = current_branch();
    let composite = run.open(context, Action::Parallel(list.len() as u64))?;
    let (place, nth) = (composite.place(), branch.next_parallel());
    // A former execution has begun so many items, and stopped by itself: no others are begun.
    let known = composite.known.as_ref().and_then(Value::as_int).and_then(|begun| usize::try_from(begun).ok());
    let (count, stop_after) = known.map_or((list.len(), stop_after), |begun| (begun.min(list.len()), i64::MAX));
    let items: Vec<Mutex<Option<Dynamic>>> = list.into_iter().take(count).map(|item| Mutex::new(Some(item))).collect();
    let results: Vec<Mutex<Option<Answer<Dynamic>>>> = (0..count).map(|_| Mutex::new(None)).collect();
    let next = AtomicUsize::new(0);
    let errors = AtomicI64::new(0);
    let worker = || {
        let _counted = run.memory.enter();
        let mut work = work.clone();
        work.iter_curry_mut().for_each(|captured| *captured = captured.flatten_clone().into_shared());
        loop {
            if errors.load(Ordering::Relaxed) >= stop_after {
                break;
            }
            let index = next.fetch_add(1, Ordering::Relaxed);
            let (Some(item), Some(result)) = (items.get(index), results.get(index)) else { break };
            let Some(item) = take(item) else { break };
            let branch = Arc::new(Branch::item(&branch, place, nth, index as u64));
            let outcome = on_branch(branch, || {
                catch_unwind(AssertUnwindSafe(|| work.call_within_context::<Dynamic>(context, (item,))))
                    .unwrap_or_else(|_| Err("a function of the host failed inside parallel".into()))
            });
            if let Err(error) = &outcome {
                errors.fetch_add(1, Ordering::Relaxed);
                if !is_stop(error) {
                    // A journal that cannot be written stops the run at its next change.
                    let _later = run.passage.item_failed(&composite, index as u64);
                }
            }
            failpoint::reach("item");
            *result.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
        }
    };
    let workers = limit.min(count);
    let _room = StackRoom::of(workers as u64 * STACK as u64);
    std::thread::scope(|scope| {
        for number in 0..workers {
            let thread = std::thread::Builder::new().name(format!("item-{number}")).stack_size(STACK);
            run.passage.threads(1);
            let work = || {
                worker();
                run.passage.threads(-1);
            };
            if thread.spawn_scoped(scope, work).is_err() {
                run.passage.threads(-1);
                if number == 0 {
                    // No thread can be had at all: this one does the work.
                    worker();
                }
            }
        }
        // It waits for them, and does nothing itself.
        run.passage.threads(-1);
    });
    run.passage.threads(1);
    failpoint::reach("joined");
    if let Some(stop) = run.why() {
        // An item came to the end of the run: whatever the others came to, nothing may catch that.
        return Err(run.stopped(stop, context.call_position()));
    }
    let begun = i64::try_from(next.load(Ordering::Relaxed).min(count)).unwrap_or(i64::MAX);
    let outcome = match errors.load(Ordering::Relaxed) {
        0 => Ok(Value::Int(begun)),
        failed => Err(Fault::new(FaultKind::Invalid, format!("{failed} items failed")).with_detail("value", begun)),
    };
    run.close(context, composite, outcome)?;
    Ok(results.into_iter().map(|slot| slot.into_inner().unwrap_or_else(PoisonError::into_inner)).collect())
}

fn take(slot: &Mutex<Option<Dynamic>>) -> Option<Dynamic> {
    slot.lock().unwrap_or_else(PoisonError::into_inner).take()
}

fn is_stop(error: &EvalAltResult) -> bool {
    matches!(error.unwrap_inner(), EvalAltResult::ErrorTerminated(..))
}

/// What a `catch` would see; Rhai's own errors in the shape of ours.
fn caught(error: &EvalAltResult) -> Dynamic {
    match error.unwrap_inner() {
        EvalAltResult::ErrorRuntime(value, _) => value.clone(),
        other => error::to_map(&Fault::new(FaultKind::Invalid, other.to_string())).into(),
    }
}
