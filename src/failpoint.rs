//! Named instants at which a test can end the process, as a crash would. Builds for use have none.

/// Ends the process if `BEADLE_FAIL_POINT` names this instant: `NAME`, or `NAME:N` for its Nth time.
#[cfg(debug_assertions)]
pub fn reach(name: &str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    static WANTED: OnceLock<Option<(String, u64)>> = OnceLock::new();
    static REACHED: AtomicU64 = AtomicU64::new(0);
    let wanted = WANTED.get_or_init(|| {
        #[expect(clippy::disallowed_methods, reason = "a test's own switch; builds for use do not read it")]
        let text = std::env::var("BEADLE_FAIL_POINT").ok()?;
        let (name, number) = text.split_once(':').unwrap_or((&text, "1"));
        Some((name.to_owned(), number.parse().unwrap_or(1)))
    });
    let Some((wanted, number)) = wanted else { return };
    if wanted == name && REACHED.fetch_add(1, Ordering::SeqCst) + 1 == *number {
        std::process::abort();
    }
}

/// Nothing happens in a build for use.
#[cfg(not(debug_assertions))]
#[inline]
pub const fn reach(_name: &str) {}
