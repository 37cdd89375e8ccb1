//! Looking up targets: what a script may know of them.

use crate::door::door::Door;
use crate::fault::{Failure, Fault, FaultKind};
use crate::value::{Map, Value};

impl Door {
    /// One target, as scripts have it.
    ///
    /// # Errors
    /// There is none of that name.
    pub(super) fn describe(&self, name: &str) -> Result<Value, Fault> {
        let target = self.parts.fleet.target(name)?;
        let tags = target.tags.iter().map(|tag| Value::from(tag.as_str())).collect();
        Ok(Value::Map(Map::from([
            ("name".into(), target.name.as_str().into()),
            ("vendor".into(), target.vendor.as_str().into()),
            ("tags".into(), Value::List(tags)),
        ])))
    }

    /// The targets that fit a filter.
    ///
    /// # Errors
    /// A filter that there is not.
    pub(super) fn targets(&self, filter: &Map) -> Result<Value, Failure> {
        let text = |name: &str| filter.get(name).and_then(Value::as_text);
        if let Some(unknown) = filter.keys().find(|key| !["vendor", "tag"].contains(&key.as_str())) {
            let message = format!("targets: '{unknown}' is not a filter. There are: vendor, tag");
            return Err(Fault::new(FaultKind::Invalid, message).into());
        }
        let mut found = Vec::new();
        for target in self.parts.fleet.targets().values() {
            let vendor = text("vendor").is_none_or(|vendor| vendor == target.vendor);
            let tag = text("tag").is_none_or(|tag| target.tags.iter().any(|have| have == tag));
            if vendor && tag {
                found.push(self.describe(&target.name)?);
            }
        }
        Ok(Value::List(found))
    }
}
