//! The file system, through handles of folders, so that no link leads astray.

pub mod atomic;
pub mod dirfd;
pub mod executable;
pub mod fingerprint;
pub mod named_file;
pub mod rename;
pub mod sha256;
pub mod user_dirs;
pub mod whole;

/// Makes a pipe. The program does it, since the call for it differs between systems.
#[cfg(test)]
pub fn make_pipe(path: &std::path::Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status();
    assert!(made.unwrap().success(), "{}", path.display());
}
