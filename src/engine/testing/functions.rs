//! The functions that test scripts have beside those of every script.

use std::sync::Arc;

use rhai::{Array, Dynamic, EvalAltResult, FnPtr, ImmutableString, Map, Module, NativeCallContext};

use super::nowhere::Nowhere;
use super::stage::Stage;
use crate::engine::host::add;
use crate::engine::{error, values};
use crate::value::Value;

type Answer<T> = Result<T, Box<EvalAltResult>>;

/// What a test expected and did not find.
fn unmet(message: String, context: &NativeCallContext<'_>) -> Box<EvalAltResult> {
    EvalAltResult::ErrorRuntime(message.into(), context.call_position()).into()
}

fn value(value: &Dynamic, context: &NativeCallContext<'_>) -> Answer<Value> {
    values::to_value(value).map_err(|message| unmet(message, context))
}

fn map(map: &Map, context: &NativeCallContext<'_>) -> Answer<crate::value::Map> {
    values::to_map(map).map_err(|message| unmet(message, context))
}

/// The functions with their texts, for editors.
pub(in crate::engine) fn described() -> Module {
    module(&(Arc::new(Nowhere) as Arc<dyn Stage>))
}

/// The functions on a stage.
pub(super) fn module(stage: &Arc<dyn Stage>) -> Module {
    let mut module = Module::new();
    module.set_id("beadle test");
    expectations(&mut module);
    appliances(&mut module, stage);
    runs(&mut module, stage);
    module.build_index();
    module
}

fn expectations(module: &mut Module) {
    let doc = "/// Fails the test with the message unless `condition` holds.";
    add(
        module,
        "assert",
        &["condition: bool", "message: string"],
        doc,
        |context: NativeCallContext, condition: bool, message: ImmutableString| -> Answer<()> {
            if condition { Ok(()) } else { Err(unmet(message.into(), &context)) }
        },
    );
    add(
        module,
        "assert_eq",
        &["a: any", "b: any"],
        "/// Fails the test unless both are the same value.",
        |context: NativeCallContext, a: Dynamic, b: Dynamic| -> Answer<()> {
            let (a, b) = (value(&a, &context)?, value(&b, &context)?);
            if a == b {
                return Ok(());
            }
            Err(unmet(format!("the two are not equal\n  a: {}\n  b: {}", a.to_json(), b.to_json()), &context))
        },
    );
    add(
        module,
        "assert_throws",
        &["work: Fn", "any"],
        "/// Fails the test unless `work` throws; gives what it threw.",
        |context: NativeCallContext, work: FnPtr| -> Answer<Dynamic> {
            let error = match work.call_within_context::<Dynamic>(&context, ()) {
                Ok(_) => return Err(unmet("nothing was thrown".into(), &context)),
                Err(error) => error,
            };
            match error.unwrap_inner() {
                // The end of the test itself is not what it expects.
                EvalAltResult::ErrorTerminated(..) => Err(error),
                EvalAltResult::ErrorRuntime(thrown, _) => Ok(thrown.clone()),
                _ => Ok(error::to_map(&error::fault_of(&error)).into()),
            }
        },
    );
}

fn appliances(module: &mut Module, stage: &Arc<dyn Stage>) {
    let doc =
        "/// Starts a simulated appliance (`seg`, `asyncos`, `sps`, `spectra`), and gives the name of its target.";
    let own = Arc::clone(stage);
    let start = move |context: NativeCallContext, vendor: ImmutableString, options: Map| -> Answer<ImmutableString> {
        let started = own.lab(&vendor, &map(&options, &context)?);
        started.map(Into::into).map_err(|message| unmet(message, &context))
    };
    add(module, "lab", &["vendor: string", "options: map", "string"], doc, start);
    let own = Arc::clone(stage);
    let start = move |context: NativeCallContext, vendor: ImmutableString| -> Answer<ImmutableString> {
        own.lab(&vendor, &crate::value::Map::new()).map(Into::into).map_err(|message| unmet(message, &context))
    };
    add(module, "lab", &["vendor: string", "string"], doc, start);
    let own = Arc::clone(stage);
    add(
        module,
        "requests",
        &["target: string", "array"],
        "/// What the appliance of a target saw: `#{ method, path, body, status, write, applied }` for each request.",
        move |context: NativeCallContext, target: ImmutableString| -> Answer<Dynamic> {
            own.requests(&target).map(values::to_dynamic).map_err(|message| unmet(message, &context))
        },
    );
    let own = Arc::clone(stage);
    add(
        module,
        "state",
        &["target: string", "map"],
        "/// What the appliance of a target holds, as far as the lab shows it.",
        move |context: NativeCallContext, target: ImmutableString| -> Answer<Dynamic> {
            own.state(&target).map(values::to_dynamic).map_err(|message| unmet(message, &context))
        },
    );
    let own = Arc::clone(stage);
    add(
        module,
        "faults",
        &["target: string", "faults: array"],
        "/// Sets what goes wrong at the appliance of a target from now on, in place of what did before.",
        move |context: NativeCallContext, target: ImmutableString, faults: Array| -> Answer<()> {
            let faults = value(&faults.into(), &context)?;
            own.faults(&target, &faults).map_err(|message| unmet(message, &context))
        },
    );
    let own = Arc::clone(stage);
    add(
        module,
        "file",
        &["name: string", "text: string", "string"],
        "/// Writes a file for the playbooks of this test, and gives its name.",
        move |context: NativeCallContext, name: ImmutableString, text: ImmutableString| -> Answer<ImmutableString> {
            own.file(&name, &text).map(Into::into).map_err(|message| unmet(message, &context))
        },
    );
    let own = Arc::clone(stage);
    add(
        module,
        "written",
        &["name: string", "string"],
        "/// The text of a file that a run has written, such as `out/report.csv`.",
        move |context: NativeCallContext, name: ImmutableString| -> Answer<ImmutableString> {
            own.written(&name).map(Into::into).map_err(|message| unmet(message, &context))
        },
    );
    let own = Arc::clone(stage);
    add(
        module,
        "settings",
        &["toml: string"],
        "/// Adds to the configuration that the playbooks of this test run with.",
        move |context: NativeCallContext, toml: ImmutableString| -> Answer<()> {
            own.settings(&toml).map_err(|message| unmet(message, &context))
        },
    );
}

fn runs(module: &mut Module, stage: &Arc<dyn Stage>) {
    let doc = "/// Runs a playbook, as `beadle run` does: `#{ outcome, value, error, out, failed }`. Options: `yes`, `allow`, `kill_after`.";
    let own = Arc::clone(stage);
    add(
        module,
        "run",
        &["playbook: string", "params: map", "map"],
        doc,
        move |context: NativeCallContext, playbook: ImmutableString, params: Map| -> Answer<Dynamic> {
            let ran = own.run(&playbook, &map(&params, &context)?, &crate::value::Map::new());
            ran.map(values::to_dynamic).map_err(|message| unmet(message, &context))
        },
    );
    let own = Arc::clone(stage);
    add(
        module,
        "run",
        &["playbook: string", "params: map", "options: #{ yes, allow, kill_after }", "map"],
        doc,
        move |context: NativeCallContext, playbook: ImmutableString, params: Map, options: Map| -> Answer<Dynamic> {
            let ran = own.run(&playbook, &map(&params, &context)?, &map(&options, &context)?);
            ran.map(values::to_dynamic).map_err(|message| unmet(message, &context))
        },
    );
    going_on(module, stage);
    let own = Arc::clone(stage);
    add(
        module,
        "plan",
        &["playbook: string", "params: map", "array"],
        "/// The changes that a dry run withholds: `#{ target, operation, effect, args, items }` for each.",
        move |context: NativeCallContext, playbook: ImmutableString, params: Map| -> Answer<Dynamic> {
            let planned = own.plan(&playbook, &map(&params, &context)?);
            planned.map(values::to_dynamic).map_err(|message| unmet(message, &context))
        },
    );
    let own = Arc::clone(stage);
    add(
        module,
        "snapshot",
        &["name: string", "value: any"],
        "/// Fails the test unless the value is the one kept under that name; `--update` keeps it.",
        move |context: NativeCallContext, name: ImmutableString, shown: Dynamic| -> Answer<()> {
            own.snapshot(&name, &value(&shown, &context)?).map_err(|message| unmet(message, &context))
        },
    );
}

/// What is done with the run before.
fn going_on(module: &mut Module, stage: &Arc<dyn Stage>) {
    type Work = fn(&dyn Stage, &crate::value::Map) -> Result<Value, String>;
    let functions: [(&str, &str, &str, Work); 2] = [
        (
            "resume",
            "options: #{ yes, allow, assume }",
            "/// Goes on with the last run, as `beadle runs resume` does. Options: `yes`, `allow`, `assume`.",
            |stage, options| stage.resume(options),
        ),
        (
            "undo",
            "options: #{ yes, allow }",
            "/// Takes the last run back, as `beadle runs undo` does. Options: `yes`, `allow`.",
            |stage, options| stage.undo(options),
        ),
    ];
    for (name, options, doc, work) in functions {
        let own = Arc::clone(stage);
        add(module, name, &["map"], doc, move |context: NativeCallContext| -> Answer<Dynamic> {
            let ended = work(&*own, &crate::value::Map::new());
            ended.map(values::to_dynamic).map_err(|message| unmet(message, &context))
        });
        let own = Arc::clone(stage);
        add(module, name, &[options, "map"], doc, move |context: NativeCallContext, options: Map| -> Answer<Dynamic> {
            let ended = work(&*own, &map(&options, &context)?);
            ended.map(values::to_dynamic).map_err(|message| unmet(message, &context))
        });
    }
}
