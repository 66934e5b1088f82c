//! Checks what the system lets the server have: open files and memory.

use super::finding::{Finding, bytes};
use super::kinds::{LIMITS_UNKNOWN, MEMORY_LOW, OPEN_FILES_LOW};
use crate::adapters::inbound::cli::config::Config;

/// About how much memory the server takes under attack, besides what clients make it hold
/// (docs/reliability.md).
const OWN_BYTES: u64 = 160 << 20;

/// What the system allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Allowed {
    /// How many files may be open; `None`: not known.
    pub open_files: Option<u64>,
    /// How much memory there is; `None`: not known.
    pub memory: Option<u64>,
}

pub(super) fn check(config: &Config, allowed: Allowed) -> Vec<Finding> {
    vec![
        files(config, allowed.open_files),
        memory(config, allowed.memory),
    ]
}

fn files(config: &Config, allowed: Option<u64>) -> Finding {
    let wanted = config.open_files() as u64;
    match allowed {
        None => Finding::of(LIMITS_UNKNOWN, "the limit of open files is not known", ""),
        Some(allowed) if allowed < wanted => Finding::of(
            OPEN_FILES_LOW,
            format!("{allowed} files may be open, and maxConnections may need {wanted}"),
            format!("raise the limit (LimitNOFILE={wanted}, ulimit -n) or lower maxConnections"),
        ),
        Some(u64::MAX) => Finding::ok("open-files", "any number of files may be open"),
        Some(allowed) => Finding::ok("open-files", format!("{allowed} files may be open")),
    }
}

fn memory(config: &Config, there_is: Option<u64>) -> Finding {
    let most = config.max_memory_bytes() as u64;
    let wanted = most.saturating_add(OWN_BYTES);
    match there_is {
        None => Finding::of(LIMITS_UNKNOWN, "how much memory there is is not known", ""),
        Some(there_is) if there_is < wanted => {
            let (there_is, wanted) = (bytes(there_is), bytes(wanted));
            Finding::of(
                MEMORY_LOW,
                format!(
                    "the server may take {wanted}, and the machine or its control group has \
                     {there_is}; then the system ends it"
                ),
                "lower maxMemoryBytes, or raise the limit (MemoryMax, docker run --memory)",
            )
        }
        Some(there_is) => {
            let (there_is, most) = (bytes(there_is), bytes(most));
            Finding::ok(
                "memory",
                format!("{there_is} of memory; clients may take {most}"),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{config, names};
    use super::*;

    #[test]
    fn what_the_system_allows_is_held_against_what_may_be_needed() {
        let config = config(&["--max-connections", "1000"]);
        let memory = (96 << 20) + OWN_BYTES;
        for (open_files, memory, expected) in [
            (Some(1_512), Some(memory), ["open-files", "memory"]),
            (
                Some(1_511),
                Some(memory - 1),
                ["open-files-low", "memory-low"],
            ),
            (Some(u64::MAX), Some(u64::MAX), ["open-files", "memory"]),
            (None, None, ["limits-unknown", "limits-unknown"]),
        ] {
            let allowed = Allowed { open_files, memory };
            assert_eq!(names(&check(&config, allowed)), expected, "{allowed:?}");
        }
    }
}
