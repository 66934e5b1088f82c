//! What was shared lately, by its hash: so that a proposal made from an older version can be merged.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::PathBuf;
use std::time::SystemTime;

use crate::pulls::own_folder;

/// A content that is longer is not kept.
pub const CONTENT_BYTES_MAX: usize = 256 * 1_024;
/// All contents together; the oldest go first.
const BYTES_MAX: u64 = 64 << 20;
/// After so many more contents it is looked whether there are too many bytes.
const TIDY_EVERY: u32 = 200;

/// Keeps contents.
#[derive(Debug, Default)]
pub struct History {
    since_tidied: u32,
}

impl History {
    /// Keeps a content. That it cannot be kept is no fault: then a proposal made from it cannot be merged by itself.
    pub fn keep(&mut self, sha256: &str, content: &[u8]) {
        let Some(folder) = folder().filter(|_| is_hash(sha256)) else {
            return;
        };
        let path = folder.join(sha256);
        if content.len() > CONTENT_BYTES_MAX || path.exists() {
            return;
        }
        if self.since_tidied.is_multiple_of(TIDY_EVERY) {
            tidy(&folder);
        }
        self.since_tidied += 1;
        let _ = fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder);
        let mut options = fs::OpenOptions::new();
        let temporary = folder.join(format!("{sha256}.{}", std::process::id()));
        let written = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&temporary)
            .and_then(|mut file| file.write_all(content));
        let _ = match written {
            Ok(()) => fs::rename(&temporary, &path),
            Err(_) => fs::remove_file(&temporary),
        };
    }
}

/// The content with that hash, if it was kept. Whoever uses it checks that it is.
pub fn read(sha256: &str) -> Option<Vec<u8>> {
    let folder = folder().filter(|_| is_hash(sha256))?;
    fs::read(folder.join(sha256)).ok()
}

fn folder() -> Option<PathBuf> {
    Some(own_folder("XDG_CACHE_HOME", ".cache")?.join("shared"))
}

/// Nothing else may become a file's name here.
fn is_hash(sha256: &str) -> bool {
    sha256.len() == 64 && sha256.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn tidy(folder: &PathBuf) {
    let mut all: Vec<(SystemTime, u64, PathBuf)> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let found = entry.metadata().ok()?;
            Some((found.modified().ok()?, found.len(), entry.path()))
        })
        .collect();
    all.sort();
    let mut bytes: u64 = all.iter().map(|(_, bytes, _)| bytes).sum();
    for (_, length, path) in all {
        if bytes <= BYTES_MAX {
            return;
        }
        let _ = fs::remove_file(path);
        bytes -= length;
    }
}
