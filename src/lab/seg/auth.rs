//! Who may come in: tokens for generation 10, Basic for 8.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{Generation, Seg};
use crate::lab::server::{Appliance, Ask, Tell};

/// The tokens that hold, and until when.
#[derive(Debug, Default)]
pub struct Tokens(HashMap<String, Instant>, u64);

/// The token service, on its own port.
pub struct TokenService(pub Arc<Seg>);

impl Appliance for TokenService {
    fn answer(&self, ask: &Ask) -> Tell {
        if ask.path != "/token" {
            return Tell::text(404, "Not found");
        }
        if ask.method != "POST" {
            return Tell::text(405, "Method not allowed");
        }
        let mut complaints = Vec::new();
        let kind = ask.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
        if kind.split(';').next().map(str::trim) != Some("application/x-www-form-urlencoded") {
            return Tell::json(400, &json!({ "error": "invalid_request", "error_description": "a form is wanted" }));
        }
        let fields: Vec<(String, String)> = form(&ask.body);
        let field = |name: &str| fields.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str());
        if let Some((extra, _)) =
            fields.iter().find(|(name, _)| !["grant_type", "username", "password"].contains(&name.as_str()))
        {
            complaints.push(format!("the form has a field '{extra}' that the token service does not know"));
        }
        if field("grant_type") != Some("password") {
            return Tell::json(400, &json!({ "error": "unsupported_grant_type" }));
        }
        let options = &self.0.options;
        let hash: String =
            Sha256::digest(options.password.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        if field("username") != Some(options.username.as_str()) || field("password") != Some(hash.as_str()) {
            return Tell { complaints, ..Tell::json(400, &json!({ "error": "invalid_grant" })) };
        }
        let mut tokens = self.0.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.1 += 1;
        let token = format!("lab-token-{}-{:016x}", tokens.1, fastrand::u64(..));
        tokens.0.insert(token.clone(), Instant::now() + options.token_life);
        let life = options.token_life.as_secs();
        let life = if options.life_as_text { json!(life.to_string()) } else { json!(life) };
        let answer = json!({ "access_token": token, "token_type": "bearer", "expires_in": life });
        Tell { complaints, ..Tell::json(200, &answer) }
    }

    fn writes(&self, _ask: &Ask) -> bool {
        false
    }
}

/// The answer to whoever may not come in; nothing if they may.
pub fn check(seg: &Seg, ask: &Ask) -> Option<Tell> {
    let given = ask.headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let denied = |challenges: &[&str]| {
        let mut tell = Tell::text(401, "Access is denied");
        tell.headers.extend(challenges.iter().map(|challenge| ("www-authenticate", (*challenge).to_owned())));
        Some(tell)
    };
    match seg.options.generation {
        Generation::Ten => {
            let token = given.strip_prefix("Bearer ").unwrap_or_default();
            let tokens = seg.tokens.lock().unwrap_or_else(PoisonError::into_inner);
            match tokens.0.get(token) {
                Some(until) if Instant::now() < *until => None,
                _ => denied(&["Bearer"]),
            }
        }
        Generation::Eight if seg.options.ntlm_only => denied(&["Negotiate", "NTLM"]),
        Generation::Eight => {
            let wanted = STANDARD.encode(format!("{}:{}", seg.options.username, seg.options.password));
            if given.strip_prefix("Basic ") == Some(wanted.as_str()) { None } else { denied(&["Basic realm=\"SEG\""]) }
        }
    }
}

/// The fields of a form, decoded.
fn form(body: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(body).map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}
