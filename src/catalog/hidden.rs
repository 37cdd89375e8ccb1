//! Which fields of an answer are secret, where their names are not all known.
//!
//! A part of a field's name that begins with `*` is every member whose name ends so; a name that
//! begins with `**` is every member at any depth whose name ends so.

use serde_json::Value as Json;

use crate::catalog::Field;

/// Whether a part of a field's name is a member's.
pub fn fits(part: &str, member: &str) -> bool {
    match part.strip_prefix('*') {
        Some(end) => member.ends_with(end),
        None => part == member,
    }
}

/// What follows the `**` of a field that is meant at any depth.
pub fn at_any_depth(name: &str) -> Option<&str> {
    name.strip_prefix("**")
}

/// Whether the fields say that what stands at a path of an answer is a secret, or within one. Places in
/// lists do not count as parts of a path.
pub fn hides(fields: &[Field], path: &[&str]) -> bool {
    fields.iter().filter(|field| field.secret).any(|field| match at_any_depth(field.name) {
        Some(end) => path.iter().any(|member| member.ends_with(end)),
        None => {
            let mut members = path.iter();
            field.name.split('.').all(|part| members.next().is_some_and(|member| fits(part, member)))
        }
    })
}

/// Puts stars in the place of every secret of a state.
pub fn hide(state: &mut Json, fields: &[Field]) {
    fn walk(json: &mut Json, fields: &[Field], path: &mut Vec<String>) {
        match json {
            Json::Array(items) => items.iter_mut().for_each(|item| walk(item, fields, path)),
            Json::Object(map) => {
                for (name, value) in map.iter_mut() {
                    path.push(name.clone());
                    let members: Vec<&str> = path.iter().map(String::as_str).collect();
                    if !hides(fields, &members) {
                        walk(value, fields, path);
                    } else if !value.is_null() {
                        *value = Json::from("***");
                    }
                    path.pop();
                }
            }
            _ => {}
        }
    }
    if fields.iter().any(|field| field.secret) {
        walk(state, fields, &mut Vec::new());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalog::Type;

    #[test]
    fn secrets_become_stars_wherever_they_stand() {
        let field = |name| Field { name, ty: Type::String, optional: false, volatile: false, secret: true, doc: "" };
        let mut state = json!({ "users": [{ "name": "a", "password": "x" }], "v2c": { "trap_community": "c" } });
        hide(&mut state, &[field("users.password"), field("**community")]);
        assert_eq!(state, json!({ "users": [{ "name": "a", "password": "***" }], "v2c": { "trap_community": "***" } }));
    }

    #[test]
    fn names_are_whole_ends_or_ends_at_any_depth() {
        let field = |name| Field { name, ty: Type::String, optional: false, volatile: false, secret: true, doc: "" };
        let fields = [field("body.token"), field("content.*password"), field("**community")];
        for (path, hidden) in [
            (&["body", "token"][..], true),
            (&["body", "token", "inside"], true),
            (&["token"], false),
            (&["content", "cloud__proxy_password"], true),
            (&["content", "cloud__token_set"], false),
            (&["items", "body", "v2c", "trap_community"], true),
        ] {
            assert_eq!(hides(&fields, path), hidden, "{path:?}");
        }
    }
}
