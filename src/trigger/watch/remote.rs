//! File systems on which the system tells nothing of what others write: there folders are polled.

use std::path::Path;

/// The numbers by which `statfs` tells the kinds of file systems, and their names.
const REMOTE: &[(u64, &str)] = &[
    (0x6969, "NFS"),
    (0x517B, "SMB"),
    (0xFF53_4D42, "CIFS"),
    (0xFE53_4D42, "SMB2"),
    (0x6573_5546, "FUSE"),
    (0x0102_1997, "9p"),
    (0x00C3_6400, "Ceph"),
    (0x5346_414F, "AFS"),
    (0x7375_7245, "Coda"),
    (0x0BD0_0BD0, "Lustre"),
    (0x4750_4653, "GPFS"),
    (0x0116_1970, "GFS2"),
    (0x7461_636F, "OCFS2"),
    (0x786F_4256, "vboxsf"),
];

/// Whether a folder is on a file system that others may write to without this machine.
pub fn is_remote(folder: &Path) -> bool {
    rustix::fs::statfs(folder).is_ok_and(|found| name(found.f_type as u64).is_some())
}

/// The name of such a file system. Its number has 32 bits, whatever sign it is given.
fn name(number: u64) -> Option<&'static str> {
    REMOTE.iter().find(|(known, _)| *known == number & 0xFFFF_FFFF).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_systems_of_the_network_are_known_by_their_numbers() {
        assert_eq!(name(0x6969), Some("NFS"));
        assert_eq!(name(0xFF53_4D42_u32 as i32 as i64 as u64), Some("CIFS"), "some machines give it a sign");
        assert_eq!((name(0xEF53), name(0x0102_1994), name(0x5846_5342)), (None, None, None), "ext4, tmpfs, XFS");
        assert!(!is_remote(tempfile::tempdir().unwrap().path()));
    }
}
