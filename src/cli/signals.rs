//! Ctrl-C and the end that the system asks for: once cancels, twice ends at once.

use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};

use crate::door::Halt;

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
