//! Who started the process, for the record: user, host, terminal.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::sync::LazyLock;

/// The person or service behind a process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// The user's name, or the number where it has none.
    pub user: String,
    /// The host's name.
    pub host: String,
    /// The terminal, if there is one.
    pub terminal: Option<String>,
}

impl Caller {
    /// Asks the operating system, once: what the environment says could be anybody's word.
    pub fn of_process() -> &'static Self {
        static CALLER: LazyLock<Caller> = LazyLock::new(Caller::asked);
        &CALLER
    }

    fn asked() -> Self {
        let uid = fs::metadata("/proc/self").map(|facts| facts.uid()).ok();
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned();
        let terminal = (0..3)
            .filter_map(|number| fs::read_link(format!("/proc/self/fd/{number}")).ok())
            .map(|path| path.to_string_lossy().into_owned())
            .find(|path| path.starts_with("/dev/pts/") || path.starts_with("/dev/tty"));
        Self { user: uid.map(name_of).unwrap_or_default(), host, terminal }
    }
}

fn name_of(uid: u32) -> String {
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named = passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        (number.parse() == Ok(uid)).then(|| name.to_owned())
    });
    named.unwrap_or_else(|| uid.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_has_a_user_and_a_host() {
        let caller = Caller::of_process();
        assert!(!caller.user.is_empty());
        assert!(!caller.host.is_empty());
    }
}
