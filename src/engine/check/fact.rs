//! What is known of a value without running: a lattice from "nothing has come here yet" to "anything".

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::catalog::Row;
use crate::engine::check::appliances::Appliances;
use crate::engine::kind::Kind;
use crate::value::Value;

/// How deep what is known of containers goes; deeper, anything may be.
const DEEPEST: usize = 4;

/// What is known of a value.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Fact {
    /// No value has come here yet.
    #[default]
    Never,
    /// It may be anything.
    Anything,
    /// It is of this kind, and no more is known.
    Kind(Kind),
    /// It is this text, number or truth value.
    Literal(Value),
    /// It is this, or `()`.
    Maybe(Box<Fact>),
    /// It is one of these appliances.
    Target(Appliances),
    /// It is the name of one of these appliances.
    TargetName(Appliances),
    /// It is an array, and each entry is this.
    Array(Rc<Fact>),
    /// It is a map with these members.
    Map(Members),
    /// It is an object in the answer of a call.
    Answer(Answer),
    /// It is a closure that takes so many arguments.
    Closure(usize),
}

/// The members of a map.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Members {
    /// Those that are known, each with whether it is there in any case.
    pub known: Rc<BTreeMap<String, (bool, Fact)>>,
    /// Whether there may be others.
    pub open: bool,
}

/// An object in the answer of a call.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The call's row.
    pub row: &'static Row,
    /// Where in the answer: the names that lead there, joined by dots; empty for the whole.
    pub at: String,
}

impl PartialEq for Answer {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.row, other.row) && self.at == other.at
    }
}

impl Fact {
    /// A map of which every member is known.
    pub fn map<N: Into<String>>(members: impl IntoIterator<Item = (N, Self)>) -> Self {
        let known = members.into_iter().map(|(name, fact)| (name.into(), (true, fact)));
        Self::Map(Members::of(known, false))
    }

    /// An array of such entries.
    pub fn array(entry: Self) -> Self {
        Self::Array(Rc::new(entry))
    }

    /// This, or `()`.
    pub fn or_unit(self) -> Self {
        self.join(Self::Kind(Kind::Unit))
    }

    /// The kind, where it is certain.
    pub fn kind(&self) -> Option<Kind> {
        Some(match self {
            Self::Never | Self::Anything | Self::Maybe(_) | Self::Answer(_) | Self::Kind(Kind::Any | Kind::Other) => {
                return None;
            }
            Self::Kind(kind) => *kind,
            Self::Literal(Value::Bool(_)) => Kind::Bool,
            Self::Literal(Value::Int(_)) => Kind::Int,
            Self::Literal(Value::Float(_)) => Kind::Float,
            Self::Literal(_) | Self::TargetName(_) => Kind::Text,
            Self::Target(_) => Kind::Target,
            Self::Array(_) => Kind::Array,
            Self::Map(_) => Kind::Map,
            Self::Closure(_) => Kind::Function,
        })
    }

    /// What it must be where `()` would be an error.
    pub fn present(self) -> Self {
        match self {
            Self::Maybe(inner) => *inner,
            other => other,
        }
    }

    /// What is known of an entry, where this is a list or the like.
    pub fn entry(&self) -> Self {
        match self {
            Self::Never => Self::Never,
            Self::Array(entry) => (**entry).clone(),
            Self::Kind(Kind::Range) => Self::Kind(Kind::Int),
            Self::Kind(Kind::Text) | Self::Literal(Value::Text(_)) => Self::Kind(Kind::Char),
            _ => Self::Anything,
        }
    }

    /// What is known where either may have come.
    pub fn join(self, other: Self) -> Self {
        if self == other {
            return self;
        }
        match (self, other) {
            (Self::Never, fact) | (fact, Self::Never) => fact,
            (Self::Anything, _) | (_, Self::Anything) => Self::Anything,
            (Self::Maybe(a), Self::Maybe(b)) => maybe(a.join(*b)),
            (Self::Kind(Kind::Unit), fact) | (fact, Self::Kind(Kind::Unit)) => maybe(fact),
            (Self::Maybe(inner), fact) | (fact, Self::Maybe(inner)) => maybe(inner.join(fact)),
            (Self::Target(a), Self::Target(b)) => Self::Target(a.join(b)),
            (Self::TargetName(a), Self::TargetName(b)) => Self::TargetName(a.join(b)),
            (Self::Array(a), Self::Array(b)) => Self::array(Rc::unwrap_or_clone(a).join(Rc::unwrap_or_clone(b))),
            (Self::Map(a), Self::Map(b)) => Self::Map(a.join(b)),
            (a, b) => match (a.kind(), b.kind()) {
                (Some(one), Some(other)) if one == other => Self::Kind(one),
                _ => Self::Anything,
            },
        }
    }

    /// Takes in what may have come, too; whether that is anything new. In haste, what is new is taken for anything.
    pub fn learn(&mut self, fact: Self, hasty: bool) -> bool {
        // Mostly it is known already.
        if *self == fact || fact == Self::Never {
            return false;
        }
        let after = self.clone().join(fact).shallow();
        if after == *self {
            return false;
        }
        *self = if hasty { Self::Anything } else { after };
        true
    }

    /// The same without what lies deeper than anyone looks: recursion would go on for ever.
    fn shallow(self) -> Self {
        self.cut(DEEPEST)
    }

    fn cut(self, depth: usize) -> Self {
        match self {
            Self::Array(_) | Self::Map(_) if depth == 0 => Self::Kind(self.kind().unwrap_or(Kind::Any)),
            Self::Array(entry) if entry.lies_within(depth - 1) => Self::Array(entry),
            Self::Array(entry) => Self::array(Rc::unwrap_or_clone(entry).cut(depth - 1)),
            Self::Maybe(inner) => maybe(inner.cut(depth)),
            Self::Map(members) if members.known.values().all(|(_, fact)| fact.lies_within(depth - 1)) => {
                Self::Map(members)
            }
            Self::Map(members) => Self::Map(members.each(|(certain, fact)| (certain, fact.cut(depth - 1)))),
            other => other,
        }
    }

    /// Whether nothing lies deeper than that.
    fn lies_within(&self, depth: usize) -> bool {
        match self {
            Self::Array(_) | Self::Map(_) if depth == 0 => false,
            Self::Array(entry) => entry.lies_within(depth - 1),
            Self::Map(members) => members.known.values().all(|(_, fact)| fact.lies_within(depth - 1)),
            Self::Maybe(inner) => inner.lies_within(depth),
            _ => true,
        }
    }

    /// The same where something inside has been changed in a way that is not followed.
    pub fn loose(self) -> Self {
        match self {
            Self::Array(_) => Self::array(Self::Anything),
            Self::Map(_) | Self::Answer(_) => Self::Map(Members { open: true, ..Members::default() }),
            Self::Maybe(inner) => maybe(inner.loose()),
            other => other,
        }
    }
}

fn maybe(fact: Fact) -> Fact {
    match fact {
        Fact::Anything | Fact::Never | Fact::Maybe(_) | Fact::Kind(Kind::Unit | Kind::Any | Kind::Other) => fact,
        fact => Fact::Maybe(Box::new(fact)),
    }
}

impl Members {
    /// These, and perhaps others.
    pub fn of(known: impl IntoIterator<Item = (String, (bool, Fact))>, open: bool) -> Self {
        Self { known: Rc::new(known.into_iter().collect()), open }
    }

    /// The same, each of them changed.
    pub fn each(self, change: impl Fn((bool, Fact)) -> (bool, Fact)) -> Self {
        let known = Rc::unwrap_or_clone(self.known).into_iter();
        Self::of(known.map(|(name, member)| (name, change(member))), self.open)
    }

    /// What is known where either map may have come.
    pub fn join(mut self, other: Self) -> Self {
        let known = Rc::make_mut(&mut self.known);
        for (name, (certain, fact)) in &mut *known {
            *certain &= other.known.get(name).is_some_and(|(there, _)| *there);
            if !other.known.contains_key(name) && other.open {
                *fact = Fact::Anything;
            }
        }
        for (name, (_, fact)) in Rc::unwrap_or_clone(other.known) {
            if let Some((_, mine)) = known.get_mut(&name) {
                *mine = std::mem::take(mine).join(fact);
            } else {
                known.insert(name, (false, if self.open { Fact::Anything } else { fact }));
            }
        }
        self.open |= other.open;
        self
    }

    /// The same with a member that may have been set.
    pub fn with(mut self, name: &str, fact: Fact) -> Self {
        let slot = Rc::make_mut(&mut self.known).entry(name.to_owned()).or_default();
        slot.1 = std::mem::take(&mut slot.1).join(fact);
        self
    }
}
