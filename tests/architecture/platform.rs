//! Code that only works on Linux stands behind one seam in the command, `platform`, and nowhere in
//! the library. `scripts/macos-check` compiles the other side of the seam.

use std::fs;
use std::path::Path;

use crate::layers::{sources, violations};

const SEAM: &str = "clients/twicecast/src/platform";

/// Calls, flags and fields that other Unix systems lack, or have in another type.
const LINUX_ONLY: &[&str] = &[
    "OFlags::NOATIME",
    "OFlags::PATH",
    "OFlags::TMPFILE",
    "AtFlags::EMPTY_PATH",
    "copy_file_range",
    "epoll",
    "fallocate",
    "getrandom",
    "inotify",
    "makedev",
    "memfd_create",
    "openat2",
    "os::linux",
    "pidfd_open",
    "sendfile",
    "signalfd",
    "st_dev",
    "st_mode &",
    "st_rdev",
    "statx",
    "syncfs",
    "target_family",
    "target_os",
    "timerfd_create",
];

/// Paths and words that mean nothing on other systems. They are searched for in texts, too.
const LINUX_TEXTS: &[&str] = &["\"/proc/", "\"/sys/", "\"/dev/shm", "inotify", "sysctl"];

/// The code that is compiled into the program. Tests run on Linux alone, so they do not count.
fn without_tests(source: &str) -> &str {
    let tests = source.find("\n#[cfg(test)]\nmod tests {");
    tests.map_or(source, |start| &source[..start])
}

/// What only Linux has in `source`, and in which line.
fn of_linux(source: &str) -> Vec<(usize, &'static str)> {
    let source = without_tests(source);
    let mut found = violations(source, LINUX_ONLY);
    for (index, line) in source.lines().enumerate() {
        let is_comment = line.trim_start().starts_with("//");
        let words = LINUX_TEXTS.iter().filter(|word| line.contains(**word));
        found.extend(words.filter(|_| !is_comment).map(|word| (index + 1, *word)));
    }
    found
}

#[test]
fn only_the_seam_has_what_only_linux_has() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut faults = Vec::new();
    for folder in ["clients/twicecast/src", "clients/twicecast-client/src"] {
        let files = sources(&root.join(folder)).into_iter().filter(|file| {
            !file.starts_with(root.join(SEAM)) && file.file_name() != Some("tests.rs".as_ref())
        });
        for file in files {
            let source = fs::read_to_string(&file).expect("readable");
            let name = file.strip_prefix(root).expect("below the root").display();
            let found = of_linux(&source).into_iter();
            faults.extend(found.map(|(line, word)| format!("{name}:{line} has {word}")));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_seam_offers_the_same_on_both_sides() {
    let seam = Path::new(env!("CARGO_MANIFEST_DIR")).join(SEAM);
    let read = |side: &str| fs::read_to_string(seam.join(side)).expect("a side of the seam");
    let offered = |source: &str| -> Vec<_> {
        let functions = source
            .lines()
            .filter_map(|line| line.strip_prefix("pub fn "));
        let mut functions: Vec<_> = functions
            .map(|rest| rest.split('(').next().unwrap_or_default().to_owned())
            .collect();
        functions.sort();
        functions
    };
    let (linux, macos) = (read("linux.rs"), read("macos.rs"));
    assert!(!of_linux(&linux).is_empty(), "then no seam is needed");
    assert_eq!(offered(&linux), offered(&macos));
}

#[test]
fn linux_is_found_where_it_is_planted() {
    for word in LINUX_ONLY {
        let planted = format!("fn harmless() {{}}\nlet x = {word} 0;\n");
        assert!(of_linux(&planted).contains(&(2, *word)), "{word}");
    }
    assert_eq!(of_linux("read(\"/proc/self/status\");"), [(1, "\"/proc/")]);
    assert_eq!(of_linux("// As \"/proc/self/status\" says.\n"), []);
    let in_tests = "fn f() {}\n#[cfg(test)]\nmod tests { use rustix::fs::makedev; }\n";
    assert_eq!(of_linux(in_tests), []);
}
