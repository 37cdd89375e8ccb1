//! What the reader of TOML finds wrong, in the words of whoever wrote the file.

/// A mistake in `text`: unknown keys with their neighbours, and values of a wrong type with their key.
pub fn of(error: &toml::de::Error, text: &str) -> String {
    let key = error.span().and_then(|span| key_before(text.get(..span.start)?));
    match wrong_type(error.message()).zip(key) {
        Some((words, key)) => format!("{key}: {words}"),
        None => of_message(error.message()),
    }
}

/// An unknown key, and those that there are; `place` says of what.
pub fn unknown(message: &str, place: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let Some(unknown) = quoted.next() else { return message.to_owned() };
    let known: Vec<&str> = quoted.collect();
    let hint = crate::nearest::did_you_mean(unknown, known.iter().copied());
    format!("unknown key '{unknown}'{place}.{hint} Keys: {}", known.join(", "))
}

/// A message of the reader without a text that it points into.
pub fn of_message(message: &str) -> String {
    match message.starts_with("unknown field") {
        true => unknown(message, ""),
        false => wrong_type(message).unwrap_or_else(|| message.to_owned()),
    }
}

/// The key of a value that follows.
fn key_before(text: &str) -> Option<&str> {
    let line = text.rsplit(['\n', '{', ',']).next()?;
    let key = line.trim().strip_suffix('=')?.trim().trim_matches('"');
    (!key.is_empty()).then_some(key)
}

/// A wrong type in words: ``invalid type: integer `30`, expected a string``.
fn wrong_type(message: &str) -> Option<String> {
    let rest = ["invalid type: ", "invalid value: "].iter().find_map(|begin| message.strip_prefix(begin))?;
    let (found, wanted) = rest.rsplit_once(", expected ")?;
    let wanted = match wanted {
        "a string" => "a text in quotes",
        "a sequence" => "a list in [ ]",
        "a boolean" => "true or false",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, not negative,",
        "i64" | "i32" => "a whole number",
        table if table.starts_with("struct ") || table == "a map" => "a table in { }",
        other => other,
    };
    Some(format!("{wanted} is wanted here, not {}", found.replace('`', "")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Table {
        #[serde(rename = "timeout")]
        _timeout: Option<String>,
        #[serde(rename = "paths")]
        _paths: Option<Vec<String>>,
        #[serde(rename = "most")]
        _most: Option<u64>,
        #[serde(rename = "inner")]
        _inner: Option<Box<Table>>,
    }

    #[test]
    fn a_wrong_type_is_told_with_its_key() {
        for (text, words) in [
            ("timeout = 30", "timeout: a text in quotes is wanted here, not integer 30"),
            ("\npaths = \"a\"", "paths: a list in [ ] is wanted here, not string \"a\""),
            ("most = -1", "most: a whole number, not negative, is wanted here, not integer -1"),
            ("inner = { most = 1, timeout = true }", "timeout: a text in quotes is wanted here, not boolean true"),
            ("inner = 7", "inner: a table in { } is wanted here, not integer 7"),
            ("tiemout = \"3s\"", "unknown key 'tiemout'. Did you mean 'timeout'? Keys: timeout, paths, most, inner"),
        ] {
            let error = toml::from_str::<Table>(text).unwrap_err();
            assert_eq!(of(&error, text), words);
        }
    }
}
