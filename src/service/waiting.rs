//! Runs that waited when the service before this one ended: they are taken up again at their time.

use std::collections::HashMap;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};

use crate::door::Halt;
use crate::door::policy::NoTerminal;
use crate::run::{Ending, Listener, Now, waiting, wake};
use crate::service::serve::{Named, Service, ServiceEvent, Wake};
use crate::trigger::Triggers;

impl Service {
    /// Takes up the waiting runs of triggers, each on a thread that waits for its time.
    pub(super) fn take_up(
        &self,
        triggers: &Triggers,
        woken: &Sender<Wake>,
        running: &mut HashMap<String, Halt>,
    ) -> Result<(), String> {
        let waiting = waiting(&self.project).map_err(|fault| fault.message)?;
        for (firing, run) in triggers.unended().map_err(|error| error.to_string())? {
            if !waiting.iter().any(|row| row.id == run) {
                continue;
            }
            let halt = Halt::default();
            let now =
                Now { ask: Arc::new(NoTerminal), yes: false, allow_destroy: false, timeout: None, halt: halt.clone() };
            let tell = Arc::clone(&self.tell);
            let named = Named { trigger: firing.trigger.clone(), run: Mutex::new(None), tell: Arc::clone(&tell) };
            let listener: Arc<dyn Listener> = Arc::new(named);
            let (project, done, id) = (Arc::clone(&self.project), woken.clone(), firing.id.clone());
            let spawned = std::thread::Builder::new().name("run".into()).spawn(move || {
                let ending = wake(&project, &run, now, &listener).unwrap_or_else(|fault| {
                    tell(ServiceEvent::Problem(format!("{}: {}", firing.trigger, fault.message)));
                    Ending::waiting(&run)
                });
                // A loop that has ended waits for nothing.
                let _ended = done.send(Wake::Ended(id, Box::new(ending)));
            });
            spawned.map_err(|error| format!("no thread can be had for a run: {error}"))?;
            running.insert(firing.id, halt);
        }
        Ok(())
    }
}
