//! The layouts of objects that were met a short while ago. The rows of a table have the same members in the same order:
//! their names need not be sorted, nor looked up in what the catalog knows, for each of them.

use std::cell::RefCell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

use rhai::{Dynamic, Identifier, Map};

use crate::engine::decode::Node;

/// How many layouts are remembered: the rows of one table have a few, with this member or without.
const LAYOUTS: usize = 16;

/// What is known of a value; nothing, where the catalog says nothing of it.
pub(super) type Known<'n> = Option<&'n Node>;

/// The members of an object.
pub(super) struct Layout<'n> {
    /// What is known of the object.
    known: Known<'n>,
    /// Their names in the order of the document, and what is known of each value.
    pub(super) members: Vec<(Identifier, Known<'n>)>,
    /// The object with nothing in it; members that it has although the document has not are there, too.
    empty: Map,
    /// Of each member of the object, in its order, the place in the document.
    places: Vec<Option<usize>>,
}

impl<'n> Layout<'n> {
    /// What is known of the member behind so many, if it has that name.
    pub(super) fn next(&self, read: usize, name: &str) -> Option<Known<'n>> {
        self.members.get(read).filter(|(next, _)| next == name).map(|(_, child)| *child)
    }

    /// The object with these values, which stand in the order of the document.
    pub(super) fn filled(&self, mut values: Vec<Dynamic>) -> Map {
        let mut map = self.empty.clone();
        for (slot, place) in map.values_mut().zip(&self.places) {
            if let Some(value) = place.and_then(|place| values.get_mut(place)) {
                *slot = std::mem::take(value);
            }
        }
        map
    }
}

/// The layouts of one document's objects.
#[derive(Default)]
pub(super) struct Layouts<'n> {
    /// The latest last.
    known: RefCell<Vec<Rc<Layout<'n>>>>,
    /// What was met once: an object whose names are numbers of messages never comes again.
    once: RefCell<[u64; LAYOUTS]>,
}

impl<'n> Layouts<'n> {
    /// The latest layout that goes on with a name, or ends with `None`, where `read` members have been read: those of
    /// `layout`, which is the one that was followed so far.
    pub(super) fn going_on(
        &self,
        known: Known<'n>,
        layout: Option<&Layout<'n>>,
        read: usize,
        name: Option<&str>,
    ) -> Option<Rc<Layout<'n>>> {
        let so_far = layout.map_or(&[][..], |layout| layout.members.get(..read).unwrap_or_default());
        let fits = |other: &&Rc<Layout<'n>>| {
            same(other.known, known)
                && other.members.get(read).map(|(next, _)| next.as_str()) == name
                && other.members.iter().zip(so_far).all(|((one, _), (other, _))| one == other)
        };
        self.known.borrow().iter().rev().find(fits).cloned()
    }

    /// Whether an object with these names was met a short while ago, and no layout is remembered for it yet. An object
    /// with one member is none that comes again: its name is mostly a number or an address.
    pub(super) fn is_met_again<'a>(&self, names: impl ExactSizeIterator<Item = &'a str>) -> bool {
        if names.len() < 2 {
            return false;
        }
        let mut hasher = DefaultHasher::new();
        names.for_each(|name| name.hash(&mut hasher));
        let hash = hasher.finish();
        let mut once = self.once.borrow_mut();
        let again = once.contains(&hash);
        once.rotate_right(1);
        once[0] = hash;
        again
    }

    /// Remembers an object: its names in the order of the document, with what is known of each value, and what came of
    /// them.
    pub(super) fn remember(&self, known: Known<'n>, members: Vec<(Identifier, Known<'n>)>, object: &Map) {
        let mut order: Vec<usize> = (0..members.len()).collect();
        let name = |at: &usize| members.get(*at).map(|(name, _)| name);
        order.sort_unstable_by(|one, other| name(one).cmp(&name(other)));
        let mut order = order.into_iter().peekable();
        let places = object.keys().map(|key| order.next_if(|at| name(at) == Some(key))).collect();
        // A name that stands there twice has one place in the object.
        if order.next().is_some() {
            return;
        }
        let empty = object.keys().map(|name| (name.clone(), Dynamic::UNIT)).collect();
        let mut layouts = self.known.borrow_mut();
        if layouts.len() == LAYOUTS {
            layouts.remove(0);
        }
        layouts.push(Rc::new(Layout { known, members, empty, places }));
    }
}

/// Whether the same is known of two values.
fn same(one: Known<'_>, other: Known<'_>) -> bool {
    one.map(std::ptr::from_ref) == other.map(std::ptr::from_ref)
}
