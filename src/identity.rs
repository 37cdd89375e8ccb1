//! What tells one file from another that later has its name.

use std::fmt;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

use jiff::Timestamp;
use rustix::fs::Stat;

/// Device, number, size and time of change of a file. They stay the same when it is renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    device: u64,
    inode: u64,
    /// Bytes.
    pub size: u64,
    /// Nanoseconds since 1970.
    changed: i128,
}

impl Identity {
    /// When the contents were changed last, if that is a time at all.
    pub fn modified(&self) -> Option<Timestamp> {
        Timestamp::from_nanosecond(self.changed).ok()
    }
}

fn nanoseconds(seconds: i64, rest: i64) -> i128 {
    i128::from(seconds) * 1_000_000_000 + i128::from(rest)
}

impl From<&Metadata> for Identity {
    fn from(metadata: &Metadata) -> Self {
        let changed = nanoseconds(metadata.mtime(), metadata.mtime_nsec());
        Self { device: metadata.dev(), inode: metadata.ino(), size: metadata.size(), changed }
    }
}

impl From<&Stat> for Identity {
    fn from(stat: &Stat) -> Self {
        let changed = nanoseconds(stat.st_mtime, i64::try_from(stat.st_mtime_nsec).unwrap_or(0));
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        Self { device: stat.st_dev, inode: stat.st_ino, size, changed }
    }
}

/// As the state database keeps it.
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}:{}", self.device, self.inode, self.size, self.changed)
    }
}
