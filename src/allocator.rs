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

/// From so many bytes on a thread adds what it has counted to its run's count: the threads of a run share
/// that, and to add to it at every turn would cost as much as a small allocation.
const STEP: u64 = 16 << 10;

thread_local! {
    static SLOT: Cell<usize> = const { Cell::new(0) };
    /// What this thread has counted for its slot and not added yet.
    static PENDING: Cell<i64> = const { Cell::new(0) };
}

/// Lets all threads share one heap. The first word of a process: what has been allocated stays where it is.
///
/// glibc gives threads heaps of their own, which grow page by page with a system call each: a large answer took
/// a fifth of its time for them, and each heap keeps what it once had. Threads have caches for small pieces all the
/// same, so that they seldom wait for each other. Behind those caches nothing is put by: whoever frees a large answer
/// would join what was put by again and again.
pub fn share_one_heap() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: the calls set numbers; no other thread runs yet.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
        libc::mallopt(libc::M_MXFAST, 0);
    }
}

/// Keeps what is freed for what is asked for next, up to sixteen megabytes: a process that runs one script and ends
/// would give the memory of one list back to the system, to ask for that of the next.
pub fn keep_what_is_freed() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: the calls set numbers, and glibc has a lock for them.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 4 << 20);
        libc::mallopt(libc::M_TRIM_THRESHOLD, 16 << 20);
    }
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

    /// The bytes that the run's threads hold: allocated there and not freed there. Of other threads than this one
    /// the last few kilobytes are not in it.
    pub fn bytes(&self) -> i64 {
        let pending = if SLOT.get() == self.0 { PENDING.get() } else { 0 };
        HELD.get(self.0).filter(|_| self.0 != 0).map_or(0, |held| held.load(Ordering::Relaxed) + pending)
    }

    /// Counts what this thread does from now on for this run, until the guard goes.
    pub fn enter(&self) -> Entered {
        work_for(self.0)
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
        work_for(self.0)
    }
}

/// While it lives, its thread works for a run.
#[derive(Debug)]
pub struct Entered(usize);

impl Drop for Entered {
    fn drop(&mut self) {
        // The former slot is in force again.
        std::mem::forget(work_for(self.0));
    }
}

/// Lets this thread work for a slot; what it has counted for the former one is added there.
fn work_for(slot: usize) -> Entered {
    let former = SLOT.replace(slot);
    if former != slot {
        add(former, PENDING.replace(0));
    }
    Entered(former)
}

fn add(slot: usize, bytes: i64) {
    if slot != 0
        && let Some(held) = HELD.get(slot)
    {
        held.fetch_add(bytes, Ordering::Relaxed);
    }
}

fn count(bytes: i64) {
    // A thread that is ending has no slot any more; what it still frees is nobody's.
    let slot = SLOT.try_with(Cell::get).unwrap_or(0);
    if slot == 0 {
        return;
    }
    let pending = PENDING.get() + bytes;
    if pending.unsigned_abs() < STEP {
        PENDING.set(pending);
    } else {
        PENDING.set(0);
        add(slot, pending);
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
