//! Targets: `target`, `targets`, their properties, and raw requests.

use std::sync::Arc;

use rhai::{Array, Dynamic, EvalAltResult, ImmutableString, Map, Module, NativeCallContext};

use super::{add, options, waits};
use crate::catalog::{Args, Effect};
use crate::door::{Action, RawRequest, Reply};
use crate::engine::context::RunContext;
use crate::engine::types::Target;
use crate::engine::{decode, error, values};
use crate::value::Value;

type Answer<T> = Result<T, Box<EvalAltResult>>;

/// What a raw request can be told.
const REQUEST: &[&str] = &["query", "headers", "body", "effect"];

pub(super) fn register(module: &mut Module) {
    module.set_custom_type::<Target>("Target");
    add(
        module,
        "target",
        &["name: string", "Target"],
        "/// The configured target of that name: `let seg = target(\"seg-prod\");`",
        |context: NativeCallContext, name: ImmutableString| -> Answer<Target> {
            let run = RunContext::of(&context)?;
            let value = run.value(&context, Action::Target(name.as_str().into()))?;
            from_value(&value).ok_or_else(|| "the door described no target".into())
        },
    );
    add(module, "target", &["target: Target", "Target"], "/// A target stays a target.", |target: &mut Target| {
        target.clone()
    });
    add(
        module,
        "targets",
        &["filter: #{ vendor, tag }", "array"],
        "/// The configured targets that fit: `targets(#{ vendor: \"seg\", tag: \"prod\" })`.",
        |context: NativeCallContext, filter: Map| -> Answer<Array> {
            let run = RunContext::of(&context)?;
            let filter = values::to_map(&filter).map_err(|message| error::invalid(message, &context))?;
            let value = run.value(&context, Action::Targets(filter))?;
            let list = value.as_list().unwrap_or_default();
            Ok(list.iter().filter_map(from_value).map(Dynamic::from).collect())
        },
    );
    FuncGet::add(module, "name", "/// The target's name.", |target| target.name.as_ref().into());
    FuncGet::add(module, "vendor", "/// The id of the target's vendor.", |target| target.vendor.as_ref().into());
    FuncGet::add(module, "tags", "/// The target's tags.", |target| {
        target.tags.iter().map(|tag| Dynamic::from(tag.clone())).collect::<Array>().into()
    });
    add(module, "to_string", &["target: Target", "string"], "", |target: &mut Target| target.name.to_string());
    add(module, "to_debug", &["target: Target", "string"], "", |target: &mut Target| {
        format!("target({:?})", target.name)
    });
    add(module, "==", &["a: Target", "b: Target", "bool"], "", |a: Target, b: Target| a.name == b.name);
    add(
        module,
        "request",
        &["target: Target", "method: string", "path: string", "any"],
        "/// A raw request: `seg.request(\"GET\", \"/groups\")`. One that is a call of the catalog counts as that call.",
        |context: NativeCallContext, target: &mut Target, method: ImmutableString, path: ImmutableString| {
            request(&context, target, &method, &path, Map::new())
        },
    );
    add(
        module,
        "request",
        &["target: Target", "method: string", "path: string", &options(REQUEST), "any"],
        "/// A raw request with `#{ query, body, headers, effect }`.",
        |context: NativeCallContext,
         target: &mut Target,
         method: ImmutableString,
         path: ImmutableString,
         options: Map| { request(&context, target, &method, &path, options) },
    );
}

struct FuncGet;

impl FuncGet {
    fn add(module: &mut Module, name: &str, doc: &str, get: fn(&Target) -> Dynamic) {
        rhai::FuncRegistration::new_getter(name)
            .in_global_namespace()
            .with_volatility(true)
            .with_params_info(["target: Target"])
            .with_comments([doc])
            .set_into_module(module, move |target: &mut Target| get(target));
    }
}

/// The target that a door's description is.
pub fn from_value(value: &Value) -> Option<Target> {
    let map = value.as_map()?;
    let tags = map.get("tags").and_then(Value::as_list).unwrap_or_default();
    Some(Target {
        name: map.get("name")?.as_text()?.into(),
        vendor: map.get("vendor")?.as_text()?.into(),
        tags: tags.iter().filter_map(|tag| tag.as_text().map(str::to_owned)).collect::<Vec<_>>().into(),
    })
}

fn request(
    context: &NativeCallContext<'_>,
    target: &Target,
    method_name: &str,
    path: &str,
    options: Map,
) -> Answer<Dynamic> {
    let run = RunContext::of(context)?;
    let options = values::to_map(&options).map_err(|message| error::invalid(message, context))?;
    let mut request = RawRequest {
        method: method_name.to_uppercase(),
        path: path.to_owned(),
        query: crate::value::Map::new(),
        body: None,
        headers: crate::value::Map::new(),
        effect: None,
    };
    for (name, value) in options {
        match (name.as_str(), value) {
            ("query", Value::Map(map)) => request.query = map,
            ("headers", Value::Map(map)) => request.headers = map,
            ("body", value) => request.body = Some(value),
            ("effect", Value::Text(word)) => {
                let effect = Effect::from_name(&word);
                let wrong = || error::invalid(format!("effect '{word}' is not one of read, change, destroy"), context);
                request.effect = Some(effect.ok_or_else(wrong)?);
            }
            (other, _) => {
                let hint = crate::nearest::did_you_mean(other, REQUEST.iter().copied());
                let message = format!(
                    "'{other}' is not an option of a raw request, or of the wrong type.{hint} Options: query (map), headers (map), body, effect"
                );
                return Err(error::invalid(message, context));
            }
        }
    }
    // One that is a call begins what the call begins.
    let row = run.catalog.match_raw(&target.vendor, &request.method, &request.path).filter(|row| waits::is_long(row));
    let named = request.body.as_ref().and_then(Value::as_map).filter(|_| row.is_some()).cloned().unwrap_or_default();
    let _turn = row.map(|row| waits::begins(context, &run, target, row, &[], &named)).transpose()?;
    let sent = run.pass(context, Action::Raw { target: Arc::clone(&target.name), request }).inspect_err(|_| {
        if let Some(row) = row {
            waits::ended(&run, target, row, &[], &named);
        }
    });
    match sent? {
        Reply::Http(answer) => decode::answer(&answer).map_err(|fault| error::throw(fault, context)),
        Reply::Value(_) | Reply::Json(_) | Reply::Bytes(_) => Ok(Dynamic::UNIT),
    }
}

/// A catalog call by name: `arguments` without the target.
pub fn method(
    context: &NativeCallContext<'_>,
    target: &Target,
    name: &'static str,
    arguments: &mut [&mut Dynamic],
) -> Answer<Dynamic> {
    let run = RunContext::of(context)?;
    if let Some(work) = arguments.last().and_then(|last| last.read_lock::<rhai::FnPtr>().map(|work| work.clone())) {
        let before = arguments.len() - 1;
        return super::update::call(
            context,
            &run,
            target,
            name,
            arguments.get_mut(..before).unwrap_or_default(),
            &work,
        );
    }
    if let Some(paged) = name.strip_suffix("_pages").and_then(|base| run.catalog.row(&target.vendor, base)) {
        return super::pages::begin(context, &run, target, paged, arguments);
    }
    let Some(row) = run.catalog.row(&target.vendor, name) else {
        let rows = run.catalog.vendor(&target.vendor).map(|vendor| vendor.rows).unwrap_or_default();
        let hint = crate::nearest::did_you_mean(name, rows.names());
        let message = format!("'{}' is of vendor {}, which has no call '{name}'.{hint}", target.name, target.vendor);
        return Err(error::invalid(message, context));
    };
    let (positional, args) = split(context, row, arguments)?;
    if !row.chunked && !waits::is_long(row) {
        return invoke(context, &run, target, row, positional, args);
    }
    let map = args.into_map();
    if row.chunked {
        return super::upload::call(context, &run, target, row, positional, map);
    }
    let (given, named) = (positional.clone(), map.clone());
    let _turn = waits::begins(context, &run, target, row, &given, &named)?;
    invoke(context, &run, target, row, positional, map).inspect_err(|_| waits::ended(&run, target, row, &given, &named))
}

/// The arguments by position, and those of the map behind them.
pub(super) fn split(
    context: &NativeCallContext<'_>,
    row: &'static crate::catalog::Row,
    arguments: &mut [&mut Dynamic],
) -> Answer<(Vec<Value>, Args)> {
    let name = row.name;
    let wanted = row.path_params().count();
    let root = row.params.iter().any(|param| param.root);
    let mut args = Args::default();
    let mut positional = Vec::with_capacity(arguments.len());
    let count = arguments.len();
    for (index, argument) in arguments.iter_mut().enumerate() {
        let wrong = |message| error::invalid(format!("argument {} of {name}: {message}", index + 1), context);
        match argument.read_lock::<Map>().filter(|_| index + 1 == count && index >= wanted) {
            Some(given) => args = values::to_args(&given).map_err(wrong)?,
            None => positional.push(values::to_value(argument).map_err(wrong)?),
        }
    }
    if positional.len() != wanted && !(root && positional.len() == wanted + 1) {
        let message = format!(
            "{name} takes {wanted} argument(s) and a map, and was given {count}. It is written {}",
            crate::catalog::signature(row)
        );
        return Err(error::invalid(message, context));
    }
    Ok((positional, args))
}

/// Checks the arguments of a call and passes it through the door.
pub(super) fn invoke(
    context: &NativeCallContext<'_>,
    run: &RunContext,
    target: &Target,
    row: &'static crate::catalog::Row,
    positional: Vec<Value>,
    args: impl Into<Args>,
) -> Answer<Dynamic> {
    let call =
        crate::catalog::bind(row, positional, args).map_err(|fault| error::throw(fault.on(&target.name), context))?;
    send(context, run, target, call)
}

/// Passes a call whose arguments are checked through the door.
pub(super) fn send(
    context: &NativeCallContext<'_>,
    run: &RunContext,
    target: &Target,
    call: crate::catalog::Bound,
) -> Answer<Dynamic> {
    let name = call.row.name;
    match run.pass(context, Action::Call { target: Arc::clone(&target.name), call })? {
        Reply::Http(answer) => {
            decode::answer(&answer).map_err(|fault| error::throw(fault.on(&target.name).during(name), context))
        }
        Reply::Value(_) | Reply::Json(_) | Reply::Bytes(_) => Ok(Dynamic::UNIT),
    }
}
