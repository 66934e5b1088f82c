//! Which core runs which process.

use std::process::{Command, Stdio};

/// Makes this process run only on that core.
pub fn pin_to_core(core: usize) {
    let pid = std::process::id().to_string();
    let pinned = Command::new("taskset")
        .args(["-p", "-c", &core.to_string(), &pid])
        .stdout(Stdio::null())
        .status();
    assert!(pinned.expect("taskset runs").success());
}
