//! Finds a repository in all its possible forms, and reads the variables that git uses.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::fs::dirfd;
use crate::rules::seen::Seen;

/// The most bytes that are read of one of git's small files.
const BYTES_MAX: u64 = 65_536;

/// The environment variables that git uses.
#[derive(Debug, Default, Clone)]
pub struct Environment(BTreeMap<String, OsString>);

impl Environment {
    /// The variables of this process.
    pub fn of_process() -> Self {
        let all =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        Self(all.collect())
    }

    /// The value of a variable, even if it is empty.
    pub fn any(&self, name: &str) -> Option<OsString> {
        self.0.get(name).cloned()
    }

    /// The value of a variable that is set and not empty.
    pub fn get(&self, name: &str) -> Option<&OsString> {
        self.0.get(name).filter(|value| !value.is_empty())
    }

    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(PathBuf::from)
    }

    /// The settings that `GIT_CONFIG_KEY_0` and so on make in the section of the configuration that
    /// matters here.
    pub fn overrides(&self) -> Vec<(String, String)> {
        let text = |name: &str| self.0.get(name)?.clone().into_string().ok();
        let count = text("GIT_CONFIG_COUNT").and_then(|count| count.parse().ok());
        let all = (0_u16..count.unwrap_or(0)).filter_map(|number| {
            let key = text(&format!("GIT_CONFIG_KEY_{number}"))?;
            Some((key, text(&format!("GIT_CONFIG_VALUE_{number}"))?))
        });
        all.filter(|(key, _)| key.to_ascii_lowercase().starts_with("core."))
            .collect()
    }
}

/// Makes a repository as `git init` does, with everything that is looked at here.
#[cfg(test)]
pub fn init(git_dir: &Path) {
    for folder in ["objects", "refs", "info"] {
        fs::create_dir_all(git_dir.join(folder)).unwrap();
    }
    fs::write(git_dir.join("HEAD"), "ref: refs/heads/main\n").unwrap();
}

#[cfg(test)]
impl Environment {
    /// An environment for a test.
    pub fn of(variables: &[(&str, &Path)]) -> Self {
        let all = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.as_os_str().into()));
        Self(all.collect())
    }
}

/// A repository with a work tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// The top folder of its work tree.
    pub work_tree: PathBuf,
    /// Its own folder for git.
    pub git_dir: PathBuf,
    /// The folder that all its worktrees share; the same as `git_dir` if there is only one.
    pub common_dir: PathBuf,
}

impl Repository {
    /// The repository whose work tree begins at `folder`, if there is one. In a worktree or
    /// submodule, a file there says where the repository is.
    pub fn at(folder: &Path) -> Option<Self> {
        let dot = folder.join(".git");
        let git_dir = if dot.is_dir() {
            dot
        } else {
            let text = text(&dot)?;
            let path = text.strip_prefix("gitdir: ")?;
            folder.join(path.trim_end_matches(['\r', '\n']))
        };
        Self::of(git_dir, folder.to_path_buf())
    }

    /// The repository that contains `dir`, as git finds it from there; `seen` gets the files that
    /// decide it.
    pub fn around(dir: &Path, environment: &Environment, seen: &mut Seen) -> Option<Self> {
        if let Some(git_dir) = environment.path("GIT_DIR") {
            let git_dir = std::path::absolute(git_dir).ok()?;
            see(&git_dir, seen);
            let work_tree = match environment.path("GIT_WORK_TREE") {
                Some(work_tree) => work_tree,
                None => std::env::current_dir().ok()?,
            };
            let work_tree = work_tree.canonicalize().ok()?;
            if dir.starts_with(&work_tree)
                && let Some(found) = Self::of(git_dir, work_tree)
            {
                return Some(found);
            }
        }
        dir.ancestors()
            .find_map(|folder| Self::seen_at(folder, seen))
    }

    /// As [`at`](Self::at), and adds the files that decide it to `seen`.
    pub fn seen_at(folder: &Path, seen: &mut Seen) -> Option<Self> {
        let dot = folder.join(".git");
        seen.see(&dot);
        if dot.is_dir() {
            see(&dot, seen);
        }
        Self::at(folder)
    }

    /// A folder is a repository if it contains what git expects; otherwise git looks further up.
    fn of(git_dir: PathBuf, work_tree: PathBuf) -> Option<Self> {
        let common_dir = match text(&git_dir.join("commondir")) {
            Some(path) => git_dir.join(path.trim_end_matches(['\r', '\n'])),
            None => git_dir.clone(),
        };
        let is_one = fs::symlink_metadata(git_dir.join("HEAD")).is_ok()
            && common_dir.join("objects").is_dir()
            && common_dir.join("refs").is_dir();
        is_one.then_some(Self {
            work_tree,
            git_dir,
            common_dir,
        })
    }

    /// The file with the excludes of this repository only.
    pub fn exclude_file(&self) -> PathBuf {
        self.common_dir.join("info/exclude")
    }

    /// The full name of the branch that is checked out.
    pub fn branch(&self) -> Option<String> {
        let head = text(&self.git_dir.join("HEAD"))?;
        Some(head.strip_prefix("ref:")?.trim().to_owned())
    }
}

/// The text of one of git's small files; there may be a pipe in its place.
fn text(path: &Path) -> Option<String> {
    let file = dirfd::open_elsewhere(path).ok()??;
    let mut text = String::new();
    file.take(BYTES_MAX).read_to_string(&mut text).ok()?;
    Some(text)
}

/// Records what makes a folder a repository.
fn see(git_dir: &Path, seen: &mut Seen) {
    for name in ["HEAD", "commondir", "objects", "refs"] {
        seen.see(&git_dir.join(name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worktree_shares_the_excludes_of_its_repository() {
        let dir = tempfile::tempdir().unwrap();
        let (main, tree) = (dir.path().join("main"), dir.path().join("tree"));
        let own = main.join(".git/worktrees/tree");
        fs::create_dir_all(&own).unwrap();
        fs::create_dir(&tree).unwrap();
        init(&main.join(".git"));
        fs::write(own.join("HEAD"), "ref: refs/heads/side\n").unwrap();
        fs::write(own.join("commondir"), "../..\n").unwrap();
        fs::write(tree.join(".git"), "gitdir: ../main/.git/worktrees/tree\n").unwrap();
        let found = Repository::at(&tree).unwrap();
        let exclude = found.exclude_file();
        let exclude = exclude.parent().unwrap().canonicalize().unwrap();
        assert_eq!(exclude, main.join(".git/info").canonicalize().unwrap());
        assert_eq!(found.branch().as_deref(), Some("refs/heads/side"));
        assert!(Repository::at(&main).is_some() && Repository::at(dir.path()).is_none());
    }

    #[test]
    fn a_pipe_in_place_of_gits_own_file_is_no_repository_and_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = |name: &str| crate::fs::make_pipe(&dir.path().join(name));
        pipe(".git");
        assert!(Repository::at(dir.path()).is_none());
        fs::remove_file(dir.path().join(".git")).unwrap();
        init(&dir.path().join(".git"));
        fs::remove_file(dir.path().join(".git/HEAD")).unwrap();
        pipe(".git/HEAD");
        pipe(".git/commondir");
        assert_eq!(Repository::at(dir.path()).unwrap().branch(), None);
    }

    #[test]
    fn a_folder_that_only_is_called_so_is_no_repository() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("inner");
        init(&dir.path().join(".git"));
        fs::create_dir_all(inner.join(".git/info")).unwrap();
        let around =
            Repository::around(&inner, &Environment::default(), &mut Seen::default()).unwrap();
        assert_eq!(around.work_tree, dir.path());
    }

    #[test]
    fn the_environment_says_where_the_repository_is_and_what_is_set() {
        let dir = tempfile::tempdir().unwrap();
        let (git, tree) = (dir.path().join("dotfiles"), dir.path().join("tree"));
        init(&git);
        fs::create_dir(&tree).unwrap();
        let key = Path::new("core.excludesFile");
        let environment = Environment::of(&[
            ("GIT_DIR", &git),
            ("GIT_WORK_TREE", &tree),
            ("GIT_CONFIG_COUNT", Path::new("1")),
            ("GIT_CONFIG_KEY_0", key),
            ("GIT_CONFIG_VALUE_0", Path::new("mine")),
        ]);
        let tree = tree.canonicalize().unwrap();
        let found = Repository::around(&tree, &environment, &mut Seen::default()).unwrap();
        assert_eq!(found.exclude_file(), git.join("info/exclude"));
    }
}
