//! Finding the content that the author of a proposal started from, of which only the hash is known.

use std::path::Path;
use std::process::{Command, Stdio};

use sha2::{Digest as _, Sha256};

use crate::history;
use crate::names::FileName;
use crate::place;

/// Commits of a file that are looked at, at most.
const COMMITS_MAX: &str = "--max-count=200";

/// Whether a content has that hash.
pub fn is(content: &[u8], sha256: &str) -> bool {
    place::hex(&Sha256::digest(content)) == sha256
}

/// Looks for a file's content with that hash where this machine may have it: among what was shared, and in the git
/// repository that the folder lies in.
pub fn find(dir: &Path, name: &FileName, sha256: &str) -> Option<Vec<u8>> {
    history::read(sha256)
        .filter(|content| is(content, sha256))
        .or_else(|| in_git(dir, name, sha256))
}

fn in_git(dir: &Path, name: &FileName, sha256: &str) -> Option<Vec<u8>> {
    let path = format!(".{}", name.as_str());
    let log = git(
        dir,
        &["log", "--all", COMMITS_MAX, "--format=%H", "--", &path],
    )?;
    let log = String::from_utf8(log).ok()?;
    let commits = log.lines().map(|commit| format!("{commit}:{path}"));
    std::iter::once(format!(":{path}"))
        .chain(commits)
        .filter_map(|version| git(dir, &["cat-file", "blob", &version]))
        .find(|content| is(content, sha256))
}

fn git(dir: &Path, words: &[&str]) -> Option<Vec<u8>> {
    let output = Command::new("git")
        .arg("-C")
        .arg(dir)
        .args(words)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output.status.success().then_some(output.stdout)
}
