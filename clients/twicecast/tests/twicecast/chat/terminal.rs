//! The same in a terminal: one that only this test holds.

use super::{FLAGS, words};
use crate::pty::Terminal;
use crate::room::Room;
use crate::support::command;

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
