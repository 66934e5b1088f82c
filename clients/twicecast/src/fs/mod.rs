//! The file system, accessed through directory handles, so that no symbolic link leads elsewhere.

pub mod atomic;
pub mod dirfd;
pub mod executable;
pub mod fingerprint;
pub mod named_file;
pub mod rename;
pub mod sha256;
pub mod user_dirs;
pub mod whole;

/// Makes a pipe, with a program because the system call differs between systems.
#[cfg(test)]
pub fn make_pipe(path: &std::path::Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status();
    assert!(made.unwrap().success(), "{}", path.display());
}
