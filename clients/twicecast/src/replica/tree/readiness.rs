//! Checks whether a file that could not be written can be now, before it is fetched again.

use rustix::fs::{Access, AtFlags, FileType, accessat, fstatvfs};

use crate::fs::dirfd;
use crate::names::FileName;
use crate::replica::tree::Tree;
use crate::replica::tree::refusal::Refusal;

impl Tree {
    /// Whether another attempt may succeed, as far as can be found out: nothing is in the way any
    /// more, the folder is writable, and there is room.
    pub fn may_succeed(&self, name: &FileName, refusal: &Refusal, size: u64) -> bool {
        match refusal {
            Refusal::Edited(at) | Refusal::NotOurs(at) => self.is_gone(at),
            Refusal::Link(at) | Refusal::Special(at) => {
                self.is_gone(at) || self.is_file_or_folder(at)
            }
            Refusal::FolderOfOthers(at) => self.is_gone(at) || self.is_empty(at),
            // This can only succeed after the project changes.
            Refusal::Twin(_) | Refusal::TwinIn(_) => false,
            Refusal::System(_) => self.is_writable(name, size),
        }
    }

    fn is_gone(&self, at: &str) -> bool {
        FileName::parse(at).is_ok_and(|name| self.is_free(&name))
    }

    fn is_empty(&self, at: &str) -> bool {
        let entries = dirfd::open_below(&self.root, at).map(|folder| dirfd::entries(&folder));
        entries.is_ok_and(|entries| entries.is_ok_and(|entries| entries.is_empty()))
    }

    fn is_file_or_folder(&self, at: &str) -> bool {
        let Ok(name) = FileName::parse(at) else {
            return false;
        };
        let stat = dirfd::open_parent(&self.root, &name)
            .and_then(|(folder, leaf)| dirfd::look(&folder, leaf));
        let kind = stat.ok().flatten().map(|stat| dirfd::kind(&stat));
        matches!(kind, Some(FileType::RegularFile | FileType::Directory))
    }

    /// Checks the innermost existing folder of a file.
    fn is_writable(&self, name: &FileName, size: u64) -> bool {
        let folder = name
            .folders()
            .rev()
            .chain([""])
            .find_map(|path| dirfd::open_below(&self.root, path).ok());
        let Some(folder) = folder else { return false };
        let work = self.staging.folder();
        // A file system that reports no blocks has no limit.
        let has_room = |of: rustix::fs::StatVfs| {
            of.f_blocks == 0 || of.f_bavail.saturating_mul(of.f_frsize) >= size
        };
        let has_room = fstatvfs(work).is_ok_and(has_room) && fstatvfs(&folder).is_ok_and(has_room);
        let access = Access::WRITE_OK | Access::EXEC_OK;
        let is_open = accessat(&folder, ".", access, AtFlags::empty()).is_ok();
        has_room && is_open
    }
}
