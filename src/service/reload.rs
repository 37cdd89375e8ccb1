//! Where a changed configuration comes from.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use crate::catalog::Catalog;
use crate::config::Config;

/// Loads the configuration as it is now; else every mistake in it.
type Load = Arc<dyn Fn() -> Result<(Config, Catalog), Vec<String>> + Send + Sync>;

/// Loads the configuration again, when its files change or when somebody asks for it.
#[derive(Clone)]
pub struct Reloader {
    load: Load,
    asked: Arc<AtomicBool>,
    wake: Arc<OnceLock<Box<dyn Fn() + Send + Sync>>>,
}

impl Reloader {
    /// A reloader that loads with `load`.
    pub fn new(load: impl Fn() -> Result<(Config, Catalog), Vec<String>> + Send + Sync + 'static) -> Self {
        Self { load: Arc::new(load), asked: Arc::default(), wake: Arc::default() }
    }

    /// Asks for the configuration to be loaded, whether its files have changed or not.
    pub fn ask(&self) {
        self.asked.store(true, Ordering::Release);
        if let Some(wake) = self.wake.get() {
            wake();
        }
    }

    /// Has `wake` called when somebody asks.
    pub(super) fn wake_with(&self, wake: impl Fn() + Send + Sync + 'static) {
        // There is one loop, and it says this once.
        let _once = self.wake.set(Box::new(wake));
    }

    /// Whether somebody has asked since the last question.
    pub(super) fn is_asked(&self) -> bool {
        self.asked.swap(false, Ordering::AcqRel)
    }

    pub(super) fn load(&self) -> Result<(Config, Catalog), Vec<String>> {
        (self.load)()
    }
}
