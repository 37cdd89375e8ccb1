//! Masking by value: what people see never shows a secret, in any of the forms it travels in.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};

use crate::secret::Secret;

/// Shorter secrets are protected by their type and by marked fields only: masking `15` everywhere
/// would make reports unreadable.
pub const SHORTEST: usize = 8;

/// Replaces every form of every known secret by `***`. Cheap to clone; all clones share what they know.
#[derive(Clone, Debug, Default)]
pub struct Masker {
    known: Arc<RwLock<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    /// The secrets themselves.
    secrets: BTreeSet<String>,
    forms: BTreeSet<String>,
    /// Made when something is masked first: a run may learn hundreds of secrets before that.
    finder: OnceLock<Option<AhoCorasick>>,
}

impl Known {
    fn finder(&self) -> Option<&AhoCorasick> {
        if self.forms.is_empty() {
            return None;
        }
        // The longest match first: a form may contain another.
        let mut builder = AhoCorasick::builder();
        // Of all kinds it is made the soonest; there is little to mask.
        builder.match_kind(MatchKind::LeftmostLongest).kind(Some(AhoCorasickKind::ContiguousNFA));
        self.finder.get_or_init(|| builder.build(&self.forms).ok()).as_ref()
    }
}

impl Masker {
    /// A masker that knows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a secret with all its forms.
    pub fn learn(&self, secret: &Secret) {
        let text = secret.expose();
        if text.len() < SHORTEST {
            return;
        }
        if self.known.read().unwrap_or_else(PoisonError::into_inner).secrets.contains(text) {
            return;
        }
        let forms = forms(text);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.secrets.insert(text.to_owned());
        known.forms.extend(forms);
        known.finder = OnceLock::new();
    }

    /// The text with every form of every secret replaced.
    pub fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let Some(finder) = known.finder() else { return Cow::Borrowed(text) };
        if !finder.is_match(text) {
            return Cow::Borrowed(text);
        }
        let mut masked = String::with_capacity(text.len());
        finder.replace_all_with(text, &mut masked, |_, _, out| {
            out.push_str("***");
            true
        });
        Cow::Owned(masked)
    }

    /// Masks the texts in a JSON document, and nothing else of it: numbers and names stay.
    pub fn mask_json(&self, json: &mut serde_json::Value) {
        match json {
            serde_json::Value::String(text) => {
                if let Cow::Owned(masked) = self.mask(text) {
                    *text = masked;
                }
            }
            serde_json::Value::Array(items) => items.iter_mut().for_each(|item| self.mask_json(item)),
            serde_json::Value::Object(map) => map.values_mut().for_each(|value| self.mask_json(value)),
            _ => {}
        }
    }
}

/// Every form in which a secret of this text could show up.
fn forms(text: &str) -> Vec<String> {
    let mut forms = vec![text.to_owned()];
    // Whoever encodes `user:secret` shifts the secret by any number of bytes: the middle of each
    // of the three alignments is the same whatever stands before and after.
    for shift in 0..3 {
        let mut bytes = vec![0_u8; shift];
        bytes.extend_from_slice(text.as_bytes());
        let whole = bytes.len() / 3 * 3;
        for encoded in [STANDARD_NO_PAD.encode(&bytes[..whole]), URL_SAFE_NO_PAD.encode(&bytes[..whole])] {
            let inner = encoded.get(if shift == 0 { 0 } else { 4 }..).unwrap_or_default();
            if inner.len() >= SHORTEST {
                forms.push(inner.to_owned());
            }
        }
    }
    forms.push(STANDARD_NO_PAD.encode(text));
    forms.push(URL_SAFE_NO_PAD.encode(text));
    let encoded = utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    const UNRESERVED: &percent_encoding::AsciiSet =
        &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    let common = utf8_percent_encode(text, UNRESERVED).to_string();
    for form in [encoded, common] {
        forms.push(lower_hex(&form));
        forms.push(form.replace("%20", "+"));
        forms.push(form);
    }
    if let Ok(json) = serde_json::to_string(text) {
        let inner = json.strip_prefix('"').and_then(|json| json.strip_suffix('"')).unwrap_or(&json);
        // Other writers of JSON escape what is not ASCII, .NET some signs as well, PHP the slash.
        for form in [
            by_number(inner, |c| !c.is_ascii()),
            by_number(&json_without_quotes(text), |c| !c.is_ascii() || "\"&'<>+`".contains(c)),
            inner.replace('/', "\\/"),
        ] {
            forms.push(upper_numbers(&form));
            forms.push(form);
        }
        forms.push(inner.to_owned());
    }
    let mut lower = String::new();
    for byte in Sha256::digest(text) {
        let _infallible = write!(lower, "{byte:02x}");
    }
    forms.push(lower.to_uppercase());
    forms.push(lower);
    // A form that is short would hide more than the secret.
    forms.retain(|form| form.len() >= SHORTEST);
    forms
}

/// A text as JSON, but for its quotes, which some writers escape by their number.
fn json_without_quotes(text: &str) -> String {
    let parts = text.split('"').map(|part| serde_json::to_string(part).unwrap_or_default());
    parts.map(|part| part.trim_matches('"').to_owned()).collect::<Vec<_>>().join("\"")
}

/// Some characters as `\u00e4`.
fn by_number(text: &str, numbered: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if numbered(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _infallible = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// `\u00e4` as `\u00E4`.
fn upper_numbers(text: &str) -> String {
    let mut parts = text.split("\\u");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |out, part| {
        let (number, rest) = part.split_at_checked(4).unwrap_or((part, ""));
        format!("{out}\\u{}{rest}", number.to_uppercase())
    })
}

/// `%2F` as `%2f`.
fn lower_hex(encoded: &str) -> String {
    let mut out = String::with_capacity(encoded.len());
    let mut hex = 0;
    for c in encoded.chars() {
        match c {
            '%' => hex = 2,
            c if hex > 0 => {
                hex -= 1;
                out.extend(c.to_lowercase());
                continue;
            }
            _ => {}
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn masker(text: &str) -> Masker {
        let masker = Masker::new();
        masker.learn(&Secret::new("env:X", text));
        masker
    }

    #[test]
    fn a_short_secret_does_not_hide_numbers() {
        assert_eq!(masker("15").mask("group 15"), "group 15");
    }

    #[test]
    fn json_is_known_as_every_writer_escapes_it() {
        let masker = masker("qu\"o\\t/ä&🔑x");
        for json in [
            r#"qu\"o\\t/ä&🔑x"#,
            r#"qu\"o\\t\/ä&🔑x"#,
            r#"qu\"o\\t/\u00e4&\ud83d\udd11x"#,
            r#"qu\"o\\t/\u00E4&\uD83D\uDD11x"#,
            r#"qu\u0022o\\t/\u00e4\u0026\ud83d\udd11x"#,
            r#"qu\u0022o\\t/\u00E4\u0026\uD83D\uDD11x"#,
        ] {
            assert_eq!(masker.mask(json), "***", "{json}");
        }
    }

    #[test]
    fn json_names_and_numbers_stay() {
        let mut json = serde_json::json!({"canary-secret": 12345678, "x": ["a canary-secret b"]});
        masker("canary-secret").mask_json(&mut json);
        assert_eq!(json, serde_json::json!({"canary-secret": 12345678, "x": ["a *** b"]}));
    }

    proptest::proptest! {
        #[test]
        fn no_form_of_a_secret_survives(text in "[ -~äß€]{8,40}", before in "[a-z]{0,5}", after in "[a-z]{0,5}") {
            let masker = masker(&text);
            let basic = STANDARD.encode(format!("{before}:{text}{after}"));
            let digest: String = Sha256::digest(&text).iter().map(|byte| format!("{byte:02x}")).collect();
            let plain = masker.mask(&text).into_owned();
            proptest::prop_assert_eq!(plain, "***");
            proptest::prop_assert!(masker.mask(&digest) == "***");
            proptest::prop_assert!(masker.mask(&utf8_percent_encode(&text, NON_ALPHANUMERIC).to_string()) == "***");
            // Of a Base64 text, at least all but the few characters at the seams are gone.
            let masked = masker.mask(&basic).into_owned();
            proptest::prop_assert!(text.len() < 12 || masked.contains("***"), "{} of {}", masked, basic);
        }
    }
}
