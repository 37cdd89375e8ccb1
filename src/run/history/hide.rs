//! What is hidden of an entry wherever it is shown, whatever its value: the fields that a row calls secret,
//! and, where no row knows the members, those whose names say it.

use serde_json::Value as Json;

use crate::catalog::Row;

/// What stands in place of a secret.
const HIDDEN: &str = "***";

/// How the names of members end that hold secrets, lower case and without separators.
const NAMES: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "privatekey",
    "presharedkey",
    "authorization",
    "cookie",
    "credential",
    "credentials",
    "passwords",
    "secrets",
];

/// Hides the parameters of a row that are secret, under either of their names, wherever they stand: what was
/// sent as a secret may come back in a state.
pub fn hide_params(json: &mut Json, row: &Row) {
    fn collect(params: &'static [crate::catalog::Param], names: &mut Vec<&'static str>) {
        for param in params {
            if param.secret {
                names.extend([param.name, param.wire]);
            }
            collect(param.fields, names);
        }
    }
    let mut names = Vec::new();
    collect(row.params, &mut names);
    hide_where(json, &|name| names.contains(&name));
}

/// Hides what is called a password, a token or the like, and private keys.
pub fn hide_names(json: &mut Json) {
    hide_where(json, &|name| {
        // A reference is no secret.
        if name.starts_with('$') {
            return false;
        }
        let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
        NAMES.iter().any(|end| plain.ends_with(end))
    });
}

fn hide_where(json: &mut Json, is_secret: &dyn Fn(&str) -> bool) {
    match json {
        Json::Array(items) => items.iter_mut().for_each(|item| hide_where(item, is_secret)),
        Json::Object(map) => {
            for (name, value) in map {
                match value {
                    Json::String(text) if is_secret(name) && !text.is_empty() => HIDDEN.clone_into(text),
                    Json::Number(_) if is_secret(name) => *value = HIDDEN.into(),
                    Json::Array(items) if is_secret(name) => {
                        items.iter_mut().filter(|item| item.is_string()).for_each(|item| *item = HIDDEN.into());
                        items.iter_mut().for_each(|item| hide_where(item, is_secret));
                    }
                    inner => hide_where(inner, is_secret),
                }
            }
        }
        Json::String(text) if text.contains("PRIVATE KEY-----") => HIDDEN.clone_into(text),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_called_a_secret_is_hidden_and_its_neighbours_are_not() {
        let mut json = json!({
            "user": "a", "bind_password": "x", "apiKey": 7, "accessToken": null, "tokens_left": 3,
            "list": [{ "Secret": "x", "names": ["password"] }], "pem": "-----BEGIN PRIVATE KEY-----\nx",
            "secret": { "$secret": "env:X" }, "passwords": ["a"],
        });
        hide_names(&mut json);
        assert_eq!(
            json,
            json!({
                "user": "a", "bind_password": "***", "apiKey": "***", "accessToken": null, "tokens_left": 3,
                "list": [{ "Secret": "***", "names": ["password"] }], "pem": "***",
                "secret": { "$secret": "env:X" }, "passwords": ["***"],
            })
        );
    }
}
