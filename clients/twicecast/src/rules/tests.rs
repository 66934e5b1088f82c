use crate::fs::make_pipe;
use crate::rules::git::init;
use crate::rules::memory::SETTLING;
use crate::rules::*;
use std::fs;

/// In a folder with these files: a function that says for a name whether the file is shared, and by
/// which rule.
fn verdicts(files: &[(&str, &str)], allow: &[&str]) -> impl Fn(&str) -> String {
    let dir = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    std::thread::sleep(SETTLING);
    let allow: Vec<_> = allow.iter().map(|&pattern| pattern.to_owned()).collect();
    let root = dirfd::open_root(dir.path()).unwrap();
    let rules = Rules::new(dir.path(), root, &allow).unwrap();
    move |full| {
        let _kept = &dir;
        rules.judge_now(full, full.ends_with('/')).to_string()
    }
}

#[test]
fn every_verdict_names_the_rule_that_decides() {
    let verdict = verdicts(
        &[
            (
                ".gitignore",
                "# made\ntarget/\n*.log\n!keep.log\n/only-top\n\\!bang\n",
            ),
            (".ignore", "notes.txt\n"),
            (".tcignore", "!debug.log\nprivate/\n"),
            ("sub/.gitignore", "*.txt\n!important.txt\n"),
            ("sub/private/x", ""),
            ("sub/deep/y", ""),
        ],
        &[],
    );
    for (full, said) in [
        ("/src/main.rs", "shared"),
        ("/target/debug/program", "`target/` in .gitignore, line 2"),
        ("/a/b/x.log", "`*.log` in .gitignore, line 3"),
        ("/keep.log", "shared"),
        ("/debug.log", "shared"),
        ("/only-top", "`/only-top` in .gitignore, line 5"),
        ("/sub/only-top", "shared"),
        ("/!bang", "line 6"),
        ("/notes.txt", "`notes.txt` in .ignore, line 1"),
        ("/sub/a.txt", "`*.txt` in sub/.gitignore, line 1"),
        ("/sub/important.txt", "shared"),
        ("/sub/deep/a.txt", "`*.txt` in sub/.gitignore, line 1"),
        ("/sub/private/x", "`private/` in .tcignore, line 2"),
        ("/.env", "`.env*` of the built-in list"),
        ("/.git/config", "`.git` is never touched"),
        ("/.gitignore", "shared"),
    ] {
        assert!(verdict(full).contains(said), "{full}: {}", verdict(full));
    }
}

#[test]
fn what_lies_in_an_ignored_folder_cannot_be_taken_out_of_it() {
    let verdict = verdicts(
        &[(".gitignore", "build/\n!build/keep\n"), ("build/keep", "")],
        &[],
    );
    assert!(verdict("/build/keep").contains("`build/`"));
}

#[test]
fn a_secret_that_is_allowed_is_shared_unless_a_rule_leaves_it_out() {
    let verdict = verdicts(&[(".gitignore", ".env.local\n")], &[".env*"]);
    assert!(verdict("/.env").contains("shared"));
    assert!(verdict("/.env.local").contains("ignored"));
}

#[test]
fn rules_of_the_repository_around_the_folder_count() {
    let repository = tempfile::tempdir().unwrap();
    let dir = repository.path().join("apps/web");
    fs::create_dir_all(&dir).unwrap();
    init(&repository.path().join(".git"));
    fs::write(
        repository.path().join(".git/info/exclude"),
        "/apps/web/mine\n",
    )
    .unwrap();
    fs::write(
        repository.path().join(".gitignore"),
        "apps/web/dist/\n*.map\n",
    )
    .unwrap();
    fs::write(repository.path().join("apps/.gitignore"), "!kept.map\n").unwrap();
    std::thread::sleep(SETTLING);
    let root = dirfd::open_root(&dir).unwrap();
    let rules = Rules::new(&dir, root, &[]).unwrap();
    for (full, shared) in [
        ("/dist/x", false),
        ("/src/dist", true),
        ("/a.map", false),
        ("/kept.map", true),
        ("/mine", false),
        ("/src/mine", true),
    ] {
        let verdict = rules.judge_now(full, false);
        assert_eq!(verdict == Verdict::Shared, shared, "{full}: {verdict}");
    }
}

#[test]
fn a_rule_counts_at_once_and_one_that_is_being_written_hides_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let root = dirfd::open_root(dir.path()).unwrap();
    let mut rules = Rules::new(dir.path(), root, &[]).unwrap();
    rules.sources.memory.gone = SETTLING * 2;
    let judge = || rules.judge_now("/private", false);
    let ignore = dir.path().join(".gitignore");
    assert_eq!(judge(), Verdict::Shared);
    fs::write(&ignore, "private\n").unwrap();
    assert_eq!(judge(), Verdict::Settling);
    std::thread::sleep(SETTLING);
    assert!(matches!(judge(), Verdict::Ignored { .. }));
    // Some editors empty the file before they write it.
    fs::write(&ignore, "").unwrap();
    assert_eq!(judge(), Verdict::Settling);
    fs::write(&ignore, "private\n").unwrap();
    std::thread::sleep(SETTLING);
    assert!(matches!(judge(), Verdict::Ignored { .. }));
    // Others remove it first.
    fs::remove_file(&ignore).unwrap();
    assert_eq!(judge(), Verdict::Settling);
    std::thread::sleep(SETTLING);
    assert_eq!(judge(), Verdict::Settling);
    std::thread::sleep(SETTLING);
    assert_eq!(judge(), Verdict::Shared);
}

#[test]
fn one_line_that_git_cannot_use_leaves_the_others_as_they_are_and_is_told_of_once() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("bad")).unwrap();
    fs::write(
        dir.path().join(".gitignore"),
        "{a,b}.cfg  \nfoo{bar\nbin\\\n*.log\n",
    )
    .unwrap();
    fs::write(dir.path().join("bad/.gitignore"), "[z-a]\n[open\nmine\n").unwrap();
    std::thread::sleep(SETTLING);
    let root = dirfd::open_root(dir.path()).unwrap();
    let rules = Rules::new(dir.path(), root, &[]).unwrap();
    let verdict = |full: &str| rules.judge_now(full, false).to_string();
    assert!(verdict("/{a,b}.cfg").contains("`{a,b}.cfg` in .gitignore, line 1"));
    assert!(verdict("/foo{bar").contains("line 2"));
    for shared in ["/a.cfg", "/bin", "/bad/x"] {
        assert!(verdict(shared).contains("shared"), "{shared}");
    }
    for ignored in ["/a.log", "/bad/mine"] {
        assert!(verdict(ignored).contains("ignored"), "{ignored}");
    }
    let told = rules.notices();
    assert_eq!(told.len(), 3, "{told:?}");
    for (told, said) in told.iter().zip([
        ".gitignore, line 3: `bin\\` is no usable rule",
        "bad/.gitignore, line 1: `[z-a]`",
        "bad/.gitignore, line 2: `[open`",
    ]) {
        assert!(told.contains(said), "{told}");
    }
    verdict("/bad/x");
    assert!(rules.notices().is_empty());
}

#[test]
fn rules_that_are_a_link_hold_everything_back() {
    let dir = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("elsewhere", dir.path().join(".tcignore")).unwrap();
    let root = dirfd::open_root(dir.path()).unwrap();
    let rules = Rules::new(dir.path(), root, &[]).unwrap();
    assert!(matches!(rules.judge_now("/a", false), Verdict::Unknown(_)));
}

#[test]
fn copies_of_what_is_left_out_and_mirrors_are_left_out_too() {
    let verdict = verdicts(
        &[
            (".gitignore", "private\n"),
            ("copy/.twicecast-mirror/lock", ""),
        ],
        &[],
    );
    for copy in [
        "/..env.swp",
        "/#.env#",
        "/a/server.key.bak",
        "/private~",
        "/.private.swp",
    ] {
        assert!(
            !verdict(copy).contains("shared"),
            "{copy}: {}",
            verdict(copy)
        );
    }
    for leftover in ["/main.rs~", "/.main.rs.swp", "/src/4913", "/a/.DS_Store"] {
        assert!(verdict(leftover).contains("never sent"), "{leftover}");
    }
    assert!(verdict("/main.rs.bak").contains("shared"));
    assert!(verdict("/copy/a").contains("a mirror of a project"));
    assert!(verdict("/missing/.env/x").contains(".env*"));
}

#[test]
fn the_excludes_of_worktrees_and_of_repositories_inside_count() {
    let place = tempfile::tempdir().unwrap();
    let (main, tree) = (place.path().join("main"), place.path().join("tree"));
    fs::create_dir_all(main.join(".git/worktrees/tree")).unwrap();
    fs::write(main.join(".git/worktrees/tree/HEAD"), "ref: refs/heads/x\n").unwrap();
    init(&main.join(".git"));
    init(&tree.join("sub/.git"));
    fs::write(main.join(".git/worktrees/tree/commondir"), "../..\n").unwrap();
    fs::write(main.join(".git/info/exclude"), "mine\n").unwrap();
    fs::write(tree.join(".git"), "gitdir: ../main/.git/worktrees/tree\n").unwrap();
    fs::write(tree.join("sub/.git/info/exclude"), "inner\n").unwrap();
    std::thread::sleep(SETTLING);
    let rules = Rules::new(&tree, dirfd::open_root(&tree).unwrap(), &[]).unwrap();
    for (full, shared) in [("/mine", false), ("/sub/inner", false), ("/inner", true)] {
        assert_eq!(
            rules.judge_now(full, false) == Verdict::Shared,
            shared,
            "{full}"
        );
    }
}

#[test]
fn gits_configuration_counts_as_it_is_and_hides_what_it_hid_while_it_is_being_written() {
    let dir = tempfile::tempdir().unwrap();
    let (git, more) = (dir.path().join(".git"), dir.path().join(".git/more"));
    init(&git);
    let excludes = dir.path().join("mine");
    fs::write(&excludes, "private\n").unwrap();
    fs::write(git.join("config"), "[include]\npath = more\n").unwrap();
    std::thread::sleep(SETTLING);
    let root = dirfd::open_root(dir.path()).unwrap();
    let environment = Environment::of(&[("GIT_CONFIG_NOSYSTEM", Path::new("1"))]);
    let mut rules = Rules::in_environment(dir.path(), root, &[], environment).unwrap();
    rules.sources.memory.gone = SETTLING * 2;
    let judge = || {
        // Looking at everything also starts with this, and then judges every file.
        let _ = rules.top();
        rules.judge_now("/private", false)
    };
    assert_eq!(judge(), Verdict::Shared);
    // This creates an included file that did not exist.
    let setting = format!("[core]\nexcludesFile = {}\n", excludes.display());
    fs::write(&more, &setting).unwrap();
    assert_eq!(judge(), Verdict::Settling);
    std::thread::sleep(SETTLING);
    assert!(matches!(judge(), Verdict::Ignored { .. }));
    assert_eq!(rules.generation(), 1);
    assert!(rules.files_elsewhere().contains(&excludes));
    fs::write(&more, "").unwrap();
    std::thread::sleep(SETTLING);
    assert_eq!(judge(), Verdict::Settling, "it may come back");
    fs::write(&more, "[").unwrap();
    std::thread::sleep(SETTLING);
    assert!(judge().to_string().contains("line 1 of "), "{}", judge());
    fs::write(&more, "").unwrap();
    std::thread::sleep(SETTLING * 2);
    assert_eq!(judge(), Verdict::Shared);
    // A change that has nothing to do with rules changes nothing.
    let generation = rules.generation();
    fs::write(git.join("HEAD"), "ref: refs/heads/other\n").unwrap();
    std::thread::sleep(SETTLING);
    assert_eq!(judge(), Verdict::Shared);
    assert_eq!(rules.generation(), generation);
}

#[test]
fn a_folder_that_becomes_a_repository_gets_its_excludes() {
    let dir = tempfile::tempdir().unwrap();
    let root = dirfd::open_root(dir.path()).unwrap();
    let environment = Environment::of(&[("GIT_CONFIG_NOSYSTEM", Path::new("1"))]);
    let rules = Rules::in_environment(dir.path(), root, &[], environment).unwrap();
    assert!(rules.top().is_ok());
    init(&dir.path().join(".git"));
    fs::write(dir.path().join(".git/info/exclude"), "private\n").unwrap();
    std::thread::sleep(SETTLING);
    assert!(rules.top().is_ok());
    let verdict = rules.judge_now("/private", false);
    assert!(matches!(verdict, Verdict::Ignored { .. }), "{verdict}");
}

#[test]
fn excludes_that_are_a_pipe_are_not_waited_for_and_hold_everything_back() {
    let dir = tempfile::tempdir().unwrap();
    init(&dir.path().join(".git"));
    let exclude = dir.path().join(".git/info/exclude");
    make_pipe(&exclude);
    let root = dirfd::open_root(dir.path()).unwrap();
    let rules = Rules::new(dir.path(), root, &[]).unwrap();
    let said = rules.judge_now("/a", false).to_string();
    assert!(
        said.contains("info/exclude") && said.contains("it is a pipe"),
        "{said}"
    );
}
