//! How many processors there are to work with.

/// Those that this process may run on; at least one. A control group may grant shares of them only, but to read what it
/// grants takes longer than to start a thread.
pub fn processors() -> usize {
    let allowed = rustix::thread::sched_getaffinity(None).map_or(1, |set| set.count());
    usize::try_from(allowed).map_or(1, |count| count.max(1))
}

#[cfg(test)]
mod tests {
    #[test]
    fn there_are_as_many_as_a_process_may_use() {
        let at_least = std::thread::available_parallelism().unwrap().get();
        assert!(super::processors() >= at_least, "a control group takes away, and never adds");
    }
}
