//! Which server a command uses in a clone, a mirror or a shared folder.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::time::timeout;

use crate::real::{RealServer, Share, eventually};
use crate::support::{Said, command, files, tree, write};

const PATIENCE: Duration = Duration::from_secs(30);

/// A user with the server's key in a variable, and the user's folders.
struct World {
    dir: TempDir,
    server: RealServer,
    share: Share,
}

impl World {
    /// `shared` is being shared.
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

    /// Runs a command in a folder, as `user` if it is not empty.
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
        // The person at the keyboard has another name than the streamer.
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

/// The commands of this program in a text, each up to the end of its line or quotation.
fn commands_in(text: &str) -> Vec<String> {
    let program = env!("CARGO_BIN_EXE_twicecast");
    let found = text.match_indices(program).map(|(at, _)| &text[at..]);
    let line = |rest: &str| rest.split(['`', '\n']).next().unwrap().to_owned();
    found.map(line).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_that_is_printed_works_as_it_stands_in_another_folder() {
    let world = World::new().await;
    let key = world.at("key file");
    fs::write(&key, "secret").unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let (url, key) = (world.server.url(), key.to_str().unwrap());
    let elsewhere = world.dir.path().to_owned();
    let shell = |line: String| {
        let mut shell = tokio::process::Command::new("sh");
        shell.args(["-c", &line]).current_dir(&elsewhere);
        let own = command(&[]);
        for (name, value) in own.as_std().get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        shell.env("USER", "root").stdin(Stdio::null());
        // This variable does not count if the folder or a flag names another server.
        shell.env("TWICECAST_URL", "ws://127.0.0.1:9");
        async move {
            let done = shell.output().await.unwrap();
            let out = String::from_utf8(done.stdout).unwrap();
            let err = String::from_utf8(done.stderr).unwrap();
            (done.status.code().unwrap(), out + &err)
        }
    };
    let program = env!("CARGO_BIN_EXE_twicecast");
    let who = format!("--url {url} --key-file '{key}'");
    let cloning = format!("{program} clone 'the clone' --streamer ana --project demo --user bob");
    let (code, said) = shell(format!("{cloning} {who}")).await;
    assert_eq!(code, 0, "{said}");
    let [propose] = &commands_in(&said)[..] else {
        panic!("{said}")
    };
    fs::write(world.at("the clone/sub/a"), "2").unwrap();
    fs::write(world.at("the clone/build.rs"), "fn main() {}").unwrap();
    let (code, said) = shell(propose.clone()).await;
    assert_eq!(code, 0, "{propose} {said}");
    // Commands printed to a streamer who shares from another terminal, and with flags.
    world.share.stop().await;
    let mut share = command(&["share", "shared", "--url", &url, "--user", "ana"]);
    share.args(["--project", "demo", "--key-file", "key file"]);
    share.args(["--allow", "*.pem"]).current_dir(&elsewhere);
    share.env("TWICECAST_URL", "ws://127.0.0.1:9");
    let mut share = share.spawn().unwrap();
    let mut lines = BufReader::new(share.stdout.take().unwrap()).lines();
    let show = loop {
        let line = timeout(PATIENCE, lines.next_line()).await.unwrap();
        let line = line.unwrap().unwrap();
        if let Some((_, command)) = line.split_once("proposes “What it changes”: ") {
            break command.to_owned();
        }
    };
    assert!(show.contains("--allow '*.pem'"), "{show}");
    let (code, said) = shell(show.clone()).await;
    assert!(code == 0 && said.contains("+2"), "{show} {said}");
    let (code, said) = shell(show.replace(" show ", " apply ")).await;
    assert_eq!(code, 1, "{said}");
    let [take, close] = &commands_in(&said)[..] else {
        panic!("{said}")
    };
    let (code, said) = shell(take.clone()).await;
    assert!(code == 0 && said.contains("merged"), "{take} {said}");
    let (code, said) = shell(close.clone()).await;
    assert_eq!(code, 2, "{close} {said}");
    let [list] = &commands_in(&said)[..] else {
        panic!("{said}")
    };
    let (code, said) = shell(list.clone()).await;
    assert!(
        code == 0 && said.contains("no pull request"),
        "{list} {said}"
    );
}
