//! Ctrl-C and the end that the system asks for: once cancels, twice ends at once.

use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};

use crate::door::Halt;

/// Calls `reload` on SIGHUP for as long as the runtime lives.
pub fn on_hangup(runtime: &Handle, reload: impl Fn() + Send + 'static) {
    let _entered = runtime.enter();
    let Ok(mut signals) = signal(SignalKind::hangup()) else { return };
    runtime.spawn(async move {
        while signals.recv().await.is_some() {
            reload();
        }
    });
}

/// Cancels `halt` on SIGINT and SIGTERM for as long as the runtime lives.
pub fn cancel_on_signal(runtime: &Handle, halt: &Halt) {
    let _entered = runtime.enter();
    for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
        let halt = halt.clone();
        // They are caught from here on: a task may not begin before a script has.
        let Ok(mut signals) = signal(kind) else { continue };
        runtime.spawn(async move {
            while signals.recv().await.is_some() {
                halt.cancel();
            }
        });
    }
}
