//! What the system reports about the machine and a process.

use std::fs;

use crate::pin::pin_to_core;

/// The core for the programs under test; no client runs on it if the machine has another.
pub const SERVER_CORE: usize = 0;

/// Makes this process, with all clients, run only on another core.
pub fn pin_client() {
    pin_to_core(usize::from(cores() > 1));
}

/// Allows this process, and those that it starts, as many open files as the system permits.
pub fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Nofile).maximum;
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, raised).expect("raised");
}

/// The processor time that a process and its children have taken, in seconds. It does not include
/// threads that have ended.
pub fn cpu(pid: u32) -> f64 {
    let own: f64 = threads(pid)
        .filter_map(|thread| fs::read_to_string(format!("{thread}/schedstat")).ok())
        .filter_map(|line| line.split(' ').next()?.parse::<f64>().ok())
        .sum();
    own / 1e9 + children(pid).map(cpu).sum::<f64>()
}

/// The memory of a process and its children that is not shared with a file, in bytes.
pub fn own_memory(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    let kib = line.and_then(|size| size.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or(0) * 1_024 + children(pid).map(own_memory).sum::<u64>()
}

fn threads(pid: u32) -> impl Iterator<Item = String> {
    let entries = fs::read_dir(format!("/proc/{pid}/task"));
    let entries = entries.into_iter().flatten().filter_map(Result::ok);
    entries.map(|entry| entry.path().display().to_string())
}

fn children(pid: u32) -> impl Iterator<Item = u32> {
    let lists = threads(pid).filter_map(|thread| fs::read_to_string(thread + "/children").ok());
    let pids: Vec<_> = lists
        .flat_map(|list| {
            list.split_whitespace()
                .filter_map(|pid| pid.parse().ok())
                .collect::<Vec<_>>()
        })
        .collect();
    pids.into_iter()
}

/// All cores of the machine, even those that this process may not use.
fn cores() -> usize {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    text.matches("processor\t").count().max(1)
}

/// The machine in a line, for readers who compare figures.
pub fn name() -> String {
    let field = |text: String, field: &str| {
        let line = text.lines().find(|line| line.starts_with(field));
        line.and_then(|line| line.split(':').nth(1))
            .map_or_else(|| "?".to_owned(), |value| value.trim().to_owned())
    };
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let kernel = read("/proc/sys/kernel/osrelease");
    format!(
        "{}, {} cores, {} of memory, Linux {}",
        field(read("/proc/cpuinfo"), "model name"),
        cores(),
        field(read("/proc/meminfo"), "MemTotal"),
        kernel.trim()
    )
}
