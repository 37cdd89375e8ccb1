//! The allocator: the system's, with a count of the bytes that each run holds.
//!
//! Rhai's own size limits re-walk whole containers on every call; counting here costs next to
//! nothing and sees everything, hidden captures too. A thread that works for a run says so, and
//! what it allocates and frees is counted for that run.

#![expect(unsafe_code, reason = "an allocator cannot be written without")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

/// How many runs can be counted at once; slot 0 is nobody's.
const SLOTS: usize = 256;

static HELD: [AtomicI64; SLOTS] = [const { AtomicI64::new(0) }; SLOTS];
static TAKEN: [AtomicBool; SLOTS] = [const { AtomicBool::new(false) }; SLOTS];

thread_local! {
    static SLOT: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, counting.
#[derive(Debug)]
pub struct CountingAllocator;

/// A run's count. It is given back when dropped.
#[derive(Debug)]
pub struct Count(usize);

impl Count {
    /// A count that begins at nothing; one that never grows, when too many runs are counted already.
    pub fn begin() -> Self {
        for (slot, taken) in TAKEN.iter().enumerate().skip(1) {
            if !taken.swap(true, Ordering::Relaxed) {
                if let Some(held) = HELD.get(slot) {
                    held.store(0, Ordering::Relaxed);
                }
                return Self(slot);
            }
        }
        Self(0)
    }

    /// The bytes that the run's threads hold: allocated there and not freed there.
    pub fn bytes(&self) -> i64 {
        HELD.get(self.0).filter(|_| self.0 != 0).map_or(0, |held| held.load(Ordering::Relaxed))
    }

    /// Counts what this thread does from now on for this run, until the guard goes.
    pub fn enter(&self) -> Entered {
        Entered(SLOT.with(|slot| slot.replace(self.0)))
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        if let Some(taken) = TAKEN.get(self.0).filter(|_| self.0 != 0) {
            taken.store(false, Ordering::Relaxed);
        }
    }
}

/// The run that a thread works for, where another thread is to free what it takes over from there.
#[derive(Clone, Copy, Debug)]
pub struct Account(usize);

impl Account {
    /// That of the run which this thread works for.
    pub fn present() -> Self {
        Self(SLOT.with(Cell::get))
    }

    /// Counts what this thread does from now on for that run, until the guard goes.
    pub fn enter(self) -> Entered {
        Entered(SLOT.with(|slot| slot.replace(self.0)))
    }
}

/// While it lives, its thread works for a run.
#[derive(Debug)]
pub struct Entered(usize);

impl Drop for Entered {
    fn drop(&mut self) {
        SLOT.with(|slot| slot.set(self.0));
    }
}

fn count(bytes: i64) {
    // A thread that is ending has no slot any more; what it still frees is nobody's.
    let slot = SLOT.try_with(Cell::get).unwrap_or(0);
    if slot != 0
        && let Some(held) = HELD.get(slot)
    {
        held.fetch_add(bytes, Ordering::Relaxed);
    }
}

fn size(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

// SAFETY: every call is handed on to the system's allocator as it came; counting allocates nothing.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(size(layout.size()));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(size(layout.size()));
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-size(layout.size()));
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count(size(new_size) - size(layout.size()));
        // SAFETY: the caller keeps the contract of `realloc`. Handing it on matters: growing
        // strings by allocating and copying would be slow beyond use.
        unsafe { System.realloc(pointer, layout, new_size) }
    }
}
