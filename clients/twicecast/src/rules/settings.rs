//! What git's configuration says about excludes, and which files it consists of.

use std::ffi::OsString;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use gix_config::file::{Metadata, includes, init};
use gix_config::parse::Events;
use gix_config::path::interpolate;
use gix_config::{File, Source};

use crate::fs::dirfd;
use crate::rules::git::{Environment, Repository};
use crate::rules::patterns::Case;
use crate::rules::seen::Seen;

/// The largest file of git's configuration that is read, in bytes.
const CONFIG_BYTES_MAX: u64 = 8 << 20;
/// How deep files may include one another, as in git.
const DEPTH_MAX: u8 = 10;

/// The files with the excludes of a repository, and whether case matters.
pub type Excludes = (Vec<PathBuf>, Case);

/// The excludes of a repository; later files take precedence.
///
/// # Errors
///
/// Why git's configuration cannot be read.
pub fn excludes(
    repository: &Repository,
    environment: &Environment,
    seen: &mut Seen,
) -> Result<Excludes, String> {
    let settings = Settings::of(Some(repository), &repository.work_tree, environment, seen)?;
    let files = settings
        .excludes
        .into_iter()
        .chain([repository.exclude_file()]);
    Ok((files.collect(), settings.case))
}

/// The settings of git that matter here.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `core.excludesFile`, or git's default for it.
    pub excludes: Option<PathBuf>,
    /// `core.ignoreCase`.
    pub case: Case,
}

impl Settings {
    /// The settings of the system and the user, overridden by those of the repository. A relative
    /// path is resolved against `dir` if there is no repository. `seen` gets the files that were
    /// read, and those that would be read if they existed.
    ///
    /// # Errors
    ///
    /// Why git's configuration cannot be read; git itself would refuse to work then.
    pub fn of(
        repository: Option<&Repository>,
        dir: &Path,
        environment: &Environment,
        seen: &mut Seen,
    ) -> Result<Self, String> {
        let home = environment.path("HOME");
        let config = config(repository, home.as_deref(), environment, seen)
            .map_err(|error| format!("git's configuration cannot be read: {error}"))?;
        let excludes = match config.path("core.excludesFile") {
            // The setting is empty.
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

/// git's complete configuration, with everything that it includes.
fn config(
    repository: Option<&Repository>,
    home: Option<&Path>,
    environment: &Environment,
    seen: &mut Seen,
) -> Result<File, String> {
    let mut variable = |name: &str| -> Option<OsString> { environment.any(name) };
    let system = [Source::System, Source::Git, Source::User];
    let mut files: Vec<_> = system
        .into_iter()
        .filter_map(|source| Some((source, source.storage_location(&mut variable)?)))
        .collect();
    if let Some(repository) = repository {
        files.push((Source::Local, repository.common_dir.join("config")));
    }
    let mut config = File::default();
    for (source, path) in files {
        append(&mut config, source, path, seen)?;
    }
    if let Some(repository) = repository {
        let own = repository.git_dir.join("config.worktree");
        seen.see(&own);
        if config.boolean("extensions.worktreeConfig").ok().flatten() == Some(true) {
            append(&mut config, Source::Worktree, own, seen)?;
        }
        // The branch decides what is included.
        seen.see(&repository.git_dir.join("HEAD"));
    }
    let mut broken = None;
    look_into_included(&config, home, 0, seen, &mut broken)?;
    let branch = repository.and_then(Repository::branch);
    let conditional = includes::conditional::Context {
        git_dir: repository.map(|repository| repository.git_dir.as_path()),
        branch_name: branch.as_deref().and_then(|branch| branch.try_into().ok()),
    };
    // Everything is resolved at once, because a condition on the configuration concerns all of it.
    let options = init::Options {
        includes: includes::Options::follow(context(home), conditional),
        ..init::Options::default()
    };
    let included = config.resolve_includes(options);
    included.map_err(|error| broken.unwrap_or_else(|| error.to_string()))?;
    for (key, value) in environment.overrides() {
        let set = config.set_raw_value(key.as_str(), value.as_str());
        set.map_err(|error| error.to_string())?;
    }
    Ok(config)
}

fn append(config: &mut File, source: Source, path: PathBuf, seen: &mut Seen) -> Result<(), String> {
    if let Some(read) = read(source, path, seen)? {
        config.append(read).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// A file of git's configuration, without its includes; `None` if it does not exist.
fn read(source: Source, path: PathBuf, seen: &mut Seen) -> Result<Option<File>, String> {
    seen.see(&path);
    let shown = path.display().to_string();
    let cannot = |error: std::io::Error| format!("{shown}: {error}");
    let Some(mut file) = dirfd::open_elsewhere(&path).map_err(cannot)? else {
        return Ok(None);
    };
    let mut text = Vec::new();
    let taken = (&mut file)
        .take(CONFIG_BYTES_MAX + 1)
        .read_to_end(&mut text);
    taken.map_err(cannot)?;
    if text.len() as u64 > CONFIG_BYTES_MAX {
        return Err(format!("{shown} has more than 8 MiB"));
    }
    let line = Events::from_bytes(&text, None)
        .err()
        .map(|error| error.line_number());
    let meta = Metadata::from(source).at(path);
    let read = File::from_bytes_owned(&mut text, meta, init::Options::default());
    read.map(Some).map_err(|error| match line {
        Some(line) => format!("line {line} of {shown} is not as git wants it"),
        None => format!("{shown}: {error}"),
    })
}

/// Records the files that are or may be included, whatever the conditions say: conditions may
/// change. `broken` becomes the reason why the first of them cannot be read.
///
/// # Errors
///
/// If one of them is a pipe or a device, which the library ignores.
fn look_into_included(
    config: &File,
    home: Option<&Path>,
    depth: u8,
    seen: &mut Seen,
    broken: &mut Option<String>,
) -> Result<(), String> {
    if depth == DEPTH_MAX {
        return Ok(());
    }
    for section in config.sections() {
        let name = section.header().name();
        if !name.eq_ignore_ascii_case(b"include") && !name.eq_ignore_ascii_case(b"includeIf") {
            continue;
        }
        let folder = section.meta().path.as_deref().and_then(Path::parent);
        for path in section.values("path") {
            let Ok(path) = gix_config::Path::from(path).interpolate(context(home)) else {
                continue;
            };
            let path = match folder {
                Some(folder) => folder.join(path),
                None => path,
            };
            if !seen.see(&path) {
                continue;
            }
            dirfd::open_elsewhere(&path)
                .map(drop)
                .or_else(|error| match error.kind() {
                    std::io::ErrorKind::InvalidInput => Err(format!("{}: {error}", path.display())),
                    _ => Ok(()),
                })?;
            match read(section.meta().source, path, seen) {
                Ok(Some(included)) => look_into_included(&included, home, depth + 1, seen, broken)?,
                Ok(None) => {}
                Err(error) => drop(broken.get_or_insert(error)),
            }
        }
    }
    Ok(())
}

fn context(home: Option<&Path>) -> interpolate::Context<'_> {
    interpolate::Context {
        home_dir: home,
        ..interpolate::Context::default()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::rules::git::init as repository;

    fn settings(
        found: &Repository,
        tree: &Path,
        environment: &Environment,
    ) -> Result<Settings, String> {
        Settings::of(Some(found), tree, environment, &mut Seen::default())
    }

    #[test]
    fn the_environment_says_what_is_set() {
        let dir = tempfile::tempdir().unwrap();
        let tree = dir.path().canonicalize().unwrap().join("tree");
        repository(&tree.join(".git"));
        let environment = Environment::of(&[
            ("GIT_CONFIG_COUNT", Path::new("1")),
            ("GIT_CONFIG_KEY_0", Path::new("core.excludesFile")),
            ("GIT_CONFIG_VALUE_0", Path::new("mine")),
        ]);
        let found = Repository::at(&tree).unwrap();
        let settings = settings(&found, &tree, &environment).unwrap();
        assert_eq!(settings.excludes, Some(tree.join("mine")));
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named_with_the_line() {
        let dir = tempfile::tempdir().unwrap();
        let tree = dir.path().join("tree");
        repository(&tree.join(".git"));
        let found = Repository::at(&tree).unwrap();
        let environment = Environment::of(&[("GIT_CONFIG_NOSYSTEM", Path::new("1"))]);
        let (config, more) = (tree.join(".git/config"), tree.join(".git/more"));
        let why = || settings(&found, &tree, &environment).unwrap_err();
        fs::write(&config, "[core]\n\tbare = false\n[core\n").unwrap();
        assert!(why().contains(&format!("line 3 of {}", config.display())));
        fs::write(&config, "[include]\n\tpath = more\n").unwrap();
        fs::write(&more, "\n[").unwrap();
        assert!(
            why().contains(&format!("line 2 of {}", more.display())),
            "{}",
            why()
        );
        // A broken file that is not included does not matter.
        fs::write(&config, "[includeIf \"onbranch:x\"]\n\tpath = more\n").unwrap();
        assert!(settings(&found, &tree, &environment).is_ok());
        fs::remove_file(&more).unwrap();
        for path in [&more, &config] {
            let _ = fs::remove_file(path);
            crate::fs::make_pipe(path);
            let why = why();
            assert!(why.contains("it is a pipe"), "{why}");
            assert!(why.contains(&path.display().to_string()), "{why}");
        }
    }

    #[test]
    fn what_is_included_or_would_be_is_seen_whatever_the_conditions_say() {
        let dir = tempfile::tempdir().unwrap();
        let tree = dir.path().join("tree");
        let git = tree.join(".git");
        repository(&git);
        let found = Repository::at(&tree).unwrap();
        let environment = Environment::of(&[("GIT_CONFIG_NOSYSTEM", Path::new("1"))]);
        let text = "[include]\npath = more\n[includeIf \"onbranch:x\"]\npath = other\n";
        fs::write(git.join("config"), text).unwrap();
        fs::write(git.join("more"), "[include]\npath = deep\npath = more\n").unwrap();
        let mut seen = Seen::default();
        Settings::of(Some(&found), &tree, &environment, &mut seen).unwrap_err();
        let names = ["config", "config.worktree", "more", "other", "deep", "HEAD"];
        for name in names.map(|name| git.join(name)) {
            assert!(seen.paths().any(|path| *path == name), "{name:?}");
        }
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
            let read = settings(&found, &tree, &environment);
            assert_eq!(read.unwrap().excludes, Some(excludes), "{text}");
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
        assert_eq!(settings(&found, &tree, &environment), Ok(none));
        fs::write(home.join(".gitconfig"), "[core\n").unwrap();
        assert!(settings(&found, &tree, &environment).is_err());
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
        let excludes = || settings(&found, &tree, &environment).unwrap().excludes;
        assert_eq!(excludes(), Some(tree.join("global")));
        let extension = "[extensions]\nworktreeConfig = true\n";
        fs::write(tree.join(".git/config"), extension).unwrap();
        assert_eq!(excludes(), Some(tree.join("own")));
    }
}
