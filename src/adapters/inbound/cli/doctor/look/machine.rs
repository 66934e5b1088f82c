//! What the system allows a process: open files and memory.

use std::path::{Path, PathBuf};

use crate::adapters::inbound::cli::doctor::limits::Allowed;
use crate::adapters::inbound::transport::raise_open_files;

/// Where the control groups are.
const GROUPS: &str = "/sys/fs/cgroup";

/// What the process with that number may have; without one, what a server that starts here may.
pub(in super::super) fn allowed(process: Option<i32>, wanted_files: u64) -> Allowed {
    let process = process.map(|process| PathBuf::from(format!("/proc/{process}")));
    let open_files = match &process {
        Some(process) => std::fs::read_to_string(process.join("limits"))
            .ok()
            .and_then(|limits| open_files(&limits)),
        // It concerns this process alone, and shows whether a server could do the same.
        None => Some(raise_open_files(wanted_files)),
    };
    let process = process.unwrap_or_else(|| PathBuf::from("/proc/self"));
    let machine = std::fs::read_to_string("/proc/meminfo").ok();
    let machine = machine.and_then(|info| total(&info));
    let group = std::fs::read_to_string(process.join("cgroup")).ok();
    let group = group.and_then(|groups| group_limit(&groups, Path::new(GROUPS)));
    Allowed {
        open_files,
        memory: [machine, group].into_iter().flatten().min(),
    }
}

/// The soft limit of open files in a `/proc/<number>/limits`.
fn open_files(limits: &str) -> Option<u64> {
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    match line.split_whitespace().next()? {
        "unlimited" => Some(u64::MAX),
        number => number.parse().ok(),
    }
}

/// The machine's memory in a `/proc/meminfo`, in bytes.
fn total(info: &str) -> Option<u64> {
    let line = info
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kibibytes * 1_024)
}

/// The least that the control groups in a `/proc/<number>/cgroup`, and those above them, allow.
fn group_limit(groups: &str, root: &Path) -> Option<u64> {
    groups
        .lines()
        .filter_map(|line| {
            let mut parts = line.splitn(3, ':');
            let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
            let path = Path::new(path.trim_start_matches('/'));
            let (top, file) = match controllers {
                "" => (root.to_path_buf(), "memory.max"),
                _ if controllers.split(',').any(|name| name == "memory") => {
                    (root.join("memory"), "memory.limit_in_bytes")
                }
                _ => return None,
            };
            let limits = path.ancestors().filter_map(|group| {
                let text = std::fs::read_to_string(top.join(group).join(file)).ok()?;
                // Without a limit it says `max`.
                text.trim().parse::<u64>().ok()
            });
            limits.min()
        })
        .min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_from_what_the_kernel_shows() {
        let limits = |number| format!("Max processes  1 2 x\nMax open files            {number}\n");
        let soft = "1024                 524288               files";
        assert_eq!(open_files(&limits(soft)), Some(1_024));
        assert_eq!(
            open_files(&limits("unlimited unlimited files")),
            Some(u64::MAX)
        );
        assert_eq!(open_files("nothing"), None);
        assert_eq!(
            total("MemTotal:       16384 kB\nMemFree: 1 kB\n"),
            Some(16 << 20)
        );
    }

    #[test]
    fn the_least_of_a_group_and_those_above_it_counts() {
        let root = tempfile::tempdir().expect("a folder");
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(path, text).expect("written");
        };
        write("a/b/memory.max", "max\n");
        write("a/memory.max", "4096\n");
        write("memory/c/memory.limit_in_bytes", "8192\n");
        for (groups, expected) in [
            ("0::/a/b\n", Some(4_096)),
            ("0::/\n", None),
            ("5:cpu,memory:/c\n1:name=systemd:/a\n", Some(8_192)),
            ("5:memory:/c\n0::/a\n", Some(4_096)),
            ("", None),
        ] {
            assert_eq!(group_limit(groups, root.path()), expected, "{groups}");
        }
    }

    #[test]
    fn this_process_has_limits() {
        let own = i32::try_from(std::process::id()).ok();
        for process in [None, own] {
            let allowed = allowed(process, 0);
            assert!(allowed.open_files.is_some_and(|files| files > 0));
            assert!(allowed.memory.is_some_and(|bytes| bytes > 1 << 20));
        }
    }
}
