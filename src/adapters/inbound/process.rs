//! What the system says about a process: what it uses, and what it may have. Only this module reads
//! `/proc` and knows the limit of open files.

use std::path::Path;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

const STATUS: &str = "/proc/self/status";
const OPEN_FILES: &str = "/proc/self/fd";

/// Where the control groups are.
const GROUPS: &str = "/sys/fs/cgroup";

/// The processor time that the process has used, all threads together.
pub fn cpu_time() -> Duration {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    // Counted from the start of the process, so neither is negative.
    let (seconds, nanos) = (used.tv_sec.cast_unsigned(), used.tv_nsec);
    Duration::new(seconds, u32::try_from(nanos).unwrap_or_default())
}

/// How much of the process's memory is resident, in bytes; `None` if the system has no `/proc`.
pub fn resident_bytes() -> Option<u64> {
    resident_in(&std::fs::read_to_string(STATUS).ok()?)
}

fn resident_in(status: &str) -> Option<u64> {
    let size = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
    size?.parse::<u64>().ok().map(|kibibytes| kibibytes * 1_024)
}

/// How many files and sockets it has open; `None` if the system has no `/proc`.
pub fn open_files() -> Option<u64> {
    let folder = std::fs::read_dir(OPEN_FILES).ok()?;
    // One of them is this folder itself.
    Some((folder.count() as u64).saturating_sub(1))
}

/// How many it may have open; `None` without a limit.
pub fn max_open_files() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}

/// Raises the process's own limit of open files to what the system allows, or for a privileged
/// process to at least `wanted`. Returns the limit that then holds; `u64::MAX` if there is none.
/// The server calls this before it listens.
///
/// The usual limit of 1,024 is meant for programs that use `select`, which this one does not. It
/// would be reached long before `maxConnections`.
pub fn raise_open_files(wanted: u64) -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised_to = |limit: Option<u64>| {
        let raised = Rlimit {
            current: limit,
            maximum: limit,
        };
        setrlimit(Resource::Nofile, raised).map(|()| limit)
    };
    let more = maximum.map(|maximum| maximum.max(wanted));
    let reached = raised_to(more).or_else(|_| raised_to(maximum));
    reached.unwrap_or(current).unwrap_or(u64::MAX)
}

/// How many files the process with that number may have open; `u64::MAX` without a limit, `None` if
/// that cannot be seen.
pub fn open_files_of(process: i32) -> Option<u64> {
    soft_limit(&std::fs::read_to_string(format!("/proc/{process}/limits")).ok()?)
}

/// How much memory the process with that number, or this one, may take, in bytes: the machine's, or
/// less if its control group has less. `None` if that cannot be seen.
pub fn max_memory_of(process: Option<i32>) -> Option<u64> {
    let process = process.map_or_else(|| "self".to_owned(), |process| process.to_string());
    let machine = std::fs::read_to_string("/proc/meminfo").ok();
    let machine = machine.and_then(|info| total(&info));
    let group = std::fs::read_to_string(format!("/proc/{process}/cgroup")).ok();
    let group = group.and_then(|groups| group_limit(&groups, Path::new(GROUPS)));
    [machine, group].into_iter().flatten().min()
}

/// The soft limit of open files in a `/proc/<number>/limits`.
fn soft_limit(limits: &str) -> Option<u64> {
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

/// The lowest limit of the control groups in a `/proc/<number>/cgroup` and of those above them.
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
    fn memory_is_read_from_what_the_system_writes() {
        let status = "Name:\tx\nVmHWM:\t    9000 kB\nVmRSS:\t    8192 kB\nThreads:\t3\n";
        assert_eq!(resident_in(status), Some(8_388_608));
        assert_eq!(resident_in("Name:\tx\n"), None);
    }

    #[test]
    fn this_process_uses_the_processor_memory_and_files() {
        assert!(cpu_time() > Duration::ZERO);
        assert!(resident_bytes() > Some(1 << 20));
        let held: Vec<_> = (0..50)
            .map(|_| std::fs::File::open("/dev/null").expect("opens"))
            .collect();
        assert!(open_files() >= Some(50));
        drop(held);
        assert!(max_open_files().is_none_or(|most| most > 50));
    }

    #[test]
    fn as_many_files_may_be_open_as_the_system_allows() {
        let reached = raise_open_files(0);
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        assert_eq!(current, maximum);
        assert_eq!(reached, maximum.unwrap_or(u64::MAX));
    }

    #[test]
    fn limits_are_read_from_what_the_kernel_shows() {
        let limits = |number| format!("Max processes  1 2 x\nMax open files            {number}\n");
        let soft = "1024                 524288               files";
        assert_eq!(soft_limit(&limits(soft)), Some(1_024));
        assert_eq!(
            soft_limit(&limits("unlimited unlimited files")),
            Some(u64::MAX)
        );
        assert_eq!(soft_limit("nothing"), None);
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
    fn a_process_has_limits() {
        let own = i32::try_from(std::process::id()).expect("a number");
        assert!(open_files_of(own).is_some_and(|files| files > 50));
        assert_eq!(open_files_of(-1), None);
        for process in [None, Some(own)] {
            assert!(max_memory_of(process).is_some_and(|bytes| bytes > 1 << 20));
        }
    }
}
