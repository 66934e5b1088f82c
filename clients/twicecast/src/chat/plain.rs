//! The room without a terminal: lines in, lines out.

use std::io::{BufRead, Read as _};

use tokio::sync::mpsc;
use twicecast_client::untrusted::shown;

use crate::chat::commands::Wish;
use crate::chat::conversation::MESSAGE_BYTES_MAX;
use crate::chat::ui::Ui;
use crate::ui::output::{say, warn};

const WAITING_MAX: usize = 16;
/// So much of a refused message is shown, to identify it.
const SHOWN_CHARACTERS: usize = 80;

/// Standard input and output.
#[derive(Debug)]
pub struct Plain {
    lines: mpsc::Receiver<Wish>,
}

impl Plain {
    /// Begins to read the standard input.
    pub fn open() -> Self {
        let (sender, lines) = mpsc::channel(WAITING_MAX);
        // This has a thread of its own because it may still wait for a line when everything else
        // has ended; nobody waits for it.
        std::thread::spawn(move || {
            read_lines(std::io::stdin().lock(), |wish| {
                sender.blocking_send(wish).is_ok()
            });
        });
        Self { lines }
    }
}

impl Ui for Plain {
    const HAS_LINE: bool = false;

    async fn next(&mut self) -> Wish {
        self.lines.recv().await.unwrap_or(Wish::End)
    }

    fn show(&mut self, line: &str) {
        say(line);
    }

    fn tell(&mut self, sentence: &str) {
        warn(sentence);
    }

    fn give_back(&mut self, text: &str) {
        let beginning: String = text.chars().take(SHOWN_CHARACTERS).collect();
        let more = if beginning.len() < text.len() {
            "…"
        } else {
            ""
        };
        warn(&format!("It was: {}{more}", shown(&beginning)));
    }
}

/// Hands over each line as a message, as long as somebody takes them. If a line is too long to be a
/// message, only so much of it is ever held in memory.
fn read_lines(mut input: impl BufRead, mut hand_over: impl FnMut(Wish) -> bool) {
    let mut line = Vec::new();
    loop {
        line.clear();
        // This leaves room for the end of the line.
        let mut beginning = input.by_ref().take(MESSAGE_BYTES_MAX as u64 + 2);
        match beginning.read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) if beginning.limit() == 0 && !line.ends_with(b"\n") => {
                if input.skip_until(b'\n').is_err()
                    || !hand_over(Wish::Unfit("Not sent: more than 256 KiB are no message."))
                {
                    return;
                }
                continue;
            }
            Ok(_) => {}
        }
        let Some(wish) = wish(&line) else { continue };
        if !hand_over(wish) {
            return;
        }
    }
}

fn wish(line: &[u8]) -> Option<Wish> {
    let Ok(text) = std::str::from_utf8(line) else {
        return Some(Wish::Unfit("Not sent: a line that is not UTF-8."));
    };
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    (!text.is_empty()).then(|| Wish::Say(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_that_is_not_empty_is_a_message_also_one_that_begins_with_a_slash() {
        let mut wishes = Vec::new();
        read_lines(&b"hi\r\n\n/quit\n\xff\nlast"[..], |wish| {
            wishes.push(wish);
            true
        });
        let say = |text: &str| Wish::Say(text.to_owned());
        assert_eq!(
            wishes,
            [
                say("hi"),
                say("/quit"),
                Wish::Unfit("Not sent: a line that is not UTF-8."),
                say("last")
            ]
        );
    }

    #[test]
    fn a_line_that_is_no_message_is_refused_and_never_held_whole() {
        let endless = std::io::repeat(b'x').take(1 << 26);
        let after = &b"\nhi\n"[..];
        let mut wishes = Vec::new();
        read_lines(std::io::BufReader::new(endless.chain(after)), |wish| {
            wishes.push(wish);
            true
        });
        let refused = Wish::Unfit("Not sent: more than 256 KiB are no message.");
        assert_eq!(wishes, [refused, Wish::Say("hi".to_owned())]);
    }
}
