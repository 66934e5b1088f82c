//! Keys, questions and Ctrl-C, as at a terminal.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use tokio::process::Command;

use crate::pty::Terminal;
use crate::real::eventually;
use crate::support::{FakeServer, Faults, Files, command, files, mirror_once, write};

/// Longer than anybody would wait for the end of a command.
const PATIENCE: Duration = Duration::from_secs(3);

/// A size that takes hours to read, but no space on disk.
const LONG: u64 = 1 << 40;

fn words<'a>(server: &'a FakeServer, verb: &'a str, dir: &'a Path) -> Vec<&'a str> {
    let dir = dir.to_str().unwrap();
    let words = [verb, dir, "--url", &server.url, "--project", "demo"];
    let more = match verb {
        "share" => ["--user", "ana", "--key", "secret"].as_slice(),
        _ => &["--streamer", "ana"],
    };
    [&words, more].concat()
}

fn sharing(server: &FakeServer, dir: &Path, more: &[&str]) -> Command {
    command(&[&words(server, "share", dir), more].concat())
}

fn seven() -> Files {
    let all = (0..7).map(|number| (format!("/{number}"), vec![b'x']));
    all.collect()
}

/// Whether a process with this folder on its command line has read so much that it must be in the
/// middle of a long file.
fn is_reading(dir: &Path) -> bool {
    let dir = dir.as_os_str().as_encoded_bytes();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes.map(|process| process.path()).any(|process| {
        let words = std::fs::read(process.join("cmdline")).unwrap_or_default();
        let is_ours = words.split(|byte| *byte == 0).any(|word| word == dir);
        let read = std::fs::read_to_string(process.join("io")).unwrap_or_default();
        let bytes = read.lines().find_map(|line| line.strip_prefix("rchar: "));
        is_ours && bytes.is_some_and(|bytes| bytes.parse::<u64>().unwrap() > 16 << 20)
    })
}

/// A folder with a file that takes hours to read, and a server that has a file of the same size,
/// and another one that a share would delete.
async fn long() -> (tempfile::TempDir, FakeServer) {
    let dir = tempfile::tempdir().unwrap();
    let file = File::create(dir.path().join("long")).unwrap();
    file.set_len(LONG).unwrap();
    let faults = Faults {
        overstated: [("/long".to_owned(), LONG)].into(),
        ..Faults::default()
    };
    let all = files(&[("/long", b"x"), ("/gone", b"y"), ("/z", b"z")]);
    write(dir.path(), &files(&[("/z", b"a")]));
    (dir, FakeServer::start(all, faults).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_and_q_end_what_reads_a_long_file_at_once_and_nothing_comes_of_it() {
    for (more, key, said) in [
        (["--yes"].as_slice(), "\u{3}", "stopped"),
        (&["--yes"], "q", "stopped"),
        (&["--yes", "--once"], "q", "Stopped before all was sent"),
        (&["--dry-run"], "\u{3}", "nothing was sent or deleted"),
        (&["--dry-run"], "q", "nothing was sent or deleted"),
    ] {
        let (dir, server) = long().await;
        let before = server.files();
        let mut terminal = Terminal::shell().await;
        let line = words(&server, "share", dir.path()).join(" ");
        terminal.press(&format!("twicecast {line} {}\r", more.join(" ")));
        eventually("it reads", || is_reading(dir.path())).await;
        let pressed = Instant::now();
        terminal.press(key);
        terminal.until(said).await;
        terminal.until("ready$ ").await;
        let took = pressed.elapsed();
        println!("{more:?} {key:?}: {took:?}");
        assert!(took < PATIENCE, "{more:?} {key:?}: {took:?}");
        assert_eq!(server.files(), before);
        assert!(!terminal.is_raw());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_ends_a_mirror_that_reads_a_long_file_and_the_file_stays() {
    let dir = tempfile::tempdir().unwrap();
    let server = FakeServer::start(files(&[("/long", b"x")]), Faults::default()).await;
    assert_eq!(mirror_once(&server, dir.path(), &[]).await.code, 0);
    let path = dir.path().join("long");
    let file = File::options().write(true).open(&path).unwrap();
    file.set_len(LONG).unwrap();
    let mut terminal = Terminal::shell().await;
    let line = words(&server, "mirror", dir.path()).join(" ");
    terminal.press(&format!("twicecast {line}; echo code $?\r"));
    eventually("it reads", || is_reading(dir.path())).await;
    let pressed = Instant::now();
    terminal.press("\u{3}");
    terminal.until("stopped").await;
    // A file that was not read to its end does not count as failed.
    terminal.until("code 0").await;
    assert!(pressed.elapsed() < PATIENCE);
    assert_eq!(std::fs::metadata(&path).unwrap().len(), LONG);
}

#[tokio::test(flavor = "multi_thread")]
async fn shares_question_is_answered_only_by_what_is_typed_after_it() {
    for (answer, said, left) in [
        ("y\r", "deleted", 0),
        ("n\r", "nothing was sent or deleted", 7),
        ("\r", "nothing was sent or deleted", 7),
        ("\u{3}", "nothing was sent or deleted", 7),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let server = FakeServer::start(seven(), Faults::default()).await;
        let mut terminal = Terminal::shell().await;
        let line = words(&server, "share", dir.path()).join(" ");
        // This is typed before the question appears.
        terminal.press(&format!("twicecast {line}; echo code $?\ry\r"));
        terminal.until("Go on? [y/N] ").await;
        assert!(!terminal.is_raw(), "what is typed is shown");
        assert_eq!(server.files().len(), 7);
        terminal.press(answer);
        terminal.until(said).await;
        eventually("it is as was said", || server.files().len() == left).await;
        if left == 0 {
            eventually("keys are listened to again", || terminal.is_raw()).await;
            terminal.press("q");
            terminal.until("code 0").await;
        } else {
            terminal.until("code 2").await;
        }
        terminal.until("ready$ ").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_terminal_to_answer_at_share_stops_at_its_question() {
    let dir = tempfile::tempdir().unwrap();
    let server = FakeServer::start(seven(), Faults::default()).await;
    let said = sharing(&server, dir.path(), &[]).output().await.unwrap();
    assert_eq!(said.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&said.stderr).contains("--yes"));
    assert_eq!(server.files().len(), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_is_stopped_by_ctrl_z_goes_on_in_the_background_and_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let server = FakeServer::start(Files::new(), Faults::default()).await;
    let mut terminal = Terminal::shell().await;
    let line = words(&server, "share", dir.path()).join(" ");
    let add = |name: &str| std::fs::write(dir.path().join(name), "x").unwrap();
    terminal.press(&format!("twicecast {line}\r"));
    eventually("keys are listened to", || terminal.is_raw()).await;
    add("first");
    terminal.until("/first").await;

    terminal.press("\u{1a}");
    terminal.until("Stopped").await;
    terminal.until("ready$ ").await;
    assert!(!terminal.is_raw(), "the shell has its terminal as it was");
    add("second");
    terminal.press("echo still\\ here\r");
    terminal.until("still here\r\n").await;
    assert_eq!(process(dir.path())[0], "T", "it has really stopped");
    assert!(!server.files().contains_key("/second"));

    terminal.press("bg\r");
    eventually("it goes on", || server.files().contains_key("/second")).await;
    // In the background, keys belong to the shell: this key would end a share.
    terminal.press("q\u{7f}echo typed\r");
    terminal.until("typed\r\n").await;
    assert!(!terminal.is_raw());
    let before = processor_time(dir.path());
    add("third");
    eventually("it is not stopped", || {
        server.files().contains_key("/third")
    })
    .await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let spent = processor_time(dir.path()) - before;
    assert!(
        spent < 50,
        "it does not turn in a circle: {spent} of 100 ticks"
    );

    terminal.press("fg\r");
    eventually("keys are listened to again", || terminal.is_raw()).await;
    terminal.press("q");
    terminal.until("stopped").await;
    terminal.until("ready$ ").await;
    assert!(!terminal.is_raw());
    // A share that is started in the background behaves in the same way.
    terminal.press(&format!("twicecast {line} &\r"));
    add("fourth");
    eventually("it shares", || server.files().contains_key("/fourth")).await;
    terminal.press("fg\r");
    eventually("keys are listened to", || terminal.is_raw()).await;
    terminal.press("q");
    terminal.until("stopped").await;
    terminal.until("ready$ ").await;
}

/// The system's status fields of the process with this folder, from the state on.
fn process(dir: &Path) -> Vec<String> {
    let dir = dir.as_os_str().as_encoded_bytes();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let mut ours = processes.map(|process| process.path()).filter(|process| {
        let words = std::fs::read(process.join("cmdline")).unwrap_or_default();
        words.split(|byte| *byte == 0).any(|word| word == dir)
    });
    let process = ours.next().expect("it is there");
    let stat = std::fs::read_to_string(process.join("stat")).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    fields.split(' ').map(str::to_owned).collect()
}

/// The processor time that it has used, in the system's ticks.
fn processor_time(dir: &Path) -> u64 {
    let spent = process(dir).into_iter().skip(11).take(2);
    spent.map(|ticks| ticks.parse::<u64>().unwrap()).sum()
}
