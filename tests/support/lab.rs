//! The lab in this process: the judge that tests ask.

use beadle::lab::{Faults, SegLab, SegOptions};
use tokio::runtime::Runtime;

/// The lab's password.
pub const PASSWORD: &str = "lab-password";

/// A running SEG with its runtime.
pub struct Seg {
    /// The lab.
    pub lab: SegLab,
    /// Keeps it running.
    _runtime: Runtime,
    version: &'static str,
    username: String,
}

impl Seg {
    /// A SEG 10 that behaves.
    pub fn ten() -> Self {
        Self::with(SegOptions::default())
    }

    /// A SEG 10 on which something goes wrong.
    pub fn faulty(faults: &[&str]) -> Self {
        Self::with(SegOptions { faults: parsed(faults), ..SegOptions::default() })
    }

    /// A SEG with options.
    pub fn with(options: SegOptions) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let version = if options.generation == beadle::lab::Generation::Ten { "10" } else { "8" };
        let username = options.username.clone();
        let lab = runtime.block_on(SegLab::start(options)).unwrap();
        Self { lab, _runtime: runtime, version, username }
    }

    /// Sets what goes wrong from now on.
    pub fn fail(&self, faults: &[&str]) {
        self.lab.set_faults(parsed(faults));
    }

    /// The target's table, without TLS settings.
    pub fn target(&self, name: &str) -> String {
        let (method, token_url) = match self.lab.token_url() {
            Some(url) => ("token", format!(", token_url = \"{url}\"")),
            None => ("basic", String::new()),
        };
        format!(
            "[targets.{name}]\nvendor = \"seg\"\nurl = \"{}\"\nversion = \"{}\"\ntimeout = \"2s\"\n\
             auth = {{ method = \"{method}\", username = '{}', password = {{ env = \"SEG_PASSWORD\" }}{token_url} }}\n",
            self.lab.api_url(),
            self.version,
            self.username
        )
    }

    /// How many writes came in.
    pub fn writes(&self) -> u64 {
        self.lab.counts().1
    }

    /// Nothing was wrong with any request.
    #[track_caller]
    pub fn is_content(&self) {
        let complaints = self.lab.complaints();
        assert!(complaints.is_empty(), "the lab complains:\n{}", complaints.join("\n"));
    }
}

fn parsed(faults: &[&str]) -> Faults {
    Faults::parse(&faults.iter().map(|fault| (*fault).to_owned()).collect::<Vec<_>>()).unwrap()
}

/// A catalog with a row of the user's own: `member_put` adds a member, and settles a lost answer by this rule.
pub fn member_put(lost_answer: &str) -> String {
    format!(
        r#"id = "seg"
title = "More of SEG"
wire_case = "camel"
[[call]]
name = "member_put"
method = "POST"
path = "/groups/usermaintained/{{groupid}}/members/"
effect = "change"
area = "Groups"
summary = "Put a member"
params.group_id = {{ wire = "groupid" }}
params.member_type = {{ type = "int", required = true }}
params.member_data = {{ required = true }}
lost_answer = "{lost_answer}"
before = {{ call = "group_members", args = {{ group_id = "group_id" }} }}
source = "the same call"
confidence = "seed"
"#
    )
}
