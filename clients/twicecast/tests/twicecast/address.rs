//! Which server is meant by a command that runs in a clone, a mirror or a shared folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;

use crate::real::{RealServer, Share, eventually};
use crate::support::{Said, command, files, tree, write};

/// A user with the server's key in a variable, and folders of theirs.
struct World {
    dir: TempDir,
    server: RealServer,
    share: Share,
}

impl World {
    /// In which `shared` is being shared.
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        write(&dir.path().join("shared"), &files(&[("/sub/a", b"1")]));
        let server = RealServer::start().await;
        let shared = dir.path().join("shared");
        let mut share = Share::start(&server.url(), &shared, &[]);
        share.until("synced").await;
        Self { dir, server, share }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs a command in a folder, as `user` where one is given.
    async fn run(&self, within: &Path, user: &str, words: &[&str], input: &str) -> Said {
        self.run_with(within, user, words, input, None).await
    }

    async fn run_with(
        &self,
        within: &Path,
        user: &str,
        words: &[&str],
        input: &str,
        url: Option<&str>,
    ) -> Said {
        let mut command = command(words);
        command.current_dir(within).env("TWICECAST_KEY", "secret");
        command.env("USER", user).stdin(Stdio::piped());
        if let Some(url) = url {
            command.env("TWICECAST_URL", url);
        }
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).await.unwrap();
        drop(stdin);
        let done = child.wait_with_output().await.unwrap();
        Said {
            code: done.status.code().unwrap(),
            out: String::from_utf8(done.stdout).unwrap(),
            err: String::from_utf8(done.stderr).unwrap(),
        }
    }

    /// Makes `clone` and `mirror`.
    async fn copy(&self) {
        let url = self.server.url();
        let names = ["--streamer", "ana", "--project", "demo", "--url", &url];
        for words in [
            ["clone", "clone", "--color"],
            ["mirror", "mirror", "--once"],
        ] {
            let words = if words[2] == "--once" {
                &words[..]
            } else {
                &words[..2]
            };
            let words = [words, &names].concat();
            let said = self.run(self.dir.path(), "bob", &words, "").await;
            assert_eq!(said.code, 0, "{said:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn status_and_chat_in_a_copy_or_a_shared_folder_ask_the_server_of_that_folder() {
    let world = World::new().await;
    world.copy().await;
    for (folder, user) in [
        ("clone", "bob"),
        ("clone/sub", "bob"),
        ("mirror", "bob"),
        // Who is at the keyboard is called otherwise than the streamer.
        ("shared", "root"),
        ("shared/sub", "root"),
    ] {
        let within = world.at(folder);
        let said = world.run(&within, user, &["status"], "").await;
        assert_eq!(said.code, 0, "{folder} {said:?}");
        assert!(said.out.contains(&world.server.url()), "{folder} {said:?}");
        assert!(said.out.contains("ana/demo"), "{folder} {said:?}");
        let said = world.run(&within, user, &["chat"], "hello\n").await;
        assert_eq!(said.code, 0, "{folder} {said:?}");
        assert!(said.out.contains("hello"), "{folder} {said:?}");
        assert!(!said.err.contains("TWICECAST_URL"), "{said:?}");
    }
    let within = world.at("shared");
    let said = world.run(&within, "root", &["pulls", "list"], "").await;
    assert_eq!(said.code, 0, "{said:?}");
    world.share.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_that_is_taken_up_again_needs_no_address() {
    let mut world = World::new().await;
    world.copy().await;
    fs::write(world.at("shared/sub/a"), "2").unwrap();
    world.share.until("sent").await;
    let words = ["mirror", "mirror", "--once"];
    let said = world.run(world.dir.path(), "bob", &words, "").await;
    assert_eq!(said.code, 0, "{said:?}");
    eventually("it is there", || {
        tree(&world.at("mirror")) == tree(&world.at("shared"))
    })
    .await;
    world.share.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_variable_counts_before_the_folder_and_the_other_address_is_said() {
    let world = World::new().await;
    world.copy().await;
    let other = RealServer::start().await;
    for folder in ["clone", "mirror", "shared"] {
        let words = ["status", "--user", "ana"];
        let within = world.at(folder);
        let said = world
            .run_with(&within, "ana", &words, "", Some(&other.url()))
            .await;
        assert!(said.out.contains(&other.url()), "{folder} {said:?}");
        assert!(
            said.err
                .contains(&format!("TWICECAST_URL says {}", other.url()))
                && said.err.contains(&world.server.url()),
            "{folder} {said:?}"
        );
        assert_eq!(said.err.lines().count(), 1, "{folder} {said:?}");
        let url = world.server.url();
        let words = [&words[..], &["--url", &url]].concat();
        let said = world
            .run_with(&within, "ana", &words, "", Some(&other.url()))
            .await;
        assert!(said.code == 0 && said.err.is_empty(), "{folder} {said:?}");
    }
    world.share.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn flags_that_name_another_project_are_not_about_the_folder() {
    let world = World::new().await;
    world.copy().await;
    let words = ["status", "--streamer", "eve", "--project", "other"];
    let said = world.run(&world.at("clone"), "bob", &words, "").await;
    assert!(!said.out.contains(&world.server.url()), "{said:?}");
    world.share.stop().await;
}
