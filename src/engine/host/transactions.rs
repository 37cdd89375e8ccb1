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
    let branch = Arc::new(current_branch().within(Arc::clone(name)));
    let result = on_branch(branch, || work.call_within_context::<Dynamic>(&context, ()));
    let value = match result {
        Ok(value) => value,
        Err(error) => {
            run.passage.abandon(name);
            return Err(error);
        }
    };
    let commit = Action::Commit { target: Arc::clone(name), message: message.to_string() };
    // A commit that fails is rolled back by the door; one that never got there, here.
    run.value(&context, commit).inspect_err(|_| run.passage.abandon(name))?;
    Ok(value)
}
