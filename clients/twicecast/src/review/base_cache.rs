//! Contents that were shared recently, by hash, so that a proposal that is based on an older
//! version can be merged.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::SystemTime;

use crate::fs::sha256;
use crate::fs::sha256::is_hash;
use crate::fs::user_dirs::{lies_in, own_folder};
use crate::fs::whole;

/// The largest content that is kept, in bytes.
pub const CONTENT_BYTES_MAX: usize = 256 * 1_024;
/// The most bytes of all contents together; the oldest are removed first.
const BYTES_MAX: u64 = 64 << 20;
/// After how many more contents the total is checked.
const TIDY_EVERY: u32 = 200;

/// The place where this process keeps what it shares; it shares only one project.
static SHARED: OnceLock<Option<Shelf>> = OnceLock::new();

/// From now on, keeps contents that are shared for this project, unless their place is inside the
/// shared folder.
pub fn begin(project: &str, dir: &Path) {
    let shelf = Shelf::of(project).filter(|shelf| !lies_in(&shelf.all, dir));
    let _ = SHARED.set(shelf);
}

/// The place for the contents of one project.
#[derive(Debug, Clone)]
pub struct Shelf {
    /// The folder of all projects.
    all: PathBuf,
    /// The folder of this project. It is named by a hash, because a project's name may contain
    /// anything.
    own: PathBuf,
}

impl Shelf {
    /// The place for the project with that full name; `None` if the user has no folder for caches.
    pub fn of(project: &str) -> Option<Self> {
        let all = own_folder("XDG_CACHE_HOME", ".cache")?.join("shared");
        Some(Self::at(all, project))
    }

    fn at(all: PathBuf, project: &str) -> Self {
        let own = all.join(sha256::of(project));
        Self { all, own }
    }

    /// The content with that hash, if it was kept. The caller checks that it has this hash.
    pub fn read(&self, sha256: &str) -> Option<Vec<u8>> {
        is_hash(sha256).then(|| fs::read(self.own.join(sha256)).ok())?
    }

    /// Removes the oldest contents of all projects beyond the limit.
    fn tidy(&self, bytes_max: u64) {
        let mut all = Vec::new();
        for folder in entries(&self.all) {
            all.extend(file(&folder));
            all.extend(entries(&folder.path()).filter_map(|entry| file(&entry)));
        }
        all.sort();
        let mut bytes: u64 = all.iter().map(|(_, bytes, _)| bytes).sum();
        for (_, length, path) in all {
            if bytes <= bytes_max {
                return;
            }
            let _ = fs::remove_file(path);
            bytes -= length;
        }
    }
}

/// Keeps contents.
#[derive(Debug)]
pub struct BaseCache {
    shelf: Option<Shelf>,
    since_tidied: u32,
}

impl Default for BaseCache {
    /// The cache of the project that is shared; it keeps nothing before [`begin`].
    fn default() -> Self {
        Self {
            shelf: SHARED.get().cloned().flatten(),
            since_tidied: 0,
        }
    }
}

impl BaseCache {
    /// Keeps a content. If that fails, a proposal based on it cannot be merged automatically, and
    /// nothing else happens.
    pub fn keep(&mut self, sha256: &str, content: &[u8]) {
        let Some(kept) = self.shelf.as_ref().filter(|_| is_hash(sha256)) else {
            return;
        };
        if content.len() > CONTENT_BYTES_MAX || kept.own.join(sha256).exists() {
            return;
        }
        if self.since_tidied.is_multiple_of(TIDY_EVERY) {
            kept.tidy(BYTES_MAX);
        }
        self.since_tidied += 1;
        let _ = whole::write(&kept.own.join(sha256), content);
    }
}

fn entries(folder: &Path) -> impl Iterator<Item = fs::DirEntry> {
    fs::read_dir(folder).into_iter().flatten().flatten()
}

/// When a file was kept, its size and its path.
fn file(entry: &fs::DirEntry) -> Option<(SystemTime, u64, PathBuf)> {
    let found = entry.metadata().ok().filter(fs::Metadata::is_file)?;
    Some((found.modified().ok()?, found.len(), entry.path()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(dir: &tempfile::TempDir, project: &str) -> BaseCache {
        BaseCache {
            shelf: Some(Shelf::at(dir.path().to_owned(), project)),
            since_tidied: 0,
        }
    }

    fn hash(content: &[u8]) -> String {
        sha256::of(content)
    }

    #[test]
    fn what_was_shared_of_one_project_is_not_found_from_another() {
        let dir = tempfile::tempdir().unwrap();
        let mut one = cache(&dir, "ana/../../etc");
        one.keep(&hash(b"mine"), b"mine");
        let of = |project: &str| Shelf::at(dir.path().to_owned(), project);
        assert_eq!(of("ana/../../etc").read(&hash(b"mine")).unwrap(), b"mine");
        assert_eq!(of("ana/other").read(&hash(b"mine")), None);
        assert_eq!(of("ana/../../etc").read("../../x"), None);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_too_much_goes_whichever_project_it_is_of() {
        let dir = tempfile::tempdir().unwrap();
        for project in ["a", "b"] {
            cache(&dir, project).keep(&hash(b"x"), b"0123456789");
        }
        let shelf = Shelf::at(dir.path().to_owned(), "c");
        shelf.tidy(20);
        let left = || {
            let folders = entries(dir.path()).map(|folder| entries(&folder.path()).count());
            folders.sum::<usize>()
        };
        assert_eq!(left(), 2);
        shelf.tidy(10);
        assert_eq!(left(), 1);
    }

    #[test]
    fn without_a_place_nothing_is_kept() {
        let mut cache = BaseCache {
            shelf: None,
            since_tidied: 0,
        };
        cache.keep(&hash(b"x"), b"x");
        assert_eq!(cache.since_tidied, 0);
    }
}
