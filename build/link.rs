//! How the program is linked.

use std::process::Command;

/// The first glibc whose loader reads packed relocations.
const PACKED: (u32, u32) = (2, 36);

/// Asks for packed relocations, where the program will run on the system that builds it, and its loader knows them:
/// 54,000 addresses take 13 KB instead of 1.3 MB, which each start would have to read.
///
/// A linker that does not know the setting says so, and leaves them as they are.
pub fn pack_relocations() {
    if is_native_glibc() && glibc().is_some_and(|version| version >= PACKED) {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

#[expect(clippy::disallowed_methods, reason = "Cargo tells a build script by the environment what it builds for")]
fn is_native_glibc() -> bool {
    let told = |name: &str| std::env::var(name).unwrap_or_default();
    told("HOST") == told("TARGET") && told("CARGO_CFG_TARGET_OS") == "linux" && told("CARGO_CFG_TARGET_ENV") == "gnu"
}

/// The version of the system's glibc.
fn glibc() -> Option<(u32, u32)> {
    let out = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let text = String::from_utf8(out.stdout).ok()?;
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    let minor: String = minor.chars().take_while(char::is_ascii_digit).collect();
    Some((major.parse().ok()?, minor.parse().ok()?))
}
