//! A clone over time: it is brought up to date, proposes changes, and so on.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::{Value, json};

use super::world::{TEXT, World};
use crate::real::{Wire, eventually};
use crate::support::{Files, Said, exit_code, files, set_mode, tree, twicecast, write};

fn text(changes: &[(&str, &str)]) -> Vec<u8> {
    let text = String::from_utf8(TEXT.to_vec()).unwrap();
    let all = changes.iter();
    let text = all.fold(text, |text, (from, to)| text.replace(from, to));
    text.into_bytes()
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).unwrap().permissions().mode() & 0o100 != 0
}

impl World {
    /// Saves files as the streamer, and waits until the server has them.
    async fn streamer_saves(&self, saved: &[(&str, &[u8])]) {
        let saved = files(saved);
        write(self.dir.path(), &saved);
        self.until_project(|project| saved.iter().all(|(name, it)| project.get(name) == Some(it)))
            .await;
    }

    async fn streamer_deletes(&self, name: &str) {
        fs::remove_file(self.dir.path().join(&name[1..])).unwrap();
        self.until_project(|project| !project.contains_key(name))
            .await;
    }

    async fn until_project(&self, wanted: impl Fn(&Files) -> bool) {
        let project = self.server.base.path().join("ana/demo");
        eventually("the server has it", || wanted(&tree(&project))).await;
    }

    async fn update(&self) -> Said {
        self.viewer("update", &[]).await
    }

    /// Proposes, and returns what the streamer is told about it.
    async fn proposed(&self) -> Value {
        let id = self.propose().await;
        let listed = self.pulls(&["list", "--json"]).await;
        let pull = listed.out.lines().last().unwrap();
        let mut pull: Value = serde_json::from_str(pull).unwrap();
        pull["id"] = json!(id);
        pull
    }

    async fn apply(&self, pull: &Value) {
        let said = self.pulls(&["apply", pull["id"].as_str().unwrap()]).await;
        assert_eq!(said.code, 0, "{said:?}");
        let ours = tree(self.dir.path());
        self.until_project(|project| *project == ours).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_grew_out_of_a_merged_proposal_conflicts_neither_there_nor_here() {
    let world = World::new(&files(&[("/a", TEXT), ("/b", TEXT)])).await;
    let copy = |name: &str| world.copy.path().join(name);
    let once = text(&[("two", "TWO")]);
    fs::write(copy("a"), &once).unwrap();
    fs::write(copy("b"), &once).unwrap();
    let first = world.proposed().await;
    // The proposed lines themselves are edited further, before and after they are merged.
    let twice = text(&[("two", "TWO AND MORE")]);
    fs::write(copy("a"), &twice).unwrap();
    fs::write(copy("b"), &twice).unwrap();
    world.apply(&first).await;
    let gone_on = text(&[("two", "TWO"), ("six", "SIX")]);
    let said = world.update().await;
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(tree(world.copy.path())["/a"], twice);
    let second = world.proposed().await;
    assert_eq!(second["files"], json!(["/a", "/b"]));
    world.streamer_saves(&[("/b", &gone_on)]).await;
    world.apply(&second).await;
    let now = tree(world.dir.path());
    assert_eq!(now["/a"], twice);
    assert_eq!(now["/b"], text(&[("two", "TWO AND MORE"), ("six", "SIX")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_that_nobody_has_solved_is_not_proposed() {
    let world = World::new(&files(&[("/a", TEXT)])).await;
    fs::write(world.copy.path().join("a"), text(&[("two", "mine")])).unwrap();
    world
        .streamer_saves(&[("/a", &text(&[("two", "theirs")]))])
        .await;
    assert_eq!(world.update().await.code, 1);
    let said = world.viewer("propose", &["--title", "t"]).await;
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("/a: holds a conflict"), "{said:?}");
    assert_eq!(world.open_pulls().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_rounds_of_update_and_propose_lose_nothing_and_propose_nothing_twice() {
    let before = files(&[
        ("/a", TEXT),
        ("/b", TEXT),
        ("/old", b"old\n"),
        ("/c", b"c\n"),
    ]);
    let world = World::new(&before).await;
    let copy = |name: &str| world.copy.path().join(name);

    // Round one: both edit the same file, and the viewer renames another.
    fs::write(copy("a"), text(&[("two", "TWO")])).unwrap();
    fs::rename(copy("old"), copy("new")).unwrap();
    world
        .streamer_saves(&[("/a", &text(&[("six", "SIX")])), ("/b", b"b\n")])
        .await;
    let said = world.update().await;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.out.contains("/a: merged") && said.out.contains("1 (/b) updated"),
        "{said:?}"
    );
    let both = text(&[("two", "TWO"), ("six", "SIX")]);
    assert_eq!(
        tree(world.copy.path()),
        files(&[
            ("/a", &both),
            ("/b", b"b\n"),
            ("/new", b"old\n"),
            ("/c", b"c\n")
        ])
    );
    let pull = world.proposed().await;
    assert_eq!(pull["files"], json!(["/a", "/new"]));
    assert_eq!(pull["deleted"], json!(["/old"]));
    // The proposal is still open, so the change is not proposed again.
    let said = world.viewer("propose", &["--title", "Again"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("nothing to propose"), "{said:?}");
    assert_eq!(world.open_pulls().await, 1);
    world.apply(&pull).await;
    // The proposal is merged, so the change is not proposed again either, updated or not.
    let said = world.viewer("propose", &["--title", "Again"]).await;
    assert!(said.out.contains("nothing to propose"), "{said:?}");
    assert_eq!(world.open_pulls().await, 0);

    // Round two: the streamer has edited lines next to the merged ones.
    let gone_on = text(&[("two", "TWO"), ("six", "SIX"), ("three", "THREE")]);
    world.streamer_saves(&[("/a", &gone_on)]).await;
    fs::write(
        copy("a"),
        text(&[("two", "TWO"), ("six", "SIX"), ("seven", "SEVEN")]),
    )
    .unwrap();
    let said = world.update().await;
    assert_eq!(said.code, 0, "{said:?}");
    let pull = world.proposed().await;
    assert_eq!(
        (&pull["files"], &pull["deleted"]),
        (&json!(["/a"]), &json!([]))
    );
    world.apply(&pull).await;
    let all = text(&[
        ("two", "TWO"),
        ("six", "SIX"),
        ("three", "THREE"),
        ("seven", "SEVEN"),
    ]);
    let after = files(&[
        ("/a", &all),
        ("/b", b"b\n"),
        ("/new", b"old\n"),
        ("/c", b"c\n"),
    ]);
    assert_eq!(tree(world.dir.path()), after);
    let said = world.update().await;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("nothing new"), "{said:?}");
    assert_eq!(tree(world.copy.path()), after);
    let said = world.viewer("propose", &["--title", "Again"]).await;
    assert!(said.out.contains("nothing differs"), "{said:?}");
    world.share.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conflicts_are_named_and_neither_side_is_lost() {
    let before = files(&[
        ("/crlf", b"one\r\ntwo\r\n"),
        ("/picture", b"\0\x01"),
        ("/untouched", b"\0\x01"),
        ("/edited", b"1\n"),
        ("/unedited", b"1\n"),
        ("/deleted", b"1\n"),
    ]);
    let world = World::new(&before).await;
    let copy = |name: &str| world.copy.path().join(name);
    fs::write(copy("crlf"), "one\r\nmine\r\n").unwrap();
    fs::write(copy("picture"), b"\0\x02").unwrap();
    fs::write(copy("edited"), "mine\n").unwrap();
    fs::write(copy("both"), "mine\n").unwrap();
    fs::remove_file(copy("deleted")).unwrap();
    world
        .streamer_saves(&[
            ("/crlf", b"one\r\ntheirs\r\n"),
            ("/picture", b"\0\x03"),
            ("/untouched", b"\0\x03"),
            ("/deleted", b"2\n"),
            ("/both", b"theirs\n"),
        ])
        .await;
    world.streamer_deletes("/edited").await;
    world.streamer_deletes("/unedited").await;
    let dry = world.viewer("update", &["--dry-run"]).await;
    assert!(dry.out.contains("to merge  /crlf"), "{dry:?}");
    let said = world.update().await;
    assert_eq!(said.code, 1, "{said:?}");
    for name in ["/crlf", "/picture", "/edited", "/both", "/deleted"] {
        assert!(
            said.out.contains(&format!("{name}: CONFLICT")),
            "{name}: {said:?}"
        );
    }
    let now = tree(world.copy.path());
    let holds = |name: &str, text: &str| String::from_utf8_lossy(&now[name]).contains(text);
    for name in ["/crlf", "/both"] {
        assert!(holds(name, "mine") && holds(name, "theirs") && holds(name, ">>>>>>>"));
    }
    assert_eq!(
        (&now["/picture"][..], &now["/untouched"][..]),
        (&b"\0\x02"[..], &b"\0\x03"[..])
    );
    assert_eq!(
        (&now["/edited"][..], &now["/deleted"][..]),
        (&b"mine\n"[..], &b"2\n"[..])
    );
    assert!(!now.contains_key("/unedited"));
    let aside = said.out.split("the project's is ").nth(1).unwrap();
    assert_eq!(fs::read(aside.lines().next().unwrap()).unwrap(), b"\0\x03");
    let kept = World::kept(&said);
    for (name, content) in [
        ("/crlf", &b"one\r\nmine\r\n"[..]),
        ("/both", b"mine\n"),
        ("/unedited", b"1\n"),
        ("/untouched", b"\0\x01"),
    ] {
        assert_eq!(kept[name], content, "{name}");
    }
    // What was merged is only said once. If a file could not be merged, its base has not moved;
    // otherwise the streamer's version would seem to be one that the viewer has seen and replaced.
    let again = world.update().await;
    assert_eq!(again.out.matches("CONFLICT").count(), 1, "{again:?}");
    assert!(again.out.contains("/picture: CONFLICT"), "{again:?}");
    fs::write(copy("crlf"), "one\r\nsolved\r\n").unwrap();
    fs::write(copy("both"), "solved\n").unwrap();
    let pull = world.proposed().await;
    assert_eq!(
        pull["files"],
        json!(["/both", "/crlf", "/edited", "/picture"])
    );
    let base = |content: &[u8]| json!(crate::support::sha256(content));
    assert_eq!(pull["bases"]["/crlf"], base(b"one\r\ntheirs\r\n"));
    assert_eq!(pull["bases"]["/picture"], base(b"\0\x01"));
    fs::write(copy("picture"), b"\0\x03").unwrap();
    assert_eq!(world.update().await.code, 0);
    world.share.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hash_of_what_came_is_the_base_and_deletions_carry_theirs() {
    let world = World::new(&files(&[("/a", b"1"), ("/b", b"1"), ("/c", b"1")])).await;
    let wire = Wire::to(&world.server).await;
    fs::rename(
        world.copy.path().join("a"),
        world.copy.path().join("renamed"),
    )
    .unwrap();
    fs::write(world.copy.path().join("b"), "2").unwrap();
    fs::write(world.copy.path().join("c"), "2").unwrap();
    world.streamer_saves(&[("/c", b"3")]).await;
    let copy = world.copy.path().to_str().unwrap();
    let url = wire.url();
    let words = [
        "propose", copy, "--title", "t", "--user", "bob", "--key", "secret",
    ];
    let more = ["--url", &url, "--files", "a", "renamed", "c"];
    let said = twicecast(&[&words[..], &more].concat()).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.err.contains("twicecast update"),
        "it offers that: {said:?}"
    );
    let hash = json!(crate::support::sha256(b"1"));
    let sent: Vec<Value> = wire.messages();
    let of = |verb: &str, name: &str| {
        let is_it =
            |message: &&Value| message["subtype"] == verb && message["data"]["name"] == name;
        sent.iter()
            .find(is_it)
            .map(|message| message["data"]["base"].clone())
    };
    assert_eq!(of("delete", "/a"), Some(hash.clone()));
    assert_eq!(of("post", "/renamed"), Some(Value::Null));
    assert_eq!(of("post", "/c"), Some(hash));
    assert_eq!(of("post", "/b"), None, "--files does not name it");
    let said = twicecast(&[&words[..], &["--url", &url, "--files", "nothing"]].concat()).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.out.contains("nothing to propose of the files"),
        "{said:?}"
    );
    world.share.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_terminal_it_is_asked_whether_to_merge_first() {
    let world = World::new(&files(&[("/a", TEXT)])).await;
    let copy = world.copy.path().join("a");
    for (answer, merges, line, round) in [("n\n", false, "seven", "7"), ("\n", true, "six", "6")] {
        let before = String::from_utf8(fs::read(world.dir.path().join("a")).unwrap()).unwrap();
        let theirs = before.replace(line, round);
        world.streamer_saves(&[("/a", theirs.as_bytes())]).await;
        fs::write(&copy, text(&[("two", "TWO")])).unwrap();
        let terminal = Terminal::new();
        let path = world.copy.path().to_str().unwrap();
        let words = [
            "propose", path, "--title", "t", "--user", "bob", "--key", "secret",
        ];
        let mut child = terminal.run(&words);
        terminal
            .until("Merge that with your changes first? [Y/n]")
            .await;
        terminal.press(answer);
        assert_eq!(exit_code(&mut child).await, 0, "{}", terminal.screen());
        let now = String::from_utf8(fs::read(&copy).unwrap()).unwrap();
        assert_eq!(now.contains(round), merges, "{now}");
        assert!(now.contains("TWO"), "{now}");
    }
    world.share.stop().await;
}

/// A terminal of the test's own.
struct Terminal {
    keys: fs::File,
    path: std::path::PathBuf,
    screen: std::sync::Arc<std::sync::Mutex<String>>,
    /// Kept open, so that the output can be read to its end.
    _line: fs::File,
}

impl Terminal {
    fn new() -> Self {
        use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
        use std::io::Read as _;
        let keys = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&keys).unwrap();
        unlockpt(&keys).unwrap();
        let path = ptsname(&keys, Vec::new()).unwrap().into_string().unwrap();
        let keys = fs::File::from(keys);
        let mut reading = keys.try_clone().unwrap();
        let screen = std::sync::Arc::<std::sync::Mutex<String>>::default();
        let written = std::sync::Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut bytes = [0; 4_096];
            while let Ok(count @ 1..) = reading.read(&mut bytes) {
                let text = String::from_utf8_lossy(&bytes[..count]);
                written.lock().unwrap().push_str(&text);
            }
        });
        let line = fs::File::options()
            .read(true)
            .write(true)
            .open(&path)
            .unwrap();
        Self {
            keys,
            path: path.into(),
            screen,
            _line: line,
        }
    }

    fn run(&self, words: &[&str]) -> tokio::process::Child {
        let open = || fs::File::options().read(true).write(true).open(&self.path);
        let mut command = crate::support::command(words);
        command
            .stdin(open().unwrap())
            .stdout(open().unwrap())
            .stderr(open().unwrap());
        command.spawn().unwrap()
    }

    fn press(&self, keys: &str) {
        use std::io::Write as _;
        (&self.keys).write_all(keys.as_bytes()).unwrap();
    }

    fn screen(&self) -> String {
        self.screen.lock().unwrap().clone()
    }

    async fn until(&self, text: &str) {
        eventually(text, || self.screen().contains(text)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_executable_bit_is_cloned_proposed_alone_and_merged_three_ways() {
    let world = World::new(&files(&[("/run", b"run\n"), ("/tool", b"tool\n")])).await;
    let copy = |name: &str| world.copy.path().join(name);
    set_mode(&copy("run"), 0o700);
    let dry = world
        .viewer("propose", &["--title", "t", "--dry-run"])
        .await;
    assert!(
        dry.out.contains("changed  /run  made executable"),
        "{dry:?}"
    );
    let pull = world.proposed().await;
    assert_eq!(pull["files"], json!(["/run"]));
    // When the streamer changes the content, the viewer's bit stays.
    world.streamer_saves(&[("/run", b"run faster\n")]).await;
    let said = world.update().await;
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(fs::read(copy("run")).unwrap(), b"run faster\n");
    assert!(is_executable(&copy("run")));
    assert_eq!(
        fs::metadata(copy("run")).unwrap().permissions().mode() & 0o777,
        0o700
    );
    // The streamer's bit arrives on its own, and is removed again.
    let stored = world.server.base.path().join("ana/demo/tool");
    for mode in [0o755, 0o644] {
        set_mode(&world.dir.path().join("tool"), mode);
        let wanted = mode == 0o755;
        eventually("the server has the bit", || {
            is_executable(&stored) == wanted
        })
        .await;
        assert_eq!(world.update().await.code, 0);
        assert_eq!(is_executable(&copy("tool")), wanted);
    }
    assert_eq!(fs::read(copy("tool")).unwrap(), b"tool\n");
    world.share.stop().await;
}
