//! Which calls a script can name at all: only these are registered for it.
//!
//! There are more than a thousand calls, and a script names a handful. Every word of its text, and of
//! the texts that it imports, counts as a name; where names could be made at run time, all calls do.

use std::collections::HashSet;

use crate::engine::resolver::Resolver;

/// The words of a script and of everything that it imports; `None` if it could name anything.
pub fn words(text: &str, resolver: &Resolver) -> Option<HashSet<String>> {
    let mut words = HashSet::new();
    let mut seen = HashSet::new();
    let mut texts = vec![(text.to_owned(), None::<String>)];
    while let Some((text, from)) = texts.pop() {
        // A function pointer can be made of any text.
        if text.contains("Fn(") || text.contains("Fn (") {
            return None;
        }
        for path in imports(&text)? {
            // An import that cannot be found fails when it is reached, and says so there.
            if let Ok((name, text)) = resolver.find(path, from.as_deref())
                && seen.insert(name.clone())
            {
                texts.push((text, Some(name)));
            }
        }
        let found = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|word| !word.is_empty());
        for word in found {
            if !words.contains(word) {
                words.insert(word.to_owned());
            }
        }
    }
    Some(words)
}

/// The paths behind every `import`; `None` if one of them is not written out.
fn imports(text: &str) -> Option<Vec<&str>> {
    let mut paths = Vec::new();
    for (at, word) in text.match_indices("import") {
        let whole = |c: Option<char>| c.is_none_or(|c| !(c.is_alphanumeric() || c == '_'));
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let behind = text.get(at + word.len()..).unwrap_or_default();
        if !whole(before) || !whole(behind.chars().next()) {
            continue;
        }
        match behind.trim_start().strip_prefix('"').and_then(|rest| rest.split_once('"')) {
            Some((path, _)) if !path.contains(['\\', '$']) => paths.push(path),
            // In a remark the word is followed by anything; then all calls are there, which does no harm.
            _ => return None,
        }
    }
    Some(paths)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::engine::diagnostic::Sources;
    use crate::engine::library::{NoTexts, Shelf};

    fn found(text: &str) -> Option<HashSet<String>> {
        words(text, &Resolver::new(Arc::new(Shelf::of(None)), Sources::default(), Arc::new(NoTexts)))
    }

    #[test]
    fn words_of_imported_modules_count() {
        let words = found("import \"std/seg/ip_groups\" as g;\nlet x = `${target(\"a\").groups()}`;").unwrap();
        for word in ["groups", "target", "ip_group_delta"] {
            assert!(words.contains(word), "{word}");
        }
    }

    #[test]
    fn what_could_name_anything_gets_everything() {
        for text in ["Fn(\"gro\" + \"ups\")", "import path as p;", "import \"a${x}\";", "// import it yourself"] {
            assert_eq!(found(text), None, "{text}");
        }
        assert!(found("let important = 1; reimport(2)").is_some());
    }
}
