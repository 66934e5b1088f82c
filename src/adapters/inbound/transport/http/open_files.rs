//! How many files and sockets the process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the process's own limit of open files to what the system allows it, for a privileged
/// process to at least `wanted`, and returns what it is now; `u64::MAX` where there is no limit.
/// The server calls it before it listens.
///
/// The usual limit of 1,024 is meant for programs that use `select`, which this one does not; it
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_files_may_be_open_as_the_system_allows() {
        let reached = raise_open_files(0);
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        assert_eq!(current, maximum);
        assert_eq!(reached, maximum.unwrap_or(u64::MAX));
    }
}
