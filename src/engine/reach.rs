//! Which functions of scripts are called: tests of playbooks count them.
//!
//! Rhai tells nobody that a function begins, so that one that is counted gets a statement before its others, behind its
//! brace. Journal and messages have the text as it was written, and lines stay what they are; columns behind a brace on
//! the same line do not. A run that nobody counts has none of this.

use std::sync::Arc;

use rhai::{AST, ASTNode, Engine, Expr, ParseError, Position};

use crate::engine::context::RunContext;

/// What is called where a function begins; no script would take that name.
const MARK: &str = "beadle_function_begins";

/// Counts functions.
pub trait Reach: Send + Sync {
    /// A script has these functions, and names these methods. Gives a number for each function.
    fn loaded(&self, script: &str, functions: &[String], methods: Vec<String>) -> Vec<i64>;

    /// The function with this number was called.
    fn reached(&self, number: i64);
}

/// Lets an engine tell of functions that begin, if somebody counts them.
pub(super) fn register(engine: &mut Engine, context: &RunContext) {
    if let Some(reach) = context.output.reach() {
        engine.register_fn(MARK, move |number: i64| reach.reached(number));
    }
}

/// A script whose functions tell that they begin, if somebody counts them; `again` compiles a text as the script's own
/// was.
pub(super) fn counted(
    engine: &Engine,
    name: &str,
    text: &str,
    ast: AST,
    again: impl FnOnce(&str) -> Result<AST, ParseError>,
) -> AST {
    let context = engine.default_tag().clone().try_cast::<Arc<RunContext>>();
    let Some(reach) = context.and_then(|context| context.output.reach()) else { return ast };
    let functions = ast.shared_lib().iter_script_fn_info().map(|(.., function)| function);
    // A closure has no name by which somebody could look for it.
    let named: Vec<(String, Position)> = functions
        .filter(|function| !function.name.starts_with("anon$"))
        .map(|function| (function.name.to_string(), function.body.start_position()))
        .collect();
    let names: Vec<String> = named.iter().map(|(name, _)| name.clone()).collect();
    let numbers = reach.loaded(name, &names, methods(&ast));
    let marks = named.iter().map(|(_, position)| *position).zip(numbers).collect();
    match again(&marked(text, marks)) {
        Ok(mut marked) => {
            marked.set_source(name);
            marked
        }
        // Not counted is better than not run.
        Err(_) => ast,
    }
}

/// A text with a mark behind the brace at each position. Lines stay what they are.
fn marked(text: &str, mut marks: Vec<(Position, i64)>) -> String {
    marks.sort_by_key(|(position, _)| std::cmp::Reverse((position.line(), position.position())));
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    for (position, number) in marks {
        let (Some(line), Some(column)) = (position.line(), position.position()) else { continue };
        let Some(line) = lines.get_mut(line - 1) else { continue };
        let behind = line.char_indices().nth(column - 1).map(|(at, letter)| (at + letter.len_utf8(), letter));
        if let Some((at, '{')) = behind {
            line.insert_str(at, &format!("{MARK}({number});"));
        }
    }
    lines.join("\n")
}

/// The names of the methods that a script calls, calls of appliances among them.
fn methods(ast: &AST) -> Vec<String> {
    let mut names = Vec::new();
    ast.walk(&mut |path: &[ASTNode<'_>]| {
        if let Some(ASTNode::Expr(Expr::MethodCall(call, _))) = path.last() {
            names.push(call.name.to_string());
        }
        true
    });
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_stands_behind_each_brace_and_keeps_the_lines() {
        let marks = vec![(Position::new(1, 8), 1), (Position::new(2, 8), 2), (Position::new(2, 21), 3)];
        let text = marked("fn a() {\nfn b() { 1 } fn ü() { 2 }\n}", marks);
        let mark = |number: i64| format!("{MARK}({number});");
        assert_eq!(text, format!("fn a() {{{}\nfn b() {{{} 1 }} fn ü() {{{} 2 }}\n}}", mark(1), mark(2), mark(3)));
    }
}
