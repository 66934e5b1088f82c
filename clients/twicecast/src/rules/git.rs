//! Where git keeps its own excludes, in all the shapes that a repository takes, and what its
//! configuration says about them.

use std::collections::BTreeMap;
use std::error::Error;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use gix_config::file::{Metadata, includes, init};
use gix_config::path::interpolate;
use gix_config::{File, Source};

use crate::rules::patterns::Case;

/// The variables of the environment that git minds.
#[derive(Debug, Default, Clone)]
pub struct Environment(BTreeMap<String, OsString>);

impl Environment {
    /// Those of this process.
    pub fn of_process() -> Self {
        let all =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        Self(all.collect())
    }

    /// The value of a variable that is set and not empty.
    fn get(&self, name: &str) -> Option<&OsString> {
        self.0.get(name).filter(|value| !value.is_empty())
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(PathBuf::from)
    }

    /// What `GIT_CONFIG_KEY_0` and so on set in the configuration's section that matters here.
    fn overrides(&self) -> Vec<(String, String)> {
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

#[cfg(test)]
impl Environment {
    /// One of a test.
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
    /// The top folder of its files.
    pub work_tree: PathBuf,
    git_dir: PathBuf,
    /// What all worktrees share; else the same.
    common_dir: PathBuf,
}

impl Repository {
    /// The one whose work tree begins at `folder`, if any does. A worktree and a submodule have a
    /// file there that says where it is.
    pub fn at(folder: &Path) -> Option<Self> {
        let dot = folder.join(".git");
        let git_dir = if dot.is_dir() {
            dot
        } else {
            let text = fs::read_to_string(&dot).ok()?;
            let path = text.strip_prefix("gitdir: ")?;
            folder.join(path.trim_end_matches(['\r', '\n']))
        };
        Self::of(git_dir, folder.to_path_buf())
    }

    /// The one that `dir` lies in, as git finds it from there.
    pub fn around(dir: &Path, environment: &Environment) -> Option<Self> {
        if let Some(git_dir) = environment.path("GIT_DIR") {
            let git_dir = std::path::absolute(git_dir).ok()?;
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
        dir.ancestors().find_map(Self::at)
    }

    /// A folder is a repository if it has what git looks for; else git looks further up.
    fn of(git_dir: PathBuf, work_tree: PathBuf) -> Option<Self> {
        let common_dir = match fs::read_to_string(git_dir.join("commondir")) {
            Ok(path) => git_dir.join(path.trim_end_matches(['\r', '\n'])),
            Err(_) => git_dir.clone(),
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

    /// Where its excludes stand, the weaker first, and whether their case matters.
    ///
    /// # Errors
    ///
    /// Why git's configuration cannot be read.
    pub fn excludes(&self, environment: &Environment) -> Result<(Vec<PathBuf>, Case), String> {
        let settings = Settings::of(Some(self), &self.work_tree, environment)?;
        let files = settings.excludes.into_iter().chain([self.exclude_file()]);
        Ok((files.collect(), settings.case))
    }

    /// The file with the excludes of this repository alone.
    fn exclude_file(&self) -> PathBuf {
        self.common_dir.join("info/exclude")
    }

    /// The full name of the branch that is checked out.
    fn branch(&self) -> Option<String> {
        let head = fs::read_to_string(self.git_dir.join("HEAD")).ok()?;
        Some(head.strip_prefix("ref:")?.trim().to_owned())
    }
}

/// What git's configuration says that matters here.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `core.excludesFile`, or git's default for it.
    pub excludes: Option<PathBuf>,
    /// `core.ignoreCase`.
    pub case: Case,
}

impl Settings {
    /// Those of the system and the user, and over them those of a repository; a relative path
    /// begins at `dir`, unless there is a repository.
    ///
    /// # Errors
    ///
    /// Why git's configuration cannot be read. git itself does nothing then.
    pub fn of(
        repository: Option<&Repository>,
        dir: &Path,
        environment: &Environment,
    ) -> Result<Self, String> {
        let home = environment.path("HOME");
        let config = config(repository, home.as_deref(), environment)
            .map_err(|error| format!("git's configuration cannot be read: {error}"))?;
        let excludes = match config.path("core.excludesFile") {
            // Set to nothing.
            Some(path) if path.is_empty() => None,
            Some(path) => {
                let top = repository.map_or(dir, |repository| &repository.work_tree);
                let path = path.interpolate(context(home.as_deref()));
                Some(top.join(path.map_err(|error| format!("core.excludesFile: {error}"))?))
            }
            None => environment
                .path("XDG_CONFIG_HOME")
                .or_else(|| Some(home.as_ref()?.join(".config")))
                .map(|config| config.join("git/ignore")),
        };
        let ignores_case = config.boolean("core.ignoreCase");
        let case = match ignores_case.ok().flatten() {
            Some(true) => Case::Folded,
            _ => Case::Sensitive,
        };
        Ok(Self { excludes, case })
    }
}

/// git's whole configuration, with what it includes.
fn config(
    repository: Option<&Repository>,
    home: Option<&Path>,
    environment: &Environment,
) -> Result<File, Box<dyn Error>> {
    let mut variable = |name: &str| environment.0.get(name).cloned();
    let system = [Source::System, Source::Git, Source::User];
    let mut files: Vec<_> = system
        .into_iter()
        .filter_map(|source| Some((source, source.storage_location(&mut variable)?)))
        .collect();
    if let Some(repository) = repository {
        files.push((Source::Local, repository.common_dir.join("config")));
    }
    let mut config = read(files)?;
    if let Some(repository) = repository
        && config.boolean("extensions.worktreeConfig").ok().flatten() == Some(true)
    {
        let own = repository.git_dir.join("config.worktree");
        config.append(read(vec![(Source::Worktree, own)])?)?;
    }
    let branch = repository.and_then(Repository::branch);
    let conditional = includes::conditional::Context {
        git_dir: repository.map(|repository| repository.git_dir.as_path()),
        branch_name: branch.as_deref().and_then(|branch| branch.try_into().ok()),
    };
    // All at once: a condition about the configuration is about all of it.
    config.resolve_includes(init::Options {
        includes: includes::Options::follow(context(home), conditional),
        ..init::Options::default()
    })?;
    for (key, value) in environment.overrides() {
        config.set_raw_value(key.as_str(), value.as_str())?;
    }
    Ok(config)
}

/// Files of git's configuration, less those that are not there, with nothing included yet.
fn read(files: Vec<(Source, PathBuf)>) -> Result<File, Box<dyn Error>> {
    let mut files = files
        .into_iter()
        .filter(|(_, path)| path.is_file())
        .map(|(source, path)| Metadata::from(source).at(path));
    let options = init::Options::default();
    let read = File::from_paths_metadata_buf(&mut files, &mut Vec::new(), false, options)?;
    Ok(read.unwrap_or_default())
}

fn context(home: Option<&Path>) -> interpolate::Context<'_> {
    interpolate::Context {
        home_dir: home,
        ..interpolate::Context::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A repository as `git init` makes it, as far as anything here looks.
    fn repository(git_dir: &Path) {
        for folder in ["objects", "refs", "info"] {
            fs::create_dir_all(git_dir.join(folder)).unwrap();
        }
        fs::write(git_dir.join("HEAD"), "ref: refs/heads/main\n").unwrap();
    }

    #[test]
    fn a_worktree_shares_the_excludes_of_its_repository() {
        let dir = tempfile::tempdir().unwrap();
        let (main, tree) = (dir.path().join("main"), dir.path().join("tree"));
        let own = main.join(".git/worktrees/tree");
        fs::create_dir_all(&own).unwrap();
        fs::create_dir(&tree).unwrap();
        repository(&main.join(".git"));
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
    fn a_folder_that_only_is_called_so_is_no_repository() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("inner");
        repository(&dir.path().join(".git"));
        fs::create_dir_all(inner.join(".git/info")).unwrap();
        let around = Repository::around(&inner, &Environment::default()).unwrap();
        assert_eq!(around.work_tree, dir.path());
    }

    #[test]
    fn the_environment_says_where_the_repository_is_and_what_is_set() {
        let dir = tempfile::tempdir().unwrap();
        let (git, tree) = (dir.path().join("dotfiles"), dir.path().join("tree"));
        repository(&git);
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
        let found = Repository::around(&tree, &environment).unwrap();
        assert_eq!(found.exclude_file(), git.join("info/exclude"));
        let settings = Settings::of(Some(&found), &tree, &environment).unwrap();
        assert_eq!(settings.excludes, Some(tree.join("mine")));
    }

    #[test]
    fn settings_are_read_as_git_reads_them() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("home");
        let tree = dir.path().join("tree");
        repository(&tree.join(".git"));
        fs::create_dir(&home).unwrap();
        fs::write(home.join("more"), "[core]\n excludesFile = ~/included\n").unwrap();
        let found = Repository::at(&tree).unwrap();
        let environment =
            Environment::of(&[("HOME", &home), ("GIT_CONFIG_NOSYSTEM", Path::new("1"))]);
        let included = home.join("included");
        for (text, excludes) in [
            ("", home.join(".config/git/ignore")),
            ("[core] excludesFile = ~/included", included.clone()),
            (
                "[CORE]\nEXCLUDESFILE=\"~/included\" # mine",
                included.clone(),
            ),
            (
                "[core]\nexcludesFile = ~/in\\\ncluded ; mine",
                included.clone(),
            ),
            (
                "\u{feff}[core]\r\n\texcludesFile = ~/included\r\n",
                included.clone(),
            ),
            ("[include]\npath = more", included.clone()),
            (
                "[includeIf \"gitdir:**/tree/\"]\npath = more",
                included.clone(),
            ),
            (
                "[includeIf \"gitdir/i:**/TREE/\"]\npath = more",
                included.clone(),
            ),
            (
                "[includeIf \"onbranch:main\"]\npath = more",
                included.clone(),
            ),
            (
                "[remote \"o\"]\nurl = u:/a\n[includeIf \"hasconfig:remote.*.url:u:/**\"]\npath = more",
                included,
            ),
            (
                "[includeIf \"onbranch:other\"]\npath = more",
                home.join(".config/git/ignore"),
            ),
            (
                "[core \"x\"]\nexcludesFile = no",
                home.join(".config/git/ignore"),
            ),
            ("[core]\nexcludesFile = relative", tree.join("relative")),
        ] {
            fs::write(home.join(".gitconfig"), text).unwrap();
            let settings = Settings::of(Some(&found), &tree, &environment);
            assert_eq!(settings.unwrap().excludes, Some(excludes), "{text}");
        }
        fs::write(
            home.join(".gitconfig"),
            "[core]\nexcludesFile =\nignoreCase\n",
        )
        .unwrap();
        let none = Settings {
            excludes: None,
            case: Case::Folded,
        };
        assert_eq!(Settings::of(Some(&found), &tree, &environment), Ok(none));
        fs::write(home.join(".gitconfig"), "[core\n").unwrap();
        assert!(Settings::of(Some(&found), &tree, &environment).is_err());
    }

    #[test]
    fn a_worktree_s_own_settings_and_a_file_in_the_users_place_count() {
        let dir = tempfile::tempdir().unwrap();
        let tree = dir.path().join("tree");
        repository(&tree.join(".git"));
        let found = Repository::at(&tree).unwrap();
        let own = tree.join(".git/config.worktree");
        fs::write(own, "[core]\nexcludesFile = own\n").unwrap();
        let global = dir.path().join("global");
        fs::write(&global, "[core]\nexcludesFile = global\n").unwrap();
        let environment = Environment::of(&[
            ("GIT_CONFIG_NOSYSTEM", Path::new("true")),
            ("GIT_CONFIG_GLOBAL", &global),
        ]);
        let excludes = || {
            let settings = Settings::of(Some(&found), &tree, &environment).unwrap();
            settings.excludes
        };
        assert_eq!(excludes(), Some(tree.join("global")));
        let extension = "[extensions]\nworktreeConfig = true\n";
        fs::write(tree.join(".git/config"), extension).unwrap();
        assert_eq!(excludes(), Some(tree.join("own")));
    }
}
