//! What the system says of this process.

use std::time::Duration;

use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

const STATUS: &str = "/proc/self/status";
const OPEN_FILES: &str = "/proc/self/fd";

/// The processor time that the process has used, all threads together.
pub(super) fn cpu_time() -> Duration {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    // Since the process began, so neither is negative.
    let (seconds, nanos) = (used.tv_sec.cast_unsigned(), used.tv_nsec);
    Duration::new(seconds, u32::try_from(nanos).unwrap_or_default())
}

/// How much of its memory is in the machine's, in bytes; `None` where the system has no `/proc`.
pub(super) fn resident_bytes() -> Option<u64> {
    resident_in(&std::fs::read_to_string(STATUS).ok()?)
}

fn resident_in(status: &str) -> Option<u64> {
    let size = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
    size?.parse::<u64>().ok().map(|kibibytes| kibibytes * 1_024)
}

/// How many files and sockets it has open; `None` where the system has no `/proc`.
pub(super) fn open_files() -> Option<u64> {
    let folder = std::fs::read_dir(OPEN_FILES).ok()?;
    // One of them is the folder's own.
    Some((folder.count() as u64).saturating_sub(1))
}

/// How many it may have open; `None` without a limit.
pub(super) fn max_open_files() -> Option<u64> {
    getrlimit(Resource::Nofile).current
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
}
