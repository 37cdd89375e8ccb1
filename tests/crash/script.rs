//! The playbook that the crash rounds run: every kind of effect, in every shape of branch.

use crate::support::lab::member_put;

/// How large a round is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Size {
    /// A few dozen changes.
    Small,
    /// Several hundred.
    Large,
}

impl Size {
    /// How many changes each of the parts makes.
    const fn each(self) -> u32 {
        match self {
            Self::Small => 4,
            Self::Large => 40,
        }
    }

    /// The main playbook.
    pub fn main(self) -> String {
        MAIN.replace("EACH", &self.each().to_string())
    }
}

/// A delta is settled by sending it again: where that is refused, the first one went through.
const ADD: &str = r#"
fn add(seg, group, net, last) {
    let start = `10.${net}.${last / 250}.${last % 250}`;
    try {
        seg.ip_group_delta(group, #{ add: [#{ ip_address_start: start, cidr: 32, name: `n${net}x${last}` }] });
    } catch (e) {
        if e.kind != "conflict" || e.details.get("resent") != true { throw; }
    }
}
"#;

const MAIN: &str = r#"
let seg = target("seg");
let sps = target("sps");

step("one after another", || { for n in 0..EACH { add(seg, 15, 1, n); } });

step("side by side", || {
    parallel([0, 1, 2], #{ limit: 3 }, |outer| {
        seg.groups();
        let inner = [];
        for n in 0..EACH { inner.push(outer * 1000 + n); }
        parallel(inner, #{ limit: 2 }, |n| add(seg, 16, 2, n));
        store.set(`outer ${outer}`, outer);
        add(seg, 16, 3, outer);
    });
});

retry(#{ attempts: 3, backoff: "1ms" }, || {
    let tries = store.get("tries");
    tries = if tries == () { 1 } else { tries + 1 };
    store.set("tries", tries);
    if tries < 3 { throw "again"; }
    add(seg, 15, 4, tries);
});

for n in 0..EACH / 2 { seg.member_put(3, #{ member_type: 1, member_data: `m${n}@example.net` }); }

let settled = parallel_settled([0, 1, 2], |n| if n == 1 { throw "not this one" } else { add(seg, 15, 7, n) });
for n in [0, 2] { if settled[n].contains("error") { throw settled[n].error; } }
wait_until(#{ every: "1ms", timeout: "10s" }, || seg.groups().len() > 0 && settled[1].contains("error"));

let done = run_playbook("child", #{ target: "seg", count: EACH });
write_file("out/child.txt", `${done} by the child`);

sps.datetime_timezone_replace("UTC");
let key = transaction(sps, "two at once", || {
    sps.network_dns_replace(#{ primary: "192.0.2.1", secondary: "192.0.2.2" });
    sps.ssh_channel_policy_create(#{ name: "crash", rules: [] }).key
});
sps.ssh_channel_policy(key);
sps.management_email_update(|email| { email.sender_address = "crash@example.net"; email });
sleep(0.003);
add(seg, 15, 6, 0);
print("done");
"#;

const CHILD: &str = r#"//! Makes some changes of its own.
//!
//! ```toml
//! [params]
//! target = { type = "target", vendor = "seg", doc = "where" }
//! count = { type = "int", doc = "how many" }
//! ```
let seg = target(params.target);
let list = [];
for n in 0..params.count { list.push(n); }
parallel(list, #{ limit: 2 }, |n| { sleep(0.001); add(seg, 15, 5, n); });
store.set("count", params.count);
return params.count;
"#;

/// The main playbook's name.
pub const NAME: &str = "main";

/// The texts of the files of a project, by name.
pub fn files(size: Size) -> [(&'static str, String); 3] {
    [
        ("playbooks/main.rhai", format!("{}{ADD}", size.main())),
        ("playbooks/child.rhai", format!("{CHILD}{ADD}")),
        ("catalogs/more.toml", member_put("verify group_members")),
    ]
}
