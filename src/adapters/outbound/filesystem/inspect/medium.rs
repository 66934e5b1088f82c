//! What a folder is on: which file system, and what is free there.

use crate::adapters::outbound::filesystem::sandbox::folder::Folder;
use crate::application::inspection::{Free, Medium, MediumKind};

/// The file systems that are known, by the number that the kernel has for them.
const KNOWN: &[(u32, &str, MediumKind)] = &[
    (0xEF53, "ext4", MediumKind::Disk),
    (0x5846_5342, "xfs", MediumKind::Disk),
    (0x9123_683E, "btrfs", MediumKind::Disk),
    (0x2FC1_2FC1, "zfs", MediumKind::Disk),
    (0xF2F5_2010, "f2fs", MediumKind::Disk),
    (0xCA45_1A4E, "bcachefs", MediumKind::Disk),
    (0x4D44, "vfat", MediumKind::Disk),
    (0x2011_BAB0, "exfat", MediumKind::Disk),
    (0x0102_1994, "tmpfs", MediumKind::Memory),
    (0x8584_58F6, "ramfs", MediumKind::Memory),
    (0x794C_7630, "overlayfs", MediumKind::Layer),
    (0x6969, "nfs", MediumKind::Network),
    (0xFF53_4D42, "cifs", MediumKind::Network),
    (0xFE53_4D42, "smb", MediumKind::Network),
    (0x0102_1997, "9p", MediumKind::Network),
    (0x00C3_6400, "ceph", MediumKind::Network),
    (0x5346_414F, "afs", MediumKind::Network),
    (0x6573_5546, "fuse", MediumKind::Network),
    (0x0BD0_0BD0, "lustre", MediumKind::Network),
    (0x0116_1970, "gfs2", MediumKind::Network),
];

/// Which file system a folder is on. An unknown one counts as a disk.
pub(super) fn of(folder: &Folder) -> Medium {
    let number = rustix::fs::fstatfs(folder).map(|about| about.f_type);
    // The kernel has 32 bits for it; where the field is longer, it may be sign-extended.
    named(number.map_or(0, |number| (number.cast_unsigned() & 0xFFFF_FFFF) as u32))
}

fn named(number: u32) -> Medium {
    let known = KNOWN.iter().find(|(known, ..)| *known == number);
    match known {
        Some((_, name, kind)) => Medium {
            name: (*name).to_owned(),
            kind: *kind,
        },
        None => Medium {
            name: format!("file system {number:#x}"),
            kind: MediumKind::Disk,
        },
    }
}

/// How much this user can still store.
pub(super) fn free(folder: &Folder) -> Option<Free> {
    let about = rustix::fs::fstatvfs(folder).ok()?;
    Some(Free {
        bytes: about.f_bavail.saturating_mul(about.f_frsize),
        // A file system without a bound reports zero of zero.
        files: (about.f_files > 0).then_some(about.f_favail),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_systems_are_known_by_their_numbers() {
        for (number, name, kind) in [
            (0xEF53, "ext4", MediumKind::Disk),
            (0x0102_1994, "tmpfs", MediumKind::Memory),
            (0x6969, "nfs", MediumKind::Network),
            (0xFF53_4D42, "cifs", MediumKind::Network),
            (0x794C_7630, "overlayfs", MediumKind::Layer),
            (0x1234, "file system 0x1234", MediumKind::Disk),
        ] {
            let medium = named(number);
            assert_eq!((medium.name.as_str(), medium.kind), (name, kind));
        }
    }
}
