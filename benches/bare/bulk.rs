//! Reference: sends the requests that blocking a list needs, and nothing else.
//!
//! `bare-bulk TOKEN_URL API_URL USER PASSWORD GROUP LIST CHUNK [KNOWN]`: each line of LIST is a network,
//! normalised already; each chunk is one atomic delta, which says what `beadle run std/seg/bulk_ip_block` would say. What
//! is in the list KNOWN already is left out.

use std::collections::HashSet;
use std::io::Write;

use serde_json::json;
use sha2::{Digest, Sha256};

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [token_url, api, user, password, group, list, chunk, known @ ..] = arguments.as_slice() else {
        return Err("usage: TOKEN_URL API_URL USER PASSWORD GROUP LIST CHUNK [KNOWN]".into());
    };
    let client = reqwest::Client::builder().no_proxy().build()?;
    let hash: String = Sha256::digest(password.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    let form = [("grant_type", "password"), ("username", user), ("password", &hash)];
    let token: serde_json::Value = client.post(token_url).form(&form).send().await?.json().await?;
    let token = token["access_token"].as_str().ok_or("no token")?.to_owned();
    let text = std::fs::read_to_string(list)?;
    let known = known.first().map(std::fs::read_to_string).transpose()?.unwrap_or_default();
    let known: HashSet<&str> = known.lines().collect();
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty() && !known.contains(line)).collect();
    let mut requests = 0;
    for lines in lines.chunks(chunk.parse()?) {
        let add: Vec<serde_json::Value> = lines
            .iter()
            .map(|line| {
                let (start, prefix) = line.split_once('/').unwrap_or((line, "32"));
                let prefix: u8 = prefix.parse().unwrap_or(32);
                let name = format!("beadle {}_{prefix}", start.replace('.', "-"));
                json!({ "ipAddressStart": start, "cidr": prefix, "name": name })
            })
            .collect();
        let answer = client
            .patch(format!("{api}/seg/api/ipgroups/{group}/delta/"))
            .bearer_auth(&token)
            .json(&json!({ "add": add, "remove": [] }))
            .send()
            .await?
            .error_for_status()?;
        answer.bytes().await?;
        requests += 1;
    }
    writeln!(std::io::stdout(), "{requests}")?;
    Ok(())
}
