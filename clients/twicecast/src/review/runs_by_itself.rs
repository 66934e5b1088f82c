//! Files that tools run by themselves, or that make a tool run something: opening the folder, a
//! build, a test run or a commit is enough. `apply` takes them only by name.

use crate::names::FileName;

/// The list, one kind of file per line.
const LIST: &str = include_str!("runs_by_itself.txt");

/// A line of the list.
#[derive(Debug, Clone, Copy)]
struct Entry {
    place: Place,
    /// Separated by spaces.
    names: &'static str,
    /// What runs it: the reason as people read it.
    why: &'static str,
}

/// Which part of a file's path the names are compared with, wherever in the project it is.
#[derive(Debug, Clone, Copy)]
enum Place {
    File,
    Folder,
    Beginning,
    Ending,
}

impl Entry {
    fn of(line: &'static str) -> Option<Self> {
        let (what, why) = line.split_once(": ")?;
        let (place, names) = what.split_once(' ')?;
        let place = match place {
            "file" => Place::File,
            "folder" => Place::Folder,
            "begins" => Place::Beginning,
            "ends" => Place::Ending,
            _ => return None,
        };
        Some(Self { place, names, why })
    }

    /// Whether the entry means a file of this name in these folders, such as `/src/`.
    fn is_meant(&self, folders: &str, file: &str) -> bool {
        self.names.split(' ').any(|name| match self.place {
            Place::File => file == name,
            Place::Folder => folders.contains(&format!("/{name}/")),
            Place::Beginning => file.starts_with(name),
            Place::Ending => file.ends_with(name),
        })
    }
}

fn all() -> impl Iterator<Item = Option<Entry>> {
    let lines = LIST.lines().filter(|line| !line.starts_with('#'));
    lines.map(Entry::of)
}

/// Why a file runs by itself, if it does.
pub fn why(name: &FileName) -> Option<&'static str> {
    // Some file systems ignore case; for some, the long s and the Kelvin sign are letters.
    let lower = name.as_str().to_lowercase();
    let lower = lower.replace('\u{17f}', "s").replace('\u{212a}', "k");
    let (folders, file) = lower.split_at(lower.rfind('/')? + 1);
    let found = all().flatten().find(|entry| entry.is_meant(folders, file));
    found.map(|entry| entry.why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> FileName {
        FileName::parse(text).unwrap()
    }

    #[test]
    fn what_runs_by_itself_is_known_wherever_it_lies_and_however_it_is_spelt() {
        for runs in [
            "/.vscode/tasks.json",
            "/sub/.vscode/settings.json",
            "/.cargo/config.toml",
            "/.cargo/config",
            "/build.rs",
            "/crates/a/BUILD.RS",
            "/tests/conftest.py",
            "/.devcontainer/a/b",
            "/.husky/pre-commit",
            "/.pre-commit-config.yaml",
            "/.gdbinit",
            "/.exrc",
            "/.dir-locals.el",
            "/.mise.toml",
            "/.config/mise/config.toml",
            "/.github/workflows/ci.yml",
            "/.gitlab-ci.yml",
            "/a.pth",
            "/.tool-versions",
            "/x.code-workspace",
            "/web/package.json",
            "/a/Cargo.toml",
            "/pyproject.toml",
            "/vite.config.js",
            "/A.csproj",
            "/Makefile",
            "/sub/GNUmakefile",
            "/justfile",
            "/gradlew",
            "/Vagrantfile",
            "/web/Dockerfile",
            "/Dockerfile.dev",
            "/dev.Dockerfile",
            "/docker-compose.yml",
            "/docker-compose.prod.yml",
            "/compose.yaml",
            "/cmake/a.cmake",
            "/rules.mk",
            "/vite.config.mts",
            "/.eslintrc.mjs",
            "/compose.override.yml",
            "/.mcp.json",
            "/BUILD",
            "/.v\u{17f}code/tasks.json",
            "/node_modules/a/index.js",
        ] {
            assert!(why(&name(runs)).is_some(), "{runs}");
        }
        for plain in [
            "/src/main.rs",
            "/workflows/a.yml",
            "/.github/README.md",
            "/build.rs/a",
            "/cargo/config.toml",
            "/pth",
            "/src/makefile/a",
            "/src/compose.rs",
            "/build/a.rs",
            "/package.json.md",
            "/src/hooks/use.js",
        ] {
            assert_eq!(why(&name(plain)), None, "{plain}");
        }
    }

    #[test]
    fn every_line_of_the_list_is_one_that_can_be_found() {
        assert_eq!(all().filter(Option::is_none).count(), 0);
        assert!(all().count() > 100, "there is a list");
        for entry in all().flatten() {
            let mut names = entry.names.split(' ');
            let are_lower_case = names.all(|name| !name.is_empty() && name == name.to_lowercase());
            assert!(are_lower_case && !entry.why.is_empty(), "{entry:?}");
        }
    }
}
