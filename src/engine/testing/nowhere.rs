//! A stage on which nothing stands: the functions of tests are described on it, and called by nobody.

use super::stage::Stage;
use crate::value::{Map, Value};

/// The stage.
pub(super) struct Nowhere;

fn nothing<T>() -> Result<T, String> {
    Err("nothing stands here".into())
}

impl Stage for Nowhere {
    fn lab(&self, _vendor: &str, _options: &Map) -> Result<String, String> {
        nothing()
    }

    fn file(&self, _name: &str, _text: &str) -> Result<String, String> {
        nothing()
    }

    fn written(&self, _name: &str) -> Result<String, String> {
        nothing()
    }

    fn settings(&self, _toml: &str) -> Result<(), String> {
        nothing()
    }

    fn faults(&self, _target: &str, _faults: &Value) -> Result<(), String> {
        nothing()
    }

    fn run(&self, _playbook: &str, _params: &Map, _options: &Map) -> Result<Value, String> {
        nothing()
    }

    fn resume(&self, _options: &Map) -> Result<Value, String> {
        nothing()
    }

    fn undo(&self, _options: &Map) -> Result<Value, String> {
        nothing()
    }

    fn plan(&self, _playbook: &str, _params: &Map) -> Result<Value, String> {
        nothing()
    }

    fn requests(&self, _target: &str) -> Result<Value, String> {
        nothing()
    }

    fn state(&self, _target: &str) -> Result<Value, String> {
        nothing()
    }

    fn snapshot(&self, _name: &str, _value: &Value) -> Result<(), String> {
        nothing()
    }
}
