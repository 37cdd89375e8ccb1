//! What people see, are told and are asked: prints, logs, tables, progress, messages, questions, secrets by name.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rhai::{Array, Dynamic, EvalAltResult, ImmutableString, Module, NativeCallContext};

use super::add;
use crate::door::Action;
use crate::engine::context::RunContext;
use crate::engine::output::{Level, OutputEvent};
use crate::engine::types::Progress;
use crate::engine::{error, values};
use crate::secret::Secret;
use crate::value::Value;

type Answer<T> = Result<T, Box<EvalAltResult>>;

pub(super) fn register(module: &mut Module) {
    module.set_custom_type::<Progress>("Progress");
    for (name, level) in [("log_info", Level::Info), ("log_warn", Level::Warn), ("log_error", Level::Error)] {
        add(
            module,
            name,
            &["message: any"],
            "/// Writes a line to the log.",
            move |context: NativeCallContext, message: Dynamic| -> Answer<()> {
                // As `print` writes it: values of our own types do not know how.
                let text = context.call_native_fn::<ImmutableString>("to_string", (message,))?;
                RunContext::of(&context)?.show(OutputEvent::Log(level, text.into()));
                Ok(())
            },
        );
    }
    add(
        module,
        "table",
        &["rows: array"],
        "/// Shows maps as a table.",
        |context: NativeCallContext, rows: Array| -> Answer<()> {
            let rows = rows.iter().map(values::to_value).collect::<Result<Vec<_>, _>>();
            let rows = rows.map_err(|message| error::invalid(message, &context))?;
            if let Some(index) = rows.iter().position(|row| row.as_map().is_none()) {
                return Err(error::invalid(format!("row {index} is not a map"), &context));
            }
            RunContext::of(&context)?.show(OutputEvent::Table(Value::List(rows)));
            Ok(())
        },
    );
    add(
        module,
        "progress",
        &["total: int", "Progress"],
        "/// A counter for people to watch: `let p = progress(500); p.advance(100); p.done();`",
        |context: NativeCallContext, total: i64| -> Answer<Progress> {
            let run = RunContext::of(&context)?;
            let id = run.progress.fetch_add(1, Ordering::Relaxed);
            let progress = Progress { id, done: Arc::new(AtomicU64::new(0)), total: u64::try_from(total).unwrap_or(0) };
            run.show(OutputEvent::Progress { id, done: 0, total: progress.total });
            Ok(progress)
        },
    );
    add(
        module,
        "advance",
        &["progress: Progress", "by: int"],
        "/// Counts some more as done.",
        |context: NativeCallContext, progress: &mut Progress, by: i64| -> Answer<()> {
            let done = progress.advance(u64::try_from(by).unwrap_or(0));
            RunContext::of(&context)?.show(OutputEvent::Progress { id: progress.id, done, total: progress.total });
            Ok(())
        },
    );
    add(
        module,
        "done",
        &["progress: Progress"],
        "/// Counts all as done.",
        |context: NativeCallContext, progress: &mut Progress| -> Answer<()> {
            let total = progress.total;
            progress.done.store(total, Ordering::Relaxed);
            RunContext::of(&context)?.show(OutputEvent::Progress { id: progress.id, done: total, total });
            Ok(())
        },
    );
    add(
        module,
        "confirm",
        &["question: string", "bool"],
        "/// Asks the person at the terminal. Without one it is refused, unless `--yes` answers.",
        |context: NativeCallContext, question: ImmutableString| -> Answer<bool> {
            let run = RunContext::of(&context)?;
            Ok(run.value(&context, Action::Confirm(question.as_str().to_owned()))? == Value::Bool(true))
        },
    );
    add(
        module,
        "notify",
        &["channel: string", "message: string"],
        "/// Tells people something by a channel of the configuration. That it did not arrive is told and recorded, and never an error.",
        |context: NativeCallContext, channel: ImmutableString, message: ImmutableString| -> Answer<()> {
            let (channel, message) = (channel.as_str().to_owned(), message.as_str().to_owned());
            RunContext::of(&context)?.value(&context, Action::Notify { channel, message }).map(|_| ())
        },
    );
    add(
        module,
        "secret",
        &["name: string", "Secret"],
        "/// A secret of the configuration, for a call to use.",
        |context: NativeCallContext, name: ImmutableString| -> Answer<Secret> {
            match RunContext::of(&context)?.value(&context, Action::Secret(name.as_str().to_owned()))? {
                Value::Secret(secret) => Ok(secret),
                _ => Err("the door gave no secret".into()),
            }
        },
    );
}
