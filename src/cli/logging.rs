//! The inner log, to standard error: what happens inside, for whoever looks for a fault.

use tracing_subscriber::EnvFilter;

/// Starts logging if it is asked for: by `-v`, or by `BEADLE_LOG`.
pub fn start(verbose: u8, wanted: Option<&str>) {
    let filter = match (wanted, verbose) {
        (Some(wanted), _) => EnvFilter::new(wanted),
        (None, 0) => return,
        (None, 1) => EnvFilter::new("beadle=debug"),
        (None, _) => EnvFilter::new("beadle=trace,hyper=debug,reqwest=debug"),
    };
    let started =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false).try_init();
    // A second start in one process would be the tests', and changes nothing.
    drop(started);
}
