//! Signing in: Basic on every request, or a token.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};

use super::AsyncosOptions;
use super::routes::error;
use super::state::State;
use crate::lab::server::{Ask, Tell};
use crate::lab::web;

/// How near its end a token is renewed.
const RENEW: Duration = Duration::from_secs(300);

/// `POST login`.
pub fn login(ask: &Ask, options: &AsyncosOptions, state: &mut State) -> Tell {
    let decoded = |name: &str| -> Option<String> {
        let body = web::json(ask)?;
        let text = body.pointer(&format!("/data/{name}"))?.as_str()?.to_owned();
        String::from_utf8(STANDARD.decode(text).ok()?).ok()
    };
    let (Some(user), Some(password)) = (decoded("userName"), decoded("passphrase")) else {
        return error(401, "Invalid username or passphrase.");
    };
    if user != options.username || password != options.password {
        return error(401, "Invalid username or passphrase.");
    }
    let token = give(options, state);
    let data = json!({
        "userName": user, "role": "Administrator", "email": [],
        "is2FactorRedirectRequired": if options.two_factor { "true" } else { "false" }, "jwtToken": token,
    });
    let tell = Tell::json(200, &json!({ "data": data })).with("set-cookie", "authenticated=stale; path=/");
    if ask.headers.contains_key("cookie") { tell.complain("a login with an old cookie") } else { tell }
}

fn give(options: &AsyncosOptions, state: &mut State) -> String {
    state.given += 1;
    let token = format!("eyJhbGciOiJIUzI1NiJ9.lab{:08}.signature", state.given);
    state.tokens.insert(token.clone(), Instant::now() + options.token_life);
    token
}

/// The answer to a request that may not pass, or the renewed token if there is one.
pub fn check(ask: &Ask, options: &AsyncosOptions, state: &mut State) -> Result<Option<String>, Box<Tell>> {
    if let Some(token) = web::header(ask, "jwttoken") {
        let Some(ends) = state.tokens.get(token).copied() else {
            return Err(Box::new(error(401, "InvalidTokenError.")));
        };
        let left = ends.saturating_duration_since(Instant::now());
        if left.is_zero() {
            state.tokens.remove(token);
            return Err(Box::new(error(401, "ExpiredSignatureError.")));
        }
        if options.two_factor {
            return Err(Box::new(error(401, "Unauthorized.")));
        }
        return Ok((left < RENEW && options.token_life > RENEW).then(|| give(options, state)));
    }
    match web::basic(ask) {
        Some((user, password)) if user == options.username && password == options.password => Ok(None),
        Some(_) => Err(Box::new(error(401, "Invalid username or passphrase."))),
        None => Err(Box::new(error(401, "Unauthorized."))),
    }
}

/// Who may call what: everything.
pub fn privileges() -> Json {
    json!({ "data": ["e_message_tracking_messages", "e_quarantine_messages"] })
}
