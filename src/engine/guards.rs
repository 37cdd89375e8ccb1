//! Rhai's own natives that allocate or block at once, replaced; symbols that scripts cannot have.

use rhai::Token;
use rhai::{Array, Blob, Dynamic, Engine, EvalAltResult, ImmutableString, Module, NativeCallContext};

use crate::engine::context::RunContext;
use crate::engine::error;
use crate::engine::host::add;

/// Symbols that end a process, or reach around the door.
pub const DISABLED: &[&str] = &["eval", "curry"];

/// Sets what no script can change.
pub fn set_up(engine: &mut Engine) {
    for symbol in DISABLED {
        engine.disable_symbol(*symbol);
    }
    // The same in every build: debug builds of Rhai would allow far less.
    engine.set_max_call_levels(128);
    engine.set_max_expr_depths(64, 64);
    engine.set_max_variables(10_000);
    engine.set_max_modules(100);
    engine.set_max_functions(5_000);
    engine.set_max_strings_interned(0);
    engine.set_strict_variables(true);
    engine.set_fail_on_invalid_map_property(true);
    free_words(engine);
    // Folding would run natives while compiling, and hide code from looks at the script.
    engine.set_optimization_level(rhai::OptimizationLevel::None);
}

/// Words that Rhai keeps for later, and that vendors use as names of fields.
const FREED: &[&str] = &[
    "var",
    "static",
    "goto",
    "match",
    "case",
    "public",
    "protected",
    "new",
    "use",
    "with",
    "is",
    "module",
    "package",
    "super",
    "spawn",
    "go",
    "sync",
    "async",
    "await",
    "yield",
    "default",
    "void",
    "null",
    "nil",
];

/// Lets scripts write `answer.default` as they write every other field.
#[expect(deprecated, reason = "Rhai marks this interface as subject to change; its version is pinned")]
fn free_words(engine: &mut Engine) {
    engine.on_parse_token(|token, _, _| freed(token));
}

/// The token as scripts have it.
pub fn freed(token: Token) -> Token {
    match token {
        Token::Reserved(word) if FREED.contains(&word.as_str()) => Token::Identifier(word),
        other => other,
    }
}

type Guarded<T> = Result<T, Box<EvalAltResult>>;

/// Registers the replacements: each asks for room before it takes it.
pub fn register(module: &mut Module) {
    add(module, "timestamp", &["Time"], "", |context: NativeCallContext| -> Guarded<Dynamic> {
        // Rhai's own clock would not go through the door.
        Err(error::invalid("there is no timestamp: now() gives the instant, and instants can be subtracted", &context))
    });
    add(module, "pad", &["text: string", "len: int", "with: char"], "", pad_text_char);
    add(module, "pad", &["text: string", "len: int", "with: string"], "", pad_text);
    add(module, "pad", &["array: array", "len: int", "with: any"], "", pad_array);
    add(module, "blob", &["len: int"], "", |context: NativeCallContext, len: i64| blob(&context, len, 0));
    add(module, "blob", &["len: int", "value: int"], "", |context: NativeCallContext, len: i64, value: i64| {
        blob(&context, len, value)
    });
    add(
        module,
        "to_chars",
        &["text: string", "array"],
        "",
        |context: NativeCallContext, text: &mut ImmutableString| -> Guarded<Array> {
            RunContext::of(&context)?
                .room_for((text.len() as u64).saturating_mul(size_of::<Dynamic>() as u64), &context)?;
            Ok(text.chars().map(Dynamic::from).collect())
        },
    );
    add(
        module,
        "replace",
        &["text: string", "find: string", "with: string"],
        "/// Replaces every `find` in the text.",
        |context: NativeCallContext,
         text: &mut ImmutableString,
         find: ImmutableString,
         with: ImmutableString|
         -> Guarded<()> {
            let count = if find.is_empty() { text.chars().count() + 1 } else { text.matches(find.as_str()).count() };
            let grown = (count as u64).saturating_mul(with.len() as u64).saturating_add(text.len() as u64);
            RunContext::of(&context)?.room_for(grown, &context)?;
            *text = text.replace(find.as_str(), &with).into();
            Ok(())
        },
    );
    add(
        module,
        "replace",
        &["text: string", "find: char", "with: char"],
        "",
        |text: &mut ImmutableString, find: char, with: char| {
            *text = text.replace(find, with.encode_utf8(&mut [0; 4])).into();
        },
    );
    add(
        module,
        "replace",
        &["text: string", "find: string", "with: char"],
        "",
        |context: NativeCallContext, text: &mut ImmutableString, find: ImmutableString, with: char| -> Guarded<()> {
            let grown = (text.len() as u64 + 1).saturating_mul(4);
            RunContext::of(&context)?.room_for(grown, &context)?;
            *text = text.replace(find.as_str(), with.encode_utf8(&mut [0; 4])).into();
            Ok(())
        },
    );
    add(
        module,
        "replace",
        &["text: string", "find: char", "with: string"],
        "",
        |context: NativeCallContext, text: &mut ImmutableString, find: char, with: ImmutableString| -> Guarded<()> {
            let count = text.chars().filter(|c| *c == find).count() as u64;
            RunContext::of(&context)?.room_for(count.saturating_mul(with.len() as u64), &context)?;
            *text = text.replace(find, &with).into();
            Ok(())
        },
    );
}

fn pad_text_char(context: NativeCallContext, text: &mut ImmutableString, len: i64, with: char) -> Guarded<()> {
    pad_text(context, text, len, with.to_string().into())
}

fn pad_text(context: NativeCallContext, text: &mut ImmutableString, len: i64, with: ImmutableString) -> Guarded<()> {
    let have = text.chars().count();
    let wanted = usize::try_from(len).unwrap_or(0);
    if wanted <= have || with.is_empty() {
        return Ok(());
    }
    RunContext::of(&context)?.room_for((wanted as u64).saturating_mul(4), &context)?;
    let mut padded = String::with_capacity(text.len() + wanted - have);
    padded.push_str(text);
    padded.extend(with.chars().cycle().take(wanted - have));
    *text = padded.into();
    Ok(())
}

fn pad_array(context: NativeCallContext, array: &mut Array, len: i64, with: Dynamic) -> Guarded<()> {
    let wanted = usize::try_from(len).unwrap_or(0);
    if wanted > array.len() {
        RunContext::of(&context)?.room_for((wanted as u64).saturating_mul(size_of::<Dynamic>() as u64), &context)?;
        array.resize(wanted, with);
    }
    Ok(())
}

fn blob(context: &NativeCallContext<'_>, len: i64, value: i64) -> Guarded<Blob> {
    let len = usize::try_from(len).unwrap_or(0);
    RunContext::of(context)?.room_for(len as u64, context)?;
    Ok(vec![(value & 0xff) as u8; len])
}
