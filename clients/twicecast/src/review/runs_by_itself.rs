//! Files that tools run by themselves, or that make a tool run something: opening the folder, a
//! build, a test run or a commit is enough. `apply` takes one only where it is named.

use crate::names::FileName;

/// What runs it: the reason as people are told it.
type Reason = &'static str;

/// Names of files, wherever they lie, in lower case.
const NAMES: &[(&str, Reason)] = &[
    ("build.rs", "cargo runs it at every build"),
    // What they depend on runs when it is installed, built, or looked at in an editor.
    (
        "cargo.toml",
        "cargo runs what it names and what it depends on",
    ),
    (
        "package.json",
        "npm runs its scripts and those of what it depends on",
    ),
    (
        "composer.json",
        "composer runs its scripts and those of what it depends on",
    ),
    (
        "pyproject.toml",
        "pip runs what builds it, and tools load what it names",
    ),
    ("setup.cfg", "tools load what it names"),
    (
        "mix.exs",
        "mix runs it, also when an editor opens the folder",
    ),
    ("rebar.config", "rebar runs what it names"),
    (
        "gemfile",
        "bundler runs it, also when an editor opens the folder",
    ),
    ("rakefile", "rake runs it"),
    // An editor has make print what it would do, which runs the shell that a variable asks for.
    (
        "makefile",
        "make runs it, also when an editor opens the folder",
    ),
    (
        "gnumakefile",
        "make runs it, also when an editor opens the folder",
    ),
    ("bsdmakefile", "make runs it"),
    ("justfile", "just runs it"),
    (".justfile", "just runs it"),
    ("taskfile.yml", "task runs it"),
    ("taskfile.yaml", "task runs it"),
    ("procfile", "foreman runs what it names"),
    ("tiltfile", "tilt runs it"),
    ("sconstruct", "scons runs it"),
    ("vagrantfile", "vagrant runs it"),
    ("dockerfile", DOCKER),
    ("containerfile", DOCKER),
    ("compose.yml", DOCKER),
    ("compose.yaml", DOCKER),
    ("docker-bake.hcl", DOCKER),
    ("gradlew", WRAPPER),
    ("gradlew.bat", WRAPPER),
    ("mvnw", WRAPPER),
    ("mvnw.cmd", WRAPPER),
    ("configure", "a build runs it"),
    ("deno.json", "deno runs the tasks that it names"),
    ("deno.jsonc", "deno runs the tasks that it names"),
    ("turbo.json", "turbo runs what it names"),
    ("nx.json", "nx runs what it names"),
    ("angular.json", "ng runs what it names"),
    ("bunfig.toml", "bun loads what it names"),
    ("build.xml", "ant runs it"),
    ("build.sc", "mill runs it"),
    ("build.mill", "mill runs it"),
    ("project.clj", "leiningen runs it"),
    ("deps.edn", "clojure loads what it names"),
    ("dune-project", "dune runs what it names"),
    ("dune", "dune runs what it names"),
    ("setup.hs", "cabal runs it"),
    ("build.bazel", "bazel runs it"),
    ("workspace.bazel", "bazel runs it"),
    ("module.bazel", "bazel runs it"),
    (
        "package.swift",
        "Swift runs it, also when an editor opens the folder",
    ),
    (
        "cmakelists.txt",
        "an editor runs it when it opens the folder",
    ),
    ("meson.build", "an editor runs it when it opens the folder"),
    (
        "pom.xml",
        "Maven runs what it names, also when an editor opens the folder",
    ),
    ("gradle.properties", "gradle takes its programs from it"),
    ("plugins.sbt", "sbt runs what it names"),
    ("nuget.config", "NuGet takes its sources from it"),
    (
        "directory.build.props",
        "MSBuild runs it, also when an editor opens the folder",
    ),
    (
        "directory.build.targets",
        "MSBuild runs it, also when an editor opens the folder",
    ),
    ("flake.nix", "nix runs it"),
    ("shell.nix", "nix runs it"),
    ("default.nix", "nix runs it"),
    ("vite.config.js", DEV),
    ("vite.config.ts", DEV),
    ("vite.config.mjs", DEV),
    ("webpack.config.js", DEV),
    ("rollup.config.js", DEV),
    ("postcss.config.js", DEV),
    ("tailwind.config.js", DEV),
    ("next.config.js", DEV),
    ("next.config.mjs", DEV),
    ("svelte.config.js", DEV),
    ("jest.config.js", DEV),
    ("jest.config.ts", DEV),
    ("vitest.config.ts", DEV),
    ("babel.config.js", DEV),
    (".babelrc.js", DEV),
    ("gulpfile.js", DEV),
    ("gruntfile.js", DEV),
    (".eslintrc", LINT),
    (".eslintrc.json", LINT),
    (".eslintrc.yml", LINT),
    (".eslintrc.yaml", LINT),
    (".prettierrc", LINT),
    (".prettierrc.cjs", LINT),
    (".prettierrc.mjs", LINT),
    (".stylelintrc.js", LINT),
    (".stylelintrc.json", LINT),
    (".pylintrc", LINT),
    (".flake8", LINT),
    (".rubocop.yml", LINT),
    (".solargraph.yml", LINT),
    (".clangd", "clangd runs the compiler that it names"),
    ("pytest.ini", "pytest loads what it names"),
    ("tox.ini", "tox and pytest run what it names"),
    (
        "lefthook.yaml",
        "lefthook runs what it names at every commit",
    ),
    ("_vimrc", "vim runs it at its start"),
    ("conftest.py", "pytest runs it"),
    ("setup.py", "pip runs it"),
    ("sitecustomize.py", "Python runs it at every start"),
    ("usercustomize.py", "Python runs it at every start"),
    ("noxfile.py", "nox runs it"),
    (
        ".pre-commit-config.yaml",
        "pre-commit runs what it names at every commit",
    ),
    (
        "lefthook.yml",
        "lefthook runs what it names at every commit",
    ),
    (
        ".lefthook.yml",
        "lefthook runs what it names at every commit",
    ),
    (".gdbinit", "gdb runs it at its start"),
    (".lldbinit", "lldb runs it at its start"),
    (".exrc", "vi runs it at its start"),
    (".vimrc", "vim runs it at its start"),
    (".nvimrc", "Neovim runs it at its start"),
    (".nvim.lua", "Neovim runs it at its start"),
    (".dir-locals.el", "Emacs evaluates it"),
    (".dir-locals-2.el", "Emacs evaluates it"),
    (
        ".mise.toml",
        "mise runs what it names on entering the folder",
    ),
    (
        "mise.toml",
        "mise runs what it names on entering the folder",
    ),
    (
        ".mise.local.toml",
        "mise runs what it names on entering the folder",
    ),
    (
        "mise.local.toml",
        "mise runs what it names on entering the folder",
    ),
    (
        ".tool-versions",
        "mise and asdf run the tools that it names",
    ),
    (".lvimrc", "vim runs it where localvimrc is installed"),
    (".pnp.cjs", "yarn has node run it at every start"),
    (".pnp.loader.mjs", "yarn has node run it at every start"),
    (".envrc", "direnv runs it on entering the folder"),
    (".autoenv", "autoenv runs it on entering the folder"),
    (".npmrc", "npm takes its programs and its registry from it"),
    (".yarnrc", "yarn runs the program that it names"),
    (".yarnrc.yml", "yarn runs the program that it names"),
    (".pnpmfile.cjs", "pnpm runs it at every installation"),
    ("pip.conf", "pip takes its package index from it"),
    (".bazelrc", "bazel takes its programs from it"),
    ("rust-toolchain", "cargo runs the toolchain that it names"),
    (
        "rust-toolchain.toml",
        "cargo runs the toolchain that it names",
    ),
    (
        "gradle-wrapper.properties",
        "gradlew downloads and runs what it names",
    ),
    ("gradle-wrapper.jar", "gradlew runs it"),
    (
        "maven-wrapper.properties",
        "mvnw downloads and runs what it names",
    ),
    ("maven-wrapper.jar", "mvnw runs it"),
    ("extensions.xml", "Maven loads what it names"),
    ("init.gradle", "gradle runs it"),
    (
        "settings.gradle",
        "gradle runs it, also when an editor opens the folder",
    ),
    (
        "settings.gradle.kts",
        "gradle runs it, also when an editor opens the folder",
    ),
    (
        "build.gradle",
        "gradle runs it, also when an editor opens the folder",
    ),
    (
        "build.gradle.kts",
        "gradle runs it, also when an editor opens the folder",
    ),
    (
        "build.sbt",
        "sbt runs it, also when an editor opens the folder",
    ),
    ("build.zig", "zig runs it at every build"),
    (
        "binding.gyp",
        "npm builds what it names at every installation",
    ),
    (".gitlab-ci.yml", "GitLab runs it"),
    (".travis.yml", "Travis runs it"),
    ("azure-pipelines.yml", "Azure runs it"),
    ("bitbucket-pipelines.yml", "Bitbucket runs it"),
    ("jenkinsfile", "Jenkins runs it"),
    (".drone.yml", "Drone runs it"),
    (".gitmodules", "git fetches what it names"),
    (".gitattributes", "git runs the filters that it names"),
    (".rspec", "RSpec loads what it names"),
    (".irbrc", "irb runs it at its start"),
    (".pryrc", "pry runs it at its start"),
    (".rprofile", "R runs it at its start"),
    (".ghci", "ghci runs it at its start"),
    (".iex.exs", "iex runs it at its start"),
    (".eslintrc.js", "ESLint runs it, also in an editor"),
    (".eslintrc.cjs", "ESLint runs it, also in an editor"),
    ("eslint.config.js", "ESLint runs it, also in an editor"),
    ("eslint.config.mjs", "ESLint runs it, also in an editor"),
    ("eslint.config.cjs", "ESLint runs it, also in an editor"),
    ("eslint.config.ts", "ESLint runs it, also in an editor"),
    (".prettierrc.js", "Prettier runs it, also in an editor"),
    ("prettier.config.js", "Prettier runs it, also in an editor"),
    ("devcontainer.json", "an editor runs what it names"),
    (".devcontainer.json", "an editor runs what it names"),
];

const DEV: Reason = "a development server, a build or a test run runs it";
const DOCKER: Reason = "docker runs what it says";
const WRAPPER: Reason = "a build runs it, also when an editor opens the folder";
const LINT: Reason = "a linter loads what it names, also in an editor";

/// Folders, wherever they lie, with all that is in them.
const FOLDERS: &[(&str, Reason)] = &[
    (
        ".vscode",
        "Visual Studio Code runs tasks and programs that it names",
    ),
    (".idea", "a JetBrains editor runs what it names"),
    (".vs", "Visual Studio runs what it names"),
    (".fleet", "Fleet runs what it names"),
    (".zed", "Zed runs what it names"),
    (".nova", "Nova runs what it names"),
    (".cargo", "cargo takes its programs from it"),
    (".devcontainer", "an editor runs what it names"),
    (".husky", "git runs it at every commit"),
    (".githooks", "git runs it at every commit"),
    (".git-hooks", "git runs it at every commit"),
    (".circleci", "CircleCI runs it"),
    (".buildkite", "Buildkite runs it"),
    (".gitea", "Gitea runs it"),
    (".forgejo", "Forgejo runs it"),
    (".woodpecker", "Woodpecker runs it"),
    (".mvn", "Maven takes its programs from it"),
    (".yarn", "yarn runs it"),
    (".bundle", "bundler takes its sources from it"),
    (".claude", "an assistant runs what it names"),
    (".cursor", "an assistant runs what it names"),
];

/// Two folders, one in the other.
const PAIRS: &[(&str, &str, Reason)] = &[
    (".github", "workflows", "GitHub runs it"),
    (".github", "actions", "GitHub runs it"),
    (
        ".config",
        "mise",
        "mise runs what it names on entering the folder",
    ),
];

/// Files whose names begin so, wherever they lie.
const BEGINNINGS: &[(&str, Reason)] = &[
    ("dockerfile.", DOCKER),
    ("containerfile.", DOCKER),
    ("docker-compose.", DOCKER),
    ("makefile.", "make runs what is made of it"),
];

/// Files whose names end so, wherever they lie.
const ENDINGS: &[(&str, Reason)] = &[
    ("pth", "Python runs it at every start"),
    (
        "csproj",
        "MSBuild runs it, also when an editor opens the folder",
    ),
    (
        "vcxproj",
        "MSBuild runs it, also when an editor opens the folder",
    ),
    (
        "fsproj",
        "MSBuild runs it, also when an editor opens the folder",
    ),
    ("cabal", "cabal runs what it names"),
    ("mk", "make runs it"),
    ("cmake", "an editor runs it when it opens the folder"),
    ("just", "just runs it"),
    ("dockerfile", DOCKER),
    ("rake", "rake runs it"),
    (
        "gradle",
        "gradle runs it, also when an editor opens the folder",
    ),
    (
        "kts",
        "gradle runs it, also when an editor opens the folder",
    ),
    ("nix", "nix runs it"),
    ("bzl", "bazel runs it"),
    ("gemspec", "bundler runs it"),
    (
        "code-workspace",
        "Visual Studio Code runs tasks and programs that it names",
    ),
];

/// Why a file is one that runs by itself, if it is.
pub fn why(name: &FileName) -> Option<Reason> {
    // Some file systems do not mind the case.
    let lower = name.as_str().to_lowercase();
    let segments: Vec<&str> = lower.split('/').skip(1).collect();
    let (leaf, folders) = segments.split_last()?;
    let by_name = || NAMES.iter().find(|(name, _)| name == leaf);
    let by_beginning = || {
        BEGINNINGS
            .iter()
            .find(|(beginning, _)| leaf.starts_with(beginning))
    };
    let by_folder = || FOLDERS.iter().find(|(name, _)| folders.contains(name));
    let by_pair = || {
        let is_pair = |outer, inner| folders.windows(2).any(|pair| *pair == [outer, inner]);
        (PAIRS.iter()).find(|(outer, inner, _)| is_pair(*outer, *inner))
    };
    by_name()
        .or_else(by_folder)
        .or_else(by_beginning)
        .map(|(_, why)| *why)
        .or_else(|| by_pair().map(|(_, _, why)| *why))
        .or_else(|| {
            let ending = leaf.rsplit_once('.').map(|(_, ending)| ending);
            let by_ending = ENDINGS.iter().find(|(known, _)| Some(*known) == ending);
            by_ending.map(|(_, why)| *why)
        })
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
            "/package-lock.json",
        ] {
            assert_eq!(why(&name(plain)), None, "{plain}");
        }
        // They are compared with what is in lower case.
        let all = NAMES
            .iter()
            .chain(FOLDERS)
            .chain(ENDINGS)
            .chain(BEGINNINGS)
            .map(|(name, _)| *name);
        for listed in all.chain(PAIRS.iter().flat_map(|(outer, inner, _)| [*outer, *inner])) {
            assert_eq!(listed, listed.to_lowercase());
        }
    }
}
