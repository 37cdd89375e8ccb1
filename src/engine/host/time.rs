//! Time: instants and lengths are values of their own.

use std::cmp::Ordering;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use rhai::{EvalAltResult, ImmutableString, Module, NativeCallContext};

use super::add;
use crate::door::Action;
use crate::engine::context::RunContext;
use crate::engine::error;
use crate::engine::types::{Length, Time};
use crate::value::Value;

type Answer<T> = Result<T, Box<EvalAltResult>>;

pub(super) fn register(module: &mut Module) {
    module.set_custom_type::<Time>("Time");
    module.set_custom_type::<Length>("Duration");
    add(module, "now", &["Time"], "/// The present instant.", |context: NativeCallContext| now(&context));
    add(
        module,
        "hours_ago",
        &["hours: int", "Time"],
        "/// The instant so many hours ago.",
        |context: NativeCallContext, hours: i64| before(&context, hours, 3600),
    );
    add(
        module,
        "days_ago",
        &["days: int", "Time"],
        "/// The instant so many times 24 hours ago.",
        |context: NativeCallContext, days: i64| before(&context, days, 86_400),
    );
    add(
        module,
        "date",
        &["text: string", "Time"],
        "/// The instant that an ISO 8601 text says: `date(\"2026-11-24T03:00:00Z\")`; a day alone begins at midnight UTC.",
        |context: NativeCallContext, text: ImmutableString| -> Answer<Time> {
            let wrong = || {
                let message = format!(
                    "'{text}' is not an instant with its zone: write 2026-11-24T03:00:00Z, \
                     2026-11-24T04:00[Europe/Berlin], or a day alone"
                );
                error::invalid(message, &context)
            };
            crate::clock::instant(&text).map(Time).ok_or_else(wrong)
        },
    );
    add(
        module,
        "duration",
        &["text: string", "Duration"],
        "/// The length of time that a text says: `duration(\"90s\")`.",
        |context: NativeCallContext, text: ImmutableString| -> Answer<Length> {
            crate::duration::parse(&text).map(Length).map_err(|message| error::invalid(message, &context))
        },
    );
    add(module, "duration", &["length: Duration", "Duration"], "", |length: Length| length);
    add(
        module,
        "format_time",
        &["time: Time", "format: string", "zone: string", "string"],
        "/// The instant as a text: `format_time(now(), \"%Y-%m-%d %H:%M\", \"Europe/Berlin\")`.",
        |context: NativeCallContext, time: Time, format: ImmutableString, zone: ImmutableString| -> Answer<String> {
            let zone = TimeZone::get(&zone).map_err(|_| {
                error::invalid(format!("zone '{zone}' is not known: use an IANA name, such as Europe/Berlin"), &context)
            })?;
            let text = jiff::fmt::strtime::format(format.as_str(), &time.0.to_zoned_datetime(zone));
            text.map_err(|cause| error::invalid(format!("format '{format}' cannot be used: {cause}"), &context))
        },
    );
    add(module, "epoch", &["time: Time", "int"], "/// Seconds since 1970 UTC.", |time: &mut Time| time.0.as_second());
    add(module, "seconds", &["length: Duration", "int"], "/// Whole seconds.", |length: &mut Length| {
        length.0.as_secs()
    });
    add(module, "millis", &["length: Duration", "int"], "/// Whole milliseconds.", |length: &mut Length| {
        i64::try_from(length.0.as_millis()).unwrap_or(i64::MAX)
    });
    add(module, "to_string", &["time: Time", "string"], "", |time: &mut Time| time.0.to_string());
    add(module, "to_debug", &["time: Time", "string"], "", |time: &mut Time| time.0.to_string());
    add(module, "to_string", &["length: Duration", "string"], "", |length: &mut Length| format!("{:#}", length.0));
    add(module, "to_debug", &["length: Duration", "string"], "", |length: &mut Length| format!("{:#}", length.0));
    add(module, "+", &["text: string", "time: Time", "string"], "", |text: ImmutableString, time: Time| {
        format!("{text}{}", time.0)
    });
    add(module, "+", &["time: Time", "text: string", "string"], "", |time: Time, text: ImmutableString| {
        format!("{}{text}", time.0)
    });
    add(
        module,
        "+",
        &["time: Time", "length: Duration", "Time"],
        "",
        |context: NativeCallContext, time: Time, length: Length| shifted(&context, time, length.0),
    );
    add(
        module,
        "-",
        &["time: Time", "length: Duration", "Time"],
        "",
        |context: NativeCallContext, time: Time, length: Length| shifted(&context, time, -length.0),
    );
    add(module, "-", &["a: Time", "b: Time", "Duration"], "", |a: Time, b: Time| Length(a.0.duration_since(b.0)));
    add(module, "+", &["a: Duration", "b: Duration", "Duration"], "", |a: Length, b: Length| {
        Length(a.0.saturating_add(b.0))
    });
    add(module, "-", &["a: Duration", "b: Duration", "Duration"], "", |a: Length, b: Length| {
        Length(a.0.saturating_sub(b.0))
    });
    compare::<Time>(module, "Time");
    compare::<Length>(module, "Duration");
}

fn compare<T: Ord + Clone + Send + Sync + 'static>(module: &mut Module, name: &str) {
    let params = [format!("a: {name}"), format!("b: {name}"), "bool".to_owned()];
    let params: Vec<&str> = params.iter().map(String::as_str).collect();
    type Holds = fn(Ordering) -> bool;
    let operators: [(&str, Holds); 6] = [
        ("==", Ordering::is_eq),
        ("!=", Ordering::is_ne),
        ("<", Ordering::is_lt),
        ("<=", Ordering::is_le),
        (">", Ordering::is_gt),
        (">=", Ordering::is_ge),
    ];
    for (operator, holds) in operators {
        add(module, operator, &params, "", move |a: T, b: T| holds(a.cmp(&b)));
    }
}

fn now(context: &NativeCallContext<'_>) -> Answer<Time> {
    match RunContext::of(context)?.value(context, Action::Clock)? {
        Value::Time(time) => Ok(Time(time)),
        _ => Err("the door told no time".into()),
    }
}

fn before(context: &NativeCallContext<'_>, count: i64, seconds: i64) -> Answer<Time> {
    let length = count.checked_mul(seconds).map(SignedDuration::from_secs);
    let length = length.ok_or_else(|| error::invalid(format!("{count} is too far away"), context))?;
    shifted(context, now(context)?, -length)
}

fn shifted(context: &NativeCallContext<'_>, time: Time, by: SignedDuration) -> Answer<Time> {
    time.0.checked_add(by).map(Time).map_err(|_| error::invalid("the instant is out of range", context))
}
