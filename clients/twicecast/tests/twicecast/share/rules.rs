//! What a share sends while its rules change, and what `twicecast why` says about them.

use std::fs;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::stored;
use crate::real::{RealServer, Share, Wire, eventually};
use crate::support::{command, files, tree, twicecast, write};

/// How long rules that are being written hold back what they may be about.
const SETTLING: Duration = Duration::from_millis(400);

#[tokio::test(flavor = "multi_thread")]
async fn what_becomes_ignored_is_deleted_there_and_what_becomes_allowed_is_sent() {
    let (dir, server) = (tempfile::tempdir().unwrap(), RealServer::start().await);
    let all = files(&[("/src/a", b"a"), ("/made/b", b"b"), ("/.env", b"secret")]);
    write(dir.path(), &all);
    let mut share = Share::start(&server.url(), dir.path(), &[]);
    share.until("synced").await;
    assert_eq!(
        stored(&server),
        files(&[("/src/a", b"a"), ("/made/b", b"b")])
    );

    fs::write(dir.path().join(".tcignore"), "made/\n").unwrap();
    share
        .until_that("deleted", |deleted| deleted["name"] == "/made/b")
        .await;
    share.until("synced").await;
    let rules = ("/.tcignore", &b"made/\n"[..]);
    assert_eq!(stored(&server), files(&[("/src/a", b"a"), rules]));

    fs::remove_file(dir.path().join(".tcignore")).unwrap();
    share
        .until_that("sent", |sent| sent["name"] == "/made/b")
        .await;
    share.stop().await;
}

/// Runs git in a folder, for a user with that home folder.
fn git(dir: &Path, home: &Path, words: &[&str]) {
    let mut git = std::process::Command::new("git");
    git.args(words).current_dir(dir).env("HOME", home);
    git.env_remove("XDG_CONFIG_HOME");
    assert!(git.output().unwrap().status.success(), "{words:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_gits_configuration_comes_to_exclude_is_hidden_from_then_on() {
    const MARK: &[u8] = b"planted-7f3a";
    let (dir, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = RealServer::start().await;
    let wire = Wire::to(&server).await;
    // This file is included, but does not exist yet.
    let config = "[include]\n\tpath = work\n";
    fs::write(home.path().join(".gitconfig"), config).unwrap();
    fs::write(home.path().join("excludes"), "*.private\n").unwrap();
    fs::write(home.path().join("others"), "*.mine\n").unwrap();
    git(dir.path(), home.path(), &["init", "--quiet"]);
    let all = files(&[("/a", b"a"), ("/b.private", b"b"), ("/c.mine", b"c")]);
    write(dir.path(), &all);
    let mut share = Share::at_home(&wire.url(), dir.path(), home.path());
    share
        .until_that("synced", |synced| synced["files"] == 3)
        .await;
    assert_eq!(stored(&server), all);
    let work = "[core]\n\texcludesFile = ~/excludes\n";
    fs::write(home.path().join("work"), work).unwrap();
    share
        .until_that("deleted", |deleted| deleted["name"] == "/b.private")
        .await;
    // The repository's setting takes precedence over the user's.
    let (dir, home) = (dir.path(), home.path());
    git(dir, home, &["config", "core.excludesFile", "~/others"]);
    share
        .until_that("deleted", |deleted| deleted["name"] == "/c.mine")
        .await;
    share
        .until_that("sent", |sent| sent["name"] == "/b.private")
        .await;
    fs::write(dir.join("d.mine"), MARK).unwrap();
    fs::write(dir.join("end"), "").unwrap();
    share
        .until_that("sent", |sent| sent["name"] == "/end")
        .await;
    share.stop().await;
    let mark = STANDARD.encode(MARK);
    let sent = wire.messages();
    assert!(
        sent.iter()
            .all(|message| !message.to_string().contains(&mark))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_ignored_or_secret_ever_reaches_the_server_whatever_becomes_of_the_rules() {
    const MARK: &[u8] = b"planted-7f3a";
    let (dir, server) = (tempfile::tempdir().unwrap(), RealServer::start().await);
    let wire = Wire::to(&server).await;
    let secret = |more: usize| [MARK, &vec![b'x'; more][..]].concat();
    let planted = secret(9);
    let tree_before = files(&[
        ("/.gitignore", b"ignored/\n*.private\n"),
        ("/.env", &planted),
        ("/keys/server.pem", &planted),
        ("/.ssh/config", &planted),
        ("/ignored/a", &planted),
        ("/sub/b.private", &planted),
        ("/sub/.ignore", b"local\n"),
        ("/sub/local", &planted),
        ("/shared", b"harmless"),
    ]);
    write(dir.path(), &tree_before);
    let mut share = Share::start(&wire.url(), dir.path(), &[]);
    share
        .until_that("sent", |sent| sent["name"] == "/shared")
        .await;
    let share = share.unheard();
    for round in 0..24 {
        let at = |name: String| dir.path().join(name);
        // The file is shared, then ignored, and contains the secret from then on.
        let name = format!("f{round}");
        fs::write(at(name.clone()), vec![b'h'; 1_000 * round]).unwrap();
        if round % 4 == 0 {
            tokio::time::sleep(Duration::from_millis(80)).await;
        }
        let rules = fs::read_to_string(at(".gitignore".into())).unwrap() + &format!("/f{round}\n");
        match round % 3 {
            0 => {
                // As a slow editor does it: the file is emptied first, …
                fs::write(at(".gitignore".into()), "").unwrap();
                tokio::time::sleep(Duration::from_millis(120)).await;
                fs::write(at(".gitignore".into()), &rules).unwrap();
            }
            1 => {
                fs::write(at(".gitignore.new".into()), &rules).unwrap();
                fs::rename(at(".gitignore.new".into()), at(".gitignore".into())).unwrap();
            }
            _ => {
                // … or removed.
                fs::remove_file(at(".gitignore".into())).unwrap();
                tokio::time::sleep(Duration::from_millis(120)).await;
                fs::write(at(".gitignore".into()), &rules).unwrap();
            }
        }
        fs::write(at(name), secret(1_000 * round)).unwrap();
        if round % 3 == 0 {
            tokio::time::sleep(SETTLING).await;
            fs::write(at(format!("harmless{round}")), "harmless").unwrap();
            tokio::time::sleep(SETTLING).await;
        }
        if round == 12 {
            wire.cut();
            wire.mend();
        }
    }
    fs::write(dir.path().join("end"), "harmless").unwrap();
    eventually("the end is there", || stored(&server).contains_key("/end")).await;
    share.stop().await;

    for (name, content) in tree(server.base.path()) {
        assert!(!holds(&content, MARK), "{name} is on the server's disk");
    }
    let mut posts = 0;
    for message in wire.messages() {
        if let Some(content) = message["data"]["content"].as_str() {
            posts += 1;
            let content = STANDARD.decode(content).unwrap();
            assert!(
                !holds(&content, MARK),
                "{} was sent",
                message["data"]["name"]
            );
        }
    }
    assert!(posts > 10, "posts were looked at");
}

fn holds(content: &[u8], mark: &[u8]) -> bool {
    content.windows(mark.len()).any(|window| window == mark)
}

#[tokio::test]
async fn why_names_the_rule() {
    let dir = tempfile::tempdir().unwrap();
    write(
        dir.path(),
        &files(&[
            ("/.gitignore", b"# made\ntarget/\n"),
            ("/target/x", b""),
            ("/a", b""),
        ]),
    );
    tokio::time::sleep(SETTLING).await;
    let why = async |path: &str| {
        let at = dir.path().to_str().unwrap();
        let path = Path::new(at).join(path).display().to_string();
        twicecast(&["why", &path, "--dir", at]).await
    };
    for (path, code, said) in [
        ("a", 0, "/a: shared"),
        (
            "target/x",
            1,
            "/target/x: ignored by `target/` in .gitignore, line 2",
        ),
        ("missing/.env", 1, "held back as a secret (`.env*`"),
        ("/.env", 1, "/.env: held back as a secret (`.env*`"),
        ("../", 2, "does not lie in"),
    ] {
        let result = why(path).await;
        assert_eq!(result.code, code, "{path}: {result:?}");
        let all = format!("{}{}", result.out, result.err);
        assert!(all.contains(said), "{path}: {result:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn why_reads_gits_configuration_in_all_the_ways_in_which_git_does() {
    let (dir, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    git(dir.path(), home.path(), &["init", "--quiet"]);
    let excludes = home.path().join("mine");
    fs::write(&excludes, "private\n").unwrap();
    let direct = "[core]\n\texcludesFile = ~/mine\n";
    fs::write(home.path().join("more"), direct).unwrap();
    tokio::time::sleep(SETTLING).await;
    let mut wrong = Vec::new();
    for text in [
        direct,
        "[include]\n\tpath = more\n",
        "[includeIf \"gitdir:**/\"]\n\tpath = ~/more\n",
        "[core] excludesFile = ~/mine\n",
        "[core]\n\texcludesFile = ~/mine # where they are\n",
        "[core]\n\texcludesFile = \"~/mi\"ne\n",
        "[core]\n\texcludesFile = ~/mi\\\nne\n",
        "\u{feff}[core]\n\texcludesFile = ~/mine\n",
    ] {
        fs::write(home.path().join(".gitconfig"), text).unwrap();
        let path = dir.path().join("private");
        let at = dir.path().to_str().unwrap();
        let mut why = command(&["why", path.to_str().unwrap(), "--dir", at]);
        why.env("HOME", home.path()).env_remove("XDG_CONFIG_HOME");
        if why.output().await.unwrap().status.code() != Some(1) {
            wrong.push(text);
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_editors_and_systems_leave_is_never_shared() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().to_str().unwrap();
    let mut shared = Vec::new();
    for name in [
        ".gone.rs.swp",
        ".gone.rs.un~",
        "gone.rs~",
        "#gone.rs#",
        ".#gone.rs",
        ".gone.rs.kate-swp",
        "4913",
        "gone.rs___jb_tmp___",
        ".DS_Store",
        "Thumbs.db",
    ] {
        write(dir.path(), &files(&[(&format!("/{name}"), b"unsaved")]));
        let path = dir.path().join(name);
        let said = twicecast(&["why", path.to_str().unwrap(), "--dir", at]).await;
        if said.code != 1 {
            shared.push(name);
        }
    }
    assert!(shared.is_empty(), "{shared:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_git_cannot_use_neither_stops_the_folder_nor_the_other_lines() {
    let (dir, server) = (tempfile::tempdir().unwrap(), RealServer::start().await);
    write(dir.path(), &files(&[("/a", b"a"), ("/b.private", b"b")]));
    let mut share = Share::start(&server.url(), dir.path(), &[]);
    share.until("synced").await;
    let rules = "bin\\\n[z-a]\n*.private\n";
    fs::write(dir.path().join(".gitignore"), rules).unwrap();
    share
        .until_that("deleted", |deleted| deleted["name"] == "/b.private")
        .await;
    fs::write(dir.path().join("c"), "c").unwrap();
    share.until_that("sent", |sent| sent["name"] == "/c").await;
    share.stop().await;
}
