//! A JSON object that is written member by member: what a call sends, and what the journal keeps of it, may be
//! megabytes of which most is a list that writes itself.

use serde::Serialize;

/// An object that is being written.
#[derive(Debug)]
pub struct JsonObject {
    bytes: Vec<u8>,
    empty: bool,
}

impl Default for JsonObject {
    fn default() -> Self {
        Self { bytes: vec![b'{'], empty: true }
    }
}

impl JsonObject {
    /// Adds a member.
    pub fn add(&mut self, name: &str, value: &(impl Serialize + ?Sized)) {
        self.add_with(name, |bytes| write(bytes, value));
    }

    /// Adds a member whose value is written by `write`.
    pub fn add_with(&mut self, name: &str, write_value: impl FnOnce(&mut Vec<u8>)) {
        if !self.empty {
            self.bytes.push(b',');
        }
        self.empty = false;
        write(&mut self.bytes, name);
        self.bytes.push(b':');
        write_value(&mut self.bytes);
    }

    /// The whole object.
    pub fn end(mut self) -> Vec<u8> {
        self.bytes.push(b'}');
        self.bytes
    }
}

fn write(bytes: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    // Writing into memory cannot fail: every map has text keys.
    let _infallible = serde_json::to_writer(bytes, value);
}
