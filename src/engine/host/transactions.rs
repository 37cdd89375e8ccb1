//! `transaction`: staged changes that take effect together or not at all.

use std::sync::Arc;

use rhai::{Dynamic, EvalAltResult, FnPtr, ImmutableString, Module, NativeCallContext};

use super::add;
use crate::door::Action;
use crate::engine::context::{RunContext, current_branch, on_branch};
use crate::engine::types::Target;

pub(super) fn register(module: &mut Module) {
    add(
        module,
        "transaction",
        &["target: Target", "message: string", "work: Fn", "any"],
        "/// Does staged changes together: `transaction(sps, \"new mail server\", || { … })` commits when the work ends, and \
         rolls back when it fails.",
        transaction,
    );
}

fn transaction(
    context: NativeCallContext,
    target: Target,
    message: ImmutableString,
    work: FnPtr,
) -> Result<Dynamic, Box<EvalAltResult>> {
    let run = RunContext::of(&context)?;
    let name = &target.name;
    run.value(&context, Action::Begin { target: Arc::clone(name), message: message.to_string() })?;
    let outer = current_branch();
    let branch = Arc::new(outer.within(Arc::clone(name)));
    let result = on_branch(branch, || work.call_within_context::<Dynamic>(&context, ()));
    let committed = result.and_then(|value| {
        let commit = Action::Commit { target: Arc::clone(name), message: message.to_string() };
        run.value(&context, commit).map(|_| value)
    });
    // The end of the run is nothing that the script goes on from.
    committed.inspect_err(|_| run.passage.abandon(&outer, name, run.why().is_none()))
}
