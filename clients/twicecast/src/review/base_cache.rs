//! What was shared lately, by its hash: so that a proposal made from an older version can be
//! merged.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::SystemTime;

use crate::fs::sha256;
use crate::fs::sha256::is_hash;
use crate::fs::user_dirs::{lies_in, own_folder};
use crate::fs::whole;

/// A content that is longer is not kept.
pub const CONTENT_BYTES_MAX: usize = 256 * 1_024;
/// All contents together; the oldest go first.
const BYTES_MAX: u64 = 64 << 20;
/// After so many more contents it is looked whether there are too many bytes.
const TIDY_EVERY: u32 = 200;

/// Where this process keeps what it shares; it shares one project.
static SHARED: OnceLock<Option<Shelf>> = OnceLock::new();

/// From now on what is shared is kept as that project's, unless the place for it lies in the shared
/// folder itself.
pub fn begin(project: &str, dir: &Path) {
    let shelf = Shelf::of(project).filter(|shelf| !lies_in(&shelf.all, dir));
    let _ = SHARED.set(shelf);
}

/// Where the contents of one project are kept.
#[derive(Debug, Clone)]
pub struct Shelf {
    /// The folder of all projects.
    all: PathBuf,
    /// This one's, called by a hash of its name, which may hold anything.
    own: PathBuf,
}

impl Shelf {
    /// That of a project by its full name. `None` where the user has no place for such things.
    pub fn of(project: &str) -> Option<Self> {
        let all = own_folder("XDG_CACHE_HOME", ".cache")?.join("shared");
        Some(Self::at(all, project))
    }

    fn at(all: PathBuf, project: &str) -> Self {
        let own = all.join(sha256::of(project));
        Self { all, own }
    }

    /// The content with that hash, if it was kept. Its user checks that it is that content.
    pub fn read(&self, sha256: &str) -> Option<Vec<u8>> {
        is_hash(sha256).then(|| fs::read(self.own.join(sha256)).ok())?
    }

    /// Takes away what is too much of all projects.
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
    /// That of the project that is shared; keeps nothing before [`begin`].
    fn default() -> Self {
        Self {
            shelf: SHARED.get().cloned().flatten(),
            since_tidied: 0,
        }
    }
}

impl BaseCache {
    /// Keeps a content. That it cannot be kept is no fault: then a proposal made from it cannot be
    /// merged by itself.
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

/// When a file was kept, and how long it is.
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
