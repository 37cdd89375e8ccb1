//! Canaries: secrets are planted, and every byte that is written anywhere is searched for them.

use std::path::Path;

use beadle::lab::SegOptions;
use sha2::{Digest, Sha256};

use crate::support::Sandbox;
use crate::support::lab::Seg;

const CANARY: &str = "canary-Pass/word+7%";

/// Every form in which the canary could show.
fn forms() -> Vec<Vec<u8>> {
    use base64::Engine;
    let hash: String = Sha256::digest(CANARY).iter().map(|byte| format!("{byte:02x}")).collect();
    let encoded = percent_encoding::utf8_percent_encode(CANARY, percent_encoding::NON_ALPHANUMERIC).to_string();
    let base64 = base64::engine::general_purpose::STANDARD.encode(CANARY);
    [CANARY.to_owned(), hash, encoded, base64].into_iter().map(String::into_bytes).collect()
}

fn assert_clean(what: &str, bytes: &[u8]) {
    for form in forms() {
        let found = bytes.windows(form.len()).any(|window| window == form);
        assert!(!found, "{what} shows a secret as {}", String::from_utf8_lossy(&form));
    }
}

fn search(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            search(&path);
        } else {
            assert_clean(&path.display().to_string(), &std::fs::read(&path).unwrap());
        }
    }
}

#[test]
fn no_output_log_or_file_shows_a_secret() {
    let seg = Seg::with(SegOptions { password: CANARY.into(), ..SegOptions::default() });
    let mut sandbox = Sandbox::with_seg(&seg, "[secrets.api]\nenv = \"SEG_PASSWORD\"\n");
    sandbox.env("SEG_PASSWORD", CANARY);
    let header = "//! X.\n//!\n//! ```toml\n//! [params]\n//! s = { type = \"secret\" }\n//! ```\n";
    // What is known to be a secret is refused before it runs; a mixed list hides the kind.
    let script = format!(
        "{header}let seg = target(\"seg\");\nlet s = [secret(\"api\"), 0][0];\nprint(s); print(`${{s}}`); print(\"a\" + s); print(to_json(s)); print(#{{ s: s }});\n\
         log_warn(s); table([#{{ s: s }}]); print(params.s); write_json(\"out/x.json\", #{{ s: s }});\n\
         try {{ store.set(\"k\", s) }} catch (e) {{ print(e.message) }}\ntry {{ print(s == s) }} catch (e) {{ print(e.message) }}\n\
         try {{ seg.group_member_add(3, #{{ member_type: 1, member_data: s }}) }} catch (e) {{ print(e) }}\n\
         seg.config_backup_run(#{{ include_dkim: true, dkim_password: s }});\nseg.groups();"
    );
    for more in [&["s=api"][..], &["s=env:SEG_PASSWORD", "--format", "json"], &["s=api", "-vv", "--dry-run"]] {
        let ran = sandbox.script(&script, &[more, &["--yes"]].concat()).code(0);
        assert_clean("standard output", ran.out.as_bytes());
        assert_clean("standard error", ran.err.as_bytes());
    }
    // The appliance itself did get it.
    let sent = seg.lab.requests().iter().any(|request| String::from_utf8_lossy(&request.body).contains(CANARY));
    assert!(sent);
    // A wrong sign-in repeats nothing of it either.
    sandbox.write("beadle.toml", &sandbox.read("beadle.toml").replace("'api'", "'nobody'"));
    let ran = sandbox.script("target(\"seg\").groups()", &["-vv"]).code(1);
    assert_clean("standard error", ran.err.as_bytes());
    search(sandbox.path());
}

#[test]
fn a_secret_comes_from_a_file_or_a_command() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    let config = sandbox.read("beadle.toml");
    sandbox.write("password", "lab-password\n");
    sandbox.write("beadle.toml", &config.replace("{ env = \"SEG_PASSWORD\" }", "{ file = \"password\" }"));
    sandbox.script("target(\"seg\").groups()", &[]).code(0);
    sandbox.write(
        "beadle.toml",
        &config.replace("{ env = \"SEG_PASSWORD\" }", "{ command = [\"/bin/echo\", \"lab-password\"] }"),
    );
    sandbox.script("target(\"seg\").groups()", &[]).code(0);
    sandbox.write("beadle.toml", &config.replace("{ env = \"SEG_PASSWORD\" }", "{ command = [\"/bin/false\"] }"));
    sandbox.script("target(\"seg\").groups()", &[]).code(1).err(&["the secret command '/bin/false' failed"]);
}

#[test]
fn a_secret_shows_as_stars_wherever_it_is_shown() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "[secrets.api]\nenv = \"SEG_PASSWORD\"\n");
    let script = "let s = secret(\"api\"); print(to_json(#{ a: s })); log_info(s); log_warn(#{ b: [s] }); throw s;";
    let ran = sandbox.script(script, &[]).code(1);
    assert_eq!(ran.out, "{\"a\":\"***\"}\n");
    ran.err(&["info: ***", "warn: #{\"b\": [***]}", "error: ***"]);
}

#[test]
fn a_secret_reaches_an_allowed_host_as_what_it_is() {
    let seg = Seg::ten();
    let url = seg.lab.api_url();
    let host = url.trim_start_matches("http://").trim_end_matches('/');
    let more = format!("[secrets.api]\nenv = \"SEG_PASSWORD\"\n[http]\nallow = [\"{host}\"]\n");
    let sandbox = Sandbox::with_seg(&seg, &more);
    let script = format!(
        "let s = secret(\"api\"); try {{ http_post(\"{url}/hook\", #{{ json: #{{ token: s }}, headers: #{{ \"X-Key\": s }} }}) }} catch {{ }}"
    );
    let ran = sandbox.script(&script, &["-vv"]).code(0);
    assert!(!format!("{}{}", ran.out, ran.err).contains("lab-password"));
    let sent = seg.lab.requests().iter().any(|request| request.body == b"{\"token\":\"lab-password\"}");
    assert!(sent, "{:?}", seg.lab.requests());
}
