//! A server that is not root, as servers should run.

use std::os::unix::fs::chown;
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use crate::support::*;

/// The first of the user ids that nobody else has. Every server gets one of its own, and with it
/// its own limit of processes.
const FIRST_USER: u32 = 54_321;

static STARTED: AtomicU32 = AtomicU32::new(0);

/// A server run by such a user, with these options of `prlimit`, in an empty folder.
pub fn start(limits: &[&str]) -> Server {
    start_in(tempfile::tempdir().expect("a folder"), limits)
}

/// The same in a folder that may already hold a base folder.
pub fn start_in(folder: TempDir, limits: &[&str]) -> Server {
    let user = FIRST_USER + STARTED.fetch_add(1, Ordering::Relaxed);
    // That user may not have access to the folder where the program was built.
    let program = folder.path().join("file-ws-server");
    // A process of its own copies it: a child that another test starts at that moment would inherit
    // the open file, and a program that is open for writing cannot be started.
    let mut copy = std::process::Command::new("cp");
    copy.args([
        env!("CARGO_BIN_EXE_file-ws-server").as_ref(),
        program.as_os_str(),
    ]);
    assert!(copy.status().expect("cp starts").success());
    for place in [folder.path(), &folder.path().join("base")] {
        if place.exists() {
            chown(place, Some(user), Some(user)).expect("only root may run these tests");
        }
    }
    let user = user.to_string();
    // One worker, and none for the allocator, so that the number of threads is known.
    let mut line = vec!["/usr/bin/env", "TOKIO_WORKER_THREADS=1"];
    line.extend([
        "_RJEM_MALLOC_CONF=background_thread:false",
        "/usr/bin/prlimit",
    ]);
    line.extend(limits);
    line.extend(["--", "/usr/bin/setpriv", "--clear-groups"]);
    line.extend(["--reuid", &user, "--regid", &user]);
    line.push(program.to_str().expect("UTF-8"));
    let line = line.into_iter().map(str::to_owned).collect();
    Server::of_line(folder, line)
}
