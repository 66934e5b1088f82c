//! Where git keeps its own excludes, in all the shapes that a repository takes.

use std::fs;
use std::path::{Path, PathBuf};

/// The folder that `.git` in `folder` stands for, with what all worktrees share; nothing where that
/// is no repository. A worktree and a submodule have a file there that says where it is.
pub fn common_dir(folder: &Path) -> Option<PathBuf> {
    let dot = folder.join(".git");
    let git = if dot.is_dir() {
        dot
    } else {
        let text = fs::read_to_string(&dot).ok()?;
        folder.join(text.strip_prefix("gitdir:")?.trim())
    };
    let common = fs::read_to_string(git.join("commondir"));
    Some(match common {
        Ok(path) => git.join(path.trim()),
        Err(_) => git,
    })
}

/// What git's configuration says that matters here.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `core.excludesFile`.
    pub excludes: Option<PathBuf>,
    /// `core.ignoreCase`.
    pub ignores_case: bool,
}

impl Settings {
    /// Those of the user, and over them those of a repository.
    pub fn of(common_dir: Option<&Path>) -> Self {
        let home = std::env::var_os("HOME").map(PathBuf::from);
        let config = std::env::var_os("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .or_else(|| Some(home.as_ref()?.join(".config")));
        let mut settings = Self {
            // git's default.
            excludes: config.as_ref().map(|config| config.join("git/ignore")),
            ignores_case: false,
        };
        let files = [
            config.map(|config| config.join("git/config")),
            home.as_ref().map(|home| home.join(".gitconfig")),
            common_dir.map(|git| git.join("config")),
        ];
        for file in files.into_iter().flatten() {
            let text = fs::read(file).unwrap_or_default();
            settings.read(&String::from_utf8_lossy(&text), home.as_deref());
        }
        settings
    }

    /// Takes over what a configuration file says; what it includes is not followed.
    fn read(&mut self, text: &str, home: Option<&Path>) {
        let mut in_core = false;
        for line in text.lines().map(str::trim) {
            if let Some(section) = line.strip_prefix('[') {
                in_core = section.to_ascii_lowercase().starts_with("core]");
                continue;
            }
            let (name, value) = line.split_once('=').unwrap_or((line, "true"));
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "excludesfile" if in_core => {
                    let path = match value.strip_prefix("~/") {
                        Some(rest) => home.map(|home| home.join(rest)),
                        None => Some(PathBuf::from(value)),
                    };
                    self.excludes = path.filter(|path| path.is_absolute());
                }
                "ignorecase" if in_core => {
                    self.ignores_case = matches!(value, "true" | "yes" | "on" | "1");
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_as_git_writes_them() {
        let mut settings = Settings::default();
        let text = "[user]\n\texcludesfile = no\n[core]\n\tignorecase = true\n\texcludesFile = \"~/my excludes\"\n[x]\nignorecase=false\n";
        settings.read(text, Some(Path::new("/home/ana")));
        let excludes = Some(PathBuf::from("/home/ana/my excludes"));
        assert_eq!(
            settings,
            Settings {
                excludes,
                ignores_case: true
            }
        );
    }

    #[test]
    fn a_worktree_shares_the_excludes_of_its_repository() {
        let dir = tempfile::tempdir().unwrap();
        let (main, tree) = (dir.path().join("main"), dir.path().join("tree"));
        fs::create_dir_all(main.join(".git/worktrees/tree")).unwrap();
        fs::create_dir(&tree).unwrap();
        fs::write(main.join(".git/worktrees/tree/commondir"), "../..\n").unwrap();
        fs::write(tree.join(".git"), "gitdir: ../main/.git/worktrees/tree\n").unwrap();
        let found = common_dir(&tree).unwrap().canonicalize().unwrap();
        assert_eq!(found, main.join(".git").canonicalize().unwrap());
        assert_eq!(common_dir(&main), Some(main.join(".git")));
        assert_eq!(common_dir(dir.path()), None);
    }
}
