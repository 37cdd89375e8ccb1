//! Closures: followed where they stand, with what is known of their arguments.

use rhai::{Expr, FnPtr, ImmutableString, Position, Stmt};

use crate::engine::check::fact::Fact;
use crate::engine::check::finding::{Code, Finding};
use crate::engine::check::scope::Opening;
use crate::engine::check::walk::Walk;

/// A closure as it stands in a script.
pub(super) struct Literal {
    name: ImmutableString,
    captured: usize,
    position: Position,
}

impl<'p> Walk<'p> {
    /// The closure that an expression is. What captures variables comes as a block that shares them
    /// and curries the function.
    pub(super) fn closure_of(expr: &Expr) -> Option<Literal> {
        match expr {
            Expr::DynamicConstant(value, position) => {
                let pointer = value.read_lock::<FnPtr>()?;
                Some(Literal { name: pointer.fn_name().into(), captured: 0, position: *position })
            }
            Expr::Stmt(block) => match block.statements() {
                [Stmt::Share(_), Stmt::Expr(curried)] => match &**curried {
                    Expr::FnCall(call, _) => {
                        let inner = Self::closure_of(call.args.first()?)?;
                        Some(Literal { captured: call.args.len() - 1, ..inner })
                    }
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        }
    }

    pub(super) fn is_closure(expr: &Expr) -> bool {
        Self::closure_of(expr).is_some()
    }

    /// How many arguments a closure takes that is written out.
    pub(super) fn arity(&self, expr: &Expr) -> Option<usize> {
        let literal = Self::closure_of(expr)?;
        let function = self.this_unit()?.named(&literal.name).next()?;
        Some(function.params.len().saturating_sub(literal.captured))
    }

    /// Follows a closure, with what comes to its parameters; without it, anything may. Gives what is
    /// known of the closure itself.
    pub(super) fn closure(&mut self, expr: &'p Expr, arguments: Option<&[Fact]>, worker: bool) -> Option<Fact> {
        let arity = self.arity(expr)?;
        self.followed(expr, arguments, worker);
        Some(Fact::Closure(arity))
    }

    /// Follows a closure, and gives what is known of its value.
    pub(super) fn followed(&mut self, expr: &'p Expr, arguments: Option<&[Fact]>, worker: bool) -> Fact {
        let Some(literal) = Self::closure_of(expr) else {
            self.eval(expr);
            return Fact::Anything;
        };
        let unit = self.unit;
        let Some(function) = self.this_unit().and_then(|unit| unit.named(&literal.name).next()) else {
            return Fact::Anything;
        };
        self.scope.open(if worker { Opening::Worker } else { Opening::Closure });
        for (number, name) in function.params.iter().skip(literal.captured).enumerate() {
            let fact = match arguments {
                Some(facts) => facts.get(number).cloned().unwrap_or(Fact::Anything),
                None => Fact::Anything,
            };
            self.scope.declare(unit, name, literal.position, fact, false);
        }
        self.returns.push(Fact::Never);
        // A `break` or `try` around the closure is not one around its body.
        let breaks = std::mem::take(&mut self.breaks);
        let done = self.statements(&function.body);
        self.breaks = breaks;
        let returned = self.returns.pop().unwrap_or_default();
        self.scope.close();
        returned.join(done.fact)
    }

    /// Notes a closure that takes another number of arguments than it is called with.
    pub(super) fn expect_arity(&mut self, expr: &'p Expr, wanted: usize, of: &str) {
        let Some(arity) = self.arity(expr).filter(|arity| *arity != wanted) else { return };
        if self.quiet > 0 {
            return;
        }
        let bars = match wanted {
            0 => "|| …".to_owned(),
            _ => format!("|{}| …", vec!["x"; wanted].join(", ")),
        };
        let message = format!("{of} calls its function with {wanted} argument(s), and this one takes {arity}");
        let finding = Finding::new(Code::WrongArguments, self.place(expr.start_position()), message);
        self.note(finding.hint(format!("write it as {bars}")));
    }
}
