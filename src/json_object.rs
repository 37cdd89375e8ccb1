//! A JSON object that is written member by member: what a call sends, what the journal keeps of it and what a store
//! holds may be megabytes, of which most writes itself or is JSON already.

use serde::Serialize;

/// An object that is being written behind what the bytes hold already.
#[derive(Debug)]
pub struct JsonObject<'b> {
    bytes: &'b mut Vec<u8>,
    empty: bool,
}

impl<'b> JsonObject<'b> {
    /// Begins an object. It is whole after [`JsonObject::end`].
    pub fn begin(bytes: &'b mut Vec<u8>) -> Self {
        bytes.push(b'{');
        Self { bytes, empty: true }
    }

    /// Adds a member.
    pub fn add(&mut self, name: &str, value: &(impl Serialize + ?Sized)) {
        write(self.value_of(name), value);
    }

    /// Adds a member whose value is JSON already.
    pub fn add_json(&mut self, name: &str, json: &str) {
        self.value_of(name).extend_from_slice(json.as_bytes());
    }

    /// Begins a member; its value has to be written behind these bytes.
    pub fn value_of(&mut self, name: &str) -> &mut Vec<u8> {
        if !std::mem::take(&mut self.empty) {
            self.bytes.push(b',');
        }
        write(self.bytes, name);
        self.bytes.push(b':');
        self.bytes
    }

    /// Ends the object.
    pub fn end(self) {
        self.bytes.push(b'}');
    }
}

/// Appends a text as JSON. Most have nothing in them that JSON writes otherwise, and are copied.
pub fn write_text(bytes: &mut Vec<u8>, text: &str) {
    if has_other(text.as_bytes()) {
        return write(bytes, text);
    }
    bytes.reserve(text.len() + 2);
    bytes.push(b'"');
    bytes.extend_from_slice(text.as_bytes());
    bytes.push(b'"');
}

/// Whether there is a control character, a quote or a backslash. Eight bytes are looked at together: what is searched
/// for shows in the highest bit of its byte, or of one behind it.
fn has_other(bytes: &[u8]) -> bool {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHEST: u64 = ONES << 7;
    let below = |word: u64, limit: u8| word.wrapping_sub(ONES * u64::from(limit)) & !word & HIGHEST;
    let other = |word: u64| {
        below(word, b' ') | below(word ^ (ONES * u64::from(b'"')), 1) | below(word ^ (ONES * u64::from(b'\\')), 1)
    };
    let (words, rest) = bytes.as_chunks::<8>();
    let mut last = [b' '; 8];
    last.iter_mut().zip(rest).for_each(|(place, byte)| *place = *byte);
    words.iter().chain([&last]).fold(0, |found, word| found | other(u64::from_le_bytes(*word))) != 0
}

fn write(bytes: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    // Writing into memory cannot fail: every map has text keys.
    let _infallible = serde_json::to_writer(bytes, value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_written_as_serde_writes_it() {
        for text in (0..=u8::MAX).map(|byte| format!("a{}b", char::from(byte))).chain(["".into(), "\u{2028} é".into()])
        {
            let mut bytes = Vec::new();
            write_text(&mut bytes, &text);
            assert_eq!(String::from_utf8(bytes).unwrap(), serde_json::to_string(&text).unwrap());
        }
    }

    #[test]
    fn an_object_is_written_as_serde_writes_it() {
        let mut bytes = Vec::new();
        let mut object = JsonObject::begin(&mut bytes);
        object.add("a\"b", "text");
        object.add_json("list", "[1,2]");
        let mut inner = JsonObject::begin(object.value_of("inner"));
        inner.add("n", &1);
        inner.end();
        JsonObject::begin(object.value_of("empty")).end();
        object.end();
        let wanted = r#"{"a\"b":"text","list":[1,2],"inner":{"n":1},"empty":{}}"#;
        assert_eq!(String::from_utf8(bytes).unwrap(), wanted);
    }
}
