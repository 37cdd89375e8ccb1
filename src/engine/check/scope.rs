//! The variables of a script: who sees which, and what is known of each.

use std::collections::HashMap;

use rhai::{ImmutableString, Position};

use crate::engine::check::fact::Fact;

/// A variable's number.
pub type VarId = usize;

/// What opens a part of the scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// A block.
    Block,
    /// A function, whose body sees nothing of what is around it.
    Function,
    /// A closure.
    Closure,
    /// A closure that `parallel` gives to its workers.
    Worker,
}

/// A name that can be seen.
#[derive(Clone, Debug)]
enum Visible {
    /// A variable.
    Variable(ImmutableString, VarId),
    /// A module's name, the unit that it leads to, and its number among the imports.
    Module(ImmutableString, Option<usize>, usize),
}

/// A variable that a script declares.
#[derive(Clone, Debug)]
pub struct Variable {
    /// Its name.
    pub name: ImmutableString,
    /// Its unit.
    pub unit: usize,
    /// Where it is declared.
    pub position: Position,
    /// Whether it is worth a remark when nobody reads it: parameters and counters are not.
    pub wanted: bool,
    /// Whether something reads it.
    pub read: bool,
    /// What is known of it, from every place that sets it.
    fact: Fact,
    /// The body that asked last what is known of it, by the number of its following.
    asked: usize,
}

/// An import.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The name that it is given.
    pub name: ImmutableString,
    /// Its unit.
    pub unit: usize,
    /// Where that stands.
    pub position: Position,
    /// Whether something uses it.
    pub used: bool,
}

/// The key of a declaration: its unit, its place, and its name.
type Key = (usize, usize, usize, ImmutableString);

/// All variables, and those that can be seen at the moment.
#[derive(Debug, Default)]
pub struct Scope {
    /// Every variable of the program.
    pub variables: Vec<Variable>,
    /// Every import of the program.
    pub imports: Vec<Imported>,
    ids: HashMap<Key, VarId>,
    import_ids: HashMap<Key, usize>,
    visible: Vec<Visible>,
    /// Where each open part begins.
    parts: Vec<(Opening, usize)>,
    /// What the statements of each unit import.
    imported: HashMap<usize, Vec<Visible>>,
    /// The number of the body that is followed, in the order of following.
    body: usize,
    /// Whether more was learned of a variable than the body at hand was told when it asked.
    pub outdated: bool,
    /// Whether what is learned now becomes "anything": the end of a search that does not end by itself.
    pub hasty: bool,
}

impl Scope {
    /// Another body is followed.
    pub fn begin(&mut self) {
        self.body += 1;
        self.outdated = false;
    }

    /// Keeps what the statements of a unit have imported.
    pub fn keep_imports(&mut self, unit: usize) {
        let seen = self.visible.iter().filter(|visible| matches!(visible, Visible::Module(..)));
        self.imported.insert(unit, seen.cloned().collect());
    }

    /// Shows what was kept of a unit.
    pub fn show_imports(&mut self, unit: usize) {
        self.visible.extend(self.imported.get(&unit).into_iter().flatten().cloned());
    }

    /// Opens a part.
    pub fn open(&mut self, opening: Opening) {
        self.parts.push((opening, self.visible.len()));
    }

    /// Closes the latest part; what it declared is not seen any more.
    pub fn close(&mut self) {
        if let Some((_, from)) = self.parts.pop() {
            self.visible.truncate(from);
        }
    }

    /// Declares a variable with what is known of its first value.
    pub fn declare(
        &mut self,
        unit: usize,
        name: &ImmutableString,
        position: Position,
        fact: Fact,
        wanted: bool,
    ) -> VarId {
        let key = key(unit, position, name);
        let id = match self.ids.get(&key) {
            Some(id) => *id,
            None => {
                let id = self.variables.len();
                self.variables.push(Variable {
                    name: name.clone(),
                    unit,
                    position,
                    wanted,
                    read: false,
                    fact: Fact::Never,
                    asked: 0,
                });
                self.ids.insert(key, id);
                id
            }
        };
        self.visible.push(Visible::Variable(name.clone(), id));
        self.learn(id, fact);
        id
    }

    /// Makes a module's name seen.
    pub fn import(&mut self, unit: usize, name: &ImmutableString, position: Position, leads_to: Option<usize>) {
        let key = key(unit, position, name);
        let known = self.imports.len();
        let id = *self.import_ids.entry(key).or_insert(known);
        if id == known {
            self.imports.push(Imported { name: name.clone(), unit, position, used: false });
        }
        self.visible.push(Visible::Module(name.clone(), leads_to, id));
    }

    /// The variable of that name, and whether it lies outside of a worker of `parallel`.
    pub fn find(&self, name: &str) -> Option<(VarId, bool)> {
        let floor = self.floor();
        let seen = self.visible.iter().enumerate().skip(floor).rev();
        let (at, id) = seen.into_iter().find_map(|(at, visible)| match visible {
            Visible::Variable(known, id) if known == name => Some((at, *id)),
            _ => None,
        })?;
        let worker = self.parts.iter().rev().find(|(opening, from)| *opening == Opening::Worker && *from >= floor);
        Some((id, worker.is_some_and(|(_, from)| at < *from)))
    }

    /// The module of that name: the unit that it leads to, if it leads to one that can be read.
    pub fn module(&mut self, name: &str) -> Option<Option<usize>> {
        // Functions see the imports of the text around them.
        let (unit, id) = self.visible.iter().rev().find_map(|visible| match visible {
            Visible::Module(known, unit, id) if known == name => Some((*unit, *id)),
            _ => None,
        })?;
        if let Some(import) = self.imports.get_mut(id) {
            import.used = true;
        }
        Some(unit)
    }

    /// The names of all variables that can be seen.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.visible.iter().skip(self.floor()).filter_map(|visible| match visible {
            Visible::Variable(name, _) => Some(name.as_str()),
            Visible::Module(..) => None,
        })
    }

    /// What is known of a variable; it counts as read.
    pub fn read(&mut self, id: VarId) -> Fact {
        if let Some(variable) = self.variables.get_mut(id) {
            variable.read = true;
        }
        self.known(id)
    }

    /// What is known of a variable that is about to be changed.
    pub fn known(&mut self, id: VarId) -> Fact {
        self.variables.get_mut(id).map_or(Fact::Anything, |variable| {
            variable.asked = self.body;
            variable.fact.clone()
        })
    }

    /// Another value comes to a variable.
    pub fn learn(&mut self, id: VarId, fact: Fact) {
        let Some(variable) = self.variables.get_mut(id) else { return };
        if variable.fact.learn(fact, self.hasty) {
            self.outdated |= variable.asked == self.body;
        }
    }

    /// Where what the function at hand sees begins.
    fn floor(&self) -> usize {
        self.parts.iter().rev().find(|(opening, _)| *opening == Opening::Function).map_or(0, |(_, from)| *from)
    }
}

fn key(unit: usize, position: Position, name: &ImmutableString) -> Key {
    (unit, position.line().unwrap_or(0), position.position().unwrap_or(0), name.clone())
}
