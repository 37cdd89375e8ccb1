//! Statements: what they declare and set, and whether anything can come after them.

use rhai::{ASTFlags, Expr, FlowControl, Position, Stmt, StmtBlock};

use crate::engine::check::fact::{Fact, Members};
use crate::engine::check::finding::{Code, Finding};
use crate::engine::check::scope::Opening;
use crate::engine::check::walk::{Walk, a};
use crate::engine::kind::Kind;

/// What a statement comes to.
pub(super) struct Done {
    /// What is known of its value.
    pub fact: Fact,
    /// Whether nothing can come after it.
    pub ends: bool,
}

impl Done {
    fn unit() -> Self {
        Self { fact: Fact::Kind(Kind::Unit), ends: false }
    }

    fn of(fact: Fact) -> Self {
        Self { fact, ends: false }
    }

    fn end() -> Self {
        Self { fact: Fact::Never, ends: true }
    }
}

impl<'p> Walk<'p> {
    /// Statements one after another, in the scope that is open.
    pub(super) fn statements(&mut self, statements: &'p [Stmt]) -> Done {
        let mut done = Done::unit();
        let mut told = false;
        for statement in statements.iter().filter(|statement| !matches!(statement, Stmt::Share(_))) {
            if done.ends && !told && !statement.is_noop() {
                told = true;
                self.say(Code::UnreachableCode, statement.position(), "nothing reaches this");
            }
            if statement.is_noop() {
                continue;
            }
            let ended = done.ends;
            done = self.statement(statement);
            if ended {
                done = Done::end();
            }
        }
        done
    }

    pub(super) fn block(&mut self, block: &'p StmtBlock) -> Done {
        self.scope.open(Opening::Block);
        let done = self.statements(block.statements());
        self.scope.close();
        done
    }

    fn statement(&mut self, statement: &'p Stmt) -> Done {
        match statement {
            Stmt::If(flow, _) => self.branches(flow),
            Stmt::Switch(switch, _) => {
                self.eval(&switch.0);
                let cases = &switch.1;
                let mut fact = if cases.def_case.is_some() { Fact::Never } else { Fact::Kind(Kind::Unit) };
                let mut ends = cases.def_case.is_some();
                for case in &cases.expressions {
                    if !matches!(case.lhs, Expr::BoolConstant(..)) {
                        self.expect_bool(&case.lhs, "the condition of a case");
                    }
                    let done = self.done(&case.rhs);
                    ends &= done.ends;
                    fact = fact.join(done.fact);
                }
                Done { fact, ends }
            }
            Stmt::While(flow, _) => {
                let endless = matches!(flow.expr, Expr::Unit(_) | Expr::BoolConstant(true, _));
                if !matches!(flow.expr, Expr::Unit(_)) {
                    self.expect_bool(&flow.expr, "the condition of a loop");
                }
                let (value, left) = self.repeated(&flow.body);
                if endless && !left { Done::end() } else { Done::of(value) }
            }
            Stmt::Do(flow, ..) => {
                let (value, _) = self.repeated(&flow.body);
                self.expect_bool(&flow.expr, "the condition of a loop");
                Done::of(value)
            }
            Stmt::For(parts, _) => {
                let (name, counter, flow) = &**parts;
                let list = self.eval(&flow.expr);
                self.iterable(&list, flow.expr.start_position());
                self.scope.open(Opening::Block);
                let entry = list.present().entry();
                self.scope.declare(self.unit, &name.name, name.pos, entry, false);
                if let Some(counter) = counter {
                    self.scope.declare(self.unit, &counter.name, counter.pos, Fact::Kind(Kind::Int), false);
                }
                let (value, _) = self.repeated(&flow.body);
                self.scope.close();
                Done::of(value)
            }
            Stmt::Var(var, flags, _) => {
                let fact = self.eval(&var.1);
                let wanted = !flags.intersects(ASTFlags::EXPORTED) && !var.0.name.starts_with('_');
                self.scope.declare(self.unit, &var.0.name, var.0.pos, fact, wanted);
                Done::unit()
            }
            Stmt::Assignment(assignment) => {
                self.assignment(&assignment.0, &assignment.1);
                Done::unit()
            }
            Stmt::FnCall(call, position) => {
                let fact = self.call(call, *position);
                let fails = !call.is_qualified() && matches!(call.name.as_str(), "fail" | "exit");
                if fails { Done::end() } else { Done::of(fact) }
            }
            Stmt::Block(block) => self.block(block),
            Stmt::TryCatch(flow, _) => {
                self.tries += 1;
                let tried = self.block(&flow.body);
                self.tries -= 1;
                self.scope.open(Opening::Block);
                if let Expr::Variable(variable, _, position) = &flow.expr {
                    self.scope.declare(self.unit, &variable.1, *position, Fact::Anything, false);
                }
                let caught = self.statements(flow.branch.statements());
                self.scope.close();
                Done { ends: tried.ends && caught.ends, ..Done::unit() }
            }
            Stmt::Expr(expr) => self.done(expr),
            Stmt::BreakLoop(value, flags, _) => {
                if let Some(value) = value {
                    self.eval(value);
                }
                if let Some(last) = self.breaks.last_mut().filter(|_| flags.intersects(ASTFlags::BREAK)) {
                    *last = true;
                }
                Done::end()
            }
            Stmt::Return(value, flags, _) => {
                let fact = value.as_ref().map_or(Fact::Kind(Kind::Unit), |value| self.eval(value));
                if let Some(last) = self.returns.last_mut().filter(|_| !flags.intersects(ASTFlags::BREAK)) {
                    *last = std::mem::take(last).join(fact);
                }
                Done::end()
            }
            Stmt::Import(import, position) => {
                let leads_to = match &import.0 {
                    Expr::StringConstant(path, _) => {
                        self.this_unit().and_then(|unit| unit.imports.get(path.as_str()).copied().flatten())
                    }
                    path => {
                        self.eval(path);
                        None
                    }
                };
                let position = if import.1.pos.is_none() { *position } else { import.1.pos };
                self.scope.import(self.unit, &import.1.name, position, leads_to);
                Done::unit()
            }
            Stmt::Export(names, _) => {
                if let Some((id, _)) = self.scope.find(&names.0.name) {
                    self.scope.read(id);
                }
                Done::unit()
            }
            _ => Done::unit(),
        }
    }

    /// An expression that stands as a statement, or as a branch.
    pub(super) fn done(&mut self, expr: &'p Expr) -> Done {
        match expr {
            Expr::Stmt(block) if !Self::is_closure(expr) => self.block(block),
            expr => Done::of(self.eval(expr)),
        }
    }

    fn branches(&mut self, flow: &'p FlowControl) -> Done {
        self.expect_bool(&flow.expr, "the condition");
        let yes = self.block(&flow.body);
        let no = self.block(&flow.branch);
        Done { ends: yes.ends && no.ends, fact: yes.fact.join(no.fact) }
    }

    /// A loop's body: what the loop comes to, and whether a `break` leaves it.
    fn repeated(&mut self, body: &'p StmtBlock) -> (Fact, bool) {
        self.breaks.push(false);
        self.block(body);
        let left = self.breaks.pop().unwrap_or_default();
        (if left { Fact::Anything } else { Fact::Kind(Kind::Unit) }, left)
    }

    fn iterable(&mut self, list: &Fact, position: Position) {
        use Kind::{Array, Blob, Range, Text};
        if let Some(kind) = list.kind().filter(|kind| !matches!(kind, Array | Blob | Range | Text)) {
            self.say(Code::WrongKind, position, format!("a loop needs a list, and not {}", a(kind)));
        }
    }

    fn assignment(&mut self, op: &'p rhai::OpAssignment, sides: &'p rhai::BinaryExpr) {
        let value = self.eval(&sides.rhs);
        let operator = op.get_op_assignment_info().map(|(.., name)| name);
        match &sides.lhs {
            Expr::Variable(variable, _, position) if variable.2.is_empty() => {
                let Some((id, outside)) = self.scope.find(&variable.1) else {
                    self.variable(variable, *position);
                    return;
                };
                self.lost(outside, &variable.1, *position);
                let value = match operator {
                    None => value,
                    Some(name) => {
                        let before = self.scope.known(id);
                        self.operated(name, before, value, op.position())
                    }
                };
                self.scope.learn(id, value);
            }
            Expr::Dot(sides, ..) => match (&sides.lhs, &sides.rhs) {
                (Expr::Variable(variable, _, position), Expr::Property(property, _)) if variable.2.is_empty() => {
                    let value = if operator.is_some() { Fact::Anything } else { value };
                    self.set_member(variable, *position, &property.2, value);
                }
                _ => self.set_deep(&sides.lhs, &sides.rhs),
            },
            Expr::Index(sides, ..) => match (&sides.lhs, &sides.rhs) {
                (Expr::Variable(variable, _, position), Expr::StringConstant(name, _)) if variable.2.is_empty() => {
                    let value = if operator.is_some() { Fact::Anything } else { value };
                    self.set_member(variable, *position, name, value);
                }
                _ => self.set_deep(&sides.lhs, &sides.rhs),
            },
            other => {
                self.eval(other);
            }
        }
    }

    /// `name.member = value`.
    fn set_member(&mut self, variable: &'p Var, position: Position, member: &str, value: Fact) {
        let Some((id, outside)) = self.scope.find(&variable.1) else {
            self.variable(variable, position);
            return;
        };
        self.lost(outside, &variable.1, position);
        let before = self.scope.read(id);
        let after = match before.clone().present() {
            Fact::Map(members) => Fact::Map(members.with(member, value)),
            other => other.loose(),
        };
        self.scope.learn(id, after);
    }

    /// A change that lies deeper than is followed: what is known of the variable's inside is given up.
    fn set_deep(&mut self, lhs: &'p Expr, rhs: &'p Expr) {
        // What is set need not be there yet: only what stands in brackets is looked at.
        self.eval(lhs);
        self.inside(rhs);
        self.loosen(lhs);
    }

    /// Gives up what is known of the inside of the variable at the root.
    pub(super) fn loosen(&mut self, expr: &'p Expr) {
        let mut root = expr;
        while let Expr::Dot(sides, ..) | Expr::Index(sides, ..) = root {
            root = &sides.lhs;
        }
        if let Expr::Variable(variable, _, position) = root
            && let Some((id, outside)) = self.scope.find(&variable.1)
        {
            self.lost(outside, &variable.1, *position);
            let before = self.scope.read(id);
            let after = match before {
                Fact::Map(members) => Fact::Map(Members { open: true, ..members.each(|_| (false, Fact::Anything)) }),
                other => other.loose(),
            };
            self.scope.learn(id, after);
        }
    }

    /// Notes a write that only a worker of `parallel` sees.
    pub(super) fn lost(&mut self, outside: bool, name: &str, position: Position) {
        if outside && self.quiet == 0 {
            let message =
                format!("what is written to '{name}' here is lost: each worker of parallel has a copy of its own");
            let finding = Finding::new(Code::LostWrite, self.place(position), message);
            self.note(
                finding.hint("give the value back at the end of the closure: parallel gives all of them in order"),
            );
        }
    }
}

/// What Rhai keeps of a variable.
pub(super) type Var = (Option<std::num::NonZeroUsize>, rhai::ImmutableString, rhai::Namespace, u64);
