//! The world beyond the appliances: HTTP to allowed hosts, and chance.

use rhai::{EvalAltResult, ImmutableString, Map, Module, NativeCallContext};

use super::add;
use crate::door::{Action, Reply};
use crate::engine::context::RunContext;
use crate::engine::{error, values};

type Answer<T> = Result<T, Box<EvalAltResult>>;

pub(super) fn register(module: &mut Module) {
    let get =
        "/// Fetches a URL of an allowed host: gives `#{ status, content_type, body }`. Options: `headers`, `timeout`.";
    add(
        module,
        "http_get",
        &["url: string", "#{ status: int, content_type: string, body: string }"],
        get,
        |context: NativeCallContext, url: ImmutableString| fetch(&context, "GET", &url, &Map::new()),
    );
    add(
        module,
        "http_get",
        &["url: string", "options: #{ headers, timeout }", "#{ status: int, content_type: string, body: string }"],
        get,
        |context: NativeCallContext, url: ImmutableString, options: Map| fetch(&context, "GET", &url, &options),
    );
    let post = "/// Posts to a URL of an allowed host. Options: `json` or `body`, `headers`, `timeout`.";
    add(
        module,
        "http_post",
        &[
            "url: string",
            "options: #{ json, body, headers, timeout }",
            "#{ status: int, content_type: string, body: string }",
        ],
        post,
        |context: NativeCallContext, url: ImmutableString, options: Map| fetch(&context, "POST", &url, &options),
    );
    add(
        module,
        "random",
        &["low: int", "high: int", "int"],
        "/// A random whole number between the two, both included.",
        |context: NativeCallContext, low: i64, high: i64| -> Answer<i64> {
            let value = RunContext::of(&context)?.value(&context, Action::Random { low, high })?;
            value.as_int().ok_or_else(|| "the door gave no number".into())
        },
    );
}

fn fetch(context: &NativeCallContext<'_>, method: &'static str, url: &str, options: &Map) -> Answer<Map> {
    let options = values::to_map(options).map_err(|message| error::invalid(message, context))?;
    let action = Action::Fetch { method, url: url.to_owned(), options };
    let mut map = Map::new();
    if let Reply::Http(answer) = RunContext::of(context)?.pass(context, action)? {
        map.insert("status".into(), i64::from(answer.status).into());
        map.insert("content_type".into(), answer.content_type.unwrap_or_default().into());
        map.insert("body".into(), String::from_utf8_lossy(&answer.body).into_owned().into());
    }
    Ok(map)
}
