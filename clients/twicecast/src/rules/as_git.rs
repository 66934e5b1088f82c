//! Every verdict equals that of `git check-ignore`, in random repositories.
//!
//! `TWICECAST_GIT_REPOSITORIES=5000` makes more of them, and `TWICECAST_GIT_SEED` others. A failure
//! names the seed of its repository. These differences are not compared:
//!
//! - names that are never sent (with control characters or `\`), and the content of `.git`;
//! - files that git tracks although a rule ignores them: with `--no-index` git leaves them out,
//!   too;
//! - in a repository inside the shared folder, the rules of the outer repository count as well.
//!   Everything that the inner git ignores is left out, but not the reverse.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::fs::dirfd;
use crate::rules::git::Environment;
use crate::rules::memory::SETTLING;
use crate::rules::{Rules, Verdict};

/// Repeatable random numbers (xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 11) % end as u64).unwrap()
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }
}

const SEGMENTS: [&str; 22] = [
    "a",
    "b",
    "ab",
    "a.log",
    "B",
    "build",
    "Build",
    "foo",
    "foo bar",
    "trailing ",
    "ä",
    "日本",
    "x!y",
    "#h",
    "!n",
    "[z]",
    "a-b",
    "{a,b}",
    "$d",
    "z",
    "*s",
    "a.b.c",
];

/// The pieces from which patterns are made.
const PIECES: [&str; 46] = [
    "a",
    "b",
    "*",
    "**",
    "?",
    "[a-z]",
    "[!a]",
    "[^b]",
    "[z-a]",
    "[]a]",
    "[a",
    "[[:alpha:]]",
    "[[:nope:]]",
    "[[:upper:]]",
    "\\*",
    "\\a",
    "\\ ",
    " ",
    "/",
    "/",
    "/",
    "**/",
    "/**",
    "/**/",
    "foo",
    "build",
    "Build",
    ".log",
    "*.log",
    "ä",
    "[ä]",
    "日",
    "{a,b}",
    "{",
    "$d",
    "!",
    "#",
    "\\!",
    "\\#",
    "foo bar",
    "trailing\\ ",
    "[a-",
    "-",
    "[\\]]",
    "[[]",
    "x!y",
];

fn rule(chance: &mut Chance) -> String {
    let mut rule = String::new();
    if chance.one_in(5) {
        rule.push('!');
    }
    if chance.one_in(8) {
        rule.push('/');
    }
    match chance.below(3) {
        // Patterns as people write them, …
        0 => {
            let depth = 1 + chance.below(3);
            for level in 0..depth {
                let segment = if chance.one_in(4) {
                    chance.of(&["*", "**", "?", "a*"])
                } else {
                    chance.of(&SEGMENTS)
                };
                rule.push_str(if level > 0 { "/" } else { "" });
                rule.push_str(segment);
            }
        }
        // … and as nobody writes them.
        _ => {
            for _ in 0..=chance.below(5) {
                rule.push_str(chance.of(&PIECES));
            }
        }
    }
    rule.push_str(chance.of(&["", "", "", "", "/", "/", " ", "  ", "\\", "\t", "\\ "]));
    rule
}

fn rules(chance: &mut Chance) -> String {
    let mut text = String::new();
    if chance.one_in(8) {
        text.push('\u{feff}');
    }
    let end = if chance.one_in(6) { "\r\n" } else { "\n" };
    for _ in 0..=chance.below(6) {
        let comment = if chance.one_in(10) {
            "# not a rule\n\n"
        } else {
            ""
        };
        write!(text, "{comment}{}{end}", rule(chance)).unwrap();
    }
    if chance.one_in(6) {
        text.truncate(text.trim_end_matches('\n').len());
    }
    text
}

/// A folder in which git is asked, and the paths that it is asked about.
struct Case {
    seed: u64,
    home: PathBuf,
    dir: PathBuf,
    /// Paths below the folder; those of folders end with a `/`.
    paths: Vec<String>,
    /// The shared folder's path below `dir`.
    shared: String,
    /// Whether the folder is inside another repository, whose rules count as well.
    is_inner: bool,
}

fn init(git_dir: &Path, head: &str) {
    for folder in ["objects", "refs", "info"] {
        fs::create_dir_all(git_dir.join(folder)).unwrap();
    }
    fs::write(git_dir.join("HEAD"), format!("ref: refs/heads/{head}\n")).unwrap();
}

/// Configures the user's excludes in one of the possible ways.
fn configure(chance: &mut Chance, home: &Path, git_dir: &Path) {
    let at = |name: &str| home.join(name);
    fs::write(at("ex cludes"), rules(chance)).unwrap();
    let inner = "[core]\n\texcludesFile = \"~/ex cludes\"\n";
    fs::write(at("included"), inner).unwrap();
    let global = match chance.below(10) {
        0 => inner.to_owned(),
        1 => "[core] excludesFile = ~/ex\\ cludes".replace("\\ ", " "),
        2 => "[CORE]\nExcludesFile = ~/\"ex cludes\" ; mine\n".to_owned(),
        3 => "\u{feff}[core]\r\n\texcludesfile = ~/ex\\\n cludes # mine\r\n".to_owned(),
        4 => "[include]\n\tpath = included\n".to_owned(),
        5 => "[includeIf \"gitdir:~/\"]\n\tpath = included\n".to_owned(),
        6 => "[includeIf \"onbranch:ma*\"]\n\tpath = ~/included\n".to_owned(),
        7 => "[includeIf \"hasconfig:remote.*.url:https://x/**\"]\n\tpath = included\n".to_owned(),
        8 => format!("[core]\n\texcludesFile = {}\n", at("ex cludes").display()),
        _ => {
            fs::create_dir_all(at(".config/git")).unwrap();
            fs::write(at(".config/git/ignore"), rules(chance)).unwrap();
            String::new()
        }
    };
    fs::write(at(".gitconfig"), global).unwrap();
    let mut local = "[core]\n\trepositoryformatversion = 0\n\tbare = false\n".to_owned();
    if chance.one_in(4) {
        local.push_str("\tignoreCase = true\n");
    }
    if chance.one_in(3) {
        local.push_str("[remote \"o\"]\n\turl = https://x/y\n");
    }
    if chance.one_in(6) {
        local = local.replace("version = 0", "version = 1");
        local.push_str("[extensions]\n\tworktreeConfig\n");
        fs::write(
            git_dir.join("config.worktree"),
            "[core]\n\texcludesFile = own\n",
        )
        .unwrap();
    }
    fs::write(git_dir.join("config"), local).unwrap();
    if chance.one_in(2) {
        fs::write(git_dir.join("info/exclude"), rules(chance)).unwrap();
    }
}

/// Fills a folder with files, and some of its folders with rules.
fn fill(chance: &mut Chance, dir: &Path) -> Vec<String> {
    let mut paths = Vec::new();
    let mut folders = vec![String::new()];
    for _ in 0..14 {
        let mut path = folders[chance.below(folders.len())].clone();
        let levels = 1 + chance.below(2);
        for level in 0..levels {
            let segment = chance.of(&SEGMENTS);
            path.push_str(segment);
            if level + 1 < levels || chance.one_in(3) {
                path.push('/');
            }
        }
        if path.ends_with('/') {
            if fs::create_dir_all(dir.join(&path)).is_ok() {
                folders.push(path.clone());
                paths.push(path);
            }
        } else {
            let parent = path
                .rsplit_once('/')
                .map_or("", |(parent, _)| parent)
                .to_owned();
            let _ = fs::create_dir_all(dir.join(&parent));
            if !dir.join(&path).is_dir() && fs::write(dir.join(&path), "").is_ok() {
                paths.push(path);
            }
        }
    }
    for folder in &folders {
        if folder.is_empty() || chance.one_in(3) {
            let file = dir.join(folder).join(".gitignore");
            fs::write(file, rules(chance)).unwrap();
        }
    }
    paths
}

fn make(seed: u64, place: &Path) -> Vec<Case> {
    let mut chance = Chance(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    for _ in 0..4 {
        chance.below(2);
    }
    let home = place.to_path_buf();
    let dir = place.join("repo");
    let main = place.join("main/.git");
    // The repository is a worktree of another one, or an independent one.
    let git_dir = if chance.one_in(5) {
        init(&main, "other");
        let own = main.join("worktrees/repo");
        fs::create_dir_all(&own).unwrap();
        fs::create_dir(&dir).unwrap();
        fs::write(own.join("HEAD"), "ref: refs/heads/main\n").unwrap();
        fs::write(own.join("commondir"), "../..\n").unwrap();
        fs::write(
            own.join("gitdir"),
            format!("{}\n", dir.join(".git").display()),
        )
        .unwrap();
        fs::write(dir.join(".git"), format!("gitdir: {}\n", own.display())).unwrap();
        main
    } else {
        init(&dir.join(".git"), "main");
        dir.join(".git")
    };
    configure(&mut chance, &home, &git_dir);
    if chance.one_in(4) {
        fs::write(dir.join("own"), rules(&mut chance)).unwrap();
    }
    let paths = fill(&mut chance, &dir);
    let mut cases = Vec::new();
    if chance.one_in(5) {
        // This makes a submodule: its `.git` is a file.
        let module = git_dir.join("modules/sub");
        init(&module, "main");
        let sub = dir.join("sub module");
        fs::create_dir(&sub).unwrap();
        fs::write(module.join("config"), "[core]\n\tignoreCase = true\n").unwrap();
        fs::write(module.join("info/exclude"), rules(&mut chance)).unwrap();
        fs::write(sub.join(".git"), format!("gitdir: {}\n", module.display())).unwrap();
        let paths = fill(&mut chance, &sub);
        for is_inner in [false, true] {
            let (home, dir, paths) = (home.clone(), sub.clone(), paths.clone());
            cases.push(Case {
                seed,
                home,
                dir,
                paths,
                shared: String::new(),
                is_inner,
            });
        }
    }
    // The whole repository is shared, or a folder in it.
    let folders: Vec<_> = paths
        .iter()
        .filter(|path| path.ends_with('/'))
        .cloned()
        .collect();
    let shared = match folders.len() {
        count @ 1.. if chance.one_in(3) => folders[chance.below(count)].clone(),
        _ => String::new(),
    };
    cases.push(Case {
        seed,
        home,
        dir,
        paths,
        shared,
        is_inner: false,
    });
    cases
}

/// What git says about each path: the rule that ignores it, if there is one.
fn git(case: &Case) -> BTreeMap<String, Option<String>> {
    let mut child = Command::new("git")
        .args(["check-ignore", "--no-index", "-z", "--stdin", "-v", "-n"])
        .current_dir(&case.dir)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", &case.home)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("git is installed");
    // With a `/` at the end, git would take a folder for its content.
    let asked: Vec<_> = case
        .paths
        .iter()
        .map(|path| path.trim_end_matches('/'))
        .collect();
    let asked = asked.join("\0") + "\0";
    child
        .stdin
        .take()
        .unwrap()
        .write_all(asked.as_bytes())
        .unwrap();
    let said = child.wait_with_output().unwrap();
    assert!(said.status.code() < Some(128), "git, seed {}", case.seed);
    let said = String::from_utf8(said.stdout).unwrap();
    let fields: Vec<_> = said.split('\0').collect();
    let verdict = |fields: &[&str]| {
        let [source, line, rule, path] = fields else {
            panic!("{fields:?}")
        };
        let is_ignored = !source.is_empty() && !rule.starts_with('!');
        (
            (*path).to_owned(),
            is_ignored.then(|| format!("{source}:{line}")),
        )
    };
    let (whole, _) = fields.as_chunks::<4>();
    whole.iter().map(|fields| verdict(fields)).collect()
}

/// Adds the differences between git and us, and returns how many verdicts were compared.
fn compare(case: &Case, differing: &mut Vec<String>) -> usize {
    let said = git(case);
    let name = "sub module/";
    let (dir, shared) = if case.is_inner {
        (case.dir.parent().unwrap().to_path_buf(), "")
    } else {
        (case.dir.join(&case.shared), case.shared.as_str())
    };
    let environment = Environment::of(&[
        ("HOME", &case.home),
        ("GIT_CONFIG_NOSYSTEM", Path::new("1")),
    ]);
    let root = dirfd::open_root(&dir).unwrap();
    let rules = Rules::in_environment(&dir, root, &[], environment).unwrap();
    let is_out = |folder: &str| {
        said.get(folder.trim_end_matches('/'))
            .is_some_and(Option::is_some)
    };
    if is_out(shared) {
        // If people share a folder that git ignores, they mean it.
        return 0;
    }
    let mut compared = 0;
    for path in &case.paths {
        let Some(below) = path.strip_prefix(shared).filter(|below| !below.is_empty()) else {
            continue;
        };
        let inner = if case.is_inner { name } else { "" };
        let full = format!("/{inner}{}", below.trim_end_matches('/'));
        let verdict = rules.judge_now(&full, path.ends_with('/'));
        let is_ignored = match &verdict {
            Verdict::Ignored { .. } => true,
            Verdict::Shared => false,
            other => panic!("{full}: {other}, seed {}", case.seed),
        };
        compared += 1;
        let by_git = said[path.trim_end_matches('/')].as_deref();
        let is_same = if case.is_inner {
            is_ignored || by_git.is_none()
        } else {
            is_ignored == by_git.is_some()
        };
        if !is_same {
            differing.push(format!(
                "seed {}: {path:?}: {verdict}; git: {by_git:?}",
                case.seed
            ));
        }
    }
    compared
}

#[test]
fn every_verdict_is_that_of_git_itself() {
    let number = |name: &str, default: u64| {
        std::env::var(name)
            .ok()
            .and_then(|value| value.parse().ok())
            .unwrap_or(default)
    };
    let first = number("TWICECAST_GIT_SEED", 1);
    let seeds = first..first + number("TWICECAST_GIT_REPOSITORIES", 500);
    let place = tempfile::tempdir().unwrap();
    let place = place.path().canonicalize().unwrap();
    let cases: Vec<_> = seeds
        .flat_map(|seed| {
            let home = place.join(seed.to_string());
            fs::create_dir(&home).unwrap();
            make(seed, &home)
        })
        .collect();
    // Rules that were written only just now hold everything back.
    std::thread::sleep(SETTLING);
    let (mut differing, mut compared) = (Vec::new(), 0);
    for case in &cases {
        compared += compare(case, &mut differing);
    }
    assert!(
        compared > 10 * cases.len() / 2,
        "{compared} verdicts of {} cases",
        cases.len()
    );
    let count = differing.len();
    assert!(
        differing.is_empty(),
        "{count} of {compared} differ:\n{}",
        differing[..count.min(12)].join("\n")
    );
}
