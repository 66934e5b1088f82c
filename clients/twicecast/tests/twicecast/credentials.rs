//! How much of tokens and keys leaves this computer, or appears on its screen.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::real::{RealServer, Share};
use crate::support::{
    FakeServer, Faults, Files, Said, claims, command, files, mirror_once, tree, twicecast, write,
};

const PATIENCE: Duration = Duration::from_secs(60);

/// A streamer with a folder to share and a state folder of their own.
struct Streamer {
    world: TempDir,
    dir: PathBuf,
}

impl Streamer {
    fn new() -> Self {
        let world = tempfile::tempdir().unwrap();
        let dir = world.path().canonicalize().unwrap().join("it's mine");
        write(&dir, &files(&[("/a", b"1")]));
        Self { world, dir }
    }

    fn at_home(&self, mut command: Command) -> Command {
        command.env("XDG_STATE_HOME", self.world.path().join("state"));
        command.env("TMPDIR", self.world.path());
        command
    }

    async fn run(&self, command: Command) -> Said {
        let output = timeout(PATIENCE, self.at_home(command).output());
        let output = output.await.expect("it ends by itself").unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Said {
            code: output.status.code().unwrap(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }

    /// Runs a line in a shell with the variables of these tests.
    async fn shell(&self, line: &str) -> Said {
        let mut shell = Command::new("sh");
        shell.args(["-c", line]).stdin(Stdio::null());
        shell.env_remove("TWICECAST_URL");
        shell.env_remove("TWICECAST_TOKEN");
        shell.env_remove("TWICECAST_KEY");
        shell.env("XDG_CACHE_HOME", self.world.path().join("cache"));
        shell.env("XDG_CONFIG_HOME", self.world.path().join("config"));
        self.run(shell).await
    }

    fn share(&self, more: &[&str]) -> Sharing {
        let dir = self.dir.to_str().unwrap();
        let words = [
            "share",
            dir,
            "--local",
            "--user",
            "ana",
            "--project",
            "demo",
        ];
        let command = self.at_home(command(&[&words[..], more].concat()));
        Sharing::spawn(command)
    }

    /// The files of shares that are running, or have been.
    fn kept(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.world.path().join("state/twicecast/local"));
        let entries = entries.into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect()
    }

    /// The file of the running share, without its invitations.
    fn own_file(&self) -> PathBuf {
        let kept = self.kept();
        let mut files = kept.iter().filter(|path| path.is_file());
        match (files.next(), files.next()) {
            (Some(file), None) => file.clone(),
            _ => panic!("{kept:?}"),
        }
    }
}

/// A running share whose whole output is kept.
struct Sharing {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    said: String,
}

impl Sharing {
    fn spawn(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let said = String::new();
        Self { child, lines, said }
    }

    async fn until(&mut self, part: &str) {
        while !self.said.contains(part) {
            let next = timeout(PATIENCE, self.lines.next_line()).await;
            let line = next.unwrap_or_else(|_| panic!("no {part:?}: {}", self.said));
            let line = line.unwrap();
            let line = line.unwrap_or_else(|| panic!("it ended before {part:?}: {}", self.said));
            self.said.push_str(&line);
            self.said.push('\n');
        }
    }

    fn id(&self) -> rustix::process::Pid {
        let id = self.child.id().unwrap().try_into().unwrap();
        rustix::process::Pid::from_raw(id).unwrap()
    }

    async fn end(mut self, signal: rustix::process::Signal) -> String {
        rustix::process::kill_process(self.id(), signal).unwrap();
        while let Ok(Some(line)) = self.lines.next_line().await {
            self.said.push_str(&line);
            self.said.push('\n');
        }
        let output = self.child.wait_with_output().await.unwrap();
        self.said + &String::from_utf8(output.stderr).unwrap()
    }
}

/// The tokens in a text.
fn tokens(text: &str) -> Vec<&str> {
    let words = text.split(|c: char| c.is_whitespace() || "='\"".contains(c));
    words.filter(|word| word.starts_with("eyJ")).collect()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_that_a_local_share_prints_work_one_after_the_other() {
    let streamer = Streamer::new();
    let mut share = streamer.share(&["--invite", "bob"]);
    share.until("sent (").await;
    let said = share.said.clone();
    let mut lines: Vec<&str> = said
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .collect();
    // The line with the invitation to be sent to bob, and the invitation itself.
    assert_eq!(lines.len(), 4, "{said}");
    let file = lines.remove(1).strip_prefix("bob: ").unwrap();
    let letter = streamer.shell(&format!("cat {file}")).await.out;
    let export = letter.lines().find(|line| line.starts_with("export "));
    let commands = letter
        .lines()
        .filter(|line| !line.starts_with("# ") && !line.starts_with("export "));
    lines.splice(1..1, commands);
    let verbs = ["mirror", "clone", "propose", "chat", "pulls list", "chat"];
    assert_eq!(lines.len(), verbs.len(), "{lines:?}");
    for (index, (line, verb)) in lines.iter().zip(verbs).enumerate() {
        assert!(format!("{line} ").contains(&format!(" {verb} ")), "{line}");
        // Without this, a mirror runs until it is stopped.
        let once = if verb == "mirror" { " --once" } else { "" };
        let before = export.filter(|_| (1..4).contains(&index)).unwrap_or(":");
        let done = streamer.shell(&format!("{before}\n{line}{once}")).await;
        assert_eq!(done.code, 0, "{line} {done:?}");
        match verb {
            "mirror" => assert_eq!(
                tree(&streamer.world.path().join("it's mine-copy")),
                tree(&streamer.dir)
            ),
            "clone" => fs::write(streamer.world.path().join("it's mine-bob/a"), "2").unwrap(),
            "pulls list" => assert!(done.out.contains("bob: What it changes"), "{done:?}"),
            _ => {}
        }
    }
    // In the folder no flag is needed.
    for words in [&["pulls", "list"][..], &["status"]] {
        let mut inside = command(words);
        inside.current_dir(&streamer.dir);
        let done = streamer.run(inside).await;
        assert_eq!(done.code, 0, "{done:?}");
        assert!(
            done.out.contains("bob") || done.out.contains("ana/demo"),
            "{done:?}"
        );
    }
    share.end(rustix::process::Signal::INT).await;
    assert_eq!(streamer.kept(), Vec::<PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_share_shows_neither_its_key_nor_the_streamers_token() {
    let streamer = Streamer::new();
    let mut share = streamer.share(&["--invite", "bob", "--show-invites", "--json"]);
    share.until("synced").await;
    let kept = streamer.own_file();
    assert_eq!(mode(&kept), 0o600);
    assert_eq!(mode(kept.parent().unwrap()), 0o700);
    let content: Value = serde_json::from_slice(&fs::read(&kept).unwrap()).unwrap();
    let own = content["share"]["token"].as_str().unwrap().to_owned();
    assert_eq!(claims(&own)["username"], "ana");
    assert_eq!(mode(Path::new(content["base"].as_str().unwrap())), 0o700);
    let process = format!("/proc/{}", share.id().as_raw_nonzero());
    let read = |name: &str| {
        let bytes = fs::read(format!("{process}/{name}")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let seen = [read("cmdline"), read("environ")].concat();
    assert!(seen.contains("--local"));
    assert!(tokens(&seen.replace('\0', " ")).is_empty(), "{seen}");
    for task in fs::read_dir(format!("{process}/task")).unwrap().flatten() {
        let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        assert_eq!(children, "", "no child can inherit anything");
    }
    let said = share.end(rustix::process::Signal::INT).await;
    assert!(!said.contains(&own));
    let shown = tokens(&said);
    assert_eq!(shown.len(), 3, "{said}");
    for token in &shown {
        let claims = claims(token);
        let rights = match claims["username"].as_str().unwrap() {
            "viewer" => json!(["read"]),
            "bob" => json!(["read", "chat", "propose"]),
            other => panic!("{other}"),
        };
        assert_eq!(claims["rights"], rights);
        assert_eq!(
            (&claims["streamername"], &claims["streamname"]),
            (&json!("ana"), &json!("demo"))
        );
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs();
        assert!(claims["exp"].as_u64().unwrap() <= now + 12 * 3_600);
    }
    let rest = shown
        .iter()
        .fold(said.clone(), |said, token| said.replace(token, ""));
    let mut runs = rest.split(|c: char| !c.is_ascii_hexdigit());
    assert!(runs.all(|run| run.len() < 64), "a key is longer: {rest}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guests_token_is_in_a_file_and_on_the_screen_only_where_that_is_asked_for() {
    for is_asked in [false, true] {
        let streamer = Streamer::new();
        let invite = ["--invite", "bob", "--invite", "eve"];
        let asked = ["--show-invites"];
        let more = [&invite[..], if is_asked { &asked } else { &[] }].concat();
        let mut share = streamer.share(&more);
        share.until("sent (").await;
        let said = share.said.clone();
        let names: Vec<_> = (tokens(&said).into_iter())
            .map(|token| claims(token)["username"].as_str().unwrap().to_owned())
            .collect();
        let expected: &[&str] = if is_asked {
            &["viewer", "viewer", "bob", "eve"]
        } else {
            // One is in the link, and one in the command for a terminal.
            &["viewer", "viewer"]
        };
        assert_eq!(names, expected, "{said}");
        for name in ["bob", "eve"] {
            let of = format!("    {name}: ");
            let lines: Vec<_> = said.lines().filter(|line| line.starts_with(&of)).collect();
            assert_eq!(lines.len(), 1, "{said}");
        }
        if !is_asked {
            let rest = said.lines().filter(|line| tokens(line).is_empty());
            // The folder's own path may have any length.
            let world = streamer.world.path().to_str().unwrap();
            let program = env!("CARGO_BIN_EXE_twicecast");
            for line in rest {
                let line = line.replace(world, "~").replace(program, "twicecast");
                assert!(line.chars().count() <= 80, "{line}");
            }
        }
        let kept = streamer.kept();
        let folder = kept.iter().find(|path| path.is_dir()).unwrap();
        assert_eq!(mode(folder), 0o700);
        for name in ["bob", "eve"] {
            let file = folder.join(name);
            assert_eq!(mode(&file), 0o600);
            let text = fs::read_to_string(file).unwrap();
            let [token] = tokens(&text)[..] else {
                panic!("{text}")
            };
            assert_eq!(claims(token)["username"], name);
            let rights = json!(["read", "chat", "propose"]);
            assert_eq!(claims(token)["rights"], rights);
        }
        share.end(rustix::process::Signal::INT).await;
        assert_eq!(streamer.kept(), Vec::<PathBuf>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_local_share_leaves_nothing_at_the_next_start() {
    let streamer = Streamer::new();
    let mut share = streamer.share(&["--invite", "bob"]);
    share.until("sent (").await;
    let kept = streamer.own_file();
    assert_eq!(streamer.kept().len(), 2);
    let content: Value = serde_json::from_slice(&fs::read(&kept).unwrap()).unwrap();
    let base = PathBuf::from(content["base"].as_str().unwrap());
    share.end(rustix::process::Signal::KILL).await;
    assert!(base.exists() && kept.exists());
    let mut inside = command(&["pulls", "list", "--user", "ana"]);
    inside.current_dir(&streamer.dir);
    let said = streamer.run(inside).await;
    assert!(said.code == 2 && said.err.contains("--token"), "{said:?}");
    let mut next = streamer.share(&[]);
    next.until("sent (").await;
    assert!(!base.exists() && !kept.exists());
    assert_eq!(streamer.kept().len(), 1);
    next.end(rustix::process::Signal::INT).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_shared_locally_only_once_at_a_time() {
    let streamer = Streamer::new();
    let mut share = streamer.share(&[]);
    share.until("sent (").await;
    let dir = streamer.dir.to_str().unwrap();
    let again = command(&["share", dir, "--local", "--user", "ana"]);
    let said = streamer.run(again).await;
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("stop that one first"), "{said:?}");
    assert!(said.err.contains("ws://127.0.0.1:"), "{said:?}");
    assert_eq!(streamer.kept().len(), 1);
    share.end(rustix::process::Signal::INT).await;
    let mut share = streamer.share(&[]);
    share.until("sent (").await;
    share.end(rustix::process::Signal::INT).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reads_a_local_share_without_a_token_unless_it_is_public() {
    for is_public in [false, true] {
        let streamer = Streamer::new();
        let mut share = streamer.share(if is_public { &["--public"] } else { &[] });
        share.until("sent (").await;
        assert_eq!(tokens(&share.said).is_empty(), is_public);
        let url = share
            .said
            .split_whitespace()
            .find(|word| word.starts_with("ws://"));
        let copy = streamer.world.path().join("copy");
        let words = [
            "mirror",
            copy.to_str().unwrap(),
            "--once",
            "--url",
            url.unwrap(),
        ];
        let names = ["--streamer", "ana", "--project", "demo"];
        let said = streamer.run(command(&[&words[..], &names].concat())).await;
        assert_eq!(said.code, if is_public { 0 } else { 3 }, "{said:?}");
        assert_eq!(copy.join("a").exists(), is_public);
        share.end(rustix::process::Signal::INT).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prepared_folder_does_not_lead_a_token_to_a_stranger() {
    let server = RealServer::start().await;
    let viewer = Streamer::new();
    let mut share = Share::start(&server.url(), &viewer.dir, &[]);
    share.until("synced").await;
    let copy = viewer.world.path().join("copy");
    let url = server.url();
    let run = |words: &[&str]| {
        let words = [words, &["--user", "bob", "--key", "secret"]].concat();
        viewer.run(command(&words))
    };
    let names = ["--streamer", "ana", "--project", "demo"];
    let at = copy.to_str().unwrap();
    let said = run(&[&["clone", at, "--url", &url][..], &names].concat()).await;
    assert_eq!(said.code, 0, "{said:?}");
    fs::write(copy.join("a"), "2").unwrap();
    // The user has named the server before, so the clone may name it.
    let said = run(&["propose", at, "--title", "t"]).await;
    assert_eq!(said.code, 0, "{said:?}");

    let stranger = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    stranger.set_nonblocking(true).unwrap();
    let theirs = format!("ws://{}", stranger.local_addr().unwrap());
    let record = copy.join(".twicecast-mirror");
    let mut prepared = 0;
    for entry in fs::read_dir(&record).unwrap().flatten() {
        let Ok(text) = fs::read_to_string(entry.path()) else {
            continue;
        };
        if text.contains(&url) {
            fs::write(entry.path(), text.replace(&url, &theirs)).unwrap();
            prepared += 1;
        }
    }
    assert_eq!(prepared, 1);
    let (propose, proposals) = (["propose", at, "--title", "t"], ["proposals", "--dir", at]);
    let said = run(&propose).await;
    assert_eq!(said.code, 2, "{said:?}");
    let here = |words: &[&str]| {
        let mut command = command(&[words, &["--user", "bob", "--key", "secret"]].concat());
        command.current_dir(&copy);
        viewer.run(command)
    };
    let everywhere = [
        said,
        run(&proposals).await,
        here(&["status"]).await,
        here(&["chat"]).await,
        here(&["update", "."]).await,
    ];
    for said in everywhere {
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.err.contains(&format!("--url {theirs}")), "{said:?}");
        let knocked = stranger.accept().map(|_| ());
        assert_eq!(knocked.unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    }
    let known = viewer.world.path().join("state/twicecast/known_servers");
    assert_eq!(mode(&known), 0o600);
    // The user's choice counts, and is reported if the folder has another.
    let mut by_variable = command(&[
        "propose", at, "--title", "t", "--user", "bob", "--key", "secret",
    ]);
    by_variable.env("TWICECAST_URL", &url);
    let said = viewer.run(by_variable).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.err.contains(&format!("TWICECAST_URL says {url}")),
        "{said:?}"
    );
    assert!(said.err.contains(&theirs), "{said:?}");
    share.stop().await;
}

fn token_for(seconds: i64) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let exp = now.checked_add_signed(seconds).unwrap();
    let claims =
        json!({"username": "bob", "streamername": "ana", "streamname": "demo", "exp": exp});
    let key = jsonwebtoken::EncodingKey::from_secret(b"secret");
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap()
}

#[tokio::test]
async fn a_token_that_ends_soon_or_has_ended_is_spoken_of_at_the_start() {
    let server = FakeServer::start(files(&[("/a", b"1")]), Faults::default()).await;
    let copy = tempfile::tempdir().unwrap();
    let ended = token_for(-60);
    let said = mirror_once(&server, copy.path(), &["--token", &ended]).await;
    assert!(
        said.code == 3 && said.err.contains("The token ended at"),
        "{said:?}"
    );
    assert!(!said.err.contains(&ended), "{said:?}");
    assert_eq!(server.connections(), 0);
    let said = mirror_once(&server, copy.path(), &["--token", &token_for(295)]).await;
    assert!(
        said.code == 0 && said.err.contains("for 5 more minutes"),
        "{said:?}"
    );
    let said = mirror_once(&server, copy.path(), &["--token", &token_for(3_600)]).await;
    assert!(said.code == 0 && said.err.is_empty(), "{said:?}");
}

#[tokio::test]
async fn a_sentence_about_the_wrong_user_says_what_they_cannot_do() {
    let server = FakeServer::start(Files::new(), Faults::default()).await;
    let dir = tempfile::tempdir().unwrap();
    let names = [
        "--user",
        "bob",
        "--streamer",
        "ana",
        "--project",
        "demo",
        "--key",
        "secret",
    ];
    let who = [&["--url", &server.url][..], &names].concat();
    for (words, what) in [
        (
            &["pulls", "list"][..],
            "can look at a project's pull requests",
        ),
        (
            &["share", dir.path().to_str().unwrap()],
            "can share a project",
        ),
    ] {
        let said = twicecast(&[words, &who].concat()).await;
        assert!(said.code == 2 && said.err.contains(what), "{said:?}");
    }
    assert_eq!(server.connections(), 0);
}
