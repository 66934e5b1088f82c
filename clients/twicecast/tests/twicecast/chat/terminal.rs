//! The same in a terminal: one that only this test holds.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use tokio::process::Child;
use tokio::sync::mpsc;

use super::{FLAGS, words};
use crate::room::Room;
use crate::support::command;

/// A chat in a terminal so wide that no line is broken.
struct Terminal {
    child: Child,
    keys: File,
    written: mpsc::UnboundedReceiver<Vec<u8>>,
    screen: String,
    /// Kept open, so that it can be looked at when the chat is over.
    line: OwnedFd,
}

impl Terminal {
    fn start(room: &Room) -> Self {
        let keys = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&keys).unwrap();
        unlockpt(&keys).unwrap();
        let path = PathBuf::from(ptsname(&keys, Vec::new()).unwrap().into_string().unwrap());
        let open = || File::options().read(true).write(true).open(&path).unwrap();
        let line = OwnedFd::from(open());
        let size = Winsize {
            ws_row: 20,
            ws_col: 300,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&line, size).unwrap();
        let child = command(&words(room, &FLAGS))
            .env("TZ", "UTC")
            .stdin(Stdio::from(open()))
            .stdout(Stdio::from(open()))
            .stderr(Stdio::from(open()))
            .spawn()
            .unwrap();
        let keys = File::from(keys);
        let mut screen = keys.try_clone().unwrap();
        let (sender, written) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4_096];
            while let Ok(count) = screen.read(&mut bytes) {
                if count == 0 || sender.send(bytes[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            keys,
            written,
            screen: String::new(),
            line,
        }
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until this was written, and forgets all up to there.
    async fn until(&mut self, text: &str) {
        loop {
            if let Some(at) = self.screen.find(text) {
                self.screen.drain(..at + text.len());
                return;
            }
            let next = tokio::time::timeout(Duration::from_secs(20), self.written.recv());
            let next = next.await;
            let bytes = next.unwrap_or_else(|_| panic!("no {text:?} in {:?}", self.screen));
            self.screen
                .push_str(&String::from_utf8(bytes.unwrap()).unwrap());
        }
    }

    fn is_raw(&self) -> bool {
        let modes = tcgetattr(&self.line).unwrap().local_modes;
        !modes.intersects(LocalModes::ICANON | LocalModes::ECHO)
    }

    async fn code(&mut self) -> Option<i32> {
        let end = tokio::time::timeout(Duration::from_secs(20), self.child.wait());
        end.await.expect("an end").unwrap().code()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_comes_while_one_types_leaves_the_line_whole() {
    let room = Room::open().await;
    let mut terminal = Terminal::start(&room);
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
        let mut terminal = Terminal::start(&room);
        terminal.until("-- here: ").await;
        terminal.press(end);
        assert_eq!(terminal.code().await, Some(0), "{end:?}");
        assert!(!terminal.is_raw());
    }
    let mut terminal = Terminal::start(&room);
    terminal.until("-- here: ").await;
    let id = terminal.child.id().unwrap().try_into().unwrap();
    let id = rustix::process::Pid::from_raw(id).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    assert_eq!(terminal.code().await, Some(0));
    assert!(!terminal.is_raw());

    room.with(|inside| inside.refuse_authentication = Some((401, "no")));
    let mut terminal = Terminal::start(&room);
    terminal.until("does not accept a token").await;
    assert_eq!(terminal.code().await, Some(3));
    assert!(!terminal.is_raw());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pasted_text_is_one_message_and_a_lost_connection_does_not_take_the_line() {
    let room = Room::open().await;
    let mut terminal = Terminal::start(&room);
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
    let mut terminal = Terminal::start(&room);
    terminal.until("-- here: ").await;
    terminal.press("one\rtwo\r\u{4}");
    terminal.until(" bob: one\r\n").await;
    terminal.until(" bob: two\r\n").await;
    assert_eq!(terminal.code().await, Some(0));
}
