//! Reference: bare `reqwest` with `serde_json`.
//!
//! `bare-reqwest TOKEN_URL API_URL USER PASSWORD reads N` signs in and makes N sequential reads of `groups`;
//! `… changes N` makes N deltas, and one durable write to a file of this folder before each; `… commits N` the same
//! with a durable commit to a database of SQLite, of what resuming needs. `- API_URL USER PASSWORD get PATH` reads one answer
//! with HTTP Basic; `- API_URL USER PASSWORD fan N` makes N reads of `groups` with it, 100 at a time, and prints how many
//! milliseconds they took.

use std::io::Write;

use futures_util::{StreamExt, TryStreamExt};
use sha2::{Digest, Sha256};

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [token_url, api, user, password, what, value] = arguments.as_slice() else {
        return Err("usage: TOKEN_URL API_URL USER PASSWORD reads|changes|commits|get|fan VALUE".into());
    };
    let client = reqwest::Client::builder().no_proxy().build()?;
    if what == "get" {
        let request = client.get(format!("{api}{value}")).basic_auth(user, Some(password));
        let answer: serde_json::Value = request.send().await?.json().await?;
        let list = answer.as_array().or_else(|| answer["data"].as_array());
        writeln!(std::io::stdout(), "{}", list.map_or(0, Vec::len))?;
        return Ok(());
    }
    if what == "fan" {
        let begun = std::time::Instant::now();
        let read = async |_| -> Result<usize, reqwest::Error> {
            let request = client.get(format!("{api}/seg/api/groups")).basic_auth(user, Some(password));
            let groups: serde_json::Value = request.send().await?.error_for_status()?.json().await?;
            Ok(groups.as_array().map_or(0, Vec::len))
        };
        let reads = futures_util::stream::iter(0..value.parse::<usize>()?).map(read).buffer_unordered(100);
        let _groups: usize = reads.try_fold(0, async |sum, groups| Ok(sum + groups)).await?;
        writeln!(std::io::stdout(), "{}", begun.elapsed().as_secs_f64() * 1000.0)?;
        return Ok(());
    }
    let hash: String = Sha256::digest(password.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    let form = [("grant_type", "password"), ("username", user), ("password", &hash)];
    let token: serde_json::Value = client.post(token_url).form(&form).send().await?.json().await?;
    let token = token["access_token"].as_str().ok_or("no token")?.to_owned();
    let get = |path: &str| client.get(format!("{api}{path}")).bearer_auth(&token).send();
    let mut out = std::io::stdout();
    if what == "reads" {
        let mut total = 0;
        for _ in 0..value.parse::<usize>()? {
            let groups: serde_json::Value = get("/seg/api/groups").await?.json().await?;
            total += groups.as_array().map_or(0, Vec::len);
        }
        writeln!(out, "{total}")?;
    } else if what == "changes" || what == "commits" {
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open("bare.journal")?;
        let mut database = (what == "commits").then(database).transpose()?;
        let base = std::process::id() % 65_000;
        for n in 0..value.parse::<u32>()? {
            let start = format!("11.{}.{}.{n}", base / 256, base % 256);
            let entry = serde_json::json!({ "ipAddressStart": start, "cidr": 32, "name": format!("b{base}x{n}") });
            let body = serde_json::json!({ "add": [entry], "remove": [] });
            if let Some(database) = &mut database {
                record(database, base, n)?;
            } else {
                // As much as a commit of the journal writes.
                file.write_all(&[0; 8_192])?;
                file.sync_data()?;
            }
            let url = format!("{api}/seg/api/ipgroups/15/delta/");
            let answer = client.patch(url).bearer_auth(&token).json(&body).send().await?;
            let _read: serde_json::Value = answer.error_for_status()?.json().await?;
        }
    } else {
        return Err(format!("{what} is none of reads, changes, commits").into());
    }
    Ok(())
}

/// A database that keeps what whoever goes on after a `kill -9` has to know.
fn database() -> rusqlite::Result<rusqlite::Connection> {
    let database = rusqlite::Connection::open("bare.db")?;
    database.pragma_update(None, "journal_mode", "WAL")?;
    database.pragma_update(None, "synchronous", "FULL")?;
    database.execute_batch(
        "CREATE TABLE run (id TEXT PRIMARY KEY, head BLOB);
         CREATE TABLE entry (number INTEGER PRIMARY KEY, run TEXT, path TEXT, action BLOB, outcome BLOB, hash BLOB);",
    )?;
    Ok(database)
}

/// One durable commit: the intent of a change, the outcome of the one before, and the hash over all of them.
fn record(database: &mut rusqlite::Connection, base: u32, number: u32) -> rusqlite::Result<()> {
    let run = format!("run{base}");
    let transaction = database.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    {
        let mut outcome = transaction.prepare_cached("UPDATE entry SET outcome = ?2 WHERE number = ?1")?;
        outcome.execute(rusqlite::params![i64::from(number) - 1, [7_u8; 60]])?;
        let mut intent = transaction.prepare_cached("INSERT INTO entry VALUES (?1, ?2, ?3, ?4, NULL, ?5)")?;
        intent.execute(rusqlite::params![number, run, format!("0.{number}"), [7_u8; 200], [7_u8; 32]])?;
        let mut head = transaction.prepare_cached("INSERT OR REPLACE INTO run VALUES (?1, ?2)")?;
        head.execute(rusqlite::params![run, [7_u8; 32]])?;
    }
    transaction.commit()
}
