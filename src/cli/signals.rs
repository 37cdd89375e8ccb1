//! Ctrl-C and the end that the system asks for: once cancels, twice ends at once.

use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};

use crate::door::Halt;

/// Calls `reload` on SIGHUP for as long as the runtime lives.
pub fn on_hangup(runtime: &Handle, reload: impl Fn() + Send + 'static) {
    runtime.spawn(async move {
        let Ok(mut signals) = signal(SignalKind::hangup()) else { return };
        while signals.recv().await.is_some() {
            reload();
        }
    });
}

/// Cancels `halt` on SIGINT and SIGTERM for as long as the runtime lives.
pub fn cancel_on_signal(runtime: &Handle, halt: &Halt) {
    for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
        let halt = halt.clone();
        runtime.spawn(async move {
            let Ok(mut signals) = signal(kind) else { return };
            while signals.recv().await.is_some() {
                halt.cancel();
            }
        });
    }
}
