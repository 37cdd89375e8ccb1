//! The secrets of a run whose script is interpreted apart: the interpreter has handles, and the service puts
//! the secrets in their place.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::door::HttpAnswer;
use crate::engine::conceal;
use crate::fault::Fault;
use crate::secret::Secret;
use crate::value::{Map, Value};

/// The secrets that an interpreter has handles of.
#[derive(Debug, Default)]
pub struct Vault {
    kept: Mutex<Kept>,
    /// Whether a handle was named that was never given.
    forged: AtomicBool,
}

#[derive(Debug, Default)]
struct Kept {
    secrets: Vec<Secret>,
    /// The handles of secrets that have a source, by reference: asking for one again gives no second handle.
    named: HashMap<String, usize>,
}

/// How a handle is written.
fn name(number: usize) -> String {
    format!("#{number}")
}

impl Vault {
    /// A handle of a secret.
    fn handle(&self, secret: &Secret) -> String {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        // What an answer held has no source, and each is another one.
        let named = secret.reference().contains(':');
        let known = kept.named.get(secret.reference()).copied().filter(|_| named);
        let same = |number: &usize| kept.secrets.get(*number).is_some_and(|known| known.expose() == secret.expose());
        if let Some(number) = known.filter(same) {
            return name(number);
        }
        let number = kept.secrets.len();
        kept.secrets.push(secret.clone());
        if named {
            kept.named.insert(secret.reference().to_owned(), number);
        }
        name(number)
    }

    /// The secret of a handle.
    pub fn reveal(&self, handle: &str) -> Secret {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let number = handle.strip_prefix('#').and_then(|number| number.parse::<usize>().ok());
        match number.and_then(|number| kept.secrets.get(number)) {
            Some(secret) => secret.clone(),
            None => {
                self.forged.store(true, Ordering::Relaxed);
                Secret::new("unknown", "")
            }
        }
    }

    /// Whether a handle was named that was never given.
    pub fn is_forged(&self) -> bool {
        self.forged.load(Ordering::Relaxed)
    }

    /// A value with handles.
    pub fn value(&self, mut value: Value) -> Value {
        self.hide(&mut value);
        value
    }

    /// A map with handles.
    pub fn map(&self, map: &Map) -> Map {
        let mut map = map.clone();
        map.values_mut().for_each(|value| self.hide(value));
        map
    }

    /// A fault with handles.
    pub fn fault(&self, mut fault: Fault) -> Fault {
        fault.details.values_mut().for_each(|value| self.hide(value));
        fault
    }

    /// An answer with handles.
    pub fn answer(&self, mut answer: HttpAnswer) -> HttpAnswer {
        let concealed = conceal(&answer, &mut |text| self.handle(&Secret::new("answer", text)));
        if let Some(body) = concealed {
            answer.body = body;
            answer.handles = true;
        }
        answer
    }

    fn hide(&self, value: &mut Value) {
        match value {
            Value::Secret(secret) => *secret = Secret::handle(self.handle(secret)),
            Value::List(items) => items.iter_mut().for_each(|item| self.hide(item)),
            Value::Map(map) => map.values_mut().for_each(|member| self.hide(member)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::code;

    #[test]
    fn what_crosses_is_a_handle_and_comes_back_as_the_secret() {
        let vault = Vault::default();
        let secret = |reference: &str, text: &str| Value::Secret(Secret::new(reference, text));
        let list =
            Value::List(vec![secret("env:A", "canary"), secret("answer", "canary-1"), secret("answer", "canary-2")]);
        let hidden = vault.value(list.clone());
        assert_eq!(code(&hidden), serde_json::json!([{ "$secret": "#0" }, { "$secret": "#1" }, { "$secret": "#2" }]));
        assert_eq!(vault.reveal("#2").expose(), "canary-2");
        assert_eq!(vault.reveal("#0").reference(), "env:A");
        assert_eq!(
            code(&vault.value(list)),
            serde_json::json!([{ "$secret": "#0" }, { "$secret": "#3" }, { "$secret": "#4" }])
        );
        assert!(!vault.is_forged());
        assert_eq!(vault.reveal("#9").expose(), "");
        assert!(vault.is_forged());
    }
}
