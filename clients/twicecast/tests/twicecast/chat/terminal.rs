//! The chat in a terminal of the test's own.

use serde_json::json;

use super::{FLAGS, words};
use crate::pty::Terminal;
use crate::real::RealServer;
use crate::room::{Fate, Room};
use crate::support::{command, twicecast};

/// A chat in a terminal.
fn chat(room: &Room) -> Terminal {
    let mut chat = command(&words(room, &FLAGS));
    chat.env("TZ", "UTC");
    Terminal::run(chat)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_comes_while_one_types_leaves_the_line_whole() {
    let room = Room::open().await;
    let mut terminal = chat(&room);
    terminal.until("-- here: ").await;
    assert!(terminal.is_raw());
    terminal.press("hel");
    terminal.until("> hel").await;
    room.say("ana", "torn?");
    terminal.until("ana: torn?\r\n").await;
    terminal.until("> hel\u{1b}[6G").await;
    terminal.press("lo\u{1b}[D\u{7f}L\r");
    terminal.until(" bob: helLo\r\n").await;
    terminal.until("> \u{1b}[3G").await;
    terminal.press("/quit\r");
    assert_eq!(terminal.code().await, Some(0));
    assert!(!terminal.is_raw());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_terminal_is_as_before_however_it_ends() {
    let room = Room::open().await;
    for end in ["\u{3}", "\u{4}", "half a line\u{3}"] {
        let mut terminal = chat(&room);
        terminal.until("-- here: ").await;
        terminal.press(end);
        assert_eq!(terminal.code().await, Some(0), "{end:?}");
        assert!(!terminal.is_raw());
    }
    let mut terminal = chat(&room);
    terminal.until("-- here: ").await;
    terminal.signal(rustix::process::Signal::TERM);
    assert_eq!(terminal.code().await, Some(0));
    assert!(!terminal.is_raw());

    room.with(|inside| inside.refuse_authentication = Some((401, "no")));
    let mut terminal = chat(&room);
    terminal.until("does not accept a token").await;
    assert_eq!(terminal.code().await, Some(3));
    assert!(!terminal.is_raw());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pasted_text_is_one_message_and_a_lost_connection_does_not_take_the_line() {
    let room = Room::open().await;
    let mut terminal = chat(&room);
    terminal.until("-- here: ").await;
    terminal.press("\u{1b}[200~one\ntwo\u{1b}[201~\r");
    terminal.until(" bob: one two\r\n").await;
    terminal.press("half");
    terminal.until("> half").await;
    room.drop_all();
    terminal.until("Trying again in ").await;
    terminal.until("> half").await;
    terminal.press(" more\r");
    terminal
        .until("it will be sent when the connection is back")
        .await;
    terminal.until(" bob: half more\r\n").await;
    terminal.press("/nmaes\r");
    terminal.until("no such command").await;
    terminal.until("> /nmaes").await;
    terminal.press("\u{15}/help\r");
    terminal.until("/names  who is here").await;
    terminal.press("\u{4}");
    assert_eq!(terminal.code().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_words_of_somebody_who_leaves_are_heard() {
    let room = Room::open().await;
    let mut terminal = chat(&room);
    terminal.until("-- here: ").await;
    terminal.press("one\rtwo\r\u{4}");
    terminal.until(" bob: one\r\n").await;
    terminal.until(" bob: two\r\n").await;
    assert_eq!(terminal.code().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_z_gives_the_terminal_to_the_shell_and_fg_takes_it_again_with_the_line() {
    let room = Room::open().await;
    let mut terminal = Terminal::shell().await;
    let line = words(&room, &FLAGS).join(" ");
    terminal.press(&format!("twicecast {line}\r"));
    terminal.until("-- here: ").await;
    terminal.press("half");
    terminal.until("> half").await;
    terminal.press("\u{1a}");
    terminal.until("Stopped").await;
    terminal.until("ready$ ").await;
    assert!(!terminal.is_raw());
    terminal.press("echo shell\r");
    terminal.until("shell\r\n").await;
    terminal.press("fg\r");
    terminal.until("> half").await;
    assert!(terminal.is_raw());
    terminal.press(" more\r");
    terminal.until(" bob: half more\r\n").await;
    terminal.press("\u{4}");
    terminal.until("ready$ ").await;
    assert!(!terminal.is_raw());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_message_goes_from_the_screen_and_the_line_stays() {
    let room = Room::open().await;
    let mut terminal = chat(&room);
    terminal.until("-- here: ").await;
    room.say("eve", "filth");
    terminal.until("eve: filth\r\n").await;
    room.say("ana", "after it");
    terminal.until("ana: after it\r\n").await;
    terminal.press("half");
    terminal.until("> half").await;
    room.push(&json!({"code": 200, "type": "chatDeleted",
        "data": {"room": "ana/demo", "id": 1}}));
    // The message was two rows up; what came after it is drawn again.
    terminal.until("\u{1b}[2A\u{1b}[J").await;
    let drawn = terminal.until("> half").await;
    assert!(drawn.contains("ana: after it\r\n"), "{drawn:?}");
    terminal
        .until("A message of eve from 2001-09-09 01:46 was deleted.")
        .await;
    // A message that has scrolled away stays on the screen.
    for number in 0..30 {
        room.say("ana", &format!("line {number}"));
    }
    terminal.until("ana: line 29\r\n").await;
    room.push(&json!({"code": 200, "type": "chatDeleted",
        "data": {"room": "ana/demo", "id": 2}}));
    let told = terminal.until("A message of ana from").await;
    assert!(!told.contains("A\u{1b}[J"), "{told:?}");
    terminal.press("\u{4}");
    assert_eq!(terminal.code().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_comes_too_early_or_of_somebody_muted_is_kept_in_the_line() {
    let room = Room::open().await;
    room.with(|inside| {
        inside.fates = [
            Fate::Refused(429, json!({"retryAfter": 27})),
            Fate::Refused(401, json!({"until": 4_000_000_000_u64})),
        ]
        .into();
    });
    let mut terminal = chat(&room);
    terminal.until("-- here: ").await;
    terminal.press("too early\r");
    terminal.until("you may write again in 27 s").await;
    terminal.until("> too early").await;
    terminal.press("\r");
    terminal
        .until("you are muted in this room until 2096-10-02 07:06")
        .await;
    terminal.until("> too early").await;
    terminal.press("\r");
    terminal.until(" bob: too early\r\n").await;
    terminal.press("\u{4}");
    assert_eq!(terminal.code().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_moderate_is_offered_nothing_of_it() {
    let room = Room::open().await;
    let mut terminal = chat(&room);
    terminal.until("-- here: ").await;
    terminal.press("/help\r");
    terminal.until("Tab completes").await;
    terminal.press("/mute ana 10m\r");
    let told = terminal
        .until("Only the streamer and moderators can do this")
        .await;
    assert!(!told.contains("/ban"), "{told:?}");
    terminal.until("> /mute ana 10m").await;
    terminal.press("\u{15}/mute ana\r");
    terminal
        .until("/mute NAME 10m: who, and for how long")
        .await;
    terminal.press("\u{15}/na\t");
    terminal.until("> /names ").await;
    terminal.press("\u{4}");
    assert_eq!(terminal.code().await, Some(0));
}

/// A user in the room of ana's project on a real server.
async fn person(server: &RealServer, name: &str) -> Terminal {
    let url = server.url();
    let mut chat = command(&[
        "chat",
        "--url",
        &url,
        "--user",
        name,
        "--streamer",
        "ana",
        "--project",
        "demo",
        "--key",
        "secret",
    ]);
    chat.env("TZ", "UTC");
    let mut terminal = Terminal::run(chat);
    terminal.until("-- here: ").await;
    terminal
}

#[tokio::test(flavor = "multi_thread")]
async fn a_streamer_moderates_a_real_room_from_the_terminal() {
    let server = RealServer::start().await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a"), "x").unwrap();
    let (url, path) = (server.url(), folder.path().to_str().unwrap());
    let pushed = twicecast(&[
        "share",
        path,
        "--once",
        "--url",
        &url,
        "--user",
        "ana",
        "--project",
        "demo",
        "--key",
        "secret",
    ])
    .await;
    assert_eq!(pushed.code, 0, "{pushed:?}");
    let mut ana = person(&server, "ana").await;
    let mut bob = person(&server, "bob").await;
    let mut pat = person(&server, "pat").await;

    ana.press("/help\r");
    ana.until("/moderation ").await;
    bob.press("filth\r");
    ana.until("#1 ").await;
    pat.until("bob: filth\r\n").await;
    ana.press("/delete bob\r");
    pat.until("\u{1b}[1A\u{1b}[J").await;
    pat.until("A message of bob from").await;
    ana.until("A message of bob from").await;

    ana.press("/mu\tbo\t10m\r");
    ana.until("bob is muted until ").await;
    bob.until("A moderator has muted you until ").await;
    bob.press("more filth\r");
    bob.until("you are muted in this room until ").await;
    bob.until("> more filth").await;

    ana.press("/slow 30s\r");
    pat.until("Slow mode: everybody but the moderators writes once in 30 s.")
        .await;
    pat.press("once\r");
    ana.until("pat: once\r\n").await;
    pat.press("twice\r");
    pat.until("you may write again in ").await;
    pat.until("> twice").await;
    ana.press("/announce at eight\r");
    pat.until("*** ana announces: at eight ***").await;
    ana.until("*** ana announces: at eight ***").await;

    ana.press("/ban bob\r");
    bob.until("A moderator has banned you from this room").await;
    assert_eq!(bob.code().await, Some(3));
    ana.until("bob is banned.").await;
    ana.press("/moderation\r");
    ana.until("bob is banned for good (by ana).").await;
    ana.until("ana: ban bob").await;
    ana.press("/unb\tb\t\r");
    ana.until("bob may come back.").await;
    ana.press("/unban bob\r");
    ana.until("bob was not banned.").await;
    for terminal in [&mut ana, &mut pat] {
        terminal.press("\u{3}");
        assert_eq!(terminal.code().await, Some(0));
    }
}
